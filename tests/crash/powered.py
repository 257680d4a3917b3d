"""A process that buys images on a disk whose power may fail, and tells what it was promised.

It is the simulator's process, on a disk that really syncs: claim, take in, keep, settle, and the
recovery of what stood open. Each thing is told over a pipe the moment it is true: what was charged
before its answer is seen, an image once its settling was committed. After the cut the pipe is all
that is left of the process, so the test knows what must still be there.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from pisang.engine.effects import Effect, Settle
from pisang.errors import PisangError
from pisang.store.store import Store
from tests.crash.book import Book, Fate
from tests.crash.simulator import Fuse, Simulation

WORST_ANSWER_BYTES = 1024 * 1024

FOREVER = Fuse(None)


@dataclass(frozen=True)
class Told:
    """One word of the pipe: `began`, `recovered`, `charged` an attempt, `kept` an image of it.

    `at_ns` is when it was said, on the clock that all processes share.
    """

    what: str
    attempt_id: str = ""
    sha256: str = ""
    at_ns: int = field(default_factory=time.monotonic_ns)


class TellingBook(Book):
    """A book that says aloud what it charges, before the answer goes out."""

    def __init__(self, seed: int, pipe: Connection) -> None:
        super().__init__(seed)
        self.pipe = pipe

    def answer(self, attempt_id: str, dice: random.Random) -> Fate:
        fate = super().answer(attempt_id, dice)
        if fate.charged:
            self.pipe.send(Told("charged", attempt_id))
        return fate


Synced = Literal["all", "ledger", "nothing"]
"""What is synced: all as in life; the rest shows what would be lost otherwise."""


class Powered(Simulation):
    """One process on the disk."""

    def __init__(self, home: Path, seed: int, pipe: Connection, synced: Synced = "all") -> None:
        super().__init__(home, seed)
        self.pipe = pipe
        self.synced = synced
        self.book = TellingBook(seed, pipe)

    def open(self) -> Store:
        store = Store.open(
            self.home,
            fsync=self.synced != "nothing",
            worst_answer_bytes=WORST_ANSWER_BYTES,
            clock_ms=lambda: self.clock_ms,
            new_id=self.new_id,
        )
        store._files._fsync = self.synced == "all"
        return store

    def perform(self, effect: Effect, store: Store, fuse: Fuse) -> object:
        answer = super().perform(effect, store, fuse)
        if isinstance(effect, Settle):
            for made in effect.settlement.images:
                self.pipe.send(Told("kept", effect.settlement.attempt_id, made.content.sha256))
        return answer

    def buy(self) -> None:
        """Recover what stands open, then buy until the power fails."""
        self.pipe.send(Told("began"))
        store = self.open()
        self.recover(store, FOREVER)
        self.pipe.send(Told("recovered"))
        while True:
            self.wish(store, FOREVER)


def live(home: Path, seed: int, pipe: Connection, synced: Synced) -> None:
    """The life of a child process: until its disk fails it, which it must take as such."""
    with suppress(PisangError):
        Powered(home, seed, pipe, synced).buy()
