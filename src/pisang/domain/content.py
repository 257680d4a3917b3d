"""Where bytes are, told without carrying them: contents, spans and the pieces of a body.

A picture of 48 MB is never a `str` and never a JSON value here. It is a `Content`: its hash, its
size, and just enough of its first and last bytes to know what it is. A `Span` is one long JSON
string as it stood on the wire, cut into text and base64 runs, so that it can be written out
again byte for byte. A `Body` is what a wire wants sent: short bytes, and contents by reference.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

SPAN_THRESHOLD = 16 * 1024
"""Strings of more than this many raw bytes leave the JSON skeleton and become spans."""

HEAD_BYTES = 128 * 1024
"""How much of a content's start is kept: type and pixels are read from it without decoding."""

TAIL_BYTES = 64
"""How much of a content's end is kept: end markers (PNG IEND, JPEG EOI) stand in it."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes kept elsewhere (or, when small, here), named by their SHA-256.

    Two contents are equal when their hash and size are. `head` holds the first
    `HEAD_BYTES`, `tail` the last `TAIL_BYTES`; `inline` holds everything when the bytes were
    too short to have become a span.
    """

    sha256: str
    size: int
    head: bytes = field(repr=False, compare=False)
    tail: bytes = field(repr=False, compare=False)
    inline: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Style:
    """How base64 stood on the wire, so that it can be written out again to the byte.

    `alphabet`: `std` is `+/`, `url` is `-_`. `slash`: how `/` was written inside the JSON string.
    `padding`: what closed it; `none` where the padding was left out.
    """

    alphabet: Literal["std", "url"] = "std"
    slash: Literal["plain", "escaped"] = "plain"
    padding: Literal["=", "\\u003d", "\\u003D", "none"] = "="


CANONICAL = Style()


@dataclass(frozen=True, slots=True)
class TextRun:
    """A run of a JSON string's raw bytes (still JSON-escaped), short enough to carry."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Base64Run:
    """A run of base64 whose decoded bytes are `content`; `style` writes it out byte-exact.

    `slashes` counts the `/` that stood as `\\/` (0 unless `style.slash` is `escaped`): each is one
    byte more on the wire, so the run's length is known without reading it.
    """

    content: Content
    style: Style = CANONICAL
    slashes: int = 0


@dataclass(frozen=True, slots=True)
class RawRun:
    """A long run of a JSON string's raw bytes, kept as a content (`content` is the raw text).

    Used where a string is long and is no base64, or is base64 that no `Style` reproduces (line
    breaks, say): then `decoded` is what it decodes to, so that the picture is had all the same.
    """

    content: Content
    decoded: Content | None = None


Run = TextRun | Base64Run | RawRun


@dataclass(frozen=True, slots=True)
class Span:
    """One JSON string as it stood on the wire, without its quotes: runs in order.

    `complete` is false when the body ended inside it.
    """

    runs: tuple[Run, ...]
    complete: bool = True

    @property
    def contents(self) -> tuple[Content, ...]:
        """The decoded base64 contents of this span, in order."""
        found: list[Content] = []
        for run in self.runs:
            if isinstance(run, Base64Run):
                found.append(run.content)
            elif isinstance(run, RawRun) and run.decoded is not None:
                found.append(run.decoded)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A body piece: a content's bytes as they are (multipart)."""

    content: Content


Piece = bytes | Base64Run | RawRun | FileBytes
"""`bytes` go out as they are; a `Base64Run` is read and encoded; `RawRun`, `FileBytes` are read."""

Body = tuple[Piece, ...]


def span_pieces(span: Span) -> tuple[Piece, ...]:
    """The pieces that write a span out again, without quotes, byte-exact."""
    return tuple(run.raw if isinstance(run, TextRun) else run for run in span.runs)


class Meter:
    """Counts bytes that pass by: `update` each chunk, then `content()` names them."""

    __slots__ = ("_hash", "_head", "_tail", "size")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._head = bytearray()
        self._tail = b""
        self.size = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._hash.update(data)
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        self.size += len(data)
        if len(data) >= TAIL_BYTES:
            self._tail = bytes(data[-TAIL_BYTES:])
        else:
            self._tail = (self._tail + bytes(data))[-TAIL_BYTES:]

    def content(self, inline: bytes | None = None) -> Content:
        """The content that all bytes so far are."""
        return Content(self._hash.hexdigest(), self.size, bytes(self._head), self._tail, inline)


def content_of(data: bytes) -> Content:
    """A content that carries its own bytes (small ones, and tests)."""
    meter = Meter()
    meter.update(data)
    return meter.content(inline=data)
