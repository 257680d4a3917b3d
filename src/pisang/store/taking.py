"""Who takes which job next, and what a batch's own limits let start.

Of the batches that have jobs to do the most urgent are served, one job each in turn. What a batch
may do is decided where everything is: in the claim.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby

from pisang.domain.batch import BatchState
from pisang.domain.ledger import Hold, Intent
from pisang.domain.money import Money
from pisang.errors import Cancelled, NotFound
from pisang.store.budgets import check_cap
from pisang.store.following import end, owes, under_way
from pisang.store.ledger import Row, Tx
from pisang.store.process import Process
from pisang.store.rows import money

BUSY_MS = 250
"""When to ask again while as many run as may."""

LIVE_MS = 100
"""When to ask again while somebody waits for a call of his own."""

SKEW_MS = 60_000
"""As in `store.claim`."""


def take(
    tx: Tx,
    process: Process,
    limit: int,
    *,
    only: str | None = None,
    but: Sequence[str] = (),
    lanes: Sequence[str] = (),
) -> list[str]:
    """Make jobs whose time has come ours: the ids of their requests, in the order to begin them.

    `only` is the one batch to serve; `but` names batches, and `lanes` lists of upstreams (as the
    ledger has them), that are full just now.
    """
    now_ms = process.clock_ms()
    serving = [
        row for row in tx.all("batches_serving", only=only, now_ms=now_ms) if row["id"] not in but
    ]
    taken: list[str] = []
    for _, urgent in groupby(serving, key=lambda row: row["priority"]):
        line = deque(
            (batch["id"], _due(tx, batch, now_ms, limit, frozenset(lanes))) for batch in urgent
        )
        served: dict[str, None] = {}
        while line and len(taken) < limit:
            batch_id, jobs = line.popleft()
            job = next(jobs, None)
            if job is None:
                continue
            line.append((batch_id, jobs))
            served.pop(batch_id, None)
            served[batch_id] = None
            tx.run("job_take", batch_id=batch_id, number=job["number"])
            tx.run("request_take", id=job["request_id"], owner=process.owner)
            taken.append(job["request_id"])
        for batch_id in served:
            tx.run("batch_serve", id=batch_id)
    return taken


def _due(tx: Tx, batch: Row, now_ms: int, limit: int, full: frozenset[str]) -> Iterator[Row]:
    """The jobs of one batch that may begin, as far as its own concurrency goes, in the order of
    their rows within each lane, lane after lane."""
    room = limit
    if batch["concurrency"] is not None:
        row = tx.one("jobs_taken_count", batch_id=batch["id"])
        room = min(room, batch["concurrency"] - (row["taken"] if row is not None else 0))
    if room <= 0:
        return
    lanes = [row["via"] for row in tx.all("lanes", batch_id=batch["id"]) if row["via"] not in full]
    waiting = [
        deque(tx.all("jobs_due", batch_id=batch["id"], via=via, now_ms=now_ms, limit=room))
        for via in lanes
    ]
    for _ in range(room):
        waiting = [lane for lane in waiting if lane]
        if not waiting:
            return
        first = min(waiting, key=lambda lane: (lane[0]["due_ms"], lane[0]["number"]))
        yield first.popleft()


def give_back(tx: Tx, process: Process, request_id: str) -> None:
    """A job that was taken and not begun goes back into the line, to the front. One that turns out
    to be begun does not: whoever could not hear of his own commit must not have it sent again."""
    if _release(tx, process, request_id) is not None:
        tx.run("job_untake", request_id=request_id)


def let_go(tx: Tx, process: Process, request_id: str, again_ms: int | None) -> None:
    """This process is through with a job for now: it is over, or to be tried again from then on."""
    batch_id = _release(tx, process, request_id)
    if batch_id is None:
        return
    if again_ms is None:
        end(tx, batch_id, request_id)
    else:
        tx.run("job_wait", request_id=request_id, due_ms=again_ms)


def _release(tx: Tx, process: Process, request_id: str) -> str | None:
    """Let a job of this process's go; its batch where an image is owed and nothing is under way.

    What still is (its process could not settle it) decides by its own end.
    """
    job = tx.one("job_standing", request_id=request_id)
    if not tx.count("request_release", id=request_id, owner=process.owner) or job is None:
        return None
    attempts = tx.all("attempt_states", request_id=request_id)
    if job["ended"] is not None or under_way(attempts):
        return None
    batch_id: str = job["batch_id"]
    if owes(job["n"], attempts):
        return batch_id
    end(tx, batch_id, request_id)
    return None


def admit(tx: Tx, process: Process, intent: Intent, now_ms: int) -> Hold | None:
    """None when the batch, and those who go before it, let one more of its attempts start now.

    Raises `Cancelled` for a batch that is, `BudgetExceeded` and `PriceUnknown` by its own cap.
    """
    batch = tx.one("batch_admission", id=intent.batch_id, upstream=intent.upstream, now_ms=now_ms)
    if batch is None:
        raise NotFound(what="batch", id=intent.batch_id)
    if batch["state"] != BatchState.OPEN:
        raise Cancelled()
    hold = _others_first(batch, intent, now_ms) or _own_limits(tx, process, batch, now_ms)
    if hold is None and not intent.free:
        cap = money(batch["max_cost_micros"], batch["max_cost_currency"])
        if cap is not None:
            check_cap(
                f"batch:{intent.batch_id} in total",
                cap,
                Money(batch["counted_micros"], cap.currency),
                intent,
            )
    return hold


def count_held(tx: Tx, intent: Intent, held: Money | None) -> None:
    """Count what a claim holds toward its batch's cap."""
    if intent.batch_id is not None and held is not None:
        tx.run("batch_count", id=intent.batch_id, micros=held.micros, currency=held.currency)


def _others_first(batch: Row, intent: Intent, now_ms: int) -> Hold | None:
    wait_ms: int = (batch["paused_until_ms"] or 0) - now_ms
    if wait_ms > 0:
        return Hold(wait_ms, f"{intent.upstream} asked to be left alone for a while")
    if batch["others_wait"]:
        return Hold(LIVE_MS, f"{intent.upstream} has calls to answer that somebody waits for")
    return None


def _own_limits(tx: Tx, process: Process, batch: Row, now_ms: int) -> Hold | None:
    most = batch["concurrency"]
    if most is not None and _live(tx, process, batch["id"], most) >= most:
        return Hold(BUSY_MS, f"the batch takes {most} at once", of_batch=True)
    if batch["interval_ms"] > 0:
        last = tx.one("batch_last_start", batch_id=batch["id"], until=now_ms + SKEW_MS)
        if last is not None and last["at"] is not None:
            wait_ms = last["at"] + batch["interval_ms"] - now_ms
            if wait_ms > 0:
                said = f"the batch takes one every {batch['interval_ms']} ms"
                return Hold(wait_ms, said, of_batch=True)
    return None


def _live(tx: Tx, process: Process, batch_id: str, enough: int) -> int:
    """How many of its attempts are under way; those of dead processes hold no slot."""
    row = tx.one("batch_live", batch_id=batch_id)
    live: int = row["live"] if row is not None else 0
    if live < enough:
        return live
    owners = tx.all("batch_live_owners", batch_id=batch_id)
    return sum(one["live"] for one in owners if process.works_on(one["owner"]))


def lane_of(via: Sequence[str]) -> str:
    """A list of upstreams as the ledger has it."""
    return json.dumps(list(via), ensure_ascii=False, separators=(",", ":"))
