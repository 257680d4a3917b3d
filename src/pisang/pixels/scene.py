"""The sandbox's landscapes, as SVG text: a sky, a light in it, ground in layers, a banana.

Lengths are in units of which the picture's short side has 1000, so that a scene looks alike at
every size and shape. Nothing of the prompt's text enters the SVG.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pisang.pixels.palette import Dice, Palette, choose_palette, mix

SHORT_SIDE = 1000.0

_BANANA = (
    "M12 14 C10 8 16 2 21 5 C24 8 22 14 24 20 C32 46 54 62 84 60 C91 59 96 62 95 67"
    " C94 72 88 74 82 76 C48 86 16 62 13 26 Z"
)
_BANANA_SHADE = "M16 30 C24 60 52 78 84 71 C88 70 92 69 94 68 C92 72 88 74 82 76 C48 86 18 64 16 30 Z"
_BANANA_TIPS = (
    "M12 14 C10 8 16 2 21 5 C23 7 22.4 10 22.5 13 Z"
    " M88 59.8 C93 60 96 63 95 67 C94 70 91 72 88 73.6 C90 69 90 64 88 59.8 Z"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture's shape in units, and what it is drawn with."""

    width: float
    height: float
    palette: Palette
    dice: Dice


def draw_scene(prompt: str, width: int, height: int) -> tuple[str, Palette]:
    """The SVG of a whole scene of exactly `width` × `height` pixels, and its palette."""
    frame = _frame(prompt, width, height)
    body = frame.dice.pick(SCENES)(frame)
    return _svg(frame, width, height, _sky(frame) + body + _scrim(frame)), frame.palette


def draw_overlay(prompt: str, width: int, height: int) -> tuple[str, Palette]:
    """The SVG that is laid over a given picture to show that it was edited, and its palette."""
    frame = _frame(prompt, width, height)
    colours = frame.palette
    tint = (
        f'<linearGradient id="tint" x1="0" y1="0" x2="1" y2="1">'
        f'<stop offset="0" stop-color="{colours.sky[0]}" stop-opacity=".55"/>'
        f'<stop offset="1" stop-color="{colours.sky[2]}" stop-opacity=".3"/></linearGradient>'
        f'<rect width="{frame.width:.1f}" height="{frame.height:.1f}" fill="url(#tint)"/>'
    )
    x, y = frame.width * frame.dice.between(0.62, 0.8), frame.height * frame.dice.between(0.2, 0.34)
    banana = _banana(frame, x, y, 300, frame.dice.between(-25, 15))
    ridges = _ridges(frame, top=0.74, layers=2, rough=26)
    return _svg(frame, width, height, tint + _glow(frame, x, y, 330) + banana + ridges), colours


def _frame(prompt: str, width: int, height: int) -> Frame:
    dice = Dice(prompt)
    unit = SHORT_SIDE / min(width, height)
    return Frame(width * unit, height * unit, choose_palette(prompt, dice), dice)


def _svg(frame: Frame, width: int, height: int, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {frame.width:.3f} {frame.height:.3f}" preserveAspectRatio="none">{body}</svg>'
    )


# --- scenes ------------------------------------------------------------------------------------


def _hills(frame: Frame) -> str:
    x, y = _light_place(frame)
    body = _light(frame, x, y, frame.dice.between(95, 150)) + _clouds(frame, 3)
    body += _ridges(frame, top=frame.dice.between(0.5, 0.58), layers=5, rough=60)
    return body + _birds(frame, x, y) + _day_banana(frame)


def _peaks(frame: Frame) -> str:
    x, y = _light_place(frame)
    body = _light(frame, x, y, frame.dice.between(80, 125))
    for depth, low, high in ((0.1, 380, 500), (0.4, 230, 310)):
        body += _peak_row(frame, depth, low, high)
    body += _ridges(frame, top=0.68, layers=4, rough=34)
    return body + _birds(frame, x, y) + _day_banana(frame)


def _sea(frame: Frame) -> str:
    dice, colours = frame.dice, frame.palette
    horizon = frame.height * dice.between(0.5, 0.56)
    x = frame.width * dice.between(0.3, 0.7)
    body = _light(frame, x, horizon - dice.between(-20, 190), dice.between(100, 150))
    body += _clouds(frame, 2) + _ridges(frame, top=horizon / frame.height - 0.035, layers=1, rough=22)
    water = _gradient("water", ((0, mix(colours.sky[2], colours.far, 0.55)), (1, colours.near)))
    body += f'{water}<rect y="{horizon:.1f}" width="{frame.width:.1f}" '
    body += f'height="{frame.height - horizon:.1f}" fill="url(#water)"/>'
    body += _glitter(frame, x, horizon)
    boat = frame.width * (0.24 if x > frame.width / 2 else 0.7)
    line = horizon + 0.16 * (frame.height - horizon)
    return body + _banana(frame, boat, line, 250, -14) + _waves(frame, line + 52)


def _banana_moon(frame: Frame) -> str:
    if not frame.palette.night and frame.palette.name != "violet":
        return _hills(frame)
    x, y = _light_place(frame)
    body = _stars(frame, 90) + _glow(frame, x, y, 380) + _banana(frame, x, y, 330, -40)
    return body + _ridges(frame, top=frame.dice.between(0.56, 0.64), layers=4, rough=70)


SCENES: tuple[Callable[[Frame], str], ...] = (_hills, _peaks, _sea, _banana_moon)


# --- pieces ------------------------------------------------------------------------------------


def _gradient(name: str, stops: tuple[tuple[float, str], ...]) -> str:
    inner = "".join(f'<stop offset="{at}" stop-color="{colour}"/>' for at, colour in stops)
    return f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1">{inner}</linearGradient>'


def _sky(frame: Frame) -> str:
    top, middle, bottom = frame.palette.sky
    stops = ((0.0, top), (0.38, middle), (0.66, bottom), (1.0, bottom))
    body = _gradient("sky", stops)
    body += f'<rect width="{frame.width:.1f}" height="{frame.height:.1f}" fill="url(#sky)"/>'
    return body + (_stars(frame, 60) if frame.palette.night else "")


def _light_place(frame: Frame) -> tuple[float, float]:
    x = frame.width * frame.dice.pick((0.24, 0.32, 0.68, 0.76)) + frame.dice.between(-40, 40)
    return x, frame.height * frame.dice.between(0.24, 0.36)


def _light(frame: Frame, x: float, y: float, radius: float) -> str:
    disc = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{frame.palette.light}"/>'
    return _glow(frame, x, y, radius * 3.2) + disc


def _glow(frame: Frame, x: float, y: float, radius: float) -> str:
    colour = frame.palette.light
    return (
        f'<radialGradient id="glow"><stop offset="0" stop-color="{colour}" stop-opacity=".75"/>'
        f'<stop offset=".45" stop-color="{colour}" stop-opacity=".22"/>'
        f'<stop offset="1" stop-color="{colour}" stop-opacity="0"/></radialGradient>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="url(#glow)"/>'
    )


def _ridges(frame: Frame, *, top: float, layers: int, rough: float) -> str:
    colours, body = frame.palette, ""
    for layer in range(layers):
        share = (layer + 1) / layers
        height = frame.height * (top + (0.9 - top) * layer / max(layers, 2))
        path = _ridge_line(frame, height, rough * (0.7 + 0.5 * share))
        body += f'<path d="{path}" fill="{mix(colours.far, colours.near, share**1.25)}"/>'
    return body


def _ridge_line(frame: Frame, height: float, rough: float) -> str:
    step = frame.dice.between(260, 380)
    count = max(2, round(frame.width / step))
    step = frame.width / count
    levels = [height + frame.dice.between(-rough, rough) for _ in range(count + 1)]
    path = f"M0 {frame.height:.1f} L0 {levels[0]:.1f}"
    for index, level in enumerate(levels[1:]):
        x0, x1 = index * step, (index + 1) * step
        bend = step * 0.45
        path += f" C{x0 + bend:.1f} {levels[index]:.1f} {x1 - bend:.1f} {level:.1f} {x1:.1f} {level:.1f}"
    return f"{path} L{frame.width:.1f} {frame.height:.1f} Z"


def _peak_row(frame: Frame, depth: float, low: float, high: float) -> str:
    colours, body, base = frame.palette, "", frame.height * 0.75
    rock = mix(colours.far, colours.near, depth)
    shade, snow = mix(rock, colours.near, 0.22), mix("#ffffff", rock, 0.2)
    x = frame.dice.between(-160, 60)
    while x < frame.width + 260:
        tall = frame.dice.between(low, high)
        half = tall * frame.dice.between(0.75, 1.0)
        body += _peak(x, base, half, tall, (rock, shade, snow))
        x += half * frame.dice.between(0.8, 1.2)
    return body


def _peak(x: float, base: float, half: float, tall: float, colours: tuple[str, str, str]) -> str:
    rock, shade, snow = colours
    top = base - tall
    cap, drop = half * 0.3, tall * 0.3
    foot = base + 4
    return (
        f'<path d="M{x - half:.1f} {foot:.1f} L{x:.1f} {top:.1f} L{x + half:.1f} {foot:.1f} Z" fill="{rock}"/>'
        f'<path d="M{x:.1f} {top:.1f} L{x + half:.1f} {foot:.1f} L{x + half * 0.1:.1f} {foot:.1f} Z" fill="{shade}"/>'
        f'<path d="M{x:.1f} {top:.1f} L{x - cap:.1f} {top + drop:.1f} L{x - cap * 0.3:.1f} {top + drop * 0.78:.1f}'
        f" L{x + cap * 0.15:.1f} {top + drop * 1.15:.1f} L{x + cap * 0.5:.1f} {top + drop * 0.8:.1f}"
        f' L{x + cap:.1f} {top + drop:.1f} Z" fill="{snow}"/>'
    )


def _clouds(frame: Frame, count: int) -> str:
    body = ""
    for _ in range(count):
        x, y = frame.width * frame.dice.unit(), frame.height * frame.dice.between(0.1, 0.36)
        long, thick = frame.dice.between(160, 320), frame.dice.between(16, 26)
        for shift, scale in ((0.0, 1.0), (0.22, 0.62), (-0.18, 0.5)):
            body += (
                f'<rect x="{x + shift * long - long * scale / 2:.1f}" y="{y - shift * 3 * thick:.1f}" '
                f'width="{long * scale:.1f}" height="{thick:.1f}" rx="{thick / 2:.1f}" '
                f'fill="#fff" fill-opacity="{0.1 if frame.palette.night else 0.28}"/>'
            )
    return body


def _stars(frame: Frame, density: int) -> str:
    body = ""
    for _ in range(round(density * frame.width * frame.height / SHORT_SIDE**2)):
        x, y = frame.width * frame.dice.unit(), frame.height * frame.dice.unit() ** 1.6 * 0.62
        size, glow = frame.dice.between(0.8, 2.6), frame.dice.between(0.35, 0.95)
        body += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.2f}" fill="#fff" fill-opacity="{glow:.2f}"/>'
    return body


def _birds(frame: Frame, x: float, y: float) -> str:
    body = ""
    for _ in range(4):
        left, up = x + frame.dice.between(-260, 260), y + frame.dice.between(60, 200)
        wing = frame.dice.between(11, 20)
        body += (
            f'<path d="M{left - wing:.1f} {up - wing * 0.5:.1f} Q{left - wing * 0.4:.1f} {up - wing * 0.6:.1f} '
            f"{left:.1f} {up:.1f} Q{left + wing * 0.4:.1f} {up - wing * 0.6:.1f} {left + wing:.1f} {up - wing * 0.5:.1f}"
            f'" fill="none" stroke="{frame.palette.near}" stroke-width="3" stroke-linecap="round" opacity=".6"/>'
        )
    return body


def _glitter(frame: Frame, x: float, horizon: float) -> str:
    body, depth = "", frame.height - horizon
    for row in range(16):
        y = horizon + 8 + depth * 0.62 * (row / 16) ** 1.4
        half = (40 + 130 * row / 16) * frame.dice.between(0.35, 1.0)
        shift = frame.dice.between(-30, 30)
        body += (
            f'<rect x="{x + shift - half:.1f}" y="{y:.1f}" width="{2 * half:.1f}" height="{3 + row * 0.35:.1f}" '
            f'rx="3" fill="{frame.palette.light}" fill-opacity="{0.7 - row * 0.035:.2f}"/>'
        )
    return body


def _waves(frame: Frame, line: float) -> str:
    body = ""
    for row in range(3):
        colour = mix(frame.palette.far, frame.palette.near, 0.45 + 0.25 * row)
        path = _ridge_line(frame, line + row * (frame.height - line) * 0.24, 9 + 5 * row)
        body += f'<path d="{path}" fill="{colour}" fill-opacity=".82"/>'
    return body


def _day_banana(frame: Frame) -> str:
    x = frame.width * frame.dice.between(0.4, 0.6)
    return _banana(frame, x, frame.height * frame.dice.between(0.16, 0.24), 120, frame.dice.between(-30, 30))


def _banana(frame: Frame, x: float, y: float, size: float, turn: float) -> str:
    scale, colours = size / 100, frame.palette
    fill, shade = colours.accent, mix(colours.accent, "#b8741a", 0.5)
    return (
        f'<g transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f}) scale({scale:.3f}) translate(-54 -46)">'
        f'<path d="{_BANANA}" fill="{fill}"/><path d="{_BANANA_SHADE}" fill="{shade}" fill-opacity=".55"/>'
        f'<path d="{_BANANA_TIPS}" fill="#5b4321" fill-opacity=".85"/></g>'
    )


def _scrim(frame: Frame) -> str:
    near = frame.palette.near
    return (
        f'<linearGradient id="scrim" x1="0" y1="0" x2="0" y2="1"><stop offset=".5" stop-color="{near}" '
        f'stop-opacity="0"/><stop offset="1" stop-color="{near}" stop-opacity=".8"/></linearGradient>'
        f'<rect width="{frame.width:.1f}" height="{frame.height:.1f}" fill="url(#scrim)"/>'
    )
