"""An answer on its way out as ASGI messages: whole, cut, compressed, or drop by drop."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pisang.domain.content import Body, Content, FileBytes
from pisang.wires.asgi import Send
from pisang.wires.base import WireAnswer
from pisang.wires.pieces import encode_run, encoded_length

_SLICE = 64 * 1024
_DROPS = 40


@dataclass(frozen=True, slots=True)
class Manner:
    """How a body is told. `cut`: the share of it after which the connection breaks."""

    cut: float | None = None
    gzip: bool = False
    drip_s: float | None = None
    head_only: bool = False


PLAIN = Manner()


async def send_answer(answer: WireAnswer, send: Send, manner: Manner = PLAIN) -> None:
    """Send it. A cut is an answer that ends before its length: the server closes the connection."""
    length = sum(encoded_length(piece) for piece in answer.body)
    headers = dict(answer.headers)
    chunks: Iterable[bytes] = read_body(answer.body)
    if manner.gzip:
        packed = b"".join(_compressed(chunks))
        length, chunks = len(packed), (packed,)
        headers = headers | {"content-encoding": "gzip"}
    headers = headers | {"content-length": str(length)}
    await send({"type": "http.response.start", "status": answer.status, "headers": _raw(headers)})
    allowed = length if manner.cut is None else int(length * manner.cut)
    if manner.head_only:
        chunks = ()
    if manner.drip_s is not None:
        chunks = _drops(chunks, length)
    pause_s = 0.0 if manner.drip_s is None else manner.drip_s / _DROPS
    for chunk in _first(chunks, allowed):
        await asyncio.sleep(pause_s)
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    # A cut ends on an open body; a server that has seen none of it would say 500 instead.
    await send({"type": "http.response.body", "body": b"", "more_body": manner.cut is not None})


def read_body(body: Body) -> Iterator[bytes]:
    """The bytes of a body, in chunks; base64 is made as it is read."""
    for piece in body:
        if isinstance(piece, bytes):
            yield from _slices(piece)
        elif isinstance(piece, FileBytes):
            yield from _slices(_inline(piece.content)[0])
        else:
            yield from encode_run(piece, _inline)


def _inline(content: Content) -> tuple[bytes]:
    """What every content of the sandbox holds: it keeps all of them in memory."""
    return (content.inline or b"",)


def _slices(data: bytes, size: int = _SLICE) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def _drops(chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
    size = max(1, -(-length // _DROPS))
    held = b""
    for chunk in chunks:
        held += chunk
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if held:
        yield held


def _first(chunks: Iterable[bytes], allowed: int) -> Iterator[bytes]:
    for chunk in chunks:
        if allowed <= 0:
            return
        yield chunk[:allowed]
        allowed -= len(chunk)


def _compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
