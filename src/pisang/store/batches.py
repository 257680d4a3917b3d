"""Batches in the ledger: written down, asked about, taken job by job."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace

from pisang.domain.attempt import Charged, State
from pisang.domain.batch import (
    Batch,
    BatchLimits,
    BatchState,
    BatchStatus,
    Job,
    JobRow,
    Terms,
    request_id_of,
)
from pisang.domain.ledger import RequestRow, Wish
from pisang.domain.money import Money
from pisang.domain.warning import Warn
from pisang.errors import Ambiguous, NotFound
from pisang.store import begin, outbox, taking, webhooks
from pisang.store.history import NEVER_MS, load
from pisang.store.ledger import Readers, Row, Tx, Writer
from pisang.store.process import Process
from pisang.store.rows import currency, dump, dump_warnings, micros, money
from pisang.store.search import after_prefix
from pisang.store.settle import resolve

PAGE = 1000
"""The most rows of one answer, and of one commit."""

LATELY_MS = 60_000


class Batches:
    """Every batch of this home. Reads block for a moment; a write is a `Future` that is done once
    it is committed. A `scope` of None sees everybody's."""

    def __init__(self, readers: Readers, writer: Writer, process: Callable[[], Process]) -> None:
        self._readers = readers
        self._writer = writer
        self._process = process

    # --- written down ----------------------------------------------------------------------------

    def add(self, batch: Batch) -> Future[None]:
        """Write a batch down, its jobs to follow (`add_jobs`, then `open`). Nothing where it is
        there already."""
        return self._writer.submit(lambda tx: _add(tx, batch))

    def add_jobs(self, batch: Batch, jobs: Iterable[tuple[Job, Wish]]) -> Future[int]:
        """Write jobs down, at most `PAGE` at a time, each with what it wishes for; how many were
        not there yet. A wish's id is `request_id_of` its batch and row, whatever it says."""
        process, wanted = self._process(), list(jobs)
        return self._writer.submit(
            lambda tx: sum(_add_job(tx, process, batch, job, wish) for job, wish in wanted)
        )

    def open(self, batch_id: str) -> Future[None]:
        """Let its jobs be done from now on, be it new or cancelled."""
        return self._set_state(batch_id, BatchState.OPEN)

    def cancel(self, batch_id: str) -> Future[None]:
        """Let nothing more of it begin. What was sent is seen through."""
        return self._set_state(batch_id, BatchState.CANCELLED)

    def disown(self, batch_id: str, source: str) -> Future[None]:
        """Let nothing more of it begin, and give it another `source`: whoever knew it by the old
        one knows it no more. Its rows, their cost and their images stay."""

        def work(tx: Tx) -> None:
            row = tx.one("batch_standing", id=batch_id)
            if row is None:
                raise NotFound(what="batch", id=batch_id)
            if row["waiting"] or row["taken"]:
                tx.run("batch_state_set", id=batch_id, state=BatchState.CANCELLED.value)
            tx.run("batch_source_set", id=batch_id, source=source)

        return self._writer.submit(work)

    def limit(self, batch_id: str, limits: BatchLimits) -> Future[None]:
        """Give it these limits. What it has spent counts."""

        def work(tx: Tx) -> None:
            tx.run("batch_limits_set", id=batch_id, **_limits(limits))
            tx.run("batch_recount", id=batch_id)

        return self._writer.submit(work)

    def retry(self, batch_id: str, *, unknown: bool = False) -> Future[int]:
        """Put its failed jobs back into the line, and with `unknown` those of unknown outcome,
        which are bought again then; how many."""
        now_ms = self._process().clock_ms()

        def work(tx: Tx) -> int:
            doubtful = tx.all("jobs_unknown", batch_id=batch_id) if unknown else []
            for row in doubtful:
                resolve(tx, row["id"], State.REBOUGHT, Charged.UNKNOWN, at_ms=now_ms)
            owing = {row["request_id"] for row in tx.all("jobs_owing", batch_id=batch_id)}
            again = owing | {row["request_id"] for row in doubtful}
            for request_id in sorted(again):
                tx.run("job_again", request_id=request_id)
            return len(again)

        return self._writer.submit(work)

    # --- asked about -----------------------------------------------------------------------------

    def get(self, prefix: str, scope: str | None = None) -> Batch:
        """The batch whose id is, or begins with, `prefix`. Raises `NotFound`, `Ambiguous`."""
        with self._readers.read() as tx:
            exact = tx.one("batch_by_id", id=prefix)
            if exact is not None and scope in (None, exact["scope"]):
                return _batch(exact)
            rows = (
                tx.all("batch_ids_by_prefix", low=prefix, high=after_prefix(prefix), scope=scope)
                if prefix
                else []
            )
            if len(rows) > 1:
                raise Ambiguous(what="batch", id=prefix, count=str(len(rows)))
            found = tx.one("batch_by_id", id=rows[0]["id"]) if rows else None
        if found is None:
            raise NotFound(what="batch", id=prefix)
        return _batch(found)

    def newest(
        self, scope: str | None = None, *, limit: int = 20, before: Batch | None = None
    ) -> list[Batch]:
        """Batches, newest first; behind one of them, where that is given."""
        with self._readers.read() as tx:
            rows = tx.all(
                "batches_newest",
                scope=scope,
                limit=max(0, min(limit, PAGE)),
                before_ms=before.created_ms if before else NEVER_MS,
                before_id=before.id if before else "",
            )
            return [_batch(row) for row in rows]

    def status(self, batch_id: str) -> BatchStatus:
        """How it stands. Raises `NotFound`."""
        now_ms = self._process().clock_ms()
        with self._readers.read() as tx:
            return _status(tx, batch_id, now_ms)

    def jobs(
        self,
        batch_id: str,
        *,
        after: int = -1,
        states: Sequence[State] | None = None,
        limit: int = PAGE,
    ) -> list[JobRow]:
        """Its jobs in the order of their rows, behind row `after`."""
        wanted = None if states is None else json.dumps([state.value for state in states])
        with self._readers.read() as tx:
            page = max(0, min(limit, PAGE))
            rows = tx.all("jobs_page", batch_id=batch_id, after=after, states=wanted, limit=page)
            return _with_requests(tx, rows)

    def ended(self, batch_id: str, *, after: int = 0, limit: int = PAGE) -> list[JobRow]:
        """Its jobs that are over, in the order they came to their end, behind the one that was
        `after`: so whoever asks again and again misses none, whichever process did it."""
        with self._readers.read() as tx:
            page = max(0, min(limit, PAGE))
            rows = tx.all("jobs_ended_page", batch_id=batch_id, after=after, limit=page)
            return _with_requests(tx, rows)

    # --- taken -----------------------------------------------------------------------------------

    def take(
        self,
        limit: int,
        *,
        only: str | None = None,
        but: Sequence[str] = (),
        lanes: Sequence[tuple[str, ...]] = (),
    ) -> Future[list[str]]:
        """Make jobs whose time has come this process's, to begin or `give_back`: the ids of their
        requests. `only` is the one batch to serve; `but` names batches, and `lanes` lists of
        upstreams, that are full just now."""
        process, full = self._process(), [taking.lane_of(via) for via in lanes]
        return self._writer.submit(
            lambda tx: taking.take(tx, process, limit, only=only, but=but, lanes=full)
        )

    def taken(self, request_ids: Sequence[str]) -> list[JobRow]:
        """The jobs that these requests are, in that order."""
        with self._readers.read() as tx:
            rows = tx.all("jobs_by_requests", ids=json.dumps(list(request_ids)))
            found = {row.request.id: row for row in _with_requests(tx, rows)}
        return [found[request_id] for request_id in request_ids if request_id in found]

    def give_back(self, request_ids: Sequence[str]) -> Future[None]:
        """Jobs that were taken and not begun go back to their places."""
        process = self._process()

        def work(tx: Tx) -> None:
            for request_id in request_ids:
                taking.give_back(tx, process, request_id)

        return self._writer.submit(work)

    def let_go(self, request_id: str, again_ms: int | None = None) -> Future[None]:
        """This process is through with a job that it took: it is over, or where an image is still
        owed to be tried again from then on."""
        process = self._process()
        return self._writer.submit(lambda tx: taking.let_go(tx, process, request_id, again_ms))

    def ready(self, only: str | None = None) -> bool:
        """Whether a job waits whose time has come: a look, before `take` takes a turn to write."""
        now_ms = self._process().clock_ms()
        with self._readers.read() as tx:
            return bool(tx.all("batches_serving", only=only, now_ms=now_ms))

    def is_over(self, batch_id: str) -> bool:
        """Whether nothing more of it will happen by itself (`BatchStatus.over`), at one look.
        Raises `NotFound`."""
        with self._readers.read() as tx:
            row = tx.one("batch_standing", id=batch_id)
        if row is None:
            raise NotFound(what="batch", id=batch_id)
        waits = row["waiting"] and row["state"] != BatchState.CANCELLED
        return not (row["state"] == BatchState.FILLING or row["taken"] or waits)

    def _set_state(self, batch_id: str, state: BatchState) -> Future[None]:
        def work(tx: Tx) -> None:
            if not tx.count("batch_state_set", id=batch_id, state=state.value):
                raise NotFound(what="batch", id=batch_id)

        return self._writer.submit(work)


def _add(tx: Tx, batch: Batch) -> None:
    tx.run(
        "batch_insert",
        id=batch.id,
        named=batch.name,
        source=batch.source,
        created_ms=batch.created_ms,
        scope=batch.scope,
        folder=batch.folder,
        out=batch.out,
        options=dump(batch.options),
        **_limits(batch.limits),
    )


def _limits(limits: BatchLimits) -> dict[str, object]:
    return {
        "priority": limits.priority,
        "concurrency": limits.concurrency,
        "interval_ms": limits.interval_ms,
        "max_cost_micros": micros(limits.max_cost),
        "max_cost_currency": currency(limits.max_cost),
    }


def _add_job(tx: Tx, process: Process, batch: Batch, job: Job, wish: Wish) -> bool:
    request_id = request_id_of(batch, job.number)
    if tx.one("job_standing", request_id=request_id) is not None:
        return False
    begin.insert(tx, replace(wish, id=request_id), None)
    tx.run(
        "job_insert",
        batch_id=batch.id,
        number=job.number,
        request_id=request_id,
        via=taking.lane_of(job.via),
        terms=dump(_terms_to_json(job.terms)),
        due_ms=job.due_ms,
    )
    if wish.outgoing is not None:
        outbox.put(tx, process, request_id, wish.outgoing, wish.created_ms)
    if wish.hook is not None:
        webhooks.put(tx, wish.hook, request_id, wish.created_ms)
    return True


def _status(tx: Tx, batch_id: str, now_ms: int) -> BatchStatus:
    row = tx.one("batch_by_id", id=batch_id)
    if row is None:
        raise NotFound(what="batch", id=batch_id)
    states = {State(one["state"]): one["jobs"] for one in tx.all("batch_states", batch_id=batch_id)}
    open_ = tx.one("batch_open_counts", batch_id=batch_id)
    times = tx.one("batch_times", batch_id=batch_id, since_ms=now_ms - LATELY_MS)
    sums = tx.all("batch_sums", batch_id=batch_id)
    paid = [one for one in sums if not one["free"]]
    failures = tx.all("batch_failures", batch_id=batch_id)
    return BatchStatus(
        batch=_batch(row),
        total=sum(states.values()),
        waiting=open_["waiting"] if open_ is not None else 0,
        taken=open_["taken"] if open_ is not None else 0,
        states=states,
        spent=_amounts(paid, "spent"),
        at_stake=_amounts(paid, "at_stake"),
        play=_amounts([one for one in sums if one["free"]], "spent"),
        unpriced=sum(one["unpriced"] for one in paid),
        failures={one["code"]: one["jobs"] for one in failures},
        started_ms=times["started_ms"] if times is not None else None,
        ended_ms=times["ended_ms"] if times is not None else None,
        per_minute=_pace(times, now_ms) if times is not None else 0,
    )


def _pace(times: Row, now_ms: int) -> int:
    """Images a minute, from those of the last one; from less where work began within it."""
    done: int = times["done_lately"]
    began_ms: int = times["lately_ms"] or now_ms
    return round(done * LATELY_MS / min(max(1000, now_ms - began_ms), LATELY_MS))


def _amounts(rows: Sequence[Row], name: str) -> tuple[Money, ...]:
    """The sums of that column, by currency."""
    return tuple(
        Money(row[name], row["currency"])
        for row in rows
        if row["currency"] is not None and row[name]
    )


def _with_requests(tx: Tx, rows: Sequence[Row]) -> list[JobRow]:
    requests = {one.id: one for one in load(tx, [row["request_id"] for row in rows])}
    return [
        _job_row(row, requests[row["request_id"]]) for row in rows if row["request_id"] in requests
    ]


def _job_row(row: Row, request: RequestRow) -> JobRow:
    return JobRow(
        batch_id=row["batch_id"],
        job=Job(
            number=row["number"],
            via=tuple(json.loads(row["via"])),
            due_ms=row["due_ms"] or 0,
            terms=_terms_from_json(row["terms"]),
        ),
        state=State(row["state"]),
        due_ms=row["due_ms"],
        ended=row["ended"],
        tries=row["tries"],
        request=request,
    )


def _batch(row: Row) -> Batch:
    return Batch(
        id=row["id"],
        created_ms=row["created_ms"],
        name=row["name"],
        source=row["source"],
        scope=row["scope"],
        folder=row["folder"],
        out=row["out"],
        options=json.loads(row["options"]),
        state=BatchState(row["state"]),
        limits=BatchLimits(
            concurrency=row["concurrency"],
            interval_ms=row["interval_ms"],
            max_cost=money(row["max_cost_micros"], row["max_cost_currency"]),
            priority=row["priority"],
        ),
    )


def _terms_to_json(terms: Terms) -> dict[str, object]:
    return {
        "max_cost": [terms.max_cost.micros, terms.max_cost.currency] if terms.max_cost else None,
        "timeout_s": terms.timeout_s,
        "strict": terms.strict,
        "warnings": json.loads(dump_warnings(terms.warnings)),
        "extras": terms.extras,
    }


def _terms_from_json(text: str) -> Terms:
    told = json.loads(text)
    return Terms(
        max_cost=Money(*told["max_cost"]) if told["max_cost"] else None,
        timeout_s=told["timeout_s"],
        strict=told["strict"],
        warnings=tuple(Warn(*one) for one in told["warnings"]),
        extras=told["extras"],
    )
