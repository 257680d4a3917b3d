"""Connections to the SQLite ledger, and the schema they find there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pisang.errors import HomeUnusable, StoreCorrupt
from pisang.store.home import Home, unusable
from pisang.store.ledger import Row
from pisang.store.queries import Query, migrations, queries

APPLICATION_ID = 0x50495347
"""`PISG`, in the file's header: says that a database is a ledger of ours."""

BUSY_S = 10.0
"""How long a statement waits for a lock of SQLite's own. Ours keep writers apart, so only a
foreign program (a backup, the sqlite3 shell) can make it wait."""


class SqliteTx:
    """Named queries on one connection (`pisang.store.ledger.Tx`)."""

    __slots__ = ("_connection", "_queries")

    def __init__(self, connection: sqlite3.Connection, named: Mapping[str, Query]) -> None:
        self._connection = connection
        self._queries = named

    def run(self, name: str, **values: object) -> None:
        """Run a statement."""
        self._execute(name, values)

    def count(self, name: str, **values: object) -> int:
        """Run a statement; how many rows it changed."""
        return self._execute(name, values).rowcount

    def one(self, name: str, **values: object) -> Row | None:
        """The first row of a query, if it has any."""
        row: Row | None = self._execute(name, values).fetchone()
        return row

    def all(self, name: str, **values: object) -> list[Row]:
        """All rows of a query."""
        return self._execute(name, values).fetchall()

    def _execute(self, name: str, values: dict[str, object]) -> sqlite3.Cursor:
        sql = self._queries[name].sql
        try:
            return self._connection.execute(sql, values)
        except UnicodeEncodeError:
            return self._connection.execute(sql, {key: _clean(values[key]) for key in values})


def _clean(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def connect(home: Home, *, read_only: bool, fsync: bool = True) -> sqlite3.Connection:
    """A connection in autocommit mode. Raises `sqlite3.Error`.

    WAL, no automatic checkpoint (the holder of the ledger lock makes them), no memory map (a map
    turned the WAL-reset fault of SQLite before 3.51.3 from an error into damage).
    """
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{home.ledger.as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.row_factory = sqlite3.Row
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


_PRAGMAS = (
    "PRAGMA mmap_size = 0",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA cache_size = -16384",
    "PRAGMA fullfsync = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
)


def version(connection: sqlite3.Connection, home: Home) -> int:
    """The schema's version, 0 for a new file.

    Raises `HomeUnusable` for another program's database or one written by a newer Pisang.
    """
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    mark: int = connection.execute("PRAGMA application_id").fetchone()[0]
    tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    path = str(home.ledger)
    if (found or tables) and mark != APPLICATION_ID:
        raise HomeUnusable(path=path, why="it is another program's database")
    known = migrations("sqlite")[-1].number
    if found > known:
        why = f"it was written by a newer Pisang (schema {found}, this one knows {known}): upgrade"
        raise HomeUnusable(path=path, why=why)
    return found


def migrate(connection: sqlite3.Connection, home: Home) -> None:
    """Bring the schema to this Pisang's version, all in one transaction or not at all."""
    if version(connection, home) == migrations("sqlite")[-1].number:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = version(connection, home)
        for step in migrations("sqlite"):
            if step.number > found:
                for statement in _statements(step.sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {step.number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one at a time: `executescript` would commit in between."""
    held = ""
    for line in script.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held
            held = ""


@contextmanager
def savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    """Undo what is done inside, and only that, when it raises."""
    connection.execute("SAVEPOINT job")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
        raise
    connection.execute("RELEASE job")


def tx(connection: sqlite3.Connection) -> SqliteTx:
    """The named queries on that connection."""
    return SqliteTx(connection, queries("sqlite"))


def ensure_here(home: Home) -> None:
    """Raises `HomeUnusable` once the ledger has moved away: two of them must not grow apart."""
    if not os.path.lexists(home.moved):
        return
    where = home.moved.read_text(errors="replace").strip()
    why = (
        f"its ledger moved to {where}: set `[store] ledger` or PISANG_LEDGER to that, "
        f"or delete {home.moved} to go back to this one as it was then"
    )
    raise HomeUnusable(path=str(home.root), why=why)


def ensure_header(home: Home) -> None:
    """Raises `StoreCorrupt` when the ledger file holds something that is no SQLite database, and
    `HomeUnusable` when it can't be read."""
    try:
        with home.ledger.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise unusable(home.ledger, error) from error
    if head and head != b"SQLite format 3\0":
        raise StoreCorrupt(path=str(home.ledger), why="it is not a SQLite database")
