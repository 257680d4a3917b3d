"""A loopback server that answers `generateContent` with a picture of a known size.

Run as `python -m bench.answers FILE`; it writes its port and the pictures' hashes there and
serves until killed. The
model's name says how large the picture is: `picture-48mb`, `picture-3mb`. The body is made once
and written by the kernel; what is measured is the client.
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
import zlib
from functools import cache
from pathlib import Path

SIZES_MB = (48, 3)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def picture(megabytes: int) -> bytes:
    """A PNG of that many million bytes: right header and end, noise between (nobody decodes it)."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 5504, 3072, 8, 2, 0, 0, 0))
    noise = random.Random(megabytes).randbytes(megabytes * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", noise) + chunk(b"IEND", b"")


@cache
def body(megabytes: int) -> bytes:
    """The whole HTTP answer, in the shape that Google gives."""
    data = base64.b64encode(picture(megabytes)).decode()
    part = {"inlineData": {"mimeType": "image/png", "data": data}}
    answer = {
        "candidates": [
            {"content": {"parts": [part], "role": "model"}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 1299},
        "modelVersion": "picture",
        "responseId": "bench",
    }
    text = json.dumps(answer).encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n"
        f"Content-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            if length:
                await reader.readexactly(int(length[1]))
            size = re.search(rb"picture-(\d+)mb", head)
            writer.write(body(int(size[1]) if size else 3))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port_file: Path) -> None:
    for megabytes in SIZES_MB:
        body(megabytes)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    digests = {size: hashlib.sha256(picture(size)).hexdigest() for size in SIZES_MB}
    port_file.write_text(json.dumps({"port": port, "digests": digests}))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
