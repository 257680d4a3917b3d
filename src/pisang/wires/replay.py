"""An answer written out again, byte for byte, from its skeleton and spans."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pisang.domain.content import Body, Piece, Span, span_pieces
from pisang.errors import WireError

_JSON = re.compile(rb'"(?:[^"\\]|\\.)*+"?|NaN', re.DOTALL)
_SSE = re.compile(rb'"(?:[^"\\\r\n]|\\[^\r\n])*+"?|NaN')
"""A string, which is passed over, or the token that stands for a span (see `wires.scan`)."""

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_BOM = b"\xef\xbb\xbf"


def write_again(skeleton: bytes, spans: Sequence[Span]) -> Body:
    """The pieces of the body that was scanned into this skeleton and these spans.

    Raises `WireError` when they don't belong together. A span that was cut is left open, as it
    was: nothing stands after it. A body that was a picture itself is its one span, unquoted.
    """
    if not skeleton and len(spans) == 1:
        return span_pieces(spans[0])
    left = iter(spans)
    pieces: list[Piece] = []
    for kind, text in _parts(skeleton):
        if not kind:
            pieces.append(text)
            continue
        span = next(left, None)
        if span is None:
            raise WireError(wire="json", why="the skeleton names more long strings than there are")
        pieces += (b'"', *span_pieces(span), b'"' if span.complete else b"")
    if next(left, None) is not None:
        raise WireError(wire="json", why="there are more long strings than the skeleton names")
    return tuple(piece for piece in pieces if piece != b"")


def _parts(skeleton: bytes) -> Iterator[tuple[bool, bytes]]:
    """(is a token, text) in order."""
    if skeleton.lstrip(_BOM + b" \t\r\n")[:1] in (b"{", b"["):
        yield from _tokens(_JSON, skeleton)
        return
    for line in _LINE.findall(skeleton):
        if line.removeprefix(_BOM).startswith(b"data:"):
            yield from _tokens(_SSE, line)
        else:
            yield False, line


def _tokens(pattern: re.Pattern[bytes], text: bytes) -> Iterator[tuple[bool, bytes]]:
    start = 0
    for match in pattern.finditer(text):
        if match[0] == b"NaN":
            yield False, text[start : match.start()]
            yield True, b""
            start = match.end()
    yield False, text[start:]
