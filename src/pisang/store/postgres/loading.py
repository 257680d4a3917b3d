"""A whole ledger taken in from elsewhere: one transaction, so it is there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from pisang.domain.secret import Secret
from pisang.store.postgres.address import read_address
from pisang.store.postgres.connection import Connection, connect
from pisang.store.postgres.database import TURN, PostgresTx, tx, version
from pisang.store.postgres.faults import explain

AT_ONCE = 200
"""Rows that are read back at a time: one with a stored answer may have a megabyte."""


class Loading:
    """A transaction in which a ledger's rows are taken in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.tx: PostgresTx = tx(connection)

    def has_rows(self, table: str) -> bool:
        """Whether there is a row in that table."""
        asked = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table))
        return self._connection.execute(asked).fetchone() is not None

    def take(self, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
        """Add the rows to that table."""
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _names(columns))
        with self._connection.cursor() as cursor, cursor.copy(into) as copy:
            for row in rows:
                copy.write_row(row)

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
        """What that table has now, a few rows at a time in memory."""
        asked = sql.SQL("SELECT {} FROM {}").format(_names(columns), sql.Identifier(table))
        with self._connection.cursor(name="pisang_rows", row_factory=tuple_row) as cursor:
            cursor.itersize = AT_ONCE
            yield from cursor.execute(asked)


@contextmanager
def loading(url: Secret) -> Iterator[Loading]:
    """The ledger's turn for one transaction, which is committed at the end unless something is
    raised. Raises `LedgerUnusable`."""
    address = read_address(url)
    try:
        with closing(connect(address)) as connection, connection.transaction():
            made = Loading(connection)
            made.tx.one("ledger_turn", kind=TURN)
            yield made
    except psycopg.Error as error:
        raise explain(error, address) from error


def is_made(url: Secret) -> bool:
    """Whether a ledger's tables are there. Changes nothing. Raises `LedgerUnusable`."""
    address = read_address(url)
    try:
        with closing(connect(address)) as connection:
            return version(connection, address) > 0
    except psycopg.Error as error:
        raise explain(error, address) from error


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
