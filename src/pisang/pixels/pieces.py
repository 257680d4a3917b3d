"""What the sandbox's landscapes are made of. Each piece is SVG text, in the frame's units."""

from __future__ import annotations

from dataclasses import dataclass

from pisang.pixels.palette import Dice, Palette, mix
from pisang.pixels.svg import disc, fade, glow, path, tag

SHORT_SIDE = 1000.0
"""Units of a picture's short side: a piece looks alike at every size."""

_BANANA = (
    "M12 14 C10 8 16 2 21 5 C24 8 22 14 24 20 C32 46 54 62 84 60 C91 59 96 62 95 67"
    " C94 72 88 74 82 76 C48 86 16 62 13 26 Z"
)
_BANANA_SHADE = (
    "M16 30 C24 60 52 78 84 71 C88 70 92 69 94 68 C92 72 88 74 82 76 C48 86 18 64 16 30 Z"
)
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

    def fill(self, colour: str, top: float = 0.0) -> str:
        """The whole width in one colour or gradient, from `top` down."""
        return tag("rect", y=top, width=self.width, height=self.height - top, fill=colour)


def draw_sky(frame: Frame) -> str:
    """The sky from top to horizon, with stars at night."""
    top, middle, bottom = frame.palette.sky
    colours = fade("sky", (0, top, 1), (0.38, middle, 1), (0.66, bottom, 1), (1, bottom, 1))
    return (
        colours + frame.fill("url(#sky)") + (draw_stars(frame, 60) if frame.palette.night else "")
    )


def draw_scrim(frame: Frame) -> str:
    """The darkening toward the foot on which letters stand."""
    near = frame.palette.near
    return fade("scrim", (0.5, near, 0), (1, near, 0.8)) + frame.fill("url(#scrim)")


def draw_light(frame: Frame, x: float, y: float, radius: float) -> str:
    """Sun or moon, in its glow."""
    return draw_glow(frame, x, y, radius * 3.2) + disc(x, y, radius, fill=frame.palette.light)


def draw_glow(frame: Frame, x: float, y: float, radius: float) -> str:
    """Light that fades out."""
    colour = frame.palette.light
    shine = glow("glow", (0, colour, 0.75), (0.45, colour, 0.22), (1, colour, 0))
    return shine + disc(x, y, radius, fill="url(#glow)")


def draw_stars(frame: Frame, density: int) -> str:
    """`density` stars for each square of the short side, thinning out downward."""
    body = ""
    for _ in range(round(density * frame.width * frame.height / SHORT_SIDE**2)):
        x, y = frame.width * frame.dice.unit(), frame.height * frame.dice.unit() ** 1.6 * 0.62
        size, shine = frame.dice.between(0.8, 2.6), frame.dice.between(0.35, 0.95)
        body += disc(x, y, size, fill="#fff", fill_opacity=shine)
    return body


def draw_clouds(frame: Frame, count: int) -> str:
    """Flat clouds of three bars each."""
    body, dim = "", 0.1 if frame.palette.night else 0.28
    for _ in range(count):
        x, y = frame.width * frame.dice.unit(), frame.height * frame.dice.between(0.1, 0.36)
        long, thick = frame.dice.between(160, 320), frame.dice.between(16, 26)
        for shift, scale in ((0.0, 1.0), (0.22, 0.62), (-0.18, 0.5)):
            left, top = x + (shift - scale / 2) * long, y - shift * 3 * thick
            bar = {"x": left, "y": top, "width": long * scale, "height": thick, "rx": thick / 2}
            body += tag("rect", fill="#fff", fill_opacity=dim, **bar)
    return body


def draw_birds(frame: Frame, x: float, y: float) -> str:
    """Four birds below a light at `x`, `y`."""
    body = ""
    for _ in range(4):
        left, up = x + frame.dice.between(-260, 260), y + frame.dice.between(60, 200)
        wing = frame.dice.between(11, 20)
        one, other = (left - wing, up - wing * 0.5), (left + wing, up - wing * 0.5)
        bends = (left - wing * 0.4, up - wing * 0.6), (left + wing * 0.4, up - wing * 0.6)
        line = path("M", one, "Q", bends[0], (left, up), "Q", bends[1], other)
        body += tag("g", line, fill="none", stroke=frame.palette.near, stroke_width=3, opacity=0.6)
    return body


def draw_ridges(frame: Frame, *, top: float, layers: int, rough: float) -> str:
    """Rolling ground from far to near; `top` is where it begins, as a share of the height."""
    colours, body = frame.palette, ""
    for layer in range(layers):
        share = (layer + 1) / layers
        level = frame.height * (top + (0.9 - top) * layer / max(layers, 2))
        colour = mix(colours.far, colours.near, share**1.25)
        body += draw_ridge(frame, level, rough * (0.7 + 0.5 * share), colour)
    return body


def draw_ridge(frame: Frame, level: float, rough: float, colour: str, opacity: float = 1) -> str:
    """Ground below a soft line that sways by `rough` around `level`."""
    count = max(2, round(frame.width / frame.dice.between(260, 380)))
    step = frame.width / count
    levels = [level + frame.dice.between(-rough, rough) for _ in range(count + 1)]
    steps: list[str | tuple[float, float]] = ["M", (0, frame.height), "L", (0, levels[0])]
    for index, here in enumerate(levels[1:]):
        x, ahead = index * step, (index + 1) * step
        bend = step * 0.45
        steps += ["C", (x + bend, levels[index]), (ahead - bend, here), (ahead, here)]
    return path(*steps, "L", (frame.width, frame.height), "Z", fill=colour, fill_opacity=opacity)


def draw_peaks(frame: Frame, depth: float, low: float, high: float) -> str:
    """A row of snowy mountains between `low` and `high` units tall; `depth` 0 is far away."""
    colours, body, base = frame.palette, "", frame.height * 0.75
    rock = mix(colours.far, colours.near, depth)
    x = frame.dice.between(-160, 60)
    while x < frame.width + 260:
        tall = frame.dice.between(low, high)
        half = tall * frame.dice.between(0.75, 1.0)
        body += _peak(x, base, half, tall, rock, mix(rock, colours.near, 0.22))
        x += half * frame.dice.between(0.8, 1.2)
    return body


def _peak(x: float, base: float, half: float, tall: float, rock: str, shade: str) -> str:
    top, foot = base - tall, base + 4
    cap, drop = half * 0.3, tall * 0.3
    edge = (
        (x - cap, top + drop),
        (x - cap * 0.3, top + drop * 0.78),
        (x + cap * 0.15, top + drop * 1.15),
        (x + cap * 0.5, top + drop * 0.8),
        (x + cap, top + drop),
    )
    body = path("M", (x - half, foot), "L", (x, top), (x + half, foot), "Z", fill=rock)
    body += path("M", (x, top), "L", (x + half, foot), (x + half * 0.1, foot), "Z", fill=shade)
    return body + path("M", (x, top), "L", *edge, "Z", fill=mix("#ffffff", rock, 0.2))


def draw_glitter(frame: Frame, x: float, horizon: float) -> str:
    """A light's reflection on water below it."""
    body, depth = "", frame.height - horizon
    for row in range(16):
        y = horizon + 8 + depth * 0.62 * (row / 16) ** 1.4
        half = (40 + 130 * row / 16) * frame.dice.between(0.35, 1.0)
        left = x + frame.dice.between(-30, 30) - half
        bar = {"x": left, "y": y, "width": 2 * half, "height": 3 + row * 0.35, "rx": 3}
        body += tag("rect", fill=frame.palette.light, fill_opacity=0.7 - row * 0.035, **bar)
    return body


def draw_waves(frame: Frame, line: float) -> str:
    """Three swells from `line` down."""
    body = ""
    for row in range(3):
        colour = mix(frame.palette.far, frame.palette.near, 0.45 + 0.25 * row)
        level = line + row * (frame.height - line) * 0.24
        body += draw_ridge(frame, level, 9 + 5 * row, colour, opacity=0.82)
    return body


def draw_flowers(frame: Frame) -> str:
    """Flowers on the middle hills."""
    body, dice, colours = "", frame.dice, frame.palette
    petals = (colours.light, "#ff8fa3", "#ffb45e", colours.accent, "#c9a0ff")
    stem = mix(colours.far, colours.near, 0.85)
    for _ in range(round(30 * frame.width / SHORT_SIDE)):
        depth = dice.unit()
        x, y = frame.width * dice.unit(), frame.height * (0.585 + 0.125 * depth)
        size = (6 + 10 * depth) * dice.between(0.8, 1.2)
        body += _flower(x, y, size, dice.pick(petals), stem)
    return body


def _flower(x: float, y: float, size: float, petal: str, stem: str) -> str:
    bend, foot = (x + size, y + 3 * size), (x + size * 0.4, y + 6 * size)
    body = path("M", (x, y), "Q", bend, foot, fill="none", stroke=stem, stroke_width=size * 0.3)
    for across, down in ((0, -1), (0.95, -0.31), (0.59, 0.81), (-0.59, 0.81), (-0.95, -0.31)):
        body += disc(x + across * size * 0.75, y + down * size * 0.75, size * 0.62, fill=petal)
    return body + disc(x, y, size * 0.5, fill="#7a4a1e")


def draw_banana(frame: Frame, x: float, y: float, size: float, turn: float) -> str:
    """A banana `size` units long, its middle at `x`, `y`, turned by degrees."""
    fill = frame.palette.accent
    body = tag("path", d=_BANANA, fill=fill)
    body += tag("path", d=_BANANA_SHADE, fill=mix(fill, "#b8741a", 0.5), fill_opacity=0.55)
    body += tag("path", d=_BANANA_TIPS, fill="#5b4321", fill_opacity=0.85)
    place = f"translate({x:.1f} {y:.1f}) rotate({turn:.1f}) scale({size / 100:.3f})"
    return tag("g", body, transform=f"{place} translate(-54 -46)")
