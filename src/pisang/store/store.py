"""The store's one door: what the engine and the faces may ask of the ledger and the contents.

Reads give values; writes give a `Future` that is done once they are committed (wrap it with
`asyncio.wrap_future`). Any thread may call anything. A process that forks must open a store of
its own in the child: the parent's refuses to work there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pisang.domain.answer import Answer
from pisang.domain.attempt import Charged, State
from pisang.domain.content import Content
from pisang.domain.ledger import (
    Begun,
    Budget,
    Claimed,
    Hold,
    Intent,
    Outgoing,
    RequestRow,
    Settlement,
    Wish,
)
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.domain.retention import Retention
from pisang.errors import PisangError, Unexpected
from pisang.store import begin as begin_jobs
from pisang.store import claim as claim_jobs
from pisang.store import outbox, recover
from pisang.store import settle as settle_jobs
from pisang.store.alerts import Alerts
from pisang.store.answers import Answers
from pisang.store.archives import Archives
from pisang.store.batches import Batches
from pisang.store.budgets import remove_budget, set_budget
from pisang.store.check import check
from pisang.store.contents import Contents
from pisang.store.delete import Deleted, delete
from pisang.store.files import Files, remove
from pisang.store.finding import Finding
from pisang.store.gateway_keys import GatewayKeys
from pisang.store.gc import GcReport, collect
from pisang.store.health import Health
from pisang.store.history import Asked, load
from pisang.store.home import Home, prepare
from pisang.store.image_marks import ImageMarks
from pisang.store.incoming import Incoming
from pisang.store.ledger import Tx
from pisang.store.opening import make_ledger
from pisang.store.owned import Owned
from pisang.store.places import open_blobs, open_uploads
from pisang.store.previews import Previews
from pisang.store.process import Process
from pisang.store.questions import Questions
from pisang.store.recover import Orphan
from pisang.store.references import References
from pisang.store.rows import attempt_row
from pisang.store.spending import Spending
from pisang.store.storage import Storage
from pisang.store.webhooks import Webhooks

__all__ = [
    "Asked",
    "Deleted",
    "Finding",
    "GcReport",
    "Incoming",
    "Orphan",
    "Retention",
    "Store",
]

Result = TypeVar("Result")

BUCKET_HOLD_MS = 50
"""How soon a claim asks again while the bucket is looked at."""

WORST_ANSWER_BYTES = 64 * 1024 * 1024
"""The largest answer to be ready for: a 4K picture with its drafts and signature was 48 MB."""


class Store(Questions, Contents):
    """One open home. Make it with `Store.open`, end it with `close`."""

    def __init__(
        self,
        home: Home,
        *,
        fsync: bool,
        worst_answer_bytes: int,
        clock_ms: Callable[[], int],
        new_id: Callable[[str], str],
        storage: Storage | None = None,
    ) -> None:
        self.home = home
        self._health = Health(home)
        self._files = Files(self._health, fsync=fsync)
        kept = storage or Storage()
        self._ledger = make_ledger(kept.ledger, home, self._health, self._files, fsync=fsync)
        self._blobs = open_blobs(home, self._files, self._ledger, new_id, kept.images)
        self._references = References(home, self._files, self._blobs)
        self._answers = Answers(home, self._files, self._blobs)
        self._readers = self._ledger.readers
        self._writer = self._ledger.writer
        self.previews = Previews(home)
        self.spending = Spending(self._readers, self._writer, clock_ms)
        self.owned = Owned(self._readers)
        self.gateway_keys = GatewayKeys(self._readers, self._writer, clock_ms)
        self.webhooks = Webhooks(self._readers, self._writer, clock_ms)
        self.archives = Archives(self._readers, self._writer, clock_ms)
        self.image_marks = ImageMarks(self._readers, self._writer, clock_ms)
        self.alerts = Alerts(self._readers, self._writer, clock_ms)
        self.uploads = open_uploads(home, self._files, clock_ms, kept.images)
        self._wanted_bytes = 3 * worst_answer_bytes
        self._clock_ms = clock_ms
        self._new_id = new_id
        self._owner: str | None = None
        self._living = threading.Lock()
        self.batches = Batches(self._readers, self._writer, self._process)
        self._abandoned: set[str] = set()

    @classmethod
    def open(
        cls,
        root: Path,
        *,
        fsync: bool = True,
        worst_answer_bytes: int = WORST_ANSWER_BYTES,
        clock_ms: Callable[[], int],
        new_id: Callable[[str], str],
        storage: Storage | None = None,
    ) -> Store:
        """The store of that home, made where there is none, brought to this Pisang's schema.

        Raises `HomeUnusable`, `LedgerUnusable`, `StoreCorrupt` and `ExtraMissing`, each with what
        is in the way. Rows of dead processes are not looked at: that is `recover`'s.
        """
        store = cls(
            prepare(root),
            fsync=fsync,
            worst_answer_bytes=worst_answer_bytes,
            clock_ms=clock_ms,
            new_id=new_id,
            storage=storage,
        )
        try:
            store._ledger.prepare()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Commit what is queued and let go. What is still under way is for recovery."""
        self._blobs.close()
        self._writer.close()
        self._readers.close()
        self._ledger.lives.close()

    @property
    def keepers(self) -> Executor | None:
        """The threads to call `keep` in; None: any. Whoever waits for a bucket there keeps nobody
        else waiting."""
        return self._blobs.threads

    @property
    def owner(self) -> str:
        """The id that stands in the rows of this process; its lock is taken at the first use."""
        return self._process().owner

    # --- the road: begin, claim, take in, keep, settle -------------------------------------------

    def begin(
        self,
        wish: Wish,
        *,
        retry_unknown: bool = False,
        new: bool = False,
        intent: Intent | None = None,
    ) -> Future[Begun]:
        """Write a wish down, or find the request that stands for it already.

        On `new` the request is this process's until `finish`: whoever sends the same key
        meanwhile is told `running`. `retry_unknown` buys again what is unknown; `new` makes a
        purchase of its own whatever the key. Raises `IdempotencyMismatch`, `KeyLimited`.

        `intent` is claimed in the same commit where a new request was written down, and what
        `claim` raises is raised here: then nothing was written, not the wish either.
        """
        try:
            wanted = intent if intent is None or self._hold() is None else None
        except PisangError as error:
            return _refused(error)

        def work(tx: Tx, us: Process) -> Begun:
            begun = begin_jobs.begin(tx, us, wish, retry_unknown=retry_unknown, new=new)
            if wanted is None or (begun.verdict, begun.request_id) != ("new", wanted.request_id):
                return begun
            return replace(begun, claimed=claim_jobs.claim(tx, us, wanted, wish.created_ms))

        return self._job(work)

    def claim(self, intent: Intent, now_ms: int = 0) -> Future[Claimed | Hold]:
        """Reserve the money, take the slot and write `sent`, or say when to ask again.

        Raises `BudgetExceeded`, `PriceUnknown`, `StoreFull` (three times the worst answer must
        fit on the disk), `StoreSuspect`, `BucketUnreachable`, `BucketRefused`, `NotFound`: nothing
        is sent then, nothing is held.
        """
        try:
            hold = self._hold()
        except PisangError as error:
            return _refused(error)
        if hold is not None:
            held: Future[Claimed | Hold] = Future()
            held.set_result(hold)
            return held
        return self._job(lambda tx, us: claim_jobs.claim(tx, us, intent, now_ms))

    def _hold(self) -> Hold | None:
        """What a claim has to wait for besides its upstream's limits. Raises as `claim` does."""
        self._health.may_buy(self._wanted_bytes)
        waits_for = self._blobs.hold()
        return None if waits_for is None else Hold(BUCKET_HOLD_MS, waits_for)

    def may_buy(self) -> None:
        """Raises `StoreFull`, `StoreSuspect`, `HomeUnusable`, `BucketUnreachable`, `BucketRefused`
        where `claim` would."""
        self._hold()

    def decline(self, intent: Intent, settlement: Settlement) -> Future[None]:
        """Write down an attempt that was not claimed, as ended before anything was sent."""
        return self._job(lambda tx, us: claim_jobs.decline(tx, us, intent, settlement))

    def incoming(self, attempt_id: str) -> Incoming:
        """Where the contents of an attempt's answer are written while they arrive."""
        return self._answers.incoming(attempt_id)

    def keep(self, attempt_id: str, answer: Answer, contents: tuple[Content, ...]) -> None:
        """Make an answer durable before it is settled. Blocks: call it in a thread.

        `contents` are its pictures and go to `images/`; everything else that its spans name goes
        to `blobs/`, and the answer itself beside them. May be called again. Raises
        `StoreSuspect`, `StoreFilled`, and `StoreCorrupt` for a content that never came in.
        """
        self._answers.keep(attempt_id, answer, contents)

    def settle(
        self, settlement: Settlement, *, finish: str | None = None
    ) -> Future[RequestRow | None]:
        """Outcome, charge, images and stored answer in one commit; then the incoming names go.

        `finish` names the request with which this process is through then, as `finish` does: it is
        given as it stands from that commit on. Else None.
        Raises `Unexpected` when the attempt has ended already: nothing is settled twice.
        """
        attempt_id = settlement.attempt_id
        record = self._answers.record(attempt_id)
        salvage = settlement.state is State.UNKNOWN and record is None

        def work(tx: Tx, us: Process) -> RequestRow | None:
            settle_jobs.settle(tx, settlement, record)
            if finish is None:
                return None
            begin_jobs.finish(tx, us, finish)
            return load(tx, [finish])[0]

        return self._job(work, after=lambda: self._answers.forget(attempt_id, salvage=salvage))

    def reopen(self, attempt_id: str) -> None:
        """An attempt that is `unknown` is looked at again: what comes in for it now gets names of
        its own, whoever else looks. Settle it, or let it go."""
        self._answers.reopen(attempt_id)

    def let_go(self, attempt_id: str) -> None:
        """Nothing came of looking again: what came in goes."""
        self._answers.forget(attempt_id, salvage=False)

    def detach(self, request_id: str, *, delivered: bool) -> Future[None]:
        """No client waits for a request's answer any more; `delivered`: one was given it to its
        last byte. Until then (`begin` with a `route` attached him) a twin is a new purchase; where
        nobody was given the answer, a twin joins the request.

        Who was given it all is noted with the next commit: nobody's answer depends on it.
        """
        return self._job(
            lambda tx, _: begin_jobs.detach(tx, request_id, delivered=delivered), lazy=delivered
        )

    def finish(self, request_id: str) -> Future[None]:
        """This process is through with a request: its key may run it again where it failed.

        Call it when the last attempt of a `begin` has ended, however it did.
        """
        return self._job(lambda tx, us: begin_jobs.finish(tx, us, request_id))

    def resolve(
        self,
        attempt_id: str,
        state: State,
        charged: Charged = Charged.UNKNOWN,
        cost: Money | None = None,
    ) -> Future[None]:
        """Give an `unknown` attempt its end by hand: `done`, `written_off` or `rebought`.

        Its money goes on counting toward budgets unless `charged` says that none moved.
        """
        now_ms = self._clock_ms()
        return self._writer.submit(
            lambda tx: settle_jobs.resolve(tx, attempt_id, state, charged, at_ms=now_ms, cost=cost)
        )

    def abandon(self, *attempt_ids: str) -> None:
        """This process can't settle these attempts: its disk failed it. What came of them stays
        where it is, and the next `recover` gives them out as if their process had died."""
        for attempt_id in attempt_ids:
            self._answers.release(attempt_id)
        with self._living:
            self._abandoned.update(attempt_ids)

    @property
    def owes(self) -> bool:
        """Whether an attempt that was abandoned is still to be recovered."""
        with self._living:
            return bool(self._abandoned)

    def under_way(self, request_id: str) -> bool:
        """Whether somebody still works on a request: an attempt is open, or may follow.

        Raises `NotFound`.
        """
        process = self._process()
        with self._readers.read() as tx:
            return begin_jobs.under_way(tx, process, request_id)

    def recover(self) -> list[Orphan]:
        """Take over what dead processes left under way, what this one abandoned, and what another
        machine ended as `unknown` while its answer lay here; each is given to one caller only.

        Names in `incoming/` that a process did not live to take away go too. Costs one read when
        there is nothing. Blocks: call it in a thread.
        """
        process = self._process()
        left = self._answers.left_over()
        with self._readers.read() as tx:
            dead = recover.dead_owners(tx, process)
            blind = recover.settled_elsewhere(tx, process, left) if left else []
            ended = set(recover.ended(tx, left) if left else []) - set(blind)
        remove(path for attempt_id in ended for path in left[attempt_id])
        back = self._job(lambda tx, us: recover.take_back(tx, us, blind)).result() if blind else []
        if dead:
            self.abandon(*self._job(recover.take_over).result())
        with self._living:
            mine, self._abandoned = self._abandoned, set()
        try:
            if mine:
                self._blobs.prove()  # before their files are read
            with self._readers.read() as tx:
                standing = recover.standing(tx, mine) if mine else []
            return [self._orphan(attempt_id) for attempt_id in (*standing, *back)]
        except PisangError:
            self.abandon(*mine)
            raise

    # --- what is to be done with images that are safe --------------------------------------------

    def outgoing(self, request_id: str) -> list[Outgoing]:
        """What was, or is to be, done with a request's images, newest first."""
        process = self._process()
        with self._readers.read() as tx:
            return outbox.of_request(tx, process, request_id)

    def take_outgoing(self, request_id: str) -> Future[Outgoing | None]:
        """What nobody alive is to do with a request's images, for this process to do; None where
        there is nothing of the kind."""
        return self._job(lambda tx, us: outbox.take(tx, us, request_id))

    def finish_outgoing(self, request_id: str, result: JSON) -> Future[None]:
        """This process did what it was to do with a request's images."""
        return self._job(lambda tx, us: outbox.done(tx, us, request_id, result))

    # --- budgets ---------------------------------------------------------------------------------

    def set_budget(self, budget: Budget) -> Future[None]:
        """Set a cap; what was spent in its present window counts. One that stands already so
        costs a read. Raises `OptionInvalid`."""
        if budget in self.budgets():
            done: Future[None] = Future()
            done.set_result(None)
            return done
        now_ms = self._clock_ms()
        return self._writer.submit(lambda tx: set_budget(tx, budget, now_ms))

    def remove_budget(self, budget_id: str) -> Future[bool]:
        """Take a cap away; whether there was one."""
        return self._writer.submit(lambda tx: remove_budget(tx, budget_id))

    # --- upkeep ----------------------------------------------------------------------------------

    def gc(
        self,
        retention: Retention | None = None,
        *,
        dry_run: bool = False,
        now_ms: int | None = None,
    ) -> GcReport:
        """Let go what is past its time, or tell what would go. Blocks.

        Raises `OptionInvalid` when it would remove more than one in a hundred images unforced.
        """
        return collect(
            self.home,
            self._ledger,
            self._blobs,
            retention or Retention(),
            dry_run=dry_run,
            now_ms=self._clock_ms() if now_ms is None else now_ms,
        )

    def delete(self, name: str) -> Deleted:
        """Delete a request (by id) or an image (by hash); what was paid stays in the books. Blocks.

        Raises `NotFound`, `Ambiguous`; `Running` and `OptionInvalid` where it is not over.
        """
        return delete(
            self._blobs, self.previews, self._readers, self._writer, name, self._clock_ms()
        )

    def check(self, *, deep: bool = False) -> list[Finding]:
        """What `doctor` asks: is all there, and (`deep`) as it was written? Blocks.

        A home marked suspect is cleared when nothing is wrong. Raises `StoreCorrupt` when the
        ledger can't be read at all.
        """
        return check(
            self.home,
            self._ledger,
            self._blobs,
            self._health,
            self._process(),
            wanted_bytes=self._wanted_bytes,
            deep=deep,
        )

    # --- inside ----------------------------------------------------------------------------------

    def _job(
        self,
        work: Callable[[Tx, Process], Result],
        after: Callable[[], None] | None = None,
        *,
        lazy: bool = False,
    ) -> Future[Result]:
        """Queue a job that has to know who asks."""
        try:
            process = self._process()
        except PisangError as error:
            return _refused(error)
        return self._writer.submit(lambda tx: work(tx, process), after, lazy=lazy)

    def _process(self) -> Process:
        with self._living:
            if self._owner is None:
                owner = self._new_id("own")
                self._ledger.lives.take(owner)
                self._owner = owner
        return Process(self._owner, self._ledger.lives, self._clock_ms)

    def _orphan(self, attempt_id: str) -> Orphan:
        with self._readers.read() as tx:
            row = tx.one("attempt_by_id", id=attempt_id)
        if row is None:
            raise Unexpected(what=f"attempt {attempt_id} was taken over and is gone")
        answer, contents = self._answers.salvage(attempt_id)
        return Orphan(attempt_row(row), answer, contents)


def _refused(error: PisangError) -> Future[Any]:
    """The future of a job that is not even queued."""
    refused: Future[Any] = Future()
    refused.set_exception(error)
    return refused
