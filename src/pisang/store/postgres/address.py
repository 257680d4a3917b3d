"""Where a PostgreSQL ledger is. Its URL may hold a password: only `Address.said` is printed."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pisang.domain.secret import Secret
from pisang.errors import LedgerUnusable

_DEFAULTS = {
    "application_name": "pisang",
    "connect_timeout": "10",
    # A server that is gone without a word is noticed within a quarter of a minute.
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""What a connection is given where the URL says nothing else."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database. `said` names its host and itself, without user and password."""

    conninfo: Secret
    said: str


def read_address(url: Secret) -> Address:
    """The database of a URL. Raises `LedgerUnusable`, which repeats nothing of it."""
    try:
        given = conninfo_to_dict(url.reveal())
    except ProgrammingError:
        why = "its URL is not of the form postgresql://user:password@host:port/database"
        raise LedgerUnusable(ledger="postgresql://…", why=why) from None
    host = str(given.get("host") or given.get("hostaddr") or "localhost")
    port = given.get("port")
    name = given.get("dbname") or given.get("user") or "its user's own"
    said = f"{host}:{port}/{name}" if port else f"{host}/{name}"
    return Address(Secret(make_conninfo("", **{**_DEFAULTS, **given})), said)
