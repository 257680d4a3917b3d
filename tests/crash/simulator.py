"""Crashes the flow at every effect, and inside recovery, over the real store on a real disk.

One run: some wishes, an upstream with a book, a crash at a drawn step, a new process that
recovers (and may crash too), and then the invariants J1–J8. The seed makes a run again.
The disk is real, but nothing is fsynced: what a power cut does is tested elsewhere.
"""

from __future__ import annotations

import itertools
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pisang.domain.answer import Answer, Ended
from pisang.domain.attempt import Charged, State
from pisang.domain.batch import Batch, Job
from pisang.domain.catalogue import Catalogue, load
from pisang.domain.ledger import Budget, RequestRow, Wish
from pisang.domain.money import Money
from pisang.domain.request import Request, Text
from pisang.domain.serial import request_from_json, request_to_json
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.effects import (
    Claim,
    Decline,
    Effect,
    Exchange,
    Fetch,
    Flow,
    Keep,
    NewId,
    Now,
    Settle,
    Sleep,
)
from pisang.engine.flow import Errand, make_one
from pisang.engine.intake import Intake
from pisang.engine.recovery import recover_one
from pisang.errors import PisangError
from pisang.policy.retry import Allowance, Bucket
from pisang.store.store import Asked, Store
from pisang.transport.base import Failure
from pisang.wires.table import wire
from tests.crash.book import PRICE_MICROS, Book

UPSTREAM = Upstream("simulated", "gemini", "http://simulated", auth=Auth.NONE, kind="google")
PRICE = Money(PRICE_MICROS, "USD")
CAP = PRICE.times(1_000)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Fuse:
    """Counts steps down to a crash; with `None` it never comes."""

    steps: int | None

    def burn(self) -> None:
        if self.steps is not None:
            self.steps -= 1
            if self.steps < 0:
                raise Crash


def arm(store: Store, fuse: Fuse) -> None:
    """Let the process die inside a keep too: before each thing that is done to a file."""
    files = store._files

    def fused(operation: Callable[..., Any]) -> Callable[..., Any]:
        def burn_first(*args: Any) -> Any:
            fuse.burn()
            return operation(*args)

        return burn_first

    for name in ("create", "write", "sync", "place"):
        setattr(files, name, fused(getattr(files, name)))


@dataclass
class Simulation:
    """One home, one upstream, one clock, and processes that come and go."""

    home: Path
    seed: int
    dice: random.Random = field(init=False)
    book: Book = field(init=False)
    clock_ms: int = 1_800_000_000_000
    catalogue: Catalogue = field(default_factory=load)
    acknowledged: dict[str, str] = field(default_factory=dict)
    crashes: int = 0
    batch: Batch | None = None
    finish: str | None = None

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.book = Book(self.seed)
        self._ids = itertools.count()

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{self.seed}x{next(self._ids):06d}"

    def open(self) -> Store:
        return Store.open(
            self.home, fsync=False, clock_ms=lambda: self.clock_ms, new_id=self.new_id
        )

    # --- one process -----------------------------------------------------------------------

    def live(self, wishes: int, crash_at: int | None, jobs: int = 0) -> None:
        """A process that recovers, carries out some wishes or jobs, and may die at a step."""
        fuse = Fuse(crash_at)
        store = self.open()
        arm(store, fuse)
        try:
            self.recover(store, fuse)
            for _ in range(wishes):
                self.wish(store, fuse)
            for _ in range(jobs):
                self.job(store, fuse)
        except Crash:
            self.crashes += 1
        finally:
            store.close()

    def wish(self, store: Store, fuse: Fuse) -> None:
        request = Request((Text(f"a kite {self.dice.random()}"),), "gemini-3-pro-image")
        wish = self.wish_of(request)
        fuse.burn()
        begun = store.begin(wish).result()
        fuse.burn()
        errand = self.errand(request, begun.request_id)
        concluded = self.drive(make_one(errand), store, fuse)
        store.finish(begun.request_id).result()
        fuse.burn()
        for made in concluded.made:
            self.acknowledged[made.content.sha256] = concluded.attempt_id

    def wish_of(self, request: Request) -> Wish:
        return Wish(
            id=self.new_id("req"),
            created_ms=self.clock_ms,
            prompt=request.prompt,
            model=request.model,
            spec=request_to_json(request),
            fingerprint=self.new_id("print"),
            idempotency_key=self.new_id("key"),
        )

    def errand(self, request: Request, request_id: str, batch_id: str | None = None) -> Errand:
        return Errand(
            request=request,
            request_id=request_id,
            ordinal=0,
            upstream=UPSTREAM,
            wire=wire("gemini"),
            model_id=request.model,
            model=None,
            price=PRICE,
            held=PRICE,
            basis="user",
            time_limit_s=600,
            batch_id=batch_id,
            retries=Allowance(Bucket(0)) if batch_id else Allowance(),
        )

    def write_batch(self, rows: int) -> None:
        """A batch of so many rows: the same when a process died in the middle of writing it."""
        store = self.open()
        self.batch = Batch("bat_1", self.clock_ms)
        jobs = [
            (Job(number, (UPSTREAM.name,)), self.wish_of(Request((Text(f"row {number}"),), "m")))
            for number in range(rows)
        ]
        store.batches.add(self.batch).result()
        store.batches.add_jobs(self.batch, jobs[: rows // 2]).result()
        store.close()
        store = self.open()
        store.batches.add(self.batch).result()
        store.batches.add_jobs(self.batch, jobs).result()
        store.batches.open(self.batch.id).result()
        store.close()

    def job(self, store: Store, fuse: Fuse) -> bool:
        """As a runner does one; whether there was one to do."""
        taken = store.batches.take(1).result()
        fuse.burn()
        if not taken:
            return False
        (row,) = store.batches.taken(taken)
        if self.dice.random() < 0.1:
            store.batches.give_back(taken).result()
            fuse.burn()
            return True
        request = request_from_json(row.request.spec, store.content)
        errand = self.errand(request, row.request.id, row.batch_id)
        self.finish = row.request.id
        try:
            concluded = self.drive(make_one(errand), store, fuse)
        finally:
            self.finish = None
        if concluded.state is State.FAILED:
            again_ms = self.clock_ms if row.tries < 3 else None
            store.batches.let_go(row.request.id, again_ms).result()
            fuse.burn()
        for made in concluded.made:
            self.acknowledged[made.content.sha256] = concluded.attempt_id
        return True

    def recover(self, store: Store, fuse: Fuse) -> None:
        for orphan in store.recover():
            fuse.burn()
            row = store.request(orphan.attempt.request_id)
            request = request_from_json(row.spec, store.content)
            self.drive(recover_one(orphan, row, request, self.catalogue), store, fuse)

    def drive(self, flow: Flow[Any], store: Store, fuse: Fuse) -> Any:
        answer: object = None
        failed: PisangError | None = None
        while True:
            try:
                effect = flow.throw(failed) if failed else flow.send(answer)
            except StopIteration as stop:
                return stop.value
            failed = None
            fuse.burn()
            try:
                answer = self.perform(effect, store, fuse)
            except PisangError as error:
                failed = error
            fuse.burn()

    def perform(self, effect: Effect, store: Store, fuse: Fuse) -> object:
        self.clock_ms += self.dice.randrange(1, 2_000)
        match effect:
            case Claim(intent):
                return store.claim(intent, self.clock_ms).result()
            case Decline(intent, settlement):
                return store.decline(intent, settlement).result()
            case Exchange():
                return self.exchange(effect, store, fuse)
            case Keep(attempt_id, answer, contents):
                return store.keep(attempt_id, answer, contents)
            case Settle(settlement):
                over = settlement.state is not State.FAILED
                return store.settle(settlement, finish=self.finish if over else None).result()
            case Sleep(delay_s):
                self.clock_ms += int(delay_s * 1000)
                return None
            case Now():
                return self.clock_ms
            case NewId(prefix):
                return self.new_id(prefix)
            case Fetch():
                raise AssertionError("no fate here answers with a link")

    def exchange(self, effect: Exchange, store: Store, fuse: Fuse) -> Answer:
        """As the real world does it; the process may die between two chunks."""
        fate = self.book.answer(effect.attempt_id, self.dice)
        intake = Intake(store.incoming(effect.attempt_id))
        ended, sent, reason = Ended.WHOLE, True, ""
        try:
            for chunk in fate.chunks(self.dice.choice([7_000, 40_000])):
                fuse.burn()
                intake.take(chunk)
        except Failure as failure:
            ended, sent, reason = failure.ended, failure.sent, failure.reason
        return intake.answer(
            ended=ended,
            sent=sent or fate.status is not None,
            status=fate.status,
            headers={"content-type": fate.content_type},
            elapsed_ms=5,
            reason=reason,
        )

    # --- the invariants of research: J1–J8 ---------------------------------------------------

    def check(self) -> None:
        """After the last recovery: nothing lost silently, nothing twice, every image readable."""
        store = self.open()
        try:
            for orphan in store.recover():
                raise AssertionError(f"{orphan.attempt.id} was not recovered")
            rows = store.history(Asked(limit=10_000))
            self.check_charges(rows)
            self.check_images(rows, store)
            self.check_rest(store)
            self.check_batch(store)
        finally:
            store.close()

    def check_charges(self, rows: list[RequestRow]) -> None:
        attempts = {one.id: one for row in rows for one in row.attempts}
        settled = {State.DONE, State.UNKNOWN}
        for attempt_id in self.book.charges:  # J1
            assert attempt_id in attempts, f"J1: {attempt_id} was charged and has no row"
            state = attempts[attempt_id].state
            assert state in settled, f"J1: {attempt_id} was charged and is {state}"
        for row in rows:  # J2
            charged = [one for one in row.attempts if one.id in self.book.charges]
            assert len(charged) <= 1, f"J2: {row.id} was bought {len(charged)} times"
        for one in attempts.values():
            if one.state is State.FAILED:  # J8
                assert one.charged is Charged.NO
                assert one.id not in self.book.charges, f"J8: {one.id} says free"
            if one.state is State.DONE:  # J4
                assert one.cost == PRICE, f"J4: {one.id} cost {one.cost}"
            assert one.state not in {State.SENT, State.PLANNED}, f"J5: {one.id} is {one.state}"

    def check_images(self, rows: list[RequestRow], store: Store) -> None:
        kept = {image.sha256: image for row in rows for image in row.images}
        for sha256, attempt_id in self.acknowledged.items():  # J3
            assert kept[sha256].attempt_id == attempt_id
        for image in kept.values():
            content = store.content(image.sha256)
            data = b"".join(store.read(content, verify=True))
            assert data in self.book.pictures[image.attempt_id], "J3: not the picture that was made"
        for row in rows:  # J7
            for one in row.attempts:
                if one.state is State.DONE:
                    assert any(image.attempt_id == one.id for image in row.images)

    def check_rest(self, store: Store) -> None:
        # What half came in of an unknown attempt is kept for a day: a whole picture may be in it.
        salvaged = {one.id for one in store.unknowns()}
        leftovers = [path.name for path in (self.home / "incoming").iterdir()]
        lost = [name for name in leftovers if re.split(r"[-.]", name)[0] not in salvaged]
        assert not lost, f"J6: {lost}"
        for name in leftovers:
            data = (self.home / "incoming" / name).read_bytes()
            made = any(data in pictures for pictures in self.book.pictures.values())
            assert not made, f"J1: {name} is a whole picture, and its attempt is unknown"
        spent = sum(
            one.cost.micros
            for row in store.history(Asked(limit=10_000))
            for one in row.attempts
            if one.charged is not Charged.NO and one.cost
        )
        assert self.counted() == spent, "J6: the budget holds what nobody has"

    def check_batch(self, store: Store) -> None:
        if self.batch is None:
            return
        status = store.batches.status(self.batch.id)
        assert status.over, f"the batch does not end: {status}"
        assert not {State.PLANNED, State.SENT} & set(status.states), f"{status.states}"
        jobs = store.batches.jobs(self.batch.id)
        assert [one.state for one in jobs] == [one.request.state for one in jobs]
        ends = [one.ended for one in store.batches.ended(self.batch.id)]
        assert ends == list(range(1, len(jobs) + 1)), f"ends are told out of order: {ends}"

    def counted(self) -> int:
        """What the budget's own counter says, read past the store."""
        with closing(sqlite3.connect(self.home / "ledger.db")) as connection:
            return int(connection.execute("SELECT sum(micros) FROM counters").fetchone()[0])


LIVES = 20
"""Processes that live and die in one home before its books are checked."""


def run_home(home: Path, seed: int) -> Simulation:
    """One seed: processes that crash at drawn steps, a last one that does not, the invariants."""
    simulation = Simulation(home, seed)
    store = simulation.open()
    store.set_budget(Budget("cap", "all", "total", CAP)).result()
    store.close()
    for _ in range(LIVES):
        wishes = simulation.dice.randrange(0, 3)  # none: it only recovers, and may die at that
        simulation.live(wishes, simulation.dice.randrange(0, 6 + 26 * wishes))
    simulation.live(0, None)
    simulation.check()
    return simulation


def run_batch(home: Path, seed: int) -> Simulation:
    """The same of processes that do the jobs of one batch; the last does what is left of it."""
    simulation = Simulation(home, seed)
    store = simulation.open()
    store.set_budget(Budget("cap", "all", "total", CAP)).result()
    store.close()
    simulation.write_batch(rows=LIVES)
    for _ in range(LIVES):
        jobs = simulation.dice.randrange(0, 4)
        simulation.live(0, simulation.dice.randrange(0, 6 + 20 * jobs), jobs)
    simulation.live(0, None, jobs=LIVES * 4)
    simulation.check()
    return simulation
