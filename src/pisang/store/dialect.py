"""The shared queries in PostgreSQL's words: they are written in SQLite's.

Only what can be told apart without knowing the statement is turned: how a value is named, a hint
that only SQLite takes, the function that makes rows of a JSON list, and `LIKE`, which in SQLite
ignores the case of ASCII letters. Whatever differs otherwise has a text of its own in
`sql/postgres/`.
"""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"""
      (?P<text> '(?:[^']|'')*' | "(?:[^"]|"")*" )
    | (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<cast> :: )
    | (?P<value> :(?P<name>[A-Za-z_][A-Za-z0-9_]*) )
    | (?P<hint> \s+ INDEXED \s+ BY \s+ \w+ )
    | (?P<rows> \b json_each (?=\s*\() )
    | (?P<like> \b LIKE \b )
    | (?P<percent> % )
    """,
    re.VERBOSE | re.DOTALL,
)


def in_postgres(sql: str) -> str:
    """The statement as psycopg takes it: values as `%(name)s`, every other percent sign doubled.

    What stands in quotes stays as it is; comments go.
    """
    return _PIECE.sub(_turned, sql)


def _turned(piece: re.Match[str]) -> str:
    kind = piece.lastgroup  # the outermost group that matched
    if kind == "value":
        return f"%({piece['name']})s"
    if kind == "text":
        return piece[0].replace("%", "%%")
    return _WORDS.get(kind or "", piece[0])


_WORDS = {"comment": "", "hint": "", "rows": "pisang_texts", "like": "ILIKE", "percent": "%%"}
