"""Real `kill -9` of `pisang worker`, at every moment of its life, over batches that never run dry.

One worker that is killed again and again, then three of which one is: what was bought is what is
done or unknown, no row is bought twice, and every batch comes to its end (`--ledger postgres` has
the same said of a database).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.domain.batch import Batch
from pisang.sandbox.pytest_plugin import SandboxServer
from pisang.store.store import Store
from tests.crash.audit import audit, painter
from tests.crash.shell import Shell, finish
from tests.crash.test_kill9 import MANNERS, kill_after
from tests.jobs.kit import add_batch
from tests.store.kit import open_store

pytestmark = pytest.mark.crash

KILLS = 500 if os.environ.get("PISANG_CRASH") == "long" else 4
ROWS = 24
AT_ONCE = 6


@pytest.fixture
def shell(tmp_path: Path, pisang_sandbox: SandboxServer) -> Shell:
    shell = Shell(tmp_path / "home", tmp_path / "here")
    shell.add_upstream(pisang_sandbox)
    return shell


@pytest.fixture
def store(shell: Shell) -> Iterator[Store]:
    store = open_store(shell.home, lambda: time.time_ns() // 1_000_000)
    yield store
    store.close()


class Ring:
    """Batches of a home, and workers at them. There is always a row that waits."""

    def __init__(self, shell: Shell, store: Store) -> None:
        self.shell = shell
        self.store = store
        self.batches: list[Batch] = []
        self.rows = count()
        self.dice = random.Random(seed := random.randrange(1 << 32))
        print(f"seed {seed}")

    def fill(self) -> None:
        if not self.store.batches.ready():
            rows = [
                f"a kite over row {next(self.rows)} {self.dice.choice(list(MANNERS))}".strip()
                for _ in range(ROWS)
            ]
            self.batches.append(add_batch(self.store, rows, via=["sb"]))

    def start(self, *words: object) -> subprocess.Popen[str]:
        self.fill()
        return self.shell.start("worker", "--concurrency", AT_ONCE, *words)

    def kill(self, times: int) -> None:
        """Start one, let it live for a while, and kill it; so many times."""
        for _ in range(times):
            worker = self.start()
            kill_after(worker, self.dice.uniform(0.2, 2.5), signal.SIGKILL)
            assert finish(worker).code == -signal.SIGKILL

    def end(self) -> Counter[State]:
        """All batches to their end, by one more worker; in which states their rows are."""
        worker = self.start()
        until = time.monotonic() + 120
        while not all(self.store.batches.is_over(one.id) for one in self.batches):
            assert worker.poll() is None, worker.communicate()
            assert time.monotonic() < until, "a batch does not end"
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert finish(worker).code == 0
        states: Counter[State] = Counter()
        for batch in self.batches:
            states.update(self.store.batches.status(batch.id).states)
        return states


def check(ring: Ring, server: SandboxServer) -> None:
    """The books are equal, and every image is what its name says."""
    states = ring.end()
    ledger = audit(ring.shell.home, server.book, (), painter(server.base_url))
    bought = ledger.states["done"] + ledger.states["unknown"]
    print(f"rows {dict(states)}; attempts {dict(ledger.states)}; charges {len(server.book)}")
    assert states[State.DONE] == ledger.states["done"]
    assert states[State.UNKNOWN] == ledger.states["unknown"]
    # What a dead worker had claimed and not sent yet is unknown too.
    assert bought >= len(server.book) >= states[State.DONE]
    assert sum(states.values()) == ROWS * len(ring.batches)


def test_a_worker_that_is_killed_again_and_again(
    shell: Shell, store: Store, pisang_sandbox: SandboxServer
) -> None:
    ring = Ring(shell, store)
    ring.kill(KILLS)
    check(ring, pisang_sandbox)


def test_one_of_three_workers_is_killed_again_and_again(
    shell: Shell, store: Store, pisang_sandbox: SandboxServer
) -> None:
    ring = Ring(shell, store)
    others = [ring.start(), ring.start()]
    for other in others:
        assert other.stderr is not None
        assert "Working" in other.stderr.readline(), "it hears signals from then on"
    ring.kill(KILLS)
    for other in others:
        assert other.poll() is None
        other.send_signal(signal.SIGTERM)
    for other in others:
        assert finish(other).code == 0
    check(ring, pisang_sandbox)
