"""Signs of life over many machines: a session's advisory lock for each process.

A lock is let go when its connection ends, and a connection may end under a process that lives: a
server starts again, a network fails. So nobody is called dead at the first look. Dead is whose lock
was found free twice, 3 s apart, by somebody who has held his own for 5 s meanwhile (DESIGN §8);
and a process of this home, at once, whose file here is free, for that the kernel tells.
"""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress

import psycopg

from pisang.errors import Unexpected
from pisang.store.home import Home
from pisang.store.ledger import Tx
from pisang.store.lives import FileLives
from pisang.store.postgres.address import Address
from pisang.store.postgres.connection import Connection, connect
from pisang.store.postgres.database import tx
from pisang.store.postgres.faults import explain

LOOKS_APART_S = 3.0
OWN_HELD_S = 5.0
BEAT_S = 1.0
"""How often a process makes sure that it still holds its own lock."""

PATIENCE_S = 0.2
"""How long who asks waits for the connection: he may hold up every other writer meanwhile."""

LOOK_S = 0.5
"""How long one look at all locks is good for."""


class PostgresLives:
    """Who is alive among the processes that share a PostgreSQL ledger."""

    def __init__(self, home: Home, address: Address) -> None:
        self._home = home
        self._address = address
        self._files = FileLives(home)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None
        self._owner = ""
        self._held_since: float | None = None
        self._looked_at = float("-inf")
        self._held: frozenset[int] = frozenset()
        self._free_since: dict[str, float] = {}

    def take(self, owner: str) -> None:
        """Hold that owner's lock, here and at the server. Raises `LedgerUnusable`."""
        self._files.take(owner)
        self._owner = owner
        try:
            with self._lock:
                taken = self._hold()
        except psycopg.Error as error:
            self._files.close()
            raise explain(error, self._address) from error
        if not taken:
            raise Unexpected(what=f"the lock of {owner} is taken")
        self._thread = threading.Thread(target=self._beat, name="pisang-life", daemon=True)
        self._thread.start()

    def alive(self, owner: str) -> bool:
        """Whether that owner's process may still run."""
        if self._files.is_here(owner):
            return self._files.alive(owner)
        return not self._is_proven_dead(owner)

    def bury(self, tx: Tx, owner: str) -> bool:
        """Whether he can't come back before the transaction ends: then he finds that what was his
        is another's."""
        if self._files.is_here(owner):
            return True  # its process is gone, and never comes back
        row = tx.one("life_bury", key=_key(owner))
        return row is not None and bool(row["taken"])

    def elsewhere(self, owner: str | None) -> bool:
        """Whether that owner left no file in this home."""
        return owner is None or not self._files.is_here(owner)

    def sweep(self, tx: Tx) -> int:
        """Take away the files of this home's dead, and the marks of writers long gone."""
        tx.run("commits_sweep")
        return self._files.sweep(tx)

    def close(self) -> None:
        """Let go."""
        self._ended.set()
        if self._lock.acquire(timeout=BEAT_S):
            self._drop()
            self._lock.release()
        self._files.close(leave=True)  # what it leaves is known for a dead one's at once

    def _is_proven_dead(self, owner: str) -> bool:
        if not self._lock.acquire(timeout=PATIENCE_S):
            return False  # it is being taken again: who can't look calls nobody dead
        try:
            held = self._look()
            if held is None or self._held_since is None:
                return False
            if _key(owner) in held:
                self._free_since.pop(owner, None)
                return False
            first = self._free_since.setdefault(owner, self._looked_at)
            apart = self._looked_at - first >= LOOKS_APART_S
            return apart and self._looked_at - self._held_since >= OWN_HELD_S
        finally:
            self._lock.release()

    def _look(self) -> frozenset[int] | None:
        """The locks that are held, at most half a second old; None when nobody can tell."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_S:
            return self._held
        if self._connection is None:
            return None
        try:
            rows = tx(self._connection).all("lives_held")
        except psycopg.Error:
            self._lose()
            return None
        self._held = frozenset(row["key"] for row in rows)
        self._looked_at = now
        return self._held

    def _beat(self) -> None:
        """The thread: make sure that the lock is held, and take it again where it was lost."""
        while not self._ended.wait(BEAT_S):
            with self._lock, suppress(psycopg.Error):
                if self._ended.is_set():
                    return
                if not self._is_held():
                    self._hold()

    def _is_held(self) -> bool:
        """Whether the connection that holds the lock is still there."""
        if self._connection is None or self._held_since is None:
            return False
        try:
            tx(self._connection).one("life_beat")
        except psycopg.Error:
            self._lose()
            return False
        return True

    def _hold(self) -> bool:
        """Take the lock on a connection of its own; whether it was free. It may be held for a
        little by the connection that was lost. Raises `psycopg.Error`."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._address)
        row = tx(self._connection).one("life_take", key=_key(self._owner))
        if row is None or not row["taken"]:
            return False
        self._held_since = time.monotonic()
        self._free_since.clear()  # what was seen before says nothing any more
        return True

    def _lose(self) -> None:
        self._held_since = None
        self._looked_at = float("-inf")
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()


def _key(owner: str) -> int:
    """The number of an owner's lock: 64 bits of a hash, for ids that are never given out twice."""
    digest = hashlib.sha256(f"pisang owner {owner}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
