"""A few ids out of the ledger, for a shell that completes words and waits: nothing else is loaded.

Raises what `Readers` raises; a home that has no ledger has no ids, and gets none by being asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pisang.domain.secret import Secret
from pisang.store.files import Files
from pisang.store.health import Health
from pisang.store.home import Home
from pisang.store.ledger import Tx
from pisang.store.opening import make_ledger
from pisang.store.search import after_prefix

_NEVER_MS = 2**62


def recent_requests(home: Path, ledger: Secret | None, limit: int) -> list[str]:
    """The ids of the newest requests."""
    every = {"before_ms": _NEVER_MS, "before_id": "", "since_ms": 0, "limit": limit}
    with _reading(home, ledger) as tx:
        if tx is None:
            return []
        rows = tx.all("history_newest", scope=None, upstream=None, tag=None, **every)
        return [row["id"] for row in rows]


def requests_beginning(home: Path, ledger: Secret | None, prefix: str) -> list[str]:
    """The ids of a few requests that begin so."""
    with _reading(home, ledger) as tx:
        if tx is None:
            return []
        rows = tx.all("request_ids_by_prefix", low=prefix, high=after_prefix(prefix))
        return [row["id"] for row in rows]


def unknown_attempts(home: Path, ledger: Secret | None) -> list[str]:
    """The ids of the attempts whose outcome is unknown."""
    with _reading(home, ledger) as tx:
        return [] if tx is None else [row["id"] for row in tx.all("attempts_unknown")]


@contextmanager
def _reading(root: Path, ledger: Secret | None) -> Iterator[Tx | None]:
    home = Home(root)
    if ledger is None and not home.ledger.exists():
        yield None
        return
    health = Health(home)
    files = Files(health, fsync=False)
    readers = make_ledger(ledger, home, health, files, fsync=False).readers
    try:
        with readers.read() as tx:
            yield tx
    finally:
        readers.close()
