"""One writer thread a process: what is asked for together is committed together.

A job is a function of a transaction. Jobs that wait are run one after the other, each in a
savepoint of its own, inside one `BEGIN IMMEDIATE … COMMIT`, so a hundred of them share one fsync.
The whole group, and every checkpoint, happens under the ledger lock: writers of all processes
take turns there and never meet inside SQLite, which also keeps out the WAL-reset fault of
SQLite 3.7.0–3.51.2 (two connections that write and checkpoint at once).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from pisang.errors import PisangError, StoreSuspect, Unexpected
from pisang.store.health import Health
from pisang.store.home import Home
from pisang.store.ledger import Tx
from pisang.store.lock import Turn
from pisang.store.sqlite.database import connect, migrate, savepoint, tx
from pisang.store.sqlite.faults import code_of, explain

Result = TypeVar("Result")

GROUP = 256
"""The most jobs of one commit: about 30 ms of work, then it is another process's turn."""

CHECKPOINT_BYTES = 4 * 1024 * 1024
"""The WAL is moved into the ledger when it has grown past this."""

LAZY_S = 0.05
"""How long a lazy job waits for one that is not, to share its commit."""

_FATAL = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
)
"""Errors that end the whole transaction, not one job of it."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Tx], Any]
    future: Future[Any]
    after: Callable[[], None] | None = None
    lazy: bool = False


class SqliteWriter:
    """Runs jobs in order. The thread and its connection come with the first job."""

    def __init__(self, home: Home, health: Health, *, fsync: bool) -> None:
        self._home = home
        self._health = health
        self._fsync = fsync
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._pid = os.getpid()
        self._next_checkpoint = CHECKPOINT_BYTES
        self._turn: Turn | None = None
        self._connection: sqlite3.Connection | None = None

    def submit(
        self,
        work: Callable[[Tx], Result],
        after: Callable[[], None] | None = None,
        *,
        lazy: bool = False,
    ) -> Future[Result]:
        """Queue a job; its future has the result once it is committed, or the job's own error.

        `after` is called between the commit and the telling. A `lazy` one waits for company for
        `LAZY_S` at most. A job whose future was cancelled
        before its group began is left out. Raises nothing itself.
        """
        future: Future[Result] = Future()
        with self._starting:
            refused = self._refuse()
            if refused is None:
                self._start()
                self._queue.put(_Job(work, future, after, lazy))
        if refused is not None:
            future.set_exception(refused)
        return future

    def close(self) -> None:
        """Finish what is queued, then close. What is submitted later is refused."""
        with self._starting:
            self._closed = True
            thread, self._thread = self._thread, None
            if thread is not None and os.getpid() == self._pid:
                self._queue.put(None)
        if thread is not None and os.getpid() == self._pid:
            thread.join()

    def _refuse(self) -> PisangError | None:
        if os.getpid() != self._pid:
            return Unexpected(what="a store was used after a fork: open one in the child")
        if self._closed:
            return Unexpected(what="a store was used after it was closed")
        try:
            self._health.may_write()
        except StoreSuspect as error:
            return error
        return None

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="pisang-writer", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        """The thread: until told to close."""
        while (first := self._queue.get()) is not None:
            group = [first]
            self._await_company(group)
            try:
                deliveries = self._serve_group(group)
            except Exception as error:  # noqa: BLE001 - the loop must go on, whatever a group met
                deliveries = _fail(group, self._explain(error))
            for deliver in deliveries:
                deliver()
        self._leave()

    def _serve_group(self, group: list[_Job]) -> list[Callable[[], None]]:
        """One turn: the group's commit, then a checkpoint where one is due."""
        self._turn = self._turn or Turn(self._home.ledger_lock)
        with self._turn:
            if self._connection is None:
                self._connection = open_ledger(self._home, fsync=self._fsync)
            self._drain(group)
            deliveries = self._commit(self._connection, group)
            self._checkpoint(self._connection)
        return deliveries

    def _await_company(self, group: list[_Job]) -> None:
        """While all of the group are lazy, wait for one that is not; not for long, and not once
        the writer is to close."""
        until = time.monotonic() + LAZY_S
        while group[-1].lazy and len(group) < GROUP:
            try:
                job = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return
            if job is None:
                self._queue.put(None)
                return
            group.append(job)

    def _explain(self, error: Exception) -> PisangError:
        if isinstance(error, PisangError):
            return error
        if isinstance(error, sqlite3.Error):
            return explain(error, self._home, self._health)
        if isinstance(error, OSError):
            return self._health.disk(error, self._home.ledger)
        return Unexpected(what=f"the ledger's writer met {error!r}")

    def _leave(self) -> None:
        """Close. The last connection of all makes a checkpoint, so it too holds the lock."""
        if self._turn is None:
            return
        if self._connection is not None:
            with self._turn:
                self._connection.close()
        self._turn.close()

    def _drain(self, group: list[_Job]) -> None:
        """Take along what waits, now that the turn is ours; a `None` is put back for later."""
        while len(group) < GROUP:
            try:
                job = self._queue.get_nowait()
            except Empty:
                return
            if job is None:
                self._queue.put(None)
                return
            group.append(job)

    def _commit(
        self, connection: sqlite3.Connection, group: list[_Job]
    ) -> list[Callable[[], None]]:
        """Run the group and commit it; how each job's future is to be told."""
        self._health.may_write()
        jobs = [job for job in group if job.future.set_running_or_notify_cancel()]
        group[:] = jobs
        if not jobs:
            return []
        deliveries: list[Callable[[], None]] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            transaction = tx(connection)
            for job in jobs:
                deliveries.append(_run(connection, transaction, job))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return _fail(jobs, explain(error, self._home, self._health))
        return deliveries

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Move the WAL into the ledger once it is large. A reader in the way puts it off."""
        try:
            size = os.stat(self._home.wal).st_size
        except FileNotFoundError:
            return
        if size < CHECKPOINT_BYTES:
            self._next_checkpoint = CHECKPOINT_BYTES
        if size < self._next_checkpoint:
            return
        try:
            connection.execute("PRAGMA busy_timeout = 100")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            connection.execute("PRAGMA busy_timeout = 10000")
        except sqlite3.Error as error:
            self._health.mark(str(error))  # what was committed stands: only later jobs are refused
            return
        self._next_checkpoint = size + CHECKPOINT_BYTES if busy else CHECKPOINT_BYTES


def open_ledger(home: Home, *, fsync: bool) -> sqlite3.Connection:
    """A writing connection to a ledger of this Pisang's schema. The ledger lock must be held."""
    connection = connect(home, read_only=False, fsync=fsync)
    try:
        migrate(connection, home)
    except BaseException:
        connection.close()
        raise
    return connection


def _run(connection: sqlite3.Connection, transaction: Tx, job: _Job) -> Callable[[], None]:
    """One job in its savepoint. Raises only the errors that end the whole transaction."""
    try:
        with savepoint(connection):
            result = job.work(transaction)
    except sqlite3.Error as error:
        if code_of(error) in _FATAL or not connection.in_transaction:
            raise
        failure = Unexpected(what=f"the ledger said: {error}")
        return lambda: job.future.set_exception(failure)
    except Exception as error:  # noqa: BLE001 - a job's own fault is its caller's, not the group's
        caught = error
        return lambda: job.future.set_exception(caught)
    return lambda: _deliver(job, result)


def _deliver(job: _Job, result: object) -> None:
    if job.after is not None:
        job.after()
    job.future.set_result(result)


def _fail(group: list[_Job], error: PisangError) -> list[Callable[[], None]]:
    """Tell every job of a group the same error; those not yet running are run to be told."""
    return [lambda job=job: _tell(job.future, error) for job in group]  # type: ignore[misc]


def _tell(future: Future[Any], error: PisangError) -> None:
    if not future.done() and (future.running() or future.set_running_or_notify_cancel()):
        future.set_exception(error)
