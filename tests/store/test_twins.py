"""Wishes without a key that are the same one: who joins whom, and who buys anew."""

from __future__ import annotations

import pytest

from pisang.domain.attempt import State
from pisang.domain.ledger import Join
from pisang.store.store import Store
from tests.store.kit import NOW, claimed, paint, picture, settlement, wish

HOUR_MS = 3_600_000


def asked(id: str, join: Join = "lost", at_ms: int = NOW, **more):
    given = {"fingerprint": "f" * 64, "route": "/generate", "join": join, "created_ms": at_ms}
    return wish(id=id, **{**given, **more})


def make(store: Store, request_id: str) -> None:
    """Its one image comes."""
    attempt = claimed(store, request_id)
    paint(store, attempt.attempt_id, picture())
    store.finish(request_id).result()


@pytest.fixture
def first(store: Store) -> str:
    return store.begin(asked("req_1")).result().request_id


def test_while_its_client_waits_an_equal_call_is_a_purchase_of_its_own(store, first):
    begun = store.begin(asked("req_2")).result()
    assert (begun.verdict, begun.request_id, begun.joined) == ("new", "req_2", False)


def test_one_whose_client_left_is_joined_and_only_once(store, first):
    store.detach(first, delivered=False).result()
    begun = store.begin(asked("req_2")).result()
    assert (begun.verdict, begun.request_id, begun.joined) == ("running", first, True)
    assert store.begin(asked("req_3")).result().request_id == "req_3"


def test_one_that_was_done_and_not_delivered_is_given_again(store, first):
    make(store, first)
    store.detach(first, delivered=False).result()
    assert store.begin(asked("req_2")).result().verdict == "replay"


def test_one_that_was_delivered_whole_is_bought_anew(store, first):
    make(store, first)
    store.detach(first, delivered=True).result()
    assert store.begin(asked("req_2")).result().verdict == "new"


def test_a_client_that_says_it_tries_again_joins_whatever_there_is(store, first):
    assert store.begin(asked("req_2", "any")).result().request_id == first


def test_what_is_asked_elsewhere_or_otherwise_is_no_twin(store, first):
    store.detach(first, delivered=False).result()
    for other in (
        asked("req_a", route="/elsewhere"),
        asked("req_b", scope="key_2"),
        asked("req_c", "no"),
        asked("req_d", at_ms=NOW + 1 + HOUR_MS),
        asked("req_e", idempotency_key="k"),
        asked("req_f", fingerprint="0" * 64),
    ):
        assert store.begin(other).result().request_id == other.id


def test_an_unknown_outcome_that_was_told_is_joined_by_those_who_ask_so(store, first):
    attempt = claimed(store, first)
    store.settle(settlement(attempt.attempt_id, State.UNKNOWN)).result()
    store.finish(first).result()
    store.detach(first, delivered=True).result()
    assert store.begin(asked("req_2", "unsure")).result().verdict == "unknown"
    store.detach(first, delivered=True).result()
    assert store.begin(asked("req_3", "lost")).result().verdict == "new"


def test_one_that_cost_nothing_runs_again(store, first):
    store.finish(first).result()
    store.detach(first, delivered=False).result()
    assert store.begin(asked("req_2")).result().verdict == "new"


def test_what_a_new_purchase_is_asked_for_is_one(store, first):
    store.detach(first, delivered=False).result()
    assert store.begin(asked("req_2"), new=True).result().request_id == "req_2"
