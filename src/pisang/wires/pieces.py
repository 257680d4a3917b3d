"""The pieces of a body on their way out: merged, measured, and written byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pybase64

from pisang.domain.content import Base64Run, Body, Content, FileBytes, Piece, RawRun, Style

_TO_URL = bytes.maketrans(b"+/", b"-_")

_ENCODE_BYTES = 192 * 1024
"""How much is encoded at once; a multiple of 3."""


def merge(pieces: Iterable[Piece]) -> Body:
    """The same body with adjacent bytes joined and empty ones left out."""
    body: list[Piece] = []
    held: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            held.append(piece)
            continue
        body += _joined(held)
        held.clear()
        body.append(piece)
    body += _joined(held)
    return tuple(body)


def _joined(held: list[bytes]) -> list[bytes]:
    joined = b"".join(held)
    return [joined] if joined else []


def encode_run(
    run: Base64Run | RawRun, read: Callable[[Content], Iterable[bytes]]
) -> Iterator[bytes]:
    """The run's raw bytes as they stood on the wire, in order, in constant memory.

    `read` gives a content's bytes in chunks of any size; it is not asked for what is inline.
    """
    content = run.content
    chunks = read(content) if content.inline is None else (content.inline,)
    if isinstance(run, RawRun):
        yield from chunks
        return
    held = b""
    for chunk in chunks:
        for start in range(0, len(chunk), _ENCODE_BYTES):
            data = held + chunk[start : start + _ENCODE_BYTES]
            whole = len(data) - len(data) % 3
            held = data[whole:]
            yield _written(pybase64.b64encode(data[:whole]), run.style)
    if held:
        yield _written(pybase64.b64encode(held), run.style)


def _written(text: bytes, style: Style) -> bytes:
    """Standard base64 in a style."""
    if style.alphabet == "url":
        text = text.translate(_TO_URL)
    elif style.slash == "escaped":
        text = text.replace(b"/", b"\\/")
    if style.padding == "=":
        return text
    return text.replace(b"=", b"" if style.padding == "none" else style.padding.encode())


def encoded_length(piece: Piece) -> int:
    """How many bytes a piece takes in a body."""
    if isinstance(piece, bytes):
        return len(piece)
    if isinstance(piece, RawRun | FileBytes):
        return piece.content.size
    whole, rest = divmod(piece.content.size, 3)
    padding = 0 if piece.style.padding == "none" else len(piece.style.padding)
    closing = rest + 1 + padding * (3 - rest) if rest else 0
    return 4 * whole + closing + piece.slashes
