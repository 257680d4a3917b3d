"""Going on from an image: what the upstream is told of the turns that made it.

To the same kind of upstream the turns go back as they were, every signature byte-exact on its own
part (Google, thought signatures, 2026). Where that can't be, because the upstream is of another
kind or its answer is gone, the picture goes as a plain user part, and a warning says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pisang.domain.answer import Answer
from pisang.domain.content import Content
from pisang.domain.ledger import AttemptRow, ImageRow, RequestRow
from pisang.domain.request import Image, Part, Request, Text, Turn
from pisang.domain.serial import request_from_json
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import PisangError, WireError
from pisang.wires.table import wire

TURN_WIRES = frozenset({"gemini"})
"""Wires whose turns carry signatures and can be continued; the others take the picture anew."""


class Ledger(Protocol):
    """What lineage reads of the store."""

    def request(self, prefix: str) -> RequestRow: ...

    def answer(self, attempt_id: str) -> Answer | None: ...

    def content(self, sha256: str, size: int | None = None) -> Content: ...


@dataclass(frozen=True, slots=True)
class Continuation:
    """How an edit goes on: the turns to send first, or the picture as a part, and what to say."""

    history: tuple[Turn, ...] = ()
    parts: tuple[Part, ...] = ()
    warnings: tuple[Warn, ...] = ()


def go_on(
    image: ImageRow, upstream: Upstream, ledger: Ledger, *, signed: bool = False
) -> Continuation:
    """The continuation that edits `image` at `upstream`; never fails for want of history.

    With `signed` the model that is asked takes no picture of a model's turn without the signature
    it came with; older models gave none (Google's 400, thought signatures, 2026).
    """
    row = ledger.request(image.request_id)
    attempt = next(one for one in row.attempts if one.id == image.attempt_id)
    if attempt.wire not in TURN_WIRES:
        return _anew(image, ledger, None)  # it came without turns: nothing is left behind
    if (attempt.kind, attempt.wire) != (upstream.kind, upstream.wire):
        why = f"{upstream.name} is another kind of upstream than {attempt.upstream}, which made it"
        return _anew(image, ledger, why)
    try:
        turns = _turns(row, attempt, image, ledger)
    except PisangError:
        turns = None
    if turns is None:
        return _anew(image, ledger, "the stored answer it came in is gone")
    if signed and not _are_signed(turns):
        why = f"{attempt.model} signed none of it, and the model asked now wants signatures"
        return _anew(image, ledger, why)
    return Continuation(history=turns)


def _are_signed(turns: tuple[Turn, ...]) -> bool:
    said = (part for turn in turns if turn.role == "model" for part in turn.parts)
    return all(part.signature is not None for part in said if isinstance(part, Image))


def _anew(image: ImageRow, ledger: Ledger, why: str | None) -> Continuation:
    part = Image(ledger.content(image.sha256), image.mime)
    if why is None:
        return Continuation(parts=(part,))
    sentence = f"The picture was sent as a new reference, without the turns before it: {why}."
    return Continuation(parts=(part,), warnings=(Warn("history_dropped", sentence),))


def _turns(
    row: RequestRow, attempt: AttemptRow, image: ImageRow, ledger: Ledger
) -> tuple[Turn, ...] | None:
    """What was said up to and including the model's turn; None when it can't be had whole."""
    answer = ledger.answer(attempt.id)
    if answer is None:
        return None
    try:
        reply = wire(attempt.wire).decode_reply(answer)
    except WireError:
        return None
    asked: Request = request_from_json(row.spec, ledger.content)
    said = tuple(part for part in reply.parts if not _is_thought(part))
    if not any(isinstance(part, Image) and part.content.sha256 == image.sha256 for part in said):
        return None
    return (*asked.history, Turn("user", asked.parts), Turn("model", said))


def _is_thought(part: Part) -> bool:
    """Thoughts need not go back; only what was said, with its signatures, must."""
    return bool(getattr(part, "thought", False)) and isinstance(part, Text | Image)
