"""Limits and budgets hold over all threads and processes, to the last one."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.domain.ledger import Budget, Claimed, Hold
from pisang.domain.money import Money
from pisang.domain.upstream import Limits
from pisang.errors import BudgetExceeded, StoreFull, Unexpected
from pisang.store.store import Store
from tests.store.kit import (
    NOW,
    PRICE,
    Clock,
    claimed,
    intent,
    open_store,
    run_python,
    sent,
    settlement,
    start_python,
    wish,
)

TEN = Budget("ten", "all", "total", PRICE.times(10))


def ask(store: Store, limits: Limits, **more: object) -> Claimed | Hold:
    request_id = store.begin(wish()).result().request_id
    return store.claim(intent(request_id, limits=limits, **more)).result()


def test_no_more_run_at_once_than_the_upstream_takes(store: Store) -> None:
    limits = Limits(concurrency=2)
    first = sent(store, limits=limits)
    sent(store, limits=limits)
    held = ask(store, limits)
    assert isinstance(held, Hold)
    assert held.delay_ms > 0
    assert "2 at once" in held.reason
    store.settle(settlement(first.attempt_id)).result()
    assert isinstance(ask(store, limits), Claimed)


def test_one_upstream_does_not_take_another_s_slot(store: Store) -> None:
    sent(store, limits=Limits(concurrency=1))
    assert isinstance(ask(store, Limits(concurrency=1), upstream="other"), Claimed)


def test_starts_keep_their_interval(store: Store, clock: Clock) -> None:
    limits = Limits(interval_ms=1_000)
    assert ask(store, limits) == Claimed(NOW)
    clock.ms += 400
    assert ask(store, limits) == Hold(600, "relay takes one every 1000 ms")
    clock.ms += 600
    assert ask(store, limits) == Claimed(NOW + 1_000)


def test_starts_a_minute_are_counted_in_a_sliding_window(store: Store, clock: Clock) -> None:
    limits = Limits(rpm=2)
    ask(store, limits)
    clock.ms += 10_000
    ask(store, limits)
    clock.ms += 10_000
    assert ask(store, limits) == Hold(40_000, "relay takes 2 a minute")
    clock.ms += 40_000
    assert isinstance(ask(store, limits), Claimed)
    assert ask(store, limits) == Hold(10_000, "relay takes 2 a minute")


def test_a_clock_set_back_by_hours_blocks_nothing(store: Store, clock: Clock) -> None:
    limits = Limits(interval_ms=1_000, rpm=1)
    ask(store, limits)
    clock.ms -= 7_200_000
    assert ask(store, limits) == Claimed(NOW - 7_200_000)
    assert isinstance(ask(store, limits), Hold)


def test_a_claim_that_waited_in_the_queue_counts_from_its_commit(
    store: Store, clock: Clock
) -> None:
    request_id = store.begin(wish()).result().request_id
    clock.ms += 5_000
    assert store.claim(intent(request_id), now_ms=NOW).result() == Claimed(NOW + 5_000)


def test_slots_of_a_dead_process_are_free(store: Store) -> None:
    died = run_python(
        """
        store = open_store(Path(argv[0]))
        sent(store, limits=Limits(concurrency=1))
        print("sent", flush=True)
        import time
        time.sleep(60)
        """,
        store.home.root,
        kill_on="sent",
    )
    assert "sent" in died.stdout, died.stderr
    assert isinstance(ask(store, Limits(concurrency=1)), Claimed)


def test_a_slot_of_a_living_process_is_taken(store: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "home")
    sent(other, limits=Limits(concurrency=1))
    assert isinstance(ask(store, Limits(concurrency=1)), Hold)
    other.close()


def test_two_hundred_threads_against_a_budget_for_ten_start_ten(store: Store) -> None:
    store.set_budget(TEN).result()

    def buy(_: int) -> bool:
        try:
            ask(store, Limits())
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(200) as pool:
        bought = list(pool.map(buy, range(200)))
    assert bought.count(True) == 10


BUY = """
    import time
    from pisang.errors import BudgetExceeded
    store = open_store(Path(argv[0]))
    requests = [one.result().request_id for one in [store.begin(wish()) for _ in range(25)]]
    print("ready", flush=True)
    while not Path(argv[1]).exists():
        time.sleep(0.001)
    told = []
    for upstream, limits in ("capped", Limits()), ("narrow", Limits(concurrency=3)):
        futures = [
            store.claim(intent(one, upstream=upstream, limits=limits)) for one in requests
        ]
        for future in futures:
            try:
                told.append(upstream + type(future.result()).__name__)
            except BudgetExceeded:
                told.append(upstream + "BudgetExceeded")
    print(*told, flush=True)
    while not Path(argv[2]).exists():
        time.sleep(0.001)
    store.close()
"""


def test_two_hundred_claims_of_eight_processes_start_what_a_cap_and_a_limit_allow(
    store: Store, tmp_path: Path
) -> None:
    """Each of two upstreams is asked 200 times at once: one has money for ten, one three slots."""
    store.set_budget(Budget("ten", "upstream:capped", "total", PRICE.times(10))).result()
    go, stop = tmp_path / "go", tmp_path / "stop"
    workers = [start_python(BUY, store.home.root, go, stop) for _ in range(8)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()[1]
    go.touch()
    told: Counter[str] = Counter()
    for worker in workers:
        assert worker.stdout is not None
        told.update(worker.stdout.readline().split())
    stop.touch()
    for worker in workers:
        worker.communicate(timeout=60)
    assert told == {
        "cappedClaimed": 10,
        "cappedBudgetExceeded": 190,
        "narrowClaimed": 3,
        "narrowHold": 197,
    }


def test_nothing_is_bought_without_room_for_three_of_the_worst_answer(tmp_path: Path) -> None:
    store = open_store(tmp_path / "home", worst_answer_bytes=10**18)
    request_id = store.begin(wish()).result().request_id
    with pytest.raises(StoreFull, match="nothing was sent"):
        store.claim(intent(request_id)).result()
    assert store.request(request_id).attempts == ()
    store.close()


def test_an_attempt_is_claimed_once(store: Store) -> None:
    given = sent(store)
    with pytest.raises(Unexpected):
        store.claim(given).result()
    assert len(store.request(given.request_id).attempts) == 1


def test_a_second_attempt_of_a_request_puts_it_back_to_sent(store: Store) -> None:
    given = sent(store)
    store.settle(settlement(given.attempt_id, State.FAILED)).result()
    assert store.request(given.request_id).state is State.FAILED
    claimed(store, given.request_id)
    assert store.request(given.request_id).state is State.SENT


def test_money_of_the_sandbox_counts_toward_no_budget(store: Store) -> None:
    store.set_budget(Budget("none", "all", "total", Money(0, "USD"))).result()
    request_id = store.begin(wish()).result().request_id
    free = intent(request_id, free=True, max_cost=Money(1, "USD"), price=PRICE.times(99))
    assert isinstance(store.claim(free).result(), Claimed)
    store.settle(settlement(free.attempt_id)).result()
    assert store.spending.costs() == []
    with pytest.raises(BudgetExceeded):
        store.claim(intent(request_id)).result()
