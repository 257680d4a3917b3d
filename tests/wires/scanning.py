"""What the tests of the scanner share: scanning in chunks, replaying, base64 in any style."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import pybase64

from pisang.domain.content import Run, Span, Style, span_pieces
from pisang.errors import WireError
from pisang.wires.scan import MemorySink, Scanned, Scanner, encode_run, encoded_length

_TOKENS = {
    "json": re.compile(rb'"(?:[^"\\]|\\.)*"?|NaN', re.DOTALL),
    "sse": re.compile(rb'"(?:[^"\\\r\n]|\\[^\r\n])*"?|NaN'),
}

PICTURE = bytes(range(256)) * 100
"""25,600 bytes with every value; its base64 has all 64 characters."""


def chunks_of(body: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({cut % (len(body) + 1) for cut in cuts}), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


def scan(chunks: Iterable[bytes], sink: MemorySink | None = None, **options: object) -> Scanned:
    scanner = Scanner(sink or MemorySink(), **options)  # type: ignore[arg-type]
    for chunk in chunks:
        scanner.feed(chunk)
    return scanner.close()


def outcome(chunks: Iterable[bytes], **options: object) -> Scanned | str:
    """What a scan gives, or the sentence it refuses with."""
    try:
        return scan(chunks, **options)
    except WireError as error:
        return str(error)


def written(span: Span, sink: MemorySink) -> bytes:
    """The span's raw bytes as they are sent again; checks each piece's announced length."""
    raw = b""
    for piece in span_pieces(span):
        part = piece if isinstance(piece, bytes) else b"".join(encode_run(piece, sink.read))
        assert encoded_length(piece) == len(part)
        raw += part
    return raw


def replay(scanned: Scanned, sink: MemorySink, framing: str = "json") -> bytes:
    """The body again, from skeleton and spans."""
    spans = iter(scanned.spans)
    body, start = b"", 0
    for match in _TOKENS[framing].finditer(scanned.skeleton):
        if match[0] == b"NaN":
            span = next(spans)
            body += scanned.skeleton[start : match.start()] + b'"' + written(span, sink)
            body += b'"' if span.complete else b""
            start = match.end()
    assert next(spans, None) is None
    return body + scanned.skeleton[start:]


def in_json(raw: bytes) -> bytes:
    return b'{"a": 1, "data": "' + raw + b'", "b": [true]}'


def runs_of(raw: bytes, **options: object) -> tuple[Run, ...]:
    scanned = scan([in_json(raw)], **options)
    assert scanned.skeleton == b'{"a": 1, "data": NaN, "b": [true]}'
    assert scanned.complete
    return scanned.spans[0].runs


def styled(data: bytes, style: Style) -> bytes:
    text = pybase64.b64encode(data)
    if style.alphabet == "url":
        text = text.replace(b"+", b"-").replace(b"/", b"_")
    if style.slash == "escaped":
        text = text.replace(b"/", b"\\/")
    return text.replace(b"=", b"" if style.padding == "none" else style.padding.encode())


STYLES = [
    Style(alphabet, slash, padding)
    for alphabet, slash in (("std", "plain"), ("std", "escaped"), ("url", "plain"))
    for padding in ("=", "\\u003d", "\\u003D", "none")
]
