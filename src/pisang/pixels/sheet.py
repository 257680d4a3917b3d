"""A contact sheet: pictures small in a grid, each with its number and words under it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyvips

from pisang.errors import ReferenceUnreadable
from pisang.pixels.convert import rgb
from pisang.pixels.lettering import letters, plain
from pisang.pixels.palette import colour_of

MOST_COLUMNS = 6

_PAPER = [255, 253, 245]
_INK, _PALE = "#2a2530", "#8d8797"
_EMPTY = [232, 228, 218]


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet, of so many pixels; a line over its words, as an id is; its words."""

    path: Path
    width: int
    height: int
    title: str
    words: str


def draw_sheet(cells: Sequence[Cell], mime: str = "image/png", side: int = 320) -> bytes:
    """The sheet, encoded (PNG, JPEG or WebP): each picture whole within `side` pixels.

    A picture that is not there, or can't be decoded, leaves its place empty. Raises `ValueError`
    for no picture at all, and for another format.
    """
    if not cells or mime not in _SAVERS:
        raise ValueError(f"no sheet of {len(cells)} pictures as {mime!r}")
    columns = min(MOST_COLUMNS, math.ceil(math.sqrt(len(cells) * 1.2)), len(cells))
    gap = max(8, side // 20)
    pictures = _pictures(cells, side)
    blocks = [_block(cell, one, side) for cell, one in zip(cells, pictures, strict=True)]
    rows = [blocks[at : at + columns] for at in range(0, len(blocks), columns)]
    heights = [max(block.height for block in row) for row in rows]
    width = columns * (side + gap) + gap
    ground = _plain(width, sum(heights) + gap * (len(rows) + 1), _PAPER)
    top = gap
    for row, height in zip(rows, heights, strict=True):
        for place, block in enumerate(row):
            ground = ground.insert(block, gap + place * (side + gap), top)
        top += height + gap
    name, options = _SAVERS[mime]
    return bytes(getattr(ground, name)(keep="none", **options))


def _block(cell: Cell, picture: pyvips.Image, side: int) -> pyvips.Image:
    """A picture, centred, with its two captions under it."""
    small = max(11.0, side * 0.042)
    title = _text(_cut(cell.title, side / small * 1.7), small, side, _PALE)
    words = _text(_cut(cell.words, side / small * 1.6), small * 1.15, side, _INK)
    under = round(side * 0.025)
    height = picture.height + 2 * under + title.height + words.height
    ground = _plain(side, height, _PAPER).insert(picture, (side - picture.width) // 2, 0)
    ground = ground.insert(title, 0, picture.height + under)
    return ground.insert(words, 0, picture.height + 2 * under + title.height).copy_memory()


def _text(words: str, size: float, width: int, colour: str) -> pyvips.Image:
    """Words in a colour on the sheet's paper, no wider than `width`."""
    line = plain(words)
    if not line:
        return _plain(1, 1, _PAPER)
    mask = letters(line, size, width)
    mask = mask.crop(0, 0, min(mask.width, width), mask.height)
    steps = [(ink - paper) / 255 for ink, paper in zip(colour_of(colour), _PAPER, strict=True)]
    return mask.linear(steps, _PAPER).cast("uchar").copy(interpretation="srgb")


def _cut(words: str, ems: float) -> str:
    """The beginning of a text that is about so many characters of full width long."""
    flat, length = " ".join(words.split()), 0.0
    for at, letter in enumerate(flat):
        length += 1.0 if ord(letter) >= 0x2E80 else 0.56
        if length > ems:
            return flat[:at].rstrip() + "…"
    return flat


def _pictures(cells: Sequence[Cell], side: int) -> list[pyvips.Image]:
    """Each picture within `side` pixels; those of one shape are decoded by one child."""
    sizes = [_fit(cell, side) for cell in cells]
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, size in enumerate(sizes):
        alike[size].append(place)
    found: dict[int, pyvips.Image] = {}
    for size, places in alike.items():
        for place, data in zip(places, _decode([cells[p].path for p in places], size), strict=True):
            if data is not None:
                found[place] = _from_raw(data, size)
    return [found.get(place) or _plain(*size, _EMPTY) for place, size in enumerate(sizes)]


def _decode(paths: Sequence[Path], size: tuple[int, int]) -> list[bytes | None]:
    """The pixels of each, None for one that can't be read: it takes no other with it."""
    try:
        return [*rgb(paths, *size)]
    except ReferenceUnreadable:
        if len(paths) == 1:
            return [None]
    return [pixels for path in paths for pixels in _decode([path], size)]


def _fit(cell: Cell, side: int) -> tuple[int, int]:
    scale = side / max(cell.width, cell.height, 1)
    return max(1, round(cell.width * scale)), max(1, round(cell.height * scale))


def _from_raw(data: bytes, size: tuple[int, int]) -> pyvips.Image:
    return pyvips.Image.new_from_memory(data, *size, 3, "uchar").copy(interpretation="srgb")


def _plain(width: int, height: int, colour: list[int]) -> pyvips.Image:
    ground = pyvips.Image.black(width, height, bands=3) + colour
    return ground.cast("uchar").copy(interpretation="srgb")


_SAVERS: dict[str, tuple[str, dict[str, int]]] = {
    "image/png": ("pngsave_buffer", {"compression": 6}),
    "image/jpeg": ("jpegsave_buffer", {"Q": 90}),
    "image/webp": ("webpsave_buffer", {"Q": 90}),
}
SHEET_MIMES = tuple(_SAVERS)
"""The media types that a sheet can be written as."""
