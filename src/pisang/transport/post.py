"""Telling somebody something at an address that he chose: one POST, through the guard.

As in `fetch`, each name is looked up once, every address it gives is checked, and the connection
goes to those and no others. A redirect is an answer like any other: what was signed for one place
is told to no other. Nothing of the answer is read but its head.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping

from pisang.transport.base import Outgoing
from pisang.transport.fetch import Resolver, look_up, safe_addresses
from pisang.transport.guard import check_url
from pisang.transport.http import HttpTransport

MAX_ANSWER_BYTES = 64 * 1024


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    deadline_s: float,
    allow_hosts: Collection[str] = (),
    resolver: Resolver = look_up,
    environ: Mapping[str, str] | None = None,
) -> tuple[int, Mapping[str, str]]:
    """The status and headers that it was answered with.

    `allow_hosts` (`host` or `host:port`) may be in one's own network, and plain http. Raises
    `AddressRefused` before anything is sent to a forbidden place, `Failure` as any exchange does.
    """
    deadline = asyncio.get_running_loop().time() + deadline_s
    target = check_url(url, allow_hosts=allow_hosts)
    addresses = await safe_addresses(target, resolver, deadline)
    transport = HttpTransport(
        environ=os.environ if environ is None else environ, addresses={target.host: addresses}
    )

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    call = Outgoing(
        method="POST",
        url=target.url,
        headers=headers,
        body=chunks,
        length=len(body),
        deadline_s=max(deadline - asyncio.get_running_loop().time(), 0.0),
        max_bytes=MAX_ANSWER_BYTES,
    )
    try:
        async with transport.exchange(call) as stream:
            return stream.status, stream.headers
    finally:
        await transport.close()
