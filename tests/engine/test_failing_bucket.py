"""The bucket fails under an answer that is paid for: it is kept here, told, and made good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.engine import engine as engine_module
from pisang.engine.engine import Engine
from pisang.engine.events import NoTap
from pisang.errors import BucketUnreachable, OutcomeUnknown
from pisang.store.bucket import BucketBlobs
from pisang.store.storage import Storage
from pisang.store.store import Asked
from tests.buckets import Door, Mood, Moto, bucket_at, doored
from tests.engine.test_failing_disk import ORDER


@pytest.fixture
def door(moto: Moto) -> Iterator[Door]:
    with doored(moto) as opened:
        yield opened


@pytest.fixture
def storage(moto: Moto, door: Door) -> Storage:
    return Storage(images=bucket_at(door.url, moto.bucket()))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_MEND_S", 0.2)
    monkeypatch.setattr("pisang.store.standing.REST_S", 0.2)


def states(engine: Engine) -> list[State]:
    return [one.state for row in engine.store.history(Asked()) for one in row.attempts]


def be_patient(engine: Engine, seconds: float) -> None:
    assert isinstance(engine.store._blobs, BucketBlobs)
    engine.store._blobs.standing._patience_s = seconds


class Turning(NoTap):
    """Turns a door to a mood once the answer of an upstream has come in, for so long."""

    def __init__(self, door: Door, mood: Mood, for_s: float | None = None) -> None:
        self._door, self._mood, self._for_s = door, mood, for_s

    def close(self, *, whole: bool) -> None:
        self._door.set(self._mood)
        if self._for_s is not None:
            asyncio.get_running_loop().call_later(self._for_s, self._door.set, "good")


async def test_a_short_outage_is_waited_for_and_the_caller_is_given_his_image(
    tmp_path: Path, door: Door, storage: Storage
) -> None:
    async with await Engine.open(tmp_path / "home", storage=storage) as engine:
        ran = await engine.run(ORDER, tap=Turning(door, "refuse", for_s=1.5))
        assert ran.error is None
        assert states(engine) == [State.DONE]


async def test_a_long_outage_is_told_and_settled_by_itself_when_the_bucket_is_back(
    tmp_path: Path, door: Door, storage: Storage
) -> None:
    async with await Engine.open(tmp_path / "home", storage=storage) as engine:
        be_patient(engine, 0.5)
        with pytest.raises(OutcomeUnknown, match="where images are kept, can't be reached"):
            await engine.run(ORDER, tap=Turning(door, "refuse"))
        assert states(engine) == [State.SENT]
        joined = asyncio.create_task(engine.run(ORDER))
        with pytest.raises(BucketUnreachable):  # nothing new is bought meanwhile
            await engine.run(replace(ORDER, idempotency_key="another"))
        door.set("good")
        ran = await asyncio.wait_for(joined, 30)
        assert ran.error is None and ran.replayed
        assert sorted(states(engine)) == [State.DONE, State.FAILED]
        ran = await asyncio.wait_for(engine.run(replace(ORDER, idempotency_key="later")), 30)
        assert ran.error is None


async def test_a_process_that_is_begun_while_the_bucket_is_away_opens_and_settles_later(
    tmp_path: Path, door: Door, storage: Storage
) -> None:
    home = tmp_path / "home"
    async with await Engine.open(home, storage=storage) as engine:
        be_patient(engine, 0.2)
        with pytest.raises(OutcomeUnknown):
            await engine.run(ORDER, tap=Turning(door, "refuse"))
    async with await Engine.open(home, storage=storage) as engine:
        assert states(engine) == [State.SENT]
        door.set("good")
        async with asyncio.timeout(30):
            while states(engine) != [State.DONE]:
                await asyncio.sleep(0.1)


async def test_a_forbidden_bucket_is_told_before_anything_is_bought(
    tmp_path: Path, door: Door, storage: Storage
) -> None:
    door.set("forbid")
    async with await Engine.open(tmp_path / "home", storage=storage) as engine:
        with pytest.raises(Exception, match="these keys have no right to it"):
            await engine.run(ORDER)
        assert states(engine) == [State.FAILED]


async def test_many_calls_that_wait_for_the_bucket_keep_nobody_else_waiting(
    tmp_path: Path, door: Door, storage: Storage
) -> None:
    async with await Engine.open(tmp_path / "home", storage=storage) as engine:
        tap = Turning(door, "refuse")
        orders = [replace(ORDER, idempotency_key=f"key-{number}") for number in range(12)]
        running = [asyncio.create_task(engine.run(order, tap=tap)) for order in orders]
        async with asyncio.timeout(30):
            while "refuse" not in door.mood:
                await asyncio.sleep(0.05)
        async with asyncio.timeout(10):
            for _ in range(20):
                await asyncio.to_thread(engine.store.history)
        door.set("good")
        ran = await asyncio.wait_for(asyncio.gather(*running), 60)
        assert [one.error for one in ran] == [None] * 12
