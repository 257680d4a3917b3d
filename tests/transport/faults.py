"""A server that misbehaves on purpose: raw TCP, scripted by each test, on loopback.

A script is a coroutine that gets one `Line` (one accepted connection) and does to it what it
likes. What was asked is kept in `Site.requests`, so that a test can say what was really sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from pisang.transport.base import Failure, Outgoing, Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Site:
    """One running server: where it is, and what it has seen."""

    port: int
    scheme: str = "http"
    requests: list[tuple[bytes, bytes]] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def head(self, index: int = -1) -> dict[str, str]:
        """The header fields of a request, names in lower case."""
        lines = self.requests[index][0].decode("latin-1").split("\r\n")[1:]
        pairs = (line.split(":", 1) for line in lines if line)
        return {name.lower(): value.strip() for name, value in pairs}


class Line:
    """One connection, as a script handles it."""

    def __init__(
        self, site: Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.site = site
        self.reader = reader
        self.writer = writer

    async def request(self) -> tuple[bytes, bytes]:
        """Read one whole request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await self.reader.readexactly(int(length[1]) if length else 0)
        self.site.requests.append((head, body))
        return head, body

    async def say(self, data: bytes) -> None:
        """Write and flush."""
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: bytes, pause_s: float) -> None:
        """Write byte by byte."""
        for index in range(len(data)):
            await self.say(data[index : index + 1])
            await asyncio.sleep(pause_s)

    async def hold(self) -> None:
        """Say nothing more until the test is over."""
        await asyncio.Event().wait()

    def reset(self) -> None:
        """RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()


Script = Callable[[Line], Awaitable[None]]


@contextlib.asynccontextmanager
async def serve(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """Run a script for each connection; everything is gone on leaving."""
    site = Site(0, "https" if tls else "http")
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        site.connections += 1
        # A cancelled or broken handler is a normal end here.
        with contextlib.suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
            await script(Line(site, reader, writer))
        writer.close()
        running.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        # A connection accepted just now reaches its handler a few turns of the loop later,
        # and a closed transport leaves a turn after that.
        for _ in range(8):
            await asyncio.sleep(0)
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)


def answering(raw: bytes) -> Script:
    """A script that answers every request on a connection with these bytes, then closes."""

    async def script(line: Line) -> None:
        await line.request()
        await line.say(raw)
        line.close()

    return script


def body_of(data: bytes, chunk: int = 65536) -> Callable[[], AsyncIterator[bytes]]:
    """A body factory over bytes."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), chunk):
            yield data[start : start + chunk]

    return chunks


def post(url: str, data: bytes = b"hello", **fields: object) -> Outgoing:
    """A POST with that body and short limits."""
    usual: dict[str, object] = {
        "body": body_of(data),
        "length": len(data),
        "deadline_s": 5.0,
        "idle_s": 2.0,
        "connect_s": 2.0,
    }
    return Outgoing(method="POST", url=url, **(usual | fields))  # type: ignore[arg-type]


@dataclass
class Heard:
    """What came of a call: the answer, or how it failed."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: Failure | None = None

    @property
    def fate(self) -> tuple[str, bool]:
        """(how it ended, whether it counts as sent)."""
        if self.failure is None:
            return ("whole", True)
        return (str(self.failure.ended), self.failure.sent)


async def hear(transport: Transport, call: Outgoing) -> Heard:
    """Exchange, and keep whatever comes."""
    heard = Heard()
    try:
        async with transport.exchange(call) as stream:
            heard.status, heard.headers = stream.status, dict(stream.headers)
            async for chunk in stream:
                heard.body += chunk
    except Failure as failure:
        heard.failure = failure
    return heard
