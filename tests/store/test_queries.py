"""Every statement that is run is a named one, stands in a file, says what it gives, and is used."""

from __future__ import annotations

import ast
import re
import sqlite3
from pathlib import Path

import pytest

import pisang.store
from pisang.errors import NotFound
from pisang.store.queries import migrations, parse, queries
from pisang.store.store import Asked, Store
from tests.store.kit import claimed, open_store, paint, picture, sent, settlement, wish

SOURCES = sorted(Path(pisang.store.__file__).parent.rglob("*.py"))
LEDGER = "\n".join(step.sql for step in migrations("sqlite"))


@pytest.fixture(scope="module")
def connection() -> sqlite3.Connection:
    opened = sqlite3.connect(":memory:")
    opened.executescript(LEDGER)
    return opened


@pytest.mark.parametrize("name", sorted(queries("sqlite")))
def test_a_query_says_what_it_gives_and_fits_the_schema(
    name: str, connection: sqlite3.Connection
) -> None:
    query = queries("sqlite")[name]
    assert query.what.endswith((".", ")", ";")), "a sentence"
    values = {key: 1 for key in re.findall(r":([a-z0-9_]+)", query.sql)}
    connection.execute(f"EXPLAIN {query.sql}" if "PRAGMA" not in query.sql else query.sql, values)


def test_every_query_is_used_and_every_name_that_is_used_is_one() -> None:
    texts = {
        node.value
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(queries("sqlite")) - texts == set()


def test_no_statement_is_put_together_in_code_but_pragmas_and_transactions() -> None:
    """`execute` is called with a literal, a named query's text, or a number of ours in a pragma."""
    odd = []
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr not in {"execute", "executemany", "executescript"}:
                continue
            text = ast.unparse(node.args[0])
            if not re.match(r"^f?['\"](PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)", text):
                odd.append((source.name, text))
    assert sorted(set(odd)) == [
        ("connection.py", "_SETTINGS"),
        ("connection.py", "sql"),
        ("database.py", "'SELECT count(*) FROM sqlite_schema'"),
        ("database.py", "pragma"),
        ("database.py", "sql"),
        ("database.py", "statement"),
        ("database.py", "step.sql"),
        ("dump.py", "statement"),
        ("loading.py", "asked"),
    ]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "nasty", ["'; DROP TABLE requests; --", '" OR 1=1', "\x00", "%_\\", "猫\ud83d"]
)
def test_text_from_outside_never_becomes_part_of_a_statement(
    store: Store, monkeypatch: pytest.MonkeyPatch, nasty: str
) -> None:
    ran: set[str] = set()
    real = sqlite3.Connection.execute

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:  # type: ignore[override]
            ran.add(sql)
            return real(self, sql, *values)  # type: ignore[arg-type]

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k, factory=Watched))
    given = wish(prompt=nasty, model=nasty, folder=nasty, tags=(nasty,), idempotency_key=nasty)
    begun = store.begin(given).result()
    attempt = claimed(store, begun.request_id, upstream=nasty, model=nasty)
    store.settle(settlement(attempt.attempt_id, text=nasty, message=nasty, excerpt=nasty)).result()
    watched = open_store(store.home.root)
    for query in (nasty, f"x{nasty}", ""):
        watched.history(Asked(query=query, upstream=nasty, scope=nasty))
    assert watched.last_image(nasty, nasty) is None
    for find in (watched.request, watched.image, watched.delete):
        with pytest.raises(NotFound):
            find(nasty)
    assert watched.begin(wish(id="req_x", idempotency_key=nasty)).result().verdict == "replay"
    watched.close()
    named = {query.sql for query in queries("sqlite").values()}
    fixed = re.compile("PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SELECT count")
    assert named & ran
    assert {sql for sql in ran - named if not fixed.match(sql)} == set()


def test_a_file_of_queries_is_read_by_name() -> None:
    text = (
        "-- A file.\n\n-- name: one\n-- Gives one.\n-- And more.\nSELECT 1;\n\n"
        "-- name: two\n-- Two.\nSELECT 2;\n"
    )
    found = parse(text)
    assert (found["one"].what, found["one"].sql) == ("Gives one. And more.", "SELECT 1;")
    assert found["two"].sql == "SELECT 2;"
    with pytest.raises(ValueError, match="two queries are named 'one'"):
        parse(text + "-- name: one\n-- Again.\nSELECT 3;\n")
    with pytest.raises(ValueError, match="names no query"):
        parse("-- name: Not A Name\nSELECT 1;\n")


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [step.number for step in migrations("sqlite")] == list(
        range(1, len(migrations("sqlite")) + 1)
    )


def test_only_the_store_knows_sqlite() -> None:
    root = Path(pisang.store.__file__).parents[1]
    importers = {
        path.relative_to(root).parts[0]
        for path in root.rglob("*.py")
        if re.search(r"^\s*(import|from) sqlite3", path.read_text(), re.MULTILINE)
    }
    assert importers == {"store"}


def test_no_walk_over_a_whole_table_stands_on_the_road(connection: sqlite3.Connection) -> None:
    road = [
        "request_standing", "attempt_states", "attempt_money", "key_find", "live_count",
        "last_start", "nth_start", "request_money", "budgets_for", "counter_get",
        "request_by_id", "requests_by_ids", "attempts_by_requests", "images_by_requests",
        "answer_by_attempt", "image_last", "images_by_sha256",
    ]  # fmt: skip
    for name in road:
        sql = queries("sqlite")[name].sql
        values = {key: 1 for key in re.findall(r":([a-z0-9_]+)", sql)}
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        scans = [step for step in plan if step.startswith("SCAN") and "json_each" not in step]
        assert scans == [], name


def test_a_search_reads_only_its_index_until_something_fits(store: Store) -> None:
    paint(store, sent(store).attempt_id, picture())
    assert store.history(Asked(query="nothing")) == []
    sql = queries("sqlite")["history_search"].sql
    assert "INDEXED BY requests_search" in sql
