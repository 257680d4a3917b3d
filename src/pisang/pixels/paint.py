"""Sandbox pictures: a landscape that follows from the prompt, with the prompt's words on it."""

from __future__ import annotations

from dataclasses import dataclass

import pyvips

from pisang.pixels.lettering import fit_size, letters, plain
from pisang.pixels.palette import Palette, colour_of, is_light
from pisang.pixels.retouch import paint_over
from pisang.pixels.scene import draw_scene

# Each operation here runs once. libvips would keep results for another time: 430 MiB of memory
# after 24 4K pictures, against 260 without [measured, 8.18].
pyvips.cache_set_max(0)

MARK = "Pisang sandbox · not a model's work"
JPEG_QUALITY = 88
LONGEST_SIDE = 16_384


@dataclass(frozen=True, slots=True)
class Painting:
    """What is to be painted: exactly `width` × `height` pixels, as one of `PAINTS`.

    `references` are the contents of given pictures, in order: the last one is painted over, the
    others are shown small. `label` is a line of small print under the prompt. `take` tells pictures
    of one prompt apart, as a model makes another one each time it is asked.
    """

    prompt: str
    width: int
    height: int
    mime: str = "image/jpeg"
    references: tuple[bytes, ...] = ()
    label: str = ""
    take: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.width <= LONGEST_SIDE and 0 < self.height <= LONGEST_SIDE):
            raise ValueError(f"{self.width}×{self.height} pixels can't be painted")
        if self.mime not in _ENCODERS:
            raise ValueError(f"a painting is JPEG, PNG or WebP, not {self.mime!r}")


def paint(spec: Painting) -> bytes:
    """The encoded picture: the same bytes for the same `spec`, always.

    Raises `ReferenceUnreadable` where a reference is no picture that can be decoded.
    """
    if spec.references:
        ground, palette = paint_over(
            spec.prompt, spec.references, spec.width, spec.height, spec.take
        )
    else:
        svg, palette = draw_scene(spec.prompt, spec.width, spec.height, spec.take)
        ground = pyvips.Image.svgload_buffer(svg.encode()).flatten().copy_memory()
    return _ENCODERS[spec.mime](_write(ground, spec, palette))


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


def _as_webp(image: pyvips.Image) -> bytes:
    return bytes(image.webpsave_buffer(Q=JPEG_QUALITY, effort=0, keep="none"))


_ENCODERS = {"image/jpeg": _as_jpeg, "image/png": _as_png, "image/webp": _as_webp}
PAINTS = tuple(_ENCODERS)
"""The media types that can be painted."""
