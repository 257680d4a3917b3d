"""Connections to the PostgreSQL ledger. None is ever shared with a forked child."""

from __future__ import annotations

import logging
import os
import select
import time
import weakref
from pathlib import Path

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import dict_row
from psycopg.types.numeric import Int8Dumper

from pisang.store.ledger import Row
from pisang.store.postgres.address import Address
from pisang.store.queries import queries

Connection = psycopg.Connection[Row]

_OPEN: weakref.WeakSet[Connection] = weakref.WeakSet()
_watching = False

# What a pipeline ends with when its connection breaks is told by our own errors.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_SETTINGS = """
SET client_encoding = 'UTF8';
SET client_min_messages = 'warning';
SET statement_timeout = 0;
SET lock_timeout = '60s';
SET idle_in_transaction_session_timeout = '20s';
SET tcp_keepalives_idle = 3;
SET tcp_keepalives_interval = 2;
SET tcp_keepalives_count = 3;
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""
"""A process that stops in the middle of a transaction must not hold up all others: the server cuts
it off. A machine that is gone is noticed by the server within ten seconds."""


class _Whole(Loader):
    """PostgreSQL's sums of BIGINT are NUMERIC; there is no fraction in the ledger."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


def connect(address: Address) -> Connection:
    """A connection in autocommit mode, rows by column name. Raises `psycopg.Error`."""
    connection: Connection = psycopg.connect(
        address.conninfo.reveal(),
        autocommit=True,
        prepare_threshold=0,
        row_factory=dict_row,
    )
    connection.prepared_max = 1000
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_loader("numeric", _Whole)
    _OPEN.add(connection)
    _watch_forks()
    try:
        connection.execute(_SETTINGS, prepare=False)
        _set_time_zone(connection)
    except psycopg.Error:
        connection.close()
        raise
    return connection


def _set_time_zone(connection: Connection) -> None:
    """Days are this machine's, as in SQLite."""
    name, offset = time_zones()
    sql = queries("postgres")["time_zone_set"].sql
    try:
        connection.execute(sql, {"name": name})
    except psycopg.DataError:  # the server knows none of that name
        connection.execute(sql, {"name": offset})


def is_fresh(connection: Connection) -> bool:
    """Whether an idle connection is still good: nothing, not even its end, has come in on it."""
    if connection.closed:
        return False
    try:
        return not select.select((connection.fileno(),), (), (), 0)[0]
    except (OSError, ValueError, psycopg.Error):
        return False


def time_zones() -> tuple[str, str]:
    """This machine's time zone as PostgreSQL takes it: its name, and what it is off by now."""
    named = os.environ.get("TZ", "").lstrip(":")
    name = named or str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2]
    offset_s = time.localtime().tm_gmtoff
    hours, rest_s = divmod(abs(offset_s), 3600)
    # POSIX counts what is to be added to a place's own time, so the sign is the other one.
    return name, f"<local>{'-' if offset_s >= 0 else '+'}{hours:02d}:{rest_s // 60:02d}"


def _watch_forks() -> None:
    global _watching
    if not _watching:
        _watching = True
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    """In a forked child: the sockets are the parent's. A copy that was left open would let his
    lock outlive him, and closing one in the usual way would say good-bye in his name."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for connection in list(_OPEN):
        if not connection.closed:
            os.dup2(nothing, connection.fileno(), inheritable=False)
    _OPEN.clear()
    os.close(nothing)
