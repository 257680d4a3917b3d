"""Sandbox edits: a given picture stays to be seen, and to be seen as changed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pyvips

from pisang.pixels.child import Task
from pisang.pixels.limited import run
from pisang.pixels.palette import Palette
from pisang.pixels.scene import draw_overlay

WORKING_SIDE = 2048
"""A given picture is worked on at no more than this, then scaled up: enough to see the edit."""

_PAPER = [255, 253, 245]
_THUMB, _STEP, _EDGE, _FRAME = 150, 170, 60, 6
"""Of the row of small pictures, in thousandths of the short side."""


def paint_over(
    prompt: str, references: tuple[bytes, ...], width: int, height: int, take: int = 0
) -> tuple[pyvips.Image, Palette]:
    """The last reference cut to `width` × `height` under a tint, a banana and hills, the others in
    a row on top of it; and the palette. Raises `ReferenceUnreadable`."""
    *others, base = references
    ground = _ground(base, len(others), width, height)
    svg, palette = draw_overlay(prompt, width, height, take)
    over = pyvips.Image.svgload_buffer(svg.encode())
    ground = ground.composite2(over, "over").flatten().cast("uchar").copy_memory()
    return _with_thumbs(ground, tuple(others)), palette


def _ground(base: bytes, place: int, width: int, height: int) -> pyvips.Image:
    scale = min(1.0, WORKING_SIDE / max(width, height))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    (ground,) = _decode((base,), small, first=place)
    if small == (width, height):
        return ground
    return ground.resize(width / small[0], vscale=height / small[1], kernel="linear")


def _with_thumbs(ground: pyvips.Image, pictures: tuple[bytes, ...]) -> pyvips.Image:
    unit = min(ground.width, ground.height) / 1000
    room = int((ground.width / unit - 2 * _EDGE) // _STEP)
    side, frame, edge = (max(1, round(length * unit)) for length in (_THUMB, _FRAME, _EDGE))
    for place, thumb in enumerate(_decode(pictures[:room], (side, side))):
        whole = side + 2 * frame
        framed = thumb.embed(frame, frame, whole, whole, extend="background", background=_PAPER)
        ground = ground.insert(framed, edge + round(_STEP * unit) * place, edge)
    return ground


def _decode(
    pictures: tuple[bytes, ...], size: tuple[int, int], first: int = 0
) -> list[pyvips.Image]:
    """Each picture cut to cover `size`, decoded in the limited child; `first` numbers them."""
    if not pictures:
        return []
    names = tuple(f"picture {first + place + 1}" for place in range(len(pictures)))
    with TemporaryDirectory(prefix="pisang-") as folder:
        sources = [Path(folder, f"{place}.in") for place in range(len(pictures))]
        targets = [path.with_suffix(".rgb") for path in sources]
        for path, data in zip(sources, pictures, strict=True):
            path.write_bytes(data)
        paths = tuple(map(str, sources)), tuple(map(str, targets))
        run(Task("raw", *paths, width=size[0], height=size[1]), names)
        return [_from_raw(path.read_bytes(), size) for path in targets]


def _from_raw(data: bytes, size: tuple[int, int]) -> pyvips.Image:
    return pyvips.Image.new_from_memory(data, *size, 3, "uchar").copy(interpretation="srgb")
