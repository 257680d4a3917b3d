"""What became of a request, as an answer on the wire that it was asked on.

The same wire in and out: the upstream's bytes, as they came. Another wire: what was said, written
in the caller's dialect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pisang.domain.answer import Answer, Ended, Reply
from pisang.domain.attempt import State
from pisang.domain.ledger import AttemptRow, RequestRow
from pisang.domain.request import Image
from pisang.engine.order import Ran
from pisang.engine.outcome import last_attempts
from pisang.errors import PisangError
from pisang.gateway.links import link
from pisang.gateway.transcoding import transcode
from pisang.store.store import Store
from pisang.wires.base import Ask, Wire, WireAnswer
from pisang.wires.replay import write_again
from pisang.wires.table import wire

_SAID = frozenset({State.DONE, State.REFUSED})

JSON_TYPE = "application/json; charset=UTF-8"


def encode(
    ran: Ran, ask: Ask, asked_wire: Wire, store: Store, address: Callable[[str], str]
) -> WireAnswer:
    """The answer to a caller: pictures, a refusal as its upstream worded it, or the error.
    `address` says where an image of his is.

    Blocks while pictures are written in another type than they came in.
    """
    told = [one for one in last_attempts(ran.row) if one.state in _SAID]
    answers = [(one, store.answer(one.id)) for one in told]
    whole = [(one, answer) for one, answer in answers if answer is not None]
    as_it_came = _as_it_came(whole, ask, asked_wire)
    if as_it_came is not None:
        return as_it_came
    pictured = [pair for pair in answers if pair[0].state is State.DONE]
    if not pictured:
        return asked_wire.encode_error(_error_of(ran), ask)
    reply = _merge([_reply(ran.row, one, answer, store) for one, answer in pictured])
    reply = link(transcode(reply, ask, store), ask, address)
    told_at = {"created_s": ran.row.created_ms // 1000}
    return asked_wire.encode_reply(reply, replace(ask, options={**ask.options, **told_at}))


def _error_of(ran: Ran) -> PisangError:
    error = ran.error or (ran.errors[0] if ran.errors else None)
    if error is None:
        from pisang.errors import NotFound

        return NotFound(what="stored answer of request", id=ran.row.id)
    return error


def _as_it_came(
    told: list[tuple[AttemptRow, Answer]], ask: Ask, asked_wire: Wire
) -> WireAnswer | None:
    """The upstream's own bytes, where one answer of the caller's own dialect says it all."""
    if len(told) != 1 or not is_plain(ask):
        return None
    attempt, answer = told[0]
    whole = answer.status == 200 and answer.ended is Ended.WHOLE
    if not whole or wire(attempt.wire) is not asked_wire:
        return None
    if not answer.skeleton.lstrip().startswith(b"data:" if ask.stream else b"{"):
        return None
    kind = answer.headers.get("content-type", JSON_TYPE)
    return WireAnswer(200, write_again(answer.skeleton, answer.spans), {"content-type": kind})


def speaks_for_itself(ran: Ran) -> bool:
    """Whether one upstream's one answer says all there is to say."""
    return len([one for one in last_attempts(ran.row) if one.state in _SAID]) == 1


def is_plain(ask: Ask) -> bool:
    """Whether the upstream's own bytes answer this: nothing is to be written otherwise."""
    return ask.options == ({"alt": "sse"} if ask.stream else {})


def _reply(row: RequestRow, attempt: AttemptRow, answer: Answer | None, store: Store) -> Reply:
    """What was said; where that is gone, or its process died before the last of it came, the
    pictures that the ledger has of it. Raises `NotFound` where they were deleted."""
    if answer is not None and answer.status is not None:
        return wire(attempt.wire).decode_reply(answer)
    kept = [one for one in row.images if one.attempt_id == attempt.id]
    return Reply(
        tuple(Image(store.content(one.sha256, one.bytes), one.mime) for one in kept),
        finish_reason=attempt.finish_reason or "STOP",
        usage=attempt.usage,
        model=attempt.model,
        response_id=attempt.response_id,
    )


def _merge(replies: list[Reply]) -> Reply:
    """Several answers as one, in order: n images were n attempts."""
    first = replies[0]
    parts = tuple(part for reply in replies for part in reply.parts)
    return replace(first, parts=parts) if len(replies) > 1 else first
