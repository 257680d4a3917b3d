"""Answers of each wire, as bytes: good ones to begin with, and what is done to them."""

from __future__ import annotations

import base64
import gzip
import struct
import zlib


def png(width: int = 8, height: int = 8, *, padding: int = 0) -> bytes:
    """A real PNG; `padding` bytes of text make it as long as a picture of a model's."""
    rows = b"".join(b"\0" + bytes(3 * width) for _ in range(height))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"tEXt", b"Comment\0" + bytes(33 + i * 7 % 90 for i in range(padding))),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = png()
LONG_PNG = png(padding=40_000)
"""Long enough to leave the JSON skeleton (16 KiB)."""

_PICTURE = {
    "gemini": b'{"inlineData":{"mimeType":"%b","data":"%b"}}',
    "crawl": b'{"type":"inline_data","inline_data":{"mime_type":"%b","data":"%b"}}',
    "openai-images": b'{"media_type":"%b","b64_json":"%b"}',
    "openai-chat": b'{"type":"image_url","image_url":{"url":"data:%b;base64,%b"}}',
}
_BODY = {
    "gemini": b'{"candidates":[{"content":{"role":"model","parts":[%b]},"finishReason":"STOP"}]}',
    "crawl": b'{"code":0,"msg":"success","data":{"choices":[{"finish_reason":"stop","message":'
    b'{"multimodal_contents":[%b]}}]}}',
    "openai-images": b'{"created":1,"data":[%b]}',
    "openai-chat": b'{"id":"c1","choices":[{"index":0,"finish_reason":"stop","message":'
    b'{"role":"assistant","content":"","images":[%b]}}]}',
}


def picture(wire: str, data: bytes, mime: bytes = b"image/png") -> bytes:
    """One picture as that wire writes it; `data` is what stands for its base64."""
    return _PICTURE[wire] % (mime, data)


def body(wire: str, *pictures: bytes) -> bytes:
    """A whole answer that holds these."""
    return _BODY[wire] % b",".join(pictures)


def good(wire: str, image: bytes = PNG, mime: bytes = b"image/png") -> bytes:
    """A whole answer with that picture."""
    return body(wire, picture(wire, base64.b64encode(image), mime))


def http(
    content: bytes,
    status: int = 200,
    *headers: bytes,
    kind: bytes = b"application/json",
    length: int | None = None,
) -> bytes:
    """A whole HTTP answer; `length` is what it claims to have, when it lies."""
    lines = [
        b"HTTP/1.1 %d X" % status,
        b"Content-Type: %b" % kind,
        b"Content-Length: %d" % (len(content) if length is None else length),
        b"Connection: close",
        *headers,
    ]
    return b"\r\n".join([*lines, b"", content])


def bomb(size: int) -> bytes:
    """That many blanks, gzipped."""
    return gzip.compress(b" " * size, 9)
