"""Named queries on a PostgreSQL connection, and the schema they find there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import psycopg

from pisang.errors import LedgerUnusable
from pisang.store.ledger import Row
from pisang.store.postgres.address import Address
from pisang.store.postgres.connection import Connection
from pisang.store.queries import Query, migrations, queries

TURN = 0x50495347
"""`PISG`: the first half of the lock under which the ledger is written to. The second is the
schema's name, so that several ledgers in one database don't wait for one another."""


class PostgresTx:
    """Named queries on one connection (`pisang.store.ledger.Tx`).

    NUL, which PostgreSQL's texts can't hold, becomes U+FFFD. `wrote` tells whether a statement ran
    that may have changed something; `settled` is called before what a statement did is asked for.
    """

    __slots__ = ("_connection", "_queries", "_settled", "wrote")

    def __init__(
        self,
        connection: Connection,
        named: Mapping[str, Query],
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._queries = named
        self._settled = settled
        self.wrote = False

    def run(self, name: str, **values: object) -> None:
        """Run a statement."""
        self.wrote = True
        self._execute(name, values)

    def count(self, name: str, **values: object) -> int:
        """Run a statement; how many rows it changed."""
        self.wrote = True
        return self._asked(name, values).rowcount

    def one(self, name: str, **values: object) -> Row | None:
        """The first row of a query, if it has any."""
        return self._asked(name, values).fetchone()

    def all(self, name: str, **values: object) -> list[Row]:
        """All rows of a query."""
        return self._asked(name, values).fetchall()

    def _asked(self, name: str, values: dict[str, object]) -> psycopg.Cursor[Row]:
        """A query and its answer. In a pipeline the server is told that nothing more comes for now:
        only so does it reckon how long this process leaves its transaction idle."""
        cursor = self._execute(name, values)
        self._settled()
        return cursor

    def _execute(self, name: str, values: dict[str, object]) -> psycopg.Cursor[Row]:
        sql = self._queries[name].sql
        try:
            return self._connection.execute(sql, values)
        except (UnicodeEncodeError, psycopg.DataError) as error:
            if isinstance(error, psycopg.Error) and error.sqlstate:
                raise  # the server's own: what was sent was no text of this kind
            return self._connection.execute(sql, {key: _clean(values[key]) for key in values})


def _clean(value: object) -> object:
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def tx(connection: Connection, settled: Callable[[], None] = lambda: None) -> PostgresTx:
    """The named queries on that connection."""
    return PostgresTx(connection, queries("postgres"), settled)


def version(connection: Connection, address: Address) -> int:
    """The schema's version, 0 for an empty database.

    Raises `LedgerUnusable` for another program's tables, a ledger that a newer Pisang wrote, and a
    database that can't hold every text.
    """
    known = migrations("postgres")[-1].number
    transaction = tx(connection)
    place = transaction.all("place")[0]
    why = None
    found = 0
    if place["schema"] is None:
        why = "its search_path names no schema that is there"
    elif place["encoding"] != "UTF8":
        why = f"its encoding is {place['encoding']}: make the database with ENCODING 'UTF8'"
    elif place["ours"]:
        found = transaction.all("schema_number")[0]["schema"]
        if found > known:
            why = (
                "it was written by a newer Pisang "
                f"(schema {found}, this one knows {known}): upgrade"
            )
    elif place["taken"]:
        why = "it holds another program's tables"
    if why is not None:
        raise LedgerUnusable(ledger=address.said, why=why)
    return found


def migrate(connection: Connection, address: Address) -> None:
    """Bring the schema to this Pisang's version, all in one transaction or not at all; one process
    at a time."""
    if version(connection, address) == migrations("postgres")[-1].number:
        return
    with connection.transaction():
        tx(connection).one("ledger_turn", kind=TURN)
        found = version(connection, address)
        for step in migrations("postgres"):
            if step.number > found:
                connection.execute(step.sql, prepare=False)
                tx(connection).run("schema_mark", number=step.number)
