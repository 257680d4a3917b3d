"""The shared queries are SQLite's text; what psycopg is given says the same."""

from __future__ import annotations

import re

import pytest

from pisang.store.dialect import in_postgres
from pisang.store.queries import migrations, queries


@pytest.mark.parametrize(
    ("sqlite", "postgres"),
    [
        ("SELECT :a, :b_2", "SELECT %(a)s, %(b_2)s"),
        ("SELECT :a::text", "SELECT %(a)s::text"),
        ("SELECT x::json", "SELECT x::json"),
        ("SELECT ':a' || :a", "SELECT ':a' || %(a)s"),
        ("SELECT 'it''s :a' , :b", "SELECT 'it''s :a' , %(b)s"),
        ('SELECT ":a" FROM t', 'SELECT ":a" FROM t'),
        ("SELECT 1 -- :a\nFROM t", "SELECT 1 \nFROM t"),
        ("SELECT /* :a */ 1", "SELECT  1"),
        ("x LIKE :p ESCAPE '\\'", "x ILIKE %(p)s ESCAPE '\\'"),
        ("x NOT LIKE 'rebuy:%'", "x NOT ILIKE 'rebuy:%%'"),
        ("SELECT 7 % 2", "SELECT 7 %% 2"),
        ("FROM json_each(:ids)", "FROM pisang_texts(%(ids)s)"),
        ("FROM t INDEXED BY t_i\nWHERE a", "FROM t\nWHERE a"),
        ("likely, unlike, my_json_each(1)", "likely, unlike, my_json_each(1)"),
    ],
)
def test_only_what_differs_is_turned(sqlite: str, postgres: str) -> None:
    assert in_postgres(sqlite) == postgres


def test_every_value_of_every_query_is_still_asked_for() -> None:
    ours, theirs = queries("sqlite"), queries("postgres")
    for name in ours.keys() & theirs.keys():
        bare = re.sub(r"'(?:[^']|'')*'|--[^\n]*", "", ours[name].sql)
        wanted = set(re.findall(r"(?<!:):([a-z0-9_]+)", bare))
        assert set(re.findall(r"%\((\w+)\)s", theirs[name].sql)) == wanted, name


def test_both_databases_know_the_same_queries_but_for_their_own() -> None:
    only_sqlite = queries("sqlite").keys() - queries("postgres").keys()
    only_postgres = queries("postgres").keys() - queries("sqlite").keys()
    assert only_sqlite == {
        "foreign_key_check", "integrity_check", "ledger_counts", "quick_check", "table_columns",
        "tables", "used",
    }  # fmt: skip
    assert only_postgres == {
        "commit_forget", "commit_mark", "commit_newest", "commits_sweep", "ledger_turn",
        "life_beat", "life_bury", "life_take", "lives_held", "marks_clear", "place", "schema_mark",
        "schema_number", "server", "time_zone_set",
    }  # fmt: skip


def test_a_schema_has_one_number_in_both() -> None:
    """PostgreSQL's first step is the whole of SQLite's first four."""
    ours = [step.number for step in migrations("sqlite")]
    assert [step.number for step in migrations("postgres")] == ours[3:]
