"""What a batch needs goes away in the middle of it: it waits or says so, and goes on afterwards."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.engine.engine import Engine
from pisang.engine.ids import new_id
from pisang.engine.ledgering import Ledgering
from pisang.engine.world import now_ms
from pisang.errors import StoreFull
from pisang.store.storage import Storage
from pisang.store.store import Store
from tests.buckets import Door, Moto, bucket_at, doored
from tests.jobs.kit import add_batch, runner
from tests.ledgers import Cluster, ledger_of

LONG = os.environ.get("PISANG_CRASH") == "long"
ROWS = [f"kite {n} [[sandbox delay=0.05]]" for n in range(60)]


async def done(engine: Engine, batch_id: str, most: int) -> None:
    """Until so many rows are done."""
    while engine.store.batches.status(batch_id).states.get(State.DONE, 0) < most:
        await asyncio.sleep(0.05)


async def see_through(running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(120):
        await running


def check(engine: Engine, batch_id: str) -> None:
    """Every row is done, each bought once; a commit that nobody answered for may be unknown."""
    rows = engine.store.batches.jobs(batch_id)
    assert {row.state for row in rows} <= {State.DONE, State.UNKNOWN}
    assert sum(row.state is State.DONE for row in rows) >= len(rows) - 4
    assert all(sum(one.sent_ms is not None for one in row.request.attempts) == 1 for row in rows)
    assert engine.store.batches.is_over(batch_id)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="pisang-postgres-") as root:
        folder = Path(root)
        folder.chmod(0o755)
        made = Cluster(folder / "cluster")
        made.make()
        made.start()
        yield made
        made.stop()


async def test_a_database_that_is_started_again_in_the_middle(
    tmp_path: Path, cluster: Cluster
) -> None:
    storage = Storage(ledger=ledger_of(tmp_path / "home", cluster.url))
    async with await Engine.open(tmp_path / "home", storage=storage) as engine:
        batch = add_batch(engine.store, ROWS)
        running = asyncio.create_task(runner(engine, concurrency=4).run(batch.id))
        await done(engine, batch.id, 5)
        await asyncio.to_thread(cluster.stop)
        await asyncio.sleep(10 if LONG else 1)
        await asyncio.to_thread(cluster.start)
        await see_through(running)
        check(engine, batch.id)


@pytest.fixture
def door(moto: Moto) -> Iterator[Door]:
    with doored(moto) as opened:
        yield opened


async def test_a_bucket_that_refuses_for_a_while(tmp_path: Path, moto: Moto, door: Door) -> None:
    storage = Storage(images=bucket_at(door.url, moto.bucket()))
    async with await Engine.open(tmp_path / "home", storage=storage) as engine:
        batch = add_batch(engine.store, ROWS)
        running = asyncio.create_task(runner(engine, concurrency=4).run(batch.id))
        await done(engine, batch.id, 5)
        door.set("refuse")
        await asyncio.sleep(20 if LONG else 2)
        door.set("good")
        await see_through(running)
        check(engine, batch.id)
        assert engine.store.batches.status(batch.id).states == {State.DONE: len(ROWS)}


async def test_a_full_disk_stops_the_run_before_anything_is_bought(tmp_path: Path) -> None:
    def opened(worst_answer_bytes: int) -> Engine:
        store = Store.open(
            tmp_path / "home",
            clock_ms=now_ms,
            new_id=new_id,
            worst_answer_bytes=worst_answer_bytes,
        )
        return Engine(store, catalogue, Ledgering())

    from pisang.domain.catalogue import load

    catalogue = load()
    async with opened(worst_answer_bytes=2**60) as engine:
        batch = add_batch(engine.store, ROWS[:5])
        with pytest.raises(StoreFull):
            await runner(engine).run(batch.id)
        assert engine.store.batches.status(batch.id).states == {State.PLANNED: 5}
    async with opened(worst_answer_bytes=2**20) as engine:
        await runner(engine).run(batch.id)
        check(engine, batch.id)
