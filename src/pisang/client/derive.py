"""Files made of an image: its bytes as they are, another format, another size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pisang.client.files import copy_bytes
from pisang.domain.catalogue import Catalogue
from pisang.domain.image import ResizeMode, read_facts_from
from pisang.errors import OptionInvalid

MODES: tuple[ResizeMode, ...] = get_args(ResizeMode)
MAX_SIDE = 16_384
"""Pixels. WebP stops at 16,383 and AVIF at 65,536; nothing here makes more than 6,336."""

MIN_BYTES, MAX_BYTES = 1_000, 1_000_000_000
"""Of a file that is to be no larger."""

PNG = "image/png"

_BYTES = re.compile(r"^(\d{1,10}(?:\.\d{1,3})?) ?((?:[kmg]?b)|[kmg]|)$", re.IGNORECASE)
_UNITS = {
    "": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9,
}  # fmt: skip
_SIZE = re.compile(r"^(\d{1,5})[x×X*](\d{1,5})$")
_READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Shape:
    """The pixels a file is to have, and how the picture is brought there."""

    width: int
    height: int
    mode: ResizeMode = "cover"


def parse_resize(text: str, mode: str = "cover") -> Shape:
    """The shape in `1920x1080` and a mode. Raises `OptionInvalid`."""
    found = _SIZE.match(text)
    if found is None:
        raise OptionInvalid(option="--resize", value=text, why="write it as 1920x1080")
    width, height = int(found[1]), int(found[2])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        why = f"each side is 1 to {MAX_SIDE} pixels"
        raise OptionInvalid(option="--resize", value=text, why=why)
    if mode not in MODES:
        raise OptionInvalid(option="--mode", value=mode, why=f"choose one of {', '.join(MODES)}")
    return Shape(width, height, mode)


def parse_bytes(text: str) -> int:
    """How many bytes `500kB`, `2MB` or `1500000` are; thousands, as stores and shops count. Raises
    `OptionInvalid`."""
    found = _BYTES.match(text.strip())
    size = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if not MIN_BYTES <= size <= MAX_BYTES:
        why = "write it as 500kB or 2MB (1 kB to 1 GB)"
        raise OptionInvalid(option="--max-bytes", value=text, why=why)
    return size


def check_bytes(mime: str | None, max_bytes: int | None) -> None:
    """Raises `OptionInvalid` where files of that format can't be made smaller."""
    if max_bytes is not None and mime == PNG:
        why = "PNG is not made smaller: name it .jpg or .webp"
        raise OptionInvalid(option="--max-bytes", value=max_bytes, why=why)


def lossy_for(source: Path) -> str:
    """The format that a PNG becomes which has to be smaller: WebP where it may be transparent."""
    with source.open("rb") as file:
        head = file.read(26)
    return "image/webp" if head[25:26] in (b"\x04", b"\x06") else "image/jpeg"


def exact_shape(
    catalogue: Catalogue, model_id: str, aspect_ratio: str | None, image_size: str | None
) -> Shape | None:
    """The catalogue's own pixels for what was asked; None where it does not know them."""
    model = catalogue.find(model_id)
    if model is None or aspect_ratio is None:
        return None
    pixels = model.pixels(aspect_ratio, image_size, model.table_for(model_id))
    return None if pixels is None else Shape(*pixels)


@dataclass(frozen=True, slots=True)
class Filed:
    """What a written file is."""

    mime: str
    width: int
    height: int
    size: int


def write_derived(
    source: Path, mime: str, target: Path, shape: Shape | None, max_bytes: int | None = None
) -> None:
    """Fill `target` from the image at `source`, with at most `max_bytes`.

    Raises `ReferenceUnreadable` or `OutputUnwritable`.
    """
    from pisang.pixels.convert import convert, resize  # 30 ms that most calls need not pay

    if shape is None:
        convert(source, mime, target, max_bytes=max_bytes or 0)
    else:
        size = shape.width, shape.height
        resize(source, mime, target, *size, shape.mode, max_bytes=max_bytes or 0)


def write_as_is(source: Path, target: Path) -> None:
    """Fill `target` with the image's own bytes."""
    copy_bytes(source, target)


def facts_of(path: Path) -> Filed:
    """What the file at `path` is, from its bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_READ_BYTES)
        file.seek(max(0, size - 64))
        facts = read_facts_from(head, file.read(64), size)
    if facts is None:
        return Filed("application/octet-stream", 0, 0, size)
    return Filed(facts.mime, facts.width, facts.height, size)
