"""SVG, as much of it as the sandbox's pictures need: tags, gradients and paths."""

from __future__ import annotations

Value = str | float
Point = tuple[float, float]


def tag(name: str, inner: str = "", /, **attributes: Value) -> str:
    """An element. `_` in a name stands for `-`; numbers keep two decimals."""
    written = "".join(
        f' {key.replace("_", "-")}="{_value(value)}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def document(width: int, height: int, view: Point, body: str) -> str:
    """A whole SVG of `width` × `height` pixels that shows `view` units."""
    return tag(
        "svg",
        body,
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {view[0]:.3f} {view[1]:.3f}",
        preserveAspectRatio="none",
    )


def path(*steps: str | Point, **attributes: Value) -> str:
    """A path: commands as text, points as pairs (`"M", (0, 0), "L", (9, 9), "Z"`)."""
    data = " ".join(s if isinstance(s, str) else f"{s[0]:.1f} {s[1]:.1f}" for s in steps)
    return tag("path", d=data, **attributes)


def disc(x: float, y: float, radius: float, **attributes: Value) -> str:
    """A circle."""
    return tag("circle", cx=x, cy=y, r=radius, **attributes)


def fade(name: str, *stops: tuple[float, str, float], slant: bool = False) -> str:
    """A linear gradient from top to bottom (or corner to corner): stops are (at, colour, opacity).

    Use it as `fill="url(#name)"`.
    """
    return tag("linearGradient", _stops(stops), id=name, x1=0, y1=0, x2=int(slant), y2=1)


def glow(name: str, *stops: tuple[float, str, float]) -> str:
    """A radial gradient, from the middle out."""
    return tag("radialGradient", _stops(stops), id=name)


def _stops(stops: tuple[tuple[float, str, float], ...]) -> str:
    return "".join(
        tag("stop", offset=at, stop_color=colour, stop_opacity=opacity)
        for at, colour, opacity in stops
    )


def _value(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
