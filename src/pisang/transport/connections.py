"""How aiohttp is set up: its pool, its limits, and three guards that it lacks.

Each was found by trying (docs/decisions/0003-http-client.md): an answer that arrives on an idle
connection is taken for the answer to the next request; a body whose chunk framing breaks midway
is waited for until the deadline; and only a trace hook tells whether writing had begun.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from pisang.errors import ExtraMissing, OptionInvalid
from pisang.transport.headers import MAX_HEADER_BYTES, MAX_HEADERS
from pisang.transport.proxy import Proxy

IDLE_CONNECTION_S = 2.0
"""Beyond it a connection is not used again: one that the server dropped unseen costs an unknown
outcome. (149 of 300 POSTs on stale connections failed without the server ever seeing them.)"""

READ_BUFFER_BYTES = 256 * 1024
"""What aiohttp holds before it stops reading. From 16 KiB to 4 MiB, a 64 MB body took the same CPU
and memory."""

RECEIVE_BYTES = 512 * 1024
"""What is taken from a plain socket at once, where there is so much. The usual 256 KiB cost 12 %
more CPU on a relayed answer of 48 MB; 1 MiB only took more memory."""

Addresses = Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class Mark:
    """What one call can prove: `sent` is false until its header is handed over for writing.

    `fresh` is true once a connection was made for it.
    """

    sent: bool = False
    fresh: bool = False


class StaleConnection(aiohttp.ClientError):
    """A connection on which something came before it was asked; nothing was written to it."""


def open_session(
    environ: Mapping[str, str], addresses: Addresses | None, socks: Proxy | None
) -> aiohttp.ClientSession:
    """A session of this event loop; each request gives its `Mark` as `trace_request_ctx`.

    Raises `OptionInvalid` for an unreadable `SSL_CERT_FILE`, `ExtraMissing` for SOCKS without
    the optional part.
    """
    return aiohttp.ClientSession(
        connector=_connector(_tls(environ), addresses, socks),
        request_class=_Request,
        trace_configs=[_tracing()],
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        auto_decompress=False,
        read_bufsize=READ_BUFFER_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
    )


@contextmanager
def end_with_connection(response: aiohttp.ClientResponse) -> Iterator[None]:
    """While inside, a body that its connection left unfinished ends with `ClientPayloadError`."""
    connection = response.connection
    if connection is None or connection.protocol is None:
        yield  # the whole body is here already
        return
    protocol, content = connection.protocol, response.content

    def end(_: object = None) -> None:
        if not content.is_eof() and content.exception() is None:
            error = aiohttp.ClientPayloadError("the connection ended inside the body")
            error.__cause__ = protocol.exception()
            content.set_exception(error)

    closed = protocol.closed
    if closed is None:
        end()
        yield
        return
    # Its exception is looked at by nobody else, and asyncio would complain. Once a connection.
    closed.remove_done_callback(_look_at)
    closed.add_done_callback(_look_at)
    closed.add_done_callback(end)
    try:
        yield
    finally:
        closed.remove_done_callback(end)


def _look_at(closed: asyncio.Future[None]) -> None:
    with suppress(asyncio.CancelledError):
        closed.exception()


class _Request(aiohttp.ClientRequest):
    """Refuses a connection on which something came while nothing was asked."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if conn.protocol is None or conn.protocol.should_close:
            raise StaleConnection
        transport = conn.transport
        if transport is not None and hasattr(transport, "max_size"):  # a plain socket's
            transport.max_size = RECEIVE_BYTES
        return await super().send(conn)


def _tracing() -> aiohttp.TraceConfig:
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(_mark_fresh)
    tracing.on_request_headers_sent.append(_mark_sent)
    return tracing


async def _mark_fresh(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: object
) -> None:
    mark: Mark = context.trace_request_ctx
    mark.fresh = True


async def _mark_sent(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: object
) -> None:
    """Runs before the first byte is written, in spite of the hook's name."""
    mark: Mark = context.trace_request_ctx
    mark.sent = True


def _connector(
    tls: ssl.SSLContext | bool, addresses: Addresses | None, socks: Proxy | None
) -> aiohttp.TCPConnector:
    if socks is not None:
        return _socks_connector(tls, socks)
    return aiohttp.TCPConnector(
        limit=0,  # how many may run at once is the ledger's to say
        keepalive_timeout=IDLE_CONNECTION_S,
        ssl=tls,
        resolver=_Pinned(addresses) if addresses is not None else aiohttp.ThreadedResolver(),
        use_dns_cache=addresses is None,
    )


def _socks_connector(tls: ssl.SSLContext | bool, socks: Proxy) -> aiohttp.TCPConnector:
    try:
        from pisang.transport.socks import SocksConnector
    except ImportError:
        raise ExtraMissing(feature="A SOCKS proxy", extra="socks") from None
    connector: aiohttp.TCPConnector = SocksConnector(socks, tls, IDLE_CONNECTION_S)
    return connector


def _tls(environ: Mapping[str, str]) -> ssl.SSLContext | bool:
    """What verifies a server, always. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's
    certificates; without them aiohttp's own context does (`True`), which is loaded already."""
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file is None and folder is None:
        return True
    try:
        context = ssl.create_default_context(cafile=file, capath=folder)
    except OSError:
        why = "no certificates can be read from it"
        raise OptionInvalid(option="SSL_CERT_FILE", value=file, why=why) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Pinned(AbstractResolver):
    """Knows the given names and no others; asks nobody."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host not in self._addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name was not looked up")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._addresses[host]
        ]

    async def close(self) -> None:
        return
