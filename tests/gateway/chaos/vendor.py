"""An upstream with its own book, a process of its own: `python -m tests.gateway.chaos.vendor BOOK`.

It speaks every wire, sells a picture for every call that it has read to its end, and writes the
sale down before the first byte of its answer. The prompt says what becomes of the answer, as JSON
behind its words: `a kite {"kb": 40, "cut": 0.5}`. `POST /mode` with such an object puts it under
every call from then on, which is how a storm begins and ends.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import time
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from tests.gateway.chaos.dialects import Answered, picture, sha256, spoken_in

PIECE = 64 * 1024


@dataclass(frozen=True)
class Manner:
    """How a call is answered.

    `kb` is the picture's size. `wait_s` before the head. `status`: nothing is sold, and that is
    said, with `retry_after_s`. `cut`: `before` (no byte), `head` (the head alone), a share of the
    body, or a count of bytes from its end (negative); `reset` makes it a reset, not a close.
    `dirty`: the whole body, then a reset; `open`: the whole body in chunks without the last one.
    `pause_at` (a share) and `pause_s`: so long nothing comes there. `drip_s`: the body takes it.
    """

    kb: int = 12
    wait_s: float = 0.0
    status: int = 200
    retry_after_s: int | None = None
    cut: str | float | None = None
    reset: bool = False
    dirty: bool = False
    open: bool = False
    pause_at: float = 0.5
    pause_s: float = 0.0
    drip_s: float = 0.0
    same: bool = False

    def bytes_of(self, body: bytes) -> int:
        """How many of the body's bytes are sent."""
        if self.cut is None:
            return len(body)
        if isinstance(self.cut, str):
            return 0
        return int(len(body) * self.cut) if self.cut >= 0 else len(body) + int(self.cut)


_KNOWN = {field.name for field in fields(Manner)}


def manner_of(prompt: str, mode: dict[str, Any]) -> Manner:
    """What a prompt asks for, over the mode of the day."""
    _, brace, rest = prompt.partition("{")
    asked = json.loads(brace + rest) if brace else {}
    unknown = asked.keys() - _KNOWN
    if unknown:
        raise ValueError(f"no such manner: {unknown}")
    return replace(Manner(), **{**mode, **asked})


@lru_cache(maxsize=4)
def _paint(seed: str, size: int) -> bytes:
    return picture(seed, size)


class Vendor:
    """Sells pictures, and keeps the book."""

    def __init__(self, book: Path) -> None:
        self._book = book.open("a", buffering=1)
        self._sales = count()
        self._mode: dict[str, Any] = {}
        self._live = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, call after call."""
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        told = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = json.loads(await reader.readexactly(int(told.get("content-length", 0))) or b"{}")
        path = head.split()[1]
        if path == "/mode":
            self._mode = body
            await _send(writer, 200, "application/json", b"{}")
            return True
        self._live += 1
        try:
            return await self._sell(path, body, writer)
        finally:
            self._live -= 1

    async def _sell(self, path: str, body: Any, writer: asyncio.StreamWriter) -> bool:
        dialect, prompt = spoken_in(path, body)
        manner = manner_of(prompt, self._mode)
        if manner.status != 200:
            return await self._refuse(prompt, manner, writer)
        sale = f"sale-{next(self._sales)}"
        seed = "the same" if manner.same else f"{sale} of {prompt}"
        image = _paint(seed, manner.kb * 1000)
        answer = dialect.say(sale, image)
        upto = manner.bytes_of(answer.body)
        self._note(
            id=sale,
            prompt=prompt,
            wire=dialect.name,
            picture=sha256(image),
            body=sha256(answer.body),
            live=self._live,
            whole=upto >= len(answer.body),
            pictured=upto > answer.picture_to,
            unpictured=upto < answer.picture_to - 16,
        )
        await asyncio.sleep(manner.wait_s)
        return await _answer(answer, manner, upto, writer)

    async def _refuse(self, prompt: str, manner: Manner, writer: asyncio.StreamWriter) -> bool:
        self._note(prompt=prompt, refused=manner.status)
        await asyncio.sleep(manner.wait_s)
        words = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        said = "The model is overloaded. Please try again later."
        code = words.get(manner.status, "INTERNAL")
        error = {"error": {"code": manner.status, "message": said, "status": code}}
        extra = "" if manner.retry_after_s is None else f"Retry-After: {manner.retry_after_s}\r\n"
        await _send(writer, manner.status, "application/json", json.dumps(error).encode(), extra)
        return True

    def _note(self, **line: Any) -> None:
        self._book.write(json.dumps({**line, "at": time.monotonic()}) + "\n")


async def _send(
    writer: asyncio.StreamWriter, status: int, kind: str, body: bytes, extra: str = ""
) -> None:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}"
    writer.write(f"{head}\r\n".encode() + body)
    await writer.drain()


async def _answer(
    answer: Answered, manner: Manner, upto: int, writer: asyncio.StreamWriter
) -> bool:
    """Send as much as is to be sent; whether the connection goes on."""
    if manner.cut == "before":
        return _end(writer, reset=manner.reset)
    chunked = manner.open or "event-stream" in answer.kind
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(answer.body)}"
    # It says that it will close, or the next call might be on its way there when it does.
    last = "Connection: close\r\n" if manner.dirty or manner.open or manner.cut is not None else ""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {answer.kind}\r\n{last}{length}\r\n\r\n"
    writer.write(head.encode())
    size = PIECE if not manner.drip_s else max(1, upto // 20)
    pause_at = int(len(answer.body) * manner.pause_at) if manner.pause_s else upto
    for start, end in [*_pieces(0, min(pause_at, upto), size), *_pieces(pause_at, upto, size)]:
        if manner.pause_s and start == pause_at:
            await asyncio.sleep(manner.pause_s)
        piece = answer.body[start:end]
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
        if manner.drip_s:
            await asyncio.sleep(manner.drip_s / 20)
    if manner.cut is not None or manner.open or manner.dirty:
        reset = manner.reset or manner.dirty
        await asyncio.sleep(0.2 if reset else 0.0)  # a reset overtakes what was sent
        return _end(writer, reset=reset)
    if chunked:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def _pieces(start: int, end: int, size: int) -> list[tuple[int, int]]:
    return [(at, min(at + size, end)) for at in range(start, end, size)]


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> bool:
    if reset:
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return False


async def main(book: Path) -> None:
    server = await asyncio.start_server(
        Vendor(book).serve, "127.0.0.1", 0, backlog=1024, limit=1 << 20
    )
    print(json.dumps({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
