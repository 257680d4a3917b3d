"""How an attempt ends: state, money, images and the answer, in one transaction, exactly once."""

from __future__ import annotations

from dataclasses import dataclass

from pisang.domain.attempt import Charged, State, may_follow, request_state
from pisang.domain.ledger import Settlement
from pisang.domain.money import Money
from pisang.errors import NotFound, Unexpected
from pisang.store.budgets import adjust
from pisang.store.following import follow
from pisang.store.ledger import Row, Tx
from pisang.store.rows import (
    currency,
    dump,
    dump_usage,
    dump_warnings,
    micros,
    money,
)


@dataclass(frozen=True, slots=True)
class Record:
    """A stored answer as the ledger takes it: packed, with what it holds, each as (hash, kind)."""

    packed: bytes
    contents: tuple[tuple[str, str], ...] = ()


def settle(tx: Tx, settlement: Settlement, record: Record | None = None) -> None:
    """Write the outcome. Raises `NotFound`, or `Unexpected` where the table of states forbids it,
    so that nothing is ever settled twice.

    An attempt may have been ended meanwhile by somebody who did not know: a process that was out
    of the ledger's reach for too long comes back with its answer, or a machine with what lies on
    its disk. What it brings is kept (`_LATE`).
    """
    row = _attempt(tx, settlement.attempt_id)
    before = State(row["state"])
    if before in (State.WRITTEN_OFF, State.REBOUGHT):  # its user decided: only what came is added
        _write_contents(tx, row, settlement, record)
        return
    if before is settlement.state is State.UNKNOWN:
        return
    state = settlement.state
    if before is State.UNKNOWN:
        state = _LATE.get(state, state)
    _move(tx, row, state, settlement.charged, settlement.cost, settlement.at_ms)
    if settlement.cost is not None or settlement.state is not State.UNKNOWN:
        _write_cost(tx, row["id"], settlement.cost, settlement.basis)
    _write_outcome(tx, settlement)
    _write_contents(tx, row, settlement, record)
    refresh(tx, row)
    _note_pause(tx, row, settlement)


_LATE = {State.REFUSED: State.WRITTEN_OFF, State.FAILED: State.WRITTEN_OFF}
"""What becomes of an `unknown` attempt that turns out to have brought no picture: nobody waits for
it any more, and its money is what the answer says."""


def _note_pause(tx: Tx, row: Row, settlement: Settlement) -> None:
    """An upstream that said when to come back (429, or 503 with Retry-After) is left alone by the
    jobs of every process until then."""
    delay_s = settlement.error_fields.get("retry_after_s")
    if settlement.status in (429, 503) and isinstance(delay_s, int | float):
        until_ms = settlement.at_ms + int(delay_s * 1000)
        tx.run("pause_put", upstream=row["upstream"], until_ms=until_ms)


def _write_contents(tx: Tx, row: Row, settlement: Settlement, record: Record | None) -> None:
    _write_images(tx, row, settlement)
    if record is not None:
        _write_record(tx, row["id"], settlement.at_ms, record)


def resolve(
    tx: Tx,
    attempt_id: str,
    state: State,
    charged: Charged,
    *,
    at_ms: int,
    cost: Money | None = None,
) -> None:
    """An `unknown` attempt is given its end by hand: `done`, `written_off` or `rebought`.

    Budgets let its money go only when somebody says that none moved (`charged` is `no`): a
    purchase written off or bought again may have been billed all the same.
    """
    row = _attempt(tx, attempt_id)
    if State(row["state"]) is not State.UNKNOWN:
        raise Unexpected(what=f"attempt {attempt_id} is {row['state']}, not unknown")
    _move(tx, row, state, charged, cost, at_ms)
    if cost is not None:
        _write_cost(tx, attempt_id, cost, "user")
    refresh(tx, row)


def note_cost(tx: Tx, attempt_id: str, cost: Money, basis: str) -> bool:
    """Write down what an `unknown` attempt is now known to have cost; whether it still was one.

    Its state stays: what to do about it is its user's to say. Budgets go on counting its worst.
    """
    row = _attempt(tx, attempt_id)
    if State(row["state"]) is not State.UNKNOWN:
        return False
    _write_cost(tx, attempt_id, cost, basis)
    return True


def refresh(tx: Tx, row: Row) -> None:
    """Bring the state of an attempt's request in line with its attempts', and its job's."""
    request_id: str = row["request_id"]
    attempts = tx.all("attempt_states", request_id=request_id)
    state = request_state(State(attempt["state"]) for attempt in attempts)
    tx.run("request_state_set", id=request_id, state=state.value)
    if row["batch_id"] is not None:
        follow(tx, request_id, attempts)


def counted(row: Row, state: State, charged: Charged, cost: Money | None) -> Money | None:
    """What budgets count of an attempt that ends so; None when no amount is known.

    Nothing when nothing was charged; its cost, in the ledger's currency, when that is known; else
    what it held. What is unknown counts at its worst. A cost in the upstream's own currency is
    turned by the rate that it was held at, rounded up.
    """
    held = money(row["counted_micros"], row["counted_currency"])
    if row["free"] or charged is Charged.NO:
        return Money(0, held.currency) if held else None
    if cost is None or state is State.UNKNOWN:
        return held
    if held is None or held.currency == cost.currency:
        return cost
    price, worst = row["price_micros"], row["held_micros"]
    if row["price_currency"] != cost.currency or not price or worst is None:
        return held
    return Money(-(-cost.micros * worst // price), held.currency)


def _attempt(tx: Tx, attempt_id: str) -> Row:
    row = tx.one("attempt_money", id=attempt_id)
    if row is None:
        raise NotFound(what="attempt", id=attempt_id)
    return row


def _move(tx: Tx, row: Row, state: State, charged: Charged, cost: Money | None, at_ms: int) -> None:
    """Change the state as the table allows, and the budgets' counters by the difference."""
    before = State(row["state"])
    if not may_follow(before, state):
        raise Unexpected(what=f"attempt {row['id']} is {before} and can't become {state}")
    amount = counted(row, state, charged, cost)
    tx.run(
        "attempt_move",
        id=row["id"],
        state=state.value,
        charged=charged.value,
        ended_ms=at_ms,
        counted_micros=amount.micros if amount else 0,
        counted_currency=currency(amount),
    )
    if amount is not None and row["sent_ms"] is not None and not row["free"]:
        change = amount.micros - row["counted_micros"]
        adjust(tx, row["upstream"], row["scope"], row["sent_ms"], change, amount.currency)
        if row["batch_id"] is not None:
            tx.run("batch_count", id=row["batch_id"], micros=change, currency=amount.currency)


def _write_cost(tx: Tx, attempt_id: str, cost: Money | None, basis: str) -> None:
    tx.run(
        "attempt_cost",
        id=attempt_id,
        cost_micros=micros(cost),
        cost_currency=currency(cost),
        basis=basis,
    )


def _write_outcome(tx: Tx, settlement: Settlement) -> None:
    tx.run(
        "attempt_outcome",
        id=settlement.attempt_id,
        status=settlement.status,
        error_code=settlement.error_code,
        error_fields=dump(dict(settlement.error_fields)),
        message=settlement.message,
        excerpt=settlement.excerpt,
        finish_reason=settlement.finish_reason,
        text=settlement.text,
        usage=dump_usage(settlement.usage),
        requested=dump(dict(settlement.requested)),
        upstream_request_id=settlement.upstream_request_id,
        response_id=settlement.response_id,
        warnings=dump_warnings(settlement.warnings),
    )


def _write_images(tx: Tx, row: Row, settlement: Settlement) -> None:
    for ordinal, made in enumerate(settlement.images):
        tx.run(
            "image_insert",
            attempt_id=row["id"],
            ordinal=ordinal,
            sha256=made.content.sha256,
            mime=made.facts.mime,
            width=made.facts.width,
            height=made.facts.height,
            bytes=made.content.size,
            draft=int(made.draft),
            declared=made.declared,
            created_ms=settlement.at_ms,
        )


def _write_record(tx: Tx, attempt_id: str, at_ms: int, record: Record) -> None:
    tx.run("answer_put", attempt_id=attempt_id, created_ms=at_ms, record=record.packed)
    for sha256, kind in record.contents:
        tx.run("answer_content_put", attempt_id=attempt_id, sha256=sha256, kind=kind)
