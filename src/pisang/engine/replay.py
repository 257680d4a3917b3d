"""A stored answer, given out again as it came."""

from __future__ import annotations

from collections.abc import Iterator

from pisang.domain.content import Base64Run, Body, RawRun
from pisang.store.store import Store
from pisang.wires.replay import write_again
from pisang.wires.scan import encode_run


def replay(store: Store, attempt_id: str) -> Iterator[bytes] | None:
    """The bytes of the answer to that attempt, as the upstream sent them; None when it is gone.

    An answer that was neither JSON nor an event stream is given as far as it was kept.
    """
    answer = store.answer(attempt_id)
    if answer is None:
        return None
    return _bytes(store, write_again(answer.skeleton, answer.spans))


def _bytes(store: Store, pieces: Body) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        elif isinstance(piece, Base64Run | RawRun):
            yield from encode_run(piece, store.read)
