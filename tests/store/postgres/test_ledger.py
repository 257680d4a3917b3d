"""The ledger in PostgreSQL: the same tables, every text, and clear words where it can't be had."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pisang.domain.attempt import State
from pisang.domain.secret import Secret
from pisang.errors import LedgerUnusable, PisangError
from pisang.store.history import Asked
from pisang.store.postgres.address import read_address
from pisang.store.postgres.connection import connect
from pisang.store.postgres.database import migrate, version
from pisang.store.queries import migrations
from pisang.store.storage import Storage
from tests.ledgers import Cluster
from tests.store.kit import claimed, open_store, sent, settlement, wish
from tests.store.postgres.conftest import Opener

KINDS = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}
OTHER_INDEXES = {
    # An entry of an index holds no more than 2,700 bytes in PostgreSQL.
    "requests_search": "(created_ms, id, glyphs, scope)",
    "images_gallery": "(asked_ms, request_id)",
    "requests_folder": '(scope, "left"(folder, 200), created_ms)',
}


def test_both_databases_have_the_same_tables_columns_and_indexes(
    machine: Opener, admin: psycopg.Connection
) -> None:
    machine("a")
    ours = sqlite3.connect(":memory:")
    for step in migrations("sqlite"):
        ours.executescript(step.sql)
    tables = {name for (name,) in ours.execute("SELECT name FROM sqlite_schema WHERE type='table'")}
    columns = {
        (table, row[1], KINDS[row[2]], bool(row[3] or row[5]))
        for table in tables
        for row in ours.execute(f"PRAGMA table_info({table})")
    }
    theirs = admin.execute(
        "SELECT table_name, column_name, data_type, is_nullable = 'NO', collation_name"
        " FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name NOT IN ('pisang', 'commits')"
    ).fetchall()
    assert {row[:4] for row in theirs} == columns
    assert {row[4] for row in theirs if row[2] == "text"} == {"C"}
    wanted = {
        name: OTHER_INDEXES.get(name) or sql.partition(" ON ")[2].partition(" ")[2]
        for name, sql in ours.execute("SELECT name, sql FROM sqlite_schema WHERE type='index'")
        if sql is not None
    }
    found = admin.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    ).fetchall()
    made = {name: text.partition(" USING btree ")[2] for name, text in found}
    assert wanted.keys() - made.keys() == set()
    for name, text in wanted.items():
        assert made[name].partition(" WHERE ")[0] == text.partition("\nWHERE ")[0].partition(
            " WHERE "
        )[0].replace('"window"', '"window"'), name
    ours.close()


@pytest.mark.parametrize("nasty", ["a\0b", "猫\ud83d", "'; DROP TABLE requests; --", "%s %(a)s :a"])
def test_a_paid_answer_is_written_down_whatever_it_says(machine: Opener, nasty: str) -> None:
    store = machine("a")
    given = wish(prompt=nasty, folder=nasty, tags=(nasty, "t"), idempotency_key=nasty)
    request_id = store.begin(given).result().request_id
    attempt = claimed(store, request_id)
    store.settle(settlement(attempt.attempt_id, text=nasty, error_fields={"why": nasty})).result()
    clean = nasty.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    row = store.request(request_id)
    assert (row.state, row.prompt, row.attempts[0].text) == (State.DONE, clean, clean)
    assert [one.id for one in store.history(Asked(tag="t"))] == [request_id]
    assert store.begin(wish(idempotency_key=nasty)).result().verdict == "replay"


def test_long_words_are_no_matter_to_any_index(machine: Opener) -> None:
    store = machine("a")
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(100_000))
    request_id = store.begin(wish(prompt=long, folder="/" + long[:4000])).result().request_id
    assert store.request(request_id).prompt == long
    assert store.newest_request("/" + long[:4000]) == request_id
    assert [one.id for one in store.history(Asked(query=long[50_000:50_010]))] == [request_id]


def test_ascii_is_looked_for_whatever_its_case(machine: Opener) -> None:
    store = machine("a")
    store.begin(wish(prompt="A Red Cat under Über-Bäumen")).result()
    assert len(store.history(Asked(query="red CAT"))) == 1
    assert len(store.history(Asked(query="über"))) == 0  # as in SQLite


def told(home: Path, url: str) -> str:
    """What opening a ledger says that can't be had."""
    with pytest.raises(LedgerUnusable) as caught:
        open_store(home, storage=Storage(ledger=Secret(url)))
    error: PisangError = caught.value
    assert "made-up" not in "".join((error.message(), error.message("zh"), repr(error.__cause__)))
    assert error.message("zh") != error.message()
    return error.message()


def test_a_server_that_can_t_be_had_is_one_clear_sentence(tmp_path: Path, cluster: Cluster) -> None:
    port = cluster.port
    free = "postgresql://pisang:made-up-word@127.0.0.1:1/books"
    assert told(tmp_path, free) == (
        "The ledger at 127.0.0.1:1/books can't be used: nobody answers there."
    )
    wrong = f"postgresql://pisang:made-up-other@127.0.0.1:{port}/postgres"
    assert "does not take that user or password" in told(tmp_path, wrong)
    unknown = f"postgresql://pisang:made-up-word@127.0.0.1:{port}/nobodys"
    assert "has no database of that name" in told(tmp_path, unknown)
    assert "that host is not known" in told(tmp_path, "postgresql://u:made-up@no.such.invalid/x")
    assert "is not of the form" in told(tmp_path, "postgresql://u:made-up@[x/y")
    nowhere = cluster.url + "?options=-csearch_path%3Dnowhere"
    assert "search_path names no schema" in told(tmp_path, nowhere)


@pytest.mark.parametrize("_round", range(6))
def test_four_machines_may_make_one_ledger_together(ledger: Secret, _round: int) -> None:
    """Who finds no ledger waits for his turn to make it, and then must see the one made meanwhile.
    `to_regclass` would not: it answers from a cache of the session's, which hears of others'
    tables only when the session locks a table (seen on 15.18: four rounds of five went wrong)."""
    address = read_address(ledger)
    with ExitStack() as opened, ThreadPoolExecutor(4) as threads:
        machines = [opened.enter_context(connect(address)) for _ in range(4)]
        for made in [threads.submit(migrate, one, address) for one in machines]:
            made.result(timeout=30)
        newest = migrations("postgres")[-1].number
        assert [version(one, address) for one in machines] == [newest] * 4


def test_another_program_s_tables_and_a_newer_schema_are_left_alone(
    machine: Opener, admin: psycopg.Connection, ledger: Secret, tmp_path: Path
) -> None:
    admin.execute("CREATE TABLE requests (mine int)")
    assert "another program's tables" in told(tmp_path / "a", ledger.reveal())
    admin.execute("DROP TABLE requests")
    machine("a")
    admin.execute("UPDATE pisang SET schema = 99")
    assert "written by a newer Pisang (schema 99" in told(tmp_path / "b", ledger.reveal())


def test_a_server_that_takes_no_writes_is_said_to_be_read_only(
    machine: Opener, admin: psycopg.Connection
) -> None:
    store = machine("a")
    given = sent(store)
    admin.execute("ALTER ROLE pisang SET default_transaction_read_only = on")
    try:
        refused = machine("b")
        with pytest.raises(LedgerUnusable, match="takes no writes"):
            sent(refused)
        assert refused.request(given.request_id).state is State.SENT
    finally:
        admin.execute("ALTER ROLE pisang RESET default_transaction_read_only")
    sent(machine("c"))


def test_doctor_says_which_ledger_it_is(machine: Opener, cluster: Cluster) -> None:
    told = {one.code: one for one in machine("a").check()}
    assert told["postgres"].message.endswith(f" at 127.0.0.1:{cluster.port}/postgres.")
    assert told["ledger"].level == "ok"
    assert "sqlite" not in told
