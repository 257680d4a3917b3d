"""The road's one door: a face hands in an `Order` and is given what became of it.

The engine owns every attempt it starts. A face that stops waiting loses nothing: the task goes on
to its end, and the ledger knows the rest.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pisang.domain.access import is_cap_of_caller
from pisang.domain.attempt import State
from pisang.domain.catalogue import Catalogue, load
from pisang.domain.fingerprint import request_fingerprint
from pisang.domain.ledger import AttemptRow, Hold, ImageRow, Intent, RequestRow, Wish
from pisang.domain.serial import request_to_json
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.engine.events import Listener, Tap, ignore
from pisang.engine.flow import (
    Concluded,
    Errand,
    Ready,
    decline,
    look_again,
    make_one,
    make_ready,
)
from pisang.engine.ids import new_id
from pisang.engine.ledgering import Ledgering
from pisang.engine.lineage import Continuation, go_on
from pisang.engine.order import Order, Ran
from pisang.engine.outcome import errors_of, last_attempts, summary
from pisang.engine.probe import Probe, probe
from pisang.engine.reach import Reach, credentials
from pisang.engine.recovery import errand_again, recover_one, request_again
from pisang.engine.world import Common, World, now_ms
from pisang.errors import BucketRefused, BucketUnreachable, OutcomeUnknown, PisangError
from pisang.policy.plan import Planned, plan
from pisang.policy.retry import Allowance, Bucket
from pisang.store.storage import Storage
from pisang.store.store import Store
from pisang.wires.table import wire

Result = TypeVar("Result")

JOINED = Warn(
    "joined",
    "The same was asked within the last hour, and nobody was told its outcome: this is it, and "
    "nothing was bought now.",
)

_ANSWERED = frozenset({State.DONE, State.REFUSED})
_ENDED = frozenset(State) - {State.PLANNED, State.SENT}

_MEND_S = 5.0
"""How often an attempt that could not be settled is tried again."""

_WAIT_S = 0.5
"""How often a request that another task or process owns is looked at."""


class Engine:
    """Open it with `await Engine.open(home)`, use it as an async context manager."""

    def __init__(self, store: Store, catalogue: Catalogue, money: Ledgering) -> None:
        self.store = store
        self.catalogue = catalogue
        self.money = money
        self.reach = Reach(catalogue)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._mending = False
        self._retries: dict[str, Allowance] = {}
        self._stop = asyncio.Event()
        self._intakes = ThreadPoolExecutor(os.cpu_count() or 1, "pisang-intake")
        self._common = Common(self._intakes)
        self._stops: dict[str, asyncio.Event] = {}

    @classmethod
    async def open(
        cls, home: Path, money: Ledgering | None = None, storage: Storage | None = None
    ) -> Engine:
        """An engine on that home, with the attempts of dead processes settled first; where the
        bucket of the images can't be reached, they are settled once it can.

        Where `money` names budgets, they are the home's from then on, and no others. Raises
        `HomeUnusable` or `StoreCorrupt` with what to do.
        """
        store = await asyncio.to_thread(
            Store.open, home, clock_ms=now_ms, new_id=new_id, storage=storage
        )
        engine = cls(store, load(), money or Ledgering())
        try:
            if money is not None:
                await engine.apply_budgets(money)
            with suppress(BucketUnreachable, BucketRefused):
                await engine.recover()
            engine._mend()
        except BaseException:  # whoever opens next must find what was taken over
            await engine.close()
            raise
        return engine

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close transports and store. Attempts still under way are left to recovery."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.reach.close()
        self._intakes.shutdown()  # idle: every task has waited for its own
        try:
            await asyncio.to_thread(self.store.close)
        except RuntimeError:  # the interpreter is ending: there are no more threads to ask
            self.store.close()

    async def apply_budgets(self, money: Ledgering) -> None:
        """Count money so from here on: these caps where it names any, and no others but those
        that came with a gateway's keys. Costs a read where they are the home's already."""
        self.money = money
        if money.budgets is None:
            return
        wanted = money.counted()
        for budget in wanted:  # before the old ones go: there is no moment without a cap
            await asyncio.wrap_future(self.store.set_budget(budget))
        kept = {budget.id for budget in wanted}
        for old in await asyncio.to_thread(self.store.budgets):
            if old.id not in kept and not is_cap_of_caller(old):
                await asyncio.wrap_future(self.store.remove_budget(old.id))

    async def recover(self) -> tuple[Concluded, ...]:
        """Settle what dead processes left, and what this one could not settle when it came; what
        each became. Costs one read when there is none. Raises what stands in the way."""
        settled: list[Concluded] = []
        orphans = await asyncio.to_thread(self.store.recover)
        try:
            for orphan in orphans:
                row = self.store.request(orphan.attempt.request_id)
                request = await asyncio.to_thread(request_again, row, self.store.content)
                flow = recover_one(orphan, row, request, self.catalogue)
                settled.append(await self._world(row.id).drive(flow))
        except PisangError:
            self.store.abandon(*(left.attempt.id for left in orphans[len(settled) :]))
            raise
        return tuple(settled)

    async def run(self, order: Order, listen: Listener = ignore, tap: Tap | None = None) -> Ran:
        """Carry an order out. What went wrong with single images is in the result. A `tap` is
        handed the bytes of the answer while they arrive; it is for one image.

        Raises only what stops all of them before anything is sent: a wish that the model cannot
        grant, a missing key, a budget, a full disk; and `OutcomeUnknown` for an idempotency key
        whose earlier outcome is unknown. A caller who stops waiting does not stop the order:
        it is the engine's until `close`.
        """
        return await asyncio.shield(self._own(self._run(order, listen, tap)))

    async def _run(self, order: Order, listen: Listener, tap: Tap | None) -> Ran:
        planned = plan(order.request, order.upstream, self.catalogue)
        credentials(await self.reach.armed(order.upstream))
        wish = self._wish(order, planned)
        stop = asyncio.Event()
        world = World(self.store, self.reach, listen, wish.id, stop, tap, self._common)
        first = await world.drive(make_ready(self._errand(order, planned, wish.id, 0)))
        self._listen_for_stop(wish.id, stop)  # under way from here on: it may be `sent` already
        try:
            begun = await world.begin(
                wish,
                first.intent if wish.n == 1 else None,
                retry_unknown=order.retry_unknown,
                new=order.new,
            )
        finally:
            self._stops.pop(wish.id, None)
        if begun.verdict == "new":
            self._listen_for_stop(begun.request_id, stop)
        world.tell_begun()
        if begun.verdict == "unknown":
            raise self._unknown(begun.request_id)
        if begun.verdict == "running":
            await self._wait(begun.request_id)
        if begun.verdict != "new":
            ran = self._ran(begun.request_id, order, {}, replayed=not begun.joined)
            if not begun.joined:
                return ran
            return replace(ran, warnings=(*ran.warnings, JOINED), replayed=True, joined=True)
        fresh = first if begun.request_id == wish.id else None
        owed = range(wish.n) if fresh else _owed(self.store.request(begun.request_id), order)
        try:
            ended = await self._make_all(order, planned, world, owed, fresh)
        finally:
            self._stops.pop(begun.request_id, None)
        return self._ran(begun.request_id, order, ended, row=world.row)

    async def carry_out(
        self, order: Order, row: RequestRow, listen: Listener = ignore
    ) -> Ran | Hold:
        """Carry a request out that stands in the ledger and is this process's: a job of a batch
        (`order.batch_id`) that was taken. `Hold`: it is not its turn yet, and nothing was begun.

        Raises what stops it before anything is sent, as `run` does, and `Cancelled`; nothing of
        that is written down. Letting the job go afterwards is the caller's.
        """
        return await asyncio.shield(self._own(self._carry_out(order, row, listen)))

    async def _carry_out(self, order: Order, row: RequestRow, listen: Listener) -> Ran | Hold:
        request_id = row.id
        planned = plan(order.request, order.upstream, self.catalogue)
        credentials(await self.reach.armed(order.upstream))
        stop = asyncio.Event()
        world = World(self.store, self.reach, listen, request_id, stop, None, self._common)
        owed = _owed(row, order)
        if not owed:
            return self._ran(request_id, order, {})
        errand = self._errand(order, planned, request_id, owed[0])
        first = await world.drive(make_ready(errand))
        self._listen_for_stop(request_id, stop)
        try:
            hold = await world.claim_first(first.intent, alone=len(owed) == 1)
            if hold is not None:
                return hold
            ended = await self._make_all(order, planned, world, owed, first)
        finally:
            self._stops.pop(request_id, None)
        return self._ran(request_id, order, ended, row=world.row)

    async def refuse(
        self, row: RequestRow, upstream: Upstream, batch_id: str, error: PisangError
    ) -> None:
        """Write down why a job can't be sent to that upstream as it is: it has failed."""
        intent = Intent(
            attempt_id=new_id("att"),
            request_id=row.id,
            ordinal=0,
            upstream=upstream.name,
            wire=upstream.wire,
            kind=upstream.kind,
            model=row.model,
            price=None,
            batch_id=batch_id,
        )
        await self._world(row.id).drive(decline(intent, error))

    def stop(self) -> None:
        """Send nothing more: attempts that wait for their turn end as `Cancelled`, free. What was
        sent is seen through and kept."""
        self._stop.set()
        for stop in self._stops.values():
            stop.set()

    def cancel(self, request_id: str) -> bool:
        """Send nothing more of one request: what of it waits for its turn ends as `Cancelled`,
        free. Whether this engine works on it; what was sent is seen through and kept."""
        stop = self._stops.get(request_id)
        if stop is not None:
            stop.set()
        return stop is not None

    @property
    def under_way(self) -> tuple[str, ...]:
        """The requests that this engine makes images for now."""
        return tuple(self._stops)

    async def give_up(self) -> None:
        """Cut every answer that is awaited, after `stop`: each is settled as one that its upstream
        cut, which is `unknown` where nothing whole had come. They settle once this returns."""
        await self.reach.close()

    async def wait(self, request_id: str) -> Ran:
        """What became of a request once no attempt of it is under way."""
        await self._wait(request_id)
        return summary(self.store.request(request_id))

    async def probe(self, upstream: Upstream) -> Probe:
        """One free call to an upstream; never a billable one."""
        return await probe(upstream, self.reach)

    def go_on(self, image: ImageRow, upstream: Upstream) -> Continuation:
        """How an edit of `image` goes on at `upstream`: its turns, or the picture anew."""
        return go_on(image, upstream, self.store)

    async def look(self, attempt: AttemptRow, upstream: Upstream | None) -> Concluded | None:
        """Try for free what may still be had of an `unknown` attempt: see `flow.look_again`.

        None where there is nothing to try. `upstream` is the one that it was sent to, where it is
        still configured: its own host is trusted with a link. Raises what the store raises.
        """
        row = self.store.request(attempt.request_id)
        answer = await asyncio.to_thread(self.store.answer, attempt.id)
        if answer is None:
            return None
        request = await asyncio.to_thread(request_again, row, self.store.content)
        errand = replace(
            errand_again(attempt, row, request, self.catalogue), warnings=attempt.warnings
        )
        if upstream is not None:
            reached = replace(errand.upstream, base_url=upstream.base_url)
            errand = replace(errand, upstream=reached)
        self.store.reopen(attempt.id)
        try:
            return await self._world(row.id).drive(look_again(errand, attempt.id, answer))
        finally:
            self.store.let_go(attempt.id)

    async def resolve(self, attempt_id: str, state: State) -> None:
        """Write an `unknown` attempt off, or note that it is bought again."""
        await asyncio.wrap_future(self.store.resolve(attempt_id, state))

    async def _make_all(
        self,
        order: Order,
        planned: Planned,
        world: World,
        owed: Sequence[int],
        first: Ready | None,
    ) -> dict[int, PisangError]:
        """The images that are owed side by side; by ordinal the errors that left no outcome. Raises
        when all did. `first` is the attempt at the first of them, where that is ready."""
        request_id = world.request_id
        making = [
            self._make(
                world,
                self._errand(order, planned, request_id, ordinal),
                first if ordinal == owed[0] else None,
            )
            for ordinal in owed
        ]
        try:
            # One alone needs no task of its own.
            ended = await asyncio.gather(*making) if making[1:] else [await one for one in making]
        finally:
            await world.give_back()
            if world.row is None and order.batch_id is None:
                with suppress(PisangError):  # where the disk refuses even this, recovery does it
                    await asyncio.wrap_future(self.store.finish(request_id))
        pairs = zip(owed, ended, strict=True)
        failed = {ordinal: one for ordinal, one in pairs if isinstance(one, PisangError)}
        if failed and len(failed) == len(ended):
            error = failed[owed[0]]
            error.request_id = error.request_id or request_id
            raise error
        return failed

    def _own(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """A task of the engine's, which a caller who stops waiting does not end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _make(
        self, world: World, errand: Errand, first: Ready | None
    ) -> Concluded | PisangError:
        """One image; an error that came before any row (budget, disk) is a value, not a crash."""
        try:
            return await world.drive(make_one(errand, first))
        except PisangError as error:
            self._mend()
            return error

    def _mend(self) -> None:
        """See to it that what could not be settled is, once the disk lets us: until then its row
        says `sent` and takes a slot, and no other process may touch it while this one lives."""
        if self.store.owes and not self._mending:
            self._mending = True
            self._own(self._settle_late())

    async def _settle_late(self) -> None:
        try:
            while self.store.owes:
                await asyncio.sleep(_MEND_S)
                with suppress(PisangError):
                    await self.recover()
        finally:
            self._mending = False

    def _errand(self, order: Order, planned: Planned, request_id: str, ordinal: int) -> Errand:
        return Errand(
            request=replace(planned.request, n=1),
            request_id=request_id,
            ordinal=ordinal,
            upstream=order.upstream,
            wire=wire(order.upstream.wire),
            model_id=planned.model_id,
            model=planned.model,
            price=planned.price.money,
            held=self.money.convert(planned.price.money),
            basis=planned.price.basis,
            time_limit_s=order.timeout_s or planned.time_limit_s,
            max_cost=self.money.convert(order.max_cost) or order.max_cost,
            warnings=(*order.warnings, *planned.warnings),
            stream=order.stream,
            batch_id=order.batch_id,
            retries=Allowance(Bucket(0))
            if order.elsewhere
            else self._retries.setdefault(order.upstream.name, Allowance()),
        )

    def _wish(self, order: Order, planned: Planned) -> Wish:
        return Wish(
            id=new_id("req"),
            created_ms=now_ms(),
            prompt=planned.request.prompt,
            model=planned.model_id,
            spec=request_to_json(planned.request),
            fingerprint=order.fingerprint
            or request_fingerprint(planned.request, order.upstream.name),
            scope=order.scope,
            face=order.face,
            idempotency_key=order.idempotency_key,
            references=tuple(image.content for image in planned.request.references),
            parent=order.parent,
            folder=order.folder,
            tags=order.tags,
            n=planned.request.n,
            outgoing=order.outgoing,
            route=order.route,
            join=order.join,
            quota=order.quota,
            hook=replace(order.hook, id=new_id("msg")) if order.hook is not None else None,
        )

    def _world(self, request_id: str) -> World:
        """Where nobody listens, and nobody can stop it."""
        return World(self.store, self.reach, ignore, request_id)

    def _listen_for_stop(self, request_id: str, stop: asyncio.Event) -> None:
        self._stops[request_id] = stop
        if self._stop.is_set():
            stop.set()

    def _unknown(self, request_id: str) -> PisangError:
        errors = errors_of(self.store.request(request_id))
        return next(error for error in errors if isinstance(error, OutcomeUnknown))

    async def _wait(self, request_id: str) -> None:
        """Until nobody works on it, between two attempts too; a request whose owner died is
        recovered, not awaited."""
        while await asyncio.to_thread(self.store.under_way, request_id):
            await asyncio.sleep(_WAIT_S)
            try:
                with suppress(BucketUnreachable):  # what came is on this disk: its turn comes
                    await self.recover()
            except BucketRefused as error:
                why = f"what came of it can't be kept yet ({error.message().rstrip('.')})"
                upstream = self.store.request(request_id).attempts[-1].upstream
                hint = "pisang doctor"
                raise OutcomeUnknown(
                    upstream=upstream, why=why, request_id=request_id, hint=hint
                ) from error

    def _ran(
        self,
        request_id: str,
        order: Order,
        failed: Mapping[int, PisangError],
        *,
        row: RequestRow | None = None,
        replayed: bool = False,
    ) -> Ran:
        row = row or self.store.request(request_id)
        told = {one.ordinal for one in last_attempts(row) if one.state in _ENDED}
        # What no row tells: a failing disk could not take the outcome, or even the reason.
        rest = tuple(error for ordinal, error in failed.items() if ordinal not in told)
        return summary(row, rest, strict=order.strict, replayed=replayed)


def _owed(row: RequestRow, order: Order) -> Sequence[int]:
    """The ordinals of the images that a request which runs again still owes: neither what came or
    was refused, nor (unless told to buy again what is unknown) what was written off."""
    over = _ANSWERED if order.retry_unknown else _ANSWERED | {State.WRITTEN_OFF}
    have = {one.ordinal for one in row.attempts if one.state in over}
    return [ordinal for ordinal in range(row.n) if ordinal not in have]
