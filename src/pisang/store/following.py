"""A job follows its request: in the same commit, whoever settles it.

A job waits (`due_ms`), is taken (neither), or is over (`ended`). While somebody works on its
request he decides what comes next; where nobody does, the job is over or goes back into its line.
"""

from __future__ import annotations

from collections.abc import Sequence

from pisang.domain.attempt import State, request_state
from pisang.store.ledger import Row, Tx

_OPEN = frozenset({State.PLANNED, State.SENT})
_OVER = frozenset({State.DONE, State.REFUSED, State.UNKNOWN, State.WRITTEN_OFF})


def owes(n: int, attempts: Sequence[Row]) -> bool:
    """Whether one of n images has no attempt that came to something."""
    return len({one["ordinal"] for one in attempts if State(one["state"]) in _OVER}) < n


def under_way(attempts: Sequence[Row]) -> bool:
    """Whether one of these attempts is open."""
    return any(State(one["state"]) in _OPEN for one in attempts)


def follow(tx: Tx, request_id: str, attempts: Sequence[Row] | None = None) -> None:
    """Bring the job that a request is, if it is one, in line with its attempts."""
    job = tx.one("job_standing", request_id=request_id)
    if job is None:
        return
    if attempts is None:
        attempts = tx.all("attempt_states", request_id=request_id)
    state = request_state(State(one["state"]) for one in attempts)
    tx.run("job_follow", request_id=request_id, state=state.value)
    if job["ended"] is not None or job["due_ms"] is not None or under_way(attempts):
        return
    if not owes(job["n"], attempts):
        end(tx, job["batch_id"], request_id)
    elif job["owner"] is None:
        tx.run("job_wait", request_id=request_id, due_ms=0)


def end(tx: Tx, batch_id: str, request_id: str) -> None:
    """The job is over: the newest of its batch to be so."""
    tx.run("batch_ending", id=batch_id)
    tx.run("job_end", request_id=request_id)
