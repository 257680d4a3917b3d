"""A wire's body as it is sent: the bytes that its pieces say, in constant memory."""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.content import (
    Base64Run,
    Content,
    FileBytes,
    Meter,
    Piece,
    RawRun,
    Style,
    content_of,
)
from pisang.transport.body import stream_body
from pisang.transport.http import HttpTransport
from tests.transport.faults import OK as ANSWER
from tests.transport.faults import answering, hear, post, serve


class Shelf:
    """Keeps contents outside of the pieces, as the store does."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> Content:
        meter = Meter()
        meter.update(data)
        content = meter.content()
        self._kept[content.sha256] = data
        return content

    def read(self, content: Content) -> Iterator[bytes]:
        data = self._kept[content.sha256]
        for start in range(0, len(data), 7):
            yield data[start : start + 7]


async def _whole(pieces: tuple[Piece, ...], shelf: Shelf) -> bytes:
    factory, length = stream_body(pieces, shelf.read)
    bodies = [b"".join([chunk async for chunk in factory()]) for _ in range(2)]
    assert bodies[0] == bodies[1], "each call gives the body anew"
    assert len(bodies[0]) == length, "the length is exact"
    return bodies[0]


async def test_each_kind_of_piece_goes_out_as_it_should() -> None:
    shelf = Shelf()
    picture = bytes(range(256)) * 3
    kept, inline = shelf.put(picture), content_of(b"small")
    pieces: tuple[Piece, ...] = (
        b'{"data":"',
        Base64Run(kept),
        b'"}',
        b"",
        FileBytes(kept),
        FileBytes(inline),
        Base64Run(inline, Style(padding="none")),
        RawRun(shelf.put(b"as it stood")),
    )
    assert await _whole(pieces, shelf) == (
        b'{"data":"' + base64.b64encode(picture) + b'"}' + picture + b"small"
        b"c21hbGw" + b"as it stood"
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["bytes", "base64", "raw", "file"]), st.binary())))
async def test_the_length_is_exact_for_any_pieces(parts: list[tuple[str, bytes]]) -> None:
    shelf = Shelf()
    make = {
        "bytes": lambda data: data,
        "base64": lambda data: Base64Run(shelf.put(data)),
        "raw": lambda data: RawRun(shelf.put(data)),
        "file": lambda data: FileBytes(shelf.put(data)),
    }
    said = [base64.b64encode(data) if kind == "base64" else data for kind, data in parts]
    assert await _whole(tuple(make[kind](data) for kind, data in parts), shelf) == b"".join(said)


async def test_an_empty_body_has_no_bytes() -> None:
    assert await _whole((), Shelf()) == b""


async def test_a_large_picture_is_encoded_as_it_is_sent(transport: HttpTransport) -> None:
    size = 24 << 20
    zeros = bytes(65536)

    def read(content: Content) -> Iterator[bytes]:
        for _ in range(size // len(zeros)):
            yield zeros

    picture = Content("0" * 64, size, b"", b"")
    factory, length = stream_body((b'"', Base64Run(picture), b'"'), read)
    assert length == size // 3 * 4 + 2

    tracemalloc.start()
    sent = 0
    async for chunk in factory():
        sent += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (sent, peak < 2 << 20) == (length, True)

    async with serve(answering(ANSWER)) as site:
        heard = await hear(transport, post(site.url, body=factory, length=length))
        assert heard.failure is None
        assert site.requests[0][1] == b'"' + b"A" * (length - 2) + b'"'
