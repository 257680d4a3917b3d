"""Every row of a ledger's file, as it lies there: what is taken along when the ledger moves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pisang.store.home import Home
from pisang.store.sqlite.copying import explain_look
from pisang.store.sqlite.database import connect, ensure_header, tx

Values = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the ledger: its name and its columns, and how many rows it has."""

    name: str
    columns: tuple[str, ...]
    count: int


class Dump:
    """One moment of a ledger's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.tx = tx(connection)

    def tables(self) -> list[Table]:
        """All of them, each after those that its rows name."""
        return [self._table(row["name"]) for row in self.tx.all("tables")]

    def rows(self, table: Table) -> Iterator[Values]:
        """Its rows, a few at a time in memory."""
        columns = ", ".join(f'"{one}"' for one in table.columns)
        statement = f'SELECT {columns} FROM "{table.name}"'  # noqa: S608 - names of our own schema
        yield from map(tuple, self._connection.execute(statement))

    def _table(self, name: str) -> Table:
        columns = tuple(row["name"] for row in self.tx.all("table_columns", of=name))
        statement = f'SELECT count(*) FROM "{name}"'  # noqa: S608 - a name of our own schema
        return Table(name, columns, self._connection.execute(statement).fetchone()[0])


@contextmanager
def dump(home: Home) -> Iterator[Dump]:
    """The ledger's file of a home at one moment. Raises `StoreCorrupt`, `HomeUnusable`."""
    ensure_header(home)
    try:
        with closing(connect(home, read_only=True)) as connection:
            connection.execute("BEGIN")
            yield Dump(connection)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise explain_look(error, home) from error
