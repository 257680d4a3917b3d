"""A tiny picture through everything here: painted, lettered, and converted by the child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pyvips

from pisang.errors import Unexpected
from pisang.pixels.child import WRITES
from pisang.pixels.convert import convert
from pisang.pixels.lettering import FAMILY, drawable, letters
from pisang.pixels.paint import Painting, paint

Result = TypeVar("Result")

_WORD = "小猫"


def library() -> str:
    """Which libvips does the work."""
    number = ".".join(str(pyvips.version(part)) for part in range(3))
    return f"libvips {number}, pyvips {pyvips.__version__}"


def font() -> str:
    """The font of sandbox pictures, once a Chinese word was set in it. Raises `Unexpected`."""
    known = _checked("reading the font's characters", drawable)
    inked = _checked("setting a word", lambda: letters(_WORD, 24).max() > 0)
    if not inked or not known.issuperset(_WORD):
        raise Unexpected(what=f"the font {FAMILY} does not draw {_WORD}")
    return f"{FAMILY}, {len(known):,} characters"


def formats() -> str:
    """The formats that pictures can be written in, each tried just now.

    Raises `ReferenceUnreadable`, `OutputUnwritable` or `Unexpected`.
    """
    with TemporaryDirectory(prefix="pisang-") as folder:
        source = Path(folder, "picture.png")
        spec = Painting(prompt=_WORD, width=64, height=64, mime="image/png")
        source.write_bytes(_checked("painting", lambda: paint(spec)))
        for at, mime in enumerate(WRITES):
            convert(source, mime, Path(folder, f"{at}.out"))
    return ", ".join(mime.removeprefix("image/") for mime in WRITES)


def _checked(what: str, work: Callable[[], Result]) -> Result:
    try:
        return work()
    except (pyvips.Error, OSError) as error:
        raise Unexpected(what=f"{what} failed ({str(error).strip()[:160]})") from error
