"""Retention as a server carries it out: by its settings, and not by a clock that lies."""

from __future__ import annotations

import asyncio
import logging
from hashlib import sha256
from pathlib import Path

import pytest

from pisang.domain.retention import Retention
from pisang.errors import NotFound
from pisang.gateway.upkeep import TRASH_DAYS, SteadyClock, keep_up, tidy
from pisang.store.gc import DAY_MS, HOUR_MS
from pisang.store.image_marks import Marking
from pisang.store.store import Store
from tests.store.kit import NOW, Clock, claimed, open_store, paint, picture, sent, wish

IMAGE = sha256(picture()).hexdigest()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock):
    opened = open_store(tmp_path / "home", clock)
    yield opened
    opened.close()


def painted(store: Store) -> str:
    """An attempt with an image and a whole answer."""
    given = sent(store)
    paint(store, given.attempt_id, picture(), extra=[b"signature" * 5000])
    return given.attempt_id


def use_later(store: Store, clock: Clock, days: float) -> None:
    clock.ms = NOW + int(days * DAY_MS)
    store.begin(wish(created_ms=clock.ms)).result()


async def until(met, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not met():
            await asyncio.sleep(0.01)


async def test_it_is_carried_out_again_and_again_by_the_settings_of_that_moment(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    attempt_id = painted(store)
    use_later(store, clock, 1)
    settled = Retention()
    with caplog.at_level(logging.INFO, "pisang.upkeep"):
        task = keep_up(store, lambda: settled, every_s=0.02)
        await until(lambda: len(caplog.records) >= 2)
        assert store.answer(attempt_id) is not None
        settled = Retention(signatures_days=0.0)
        await until(lambda: any("1 answers" in one.getMessage() for one in caplog.records))
        assert store.answer(attempt_id) is None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "retention: nothing let go, 0.0 MB freed"
    assert store.content(IMAGE).size == len(picture())


def test_images_are_kept_where_too_many_would_go_and_the_rest_goes_all_the_same(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    attempt_id = painted(store)
    use_later(store, clock, 100)
    with caplog.at_level(logging.INFO, "pisang.upkeep"):
        tidy(store, Retention(images_days=30, force=True), clock.ms)
    warned, told = (record.getMessage() for record in caplog.records)
    assert "1 of 1 images, more than one in a hundred" in warned
    assert "1 answers" in told
    assert store.answer(attempt_id) is None
    assert store.check(deep=True)
    assert store.content(IMAGE).size == len(picture())


def test_a_store_that_refuses_is_told_and_survived(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    tidy(store, Retention(), NOW)
    assert "retention failed" in caplog.text


@pytest.mark.parametrize(
    ("wall_jump", "passed", "expected"),
    [
        (HOUR_MS, 5_000, NOW + 5_000),  # set forward: only what has passed counts
        (20 * 365 * DAY_MS, 5_000, NOW + 5_000),
        (0, 5_000, NOW + 5_000),
        (-30 * DAY_MS, 5_000, NOW + 5_000 - 30 * DAY_MS),  # set back: less is old
    ],
    ids=["an hour ahead", "twenty years ahead", "right", "a month back"],
)
def test_a_clock_that_is_set_makes_nothing_old(wall_jump: int, passed: int, expected: int) -> None:
    wall, elapsed = Clock(NOW), Clock(1_000)
    steady = SteadyClock(wall, elapsed)
    wall.ms += passed + wall_jump
    elapsed.ms += passed
    assert steady() == expected


def test_the_real_clocks_agree() -> None:
    steady = SteadyClock()
    assert 0 <= steady() - SteadyClock()() + 60_000 <= 120_000


def test_a_jump_ahead_lets_nothing_go_though_work_goes_on_after_it(
    store: Store, clock: Clock
) -> None:
    """Requests made after the jump bear its date, so the ledger's own newest can't tell."""
    attempt_id = painted(store)
    elapsed = Clock(0)
    steady = SteadyClock(clock, elapsed)
    use_later(store, clock, 20 * 365)
    elapsed.ms = HOUR_MS
    tidy(store, Retention(images_days=30), steady())
    assert store.answer(attempt_id) is not None
    assert [one for one in store.check(deep=True) if one.level == "error"] == []


def test_the_trash_is_emptied_after_thirty_days(store: Store, clock: Clock) -> None:
    given = sent(store)
    paint(store, given.attempt_id, picture())
    kept = store.begin(wish(idempotency_key="kept")).result().request_id
    paint(store, claimed(store, kept).attempt_id, picture(1))
    store.image_marks.put([(given.request_id, IMAGE)], Marking(trashed=True), None).result()
    due = NOW + TRASH_DAYS * DAY_MS
    tidy(store, Retention(), due)
    assert store.request(given.request_id).images
    tidy(store, Retention(), due + 1)
    with pytest.raises(NotFound):
        store.request(given.request_id)
    assert store.request(kept).images
