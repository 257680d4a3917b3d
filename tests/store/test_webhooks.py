"""Who is to be told of a request, and of budgets, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pisang.domain.access import GatewayKey, Team, digest_of, write_text
from pisang.domain.ledger import Budget, Hook, Settlement
from pisang.domain.money import Money
from pisang.domain.secret import Secret
from pisang.engine.flow import never_sent
from pisang.errors import BudgetExceeded, NotFound
from pisang.store.store import Store
from tests.store.kit import NOW, PRICE, Clock, claimed, intent, paint, picture, wish

HOOK = Hook("https://hooks.example.com/a?token=t0p", Secret("whsec_c2VjcmV0"), "msg_1", "https://g")


def asked(store: Store, hook: Hook = HOOK, **more: object) -> str:
    return store.begin(wish(hook=hook, **more)).result().request_id


def made(store: Store, request_id: str) -> None:
    paint(store, claimed(store, request_id).attempt_id, picture())
    store.finish(request_id).result()


# --- when it is due ------------------------------------------------------------------------------


def test_nothing_is_told_of_a_request_that_is_under_way(store: Store) -> None:
    request_id = asked(store)
    assert store.webhooks.due() == []
    attempt = claimed(store, request_id).attempt_id
    assert store.webhooks.due() == []
    paint(store, attempt, picture())
    assert store.webhooks.due() == [], "its process may start one more attempt"
    store.finish(request_id).result()
    (due,) = store.webhooks.due()
    assert (due.hook, due.request_id, due.state, due.tries) == (HOOK, request_id, "waiting", 0)
    assert due.request_state == "done"


def test_a_try_belongs_to_one_and_comes_round_when_he_dies(store: Store, clock: Clock) -> None:
    made(store, asked(store))
    (due,) = store.webhooks.due()
    assert store.webhooks.take(due, clock.ms + 60_000).result()
    assert not store.webhooks.take(due, clock.ms + 60_000).result()
    assert store.webhooks.due() == []
    clock.ms += 60_000
    (again,) = store.webhooks.due()
    assert again.tries == 1


def test_how_a_try_ended_is_written_down(store: Store, clock: Clock) -> None:
    request_id = asked(store)
    made(store, request_id)
    (due,) = store.webhooks.due()
    store.webhooks.end(due, status=503, problem="it answered 503", again_ms=clock.ms + 5).result()
    (row,) = store.webhooks.of_request(request_id)
    assert (row.state, row.status, row.problem) == ("waiting", 503, "it answered 503")
    store.webhooks.end(due, problem="nobody is there").result()
    (row,) = store.webhooks.of_state("given_up")
    assert (row.state, row.ended_ms) == ("given_up", clock.ms)
    store.webhooks.again(row.hook.id).result()
    (due,) = store.webhooks.due()
    assert (due.tries, due.ended_ms) == (0, None)
    store.webhooks.end(due, status=204).result()
    assert store.webhooks.get(HOOK.id).state == "delivered"
    assert store.webhooks.due() == []


def test_one_address_is_told_once_of_a_request_that_is_asked_for_twice(store: Store) -> None:
    first = asked(store, idempotency_key="k")
    other = replace(HOOK, id="msg_2", url="https://other.example.com/")
    again = replace(HOOK, id="msg_3")
    made(store, first)
    for hook in (again, other):
        assert asked(store, hook, id="req_b", idempotency_key="k") == first
    assert [row.hook.id for row in store.webhooks.of_request(first)] == ["msg_1", "msg_2"]


def test_what_goes_on_elsewhere_is_not_told_of(store: Store) -> None:
    request_id = asked(store)
    store.webhooks.drop(request_id).result()
    assert store.webhooks.of_request(request_id) == []


def test_the_address_goes_with_its_request(store: Store) -> None:
    request_id = asked(store)
    made(store, request_id)
    store.delete(request_id)
    assert store.webhooks.of_request(request_id) == []
    with pytest.raises(NotFound):
        store.webhooks.get(HOOK.id)
    with pytest.raises(NotFound):
        store.webhooks.again(HOOK.id).result()


def test_neither_address_nor_secret_is_in_what_is_printed(store: Store) -> None:
    made(store, asked(store))
    said = repr(store.webhooks.due())
    assert "t0p" not in said
    assert "c2Vj" not in said


# --- keys and teams ------------------------------------------------------------------------------

TEXT = write_text("aaaaaaaaaaaa", bytes(32))
KEY = GatewayKey("aaaaaaaaaaaa", "ci", digest_of(TEXT), NOW, team="red", declared=True)


def test_a_key_knows_who_its_team_tells(store: Store) -> None:
    store.gateway_keys.put(KEY).result()
    own, team = Hook("https://own.example.com/"), Hook("https://team.example.com/", HOOK.secret)
    store.gateway_keys.put_team(Team("red", NOW, team, declared=True)).result()
    assert store.gateway_keys.teams() == [Team("red", NOW, team, declared=True)]
    assert store.gateway_keys.get(KEY.id) == replace(KEY, team_hook=team)
    changed = replace(KEY, hook=own, models=("a",), revoked_ms=NOW, declared=False)
    assert store.gateway_keys.edit(changed).result()
    assert store.gateway_keys.all() == [replace(changed, team_hook=team)]
    assert not store.gateway_keys.edit(replace(KEY, id="bbbbbbbbbbbb")).result()
    assert store.gateway_keys.drop_team("red").result()
    assert not store.gateway_keys.drop_team("red").result()


# --- budgets -------------------------------------------------------------------------------------


def test_a_budget_s_mark_is_told_once_a_window(store: Store, clock: Clock) -> None:
    cap = Budget("b", "all", "day", Money(PRICE.micros * 10, PRICE.currency), "UTC")
    store.set_budget(cap).result()
    seen = []
    for number in range(10):
        request_id = store.begin(wish(id=f"req_{number}")).result().request_id
        attempt = claimed(store, request_id, attempt_id=f"att_{number}").attempt_id
        paint(store, attempt, picture())
        for alert in store.alerts.untold():
            assert store.alerts.take(alert).result()
            assert not store.alerts.take(alert).result()
            seen.append((number + 1, alert.percent, alert.used.micros // PRICE.micros))
    assert seen == [(5, 50, 5), (8, 80, 8), (10, 100, 10)]
    clock.ms += 86_400_000
    for number in range(10, 15):
        request_id = store.begin(wish(id=f"req_{number}")).result().request_id
        claimed(store, request_id, attempt_id=f"att_{number}")
    (alert,) = store.alerts.untold()
    assert alert.percent == 50


def test_a_budget_that_refuses_is_used_up(store: Store) -> None:
    cap = Budget("b", "all", "total", Money(PRICE.micros // 2, PRICE.currency), "UTC")
    store.set_budget(cap).result()
    request_id = store.begin(wish()).result().request_id
    refused = intent(request_id)
    with pytest.raises(BudgetExceeded) as caught:
        store.claim(refused, NOW).result()
    ended: Settlement = never_sent(refused, NOW, caught.value)
    store.decline(refused, ended).result()
    (alert,) = store.alerts.untold()
    assert (alert.budget, alert.percent, alert.used.micros) == (cap, 100, 0)
    store.set_budget(replace(cap, cap=PRICE)).result()
    assert store.alerts.untold() == [], "a cap that is set anew begins without marks"
