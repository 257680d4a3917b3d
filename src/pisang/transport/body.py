"""A wire's body as a transport sends it: pieces in, chunks out, contents read as they go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from pisang.domain.content import Body, Content, FileBytes, Piece
from pisang.wires.scan import encode_run, encoded_length

Read = Callable[[Content], Iterable[bytes]]
"""Gives a content's bytes in chunks. It is not asked for what is inline."""


def stream_body(pieces: Body, read: Read) -> tuple[Callable[[], AsyncIterator[bytes]], int]:
    """(factory, length): each call of the factory gives the body anew, in constant memory.

    `length` is in bytes and exact. Chunks are read and encoded in the event loop as they are
    asked for: 64 KiB from the page cache takes less than the way to a thread and back.
    """

    async def chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            for chunk in _chunks(piece, read):
                yield chunk

    return chunks, sum(encoded_length(piece) for piece in pieces)


def _chunks(piece: Piece, read: Read) -> Iterator[bytes]:
    if isinstance(piece, bytes):
        return iter((piece,) if piece else ())
    if isinstance(piece, FileBytes):
        content = piece.content
        return iter(read(content) if content.inline is None else (content.inline,))
    return encode_run(piece, read)
