"""Contact sheets: every picture in its place, whole; a place for each that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
import pyvips

from pisang.pixels.sheet import Cell, draw_sheet

SIDE = 100
RED, BLUE = [200, 30, 30], [30, 30, 200]


def cell(folder: Path, colour: list[int], width: int, height: int, words: str = "湖 lake") -> Cell:
    path = folder / f"{colour[0]}-{width}x{height}.png"
    picture = (pyvips.Image.black(width, height, bands=3) + colour).cast("uchar")
    picture.copy(interpretation="srgb").write_to_file(str(path))
    return Cell(path, width, height, "1 · req_1", words)


def decoded(data: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "").copy_memory()


def near(pixel: list[float], colour: list[int]) -> bool:
    return all(abs(is_ - was) < 4 for is_, was in zip(pixel, colour, strict=True))


def test_pictures_stand_in_order_and_keep_their_shape(tmp_path: Path) -> None:
    wide, tall = cell(tmp_path, RED, 400, 200), cell(tmp_path, BLUE, 200, 400)
    sheet = decoded(draw_sheet([wide, tall], side=SIDE))
    gap = 8
    assert sheet.width == 2 * SIDE + 3 * gap
    assert near(sheet(gap + 50, gap + 25), RED)
    assert near(sheet(gap + 1, gap + 48), RED)
    assert not near(sheet(gap + 50, gap + 54), RED)  # it is 50 high
    second = 2 * gap + SIDE
    assert near(sheet(second + 50, gap + 95), BLUE)
    assert not near(sheet(second + 20, gap + 50), BLUE)  # it is 50 wide, in the middle


def test_words_stand_under_each_picture(tmp_path: Path) -> None:
    with_words = decoded(draw_sheet([cell(tmp_path, RED, 100, 100)], side=SIDE))
    without = decoded(draw_sheet([cell(tmp_path, RED, 100, 100, "")], side=SIDE))
    assert with_words.height > without.height
    under = with_words.crop(0, SIDE + 8, with_words.width, with_words.height - SIDE - 8)
    assert under.min() < 120


def test_a_picture_that_is_gone_or_broken_leaves_its_place_empty(tmp_path: Path) -> None:
    good, gone = cell(tmp_path, RED, 100, 100), cell(tmp_path, BLUE, 100, 100)
    gone.path.write_bytes(b"no picture")
    sheet = decoded(draw_sheet([gone, good], side=SIDE))
    assert near(sheet(8 + 50, 8 + 50), [232, 228, 218])
    assert near(sheet(8 + SIDE + 8 + 50, 8 + 50), RED)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 2), (4, 3), (12, 4), (60, 6)])
def test_the_grid_is_a_little_wider_than_high(tmp_path: Path, count: int, columns: int) -> None:
    sheet = decoded(draw_sheet([cell(tmp_path, RED, 40, 40)] * count, side=40))
    assert sheet.width == columns * 48 + 8


@pytest.mark.parametrize(
    ("mime", "begins"),
    [("image/png", b"\x89PNG"), ("image/jpeg", b"\xff\xd8"), ("image/webp", b"RIFF")],
)
def test_it_comes_in_the_format_that_is_asked(tmp_path: Path, mime: str, begins: bytes) -> None:
    assert draw_sheet([cell(tmp_path, RED, 40, 40)], mime, 40).startswith(begins)


def test_no_picture_or_another_format_is_a_programmers_fault(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 pictures"):
        draw_sheet([])
    with pytest.raises(ValueError, match="image/avif"):
        draw_sheet([cell(tmp_path, RED, 40, 40)], "image/avif")
