"""Lists of wishes as people have them: CSV, JSON, JSONL (Google's batch form too), Excel.

A row becomes a `Record`: the fields that name an option under its own name, whatever language the
column's heading is in, and every column under its heading, for templates. What a row can't mean is
told with its line; nothing is guessed.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pisang.client.files import reason_of
from pisang.errors import ExtraMissing, TableUnreadable

MAX_BYTES = 64 << 20
MAX_ROWS = 200_000

Cell = str | bytes | Sequence[str | bytes]
"""What a row says of an option. Bytes are a picture, and only rows of Python hold any."""

_HEADINGS: Mapping[str, str] = {
    heading: name
    for name, headings in {
        "prompt": ("prompt", "text", "description", "提示词", "描述", "文字"),
        "image": ("image", "edit", "source", "input", "原图", "图片", "底图"),
        "references": ("references", "reference", "refs", "参考图", "参考"),
        "model": ("model", "模型"),
        "aspect_ratio": ("aspectratio", "ratio", "aspect", "比例", "宽高比", "画幅"),
        "image_size": ("imagesize", "size", "resolution", "尺寸", "分辨率", "大小"),
        "n": ("n", "count", "number", "数量", "张数"),
        "name": ("name", "out", "output", "outputpath", "filename", "文件名", "输出", "名称"),
        "max_cost": ("maxcost", "最高价"),
        "system": ("system",),
        "tags": ("tags", "tag", "标签"),
    }.items()
    for heading in headings
}  # fmt: skip
_LISTS = frozenset({"references", "tags"})


@dataclass(frozen=True, slots=True)
class Record:
    """One row: where it stands (its line, or its place in a list, from 1), what of it names an
    option, and all its columns as text by their headings. `pictures` are bytes that it holds."""

    line: int
    fields: Mapping[str, Cell] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a row, and where."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """A list that was read: its records, and the rows that could not be."""

    records: tuple[Record, ...]
    wrong: tuple[Wrong, ...] = ()


def read_table(name: str, data: bytes) -> Table:
    """The records in a file of that name; the name's ending says its form, else its first bytes.

    Raises `TableUnreadable` for what is no list at all, `ExtraMissing` for Excel without its part.
    """
    if len(data) > MAX_BYTES:
        raise TableUnreadable(path=name, why=f"it is over {MAX_BYTES >> 20} MB")
    form = _FORMS.get(Path(name).suffix.lower()) or _sniff(data)
    table = form(name, data)
    if not table.records and not table.wrong:
        raise TableUnreadable(path=name, why="there is no row in it")
    if len(table.records) > MAX_ROWS:
        raise TableUnreadable(path=name, why=f"it has more than {MAX_ROWS:,} rows")
    return table


def read_file(path: Path) -> Table:
    """The records in that file. Raises as `read_table`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TableUnreadable(path=str(path), why=reason_of(error)) from error
    return read_table(path.name, data)


def read_rows(rows: Iterable[object]) -> Table:
    """The records of rows that a program holds: prompts, or mappings, in which a picture may be
    bytes or a `Path` too. Their lines are their places, from 1. Raises as `read_table`."""
    told = (dict(row) if isinstance(row, Mapping) else row for row in rows)
    table = _of_values(enumerate(told, 1))
    if not table.records and not table.wrong:
        raise TableUnreadable(path="rows", why="there is no row in it")
    return table


# --- forms ---------------------------------------------------------------------------------------


def _read_csv(name: str, data: bytes) -> Table:
    text = decoded(name, data)
    first = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        headings = next(rows, [])
        lined = [(rows.line_num, row) for row in rows]
    except csv.Error as error:
        raise TableUnreadable(path=name, why=f"line {rows.line_num}: {error}") from error
    return _gathered(name, headings, lined)


def _read_excel(name: str, data: bytes) -> Table:
    """The first sheet. A formula counts as what it last came to."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ExtraMissing(feature="Reading Excel files", extra="xlsx") from error
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    except Exception as error:
        raise TableUnreadable(path=name, why="it is no Excel file (.xlsx)") from error
    texts = [[_text(cell) for cell in row] for row in rows]
    headings = texts[0] if texts else []
    return _gathered(name, headings, list(enumerate(texts[1:], 2)))


def _read_json(name: str, data: bytes) -> Table:
    try:
        value = json.loads(decoded(name, data))
    except ValueError as error:
        raise TableUnreadable(path=name, why=f"it is no JSON ({error})") from error
    except RecursionError as error:
        raise TableUnreadable(path=name, why="it is nested too deeply") from error
    if isinstance(value, dict):  # {"tasks": […]}, as IKunImage and others write it
        lists = [one for one in value.values() if isinstance(one, list)]
        value = lists[0] if len(lists) == 1 else value
    if not isinstance(value, list):
        raise TableUnreadable(path=name, why="it holds no list of rows")
    return _of_values(enumerate(value, 1))


def _read_jsonl(name: str, data: bytes) -> Table:
    records: list[Record] = []
    wrong: list[Wrong] = []
    # Not splitlines(): a JSON text may hold U+2028 and U+0085 as they are.
    for line, text in enumerate(decoded(name, data).split("\n"), 1):
        if not text.strip():
            continue
        try:
            one = _of_values([(line, json.loads(text))])
        except (ValueError, RecursionError):
            wrong.append(Wrong(line, "it is no JSON, or nested too deeply"))
            continue
        records += one.records
        wrong += one.wrong
    return Table(tuple(records), tuple(wrong))


_FORMS: Mapping[str, Callable[[str, bytes], Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,
    ".xlsx": _read_excel,
    ".json": _read_json,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
}


def _sniff(data: bytes) -> Callable[[str, bytes], Table]:
    """The form of what has no telling name: standard input."""
    if data.startswith(b"PK\x03\x04"):
        return _read_excel
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"["):
        return _read_json
    return _read_jsonl if start.startswith(b"{") else _read_csv


# --- rows ----------------------------------------------------------------------------------------


def _gathered(name: str, headings: list[str], rows: list[tuple[int, list[str]]]) -> Table:
    """Records of rows under headings. Rows without a word in them are passed over."""
    named = [unicodedata.normalize("NFKC", one).strip() for one in headings]
    if not any(named):
        raise TableUnreadable(path=name, why="its first line has no headings")
    doubled = sorted({one for one in named if one and named.count(one) > 1})
    if doubled:
        raise TableUnreadable(path=name, why=f"two columns are called {doubled[0]!r}")
    records: list[Record] = []
    wrong: list[Wrong] = []
    for line, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if any(cell.strip() for cell in row[len(named) :]):
            wrong.append(
                Wrong(line, f"it has {len(row)} cells and there are {len(named)} headings")
            )
            continue
        cells = {head: cell for head, cell in zip(named, row, strict=False) if head}
        records.append(_record(line, cells))
    return Table(tuple(records), tuple(wrong))


def _of_values(values: Iterable[tuple[int, object]]) -> Table:
    records: list[Record] = []
    wrong: list[Wrong] = []
    for line, value in values:
        if isinstance(value, str):
            records.append(_record(line, {"prompt": value}))
        elif not isinstance(value, dict):
            wrong.append(Wrong(line, "it is neither an object nor a text"))
        elif isinstance(value.get("request"), dict):
            try:
                records.append(of_google(line, value))
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                wrong.append(Wrong(line, f"its request is not in Google's form ({error})"))
        else:
            records.append(_record(line, value))
    return Table(tuple(records), tuple(wrong))


def heading_of(heading: str) -> str | None:
    """The option that a column's heading means, in whichever language; None: it means none."""
    return _HEADINGS.get(re.sub(r"[\s_\-]", "", heading).lower())


def _record(line: int, cells: Mapping[str, Any]) -> Record:
    fields: dict[str, Cell] = {}
    columns: dict[str, str] = {}
    for heading, value in cells.items():
        heading = str(heading)
        columns[heading] = _text(value)
        name = heading_of(heading)
        if name is None or name in fields:
            continue
        cell: Cell = _listed(value) if name in _LISTS else _word(value)
        if cell:
            fields[name] = cell
    return Record(line, fields, columns)


def of_google(line: int, value: Mapping[str, Any]) -> Record:
    """`{"key": …, "request": {"contents": […], "generationConfig": {…}}}`, a line of Google's batch
    files (ai.google.dev/gemini-api/docs/batch-api, 2026-07)."""
    import pybase64

    request = value["request"]
    words: list[str] = []
    pictures: list[bytes] = []
    for content in request["contents"]:
        for part in content["parts"]:
            inline = part.get("inlineData") or part.get("inline_data")
            if isinstance(part.get("text"), str):
                words.append(part["text"])
            elif inline:
                pictures.append(pybase64.b64decode(inline["data"], validate=True))
            else:
                raise ValueError("a part is neither text nor an inline picture")
    config = request.get("generationConfig") or request.get("generation_config") or {}
    shape = config.get("imageConfig") or config.get("image_config") or {}
    asked = {
        "prompt": "\n".join(words),
        "aspect_ratio": shape.get("aspectRatio") or shape.get("aspect_ratio") or "",
        "image_size": shape.get("imageSize") or shape.get("image_size") or "",
        "model": str(request.get("model") or "").removeprefix("models/"),
        "name": str(value.get("key") or ""),
    }
    fields = {name: cell for name, cell in asked.items() if cell}
    return Record(line, fields, {**fields, "key": asked["name"]}, tuple(pictures))


def _text(value: Any) -> str:
    """A cell as text: whole numbers without a fraction, dates as they are written. What is no text
    (bytes, and the NaN that stands for nothing in a data frame) is none."""
    if value is None or isinstance(value, bytes) or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_text)
    return str(value).strip()


def _word(value: Any) -> str | bytes:
    return value if isinstance(value, bytes) else _text(value)


def _listed(value: Any) -> list[str | bytes]:
    if isinstance(value, list | tuple):
        return [one for one in map(_word, value) if one]
    if isinstance(value, bytes):
        return [value]
    return [one for one in (part.strip() for part in re.split(r"[;；|\n]", _text(value))) if one]


def decoded(name: str, data: bytes) -> str:
    """UTF-8 with or without a mark, else GB18030, which Excel in Chinese writes."""
    for encoding in _encodings(data):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableUnreadable(path=name, why="its text is neither UTF-8 nor GB18030")


def _encodings(data: bytes) -> Iterator[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield "utf-16"
    yield "utf-8-sig"
    yield "gb18030"
