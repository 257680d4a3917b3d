"""A model's turn that comes back over a dialect without thought signatures.

Google wants each picture of a model's turn back with the signature it came with, else answers 400
(thought signatures, July 2026); a chat has no field for it. The gateway made that picture, so it
knows the turn: it goes on as it was. A picture that it doesn't know goes as the user's own, which
needs no signature.
"""

from __future__ import annotations

from dataclasses import replace

from pisang.domain.catalogue import Catalogue, resolve
from pisang.domain.request import Image, Link, Other, Part, Request, Text, Turn
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.engine.lineage import TURN_WIRES
from pisang.errors import PisangError
from pisang.store.store import Store
from pisang.wires.table import wire

MOVED = Warn(
    "history_moved",
    "A picture of an earlier turn was sent as a reference: its thought signature is not known.",
)


def recall(
    request: Request, upstream: Upstream, catalogue: Catalogue, store: Store, scope: str
) -> tuple[Request, tuple[Warn, ...]]:
    """The wish with its model's turns as that upstream can take them, and what to say of it.

    Only what that scope made is known: another's turn may say more than its picture shows.
    """
    model = resolve(request.model, upstream, catalogue).model if request.model else None
    signs = model is None or model.signatures
    unsigned = any(turn.role == "model" and _pictures(turn) for turn in request.history)
    if upstream.wire not in TURN_WIRES or not signs or not unsigned:
        return request, ()
    turns: list[Turn] = []
    carried: tuple[Part, ...] = ()
    moved = False
    for turn in request.history:
        if turn.role == "user":
            turns.append(replace(turn, parts=(*carried, *turn.parts)))
            carried = ()
            continue
        pictures = _pictures(turn)
        said = _said(turn, pictures, upstream, store, scope)
        if said is None:
            carried, moved = (*carried, *pictures), True
            said = tuple(part for part in turn.parts if part not in pictures)
        turns += [replace(turn, parts=said)] if said else []
    told = replace(request, history=tuple(turns), parts=(*carried, *request.parts))
    return told, (MOVED,) if moved else ()


def _pictures(turn: Turn) -> tuple[Part, ...]:
    """The pictures without a signature."""
    return tuple(
        part for part in turn.parts if isinstance(part, Image | Link) and part.signature is None
    )


def _said(
    turn: Turn, pictures: tuple[Part, ...], upstream: Upstream, store: Store, scope: str
) -> tuple[Part, ...] | None:
    """What the model said when it made them, with every signature; None where that isn't known."""
    if not pictures:
        return turn.parts
    images = [part.content.sha256 for part in pictures if isinstance(part, Image)]
    if len(images) != len(pictures):
        return None
    try:
        parts = _stored(images[-1], upstream, store, scope)
    except PisangError:  # nothing of the sort, or its answer is gone
        return None
    told = {part.content.sha256 for part in parts if isinstance(part, Image) and part.signature}
    return parts if told.issuperset(images) else None


def _stored(sha256: str, upstream: Upstream, store: Store, scope: str) -> tuple[Part, ...]:
    image = store.owned.image(sha256, scope)
    row = store.request(image.request_id)
    attempt = next(one for one in row.attempts if one.id == image.attempt_id)
    answer = store.answer(attempt.id)
    if answer is None or (attempt.kind, attempt.wire) != (upstream.kind, upstream.wire):
        return ()
    reply = wire(attempt.wire).decode_reply(answer)
    return tuple(part for part in reply.parts if isinstance(part, Other) or not _is_thought(part))


def _is_thought(part: Part) -> bool:
    return isinstance(part, Text | Image) and part.thought
