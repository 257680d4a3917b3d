"""The picture itself, small, on a terminal that somebody watches.

Which protocol a terminal speaks is read from its variables. It is not asked: one that doesn't
answer would keep the command waiting, one that answers late (over ssh) would type into the shell.
Whatever goes wrong, nothing is said: the image is there, and its path was told.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pisang.cli.callers import agent_in
from pisang.cli.screen import Screen
from pisang.errors import PisangError

VARIABLE = "PISANG_PREVIEW"
"""`off`, `auto` (or nothing), or the way to draw: a key of `WAYS`."""

WAYS = ("half", "sixel", "kitty", "iterm")
"""Block characters, and the three picture protocols."""

_COLUMNS, _ROWS = 60, 20
"""A preview is no larger, nor than half the terminal's height: what was said stays in sight."""

_WALL_S = 0.4
"""Decoding it may delay the command's end by so much."""

_HEAD_BYTES, _TAIL_BYTES = 1 << 18, 1 << 10

_TERMS: Mapping[str, str] = {
    "xterm-kitty": "kitty",
    "xterm-ghostty": "kitty",
    "foot": "sixel",
    "foot-direct": "sixel",
    "mlterm": "sixel",
    "contour": "sixel",
    "linux": "",
    "dumb": "",
    "": "",
}
"""By `TERM`; an empty way is none."""

_PROGRAMS: Mapping[str, str] = {
    "ghostty": "kitty",
    "iTerm.app": "iterm",
    "iTerm2": "iterm",
    "WezTerm": "iterm",
    "mintty": "iterm",
}
"""By `TERM_PROGRAM`, or `LC_TERMINAL`, which ssh hands on."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Room on the terminal: in cells, and the pixels of one cell."""

    columns: int
    rows: int
    cell: tuple[int, int] = (10, 20)

    def hold(self, width: int, height: int) -> Frame:
        """The largest part of it that has the shape of a picture of so many pixels."""
        across, down = self.columns * self.cell[0], self.rows * self.cell[1]
        scale = min(across / width, down / height)
        columns = max(1, round(width * scale / self.cell[0]))
        return Frame(columns, max(1, round(height * scale / self.cell[1])), self.cell)


def way_in(environ: Mapping[str, str]) -> str:
    """How a terminal with these variables shows a picture; empty where it can't or may not."""
    asked = environ.get(VARIABLE, "").strip().lower()
    if asked in WAYS:
        return asked
    if asked == "off" or environ.get("NO_COLOR"):
        return ""
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith(("tmux", "screen")):
        return "half"  # what stands outside is not what is spoken to
    if term in _TERMS:
        return _TERMS[term]
    programs = (environ.get(name, "") for name in ("TERM_PROGRAM", "LC_TERMINAL"))
    return next((_PROGRAMS[one] for one in programs if one in _PROGRAMS), "half")


def preview(path: Path, screen: Screen) -> None:
    """Show the picture where somebody sees it; else, and where it can't be done, nothing.

    Takes less than half a second, and asks the terminal nothing.
    """
    if screen.format != "human" or not sys.stdout.isatty() or agent_in(os.environ) is not None:
        return
    way = way_in(os.environ)
    if not way:
        return
    # The library is C behind ctypes: what is missing of it shows as any of these.
    with suppress(ImportError, OSError, AttributeError, PisangError):
        drawn = draw(path, way, _frame())
        sys.stdout.flush()
        sys.stdout.buffer.write(drawn + b"\n")
        sys.stdout.buffer.flush()


def draw(path: Path, way: str, room: Frame) -> bytes:
    """What shows the picture within so much room, to be written to a terminal.

    Raises `ReferenceUnreadable`, and `ImportError` without the extra `preview`.
    """
    import chafa

    from pisang.pixels.convert import rgb

    frame = room.hold(*_pixels_of(path))
    width, height = frame.columns * frame.cell[0], frame.rows * frame.cell[1]
    (pixels,) = rgb([path], width, height, _WALL_S)
    config = chafa.CanvasConfig()
    config.width, config.height = frame.columns, frame.rows
    config.cell_width, config.cell_height = frame.cell
    config.canvas_mode = _colours(os.environ)
    config.pixel_mode = {
        "half": chafa.PixelMode.CHAFA_PIXEL_MODE_SYMBOLS,
        "sixel": chafa.PixelMode.CHAFA_PIXEL_MODE_SIXELS,
        "kitty": chafa.PixelMode.CHAFA_PIXEL_MODE_KITTY,
        "iterm": chafa.PixelMode.CHAFA_PIXEL_MODE_ITERM2,
    }[way]
    canvas = chafa.Canvas(config)
    canvas.draw_all_pixels(chafa.PixelType.CHAFA_PIXEL_RGB8, pixels, width, height, width * 3)
    return bytes(canvas.print(fallback=True))


def _colours(environ: Mapping[str, str]) -> int:
    """All colours where the terminal says so, else the 240 that each palette has in common."""
    import chafa

    modes = chafa.CanvasMode
    true = environ.get("COLORTERM") in ("truecolor", "24bit") or environ.get("TERM") in _TERMS
    mode = modes.CHAFA_CANVAS_MODE_TRUECOLOR if true else modes.CHAFA_CANVAS_MODE_INDEXED_240
    return int(mode)


def _pixels_of(path: Path) -> tuple[int, int]:
    from pisang.domain.image import read_facts_from

    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        facts = read_facts_from(head, file.read(), size)
    if facts is None or not facts.width or not facts.height:
        return 1, 1
    return facts.width, facts.height


def _frame() -> Frame:
    """The room for a preview on standard output's terminal, with its cells as it measures them."""
    size = shutil.get_terminal_size()
    columns, rows = min(_COLUMNS, size.columns - 1), min(_ROWS, size.lines // 2)
    with suppress(ImportError, OSError):
        import fcntl
        import struct
        import termios

        said = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
        down, across, width, height = struct.unpack("HHHH", said)
        if down and across and width >= across and height >= down:
            return Frame(columns, rows, (width // across, height // down))
    return Frame(columns, rows)
