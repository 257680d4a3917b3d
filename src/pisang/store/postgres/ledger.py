"""The ledger in a PostgreSQL database: what the store asks of it, put together."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from pisang.domain.secret import Secret
from pisang.store.finding import Finding
from pisang.store.health import Health
from pisang.store.home import Home
from pisang.store.ledger import Tx
from pisang.store.postgres.address import read_address
from pisang.store.postgres.database import migrate
from pisang.store.postgres.faults import explain
from pisang.store.postgres.lives import PostgresLives
from pisang.store.postgres.readers import PostgresReaders
from pisang.store.postgres.writer import PostgresWriter


class PostgresLedger:
    """The database of a URL (`pisang.store.ledger.Ledger`). Raises `LedgerUnusable` for one that
    is none."""

    def __init__(self, url: Secret, home: Home, health: Health) -> None:
        self._address = read_address(url)
        self.readers = PostgresReaders(self._address)
        self.writer = PostgresWriter(self._address, health)
        self.lives = PostgresLives(home, self._address)

    def prepare(self) -> None:
        """Read the schema's version; where it is not ours, bring it up."""
        try:
            with self.readers.connection() as connection:
                migrate(connection, self._address)
        except psycopg.Error as error:
            raise explain(error, self._address) from error

    def findings(self, tx: Tx) -> Iterator[Finding]:
        """Which server it is, and whether it keeps what it says that it keeps."""
        server = tx.all("server")[0]
        message = f"PostgreSQL {server['version']} at {self._address.said}."
        yield Finding("postgres", "ok", message)
        for setting in ("fsync", "full_page_writes"):
            if server[setting] != "on":
                message = f"The server's {setting} is off: a power cut can damage the ledger."
                yield Finding("postgres", "warning", message)
        if server["standby"]:
            message = "The server is a standby: it can be read, and nothing can be bought."
            yield Finding("postgres", "error", message)
        else:
            yield Finding("ledger", "ok", "The ledger is sound.")
