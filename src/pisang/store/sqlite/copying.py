"""A copy of one moment of a ledger's file, and a look at a file that no store has open."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pisang.errors import BackupUnusable, HomeUnusable, PisangError, StoreCorrupt
from pisang.store.home import FILE_MODE, Home
from pisang.store.ledger import Tx
from pisang.store.sqlite.database import connect, ensure_header, tx, version
from pisang.store.sqlite.faults import code_of

STEP_PAGES = 4096
"""Pages of 4 KiB copied at a time: between two of them other threads have their turn."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def has_ledger(home: Home) -> bool:
    """Whether something was ever written in that home's file. Raises `OSError`."""
    return home.ledger.is_file() and home.ledger.stat().st_size > 0


def copy_ledger(home: Home, target: Path) -> int:
    """Copy one moment of the ledger into one file, synced; its schema's version.

    It is read in one transaction: without it SQLite's online copy begins anew whenever another
    connection has written (tried: 195 steps in place of 43 beside one writer). A reader keeps no
    writer waiting. Raises `StoreCorrupt`, `HomeUnusable` and `BackupUnusable` (the target).
    """
    ensure_header(home)
    target.touch(FILE_MODE)
    try:
        with (
            closing(connect(home, read_only=True)) as source,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            schema = version(source, home)
            source.execute("BEGIN")
            tx(source).one("newest_ms")  # the moment is now
            source.backup(copy, pages=STEP_PAGES)
            source.execute("COMMIT")
            copy.execute("PRAGMA journal_mode = DELETE")  # no file beside it
    except sqlite3.Error as error:
        raise _explain(error, home, target) from error
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return schema


def _explain(error: sqlite3.Error, home: Home, target: Path) -> PisangError:
    """What a failed copy says of the home, or of the disk that was written to."""
    if code_of(error) in _DAMAGED:
        return StoreCorrupt(path=str(home.ledger), why=str(error))
    return BackupUnusable(path=str(target), why=f"the ledger said: {error}")


@contextmanager
def look(home: Home) -> Iterator[Tx]:
    """One look at the ledger's file of a home. Raises `StoreCorrupt`, `HomeUnusable`."""
    try:
        with closing(connect(home, read_only=True)) as connection:
            yield tx(connection)
    except sqlite3.Error as error:
        raise explain_look(error, home) from error


def explain_look(error: sqlite3.Error, home: Home) -> PisangError:
    """What is wrong with a ledger's file that could not be read."""
    if code_of(error) in _DAMAGED:
        return StoreCorrupt(path=str(home.ledger), why=str(error))
    return HomeUnusable(path=str(home.ledger), why=f"the ledger said: {error}")
