"""Letters of the sandbox's pictures, with a font of our own so that they are alike everywhere."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pyvips

FONTS = Path(__file__).parent / "fonts"
FONT_FILE = FONTS / "wqy-microhei-subset.ttf"
FAMILY = "WenQuanYi Micro Hei"
SYMBOLS = "◆○▲□◎◇●△■★"
"""Stand in, chosen by code point, for characters the font has not: deliberate, not tofu."""

LONGEST = 120
"""Characters of a prompt that are drawn; the rest becomes an ellipsis."""

_MIN_SIZE = 11.0
_starting = threading.Lock()


@cache
def drawable() -> frozenset[str]:
    """The characters that the font has."""
    return frozenset((FONTS / "characters.txt").read_text(encoding="utf-8"))


def plain(text: str) -> str:
    """`text` on one line, at most `LONGEST` characters, each one drawable."""
    line = " ".join(text.split())
    if len(line) > LONGEST:
        line = line[: LONGEST - 1].rstrip() + "…"
    known = drawable()
    return "".join(
        letter if letter in known else SYMBOLS[ord(letter) % len(SYMBOLS)] for letter in line
    )


def fit_size(text: str, width: float, largest: float) -> float:
    """The font size in pixels, at most `largest`, at which `text` takes two lines, or three.

    Wrapping at words wastes some of each line, hence the third that is left of the last. Three
    lines are set smaller, so that they leave the scene in sight.
    """
    ems = sum(1.0 if ord(letter) >= 0x2E80 else 0.56 for letter in text)
    lines, most = (2, largest) if ems <= 30 else (3, largest * 0.72)
    return max(_MIN_SIZE, min(most, width * (lines - 0.35) / max(ems, 1)))


def letters(text: str, size: float, width: int | None = None) -> pyvips.Image:
    """`text` as a mask (one band, 255 is ink), wrapped to `width` pixels where given."""
    options: dict[str, object] = {
        "font": f"{FAMILY} {size:.2f}",
        "fontfile": str(FONT_FILE),
        "dpi": 72,
        "spacing": round(size * 0.16),
    }
    if width is not None:
        options |= {"width": width, "wrap": "word-char"}
    with _own_fonts():
        return pyvips.Image.text(_escaped(text), **options)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@contextmanager
def _own_fonts() -> Iterator[None]:
    """Text inside is set without the system's fonts (and without fontconfig's complaints).

    fontconfig reads its variable when the first text of the process is set, so it stands only
    that long: programs that we start must see the user's own fonts.
    """
    if os.environ.get("FONTCONFIG_FILE") or _started.is_set():
        yield
        return
    with _starting:
        os.environ["FONTCONFIG_FILE"] = str(FONTS / "fonts.conf")
        try:
            yield
            _started.set()
        finally:
            os.environ.pop("FONTCONFIG_FILE", None)


_started = threading.Event()
