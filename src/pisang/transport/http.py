"""The exchange over the network: the only module that makes connections with aiohttp.

What is done otherwise than aiohttp does by itself, and what was seen that made it so, is in
docs/decisions/0003-http-client.md: redirects are answers, nothing is decoded behind our back, an
idle connection is used again for 2 s at most and only if nothing came on it meanwhile, and a body
ends when its connection does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from pisang.errors import PisangError
from pisang.transport.base import Failure, Outgoing, Stream
from pisang.transport.connections import (
    Addresses,
    Mark,
    StaleConnection,
    end_with_connection,
    open_session,
)
from pisang.transport.failures import FOREIGN, failure_of
from pisang.transport.headers import incoming_headers, outgoing_headers, refused
from pisang.transport.proxy import Proxy, choose_proxy
from pisang.transport.received import IncomingBody, Received, late
from pisang.transport.upload import Upload
from pisang.transport.urls import target_of


class HttpTransport:
    """Exchanges over HTTP/1.1. One pool of connections for each event loop, made when first used.

    `environ` is where proxies and `SSL_CERT_FILE` are read (default: the process's own).
    `addresses` pins names: nothing else is looked up and no proxy is used. TLS is always verified.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._addresses = addresses
        self._sessions: dict[
            tuple[asyncio.AbstractEventLoop, Proxy | None], aiohttp.ClientSession
        ] = {}

    @asynccontextmanager
    async def exchange(self, call: Outgoing) -> AsyncIterator[Stream]:
        """Send once and give the answer as it comes. Raises `Failure`, on entering or iterating.

        Every refusal of ours (URL, header, proxy setting, unreadable body) comes before a
        connection is made and is `sent=False`. An iteration after leaving raises as well.
        """
        deadline = asyncio.get_running_loop().time() + call.deadline_s
        response = await self._request(call, deadline)
        try:
            headers = incoming_headers(response.raw_headers)
            with end_with_connection(response):
                read = _reader(response.content, sized="content-length" in headers)
                yield Received(
                    response.status, headers, IncomingBody(call, headers, deadline, read)
                )
        finally:
            response.close()

    async def close(self) -> None:
        """Close the connections of this event loop, and what loops that are gone have left."""
        here = asyncio.get_running_loop()
        for key in [key for key in self._sessions if key[0] is here or key[0].is_closed()]:
            await self._sessions.pop(key).close()

    async def _request(self, call: Outgoing, deadline: float) -> aiohttp.ClientResponse:
        """Everything up to the answer's header; only `Failure` comes out."""
        url = URL(target_of(call).geturl(), encoded=True)
        headers = outgoing_headers(call)
        proxy = self._proxy(call)
        session = self._session(proxy)
        upload = await Upload.begin(call)
        mark = Mark()
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    return await session.request(
                        call.method,
                        url,
                        headers=headers | _proxy_fields(url, proxy),
                        data=upload.chunks() if upload else None,
                        allow_redirects=False,
                        timeout=aiohttp.ClientTimeout(total=None, connect=call.connect_s),
                        proxy=proxy.url if proxy and not proxy.socks else None,
                        proxy_headers=_tunnel_fields(proxy),
                        trace_request_ctx=mark,
                    )
            except StaleConnection:
                if not mark.fresh:
                    continue  # the pool has one less now; nothing was written
                failure = refused("the server speaks before it is asked")
            except FOREIGN as error:
                failure = _failure(error, call, sent=mark.sent)
            break
        # Raised out here, so that it carries no context: the client's errors hold the whole URL.
        raise failure

    def _proxy(self, call: Outgoing) -> Proxy | None:
        if self._addresses is not None:
            return None
        try:
            return choose_proxy(call.url, call.proxy, self._environ)
        except PisangError as error:
            raise refused(error.message()) from error

    def _session(self, proxy: Proxy | None) -> aiohttp.ClientSession:
        """HTTP proxies are named per request; a SOCKS proxy is a property of the connections."""
        socks = proxy if proxy and proxy.socks else None
        key = (asyncio.get_running_loop(), socks)
        if key not in self._sessions:
            try:
                session = open_session(self._environ, self._addresses, socks)
            except PisangError as error:
                raise refused(error.message()) from error
            self._sessions[key] = session
        return self._sessions[key]


def _proxy_fields(url: URL, proxy: Proxy | None) -> dict[str, str]:
    """A plain http call is sent to the proxy itself, so the proxy's key is among its fields."""
    if proxy is None or proxy.socks or not proxy.authorization or url.scheme == "https":
        return {}
    return {"proxy-authorization": proxy.authorization.reveal()}


def _tunnel_fields(proxy: Proxy | None) -> dict[str, str] | None:
    """The fields of the CONNECT that opens a tunnel for an https call."""
    if proxy is None or proxy.socks or not proxy.authorization:
        return None
    return {"Proxy-Authorization": proxy.authorization.reveal()}


def _failure(error: BaseException, call: Outgoing, *, sent: bool) -> Failure:
    if type(error) is TimeoutError:
        return late(call, sent=sent)
    return failure_of(error, sent=sent)


def _reader(content: aiohttp.StreamReader, *, sized: bool) -> Callable[[], Awaitable[bytes]]:
    """What came, as it came where the body's length is said: to put pieces of half a megabyte
    together would only copy them. The pieces of a chunked body may be of any size, and small ones
    are dear one by one."""

    async def read() -> bytes:
        try:
            return (await content.readchunk())[0] if sized else await content.readany()
        except FOREIGN as error:
            failure = failure_of(error, sent=True)
        raise failure

    return read
