"""What PostgreSQL's errors mean to a user, and to the transaction that they came in."""

from __future__ import annotations

import re

import psycopg

from pisang.errors import LedgerUnusable, PisangError, StoreCorrupt, StoreFilled, Unexpected
from pisang.store.postgres.address import Address

_WHY = {
    "25006": "the server takes no writes: it is read-only, or a standby",
    "28000": "it does not let that user in",
    "28P01": "it does not take that user or password",
    "3D000": "the server has no database of that name",
    "3F000": "its search_path names no schema that is there",
    "42501": "that user has no right to make or change tables there",
    "53200": "the server is out of memory",
    "53300": "the server takes no more connections",
    "55P03": "another program holds the ledger locked",
    "57P01": "the server is stopping",
    "57P02": "the server crashed and starts again",
    "57P03": "the server is starting or stopping",
}
"""By SQLSTATE (PostgreSQL's manual, appendix A)."""

_SAID = (
    (r"password authentication failed|no password supplied", "28P01"),
    (r"no pg_hba\.conf entry|role .* does not exist", "28000"),
    (r"database .* does not exist", "3D000"),
    (r"too many clients|too many connections|remaining connection slots", "53300"),
    (r"the database system is|terminating connection", "57P03"),
)
"""A connection that was refused has no SQLSTATE, only libpq's sentence."""

_UNREACHED = (
    (r"Connection refused|No such file or directory", "nobody answers there"),
    (r"could not translate host name|Name or service not known", "that host is not known"),
    (r"timeout expired|timed out|Connection timed out", "it did not answer in time"),
    (r"No route to host|Network is unreachable", "no road leads there"),
    (r"SSL|certificate", "the encrypted connection was not agreed upon"),
)

LOST = "the connection was lost"

_GROUP = ("08", "25", "28", "3D", "40", "53", "55P03", "57", "58", "XX")
"""Codes, or classes of them, that say nothing of one statement: what they meet fails whole."""


def explain(error: psycopg.Error, address: Address) -> PisangError:
    """The leaf for a failed statement or connection. No word of the server's is repeated where it
    could hold a value, or of the URL."""
    code = _code_of(error)
    if code == "53100":
        return StoreFilled(path=address.said, why="no space left on device")
    if code.startswith("XX"):
        return StoreCorrupt(path=address.said, why=f"the server says so ({code})")
    if code in _WHY:
        return LedgerUnusable(ledger=address.said, why=_WHY[code])
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return LedgerUnusable(ledger=address.said, why=_unreached(error))
    return Unexpected(what=f"the ledger said: {_first_line(error)}")


def is_of_one_job(error: psycopg.Error) -> bool:
    """Whether an error tells of a statement, rather than of the server or the connection."""
    code = _code_of(error)
    if code:
        return not code.startswith(_GROUP)
    return not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def is_passing(error: psycopg.Error) -> bool:
    """Whether it may go by itself: the connection broke, or the server is starting, stopping or
    out of connections. A wrong password, a full disk or a standby does not."""
    code = _code_of(error)
    if code:
        return code.startswith(("08", "40")) or code in _PASSING
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


_PASSING = frozenset({"25P03", "53300", "57P01", "57P02", "57P03", "57P05"})


def _code_of(error: psycopg.Error) -> str:
    if error.sqlstate:
        return error.sqlstate
    said = str(error)
    return next((code for pattern, code in _SAID if re.search(pattern, said)), "")


def _unreached(error: psycopg.Error) -> str:
    said = str(error)
    return next((why for pattern, why in _UNREACHED if re.search(pattern, said)), LOST)


def _first_line(error: psycopg.Error) -> str:
    """The server's sentence without its DETAIL, which repeats values."""
    return (error.diag.message_primary or str(error).partition("\n")[0])[:300]
