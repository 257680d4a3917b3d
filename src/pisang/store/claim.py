"""Slot, money and the row that says `sent`, in one transaction; it commits just before connecting.

All limits hold over all processes, because every claim of every process comes through here, one
after the other, under the ledger lock.
"""

from __future__ import annotations

from pisang.domain.attempt import Charged, State, request_state
from pisang.domain.ledger import Claimed, Hold, Intent, Settlement
from pisang.domain.money import Money
from pisang.errors import NotFound, Unexpected
from pisang.store.budgets import Reserved, note_refusal, reserve
from pisang.store.ledger import Tx
from pisang.store.process import Process
from pisang.store.rows import currency, micros
from pisang.store.settle import settle
from pisang.store.taking import admit, count_held

BUSY_HOLD_MS = 250
"""When to ask again while as many attempts run as may: nobody knows when the first one ends."""

HOLD_CAP_MS = 2_000
"""The longest that whoever was told to wait naps before he asks again."""

LATE_MS = 1_000
"""How much later he may come than he was told, and still be waited for."""

MINUTE_MS = 60_000

SKEW_MS = 60_000
"""A start this far in the future counts (clocks of threads differ by a little); one further off
was written before the clock was set back, and must not block the upstream for hours."""


def claim(tx: Tx, process: Process, intent: Intent, now_ms: int) -> Claimed | Hold:
    """Reserve the worst price, take the slot, write `sent`.

    The time written is the transaction's, not that of the asking, so that intervals hold for
    claims that waited in the queue. Raises `BudgetExceeded`, `PriceUnknown`, `NotFound`.
    """
    request = tx.one("request_standing", id=intent.request_id)
    if request is None:
        raise NotFound(what="request", id=intent.request_id)
    if request["owner"] != process.owner:
        # It was taken for dead, being out of the ledger's reach for too long: another process may
        # be at work on the rest by now.
        raise Unexpected(what=f"request {intent.request_id} was taken over by another process")
    at_ms = max(now_ms, process.clock_ms())
    hold = admit(tx, process, intent, at_ms) if intent.batch_id is not None else None
    hold = hold or _slot(tx, process, intent, at_ms)
    _note_wait(tx, intent, hold, at_ms)
    if hold is not None:
        return hold
    reserved = Reserved(None) if intent.free else reserve(tx, intent, request["scope"], at_ms)
    count_held(tx, intent, reserved.held)
    _insert(tx, process, intent, at_ms, sent=True, held=reserved.held)
    # One attempt more can only move a request to the front of the order of states.
    state = request_state((State(request["state"]), State.SENT))
    tx.run("request_state_set", id=intent.request_id, state=state.value)
    if intent.batch_id is not None:
        tx.run("job_follow", request_id=intent.request_id, state=state.value)
    return Claimed(at_ms, reserved.warnings)


def decline(tx: Tx, process: Process, intent: Intent, settlement: Settlement) -> None:
    """Write down an attempt that was not claimed, and why: nothing was sent, nothing is owed."""
    _insert(tx, process, intent, settlement.at_ms, sent=False, held=None)
    settle(tx, settlement)
    budget = settlement.error_fields.get("budget")
    if isinstance(budget, str):  # it was one that refused it
        request = tx.one("request_standing", id=intent.request_id)
        if request is not None:
            note_refusal(tx, intent, request["scope"], budget, settlement.at_ms)


def _insert(
    tx: Tx, process: Process, intent: Intent, at_ms: int, *, sent: bool, held: Money | None
) -> None:
    tx.run(
        "attempt_insert",
        id=intent.attempt_id,
        request_id=intent.request_id,
        ordinal=intent.ordinal,
        upstream=intent.upstream,
        wire=intent.wire,
        kind=intent.kind,
        model=intent.model,
        image_size=intent.image_size,
        state=(State.SENT if sent else State.PLANNED).value,
        charged=(Charged.UNKNOWN if sent else Charged.NO).value,
        price_micros=micros(intent.price),
        price_currency=currency(intent.price),
        held_micros=micros(intent.held),
        counted_micros=held.micros if held else 0,
        counted_currency=currency(held),
        free=int(intent.free),
        owner=process.owner,
        created_ms=at_ms,
        sent_ms=at_ms if sent else None,
        deadline_ms=intent.deadline_ms,
        log_id=intent.log_id,
        batch_id=intent.batch_id,
    )


def _note_wait(tx: Tx, intent: Intent, hold: Hold | None, at_ms: int) -> None:
    """Let jobs know of a call that somebody waits for: none takes a slot before it."""
    if intent.batch_id is not None:
        return
    if hold is None:
        tx.run("wait_forget", attempt_id=intent.attempt_id, now_ms=at_ms)
    else:
        until_ms = at_ms + min(hold.delay_ms, HOLD_CAP_MS) + LATE_MS
        tx.run(
            "wait_put", attempt_id=intent.attempt_id, upstream=intent.upstream, until_ms=until_ms
        )


def _slot(tx: Tx, process: Process, intent: Intent, now_ms: int) -> Hold | None:
    """None when the upstream's limits let one more start now."""
    limits = intent.limits
    most = limits.concurrency
    if most is not None and _live(tx, process, intent.upstream, most) >= most:
        return Hold(BUSY_HOLD_MS, f"{intent.upstream} takes {most} at once")
    until = now_ms + SKEW_MS
    if limits.interval_ms > 0:
        last = tx.one("last_start", upstream=intent.upstream, until=until)
        if last is not None and last["at"] is not None:
            wait = last["at"] + limits.interval_ms - now_ms
            if wait > 0:
                return Hold(wait, f"{intent.upstream} takes one every {limits.interval_ms} ms")
    if limits.rpm is not None:
        nth = tx.one("nth_start", upstream=intent.upstream, until=until, skip=limits.rpm - 1)
        if nth is not None:
            wait = nth["at"] + MINUTE_MS - now_ms
            if wait > 0:
                return Hold(wait, f"{intent.upstream} takes {limits.rpm} a minute")
    return None


def _live(tx: Tx, process: Process, upstream: str, enough: int) -> int:
    """How many attempts are under way; those of dead processes hold no slot."""
    row = tx.one("live_count", upstream=upstream)
    live: int = row["live"] if row is not None else 0
    if live < enough:
        return live
    owners = tx.all("live_owners", upstream=upstream)
    return sum(one["live"] for one in owners if process.works_on(one["owner"]))
