"""The sandbox's landscapes: which one a prompt gets, and how each is put together.

Nothing of the prompt's text enters the SVG.
"""

from __future__ import annotations

from collections.abc import Callable

from pisang.pixels.palette import Dice, Palette, choose_palette, mix
from pisang.pixels.pieces import (
    SHORT_SIDE,
    Frame,
    draw_banana,
    draw_birds,
    draw_clouds,
    draw_flowers,
    draw_glitter,
    draw_glow,
    draw_light,
    draw_peaks,
    draw_ridges,
    draw_scrim,
    draw_sky,
    draw_stars,
    draw_waves,
)
from pisang.pixels.svg import document, fade

Scene = Callable[[Frame], str]


def draw_scene(prompt: str, width: int, height: int, take: int = 0) -> tuple[str, Palette]:
    """The SVG of a whole scene of exactly `width` × `height` pixels, and its palette."""
    frame = _frame(prompt, width, height, take)
    scene = _choose(prompt, frame)
    body = draw_sky(frame) + scene(frame) + draw_scrim(frame)
    return document(width, height, (frame.width, frame.height), body), frame.palette


def draw_overlay(prompt: str, width: int, height: int, take: int = 0) -> tuple[str, Palette]:
    """The SVG that is laid over a given picture to show that it was edited, and its palette."""
    frame = _frame(prompt, width, height, take)
    top, _, bottom = frame.palette.sky
    body = fade("tint", (0, top, 0.55), (1, bottom, 0.3), slant=True) + frame.fill("url(#tint)")
    x, y = frame.width * frame.dice.between(0.62, 0.8), frame.height * frame.dice.between(0.2, 0.34)
    body += draw_glow(frame, x, y, 330)
    body += draw_banana(frame, x, y, 300, frame.dice.between(-25, 15))
    body += draw_ridges(frame, top=0.7, layers=3, rough=22) + draw_scrim(frame)
    return document(width, height, (frame.width, frame.height), body), frame.palette


def _frame(prompt: str, width: int, height: int, take: int) -> Frame:
    dice = Dice(f"{prompt}\0{take}" if take else prompt)
    unit = SHORT_SIDE / min(width, height)
    return Frame(width * unit, height * unit, choose_palette(prompt, dice), dice)


def _light_place(frame: Frame) -> tuple[float, float]:
    x = frame.width * frame.dice.pick((0.24, 0.32, 0.68, 0.76)) + frame.dice.between(-40, 40)
    return x, frame.height * frame.dice.between(0.24, 0.36)


def _stray_banana(frame: Frame) -> str:
    x = frame.width * frame.dice.between(0.4, 0.6)
    y = frame.height * frame.dice.between(0.16, 0.24)
    return draw_banana(frame, x, y, 120, frame.dice.between(-30, 30))


def _hills(frame: Frame) -> str:
    x, y = _light_place(frame)
    body = draw_light(frame, x, y, frame.dice.between(95, 150)) + draw_clouds(frame, 3)
    body += draw_ridges(frame, top=frame.dice.between(0.5, 0.58), layers=5, rough=60)
    return body + draw_birds(frame, x, y) + _stray_banana(frame)


def _garden(frame: Frame) -> str:
    return _hills(frame) + draw_flowers(frame)


def _peaks(frame: Frame) -> str:
    x, y = _light_place(frame)
    body = draw_light(frame, x, y, frame.dice.between(80, 125))
    for depth, low, high in ((0.1, 380, 500), (0.4, 230, 310)):
        body += draw_peaks(frame, depth, low, high)
    body += draw_ridges(frame, top=0.68, layers=4, rough=34)
    return body + draw_birds(frame, x, y) + _stray_banana(frame)


def _sea(frame: Frame) -> str:
    dice, colours = frame.dice, frame.palette
    horizon = frame.height * dice.between(0.5, 0.56)
    x = frame.width * dice.between(0.3, 0.7)
    body = draw_light(frame, x, horizon - dice.between(-20, 190), dice.between(100, 150))
    body += draw_clouds(frame, 2)
    body += draw_ridges(frame, top=horizon / frame.height - 0.035, layers=1, rough=22)
    body += fade("water", (0, mix(colours.sky[2], colours.far, 0.55), 1), (1, colours.near, 1))
    body += frame.fill("url(#water)", horizon) + draw_glitter(frame, x, horizon)
    boat = frame.width * (0.24 if x > frame.width / 2 else 0.7)
    line = horizon + 0.16 * (frame.height - horizon)
    return body + draw_banana(frame, boat, line, 250, -14) + draw_waves(frame, line + 52)


def _banana_moon(frame: Frame) -> str:
    if not frame.palette.night and frame.palette.name != "violet":
        return _hills(frame)
    x, y = _light_place(frame)
    body = draw_stars(frame, 90) + draw_glow(frame, x, y, 380) + draw_banana(frame, x, y, 330, -40)
    return body + draw_ridges(frame, top=frame.dice.between(0.56, 0.64), layers=4, rough=70)


SCENES: tuple[Scene, ...] = (_hills, _peaks, _sea, _banana_moon, _garden)
HINTS: tuple[tuple[Scene, tuple[str, ...]], ...] = (
    (_garden, ("garden", "flower", "meadow", "花", "公园", "草地")),
    (_sea, ("sea", "ocean", "beach", "boat", "海", "船", "湖", "江")),
    (_peaks, ("mountain", "snow", "山", "雪", "峰")),
    (_banana_moon, ("moon", "月")),
)
"""Words that lean a picture toward a scene, first match first."""


def _choose(prompt: str, frame: Frame) -> Scene:
    chance, words = frame.dice.pick(SCENES), prompt.lower()
    return next((scene for scene, hints in HINTS if any(h in words for h in hints)), chance)
