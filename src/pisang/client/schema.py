"""Strict reading of a TOML settings file: each mistake is one sentence with its file, line and key.

A `Table` hands out typed values by name and remembers which names were asked for; `done()` then
rejects whatever else stands there, with the nearest name that would have been right.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pisang.client.files import reason_of
from pisang.domain.money import Money, parse_money
from pisang.errors import SettingsMalformed

MAX_BYTES = 1 << 20
"""No settings file is larger than a megabyte."""

MOST = 10**9
"""Milliseconds, calls, tokens: nothing that is set here is larger."""

_DECADES = 9
"""A number lies within that many powers of ten of one: a rate of 10^999 would fill the memory."""

DAY_S = 86_400
"""The longest time limit."""

MOST_DAYS = 36_500
"""A hundred years; for ever is what is kept when nothing is said."""

_T = TypeVar("_T")

_WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a text in quotes",
    list: "a list of texts",
    dict: "a table",
}


def read_document(path: Path) -> Table | None:
    """The file's top table; None where there is no such file. Raises `SettingsMalformed`."""
    text = read_text(path)
    return None if text is None else parse_document(text, path)


def read_text(path: Path) -> str | None:
    """The file's text; None where there is no such file. Raises `SettingsMalformed`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsMalformed(path=str(path), why=reason_of(error)) from error
    if len(raw) > MAX_BYTES:
        raise SettingsMalformed(path=str(path), why="it is larger than 1 MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingsMalformed(path=str(path), why=f"line {line} is not UTF-8") from error


def parse_document(text: str, path: Path) -> Table:
    """The top table of a settings text. Raises `SettingsMalformed` naming the line."""
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # A parser's own words may quote the line, and with it a key: only the place is told.
        where = re.search(r"at line (\d+)", str(error))
        place = f"line {where[1]}" if where else "its end"
        raise SettingsMalformed(path=str(path), why=f"{place} is not valid TOML") from None
    return Table(data, path, text)


class Table:
    """One TOML table under reading. Every getter raises `SettingsMalformed`."""

    def __init__(
        self, data: Mapping[str, object], path: Path, text: str, section: tuple[str, ...] = ()
    ) -> None:
        self._data = dict(data)
        self._path = path
        self._text = text
        self._section = section
        self._asked: list[str] = []

    def names(self) -> tuple[str, ...]:
        """Every name that stands in this table; asking for them all makes them allowed."""
        self._asked.extend(self._data)
        return tuple(self._data)

    def text(self, name: str, *, choices: Iterable[str] = ()) -> str | None:
        """A text, one of `choices` where any are given."""
        value = self._get(name, str)
        allowed = tuple(choices)
        if value is not None and allowed and value not in allowed:
            raise self.wrong(name, f"{value!r} is not one of {', '.join(allowed)}")
        return value

    def checked(self, name: str, check: Callable[[str], _T], *, shown: bool = True) -> _T | None:
        """A text as `check` reads it; its `ValueError` says what is wrong. What may hold a
        secret is not `shown` in the error."""
        value = self._get(name, str)
        if value is None:
            return None
        try:
            return check(value)
        except ValueError as error:
            why = f"{value!r}: {error}" if shown else str(error)
            raise self.wrong(name, why) from (error if shown else None)

    def number(self, name: str, check: Callable[[str], _T]) -> _T | None:
        """A number as `check` reads its text: `600`, `1.5` and `"600"` are the same."""
        written = self._data.get(name)
        if isinstance(written, int | Decimal) and not isinstance(written, bool):
            self._data[name] = str(written)
        elif not isinstance(written, str | None):
            raise self.wrong(name, "it wants a decimal number")
        return self.checked(name, check)

    def integer(self, name: str, *, least: int = 0) -> int | None:
        """A whole number of at least `least`, and no larger than anything countable. It may stand
        in quotes."""
        written = self._data.get(name)
        if isinstance(written, str) and _WHOLE.fullmatch(written.strip()):
            self._data[name] = int(written)
        value = self._get(name, int)
        if value is not None and value < least:
            raise self.wrong(name, f"{value} is too small: at least {least}")
        if value is not None and value > MOST:
            raise self.wrong(name, f"it is too large: at most {MOST}")
        return value

    def boolean(self, name: str) -> bool | None:
        """True or false."""
        return self._get(name, bool)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts."""
        value = self._get(name, list)
        if value is None:
            return None
        if not all(isinstance(item, str) for item in value):
            raise self.wrong(name, f"it wants {_WORDS[list]}")
        return tuple(value)

    def money(self, name: str) -> Money | None:
        """An amount with its currency (`"0.20CNY"`)."""
        return self.checked(name, parse_money)

    def decimal(self, name: str) -> Decimal | None:
        """A positive decimal number, exact whether it stands in quotes or not."""
        return self.number(name, positive_decimal)

    def table(self, name: str) -> Table | None:
        """A table inside this one."""
        value = self._get(name, dict)
        if value is None:
            return None
        return Table(value, self._path, self._text, (*self._section, name))

    def leaves(self) -> Iterator[tuple[tuple[str, ...], str, object]]:
        """(section, name, value) of everything that stands in it and in the tables inside."""
        yield from _leaves(self._data, self._section)

    def place(self, name: str) -> str:
        """A name of this table with the tables it stands in: `keys.ci.key`."""
        return ".".join((*self._section, name))

    def done(self) -> None:
        """Reject names that nobody asked for, with the nearest that would be right."""
        for name in self._data:
            if name not in self._asked:
                near = get_close_matches(name, self._asked, 1, 0.5)
                better = f"the nearest is `{near[0]}`" if near else _known(self._asked)
                raise self.wrong(name, f"there is no such setting; {better}")

    def wrong(
        self, name: str, why: str, section: tuple[str, ...] | None = None
    ) -> SettingsMalformed:
        """The error for one name of this table (or of that section of the file)."""
        where = self._section if section is None else section
        key = ".".join((*where, name))
        line = locate(self._text, where, name)
        place = f"line {line}, `{key}`" if line else f"`{key}`"
        return SettingsMalformed(path=str(self._path), why=f"{place}: {why}")

    def _get(self, name: str, kind: type[_T]) -> _T | None:
        self._asked.append(name)
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(name, f"it wants {_WORDS[kind]}")
        return value


def _leaves(
    data: Mapping[str, object], section: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str, object]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*section, name))
        else:
            items = value if isinstance(value, list) else [value]
            yield from ((section, name, item) for item in items)


def positive_decimal(text: str) -> Decimal:
    """The number in `text`; `ValueError` when it is no positive decimal."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("it wants a decimal number") from error
    if not value.is_finite() or value <= 0:
        raise ValueError("it wants a number above zero")
    if abs(value.adjusted()) > _DECADES:
        raise ValueError("it is out of all proportion")
    return value


def seconds(text: str) -> float:
    """A time limit; `ValueError` when it is none, or longer than a day."""
    value = float(positive_decimal(text))
    if value > DAY_S:
        raise ValueError(f"at most {DAY_S} seconds")
    return value


def days(text: str) -> float:
    """An age; `ValueError` when it is none, or longer than a hundred years."""
    value = float(positive_decimal(text))
    if value > MOST_DAYS:
        raise ValueError(f"at most {MOST_DAYS} days")
    return value


def gigabytes(text: str) -> int:
    """A size in bytes from gigabytes (10^9); `ValueError` when it is none."""
    return int(positive_decimal(text) * 10**9)


_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEADER = re.compile(r"^\s*\[\[?\s*(?P<name>[^\]#]+?)\s*\]")
_ASSIGNMENT = re.compile(r"^\s*(?P<name>[^=#\[\]]+?)\s*=")


def header_of(line: str) -> tuple[str, ...] | None:
    """The parts of the table name that a line opens (`[upstreams.relay]`); None for other lines."""
    found = _HEADER.match(line)
    return split_key(found["name"]) if found else None


def locate(text: str, section: tuple[str, ...], name: str) -> int | None:
    """The line (from 1) on which `name` of that section stands, where it is written plainly."""
    wanted = (*section, name)
    here: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if (header := header_of(line)) is not None:
            here = header
        elif found := _ASSIGNMENT.match(line):
            header = (*here, *split_key(found["name"]))
        if header is not None and header[: len(wanted)] == wanted:
            return number
    return None


def split_key(written: str) -> tuple[str, ...]:
    """The parts of a key as it is written (`upstreams."my relay".limits`)."""
    parts = re.findall(r'"([^"]*)"|\'([^\']*)\'|([^.\s]+)', written)
    return tuple(double or single or bare for double, single, bare in parts)


def _known(names: Iterable[str]) -> str:
    return "there are " + ", ".join(dict.fromkeys(names))
