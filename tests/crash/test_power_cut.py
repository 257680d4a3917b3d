"""Power cuts: everything that was not on the disk is gone. What was acknowledged must be there.

A real ext4 in a file loses its power (the shutdown ioctl, without flushing its journal) at a drawn
moment of a process that recovers and buys; then it is mounted again, and the next one recovers,
until its power fails too. 100 cuts take half a minute on two busy cores. With the syncs left out
(all, or only those of files) every acknowledged image is lost at the first cut: so this can fail.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.store.store import Asked, Store
from tests.crash.audit import hash_of
from tests.crash.disks import LoopDisk, need_loop_disks
from tests.crash.powered import FOREVER, Powered, Synced, Told, live

pytestmark = pytest.mark.crash

CUTS = 2_000 if os.environ.get("PISANG_CRASH") == "long" else 100
CUTS_OF_A_DISK = 10

MOST_WORDS = 8
"""How much a process tells at most before its power fails: two words a purchase."""

OPENING_S = 0.05
"""About how long opening and recovering take: some lives end there."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.crash.powered"])


@dataclass
class Outage:
    """One disk through its power cuts, and what its processes were promised."""

    disk: LoopDisk
    dice: random.Random
    synced: Synced = "all"
    lives: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    charged: set[str] = field(default_factory=set)
    kept: dict[str, str] = field(default_factory=dict)
    cut_early: int = 0
    cut_ns: int = 0

    @property
    def home(self) -> Path:
        return self.disk.folder / "home"

    def live_and_fail(self, words: int) -> None:
        """A process lives until it has told so much, and a drawn moment longer; then the power
        goes. The disk is mounted again."""
        mine, theirs = PROCESSES.Pipe(duplex=False)
        seed = self.dice.randrange(1 << 30) * 1_000 + next(self.lives)
        process = PROCESSES.Process(target=live, args=(self.home, seed, theirs, self.synced))
        self.cut_ns = 0
        process.start()
        theirs.close()
        try:
            assert self.hear(mine).what == "began"
            began = time.monotonic()
            for _ in range(words):
                self.hear(mine)
            each_s = (time.monotonic() - began) / words if words else OPENING_S
            process.join(self.dice.uniform(0, each_s))
            self.cut_ns = time.monotonic_ns()
            self.disk.cut()
        finally:
            process.kill()
            process.join()
            process.close()
        self.cut_early += "recovered" not in self.hear_all(mine) and words == 0
        self.disk.unplug()
        self.disk.plug_in()

    def hear(self, pipe: Connection) -> Told:
        """The next word. One said after the cut began is no promise: while the file system is
        shut down under an fsync, Linux may let that fsync succeed (a real cut tells nobody)."""
        told: Told = pipe.recv()
        if told.at_ns > self.cut_ns > 0:
            return told
        if told.what == "charged":
            self.charged.add(told.attempt_id)
        elif told.what == "kept":
            self.kept[told.sha256] = told.attempt_id
        return told

    def hear_all(self, pipe: Connection) -> set[str]:
        """The words that it had still told when it died."""
        words = set()
        with pipe, suppress(EOFError):
            while True:
                words.add(self.hear(pipe).what)
        return words

    # --- what must hold --------------------------------------------------------------------------

    def lost(self) -> list[str]:
        """The acknowledged images that can't be read as they were, by any means (J3)."""
        return [sha256 for sha256 in self.kept if not self.is_whole(sha256)]

    def is_whole(self, sha256: str) -> bool:
        path = self.home / "images" / sha256[:2] / sha256
        return path.is_file() and hash_of(path.read_bytes()) == sha256

    def check(self) -> None:
        """After a cut, before any recovery: the ledger is sound and keeps its promises (J3, J7)."""
        assert self.lost() == []
        if not (self.home / "ledger.db").exists():
            assert not self.charged, "J1: there is no ledger, and something was charged"
            return
        with closing(sqlite3.connect(self.home / "ledger.db")) as ledger:
            assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            tables = ledger.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if tables == 0:
                assert not self.charged, "J1: the ledger is empty, and something was charged"
                return
            rows = dict(ledger.execute("SELECT id, state FROM attempts"))
            images = ledger.execute("SELECT attempt_id, sha256 FROM images").fetchall()
        for attempt_id in self.charged:
            assert rows.get(attempt_id) in ("sent", "done", "unknown"), f"J1: {attempt_id}"
        assert set(self.kept.values()) <= {id for id, state in rows.items() if state == "done"}
        for attempt_id, sha256 in images:
            assert self.is_whole(sha256), f"J7: {attempt_id} is done without its image"
        done = {id for id, state in rows.items() if state == "done"}
        assert done == {attempt_id for attempt_id, _ in images}

    def check_at_rest(self) -> None:
        """After a recovery in peace: every charge is `done` or `unknown`, and all is in order."""
        told, heard = PROCESSES.Pipe(duplex=False)
        process = Powered(self.home, next(self.lives), heard)
        with told, heard, closing(process.open()) as store:
            process.recover(store, FOREVER)
            self.check_store(store)
        self.check()

    def check_store(self, store: Store) -> None:
        attempts = [one for row in store.history(Asked(limit=10_000)) for one in row.attempts]
        states = {one.id: one.state for one in attempts}
        for attempt_id in self.charged:
            assert states[attempt_id] in (State.DONE, State.UNKNOWN), f"J1: {attempt_id}"
        assert not {State.SENT, State.PLANNED} & set(states.values())
        wrong = [one.message for one in store.check(deep=True) if one.level == "error"]
        assert not wrong, wrong
        unknown = {id for id, state in states.items() if state is State.UNKNOWN}
        for path in (self.home / "incoming").iterdir():
            attempt_id = path.name.rpartition("-")[0] or path.stem
            assert attempt_id in unknown, f"J6: {path.name} was left behind"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LoopDisk]:
    memory = Path("/dev/shm")
    folder = memory if memory.is_dir() else tmp_path
    disk = LoopDisk(folder / f"pisang-power-cut-{os.getpid()}", tmp_path / "disk")
    need_loop_disks(disk)
    yield disk
    disk.discard()


def test_power_cuts_take_nothing_that_was_acknowledged(disk: LoopDisk) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    charged = kept = early = 0
    for _ in range(CUTS // CUTS_OF_A_DISK):
        disk.format()
        disk.plug_in()
        outage = Outage(disk, dice)
        for _ in range(CUTS_OF_A_DISK):
            outage.live_and_fail(max(0, dice.randrange(-2, MOST_WORDS)))
            outage.check()
        outage.check_at_rest()
        disk.unplug()
        charged += len(outage.charged)
        kept += len(outage.kept)
        early += outage.cut_early
    print(f"{CUTS} cuts ({early} while opening or recovering), {charged} charges, {kept} kept")
    assert kept > CUTS // 2
    assert early > 0


@pytest.mark.parametrize("synced", ["ledger", "nothing"])
def test_without_syncing_the_same_cuts_lose_what_was_acknowledged(
    disk: LoopDisk, synced: Synced
) -> None:
    dice = random.Random(0)
    lost = kept = 0
    for _ in range(3):
        disk.format()
        disk.plug_in()
        outage = Outage(disk, dice, synced)
        outage.live_and_fail(MOST_WORDS)
        lost += len(outage.lost())
        kept += len(outage.kept)
        disk.unplug()
    print(f"{lost} of {kept} acknowledged images are lost")
    assert lost == kept > 3
