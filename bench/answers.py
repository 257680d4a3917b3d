"""A loopback server that answers `generateContent` with a picture of a known size.

Run as `python -m bench.answers FILE`; it writes its port and the pictures' hashes there and
serves until killed. The model's name or the prompt says how large the picture is and how long it
takes: `picture-48mb`, `picture-8kb-after-10s`. Where the prompt says `bench-000000000042`, that
number stands in the picture: every answer is another picture and can be told from all others.

What is measured is who asks: all but the first bytes of a body is made once, lies in a file, and
is sent by the kernel.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import re
import struct
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO

SIZES = {"48mb": 48_000_000, "24mb": 24_000_000, "3mb": 3_000_000, "8kb": 8_000}
"""The bytes of noise in each picture; on the wire base64 makes them a third more."""

NO_TAG = b"0" * 12
BACKLOG = 4096
HEAD = (
    b'{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"',
    b'"}}],"role":"model"},"finishReason":"STOP","index":0}],'
    b'"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1290,"totalTokenCount":1299},'
    b'"modelVersion":"picture","responseId":"bench"}',
)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def opening(tag: bytes) -> bytes:
    """A picture's first 63 bytes, the tag in them: a multiple of three, as base64 wants it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 5504, 3072, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"tEXt", b"bench\0" + tag)


@cache
def noise(size: int) -> bytes:
    """The rest of a picture: right chunks and end, noise in them (nobody decodes it)."""
    return chunk(b"IDAT", random.Random(size).randbytes(size)) + chunk(b"IEND", b"")


def digest(size: int, tag: bytes = NO_TAG) -> str:
    """The SHA-256 of that picture."""
    return hashlib.sha256(opening(tag) + noise(size)).hexdigest()


@dataclass
class Answer:
    """One size's answer: the end of its body, in memory where it is small, else in a file."""

    size: int
    file: BinaryIO | None = None
    rest: bytes = b""
    length: int = field(init=False)

    def __post_init__(self) -> None:
        rest = base64.b64encode(noise(self.size)) + HEAD[1]
        self.length = len(rest)
        if self.size < 1_000_000:
            self.rest = rest
            return
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - open while the server runs
        self.file.write(rest)
        self.file.flush()

    def head(self, tag: bytes) -> bytes:
        """The HTTP head and the body's beginning, and for a small one the whole."""
        begun = HEAD[0] + base64.b64encode(opening(tag))
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n"
            f"Content-Length: {len(begun) + self.length}\r\n\r\n"
        )
        return head.encode() + begun + self.rest


class Caller(asyncio.Protocol):
    """One connection: a request is read whole, then answered."""

    answers: dict[bytes, Answer]
    waiting = 0
    most_waiting = 0
    ASKED = re.compile(rb"picture-(\d+[km]b)(?:-after-(\d+)s)?")
    LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
    CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
    TAG = re.compile(rb"bench-(\d{12})")

    def __init__(self) -> None:
        self.read = bytearray()
        self.sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.read += data
        end = self.read.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = self.LENGTH.search(self.read, 0, end)
        if length and len(self.read) < end + int(length[1]):
            return
        if self.CHUNKED.search(self.read, 0, end) and not self.read.endswith(b"\r\n0\r\n\r\n"):
            return
        request, self.read = bytes(self.read), bytearray()
        self.asked(request)

    def asked(self, request: bytes) -> None:
        if request.startswith(b"GET /waiting"):
            told = json.dumps({"most": Caller.most_waiting}).encode()
            Caller.most_waiting = Caller.waiting
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told
            )
            return
        asked, tag = self.ASKED.search(request), self.TAG.search(request)
        answer = self.answers[asked[1] if asked else b"3mb"]
        head = answer.head(tag[1] if tag else NO_TAG)
        Caller.waiting += 1
        Caller.most_waiting = max(Caller.most_waiting, Caller.waiting)
        if asked and asked[2]:
            asyncio.get_running_loop().call_later(int(asked[2]), self.answer, head, answer)
        else:
            self.answer(head, answer)

    def answer(self, head: bytes, answer: Answer) -> None:
        Caller.waiting -= 1
        if self.transport.is_closing():
            return
        self.transport.write(head)
        if answer.file:
            self.sending = asyncio.create_task(self.send(answer))

    async def send(self, answer: Answer) -> None:
        try:
            assert answer.file is not None
            await asyncio.get_running_loop().sendfile(
                self.transport, answer.file, 0, answer.length, fallback=False
            )
        except (ConnectionError, RuntimeError):
            self.transport.abort()


async def main(port_file: Path) -> None:
    Caller.answers = {name.encode(): Answer(size) for name, size in SIZES.items()}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Caller, "127.0.0.1", 0, backlog=BACKLOG)
    port = server.sockets[0].getsockname()[1]
    digests = {name: digest(size) for name, size in SIZES.items()}
    noise.cache_clear()
    port_file.write_text(json.dumps({"port": port, "digests": digests}))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
