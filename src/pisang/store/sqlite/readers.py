"""Reading the SQLite ledger: short, read-only connections that never keep a writer waiting."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pisang.errors import Unexpected
from pisang.store.health import Health
from pisang.store.home import Home
from pisang.store.ledger import Tx
from pisang.store.sqlite.database import connect, tx
from pisang.store.sqlite.faults import explain

IDLE = 4
"""How many idle connections are kept: enough for the threads that look at once."""


class SqliteReaders:
    """A few read-only connections, handed out one to a caller at a time."""

    def __init__(self, home: Home, health: Health) -> None:
        self._home = home
        self._health = health
        self._pid = os.getpid()
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent view of the ledger. Raises `StoreCorrupt`, `HomeUnusable`."""
        try:
            with self.connection() as connection:
                connection.execute("BEGIN")
                yield tx(connection)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise explain(error, self._home, self._health) from error

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for a moment. Raises `sqlite3.Error`."""
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

    def _borrow(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise Unexpected(what="a store was used after it was closed")
            if self._idle:
                return self._idle.pop()
        return connect(self._home, read_only=True)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with self._lock:
            if not self._closed and len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.close()
