"""Keys of a gateway's callers as the ledger keeps them, and what each may ask for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pisang.domain.access import GatewayKey, Role, cap_of_caller, digest_of, write_text
from pisang.domain.attempt import State
from pisang.domain.ledger import Begun, Budget, Quota
from pisang.domain.money import Money
from pisang.engine.engine import Engine
from pisang.engine.ledgering import Ledgering
from pisang.errors import Ambiguous, BudgetExceeded, IdempotencyMismatch, KeyLimited, NotFound
from pisang.store.queries import queries
from pisang.store.sqlite.database import connect
from pisang.store.store import Store
from tests.store.kit import (
    NOW,
    PRICE,
    Clock,
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

TEXT = write_text("aaaaaaaaaaaa", bytes(range(32)))
ALICE = GatewayKey(
    id="aaaaaaaaaaaa",
    name="alice",
    digest=digest_of(TEXT),
    created_ms=NOW,
    role=Role.USE,
    team="red",
    models=("nano-banana-2",),
    max_size="2K",
    quota=Quota(rpm=3, concurrency=2),
    expires_ms=NOW + 1000,
)
BOB = GatewayKey(id="aaaabbbbbbbb", name="bob", digest=bytes(32), created_ms=NOW + 1)


def asked(store: Store, key: str = ALICE.id, quota: Quota | None = None, **more: object) -> Begun:
    return store.begin(wish(scope=key, quota=quota, **more)).result()


def make(store: Store, request_id: str) -> None:
    """Its one image comes."""
    paint(store, claimed(store, request_id).attempt_id, picture())
    store.finish(request_id).result()


# --- keys ----------------------------------------------------------------------------------------


def test_a_key_reads_as_it_was_written(store: Store) -> None:
    assert not store.gateway_keys.any()
    for key in (BOB, ALICE):
        store.gateway_keys.put(key).result()
    assert store.gateway_keys.any()
    assert store.gateway_keys.all() == [ALICE, BOB], "oldest first"
    assert store.gateway_keys.get(ALICE.id) == ALICE
    assert store.gateway_keys.get("zzzzzzzzzzzz") is None


@pytest.mark.sqlite
def test_no_file_of_the_home_holds_its_secret(store: Store) -> None:
    store.gateway_keys.put(ALICE).result()
    secret = TEXT.reveal().rpartition("_")[2]
    written = [path for path in store.home.root.rglob("*") if path.is_file()]
    found = [path for path in written if secret.encode() in path.read_bytes()]
    found += [path for path in written if bytes.fromhex(secret) in path.read_bytes()]
    assert written
    assert found == []


def test_a_revoked_key_stays_in_the_books_and_is_revoked_once(store: Store, clock: Clock) -> None:
    store.gateway_keys.put(ALICE).result()
    clock.ms = NOW + 5
    assert store.gateway_keys.revoke(ALICE.id).result()
    clock.ms = NOW + 9
    assert not store.gateway_keys.revoke(ALICE.id).result()
    assert not store.gateway_keys.revoke("zzzzzzzzzzzz").result()
    (key,) = store.gateway_keys.all()
    assert key.revoked_ms == NOW + 5
    assert store.gateway_keys.any(), "a gateway whose last key is revoked does not open up"


def test_a_key_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    for key in (ALICE, BOB):
        store.gateway_keys.put(key).result()
    assert store.gateway_keys.find("aaaab") == BOB
    with pytest.raises(Ambiguous):
        store.gateway_keys.find("aaaa")
    for odd in ("", "zz", "%"):
        with pytest.raises(NotFound):
            store.gateway_keys.find(odd)


def test_another_process_sees_a_key_and_its_end_at_once(store: Store) -> None:
    store.gateway_keys.put(ALICE).result()
    code = """
    with_store = open_store(Path(argv[0]))
    print(with_store.gateway_keys.revoke("aaaaaaaaaaaa").result())
    """
    assert run_python(code, store.home.root).stdout == "True\n"
    seen = store.gateway_keys.get(ALICE.id)
    assert seen is not None
    assert seen.standing(NOW) == "revoked"


# --- how much may be asked for -------------------------------------------------------------------


def test_what_passes_the_pace_is_told_when_to_come_back(store: Store, clock: Clock) -> None:
    quota = Quota(rpm=2)
    asked(store, quota=quota)
    clock.ms = NOW + 10_000
    asked(store, quota=quota, created_ms=clock.ms)
    with pytest.raises(KeyLimited) as caught:
        asked(store, quota=quota, created_ms=clock.ms)
    assert caught.value.retry_after_s == 50
    assert "2 a minute" in str(caught.value)
    assert len(store.history()) == 2, "nothing of it was written down"
    clock.ms = NOW + 60_000
    asked(store, quota=quota, created_ms=clock.ms)


def test_one_key_s_pace_is_nobody_else_s(store: Store) -> None:
    quota = Quota(rpm=1, concurrency=1)
    asked(store, quota=quota)
    asked(store, key=BOB.id, quota=quota)
    asked(store, key="local")
    with pytest.raises(KeyLimited):
        asked(store, quota=quota)


def test_a_clock_that_was_set_back_blocks_nobody_for_hours(store: Store, clock: Clock) -> None:
    asked(store, quota=Quota(rpm=1), created_ms=NOW + 3_600_000)
    asked(store, quota=Quota(rpm=1))


def test_what_is_finished_makes_room(store: Store) -> None:
    quota = Quota(concurrency=1)
    first = asked(store, quota=quota)
    with pytest.raises(KeyLimited) as caught:
        asked(store, quota=quota)
    assert "1 at once" in str(caught.value)
    assert caught.value.retry_after_s == 2
    make(store, first.request_id)
    assert asked(store, quota=quota).verdict == "new"


def test_what_a_dead_process_left_holds_no_place(store: Store) -> None:
    code = """
    other = open_store(Path(argv[0]))
    other.begin(wish(scope="aaaaaaaaaaaa")).result()
    print("begun", flush=True)
    time.sleep(60)
    """
    run_python(code, store.home.root, kill_on="begun")
    assert asked(store, quota=Quota(concurrency=1)).verdict == "new"


def test_what_is_given_again_or_joined_is_no_new_request(store: Store) -> None:
    quota = Quota(rpm=1, concurrency=1)
    first = asked(store, quota=quota, idempotency_key="k")
    assert asked(store, quota=quota, idempotency_key="k").verdict == "running"
    make(store, first.request_id)
    assert asked(store, quota=quota, idempotency_key="k").verdict == "replay"


def test_what_failed_runs_again_only_where_there_is_a_place(store: Store, clock: Clock) -> None:
    quota = Quota(concurrency=1)
    first = asked(store, idempotency_key="k")
    attempt = claimed(store, first.request_id)
    store.settle(settlement(attempt.attempt_id, State.FAILED)).result()
    store.finish(first.request_id).result()
    asked(store)
    with pytest.raises(KeyLimited):
        asked(store, quota=quota, idempotency_key="k")
    assert asked(store, idempotency_key="k").verdict == "new"


def test_processes_side_by_side_let_through_as_many_as_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_store(home).close()
    code = """
    from pisang.domain.ledger import Quota
    from pisang.errors import KeyLimited
    store = open_store(Path(argv[0]))
    through = 0
    for _ in range(20):
        try:
            store.begin(wish(scope="aaaaaaaaaaaa", quota=Quota(rpm=10))).result()
            through += 1
        except KeyLimited:
            pass
    print(through)
    """
    running = [start_python(code, home) for _ in range(3)]
    through = [int(one.communicate(timeout=60)[0]) for one in running]
    assert sum(through) == 10


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["nth_asked", "working_owners", "gateway_key_by_id"])
def test_no_question_on_the_way_of_a_call_walks_through_a_table(store: Store, name: str) -> None:
    sql = queries("sqlite")[name].sql
    values = {key: 1 for key in re.findall(r":([a-z0-9_]+)", sql)}
    connection = connect(store.home, read_only=True)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    connection.close()
    assert plan
    assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in plan), plan


# --- keys never meet -----------------------------------------------------------------------------


def test_two_keys_may_use_one_idempotency_key_for_two_things(store: Store) -> None:
    mine = asked(store, idempotency_key="k", fingerprint="one")
    theirs = asked(store, key=BOB.id, idempotency_key="k", fingerprint="two")
    assert mine.request_id != theirs.request_id
    with pytest.raises(IdempotencyMismatch):
        asked(store, idempotency_key="k", fingerprint="two")


def test_a_twin_is_only_ever_one_s_own(store: Store) -> None:
    lost = asked(store, route="/generate", join="any")
    store.detach(lost.request_id, delivered=False).result()
    other = asked(store, key=BOB.id, route="/generate", join="any")
    assert (other.verdict, other.joined) == ("new", False)
    assert asked(store, route="/generate", join="any").joined


# --- a key's own cap -----------------------------------------------------------------------------


def test_a_key_s_cap_bounds_that_key_and_warns_at_half_four_fifths_and_the_end(
    store: Store,
) -> None:
    cap = cap_of_caller("key:" + ALICE.id, "total", Money(100_000, "USD"), "UTC")
    store.set_budget(cap).result()
    store.set_budget(Budget("all", "all", "total", Money(10**9, "USD"))).result()
    request = asked(store).request_id
    warned = []
    for spent in (49_000, 1_000, 29_000, 1_000, 19_000, 1_000):
        answer = store.claim(intent(request, held=Money(spent, "USD"))).result()
        warned.append([one.code for one in answer.warnings])
    near = ["budget_near"]
    assert warned == [[], near, [], near, [], near]
    with pytest.raises(BudgetExceeded):
        store.claim(intent(request, held=Money(1, "USD"))).result()
    store.claim(intent(asked(store, key=BOB.id).request_id)).result()


def test_a_team_s_cap_is_shared_by_its_keys_and_by_nobody_else(store: Store) -> None:
    carol = replace(BOB, id="cccccccccccc", team="red")
    for key in (ALICE, BOB, carol):
        store.gateway_keys.put(key).result()
    first = store.claim(intent(asked(store).request_id)).result()
    assert first.warnings == ()
    store.set_budget(Budget("t", "team:red", "total", PRICE.times(3))).result()
    (before,) = store.spending.standings()
    assert before.used == PRICE, "what was spent before counts from the first"
    second = store.claim(intent(asked(store, key=carol.id).request_id)).result()
    assert [one.code for one in second.warnings] == ["budget_near"]
    for stranger in (BOB.id, "local"):
        store.claim(intent(asked(store, key=stranger).request_id)).result()
    last = claimed(store, asked(store).request_id)
    with pytest.raises(BudgetExceeded, match="team:red in total"):
        store.claim(intent(asked(store, key=carol.id).request_id)).result()
    store.settle(settlement(last.attempt_id, State.FAILED)).result()
    (after,) = store.spending.standings()
    assert (after.used, after.held) == (PRICE.times(2), PRICE.times(2))


async def test_settings_that_don_t_know_a_key_s_cap_leave_it_alone(tmp_path: Path) -> None:
    cap = cap_of_caller("key:" + ALICE.id, "month", PRICE, "UTC")
    written = Budget(f"key-{ALICE.id}-day", f"key:{ALICE.id}", "day", PRICE)
    home = tmp_path / "home"
    async with await Engine.open(home, Ledgering(budgets=(written,))) as engine:
        engine.store.set_budget(cap).result()
    async with await Engine.open(home, Ledgering(budgets=())) as engine:
        assert engine.store.budgets() == [cap], "the settings' own goes with the settings"
