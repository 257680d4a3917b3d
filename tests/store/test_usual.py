"""How long an image usually takes, by the ledger's own rows."""

from __future__ import annotations

import pytest

from pisang.domain.attempt import State
from pisang.store.queries import queries
from pisang.store.sqlite.database import connect
from pisang.store.store import Store
from pisang.store.usual import AMONG, NEWEST
from tests.store.kit import NOW, claimed, settlement, wish


@pytest.fixture
def request_id(store: Store) -> str:
    return store.begin(wish()).result().request_id


def took(store: Store, request_id: str, *seconds: float, state: State = State.DONE, **more: object):
    """Attempts that took so long, one after the other."""
    more = {"image_size": "2K", **more}
    for one in seconds:
        attempt = claimed(store, request_id, **more)
        store.settle(settlement(attempt.attempt_id, state, at_ms=NOW + int(one * 1000))).result()


def test_it_is_the_median_of_what_was_made(store: Store, request_id: str) -> None:
    took(store, request_id, 20, 30, 25)
    assert store.usual_s("relay", "nano-banana", "2K") == 25


def test_nothing_is_known_of_what_was_never_made(store: Store, request_id: str) -> None:
    took(store, request_id, 20)
    assert store.usual_s("relay", "nano-banana", "4K") is None
    assert store.usual_s("relay", "nano-banana", None) is None
    assert store.usual_s("relay", "another", "2K") is None
    assert store.usual_s("elsewhere", "nano-banana", "2K") is None


def test_an_image_of_no_named_size_has_its_own_time(store: Store, request_id: str) -> None:
    took(store, request_id, 7, image_size=None)
    took(store, request_id, 20)
    assert store.usual_s("relay", "nano-banana", None) == 7


def test_only_images_that_came_count(store: Store, request_id: str) -> None:
    took(store, request_id, 20)
    took(store, request_id, 1, 1, 1, state=State.FAILED)
    took(store, request_id, 60, 60, 60, state=State.UNKNOWN)
    assert store.usual_s("relay", "nano-banana", "2K") == 20


def test_what_a_later_process_settled_says_nothing(store: Store, request_id: str) -> None:
    took(store, request_id, 20)
    took(store, request_id, 7_000, 8_000, 9_000, deadline_ms=600_000)
    assert store.usual_s("relay", "nano-banana", "2K") == 20


def test_only_the_newest_count(store: Store, request_id: str, clock) -> None:
    took(store, request_id, *[90.0] * 5)
    clock.ms += 1_000
    took(store, request_id, *[21.0] * NEWEST)
    assert store.usual_s("relay", "nano-banana", "2K") == 20  # a second less: sent a second later


@pytest.mark.sqlite
def test_it_is_one_walk_of_a_bounded_length_over_an_index(store: Store) -> None:
    sql = queries("sqlite")["took_newest"].sql
    asked = {"upstream": "a", "model": "b", "image_size": "2K", "among": AMONG, "limit": NEWEST}
    connection = connect(store.home, read_only=True)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", asked)]
    connection.close()
    assert any("USING INDEX attempts_starts (upstream=? AND sent_ms>?)" in step for step in plan)
    assert not any("TEMP B-TREE" in step or step == "SCAN attempts" for step in plan)
