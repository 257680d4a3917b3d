"""Carries bodies from one role of a wire to the other, as the transports do: through real bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from pisang.domain.answer import Answer, Ended
from pisang.domain.content import Body, Content, FileBytes, Span, span_pieces
from pisang.wires.base import Call, WireAnswer, WireRequest
from pisang.wires.scan import MemorySink, Scanned, Scanner, encode_run


def bytes_of(body: Body, sink: MemorySink | None = None) -> bytes:
    """The body as it goes over the line. Contents are inline, or in the sink."""

    def read(content: Content) -> tuple[bytes, ...]:
        if content.inline is not None:
            return (content.inline,)
        assert sink is not None
        return sink.read(content)

    written = bytearray()
    for piece in body:
        if isinstance(piece, bytes):
            written += piece
        elif isinstance(piece, FileBytes):
            written += b"".join(read(piece.content))
        else:
            written += b"".join(encode_run(piece, read))
    return bytes(written)


def replay(skeleton: bytes, spans: tuple[Span, ...], sink: MemorySink) -> bytes:
    """A stored body written out again: each `NaN` outside strings gives way to its span."""
    written = bytearray()
    rest = iter(spans)
    start = place = 0
    inside = False
    while place < len(skeleton):
        byte = skeleton[place : place + 1]
        if inside and byte == b"\\":
            place += 1
        elif byte == b'"':
            inside = not inside
        elif not inside and skeleton.startswith(b"NaN", place):
            written += skeleton[start:place]
            written += b'"' + bytes_of(span_pieces(next(rest)), sink) + b'"'
            start = place = place + 3
            continue
        place += 1
    assert next(rest, None) is None
    return bytes(written + skeleton[start:])


def chunked(data: bytes, rng: random.Random, most: int) -> Iterator[bytes]:
    """The data in chunks of random sizes from 1 to `most`."""
    place = 0
    while place < len(data):
        size = rng.randint(1, most)
        yield data[place : place + size]
        place += size


def framing_of(data: bytes) -> str:
    """How the intake would take it: by its first byte."""
    return "json" if data.lstrip(b" \t\r\n")[:1] in (b"{", b"[") else "sse"


def scan(
    data: bytes, sink: MemorySink | None = None, chunks: Iterator[bytes] | None = None
) -> Scanned:
    """The body as the intake takes it in; what is neither JSON nor events stays as it is."""
    start = data.lstrip(b" \t\r\n")
    if start[:1] not in (b"{", b"[") and not start.startswith((b"data:", b"event:", b"id:", b":")):
        return Scanned(data[: 64 * 1024], (), True)
    scanner = Scanner(sink or MemorySink(), framing="json" if start[:1] in b"{[" else "sse")
    for chunk in chunks or (data,):
        scanner.feed(chunk)
    return scanner.close()


def answer_of(
    data: bytes,
    *,
    status: int | None = 200,
    headers: Mapping[str, str] | None = None,
    ended: Ended = Ended.WHOLE,
    sink: MemorySink | None = None,
) -> Answer:
    """What the client role gets to see of these bytes."""
    scanned = scan(data, sink)
    return Answer(
        ended=ended,
        sent=True,
        status=status,
        headers=headers or {},
        skeleton=scanned.skeleton,
        spans=scanned.spans,
        body_bytes=len(data),
    )


def heard(answer: WireAnswer) -> Answer:
    """What the client role gets to see of what the server role said."""
    return answer_of(bytes_of(answer.body), status=answer.status, headers=answer.headers)


def called(request: WireRequest) -> Call:
    """What the server role gets to see of what the client role sent."""
    scanned = scan(bytes_of(request.body))
    return Call(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        skeleton=scanned.skeleton,
        spans=scanned.spans,
    )
