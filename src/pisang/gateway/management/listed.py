"""A list as the body of `POST /batches`: CSV, JSON lines, or a JSON list; its options in the query.

Rows of JSON are what `POST /generations` takes, or a prompt, or a line of Google's batch files;
common other headings (比例, ratio) mean the same. Columns of CSV that name no option are for the
template in `prompt`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pybase64

from pisang.client.tables import Record, Wrong, decoded, heading_of, of_google, read_table
from pisang.client.templates import fill
from pisang.domain.content import Span
from pisang.domain.request import JSON
from pisang.errors import OptionInvalid, PisangError, RequestTooLarge
from pisang.gateway.intake import NAME, read_body
from pisang.gateway.management.reading import read_plain
from pisang.gateway.visits import Visit

MAX_BYTES = 16 << 20
"""Of CSV and of JSON lines, which are held whole. Larger pictures go into a JSON list, or are named
by their ids."""

_FORMS = {
    "text/csv": "rows.csv",
    "text/tab-separated-values": "rows.tsv",
    "application/jsonl": "rows.jsonl",
    "application/json-lines": "rows.jsonl",
    "application/jsonlines": "rows.jsonl",
    "application/x-jsonlines": "rows.jsonl",
    "application/x-ndjson": "rows.jsonl",
}
_WHOLE = ("concurrency", "priority")
_OF_BATCH = ("name", "max_cost")
_OF_ROWS = ("model", "aspect_ratio", "image_size", "via", "system")


@dataclass(frozen=True, slots=True)
class Line:
    """A row as a body of `POST /generations`, and its line (or its place in a list)."""

    line: int
    wish: JSON


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows of a list, and those that could not be read."""

    lines: tuple[Line, ...]
    wrong: tuple[Wrong, ...] = ()


def name_of(visit: Visit) -> str | None:
    """What a file of this body's form would be called; None for JSON."""
    kind = visit.headers.get("content-type", "").partition(";")[0].strip().lower()
    return _FORMS.get(kind)


async def read_whole(visit: Visit) -> bytes:
    """The body. Raises `RequestTooLarge`, and `Gone`."""
    data = bytearray()
    async for chunk in read_body(visit):
        data += chunk
        if len(data) > MAX_BYTES:
            raise RequestTooLarge(upstream=NAME)
    return bytes(data)


def read_lines(name: str, data: bytes, template: str | None) -> Listed:
    """The rows of CSV or JSON lines, in CSV with `template` in place of a prompt. Raises
    `TableUnreadable`."""
    return _read_jsonl(name, data) if name.endswith(".jsonl") else _read_csv(name, data, template)


def _read_jsonl(name: str, data: bytes) -> Listed:
    lines: list[Line] = []
    wrong: list[Wrong] = []
    # Not splitlines(): a JSON text may hold U+2028 and U+0085 as they are.
    for number, text in enumerate(decoded(name, data).split("\n"), 1):
        if not text.strip():
            continue
        try:
            one = of_values([json.loads(text)], number)
        except (ValueError, RecursionError):
            wrong.append(Wrong(number, "it is no JSON, or nested too deeply"))
            continue
        lines += one.lines
        wrong += one.wrong
    return Listed(tuple(lines), tuple(wrong))


def _read_csv(name: str, data: bytes, template: str | None) -> Listed:
    table = read_table(name, data)
    lines: list[Line] = []
    wrong = list(table.wrong)
    for record in table.records:
        try:
            lines.append(Line(record.line, _of_record(record, template)))
        except PisangError as error:
            wrong.append(Wrong(record.line, error.message().rstrip(".")))
    return Listed(tuple(lines), tuple(wrong))


def of_values(values: Sequence[JSON], first: int = 1) -> Listed:
    """The rows of a JSON list, whose long strings may be spans; their lines begin at `first`."""
    lines: list[Line] = []
    wrong: list[Wrong] = []
    for place, value in enumerate(values, first):
        if isinstance(value, str | Span):
            lines.append(Line(place, {"prompt": value}))
        elif isinstance(value, dict) and isinstance(value.get("request"), dict):
            try:
                plain: Any = read_plain(value)
                lines.append(Line(place, _of_record(of_google(place, plain), None)))
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                wrong.append(Wrong(place, f"its request is not in Google's form ({error})"))
        elif isinstance(value, dict):
            lines.append(Line(place, {_named(heading): one for heading, one in value.items()}))
        else:
            wrong.append(Wrong(place, "it is neither an object nor a text"))
    return Listed(tuple(lines), tuple(wrong))


def options_of(query: Mapping[str, str]) -> dict[str, JSON]:
    """What a query says of the batch, and under `defaults` of its rows. Raises `OptionInvalid`."""
    told: dict[str, JSON] = {name: query[name] for name in _OF_BATCH if name in query}
    told |= {name: _number(name, query[name], int) for name in _WHOLE if name in query}
    if "every_s" in query:
        told["every_s"] = _number("every_s", query["every_s"], float)
    defaults: dict[str, JSON] = {name: query[name] for name in _OF_ROWS if name in query}
    return {**told, "defaults": defaults}


def _number(name: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise OptionInvalid(option=name, value=text[:40], why="a number is needed") from None


def _named(heading: str) -> str:
    """What a heading means; itself where it means none of our options, for the check to tell."""
    return heading_of(heading) or heading


def _of_record(record: Record, template: str | None) -> JSON:
    wish: dict[str, Any] = {name: cell for name, cell in record.fields.items() if name != "name"}
    if template is not None:
        wish["prompt"] = fill(template, record)
    if "n" in wish:
        wish["n"] = _number("n", str(wish["n"]), int)
    if record.pictures:
        wish["references"] = [pybase64.b64encode(one).decode() for one in record.pictures]
    return wish
