"""Columns on a terminal, where a Chinese character is two wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def width_of(text: str) -> int:
    """How many columns a text takes."""
    return sum(map(_width, text))


def clip(text: str, columns: int) -> str:
    """One line of at most so many columns; what can't be printed is a blank."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if width_of(flat) <= columns:
        return flat
    width, kept = 1, 0
    for character in flat:
        width += _width(character)
        if width > columns:
            break
        kept += 1
    return flat[:kept] + "…"


def align(rows: Iterable[Sequence[str]]) -> list[str]:
    """The rows as lines whose cells stand under one another; the last cell is left as it is."""
    cells = [tuple(row) for row in rows]
    widths = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(_pad, row[:-1], widths[:-1])) + f"  {row[-1]}" for row in cells]


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - width_of(text))


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
