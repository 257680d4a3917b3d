"""The states of an attempt and of a request, as tables (DESIGN §5)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pisang.errors import Charged

__all__ = ["NEXT", "TERMINAL", "Charged", "State", "may_follow", "request_state"]


class State(StrEnum):
    """Where an attempt is. `unknown`: sent, and nobody knows whether it was made or billed."""

    PLANNED = "planned"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WRITTEN_OFF = "written_off"
    REBOUGHT = "rebought"


NEXT: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.SENT, State.FAILED}),
    State.SENT: frozenset({State.DONE, State.REFUSED, State.FAILED, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.DONE, State.WRITTEN_OFF, State.REBOUGHT}),
    State.DONE: frozenset(),
    State.REFUSED: frozenset(),
    State.FAILED: frozenset(),
    State.WRITTEN_OFF: frozenset(),
    State.REBOUGHT: frozenset(),
}
"""Which state may follow which. Everything that moves a state asks this table."""

TERMINAL = frozenset(state for state, following in NEXT.items() if not following)

_ORDER = (
    State.UNKNOWN,
    State.SENT,
    State.PLANNED,
    State.DONE,
    State.REFUSED,
    State.FAILED,
    State.WRITTEN_OFF,
    State.REBOUGHT,
)


def may_follow(before: State, after: State) -> bool:
    """Whether an attempt in `before` may move to `after`."""
    return after in NEXT[before]


def request_state(attempts: Iterable[State]) -> State:
    """A request's state: the first of unknown, sent, planned, done, refused, failed (DESIGN §5).

    A request with no attempt yet is `planned`; one whose attempts were all resolved by hand has
    the state of that resolution.
    """
    present = set(attempts)
    return next((state for state in _ORDER if state in present), State.PLANNED)
