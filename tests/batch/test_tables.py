"""Lists are read as people have them; what a row can't mean is told by its line."""

from __future__ import annotations

import io
import json
from typing import Any

import pybase64
import pytest
from openpyxl import Workbook

from pisang.client.tables import read_table
from pisang.errors import TableUnreadable

ROWS = [{"prompt": "一只白鹭", "aspect_ratio": "16:9", "image_size": "2K", "name": "egret"}]
CSV = "提示词,比例,尺寸,文件名\n一只白鹭,16:9,2K,egret\n"


def excel(*rows: list[Any]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", CSV.encode()),
        ("a.csv", CSV.encode("utf-8-sig")),
        ("a.csv", CSV.encode("gb18030")),
        ("a.csv", CSV.encode("utf-16")),
        ("a.csv", CSV.replace(",", ";").replace("\n", "\r\n").encode()),
        ("a.tsv", CSV.replace(",", "\t").encode()),
        ("-", CSV.encode()),
        ("a.jsonl", (json.dumps(ROWS[0]) + "\n\n").encode()),
        ("-", json.dumps(ROWS[0]).encode()),
        ("a.json", json.dumps(ROWS).encode()),
        ("-", json.dumps(ROWS).encode()),
        ("tasks.json", json.dumps({"tasks": ROWS}).encode()),
        ("a.xlsx", excel(["Prompt", "Aspect Ratio", "Size", "Output"], list(ROWS[0].values()))),
        ("-", excel(["prompt", "ratio", "image-size", "name"], list(ROWS[0].values()), [None] * 4)),
    ],
)
def test_every_form_gives_the_same_record(name: str, data: bytes) -> None:
    table = read_table(name, data)
    assert table.wrong == ()
    assert [dict(one.fields) for one in table.records] == ROWS


def test_google_s_own_batch_file_is_taken_as_it_is() -> None:
    line = {
        "key": "cat-1",
        "request": {
            "contents": [
                {
                    "role": "user",
                    "parts": [
                        {"text": "make it blue"},
                        {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
                    ],
                }
            ],
            "generationConfig": {"imageConfig": {"aspectRatio": "3:4", "imageSize": "4K"}},
        },
    }
    (record,) = read_table("batch.jsonl", json.dumps(line).encode()).records
    assert record.fields == {
        "prompt": "make it blue", "aspect_ratio": "3:4", "image_size": "4K", "name": "cat-1",
    }  # fmt: skip
    assert record.pictures == (pybase64.b64decode("iVBORw=="),)


def test_excel_s_numbers_dates_and_empty_rows() -> None:
    data = excel(["prompt", "n", "sku"], ["a", 2.0, 17], [None, None, None], ["b", None, "x"])
    first, second = read_table("a.xlsx", data).records
    assert (first.line, first.fields["n"], first.columns["sku"]) == (2, "2", "17")
    assert (second.line, second.fields.get("n")) == (4, None)


def test_lists_in_a_cell_and_columns_nobody_knows() -> None:
    data = b"prompt,references,colour\nx,a.png; b.png,red\n"
    (record,) = read_table("a.csv", data).records
    assert record.fields["references"] == ["a.png", "b.png"]
    assert record.columns["colour"] == "red"


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.csv", b"", "no headings"),
        ("a.csv", b"prompt\n", "no row"),
        ("a.csv", b"prompt,prompt\na,b\n", "two columns are called 'prompt'"),
        ("a.csv", b"\xff\xff\xff", "neither UTF-8 nor GB18030"),
        ("a.json", b"{", "no JSON"),
        ("a.json", b'{"a": 1}', "no list"),
        ("a.json", b"[]", "no row"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.xlsx", b"PK\x03\x04nothing", "no Excel file"),
        ("a.csv", b"x" * ((64 << 20) + 1), "over 64 MB"),
    ],
)
def test_what_is_no_list_is_told_in_a_sentence(name: str, data: bytes, why: str) -> None:
    with pytest.raises(TableUnreadable, match=why):
        read_table(name, data)


def test_rows_that_are_none_are_told_by_their_lines() -> None:
    table = read_table("a.jsonl", b'{"prompt": "x"}\n{oops\n3\n{"request": {"contents": 3}}\n')
    assert [one.line for one in table.wrong] == [2, 3, 4]
    cut = read_table("a.csv", b"prompt,ratio\nx,1:1,extra\ny,1:1\n")
    assert [one.line for one in cut.wrong] == [2] and len(cut.records) == 1


def test_only_a_line_feed_ends_a_line_of_jsonl() -> None:
    data = '{"prompt": "a\u2028b"}\r\n{"prompt": "c\x85d"}\n'.encode()
    table = read_table("a.jsonl", data)
    assert [one.fields["prompt"] for one in table.records] == ["a\u2028b", "c\x85d"]


def test_what_no_reader_can_follow_is_wrong_by_its_line() -> None:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    odd = b'{"request": {"contents": [{"parts": []}], "generationConfig": [1]}}'
    assert [one.line for one in read_table("a.jsonl", deep + b"\n" + odd).wrong] == [1, 2]
