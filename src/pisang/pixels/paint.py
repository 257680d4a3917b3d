"""Sandbox pictures: a landscape that follows from the prompt, with the prompt's words on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyvips

from pisang.pixels.child import Task
from pisang.pixels.lettering import fit_size, letters, plain
from pisang.pixels.limited import run
from pisang.pixels.palette import Palette, colour_of, is_light
from pisang.pixels.scene import draw_overlay, draw_scene

MARK = "Pisang sandbox · not a model's work"
JPEG_QUALITY = 88
LONGEST_SIDE = 16_384
EDIT_SIDE = 2048
"""A given picture is worked on at no more than this, then scaled up: enough to see the edit."""


@dataclass(frozen=True, slots=True)
class Painting:
    """What is to be painted: exactly `width` × `height` pixels, as `image/jpeg` or `image/png`.

    `references` are the contents of given pictures, in order: the last one is painted over, the
    others are shown small. `label` is a line of small print under the prompt.
    """

    prompt: str
    width: int
    height: int
    mime: str = "image/jpeg"
    references: tuple[bytes, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        if not (0 < self.width <= LONGEST_SIDE and 0 < self.height <= LONGEST_SIDE):
            raise ValueError(f"{self.width}×{self.height} pixels can't be painted")
        if self.mime not in _ENCODERS:
            raise ValueError(f"a painting is JPEG or PNG, not {self.mime!r}")


def paint(spec: Painting) -> bytes:
    """The encoded picture: the same bytes for the same `spec`, always.

    Raises `ReferenceUnreadable` where a reference is no picture that can be decoded.
    """
    if spec.references:
        ground, palette = _paint_over(spec)
    else:
        svg, palette = draw_scene(spec.prompt, spec.width, spec.height)
        ground = pyvips.Image.svgload_buffer(svg.encode()).flatten().copy_memory()
    return _ENCODERS[spec.mime](_write(ground, spec, palette))


def _paint_over(spec: Painting) -> tuple[pyvips.Image, Palette]:
    """The last reference under a tint, with a banana and hills over it, the others in a row."""
    *others, base = spec.references
    unit = min(spec.width, spec.height) / 1000
    scale = min(1.0, EDIT_SIDE / max(spec.width, spec.height))
    small = (max(1, round(spec.width * scale)), max(1, round(spec.height * scale)))
    side = max(8, round(150 * unit))
    shown = others[: max(0, int((spec.width / unit - 120) // 170))]
    (ground,), thumbs = _decode((base,), small), _decode(tuple(shown), (side, side))
    if scale < 1.0:
        across, down = spec.width / ground.width, spec.height / ground.height
        ground = ground.resize(across, vscale=down, kernel="linear")
    svg, palette = draw_overlay(spec.prompt, spec.width, spec.height)
    over = pyvips.Image.svgload_buffer(svg.encode())
    ground = ground.composite2(over, "over").flatten().cast("uchar").copy_memory()
    for place, thumb in enumerate(thumbs):
        framed = thumb.embed(
            round(6 * unit), round(6 * unit), side + round(12 * unit), side + round(12 * unit),
            extend="background", background=[255, 253, 245],
        )  # fmt: skip
        ground = ground.insert(framed, round((60 + 170 * place) * unit), round(60 * unit))
    return ground, palette


def _decode(pictures: tuple[bytes, ...], size: tuple[int, int]) -> list[pyvips.Image]:
    """Each picture cut to cover `size`, decoded in the limited child."""
    if not pictures:
        return []
    width, height = size
    with TemporaryDirectory(prefix="pisang-") as folder:
        sources = [Path(folder, f"{place}.in") for place in range(len(pictures))]
        targets = [path.with_suffix(".rgb") for path in sources]
        for path, data in zip(sources, pictures, strict=True):
            path.write_bytes(data)
        task = Task(
            "raw", tuple(map(str, sources)), tuple(map(str, targets)), width=width, height=height
        )
        found = run(task, tuple(f"picture {place + 1}" for place in range(len(pictures))))
        return [
            pyvips.Image.new_from_memory(path.read_bytes(), one.width, one.height, 3, "uchar").copy(
                interpretation="srgb"
            )
            for path, one in zip(targets, found, strict=True)
        ]


def _write(ground: pyvips.Image, spec: Painting, palette: Palette) -> pyvips.Image:
    short = min(spec.width, spec.height)
    margin = round(short * 0.055)
    room = spec.width - 2 * margin
    ink = "#fffdf5"
    bottom = spec.height - margin
    if spec.label:
        small = letters(plain(spec.label), max(9.0, short * 0.024), room)
        bottom -= small.height
        ground = _lay(ground, small, margin, bottom, ink, 0.72)
        bottom -= round(short * 0.028)
    words = plain(spec.prompt)
    if words:
        size = fit_size(words, room, short * 0.072)
        title = letters(words, size, room)
        ground = _lay(ground, title, margin, bottom - title.height, ink, 0.97)
    mark = letters(MARK, max(8.0, short * 0.021), room)
    corner = "#1d1d26" if is_light(palette.sky[0]) else ink
    return _lay(ground, mark, spec.width - margin - mark.width, round(margin * 0.8), corner, 0.6)


def _lay(
    ground: pyvips.Image, mask: pyvips.Image, x: int, y: int, colour: str, strength: float
) -> pyvips.Image:
    """`ground` with `mask` inked on it at `x`, `y`; what would stand outside is left out."""
    left, top = max(0, x), max(0, y)
    width, height = min(mask.width, ground.width - left), min(mask.height, ground.height - top)
    if width <= 0 or height <= 0:
        return ground
    mask = mask.crop(0, 0, width, height)
    under = ground.crop(left, top, width, height)
    share = mask * (strength / 255.0)
    inked = (under * (share * -1 + 1) + share * list(colour_of(colour))).cast("uchar")
    return ground.insert(inked, left, top)


def _as_jpeg(image: pyvips.Image) -> bytes:
    return bytes(image.jpegsave_buffer(Q=JPEG_QUALITY, keep="none"))


def _as_png(image: pyvips.Image) -> bytes:
    return bytes(image.pngsave_buffer(compression=1, filter="none", keep="none"))


_ENCODERS = {"image/jpeg": _as_jpeg, "image/png": _as_png}
