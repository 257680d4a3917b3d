"""The one way to anything named by a URL that somebody else chose (a link in a reply).

Each name is looked up once, every address it gives is checked, and the connection goes to those
addresses and no others, so a name that changes its mind in between gains nothing. Each redirect
is a new URL under the same rules. No proxy is used: it would look names up for itself.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urljoin

from pisang.domain.answer import Ended
from pisang.domain.content import Content
from pisang.errors import AddressRefused, UpstreamFault
from pisang.transport.base import Failure, Outgoing, Stream
from pisang.transport.guard import Target, check_address, check_url, printable
from pisang.transport.http import HttpTransport
from pisang.wires.base import Sink

MAX_REDIRECTS = 5
MAX_ADDRESSES = 32
"""A name with more records than this is not looked through."""

MAX_IMAGE_BYTES = 64 * 1024 * 1024
"""The largest picture seen behind a link is 36 MB (a 4K PNG)."""

LINK_DEADLINE_S = 120.0
IDLE_S = 30.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host and port, as text. Raises `OSError` when there are none."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says: each address once."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


@asynccontextmanager
async def fetch(
    url: str,
    *,
    max_bytes: int,
    deadline_s: float,
    resolver: Resolver = look_up,
    allow_http: bool = False,
    allow_hosts: Collection[str] = (),
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Stream]:
    """GET a URL without credentials and give the answer that is no redirect, whatever its status.

    `allow_hosts` (`host` or `host:port`) are trusted by whoever configured them: see
    `guard.check_url`. The type of the bytes is for the caller to tell. Raises `AddressRefused`
    before anything is sent to a forbidden place, `Failure` as any exchange does.
    """
    deadline = asyncio.get_running_loop().time() + deadline_s
    target = check_url(url, allow_http=allow_http, allow_hosts=allow_hosts)
    for _ in range(MAX_REDIRECTS + 1):
        addresses = await safe_addresses(target, resolver, deadline)
        async with _get(target, addresses, deadline, max_bytes, environ) as stream:
            location = stream.headers.get("location")
            if stream.status not in _REDIRECTS or location is None:
                yield stream
                return
        onward = check_url(
            _joined(target.url, location), allow_http=allow_http, allow_hosts=allow_hosts
        )
        if target.scheme == "https" and onward.scheme == "http":
            raise AddressRefused(url=printable(url), why="it redirects from https to http")
        target = onward
    raise AddressRefused(url=printable(url), why=f"it redirects more than {MAX_REDIRECTS} times")


async def fetch_into(
    url: str,
    sink: Sink,
    *,
    resolver: Resolver = look_up,
    allow_hosts: Collection[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Content:
    """The bytes behind a link in a reply, put into `sink` as they come.

    Raises `AddressRefused`, or `UpstreamFault` when they could not be had whole.
    """
    writer = sink.open()
    try:
        async with fetch(
            url,
            max_bytes=MAX_IMAGE_BYTES,
            deadline_s=LINK_DEADLINE_S,
            resolver=resolver,
            allow_hosts=allow_hosts,
            environ=environ,
        ) as stream:
            if stream.status != 200:
                raise UpstreamFault(upstream=printable(url), why=f"it answered {stream.status}")
            async for chunk in stream:
                writer.write(chunk)
    except Failure as failure:
        raise UpstreamFault(upstream=printable(url), why=failure.reason) from None
    finally:
        content = writer.close()
    return content


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        why = "it redirects to what is not a URL"
        raise AddressRefused(url=printable(base), why=why) from None


async def safe_addresses(target: Target, resolver: Resolver, deadline: float) -> tuple[str, ...]:
    """The addresses to connect to, every one of them checked."""
    if target.address is not None:
        return (str(check_address(target, str(target.address))),)
    try:
        async with asyncio.timeout_at(deadline):
            found = await resolver(target.host, target.port)
    except (OSError, UnicodeError):
        found = ()
    if not found or len(found) > MAX_ADDRESSES:
        why = f"the name {target.host} could not be resolved"
        raise Failure(Ended.NOT_CONNECTED, sent=False, reason=why)
    return tuple(str(check_address(target, address)) for address in found)


@asynccontextmanager
async def _get(
    target: Target,
    addresses: tuple[str, ...],
    deadline: float,
    max_bytes: int,
    environ: Mapping[str, str] | None,
) -> AsyncIterator[Stream]:
    transport = HttpTransport(
        environ=os.environ if environ is None else environ, addresses={target.host: addresses}
    )
    left = deadline - asyncio.get_running_loop().time()
    call = Outgoing(
        method="GET",
        url=target.url,
        headers={"accept": "image/*, */*;q=0.5"},
        deadline_s=max(left, 0.0),
        idle_s=IDLE_S,
        max_bytes=max_bytes,
    )
    try:
        async with transport.exchange(call) as stream:
            yield stream
    finally:
        await transport.close()
