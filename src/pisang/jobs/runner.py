"""Takes jobs from the ledger and carries them out, as many at once as there is room for.

    take (one commit) ──► claim (one commit) ──► the engine's flow ──► settle (one commit)

Every limit is kept by the claim, over all processes. What can't begin just now stays here for a
moment or goes back to the ledger, for whoever may. A free failure is tried again when the ledger
says so, by whichever process then has room. What stands in the way of all (no key, a full disk, a
budget) stops a run for one batch with its error, and lets a worker rest until it is put right.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from pisang.domain.attempt import State
from pisang.domain.batch import JobRow
from pisang.domain.ledger import Hold
from pisang.engine.engine import Engine
from pisang.engine.events import Listener, ignore
from pisang.engine.order import Ran
from pisang.engine.world import now_ms
from pisang.errors import (
    BudgetExceeded,
    Cancelled,
    ConfigError,
    LedgerUnusable,
    MoneyError,
    PisangError,
    Retry,
)
from pisang.jobs.carrying import Resolve, carry_out, is_its_own
from pisang.jobs.line import Line
from pisang.policy.retry import again_after_s

CONCURRENCY = 64
"""How many jobs one process does at once unless told otherwise: each waits most of its life."""

AHEAD = 16
"""How many jobs are taken beyond those that are done, so that none waits for the ledger."""

POLL_S = 0.5
"""How often the ledger is asked for jobs while nothing of this process ends."""

PATIENT_S = 1.0
"""Who is told to wait no longer than this stays in line here; else others may have his place."""

RECOVER_S = 3.0
"""How often it is looked for processes that died."""

REST_S = 5.0
MAX_REST_S = 60.0
"""How long a worker leaves a lane alone that can't be used (no key, a refused one, no money)."""

LEDGER_PATIENCE_S = 60.0
"""How long a run for one batch waits for a ledger that does not answer."""


class Runner:
    """One process's share of the batches of a home. Make one for each `run`."""

    def __init__(
        self,
        engine: Engine,
        resolve: Resolve,
        *,
        concurrency: int = CONCURRENCY,
        listen: Listener = ignore,
    ) -> None:
        self.tally: Counter[State] = Counter()
        self.problem: PisangError | None = None
        self._engine = engine
        self._batches = engine.store.batches
        self._resolve = resolve
        self._concurrency = concurrency
        self._ahead = min(concurrency, AHEAD)
        self._listen = listen
        self._line = Line(time.monotonic)
        self._unread: list[str] = []
        self._working: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self._stopping = False
        self._only: str | None = None
        self._forever = False
        self._rests: Counter[tuple[str, ...]] = Counter()
        self._crash: BaseException | None = None

    @property
    def working(self) -> int:
        """How many jobs are under way here."""
        return len(self._working)

    def stop(self) -> None:
        """Begin nothing more. What was sent is seen through; what was only taken goes back."""
        self._stopping = True
        self._moved.set()

    async def run(self, batch_id: str | None = None, *, forever: bool = False) -> None:
        """Do jobs: of one batch until all of it is over, whoever does the rest; of all batches
        until none is left that is due; or `forever`, until `stop`.

        Raises what stops a run that is not `forever`, once what was sent is over; the jobs that
        were not begun wait for another.
        """
        self._only, self._forever = batch_id, forever
        recovering = asyncio.create_task(self._recover())
        try:
            await self._run()
        finally:
            recovering.cancel()
            self._stopping = True
            await self._give_back([*self._unread, *(row.request.id for row in self._line.drain())])
            if self._working:  # cancelled from outside: the engine sees through what was sent
                await asyncio.gather(*self._working, return_exceptions=True)
            await asyncio.gather(recovering, return_exceptions=True)
        if self._crash is not None:
            raise self._crash
        if self.problem is not None and not forever:
            raise self.problem

    # --- taking ----------------------------------------------------------------------------------

    async def _run(self) -> None:
        failing_since_s: float | None = None
        while True:
            self._moved.clear()
            try:
                if not self._is_ending:
                    await self._fill()
                if not self._working and (self._is_ending or await self._is_over()):
                    return
                failing_since_s = None
            except PisangError as error:  # the ledger does not answer
                since_s = failing_since_s = failing_since_s or time.monotonic()
                lasted = time.monotonic() - since_s > LEDGER_PATIENCE_S
                if error.retry is not Retry.LATER or (lasted and not self._forever):
                    raise
            with suppress(TimeoutError):
                pause_s = self._line.opens_in_s(POLL_S)
                await asyncio.wait_for(self._moved.wait(), min(pause_s, POLL_S))

    @property
    def _is_ending(self) -> bool:
        stopped = self.problem is not None and not self._forever
        return self._stopping or stopped or self._crash is not None

    async def _fill(self) -> None:
        """Begin what there is room for, of what was taken and of what may be."""
        await self._read()
        room = self._concurrency - len(self._working) + self._ahead - self._line.ready
        if room > self._ahead // 2 and await asyncio.to_thread(self._batches.ready, self._only):
            taking = self._batches.take(
                room,
                only=self._only,
                but=self._line.full_batches,
                lanes=self._line.full_lanes,
            )
            taken = await asyncio.wrap_future(taking)
            self._unread += taken
            await self._read()

    async def _read(self) -> None:
        """What was taken comes into the line, now or once the ledger answers again."""
        if self._unread:
            rows = await asyncio.to_thread(self._batches.taken, self._unread)
            self._unread = []
            self._line.add(rows)
        self._begin()

    def _begin(self) -> None:
        while len(self._working) < self._concurrency and not self._is_ending:
            row = self._line.next()
            if row is None:
                return
            task = asyncio.create_task(self._do(row))
            self._working.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._crash = self._crash or task.exception()
        self._begin()
        self._moved.set()

    async def _is_over(self) -> bool:
        if self._forever:
            return False
        if self._only is not None:
            return await asyncio.to_thread(self._batches.is_over, self._only)
        return not await asyncio.to_thread(self._batches.ready, None)

    async def _recover(self) -> None:
        while True:
            await asyncio.sleep(RECOVER_S)
            with suppress(PisangError):
                await self._engine.recover()

    # --- one job ---------------------------------------------------------------------------------

    async def _do(self, row: JobRow) -> None:
        try:
            ended = await carry_out(self._engine, self._resolve, row, self._listen)
        except Cancelled:
            self._line.shut_batch(row.batch_id, POLL_S)
            await self._give_back([row.request.id])
        except (ConfigError, MoneyError) as error:
            self._leave_alone(row, error)
            await self._give_back([row.request.id])
        except PisangError:  # what came of it can't be written down yet: the engine sees to it
            await self._let_go(row, None)
        else:
            if isinstance(ended, Hold):
                await self._wait(row, ended)
            else:
                await self._conclude(row, ended)

    async def _wait(self, row: JobRow, hold: Hold) -> None:
        """It is not this job's turn: the ledger said so for its whole batch, or its lane."""
        delay_s = hold.delay_ms / 1000
        if hold.of_batch:
            self._line.shut_batch(row.batch_id, delay_s)
        else:
            self._line.shut_lane(row.job.via, delay_s)
        if delay_s > PATIENT_S or self._is_ending:
            await self._give_back([row.request.id])
        else:
            self._line.put_back(row)

    async def _conclude(self, row: JobRow, ran: Ran) -> None:
        """It was sent, and ended: for good, or to be tried again."""
        self.tally[ran.row.state] += 1
        self._line.reopen(row)
        if ran.row.n == 1 and ran.row.state is not State.FAILED:
            self._rests.pop(row.job.via, None)
            self.problem = None if self._forever else self.problem
            return  # the commit that settled it let it go
        error = next(iter(ran.errors), None)
        if isinstance(error, ConfigError | MoneyError) and not is_its_own(error):
            self._leave_alone(row, error)
            await self._let_go(row, now_ms())
            return
        delay_s = again_after_s(error, row.tries, len(row.job.via)) if error else None
        if delay_s is not None:
            delay_s *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        await self._let_go(row, None if delay_s is None else now_ms() + int(delay_s * 1000))

    def _leave_alone(self, row: JobRow, error: PisangError) -> None:
        """Something stands in the way that is not this job's fault. What is under way may make
        room in a budget; anything else a user has to put right."""
        passes = isinstance(error, BudgetExceeded) and len(self._working) > 1
        if passes or isinstance(error, LedgerUnusable):  # for which the run itself has patience
            self._line.shut_lane(row.job.via, POLL_S)
            return
        self.problem = error
        rest_s = min(REST_S * 2 ** self._rests[row.job.via], MAX_REST_S)
        self._rests[row.job.via] += 1
        self._line.shut_lane(row.job.via, rest_s)

    async def _give_back(self, request_ids: Sequence[str]) -> None:
        if request_ids:
            await _insist(lambda: self._batches.give_back(request_ids))

    async def _let_go(self, row: JobRow, again_ms: int | None) -> None:
        await _insist(lambda: self._batches.let_go(row.request.id, again_ms))


async def _insist(ask: Callable[[], Future[None]]) -> None:
    """Until the ledger took it: a job that is neither done nor given back would wait for the end
    of this process."""
    delay_s = POLL_S
    while True:
        try:
            return await asyncio.wrap_future(ask())
        except PisangError:
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, REST_S)
