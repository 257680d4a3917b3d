"""`pisang worker`: batches of this home are done, and a signal begins nothing more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pisang.domain.attempt import State
from pisang.store.store import Store
from tests.jobs.kit import add_batch
from tests.ledgers import environ_of
from tests.store.kit import open_store


@contextmanager
def opened(home: Path) -> Iterator[Store]:
    store = open_store(home, lambda: time.time_ns() // 1_000_000)
    yield store
    store.close()


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    environ = {**os.environ, **environ_of(home), "PISANG_HOME": str(home), "PISANG_LANG": "en"}
    return subprocess.Popen(
        [sys.executable, "-m", "pisang", "worker", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )


def test_a_worker_does_what_waits_and_says_what_came_of_it(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as store:
        batch = add_batch(store, via=["sandbox"])
        worker = start(tmp_path / "home", "--once", "--format", "json")
        said, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0
        assert json.loads(said) == {"working": 0, "done": 3, "problem": None}
        assert store.batches.status(batch.id).states == {State.DONE: 3}


def test_a_signal_begins_nothing_more_and_sees_through_what_was_sent(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as store:
        rows = [f"kite {n} [[sandbox delay=1]]" for n in range(20)]
        batch = add_batch(store, rows, via=["sandbox"])
        worker = start(tmp_path / "home", "--concurrency", "3")
        while not store.batches.status(batch.id).states.get(State.SENT):
            time.sleep(0.02)
        worker.send_signal(signal.SIGTERM)
        _, told = worker.communicate(timeout=60)
        assert worker.returncode == 0
        assert "0 under way, 3 done" in told
        status = store.batches.status(batch.id)
        assert (status.taken, status.states) == (0, {State.DONE: 3, State.PLANNED: 17})


def test_a_worker_without_the_upstream_says_so_and_takes_nothing_away(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as store:
        batch = add_batch(store, via=["nowhere"])
        worker = start(tmp_path / "home", "--once")
        _, told = worker.communicate(timeout=60)
        assert worker.returncode == 3
        assert "nowhere" in told
        assert store.batches.status(batch.id).waiting == 3
