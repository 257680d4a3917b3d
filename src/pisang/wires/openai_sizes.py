"""Pixels and tiers: OpenAI's `size` ("1536x864") against our aspect ratio and image size.

OpenAI-compatible servers are asked in pixels, the Nano Banana models in a ratio and a tier. The
table made here holds, for each of the 14 ratios (Google, image-generation page, July 2026) and
each tier, a width and height divisible by 16, which OpenAI's newer models demand (openai-python
3.54.0, `image_generate_params`: sides ÷ 16, at most 3840x2160). So "4K" is the area of
3840x2160 here. Backwards, the nearest ratio and the nearest tier are found in log space.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pisang.domain.request import Request
from pisang.domain.upstream import Quirks
from pisang.errors import OptionInvalid, RatioUnsupported, SizeUnsupported

RATIOS = (
    "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4",
    "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1",
)  # fmt: skip

SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 2880}
"""Each tier's side when it is square, in pixels; 2880² is the area of 3840x2160."""

_TIERS = {tier: (side, 4096 if tier == "4K" else side) for tier, side in SIDES.items()}
"""The sides that are a tier without any doubt, least and greatest: a 4096 square is 4K as well."""

_STEP = 16
_RATIO_TOLERANCE = math.log(1.05)
_SIDE_TOLERANCE = math.log(1.15)
_SPECIAL = {("21:9", "4K"): (3840, 1648)}  # no side may pass 3840

_RATIO = re.compile(r"(\d{1,4}):(\d{1,4})", re.ASCII)
_SIZE = re.compile(r"(\d{1,5})\s*[xX×*]\s*(\d{1,5})", re.ASCII)
_SMALL = {"0.5K": "512", "512PX": "512"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a `size` asks for. `near` is false when its pixels are noticeably others than ours."""

    aspect_ratio: str
    image_size: str
    near: bool


def normal_tier(image_size: str) -> str:
    """`1k` → `1K`, `0.5K` and `512px` → `512`; anything else as it is, upper case."""
    upper = image_size.strip().upper()
    return _SMALL.get(upper, upper)


def pixels_for(aspect_ratio: str, image_size: str, model: str) -> tuple[int, int]:
    """Width and height to ask an OpenAI-compatible server for.

    Raises `RatioUnsupported` or `SizeUnsupported` where there are no pixels for it.
    """
    match = _RATIO.fullmatch(aspect_ratio)
    if match is None or not int(match[1]) or not int(match[2]):
        raise RatioUnsupported(aspect_ratio=aspect_ratio, model=model, choices=", ".join(RATIOS))
    tier = normal_tier(image_size)
    if tier not in SIDES:
        raise SizeUnsupported(image_size=image_size, model=model, choices=", ".join(SIDES))
    if (aspect_ratio, tier) in _SPECIAL:
        return _SPECIAL[aspect_ratio, tier]
    stretch = math.sqrt(int(match[1]) / int(match[2]))
    return _round(SIDES[tier] * stretch), _round(SIDES[tier] / stretch)


def read_size(size: str) -> Shape | None:
    """The nearest ratio and tier of a `WxH`; None for `auto` and the empty string.

    Raises `OptionInvalid` for anything else.
    """
    text = size.strip()
    if text.lower() in ("", "auto"):
        return None
    match = _SIZE.fullmatch(text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not width or not height:
        raise OptionInvalid(option="size", value=size[:40], why="write WIDTHxHEIGHT, or auto")
    ratio = min(RATIOS, key=lambda one: _distance(_value(one), width / height))
    side = math.sqrt(width * height)
    tier = min(_TIERS, key=lambda one: _outside(side, *_TIERS[one]))
    near = (
        _distance(_value(ratio), width / height) <= _RATIO_TOLERANCE
        and _outside(side, *_TIERS[tier]) <= _SIDE_TOLERANCE
    )
    return Shape(ratio, tier, near)


def _outside(side: float, least: float, greatest: float) -> float:
    """How far a side is from a tier, in log space; 0 within it."""
    return max(0.0, math.log(least / side), math.log(side / greatest))


def _round(side: float) -> int:
    return max(_STEP, round(side / _STEP) * _STEP)


def _value(ratio: str) -> float:
    wide, high = ratio.split(":")
    return int(wide) / int(high)


def _distance(one: float, other: float) -> float:
    return abs(math.log(one / other))


def model_id(request: Request, quirks: Quirks) -> str:
    """The id to call, with the size at its end where the upstream wants it there.

    1K is what the bare name makes.
    """
    suffix = f"-{normal_tier(request.image_size or '1K').lower()}"
    if not quirks.size_suffix or suffix == "-1k" or request.model.endswith(suffix):
        return request.model
    return request.model + suffix
