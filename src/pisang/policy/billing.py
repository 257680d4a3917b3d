"""Whether a relay's own log says that an attempt of unknown outcome was billed.

The log is new-api's (`model/log.go`, November 2026): a row a call, written when the call *ends*,
with its model, its quota, the seconds it took, and in newer versions the request id that the
answer's header carried. Rows of kind `error` cost nothing; `refund` gives back. Relays may switch
the log off, and give the newest thousand rows only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

EARLY_S = 60
"""How far a relay's clock may be behind ours, in seconds."""

LATE_S = 180
"""How long the upload of a request may take, and a relay's clock be ahead of ours."""

PATIENCE_S = 120
"""A call that may still be running has no row yet: so long after its time limit it must have."""

FULL = 1000
"""Rows that a relay gives at most (`MaxRecentItems`)."""


class Kind(StrEnum):
    """What a row of the log tells of."""

    BILLED = "billed"
    ERROR = "error"
    REFUND = "refund"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of a token's log. `at_s` is when the call ended, `took_s` how long it took; `quota`
    is in the relay's own unit."""

    at_s: int
    kind: Kind
    model: str
    quota: int
    took_s: int = 0
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known of the attempt. `others` are our other calls of that model about that time
    that were billed, and will have rows of their own."""

    sent_s: int
    limit_s: int
    model: str
    request_id: str | None = None
    others: int = 0


class Verdict(StrEnum):
    """What the log says. Only the first two are certain."""

    BILLED = "billed"
    FAILED = "failed"
    """The relay noted that the call failed, and took nothing."""

    LIKELY_BILLED = "likely_billed"
    LIKELY_FREE = "likely_free"
    TOO_EARLY = "too_early"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict; for the billed ones the quota that was taken, else None."""

    verdict: Verdict
    quota: int | None = None


def look_up(sent: Sent, rows: Sequence[LogRow], now_s: int) -> Finding:
    """What the log says of an attempt: by its request id, else by model and time."""
    ours = [
        row
        for row in rows
        if sent.request_id and row.request_id == sent.request_id and row.kind is not Kind.OTHER
    ]
    if ours:
        return _by_id(ours)
    billed = [row for row in rows if row.kind is Kind.BILLED]
    near = [row for row in billed if _fits(row, sent)]
    if len(near) > sent.others:
        # Which of them is this one nobody can say: the dearest is the worst that it can be.
        return Finding(Verdict.LIKELY_BILLED, max(row.quota for row in near))
    if not billed or _ends_before(rows, sent):
        return Finding(Verdict.CANNOT_TELL)
    if now_s < sent.sent_s + sent.limit_s + PATIENCE_S:
        return Finding(Verdict.TOO_EARLY)
    return Finding(Verdict.LIKELY_FREE)


def _by_id(rows: Sequence[LogRow]) -> Finding:
    taken = sum(row.quota for row in rows if row.kind is Kind.BILLED)
    given = sum(row.quota for row in rows if row.kind is Kind.REFUND)
    if taken > given:
        return Finding(Verdict.BILLED, taken - given)
    return Finding(Verdict.FAILED)


def _fits(row: LogRow, sent: Sent) -> bool:
    began = row.at_s - row.took_s
    early, late = sent.sent_s - EARLY_S, sent.sent_s + LATE_S
    return early <= began <= late and row.model.casefold() == sent.model.casefold()


def _ends_before(rows: Sequence[LogRow], sent: Sent) -> bool:
    """Whether the log was cut off before it comes to this attempt."""
    return len(rows) >= FULL and min(row.at_s for row in rows) > sent.sent_s
