"""One key, one purchase: what the ledger says to a wish it has seen."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pisang.domain.attempt import Charged, State
from pisang.errors import IdempotencyMismatch
from pisang.store.begin import KEY_LIFE_MS
from pisang.store.store import Store
from tests.store.kit import (
    NOW,
    claimed,
    intent,
    open_store,
    paint,
    picture,
    run_python,
    settlement,
    start_python,
    wish,
)


def verdict(store: Store, **more: object) -> str:
    options = {name: more.pop(name) for name in ("retry_unknown", "new") if name in more}
    return store.begin(wish(idempotency_key="key-1", **more), **options).result().verdict  # type: ignore[arg-type]


def begin(store: Store, **more: object) -> str:
    return store.begin(wish(idempotency_key="key-1", **more)).result().request_id


def end(store: Store, request_id: str, state: State, ordinal: int = 0) -> str:
    given = claimed(store, request_id, ordinal=ordinal)
    store.settle(settlement(given.attempt_id, state)).result()
    return given.attempt_id


def test_without_a_key_every_wish_is_new(store: Store) -> None:
    assert store.begin(wish()).result().verdict == "new"
    assert store.begin(wish()).result().verdict == "new"


def test_a_wish_not_yet_sent_is_running_while_its_process_lives(store: Store) -> None:
    first = begin(store)
    again = store.begin(wish(idempotency_key="key-1")).result()
    assert (again.verdict, again.request_id) == ("running", first)


def test_a_sent_one_is_running(store: Store) -> None:
    claimed(store, begin(store))
    assert verdict(store) == "running"


@pytest.mark.parametrize("state", [State.DONE, State.REFUSED])
def test_a_finished_one_is_replayed(store: Store, state: State) -> None:
    first = begin(store)
    end(store, first, state)
    again = store.begin(wish(idempotency_key="key-1")).result()
    assert (again.verdict, again.request_id) == ("replay", first)


def test_one_of_two_images_done_is_still_running_and_both_are_replayed(store: Store) -> None:
    first = begin(store, n=2)
    end(store, first, State.DONE, 0)
    assert verdict(store, n=2) == "running"
    end(store, first, State.DONE, 1)
    assert verdict(store, n=2) == "replay"


def test_a_failed_one_runs_again_on_the_same_request_once_it_is_finished_with(store: Store) -> None:
    first = begin(store)
    end(store, first, State.FAILED)
    assert verdict(store) == "running"  # it may be between two tries
    store.finish(first).result()
    again = store.begin(wish(idempotency_key="key-1")).result()
    assert (again.verdict, again.request_id) == ("new", first)
    assert verdict(store) == "running"


def test_one_that_never_sent_anything_has_failed_once_it_is_finished_with(store: Store) -> None:
    first = begin(store)
    store.finish(first).result()
    assert store.request(first).state is State.FAILED
    assert verdict(store) == "new"


def test_finishing_what_another_process_took_over_changes_nothing(
    store: Store, tmp_path: Path
) -> None:
    first = begin(store)
    claimed(store, first)
    other = open_store(tmp_path / "home")
    other.finish(first).result()
    assert verdict(other) == "running"
    other.close()


def test_an_unknown_one_is_unknown_until_it_is_told_to_buy_again(store: Store) -> None:
    first = begin(store)
    attempt_id = end(store, first, State.UNKNOWN)
    assert verdict(store) == "unknown"
    again = store.begin(wish(idempotency_key="key-1"), retry_unknown=True).result()
    assert (again.verdict, again.request_id) == ("new", first)
    (attempt,) = store.request(first).attempts
    assert (attempt.id, attempt.state, attempt.charged) == (
        attempt_id,
        State.REBOUGHT,
        Charged.UNKNOWN,
    )
    assert verdict(store, retry_unknown=True) == "running"
    end(store, first, State.DONE)
    assert verdict(store) == "replay"


def test_retry_unknown_of_one_that_is_done_replays_it(store: Store) -> None:
    end(store, begin(store), State.DONE)
    assert verdict(store, retry_unknown=True) == "replay"


def test_one_written_off_is_replayed_until_it_is_told_to_buy_again(store: Store) -> None:
    first = begin(store)
    store.resolve(end(store, first, State.UNKNOWN), State.WRITTEN_OFF).result()
    assert verdict(store) == "replay"
    assert verdict(store, retry_unknown=True) == "new"


def test_one_found_after_all_is_replayed(store: Store) -> None:
    first = begin(store)
    attempt_id = end(store, first, State.UNKNOWN)
    paint(store, attempt_id, picture())
    assert verdict(store) == "replay"
    assert len(store.request(first).images) == 1


def test_another_fingerprint_under_the_key_is_refused(store: Store) -> None:
    begin(store)
    with pytest.raises(IdempotencyMismatch, match="'key-1'"):
        begin(store, fingerprint="print-2")


def test_scopes_never_share_a_key(store: Store) -> None:
    first = begin(store, scope="key_a")
    assert verdict(store, scope="key_b", fingerprint="print-2") == "new"
    assert store.begin(wish(idempotency_key="key-1", scope="key_a")).result().request_id == first


def test_new_buys_afresh_and_the_key_stands_for_the_newer_one(store: Store) -> None:
    end(store, begin(store), State.DONE)
    assert verdict(store, new=True, fingerprint="print-2") == "new"
    assert verdict(store, fingerprint="print-2") == "running"


def test_a_key_is_free_after_seven_days(store: Store) -> None:
    first = begin(store)
    end(store, first, State.DONE)
    assert verdict(store, created_ms=NOW + KEY_LIFE_MS) == "replay"
    assert verdict(store, created_ms=NOW + KEY_LIFE_MS + 1, fingerprint="print-2") == "new"


def test_a_key_whose_outcome_is_unknown_is_never_free(store: Store) -> None:
    end(store, begin(store), State.UNKNOWN)
    assert verdict(store, created_ms=NOW + 100 * KEY_LIFE_MS) == "unknown"


def test_a_clock_set_back_does_not_free_a_key(store: Store) -> None:
    end(store, begin(store), State.DONE)
    assert verdict(store, created_ms=NOW - 30 * KEY_LIFE_MS) == "replay"


def test_of_fifty_at_once_one_is_new(store: Store) -> None:
    gate = threading.Barrier(50)

    def ask(_: int) -> str:
        gate.wait()
        return verdict(store)

    with ThreadPoolExecutor(50) as pool:
        verdicts = list(pool.map(ask, range(50)))
    assert sorted(verdicts) == ["new"] + ["running"] * 49


ASK = """
    store = open_store(Path(argv[0]))
    print("ready", flush=True)
    import time
    while not Path(argv[1]).exists():
        time.sleep(0.001)
    futures = [store.begin(wish(idempotency_key="key-1")) for _ in range(10)]
    print(*[one.result().verdict for one in futures], flush=True)
    while not Path(argv[2]).exists():
        time.sleep(0.001)
    store.close()
"""


def test_of_five_processes_asking_ten_times_each_one_is_new(tmp_path: Path) -> None:
    go, stop = tmp_path / "go", tmp_path / "stop"
    workers = [start_python(ASK, tmp_path / "home", go, stop) for _ in range(5)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()[1]
    go.touch()
    verdicts: list[str] = []
    for worker in workers:
        assert worker.stdout is not None
        verdicts += worker.stdout.readline().split()
    stop.touch()
    for worker in workers:
        worker.communicate(timeout=30)
    assert sorted(verdicts) == ["new"] + ["running"] * 49


BEGIN_AND_DIE = """
    store = open_store(Path(argv[0]))
    print(store.begin(wish(idempotency_key="key-1")).result().request_id)
    print("begun", flush=True)
    import time
    time.sleep(60)
"""


def test_a_wish_whose_process_died_before_sending_runs_again(store: Store) -> None:
    died = run_python(BEGIN_AND_DIE, store.home.root, kill_on="begun")
    first = died.stdout.splitlines()[0]
    assert store.request(first).state is State.PLANNED
    assert store.recover() == []
    assert store.request(first).state is State.FAILED
    again = store.begin(wish(idempotency_key="key-1")).result()
    assert (again.verdict, again.request_id) == ("new", first)


def test_a_wish_whose_process_died_is_new_even_unrecovered(store: Store) -> None:
    run_python(BEGIN_AND_DIE, store.home.root, kill_on="begun")
    assert verdict(store) == "new"


def test_a_declined_request_says_failed(store: Store) -> None:
    first = begin(store)
    given = intent(first)
    store.decline(given, settlement(given.attempt_id, State.FAILED)).result()
    store.finish(first).result()
    assert store.request(first).state is State.FAILED
    assert verdict(store) == "new"
