"""Batches in the ledger: written down once, taken by one, followed to their end by whoever ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pisang.domain.attempt import Charged, State
from pisang.domain.batch import Batch, BatchLimits, BatchState, Job, request_id_of
from pisang.domain.ledger import Claimed, Hold, Intent
from pisang.domain.money import Money
from pisang.domain.upstream import Limits
from pisang.errors import BudgetExceeded, Cancelled, NotFound, Unexpected
from pisang.store.store import Store
from tests.store.kit import (
    NOW,
    PRICE,
    Clock,
    intent,
    open_store,
    paint,
    picture,
    run_python,
    sent,
    settlement,
    wish,
)


def batch_of(
    store: Store, rows: int = 3, name: str = "a", due_ms: int = 0, **limits: object
) -> Batch:
    """A batch of so many rows, open."""
    made = Batch(f"bat_{name}", NOW, source="rows.csv", limits=BatchLimits(**limits))  # type: ignore[arg-type]
    store.batches.add(made).result()
    jobs = [(Job(number, ("relay",), due_ms), wish()) for number in range(1, rows + 1)]
    store.batches.add_jobs(made, jobs).result()
    store.batches.open(made.id).result()
    return made


def take(store: Store, limit: int = 1, **more: object) -> list[str]:
    return store.batches.take(limit, **more).result()  # type: ignore[arg-type]


def claim(store: Store, batch: Batch, request_id: str, **more: object) -> Claimed | Hold:
    return store.claim(plan(batch, request_id, **more)).result()


def plan(batch: Batch, request_id: str, **more: object) -> Intent:
    return intent(request_id, **{"batch_id": batch.id, **more})


def begun(store: Store, batch: Batch, **more: object) -> Intent:
    """One job taken and sent."""
    (request_id,) = take(store)
    wanted = plan(batch, request_id, **more)
    assert isinstance(store.claim(wanted).result(), Claimed)
    return wanted


# --- written down --------------------------------------------------------------------------------


def test_a_batch_that_is_written_down_again_changes_nothing(store: Store) -> None:
    batch = batch_of(store)
    jobs = [(Job(number, ("relay",)), wish()) for number in (2, 3, 4)]
    assert store.batches.add_jobs(batch, jobs).result() == 1
    rows = store.batches.jobs(batch.id)
    assert [row.job.number for row in rows] == [1, 2, 3, 4]
    assert [row.request.id for row in rows] == [request_id_of(batch, n) for n in (1, 2, 3, 4)]
    assert sorted(row.request.id for row in rows) == [row.request.id for row in rows]


def test_what_is_still_being_written_down_is_not_worked_on(store: Store) -> None:
    made = Batch("bat_x", NOW)
    store.batches.add(made).result()
    store.batches.add_jobs(made, [(Job(1, ("relay",)), wish())]).result()
    assert take(store) == []
    assert not store.batches.status(made.id).over
    store.batches.open(made.id).result()
    assert take(store) == [request_id_of(made, 1)]


def test_a_batch_is_found_by_how_its_id_begins_and_by_whose_it_is(store: Store) -> None:
    batch = replace(batch_of(store), state=BatchState.OPEN)
    assert store.batches.get("bat_") == batch
    assert store.batches.newest("local") == [batch]
    assert store.batches.newest("key_1") == []
    assert store.batches.newest(before=batch) == []
    with pytest.raises(NotFound):
        store.batches.get("bat_a", scope="key_1")


# --- taken ---------------------------------------------------------------------------------------


def test_a_job_is_taken_once_and_given_back_to_the_front(store: Store) -> None:
    batch = batch_of(store)
    first, second = take(store, 2)
    assert take(store, 9) == [request_id_of(batch, 3)]
    assert take(store, 9) == []
    store.batches.give_back([second, first]).result()
    assert take(store, 9) == [first, second]
    assert [row.tries for row in store.batches.taken([second, first])] == [1, 1]


def test_a_job_waits_for_its_time(store: Store, clock: Clock) -> None:
    batch_of(store, due_ms=clock.ms + 1_000)
    assert take(store) == []
    assert not store.batches.ready()
    clock.ms += 1_000
    assert store.batches.ready()
    assert len(take(store, 9)) == 3
    assert not store.batches.ready()


def test_batches_are_served_in_turn_and_the_urgent_ones_first(store: Store) -> None:
    batch_of(store, 3, "a")
    batch_of(store, 3, "b")
    batch_of(store, 2, "urgent", priority=1)
    order = [store.batches.taken([taken])[0].batch_id for _ in range(8) for taken in take(store)]
    assert order[:2] == ["bat_urgent", "bat_urgent"]
    assert order[2:] == ["bat_a", "bat_b"] * 3


def test_many_taken_at_once_are_taken_in_turn_too(store: Store) -> None:
    batch_of(store, 5, "a")
    batch_of(store, 5, "b")
    rows = store.batches.taken(take(store, 5))
    assert [row.batch_id for row in rows] == ["bat_a", "bat_b", "bat_a", "bat_b", "bat_a"]
    assert store.batches.taken(take(store))[0].batch_id == "bat_b"


def test_a_lane_that_is_full_keeps_no_other_waiting(store: Store) -> None:
    made = Batch("bat_x", NOW)
    store.batches.add(made).result()
    lanes = [("relay",), ("relay",), ("google", "relay")]
    jobs = [(Job(number, via), wish()) for number, via in enumerate(lanes)]
    store.batches.add_jobs(made, jobs).result()
    store.batches.open(made.id).result()
    assert take(store, 9, lanes=[("relay",)]) == [request_id_of(made, 2)]
    assert take(store, 9, but=[made.id]) == []
    assert take(store, 9, only="bat_other") == []


# --- followed to its end -------------------------------------------------------------------------


def test_a_job_that_made_its_image_is_over_with_the_commit_that_says_so(store: Store) -> None:
    batch = batch_of(store, 2)
    attempt = begun(store, batch)
    assert store.batches.status(batch.id).states == {State.SENT: 1, State.PLANNED: 1}
    paint(store, attempt.attempt_id, picture())
    (over,) = store.batches.ended(batch.id)
    assert (over.state, over.ended, over.request.images[0].mime) == (State.DONE, 1, "image/png")
    paint(store, begun(store, batch).attempt_id, picture(1))
    assert [row.job.number for row in store.batches.ended(batch.id, after=1)] == [2]
    status = store.batches.status(batch.id)
    assert status.over
    assert status.spent == (PRICE + PRICE,)
    assert status.states == {State.DONE: 2}


def test_a_job_that_failed_for_nothing_is_its_workers_to_try_again(
    store: Store, clock: Clock
) -> None:
    batch = batch_of(store, 1)
    attempt = begun(store, batch)
    store.settle(settlement(attempt.attempt_id, State.FAILED, error_code="x")).result()
    assert not store.batches.status(batch.id).over
    store.batches.let_go(attempt.request_id, clock.ms + 500).result()
    assert store.batches.status(batch.id).waiting == 1
    assert take(store) == []
    clock.ms += 500
    attempt = begun(store, batch)
    store.settle(settlement(attempt.attempt_id, State.FAILED, error_code="x")).result()
    store.batches.let_go(attempt.request_id).result()
    status = store.batches.status(batch.id)
    assert (status.over, status.states, status.failures) == (True, {State.FAILED: 1}, {"x": 1})
    assert store.batches.retry(batch.id).result() == 1
    assert store.batches.ended(batch.id) == []
    paint(store, begun(store, batch).attempt_id, picture())
    assert store.batches.status(batch.id).states == {State.DONE: 1}


def test_an_unknown_job_is_over_and_bought_again_only_when_told(store: Store) -> None:
    batch = batch_of(store, 1)
    attempt = begun(store, batch)
    store.settle(settlement(attempt.attempt_id, State.UNKNOWN, error_code="u")).result()
    status = store.batches.status(batch.id)
    assert (status.over, status.at_stake, status.failures) == (True, (PRICE,), {"u": 1})
    assert store.batches.retry(batch.id).result() == 0
    assert store.batches.retry(batch.id, unknown=True).result() == 1
    paint(store, begun(store, batch).attempt_id, picture())
    assert store.batches.status(batch.id).states == {State.DONE: 1}
    assert store.batches.retry(batch.id, unknown=True).result() == 0


def test_a_row_of_several_images_is_over_with_its_last(store: Store) -> None:
    made = Batch("bat_x", NOW)
    store.batches.add(made).result()
    store.batches.add_jobs(made, [(Job(1, ("relay",)), wish(n=2))]).result()
    store.batches.open(made.id).result()
    first = begun(store, made)
    paint(store, first.attempt_id, picture())
    assert store.batches.ended(made.id) == []
    second = plan(made, first.request_id, ordinal=1)
    store.claim(second).result()
    store.settle(settlement(second.attempt_id, State.FAILED)).result()
    store.batches.let_go(first.request_id, 0).result()
    again = begun(store, made, ordinal=1)
    paint(store, again.attempt_id, picture(1))
    assert len(store.batches.ended(made.id)) == 1


# --- a worker that dies --------------------------------------------------------------------------

DIES = """
store = open_store(Path(argv[0]))
first, second = store.batches.take(2).result()
store.claim(intent(first, batch_id="bat_a")).result()
print("now", flush=True)
import time; time.sleep(60)
"""


def test_what_a_dead_worker_had_sent_is_settled_and_what_it_had_not_goes_back(
    tmp_path: Path,
) -> None:
    store = open_store(tmp_path / "home")
    batch = batch_of(store)
    run_python(DIES, tmp_path / "home", kill_on="now")
    (orphan,) = store.recover()
    assert take(store, 9) == [request_id_of(batch, 2), request_id_of(batch, 3)]
    store.settle(settlement(orphan.attempt.id, State.UNKNOWN)).result()
    (over,) = store.batches.ended(batch.id)
    assert (over.job.number, over.state) == (1, State.UNKNOWN)
    assert take(store, 9) == []
    store.close()


def test_who_was_taken_for_dead_neither_sends_nor_gives_back_what_was_his(
    tmp_path: Path, store: Store
) -> None:
    batch = batch_of(store, 1)
    (request_id,) = take(store)
    store._writer.submit(lambda tx: tx.run("request_take", id=request_id, owner="own_b")).result()
    with pytest.raises(Unexpected, match="taken over"):
        claim(store, batch, request_id)
    store.batches.give_back([request_id]).result()
    store.batches.let_go(request_id, 0).result()
    assert take(store) == []


def test_a_job_that_was_sent_is_not_given_back(store: Store) -> None:
    batch = batch_of(store, 1)
    attempt = begun(store, batch)
    store.batches.give_back([attempt.request_id]).result()
    assert take(store) == []
    paint(store, attempt.attempt_id, picture())
    assert store.batches.status(batch.id).states == {State.DONE: 1}


# --- limits --------------------------------------------------------------------------------------


def test_the_batches_own_concurrency_and_interval_hold_beside_the_upstreams(
    store: Store, clock: Clock
) -> None:
    batch = batch_of(store, 9, concurrency=2)
    one, two = take(store, 9)
    assert isinstance(claim(store, batch, one), Claimed)
    assert isinstance(claim(store, batch, two), Claimed)
    assert take(store, 9) == []
    slow = batch_of(store, 9, "slow", interval_ms=1_500)
    first, second = take(store, 2)
    assert isinstance(claim(store, slow, first), Claimed)
    clock.ms += 500
    held = claim(store, slow, second)
    assert isinstance(held, Hold)
    assert (held.delay_ms, held.of_batch) == (1_000, True)
    clock.ms += 1_000
    assert isinstance(claim(store, slow, second), Claimed)


def test_the_batches_cap_counts_what_is_under_way_at_its_worst(store: Store) -> None:
    batch = batch_of(store, 9, max_cost=PRICE + PRICE)
    one, two, three = take(store, 3)
    attempt = plan(batch, one)
    store.claim(attempt).result()
    claim(store, batch, two)
    with pytest.raises(BudgetExceeded, match="batch:bat_a"):
        claim(store, batch, three)
    store.settle(settlement(attempt.attempt_id, State.FAILED, charged=Charged.NO)).result()
    assert isinstance(claim(store, batch, three), Claimed)
    store.batches.limit(batch.id, BatchLimits(max_cost=PRICE)).result()
    (four,) = take(store)
    with pytest.raises(BudgetExceeded, match=str(PRICE + PRICE)):
        claim(store, batch, four)
    store.batches.limit(batch.id, BatchLimits(max_cost=Money(1_000_000, "USD"))).result()
    assert isinstance(claim(store, batch, four), Claimed)


def test_nothing_of_a_cancelled_batch_begins(store: Store) -> None:
    batch = batch_of(store)
    (taken,) = take(store)
    attempt = begun(store, batch)
    store.batches.cancel(batch.id).result()
    with pytest.raises(Cancelled):
        claim(store, batch, taken)
    store.batches.give_back([taken]).result()
    assert take(store) == []
    assert not store.batches.status(batch.id).over, "one is under way"
    paint(store, attempt.attempt_id, picture())
    assert store.batches.status(batch.id).over
    store.batches.open(batch.id).result()
    assert len(take(store, 9)) == 2


def test_no_job_takes_a_slot_while_a_live_call_waits_for_one(store: Store, clock: Clock) -> None:
    limits = Limits(concurrency=1)
    batch = batch_of(store)
    job = begun(store, batch, limits=limits)
    live = intent(store.begin(wish()).result().request_id, limits=limits)
    assert isinstance(store.claim(live).result(), Hold)
    paint(store, job.attempt_id, picture())
    (taken,) = take(store)
    assert isinstance(claim(store, batch, taken, limits=limits), Hold)
    assert isinstance(store.claim(live).result(), Claimed)
    paint(store, live.attempt_id, picture())
    assert isinstance(claim(store, batch, taken, limits=limits), Claimed)


def test_a_live_call_that_never_came_back_keeps_nobody_waiting(store: Store, clock: Clock) -> None:
    limits = Limits(concurrency=1)
    batch = batch_of(store)
    job = begun(store, batch, limits=limits)
    live = intent(store.begin(wish()).result().request_id, limits=limits)
    assert isinstance(store.claim(live).result(), Hold)
    paint(store, job.attempt_id, picture())
    clock.ms += 3_001
    (taken,) = take(store)
    assert isinstance(claim(store, batch, taken, limits=limits), Claimed)


def test_an_upstream_that_said_when_to_come_back_is_left_alone_until_then(
    store: Store, clock: Clock
) -> None:
    batch = batch_of(store)
    (taken,) = take(store)
    throttled = sent(store)
    clock.ms = NOW + 5_000
    end = settlement(
        throttled.attempt_id, State.FAILED, status=429, error_fields={"retry_after_s": 7.5}
    )
    store.settle(end).result()
    held = claim(store, batch, taken)
    assert isinstance(held, Hold)
    assert held.delay_ms == 7_500
    assert isinstance(claim(store, batch, taken, upstream="google"), Claimed)
