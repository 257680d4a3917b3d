"""Columns on a terminal, where a Chinese character is two wide."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence

UNBOUNDED = 1000
"""How wide a line may be where no terminal shows it."""


def columns_of() -> int:
    """How many columns standard output has."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED


_READABLE = 24
"""In fewer columns a text says too little: it gets a line of its own."""


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


def flow(cells: Sequence[str], columns: int, lead: str = "") -> list[str]:
    """The cells one after the other, on as many lines as they need. The first line begins with
    `lead`, the others are set in by two more; a cell that is longer than a line is left whole."""
    lines = [lead]
    for cell in cells:
        longer = f"{lines[-1]}  {cell}" if lines[-1].strip() else f"{lines[-1]}{cell}"
        if width_of(longer) > columns and lines[-1].strip():
            lines.append("")
            longer = f"{lead}  {cell}"
        lines[-1] = longer
    return lines


def fold(cells: Sequence[str], columns: int, lead: str = "") -> list[str]:
    """As `flow`, and the last cell is cut to what is left of its line, or to one of its own."""
    *others, last = cells
    lines = flow(others, columns, lead)
    left = columns - width_of(lines[-1]) - 2
    if left < min(_READABLE, width_of(last)):
        return [*lines, f"{lead}{clip(last, max(1, columns - width_of(lead)))}"]
    return [*lines[:-1], f"{lines[-1]}  {clip(last, left)}"]


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - width_of(text))


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
