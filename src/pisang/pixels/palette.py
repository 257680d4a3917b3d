"""Colours and dice of the sandbox's pictures: both follow from the prompt and the take."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

T = TypeVar("T")


class Dice:
    """Numbers that look random and follow from `seed`: the same for ever, on every machine."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode("utf-8", "surrogatepass")
        self._count = 0

    def unit(self) -> float:
        """The next number, 0 ≤ x < 1."""
        digest = hashlib.sha256(self._count.to_bytes(4, "big") + self._seed).digest()
        self._count += 1
        return int.from_bytes(digest[:4], "big") / 2**32

    def between(self, low: float, high: float) -> float:
        """The next number, `low` ≤ x < `high`."""
        return low + (high - low) * self.unit()

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`."""
        return choices[int(self.unit() * len(choices))]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one picture.

    `sky` from top to horizon; `light` is sun or moon; `far` and `near` the ends of the ground's
    fade; `accent` the banana.
    """

    name: str
    sky: tuple[str, str, str]
    light: str
    far: str
    near: str
    accent: str = "#ffd84a"
    night: bool = False


PALETTES = (
    Palette("dawn", ("#3b3b78", "#cf7a92", "#ffd9a8"), "#fff3d0", "#a8698c", "#231a3c"),
    Palette("mango", ("#ee7f45", "#f8b964", "#ffeec0"), "#fffaf0", "#dd8450", "#4a1f2b"),
    Palette("lagoon", ("#11596b", "#37aaa5", "#e9f2cb"), "#fffbe2", "#3c9c99", "#092a36"),
    Palette(
        "night", ("#080d22", "#1b2a5c", "#4d5fb0"), "#fdf3cc", "#3a4a8e", "#060917", night=True
    ),
    Palette("mint", ("#6cc7a6", "#c9efd0", "#fff8e2"), "#fffdf2", "#8ccdae", "#153f35"),
    Palette("blossom", ("#ef9fb8", "#fbd5d9", "#fff4e9"), "#fffaf4", "#e3a1b7", "#55233f"),
    Palette("ink", ("#cfcabd", "#e6e1d4", "#f6f2e8"), "#c9463a", "#b5b0a3", "#262523", "#d9a520"),
    Palette(
        "aurora", ("#04121b", "#0c4047", "#48b08f"), "#f4ffd9", "#1f6a66", "#020b10", night=True
    ),
    Palette("violet", ("#51407f", "#ab93d1", "#fbe6ec"), "#fff6e0", "#9d86c2", "#251a44"),
    Palette("dune", ("#e9a76c", "#f5d3a7", "#fff3e0"), "#fffaf0", "#e0a072", "#4d2419"),
    Palette("arctic", ("#3f7abd", "#9cc8f1", "#f3faff"), "#ffffff", "#8bb5de", "#112a45"),
    Palette("neon", ("#150828", "#64196b", "#ff6a94"), "#ffe873", "#8c2a7d", "#0b0518", night=True),
)

HINTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("neon", ("neon", "cyber", "霓虹", "赛博")),
    ("aurora", ("aurora", "极光")),
    ("night", ("night", "moon", "star", "夜", "月", "星")),
    ("ink", ("ink wash", "calligraphy", "水墨", "书法", "国画")),
    ("arctic", ("snow", "winter", "ice", "雪", "冬", "冰")),
    ("blossom", ("blossom", "sakura", "pink", "樱", "桃花", "粉色")),
    ("mango", ("sunset", "dusk", "日落", "夕阳", "黄昏", "落日")),
    ("dune", ("desert", "dune", "沙漠", "沙丘")),
    ("lagoon", ("sea", "ocean", "beach", "海", "沙滩")),
    ("mint", ("garden", "forest", "spring", "花园", "森林", "春", "草")),
)
"""Words that lean a picture toward a palette, first match first."""


def choose_palette(prompt: str, dice: Dice) -> Palette:
    """The palette that a word of the prompt asks for, else one by dice."""
    chance = dice.pick(PALETTES)
    words = prompt.lower()
    for name, hints in HINTS:
        if any(hint in words for hint in hints):
            return next(palette for palette in PALETTES if palette.name == name)
    return chance


def colour_of(text: str) -> Colour:
    """`#rrggbb` as numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mix(one: str, other: str, share: float) -> str:
    """`one` and `other` blended: `share` 0 gives `one`, 1 gives `other`."""
    pairs = zip(colour_of(one), colour_of(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def is_light(colour: str) -> bool:
    """Whether dark letters read better on it than light ones (Rec. 709 luma)."""
    red, green, blue = colour_of(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 140
