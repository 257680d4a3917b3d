"""What SQLite's errors mean to a user."""

from __future__ import annotations

import sqlite3

from pisang.errors import HomeUnusable, PisangError, StoreCorrupt, StoreFilled, Unexpected
from pisang.store.health import Health
from pisang.store.home import Home


def explain(error: sqlite3.Error, home: Home, health: Health) -> PisangError:
    """The leaf for a failed statement. An input or output error turns the store suspect."""
    path = str(home.ledger)
    primary = code_of(error)
    if primary == sqlite3.SQLITE_FULL:
        return StoreFilled(path=str(home.root), why="no space left on device")
    if primary == sqlite3.SQLITE_IOERR:
        return health.mark(str(error))
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreCorrupt(path=path, why=str(error))
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return HomeUnusable(path=path, why="the ledger can't be written")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return HomeUnusable(path=path, why="another program holds the ledger locked")
    return Unexpected(what=f"the ledger said: {error}")


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary result code of an error; 0 where it has none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
