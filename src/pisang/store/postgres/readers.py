"""Reading the PostgreSQL ledger: short looks over a few connections that are kept."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pisang.errors import Unexpected
from pisang.store.ledger import Tx
from pisang.store.postgres.address import Address
from pisang.store.postgres.connection import Connection, connect, is_fresh
from pisang.store.postgres.database import tx
from pisang.store.postgres.faults import explain, is_of_one_job

IDLE = 4
"""How many idle connections are kept: enough for the threads that look at once."""

WAIT_S = 10.0
"""How long a look waits for a server that answered before: it may be starting again."""

PAUSE_S = 0.2


class PostgresReaders:
    """A few connections, handed out one to a caller at a time."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._pid = os.getpid()
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._answered = False

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent view of the ledger. Raises `LedgerUnusable`."""
        try:
            with self.connection() as connection, connection.pipeline():
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield tx(connection)
                connection.execute("COMMIT")
        except psycopg.Error as error:
            raise explain(error, self._address) from error

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for a moment. Raises `psycopg.Error`."""
        if os.getpid() != self._pid:
            raise Unexpected(what="a store was used after a fork: open one in the child")
        connection = self._borrow()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close what is idle; what is still lent out closes when it comes back."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _borrow(self) -> Connection:
        while True:
            with self._lock:
                if self._closed:
                    raise Unexpected(what="a store was used after it was closed")
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._connect()
            if is_fresh(connection):
                return connection
            connection.close()

    def _connect(self) -> Connection:
        """A new connection. A server that answered before is waited for; one that never did, or
        that says no for good, is not."""
        until = time.monotonic() + (WAIT_S if self._answered else 0)
        while True:
            try:
                connection = connect(self._address)
            except psycopg.Error as error:
                if is_of_one_job(error) or time.monotonic() >= until:
                    raise
                time.sleep(PAUSE_S)
            else:
                self._answered = True
                return connection

    def _give_back(self, connection: Connection) -> None:
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            try:
                connection.execute("ROLLBACK")
            except psycopg.Error:
                connection.close()
                return
        with self._lock:
            if not self._closed and len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.close()
