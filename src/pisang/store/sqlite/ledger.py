"""The ledger of one home in its own SQLite file: what the store asks of it, put together."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator

from pisang.store.files import Files
from pisang.store.finding import Finding
from pisang.store.health import Health
from pisang.store.home import FILE_MODE, Home, unusable
from pisang.store.ledger import Tx
from pisang.store.lives import FileLives
from pisang.store.lock import Turn
from pisang.store.queries import migrations
from pisang.store.sqlite.database import ensure_header, ensure_here, version
from pisang.store.sqlite.faults import code_of, explain
from pisang.store.sqlite.readers import SqliteReaders
from pisang.store.sqlite.writer import SqliteWriter, open_ledger

RESET_FAULT_GONE = (3, 51, 3)
"""The WAL-reset fault was in SQLite 3.7.0 to 3.51.2 (sqlite.org, release 3.51.3, 2026-03)."""


class SqliteLedger:
    """The file `ledger.db` of a home (`pisang.store.ledger.Ledger`)."""

    def __init__(self, home: Home, health: Health, files: Files, *, fsync: bool) -> None:
        self._home = home
        self._health = health
        self._files = files
        self._fsync = fsync
        self.readers = SqliteReaders(home, health)
        self.writer = SqliteWriter(home, health, fsync=fsync)
        self.lives = FileLives(home)

    def prepare(self) -> None:
        """Read the schema's version; only where it is not ours take the lock and bring it up."""
        ensure_here(self._home)
        _make_files(self._home)
        ensure_header(self._home)
        try:
            if self._has_our_schema():
                return
            turn = Turn(self._home.ledger_lock)
            try:
                with turn:
                    open_ledger(self._home, fsync=self._fsync).close()
                self._files.sync((self._home.root, self._home.root.parent))
            finally:
                turn.close()
        except sqlite3.Error as error:
            raise explain(error, self._home, self._health) from error

    def findings(self, tx: Tx) -> Iterator[Finding]:
        """The library's version, and whether the file is sound."""
        yield _library()
        yield from _integrity(tx)

    def _has_our_schema(self) -> bool:
        """Whether a reader finds this Pisang's schema.

        He finds none in a ledger whose maker died half way: SQLite lets only a writer undo that.
        """
        try:
            with self.readers.connection() as connection:
                return version(connection, self._home) == migrations("sqlite")[-1].number
        except sqlite3.Error as error:
            if code_of(error) == sqlite3.SQLITE_READONLY:
                return False
            raise


def _make_files(home: Home) -> None:
    """Make the ledger's files where missing: SQLite's own take the ledger's mode."""
    for path in (home.ledger_lock, home.ledger):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
        except OSError as error:
            raise unusable(path, error) from error


def _library() -> Finding:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= RESET_FAULT_GONE:
        return Finding("sqlite", "ok", f"SQLite {version}.")
    return Finding(
        "sqlite",
        "note",
        f"SQLite {version} has the WAL-reset fault (fixed in 3.51.3); it can't happen here, "
        "because one process at a time writes and checkpoints.",
    )


def _integrity(tx: Tx) -> Iterator[Finding]:
    wrong = [said for row in tx.all("quick_check") if (said := row["quick_check"]) != "ok"]
    dangling = len(tx.all("foreign_key_check"))
    if wrong:
        yield Finding("ledger", "error", f"The ledger is damaged: {'; '.join(wrong)[:300]}.")
    if dangling:
        yield Finding("ledger", "error", f"{dangling} rows of the ledger name rows that are gone.")
    if not wrong and not dangling:
        yield Finding("ledger", "ok", "The ledger is sound.")
