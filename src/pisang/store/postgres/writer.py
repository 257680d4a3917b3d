"""Writing the PostgreSQL ledger: a group of jobs, one transaction, one at a time over all machines.

Each group's transaction first waits for the ledger's turn (an advisory lock that PostgreSQL lets go
with the transaction, however it ends), so that groups of all processes follow one another as under
SQLite's ledger lock; every statement after it sees what the group before it committed (READ
COMMITTED takes a snapshot for each statement). Jobs run without savepoints of their own first:
where one raises after it wrote, or a statement fails, the group is undone and run again with them.

A connection may break. Before COMMIT was asked for, nothing of the group is there, and it is run
again. After it nobody knows: the group's number, written in the same transaction, is looked up
under the same lock, and the group is run again only where it is not there. (The transaction's own
id would not do: after a crash PostgreSQL may give it out anew.)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from pisang.errors import PisangError, Unexpected
from pisang.store.health import Health
from pisang.store.postgres.address import Address
from pisang.store.postgres.connection import Connection, connect, is_fresh
from pisang.store.postgres.database import TURN, PostgresTx, tx
from pisang.store.postgres.faults import explain, is_of_one_job, is_passing
from pisang.store.writing import Delivery, Job, WriterThread, done, failed

WAIT_S = 60.0
"""How long jobs wait for a server that is away: long enough for it to start again, or for a standby
to take its place. Once it was away for so long, jobs fail at once until it is back."""

PAUSE_S = 0.25


class _Undo(Exception):
    """A job raised after it had written: what it wrote must go, and only that."""


class PostgresWriter(WriterThread):
    """Runs jobs in order. The connection comes with the first of them."""

    most = 64  # each takes some round trips, and all other machines wait for their turn meanwhile

    def __init__(self, address: Address, health: Health) -> None:
        super().__init__(health)
        self._address = address
        self._name = secrets.token_hex(8)
        self._number = 0
        self._connection: Connection | None = None
        self._asked = False
        self._away_since: float | None = None

    def _serve_group(self, group: list[Job]) -> list[Delivery]:
        """One transaction; again as often as it takes, but never once it is committed."""
        self._health.may_write()
        self._number += 1
        self._asked = False
        deliveries: list[Delivery] = []
        together = True
        while True:
            try:
                if self._asked and self._was_committed():
                    return deliveries
                self._asked = False
                deliveries.clear()
                self._commit(group, deliveries, together=together)
                return deliveries
            except _Undo:
                together = False
            except psycopg.Error as error:
                if not self._may_go_on(error, together=together):
                    raise
                together = together and not is_of_one_job(error)

    def _commit(self, group: list[Job], deliveries: list[Delivery], *, together: bool) -> None:
        """Run the group and commit it; `deliveries` then tell each job's future.

        Raises `_Undo`, and `psycopg.Error` for what ends the transaction.
        """
        connection = self._connected()
        try:
            if together:
                self._commit_together(connection, group, deliveries)
            else:
                self._commit_apart(connection, group, deliveries)
        except BaseException:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK", prepare=False)
            raise
        self._away_since = None

    def _commit_together(
        self, connection: Connection, group: list[Job], deliveries: list[Delivery]
    ) -> None:
        """In a pipeline: only what a job asks for is waited for, not what it writes."""
        first: BaseException | None = None
        try:
            with connection.pipeline() as pipeline:
                try:
                    transaction = self._begin(connection, group, pipeline.sync)
                    for job in group:
                        deliveries.append(_run_bare(transaction, job))
                    self._end(connection, transaction, pipeline.sync)
                except BaseException as error:
                    first = error
                    with suppress(psycopg.Error):
                        pipeline.sync()  # the rest was not run: the server waits for this to go on
                    raise
        except psycopg.Error as error:
            raise (first or error) from None

    def _commit_apart(
        self, connection: Connection, group: list[Job], deliveries: list[Delivery]
    ) -> None:
        """One statement at a time, so that what is wrong is told by the job that asked for it."""
        transaction = self._begin(connection, group, _nothing)
        for job in group:
            deliveries.append(_run_apart(connection, transaction, job))
        self._end(connection, transaction, _nothing)

    def _begin(
        self, connection: Connection, group: list[Job], sync: Callable[[], None]
    ) -> PostgresTx:
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", prepare=False)
        transaction = tx(connection, sync)
        transaction.one("ledger_turn", kind=TURN)
        self._drain(group)
        group[:] = [job for job in group if _is_wanted(job)]
        return transaction

    def _end(
        self, connection: Connection, transaction: PostgresTx, sync: Callable[[], None]
    ) -> None:
        transaction.run("commit_mark", writer=self._name, number=self._number)
        self._asked = True
        committed = connection.execute("COMMIT", prepare=False)
        sync()
        if committed.statusmessage != "COMMIT":
            raise Unexpected(what=f"the ledger said: {committed.statusmessage}")

    def _was_committed(self) -> bool:
        """Whether the newest group is there. It waits for its turn: the server may not have ended
        the broken connection's transaction yet. Raises `psycopg.Error`."""
        connection = self._connected()
        with connection.transaction():
            transaction = tx(connection)
            transaction.one("ledger_turn", kind=TURN)
            row = transaction.one("commit_newest", writer=self._name)
        self._away_since = None
        return row is not None and row["number"] == self._number

    def _connected(self) -> Connection:
        if self._connection is None or not is_fresh(self._connection):
            self._drop()
            self._connection = connect(self._address)
        return self._connection

    def _may_go_on(self, error: psycopg.Error, *, together: bool) -> bool:
        """Whether the group is to be tried again: apart, where one job's statement was wrong, or on
        a new connection, after a pause, while the server may still come back."""
        if is_of_one_job(error):
            return together
        if not is_passing(error):
            return False
        self._drop()
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since >= WAIT_S or (self._closed and not self._asked):
            return False
        time.sleep(PAUSE_S)
        return True

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _explain(self, error: Exception) -> PisangError:
        if isinstance(error, PisangError):
            return error
        if isinstance(error, psycopg.Error):
            return explain(error, self._address)
        return Unexpected(what=f"the ledger's writer met {error!r}")

    def _leave(self) -> None:
        if self._connection is None:
            return
        with suppress(psycopg.Error):
            if is_fresh(self._connection):
                tx(self._connection).run("commit_forget", writer=self._name)
        self._drop()


def _is_wanted(job: Job) -> bool:
    """Whether nobody cancelled it before it began; from then on nobody can."""
    return job.future.running() or job.future.set_running_or_notify_cancel()


def _nothing() -> None:
    """Nothing is in a pipeline."""


def _run_bare(transaction: PostgresTx, job: Job) -> Delivery:
    """One job without a savepoint: it may fail, but not after it wrote."""
    transaction.wrote = False
    try:
        result = job.work(transaction)
    except psycopg.Error:
        raise
    except Exception as error:
        if transaction.wrote:
            raise _Undo() from error
        return failed(job, error)
    return done(job, result)


def _run_apart(connection: Connection, transaction: PostgresTx, job: Job) -> Delivery:
    """One job in its savepoint. Raises only the errors that end the whole transaction."""
    connection.execute("SAVEPOINT job")
    try:
        result = job.work(transaction)
    except psycopg.Error as error:
        if not is_of_one_job(error):
            raise
        connection.execute("ROLLBACK TO SAVEPOINT job")
        return failed(job, Unexpected(what=f"the ledger said: {error.diag.message_primary}"))
    except Exception as error:  # noqa: BLE001 - a job's own fault is its caller's, not the group's
        connection.execute("ROLLBACK TO SAVEPOINT job")
        return failed(job, error)
    connection.execute("RELEASE SAVEPOINT job")
    return done(job, result)
