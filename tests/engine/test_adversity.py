"""The engine when what is around it fails: the caller's code, the disk, the ledger, a reference."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from pisang.domain.attempt import Charged, State
from pisang.domain.ledger import Settlement
from pisang.domain.request import Image, Text
from pisang.engine import engine as engine_module
from pisang.engine.engine import Engine
from pisang.engine.events import Event
from pisang.errors import HomeUnusable, OutcomeUnknown
from tests.crash.book import png
from tests.engine.test_engine import LOST, PAID, engine, order

__all__ = ["engine"]


async def test_a_listener_that_fails_costs_no_image_and_is_not_called_again(
    engine: Engine,
) -> None:
    heard: list[Event] = []
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: reported.append(told))

    def listen(event: Event) -> None:
        heard.append(event)
        raise BrokenPipeError("nobody listens")

    ran = await engine.run(order(upstream=PAID), listen)
    assert (ran.error, len(ran.row.images), len(heard)) == (None, 1, 1)
    assert [type(told["exception"]) for told in reported] == [BrokenPipeError]


def failing_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first settling finds the ledger locked by somebody else."""
    settle, calls = engine.store.settle, 0

    def locked(settlement: Settlement, *, finish: str | None = None) -> Future[None]:
        nonlocal calls
        calls += 1
        if calls > 1:
            return settle(settlement, finish=finish)
        refused: Future[None] = Future()
        refused.set_exception(HomeUnusable(path="ledger.db", why="it is locked"))
        return refused

    monkeypatch.setattr(engine.store, "settle", locked)


async def test_what_could_not_be_settled_is_said_beside_what_came(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_once(engine, monkeypatch)
    ran = await engine.run(order(upstream=PAID, n=2))
    assert isinstance(ran.error, OutcomeUnknown)
    assert (len(ran.errors), len(ran.row.images)) == (1, 1)


async def test_what_could_not_be_settled_is_settled_later_by_the_same_process(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_MEND_S", 0.01)
    failing_once(engine, monkeypatch)
    with pytest.raises(OutcomeUnknown):
        await engine.run(order(upstream=PAID))
    while engine.store.live():
        await asyncio.sleep(0.01)
    (row,) = engine.store.history()
    assert (row.state, len(row.images)) == (State.DONE, 1)


async def test_a_reference_that_is_gone_keeps_nobody_from_recovering(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with await Engine.open(home) as first:
        kept = first.store.put_bytes(png(3))
        parts = (Text("a kite [[sandbox delay=5]]"), Image(kept, "image/png"))
        heard: list[str] = []
        asked = order(upstream=PAID, parts=parts)
        task = asyncio.create_task(first.run(asked, lambda event: heard.append(event.kind)))
        while "sent" not in heard:
            await asyncio.sleep(0.01)
        path = first.store.path(kept.sha256)
    await asyncio.gather(task, return_exceptions=True)
    path.unlink()
    async with await Engine.open(home) as second:
        assert second.store.live() == []
        assert [one.state for one in second.store.unknowns()] == [State.UNKNOWN]


async def test_a_reference_that_is_gone_is_found_out_before_anything_is_sent(
    engine: Engine,
) -> None:
    kept = engine.store.put_bytes(png(4))
    engine.store.path(kept.sha256).unlink()
    parts = (Text("a kite"), Image(kept, "image/png"))
    heard: list[str] = []
    ran = await engine.run(order(upstream=PAID, parts=parts), lambda one: heard.append(one.kind))
    assert "sent" not in heard
    assert {(one.state, one.charged) for one in ran.row.attempts} == {(State.FAILED, Charged.NO)}


@pytest.mark.parametrize("other", [State.WRITTEN_OFF, State.REFUSED])
async def test_a_request_that_runs_again_makes_only_what_is_owed(
    engine: Engine, other: State
) -> None:
    """Two were lost. One is given up or was refused, the other turns out to have failed free."""
    asked = order(LOST, PAID, n=2, idempotency_key="k")
    first, second = (await engine.run(asked)).row.attempts
    ledger = sqlite3.connect(engine.store.home.ledger)
    move = "UPDATE attempts SET state = ?, charged = ? WHERE id = ?"
    with ledger:
        ledger.execute(move, (other.value, "unknown", first.id))
        if other is State.WRITTEN_OFF:
            ledger.execute(move, ("failed", "no", second.id))
            ledger.execute("UPDATE requests SET state = 'failed'")
    ledger.close()
    retry = other is State.REFUSED
    again = order(LOST, PAID, n=2, idempotency_key="k", retry_unknown=retry)
    ran = await engine.run(again)
    assert [one.ordinal for one in ran.row.attempts] == [0, 1, 1]


async def test_a_twin_between_two_attempts_waits_for_the_end(engine: Engine) -> None:
    asked = order("a kite [[sandbox status=429]]", PAID, idempotency_key="k")

    async def twin() -> list[State]:
        while not any(one.attempts and not engine.store.live() for one in engine.store.history()):
            await asyncio.sleep(0.005)
        return [one.state for one in (await engine.run(asked)).row.attempts]

    first, seen = await asyncio.gather(engine.run(asked), twin())
    assert seen == [one.state for one in first.row.attempts] == [State.FAILED] * 3


async def test_what_a_dead_process_never_sent_is_made_when_it_is_asked_again(
    engine: Engine,
) -> None:
    asked = order(upstream=PAID, n=2, idempotency_key="k")
    first, second = (await engine.run(asked)).row.attempts
    ledger = sqlite3.connect(engine.store.home.ledger)
    with ledger:  # as it stands when the process dies between its two claims
        for table in ("images", "answer_contents", "answers"):
            ledger.execute(f"DELETE FROM {table} WHERE attempt_id = ?", (second.id,))
        ledger.execute("DELETE FROM attempts WHERE id = ?", (second.id,))
    ledger.close()
    ran = await engine.run(asked)
    assert (ran.error, len(ran.row.images)) == (None, 2)
    assert ran.row.attempts[0].id == first.id
    assert len(ran.row.attempts) == 2
