"""Writing the SQLite ledger: a group of jobs, one commit, one holder of the ledger lock.

A job is a function of a transaction. Jobs that wait are run one after the other, each in a
savepoint of its own, inside one `BEGIN IMMEDIATE … COMMIT`, so a hundred of them share one fsync.
The whole group, and every checkpoint, happens under the ledger lock: writers of all processes
take turns there and never meet inside SQLite, which also keeps out the WAL-reset fault of
SQLite 3.7.0–3.51.2 (two connections that write and checkpoint at once).
"""

from __future__ import annotations

import os
import sqlite3

from pisang.errors import PisangError, Unexpected
from pisang.store.health import Health
from pisang.store.home import Home
from pisang.store.ledger import Tx
from pisang.store.lock import Turn
from pisang.store.sqlite.database import connect, ensure_here, migrate, savepoint, tx
from pisang.store.sqlite.faults import code_of, explain
from pisang.store.writing import Delivery, Job, WriterThread, done, fail, failed

CHECKPOINT_BYTES = 4 * 1024 * 1024
"""The WAL is moved into the ledger when it has grown past this."""

_FATAL = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
)
"""Errors that end the whole transaction, not one job of it."""


class SqliteWriter(WriterThread):
    """Runs jobs in order. The connection comes with the first of them."""

    def __init__(self, home: Home, health: Health, *, fsync: bool) -> None:
        super().__init__(health)
        self._home = home
        self._fsync = fsync
        self._next_checkpoint = CHECKPOINT_BYTES
        self._turn: Turn | None = None
        self._connection: sqlite3.Connection | None = None

    def _serve_group(self, group: list[Job]) -> list[Delivery]:
        """One turn: the group's commit, then a checkpoint where one is due."""
        self._turn = self._turn or Turn(self._home.ledger_lock)
        with self._turn:
            ensure_here(self._home)
            if self._connection is None:
                self._connection = open_ledger(self._home, fsync=self._fsync)
            self._drain(group)
            deliveries = self._commit(self._connection, group)
            self._checkpoint(self._connection)
        return deliveries

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

    def _commit(self, connection: sqlite3.Connection, group: list[Job]) -> list[Delivery]:
        """Run the group and commit it; how each job's future is to be told."""
        self._health.may_write()
        jobs = [job for job in group if job.future.set_running_or_notify_cancel()]
        group[:] = jobs
        if not jobs:
            return []
        deliveries: list[Delivery] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            transaction = tx(connection)
            for job in jobs:
                deliveries.append(_run(connection, transaction, job))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return fail(jobs, explain(error, self._home, self._health))
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


def _run(connection: sqlite3.Connection, transaction: Tx, job: Job) -> Delivery:
    """One job in its savepoint. Raises only the errors that end the whole transaction."""
    try:
        with savepoint(connection):
            result = job.work(transaction)
    except sqlite3.Error as error:
        if code_of(error) in _FATAL or not connection.in_transaction:
            raise
        return failed(job, Unexpected(what=f"the ledger said: {error}"))
    except Exception as error:  # noqa: BLE001 - a job's own fault is its caller's, not the group's
        return failed(job, error)
    return done(job, result)
