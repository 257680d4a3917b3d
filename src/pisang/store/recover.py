"""Rows of processes that are gone: taken over by one process, never by two.

Who is gone is told by owner locks. The taking is a transaction under the ledger lock, and the
taker's own lock is held, so whoever looks next sees rows of a living owner.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pisang.domain.answer import Answer
from pisang.domain.attempt import TERMINAL, State
from pisang.domain.content import Content
from pisang.domain.ledger import AttemptRow
from pisang.store.following import follow
from pisang.store.ledger import Tx
from pisang.store.process import Process

_OPEN = frozenset({State.PLANNED, State.SENT})
_BLIND = frozenset({State.UNKNOWN, State.WRITTEN_OFF, State.REBOUGHT})


@dataclass(frozen=True, slots=True)
class Orphan:
    """An attempt whose process died, now ours to settle, with what of its answer is on disk.

    `answer` is there when it had been stored whole (the process died in `keep` or after it): keep
    it again before settling.
    `contents` are the files that had come in, whole or cut: look at their ends.
    """

    attempt: AttemptRow
    answer: Answer | None
    contents: tuple[Content, ...]


def dead_owners(tx: Tx, process: Process) -> list[str]:
    """The owners in rows not ended whose process is gone."""
    rows = tx.all("open_owners") + tx.all("open_request_owners")
    owners = {row["owner"] for row in rows if row["owner"] is not None}
    return sorted(owner for owner in owners if not process.works_on(owner))


def take_over(tx: Tx, process: Process) -> list[str]:
    """Make ours what dead processes left; the ids of the attempts.

    A request of theirs for which nothing was ever sent has simply failed; a job goes back into
    its line where nothing of it is under way and an image is still owed.
    """
    taken: list[str] = []
    for dead in dead_owners(tx, process):
        if not process.lives.bury(tx, dead):
            continue
        taken += [row["id"] for row in tx.all("open_of_owner", owner=dead)]
        tx.run("attempts_take", dead=dead, owner=process.owner)
        requests = [row["id"] for row in tx.all("requests_of_owner", owner=dead)]
        tx.run("requests_disown", owner=dead)
        for request_id in requests:
            tx.run("request_abandon", id=request_id)
            follow(tx, request_id)
    return taken


def standing(tx: Tx, attempt_ids: Iterable[str]) -> list[str]:
    """Which of these attempts are not ended yet, oldest first (ids sort by when they were made)."""
    rows = tx.all("attempt_states_by_ids", ids=json.dumps(list(attempt_ids)))
    return sorted(row["id"] for row in rows if State(row["state"]) in _OPEN)


def settled_elsewhere(tx: Tx, process: Process, attempt_ids: Iterable[str]) -> list[str]:
    """Which of these attempts somebody of another home ended without an answer: he could not see
    what lies in this one."""
    rows = tx.all("attempt_states_by_ids", ids=json.dumps(list(attempt_ids)))
    return [
        row["id"]
        for row in rows
        if State(row["state"]) in _BLIND and process.lives.elsewhere(row["owner"])
    ]


def take_back(tx: Tx, process: Process, attempt_ids: Iterable[str]) -> list[str]:
    """Which of them are this process's to look at again; each is one caller's only."""
    found = settled_elsewhere(tx, process, attempt_ids)
    for attempt_id in found:
        tx.run("attempt_take_back", id=attempt_id, owner=process.owner)
    return found


def ended(tx: Tx, attempt_ids: Iterable[str]) -> list[str]:
    """Which of these attempts have ended for good: their incoming names are of no more use."""
    rows = tx.all("attempt_states_by_ids", ids=json.dumps(list(attempt_ids)))
    return [row["id"] for row in rows if State(row["state"]) in TERMINAL]
