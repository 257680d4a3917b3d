"""A runner over the in-process sandbox: batches in, their images in the ledger."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.domain.batch import JobRow, Terms
from pisang.domain.content import Content
from pisang.domain.money import Money
from pisang.domain.request import Request, Text
from pisang.domain.upstream import Auth, Limits, Upstream
from pisang.engine.engine import Engine
from pisang.engine.events import Event
from pisang.engine.order import Order
from pisang.errors import BudgetExceeded, KeyMissing, LedgerUnusable, UpstreamUnknown
from pisang.jobs import runner as runner_module
from pisang.jobs.runner import Runner
from tests.jobs.kit import MODEL, PAID, add_batch, named, runner, wish


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with await Engine.open(tmp_path / "home") as opened:
        yield opened


async def run(at_work: Runner, batch_id: str | None = None) -> None:
    """Until it is over; not for ever."""
    async with asyncio.timeout(60):
        await at_work.run(batch_id)


async def test_a_batch_is_done_and_every_image_is_what_its_name_says(engine: Engine) -> None:
    batch = add_batch(engine.store, [f"kite {n}" for n in range(20)])
    await run(runner(engine), batch.id)
    status = engine.store.batches.status(batch.id)
    assert (status.over, status.states) == (True, {State.DONE: 20})
    (spent,) = status.spent
    assert spent.micros > 20 * 45_000
    for row in engine.store.batches.jobs(batch.id):
        (image,) = row.request.images
        data = engine.store.path(image.sha256).read_bytes()
        assert hashlib.sha256(data).hexdigest() == image.sha256
        assert row.request.prompt == f"kite {row.job.number - 1}"
    assert sorted(row.ended or 0 for row in engine.store.batches.ended(batch.id)) == [*range(1, 21)]


async def test_running_it_again_buys_nothing(engine: Engine) -> None:
    batch = add_batch(engine.store)
    await run(runner(engine), batch.id)
    await run(runner(engine), batch.id)
    rows = engine.store.batches.jobs(batch.id)
    assert [len(row.request.attempts) for row in rows] == [1, 1, 1]


async def test_a_row_of_several_images_is_asked_for_each(engine: Engine) -> None:
    batch = add_batch(engine.store, [wish("a kite", n=3), wish("a boat")])
    await run(runner(engine), batch.id)
    assert [len(row.request.images) for row in engine.store.batches.jobs(batch.id)] == [3, 1]
    assert engine.store.batches.status(batch.id).states == {State.DONE: 2}


async def test_every_kind_of_end_ends_the_batch(engine: Engine) -> None:
    rows = [
        "a kite",
        "a boat [[sandbox finish=IMAGE_SAFETY]]",
        "a hill [[sandbox html=524]]",
        "a tree [[sandbox status=400]]",
    ]
    batch = add_batch(engine.store, rows)
    await run(runner(engine), batch.id)
    status = engine.store.batches.status(batch.id)
    states = [State.DONE, State.REFUSED, State.UNKNOWN, State.FAILED]
    assert [row.state for row in engine.store.batches.jobs(batch.id)] == states
    assert status.over
    assert status.at_stake == (Money(45_000, "USD"),)
    assert sum(status.failures.values()) == 3


async def test_what_no_upstream_can_be_asked_has_failed_and_says_why(engine: Engine) -> None:
    gone = Content("0" * 64, 70_000, b"", b"")
    lost = wish("a boat")
    lost.spec["parts"].append(
        {
            "type": "image",
            "content": {"sha256": gone.sha256, "size": gone.size},
            "mime": "image/png",
        }
    )
    batch = add_batch(engine.store, [wish("a kite", size="9K"), lost, "a hill"])
    await run(runner(engine), batch.id)
    rows = engine.store.batches.jobs(batch.id)
    assert [row.state for row in rows] == [State.FAILED, State.FAILED, State.DONE]
    assert [row.request.attempts[0].sent_ms for row in rows[:2]] == [None, None]
    assert "size_unsupported" in engine.store.batches.status(batch.id).failures


async def test_a_free_failure_is_tried_again_by_the_ledgers_clock(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = [0.1, 0.1, None]
    monkeypatch.setattr(runner_module, "again_after_s", lambda _, tries, via: waits[tries - 1])
    batch = add_batch(engine.store, ["a kite [[sandbox status=503]]", "a boat"])
    await run(runner(engine), batch.id)
    first, second = engine.store.batches.jobs(batch.id)
    assert [one.state for one in first.request.attempts] == [State.FAILED] * 3
    starts = [one.sent_ms or 0 for one in first.request.attempts]
    assert min(after - before for before, after in pairwise(starts)) >= 50
    assert (first.state, first.tries, second.state) == (State.FAILED, 3, State.DONE)


async def test_a_row_that_fails_at_one_upstream_is_tried_at_the_next(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "again_after_s", lambda *_: 0.05)
    away = named("away", base_url="http://127.0.0.1:9")
    batch = add_batch(engine.store, via=("away", "paid"))
    await run(runner(engine, away, PAID), batch.id)
    rows = engine.store.batches.jobs(batch.id)
    asked = {tuple(one.upstream for one in row.request.attempts) for row in rows}
    assert asked == {("away", "paid")}


async def test_upstreams_share_a_batch_when_the_first_is_full(engine: Engine) -> None:
    first = named("first", limits=Limits(concurrency=1))
    rows = [f"kite {n} [[sandbox delay=0.1]]" for n in range(8)]
    batch = add_batch(engine.store, rows, via=("first", "paid"))
    await run(runner(engine, first, PAID), batch.id)
    used = {row.request.attempts[0].upstream for row in engine.store.batches.jobs(batch.id)}
    assert used == {"first", "paid"}


# --- limits --------------------------------------------------------------------------------------


def most_at_once(engine: Engine, batch_id: str) -> int:
    """How many attempts of a batch were under way at one time."""
    attempts = [row.request.attempts[0] for row in engine.store.batches.jobs(batch_id)]
    moments = [(one.sent_ms or 0, 1) for one in attempts]
    moments += [(one.ended_ms or 0, -1) for one in attempts]
    level = most = 0
    for _, step in sorted(moments):
        level += step
        most = max(most, level)
    return most


async def test_the_batches_own_limits_hold_over_two_runners(engine: Engine) -> None:
    rows = [f"kite {n} [[sandbox delay=0.05]]" for n in range(12)]
    batch = add_batch(engine.store, rows, concurrency=3)
    await asyncio.gather(run(runner(engine), batch.id), run(runner(engine), batch.id))
    assert engine.store.batches.status(batch.id).states == {State.DONE: 12}
    assert most_at_once(engine, batch.id) == 3


async def test_the_interval_holds_between_starts(engine: Engine) -> None:
    batch = add_batch(engine.store, [f"kite {n}" for n in range(6)], interval_ms=100)
    await run(runner(engine), batch.id)
    rows = engine.store.batches.jobs(batch.id)
    starts = sorted(row.request.attempts[0].sent_ms or 0 for row in rows)
    assert min(after - before for before, after in pairwise(starts)) >= 100


async def test_a_cap_stops_the_run_and_a_higher_one_goes_on(engine: Engine) -> None:
    batch = add_batch(engine.store, [f"kite {n}" for n in range(6)], max_cost=Money(150_000, "USD"))
    with pytest.raises(BudgetExceeded, match="batch:bat_"):
        await run(runner(engine), batch.id)
    status = engine.store.batches.status(batch.id)
    assert status.states == {State.DONE: 3, State.PLANNED: 3}
    assert (status.waiting, status.taken, status.over) == (3, 0, False)
    await asyncio.wrap_future(
        engine.store.batches.limit(batch.id, type(batch.limits)(max_cost=Money(10**6, "USD")))
    )
    await run(runner(engine), batch.id)
    assert engine.store.batches.status(batch.id).states == {State.DONE: 6}


async def test_a_row_that_is_dearer_than_its_own_cap_fails_and_no_other(engine: Engine) -> None:
    terms = Terms(max_cost=Money(1_000, "USD"))
    batch = add_batch(engine.store, ["a kite"], terms=terms)
    await run(runner(engine), batch.id)
    assert engine.store.batches.status(batch.id).failures == {"budget_exceeded": 1}


async def test_a_missing_key_stops_the_run_before_anything_is_written(engine: Engine) -> None:
    batch = add_batch(engine.store)
    with pytest.raises(KeyMissing):
        await run(runner(engine, named("paid", auth=Auth.BEARER)), batch.id)
    with pytest.raises(UpstreamUnknown):
        await run(runner(engine, named("other")), batch.id)
    rows = engine.store.batches.jobs(batch.id)
    assert {(row.state, row.tries, row.request.attempts) for row in rows} == {
        (State.PLANNED, 0, ())
    }


async def test_a_key_that_is_refused_does_not_fail_row_after_row(engine: Engine) -> None:
    rows = [f"kite {n} [[sandbox status=401]]" for n in range(40)]
    batch = add_batch(engine.store, rows)
    with pytest.raises(Exception, match="key"):
        await run(runner(engine, concurrency=2), batch.id)
    status = engine.store.batches.status(batch.id)
    assert status.waiting == 40


async def test_a_live_call_goes_before_the_jobs_that_wait(engine: Engine) -> None:
    narrow = named("paid", limits=Limits(concurrency=1))
    rows = [f"kite {n} [[sandbox delay=0.1]]" for n in range(10)]
    batch = add_batch(engine.store, rows)
    running = asyncio.create_task(run(runner(engine, narrow), batch.id))
    await asyncio.sleep(0.25)
    call = Request((Text("a call"),), MODEL, "1:1", "512")
    await engine.run(Order(call, narrow))
    before = engine.store.batches.status(batch.id).states.get(State.DONE, 0)
    await running
    assert before < 9, "the call did not wait for the whole batch"


# --- stopping, waiting, going on -----------------------------------------------------------------


async def test_a_stop_begins_nothing_more_and_gives_back_what_was_taken(engine: Engine) -> None:
    rows = [f"kite {n} [[sandbox delay=0.3]]" for n in range(40)]
    batch = add_batch(engine.store, rows)
    at_work = runner(engine, concurrency=4)
    running = asyncio.create_task(at_work.run(batch.id))
    while not engine.under_way:
        await asyncio.sleep(0.01)
    at_work.stop()
    await running
    status = engine.store.batches.status(batch.id)
    assert (status.taken, status.states) == (0, {State.DONE: 4, State.PLANNED: 36})
    assert {row.tries for row in engine.store.batches.jobs(batch.id)} == {0, 1}


async def test_a_cancelled_batch_ends_with_what_was_sent(engine: Engine) -> None:
    rows = [f"kite {n} [[sandbox delay=0.2]]" for n in range(20)]
    batch = add_batch(engine.store, rows)
    running = asyncio.create_task(run(runner(engine, concurrency=4), batch.id))
    while not engine.under_way:
        await asyncio.sleep(0.01)
    await asyncio.wrap_future(engine.store.batches.cancel(batch.id))
    await running
    status = engine.store.batches.status(batch.id)
    assert status.over
    assert 4 <= status.states[State.DONE] <= 8


async def test_a_batch_for_later_begins_then(engine: Engine) -> None:
    due_ms = time.time_ns() // 1_000_000 + 600
    batch = add_batch(engine.store, due_ms=due_ms)
    await run(runner(engine), batch.id)
    rows = engine.store.batches.jobs(batch.id)
    assert min(row.request.attempts[0].sent_ms or 0 for row in rows) >= due_ms


async def test_a_worker_goes_on_until_it_is_stopped_and_takes_what_comes(engine: Engine) -> None:
    worker = runner(engine)
    running = asyncio.create_task(worker.run(forever=True))
    for number in range(2):
        batch = add_batch(engine.store, [f"kite {number}"])
        while not engine.store.batches.is_over(batch.id):
            await asyncio.sleep(0.02)
    worker.stop()
    await running
    assert worker.tally == {State.DONE: 2}


async def test_two_batches_are_served_in_turn(engine: Engine) -> None:
    heard: list[Event] = []
    first = add_batch(engine.store, [f"kite {n}" for n in range(6)])
    second = add_batch(engine.store, [f"boat {n}" for n in range(6)])
    await run(runner(engine, concurrency=1, listen=heard.append))
    order = [event.request_id for event in heard if event.kind == "claimed"]
    batches = [row.batch_id for row in engine.store.batches.taken(order)]
    assert set(batches[:2]) == set(batches[2:4]) == {first.id, second.id}


async def test_what_was_taken_while_the_ledger_goes_away_is_not_forgotten(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = add_batch(engine.store)
    whole, times = engine.store.batches.taken, []

    def away_at_first(request_ids: Sequence[str]) -> list[JobRow]:
        times.append(request_ids)
        if len(times) == 1:
            raise LedgerUnusable(place="it", why="nobody answers there")
        return whole(request_ids)

    monkeypatch.setattr(engine.store.batches, "taken", away_at_first)
    await run(runner(engine), batch.id)
    assert engine.store.batches.status(batch.id).states == {State.DONE: 3}


async def test_a_worker_goes_on_once_its_key_is_put_right(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "REST_S", 0.2)
    batch = add_batch(engine.store)
    keys = iter([KeyMissing(upstream="paid"), None])

    def resolve(name: str) -> Upstream:
        if (wrong := next(keys, None)) is not None:
            raise wrong
        return PAID

    worker = Runner(engine, resolve, concurrency=1)
    running = asyncio.create_task(worker.run(forever=True))
    async with asyncio.timeout(30):
        while not engine.store.batches.is_over(batch.id):
            await asyncio.sleep(0.02)
    worker.stop()
    await running
    assert worker.problem is None
