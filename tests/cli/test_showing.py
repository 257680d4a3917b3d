"""`show` with two and with many, `history` by state, tag and time, and lines that fit."""

from __future__ import annotations

import pytest

from pisang.cli.table import flow, fold, width_of
from tests.cli.conftest import Pisang

AS_JSON = ("--format", "json")


@pytest.fixture
def two(pisang: Pisang) -> tuple[str, str]:
    """Two requests of one upstream, which differ in words, ratio and tag."""
    sandbox = ("--via", "sandbox", "--image-size", "512", *AS_JSON)
    first = pisang("generate", "a lake at dawn", "-r", "16:9", "--tag", "water", *sandbox)
    second = pisang("generate", "晨雾中的江南水乡", "-r", "1:1", *sandbox)
    return first.json["request_id"], second.json["request_id"]


def test_two_are_compared_by_what_differs(pisang: Pisang, two: tuple[str, str]) -> None:
    said = pisang("show", two[0], "--compare", two[1], *AS_JSON).json
    facts = {one["fact"]: (one["first"], one["second"]) for one in said["differences"]}
    assert facts["prompt"] == ("a lake at dawn", "晨雾中的江南水乡")
    assert facts["aspect_ratio"] == ("16:9", "1:1")
    assert facts["tags"] == ("water", "")
    assert "model" not in facts and "image_size" not in facts
    assert said["path"] is None


def test_the_table_of_differences_has_names_in_both_languages(
    pisang: Pisang, two: tuple[str, str]
) -> None:
    words = ("show", two[0], "--compare", two[1])
    assert "ratio" in pisang(*words).out
    assert "比例" in pisang(*words, PISANG_LANG="zh").out


def test_one_and_the_same_differs_in_nothing(pisang: Pisang, two: tuple[str, str]) -> None:
    assert pisang("show", two[0], "--compare", two[0]).out == (
        "They differ in nothing that is known.\n"
    )


def test_two_stand_side_by_side_on_a_picture(pisang: Pisang, two: tuple[str, str], folder) -> None:
    said = pisang("show", *two[:1], "--compare", two[1], "--sheet", "both.jpg", *AS_JSON)
    assert said.json["path"] == "both.jpg"
    assert (folder / "both.jpg").read_bytes().startswith(b"\xff\xd8")


def test_the_newest_stand_on_a_contact_sheet(pisang: Pisang, two: tuple[str, str], folder) -> None:
    said = pisang("show", "--last", "5", "--sheet", "contact.png", *AS_JSON).json
    assert [one["request_id"] for one in said["images"]] == [two[1], two[0]]
    assert [one["number"] for one in said["images"]] == [1, 2]
    assert (folder / "contact.png").read_bytes().startswith(b"\x89PNG")


def test_those_that_are_named_stand_on_it_in_that_order(
    pisang: Pisang, two: tuple[str, str], folder
) -> None:
    said = pisang("show", two[0], two[1], "--sheet", "contact.webp", "--format", "quiet")
    assert said.out == "contact.webp\n"
    again = pisang("show", *two, "--sheet", "contact.webp")
    assert again.code == 2
    assert "contact.webp" in again.err
    assert pisang("show", *two, "--sheet", "contact.webp", "--force").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("a", "b"),
        ("--last", "3"),
        ("a", "--last", "3", "--sheet", "x.png"),
        ("a", "b", "--compare", "c"),
        ("--force",),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    pisang: Pisang, words: tuple[str, ...]
) -> None:
    said = pisang("show", *words)
    assert said.code == 2
    assert "pisang show" in said.err.splitlines()[-1]


def test_a_sheet_is_a_picture_file(pisang: Pisang, two: tuple[str, str]) -> None:
    for name in ("sheet.gif", "sheet", "sheet.avif"):
        said = pisang("show", two[0], "--sheet", name)
        assert said.code == 2
        assert ".png, .jpg or .webp" in said.err


def test_a_sheet_of_nothing_is_refused(pisang: Pisang) -> None:
    said = pisang("show", "--last", "3", "--sheet", "x.png")
    assert said.code == 2
    assert "nothing to put on a sheet" in said.err


def test_history_finds_by_state_tag_and_time(pisang: Pisang, two: tuple[str, str]) -> None:
    refused = pisang("generate", "[[sandbox finish=SAFETY]] x", "--via", "sandbox", *AS_JSON)
    assert refused.code == 4

    def ids(*words: str) -> list[str]:
        return [one["id"] for one in pisang("history", *words, *AS_JSON).json["requests"]]

    assert ids("--state", "done") == [two[1], two[0]]
    assert len(ids("--state", "refused")) == 1
    assert ids("--tag", "water") == [two[0]]
    assert ids("lake", "--tag", "water") == [two[0]]
    assert ids("--tag", "wat") == []
    assert len(ids("--since", "1d")) == 3
    assert ids("--since", "2020", "--state", "unknown") == []


def test_history_says_when_nothing_is_like_that(pisang: Pisang, two: tuple[str, str]) -> None:
    assert pisang("history", "--tag", "none").err == "No request is like that.\n"
    assert pisang("history", "--since", "someday").code == 2
    assert pisang("history", "--state", "lost").code == 2


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_folded_lines_fit_and_lose_nothing_but_the_end_of_the_last(columns: int) -> None:
    cells = ("2026-08-21 10:00", "完成", "0.067 USD", "一只可爱的小猫咪坐在花园里，油画风格，高清")
    lines = fold(cells, columns, "  ")
    assert all(width_of(line) <= columns for line in lines)
    said = " ".join(lines)
    assert all(cell in said for cell in cells[:3])
    assert "一只可爱" in said


def test_a_cell_that_is_longer_than_a_line_is_left_whole() -> None:
    assert flow(("a", "b" * 30, "c"), 20) == ["a", "  " + "b" * 30, "  c"]
