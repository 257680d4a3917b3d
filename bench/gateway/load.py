"""The load: a process of its own that calls, counts bytes and takes times, and parses nothing.

Run as `python -m bench.gateway.load`; reads an `Order` as JSON, prints a `Tally` as JSON.

Every prompt is another, and its number stands in the picture's first bytes: each answer is
checked to be its own, by status, length and that number; in a warm-up the first answer's picture
is taken out and its hash compared.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from bench.answers import digest, opening

CONNECTING = 128
"""Connections that are opened at the same time: beyond a server's backlog the kernel's second
of waiting would be measured."""
ENDS_WITHIN_S = 300
LOOKED_AT = 4096
PIECE = 1 << 18


@dataclass
class Order:
    """What to call, how often, and what is expected of an answer."""

    host: str
    port: int
    path: str
    wanted: str
    headers: dict[str, str]
    size: int
    at_once: int
    calls: int
    seconds: float
    first_tag: int
    least: int = 0
    whole: bool = False
    """Look at the first answer whole, which takes time."""


@dataclass
class Tally:
    """What came of it: the seconds of each right answer, and what was wrong with the others."""

    wall_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Connection(asyncio.BufferedProtocol):
    """One connection: a request goes out, its answer is counted into one buffer used again."""

    buffer = memoryview(bytearray(PIECE))

    def __init__(self) -> None:
        self.done: asyncio.Future[None] | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True
        self._end(ConnectionError("cut"))

    def ask(self, request: bytes, keep: bool) -> asyncio.Future[None]:
        """Send; the future ends with the answer's last byte."""
        self.head, self.body, self.kept, self.line = b"", 0, bytearray(), b""
        self.status, self.left, self.chunked, self.last = 0, 0, False, False
        self.limit = sys.maxsize if keep else LOOKED_AT
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.done

    def get_buffer(self, _: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, count: int) -> None:
        data = self.buffer[:count]
        if not self.status:
            data = self._read_head(data)
        while len(data):
            data = self._read_body(data)

    def _read_head(self, data: memoryview) -> memoryview:
        self.head += bytes(data)
        end = self.head.find(b"\r\n\r\n") + 4
        if end < 4:
            return data[:0]
        fields = self.head[:end].lower().split(b"\r\n")
        self.status = int(fields[0].split()[1])
        told = dict(line.split(b": ", 1) for line in fields[1:] if b": " in line)
        self.chunked = told.get(b"transfer-encoding") == b"chunked"
        self.left = int(told.get(b"content-length", 0))
        if not self.chunked and not self.left:
            self._end()
        return memoryview(self.head)[end:]

    def _read_body(self, data: memoryview) -> memoryview:
        if not self.left:
            return self._read_frame(data)
        taken = data[: self.left]
        self.left -= len(taken)
        self.body += len(taken)
        if len(self.kept) < self.limit:
            self.kept += taken
        if not self.left and not self.chunked:
            self._end()
        return data[len(taken) :]

    def _read_frame(self, data: memoryview) -> memoryview:
        """A line between two chunks: empty, a size, or the end's."""
        line, found, _ = bytes(data[:64]).partition(b"\n")
        self.line += line
        if found:
            said, self.line = self.line.strip(), b""
            if self.last and not said:
                self._end()
            elif said and not self.last:
                self.left = int(said.partition(b";")[0], 16)
                self.last = not self.left
        return data[len(line) + len(found) :]

    def _end(self, error: Exception | None = None) -> None:
        done, self.done = self.done, None
        if done and not done.done():
            done.set_exception(error) if error else done.set_result(None)


class Load:
    """The callers of one order."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.tally = Tally()
        self.begun = 0
        self.ended = 0
        self.connecting = asyncio.Semaphore(CONNECTING)
        lines = [f"{name}: {value}" for name, value in order.headers.items()]
        self.head = "\r\n".join(
            [f"POST {order.path} HTTP/1.1", f"Host: {order.host}:{order.port}", *lines]
        )

    async def run(self) -> Tally:
        wanted = (self.connect() for _ in range(self.order.at_once))
        found = await asyncio.gather(*wanted, return_exceptions=True)
        self.started = time.perf_counter()
        callers = [self.call_on(one) for one in found if isinstance(one, Connection)]
        self.tally.wrong += ["no connection"] * (len(found) - len(callers))
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*callers), ENDS_WITHIN_S)
        self.tally.wall_s = time.perf_counter() - self.started
        self.tally.wrong += ["no end"] * (self.begun - self.ended)
        return self.tally

    async def connect(self) -> Connection:
        async with self.connecting:
            loop = asyncio.get_running_loop()
            _, made = await loop.create_connection(Connection, self.order.host, self.order.port)
            return made

    def goes_on(self) -> bool:
        order, begun = self.order, self.begun
        if order.calls:
            return begun < order.calls
        if begun < max(order.least, order.at_once):
            return True
        return time.perf_counter() - self.started < order.seconds

    async def call_on(self, connection: Connection) -> None:
        while self.goes_on():
            number, self.begun = self.begun, self.begun + 1
            if connection.lost:
                connection = await self.connect()
            tag = b"%012d" % (self.order.first_tag + number)
            begun = time.perf_counter()
            try:
                await connection.ask(self.request(tag), keep=self.order.whole and not number)
            except ConnectionError as error:
                wrong = str(error)
            else:
                taken = time.perf_counter() - begun
                wrong = self.wrong(connection, tag, whole=self.order.whole and not number)
            self.ended += 1
            if wrong:
                self.tally.wrong.append(wrong)
            else:
                self.tally.latencies_s.append(taken)
        connection.transport.close()

    def request(self, tag: bytes) -> bytes:
        body = asking(f"{self.order.wanted} bench-{tag.decode()}")
        head = (
            f"{self.head}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def wrong(self, got: Connection, tag: bytes, whole: bool) -> str:
        """What is not as it must be; empty where all is well."""
        if got.status != 200:
            return f"status {got.status}: {bytes(got.kept[:300])!r}"
        if got.body < self.order.size * 4 // 3:
            return f"{got.body} bytes"
        if base64.b64encode(opening(tag)) not in got.kept[:LOOKED_AT]:
            return f"not the picture of {tag.decode()}"
        if whole:
            part = json.loads(got.kept)["candidates"][0]["content"]["parts"][0]["inlineData"]
            found = hashlib.sha256(base64.b64decode(part["data"])).hexdigest()
            if found != digest(self.order.size, tag):
                return "another picture"
        return ""


def asking(prompt: str) -> bytes:
    """The body of a call, as Google's SDK sends it; 4K, as the upstream's pictures say they are."""
    modes = {"responseModalities": ["TEXT", "IMAGE"]}
    image = {"imageConfig": {"aspectRatio": "16:9", "imageSize": "4K"}}
    contents = [{"role": "user", "parts": [{"text": prompt}]}]
    return json.dumps({"contents": contents, "generationConfig": {**modes, **image}}).encode()


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(Load(Order(**json.load(sys.stdin))).run()))))
