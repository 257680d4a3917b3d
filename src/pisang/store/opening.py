"""Which database keeps the ledger: the home's own file, or the one that a URL names."""

from __future__ import annotations

from pisang.domain.secret import Secret
from pisang.errors import ExtraMissing
from pisang.store.files import Files
from pisang.store.health import Health
from pisang.store.home import Home
from pisang.store.ledger import Ledger
from pisang.store.sqlite.ledger import SqliteLedger


def make_ledger(
    url: Secret | None, home: Home, health: Health, files: Files, *, fsync: bool
) -> Ledger:
    """The ledger of a home. Raises `LedgerUnusable` for a URL that is none, and `ExtraMissing`
    where the PostgreSQL part is not installed. Touches neither disk nor network."""
    if not url:
        return SqliteLedger(home, health, files, fsync=fsync)
    try:
        from pisang.store.postgres.ledger import PostgresLedger
    except ImportError as error:
        raise ExtraMissing(feature="A ledger in PostgreSQL", extra="postgres") from error
    return PostgresLedger(url, home, health)
