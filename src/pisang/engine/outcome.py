"""What the attempts of one request amount to: one error or none, read from the ledger's rows."""

from __future__ import annotations

from collections.abc import Iterable

from pisang.domain.attempt import Charged, State
from pisang.domain.ledger import AttemptRow, RequestRow
from pisang.domain.money import Money
from pisang.domain.warning import Warn
from pisang.engine.order import Ran
from pisang.errors import Mismatch, OutcomeUnknown, Partial, PisangError, leaf

REPLAYED = Warn("replayed", "That key's request was carried out before: nothing was bought now.")

STRICT_CODES = frozenset({"size_mismatch", "ratio_mismatch", "type_mismatch"})
"""The warnings that `strict` turns into an error."""

UNKNOWN_AMOUNT = "an unknown amount"
AT_STAKE = "(at stake)"
"""Behind an amount of which nobody knows whether it was charged."""

PLAY_MONEY = "(play money)"
"""Behind an amount that is the sandbox's."""

_DROPPED = frozenset({State.WRITTEN_OFF, State.REBOUGHT})


def last_attempts(row: RequestRow) -> tuple[AttemptRow, ...]:
    """For each of the n images the attempt that speaks for it: the newest of its ordinal."""
    newest: dict[int, AttemptRow] = {}
    for attempt in row.attempts:
        if attempt.state not in _DROPPED or attempt.ordinal not in newest:
            newest[attempt.ordinal] = attempt
    return tuple(newest[ordinal] for ordinal in sorted(newest))


def error_of(attempt: AttemptRow) -> PisangError | None:
    """The error an attempt ended in, raised again from its row; None when it made an image."""
    if attempt.state is State.DONE or attempt.error_code is None:
        return None
    fields = dict(attempt.error_fields)
    return leaf(attempt.error_code)(
        charged=attempt.charged,
        at_stake=at_stake(attempt),
        request_id=attempt.request_id,
        upstream_request_id=attempt.upstream_request_id,
        hint=_hint(attempt),
        **fields,
    )


def at_stake(attempt: AttemptRow) -> str | None:
    """The amount that may have been paid for nothing, in words; None when nothing is at stake."""
    if attempt.charged is not Charged.UNKNOWN:
        return None
    amount: Money | None = attempt.cost or attempt.price
    if amount is None:
        return UNKNOWN_AMOUNT
    return f"{amount} {PLAY_MONEY}" if attempt.free else str(amount)


def _hint(attempt: AttemptRow) -> str | None:
    if attempt.state is not State.UNKNOWN:
        return None
    return f"pisang unknown look {attempt.id}"


def warnings_of(row: RequestRow) -> tuple[Warn, ...]:
    """All attempts' warnings in order, each sentence once."""
    return tuple(dict.fromkeys(warn for one in last_attempts(row) for warn in one.warnings))


def errors_of(row: RequestRow) -> tuple[PisangError, ...]:
    """The errors of the images that did not come."""
    return tuple(error for one in last_attempts(row) if (error := error_of(one)) is not None)


def sum_up(
    row: RequestRow, errors: Iterable[PisangError], *, strict: bool = False
) -> PisangError | None:
    """What a request amounts to: unknown before partial before the first failure (DESIGN §9)."""
    failed = tuple(errors)
    unknown = next((error for error in failed if isinstance(error, OutcomeUnknown)), None)
    if unknown is not None:
        return unknown
    done = sum(attempt.state is State.DONE for attempt in last_attempts(row))
    if failed and done:
        return Partial(done=done, n=row.n, request_id=row.id)
    if failed:
        return failed[0]
    if strict:
        wrong = [warn.message for warn in warnings_of(row) if warn.code in STRICT_CODES]
        if wrong:
            return Mismatch(what=" ".join(wrong).rstrip("."), request_id=row.id)
    return None


def summary(
    row: RequestRow,
    unclaimed: tuple[PisangError, ...] = (),
    *,
    strict: bool = False,
    replayed: bool = False,
) -> Ran:
    """A ledger row as what a face is given."""
    errors = (*errors_of(row), *unclaimed)
    return Ran(
        row=row,
        error=sum_up(row, errors, strict=strict),
        errors=errors,
        warnings=(*warnings_of(row), *((REPLAYED,) if replayed else ())),
        replayed=replayed,
    )
