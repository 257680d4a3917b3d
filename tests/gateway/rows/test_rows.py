"""Each row of the threat table has its tests, and `docs/rows.md` names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "docs" / "rows.md"

ROWS = [
    *(f"S{number}" for number in range(1, 14)),
    *(f"X{number}" for number in range(1, 7)),
    *(f"U{number}" for number in range(1, 5)),
    *(f"K{number}" for number in range(1, 6)),
]

_ROW = re.compile(r"^\| ([SXUK]\d+) \|.*\| ([^|]+) \|$", re.MULTILINE)
_FILE = re.compile(r"`((?:tests/)?[a-z0-9_/]+\.py)(?:::(test_\w+))?`(?: `(test_\w+)…`)?")


def named() -> dict[str, list[tuple[str, str]]]:
    """The files and the names (or what they begin with) of each row's tests."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row, tests in _ROW.findall(TABLE.read_text(encoding="utf-8")):
        assert row not in found, row
        found[row] = [(file, whole or start) for file, whole, start in _FILE.findall(tests)]
        assert len(found[row]) == len(tests.split("; ")), f"{row}: {tests}"
    return found


@cache
def names_in(file: str) -> list[str]:
    path = ROOT / file if file.startswith("tests/") else ROOT / "tests" / "gateway" / file
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [one.name for one in ast.walk(tree) if isinstance(one, functions)]


def test_every_row_stands_in_the_table_once() -> None:
    assert list(named()) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_a_row_s_tests_are_there(row: str) -> None:
    for file, name in named()[row]:
        tests = [one for one in names_in(file) if one.startswith("test_")]
        if name.endswith("_"):
            assert any(one.startswith(name) or f"_{name[5:]}" in one for one in tests), (file, name)
        elif name:
            assert name in tests, (file, name)
        else:
            assert tests, file


def test_a_test_that_bears_a_row_s_name_is_named_by_that_row() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        for test in names_in(f"rows/{path.name}"):
            for row in re.findall(r"(?<=_)([sxuk]\d+)(?=_)", test):
                files = [file for file, _ in named()[row.upper()]]
                assert f"rows/{path.name}" in files, (row, test)
