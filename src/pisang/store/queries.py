"""The named statements: every line of SQL that is run stands in a file of `sql/`.

`sql/shared/` holds the queries whose text both databases take; the folder of a database holds its
migrations, and the queries that only it takes, or that it takes in other words.

A file of queries is a row of blocks, each begun by `-- name: words` and a line or more of
comment that says what it gives. Values are always parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from pisang.store.dialect import in_postgres

Database = Literal["sqlite", "postgres"]

_NAME = re.compile(r"^-- name: (?P<name>[a-z0-9_]+)$")


@dataclass(frozen=True, slots=True)
class Query:
    """One statement: its name, what it gives, its text."""

    name: str
    what: str
    sql: str


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. `number` is the schema's version once it was made."""

    number: int
    name: str
    sql: str


def parse(text: str) -> dict[str, Query]:
    """The queries of one file by name. Raises `ValueError` for a name that is none, or twice."""
    found: dict[str, Query] = {}
    for block in re.split(r"(?m)^(?=-- name: )", text):
        lines = block.strip().splitlines()
        if not lines or not lines[0].startswith("-- name:"):
            continue  # what stands before the first query
        named = _NAME.match(lines[0])
        if named is None:
            raise ValueError(f"{lines[0]!r} names no query")
        comments = [line[2:].strip() for line in lines[1:] if line.startswith("--")]
        body = "\n".join(line for line in lines[1:] if not line.startswith("--"))
        if named["name"] in found:
            raise ValueError(f"two queries are named {named['name']!r}")
        found[named["name"]] = Query(named["name"], " ".join(comments), body.strip())
    return found


@cache
def queries(database: Database) -> Mapping[str, Query]:
    """Every named query of a database: the shared ones, and over them its own."""
    found = {**_queries_in("shared"), **_queries_in(database)}
    if database == "postgres":
        return {name: replace(one, sql=in_postgres(one.sql)) for name, one in found.items()}
    return found


def _queries_in(folder: str) -> dict[str, Query]:
    found: dict[str, Query] = {}
    for name, text in _folder(folder):
        if name.endswith("queries.sql"):
            found.update(parse(text))
    return found


@cache
def migrations(database: Database) -> tuple[Migration, ...]:
    """The schema's steps in order, from the files whose names begin with a number."""
    steps = [
        Migration(int(name[:4]), name, text)
        for name, text in _folder(database)
        if name[:4].isdigit()
    ]
    return tuple(sorted(steps, key=lambda step: step.number))


def _folder(name: str) -> list[tuple[str, str]]:
    folder = Path(__file__).parent / "sql" / name
    return [(path.name, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))]
