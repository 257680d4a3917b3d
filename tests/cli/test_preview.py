"""The picture on the terminal: by which protocol, how large, and when there is none."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest

from pisang.cli.preview import VARIABLE, Frame, draw, preview, way_in
from pisang.cli.screen import Screen
from pisang.errors import ReferenceUnreadable
from pisang.pixels.paint import Painting, paint

pty = pytest.importorskip("pty")

BLOCKS = re.compile("[\u2580-\u259f]")


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preview") / "lake.jpg"
    path.write_bytes(paint(Painting("a lake at dawn", 1376, 768)))
    return path


@pytest.mark.parametrize(
    ("environ", "way"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-256color"}, "half"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "half"),
        ({"TERM": "xterm-kitty", "TMUX": "default,1,0"}, "half"),
        ({"TERM": "screen.xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "half"),
        ({"TERM": "linux"}, ""),
        ({"TERM": "dumb"}, ""),
        ({}, ""),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, ""),
        ({"TERM": "xterm-kitty", VARIABLE: "off"}, ""),
        ({"TERM": "dumb", VARIABLE: "sixel"}, "sixel"),
        ({"TERM": "foot", VARIABLE: "auto"}, "sixel"),
    ],
)
def test_the_way_follows_from_the_variables(environ: dict[str, str], way: str) -> None:
    assert way_in(environ) == way


@pytest.mark.parametrize(
    ("pixels", "cells"),
    [
        ((1376, 768), (60, 17)),
        ((768, 1376), (22, 20)),
        ((1024, 1024), (40, 20)),
        ((1, 9000), (1, 20)),
    ],
)
def test_a_picture_keeps_its_shape_in_its_frame(
    pixels: tuple[int, int], cells: tuple[int, int]
) -> None:
    held = Frame(60, 20).hold(*pixels)
    assert (held.columns, held.rows) == cells


@pytest.mark.parametrize(
    ("way", "begins", "ends"),
    [
        ("kitty", b"\x1b_G", b"\x1b\\"),
        ("iterm", b"\x1b]1337;File=inline=1", b"\x07"),
        ("sixel", b"\x1bP", b"\x1b\\"),
    ],
)
def test_each_protocol_is_spoken(picture: Path, way: str, begins: bytes, ends: bytes) -> None:
    drawn = patiently(picture, way, Frame(20, 8))
    assert drawn.startswith(begins)
    assert drawn.rstrip().endswith(ends)


def test_block_characters_are_drawn_in_colour(picture: Path) -> None:
    lines = patiently(picture, "half", Frame(20, 8)).decode().split("\n")
    assert len(lines) == 6
    assert BLOCKS.search("".join(lines))
    assert "\x1b[38;5;" in lines[0] or "\x1b[48;5;" in lines[0]


def patiently(path: Path, way: str, frame: Frame) -> bytes:
    """What is drawn, on a machine so busy that the first tries took too long."""
    for _ in range(20):
        try:
            return draw(path, way, frame)
        except ReferenceUnreadable as slow:
            assert "took more than" in slow.message()
    raise AssertionError("it was never drawn in time")


def test_a_broken_picture_is_no_picture(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(ReferenceUnreadable):
        draw(broken, "half", Frame(20, 8))


@pytest.mark.parametrize("format", ["human", "json", "quiet"])
def test_off_a_terminal_nothing_is_shown(
    picture: Path, capfd: pytest.CaptureFixture[str], format: str
) -> None:
    preview(picture, Screen(format, "en"))  # type: ignore[arg-type]
    assert capfd.readouterr() == ("", "")


def shown_on(environ: dict[str, str], path: Path, code: str = "") -> tuple[str, float]:
    """What a terminal that answers nothing gets to see, and how long that took, in seconds."""
    child, terminal = pty.fork()
    if child == 0:
        program = (
            f"{code}\nimport time, pathlib\nfrom pisang.cli.preview import preview\n"
            "from pisang.cli.screen import Screen\nstarted = time.monotonic()\n"
            f"preview(pathlib.Path({str(path)!r}), Screen('human', 'en'))\n"
            "print('took', time.monotonic() - started)\n"
        )
        whole = {"PATH": os.environ["PATH"], **environ}
        os.execve(sys.executable, [sys.executable, "-c", program], whole)
    shown = b""
    started = time.monotonic()
    while time.monotonic() - started < 30:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    assert os.waitpid(child, 0)[1] == 0, shown.decode(errors="replace")
    os.close(terminal)
    drawn, _, took = shown.decode(errors="replace").rpartition("took")
    return drawn, float(took)


def test_a_terminal_that_answers_nothing_is_asked_nothing(picture: Path) -> None:
    drawn, _ = shown_on({"TERM": "xterm-256color"}, picture)
    queries = ("\x1b[c", "\x1b[>c", "\x1b[16t", "\x1b[14t", "\x1b[6n", "a=q", "\x1b[5n")
    assert not [query for query in queries if query in drawn]


@pytest.mark.parametrize(
    "environ",
    [
        {"TERM": "xterm-256color", "CLAUDECODE": "1"},
        {"TERM": "dumb"},
        {"TERM": "foot", VARIABLE: "off"},
    ],
)
def test_an_agent_a_plain_terminal_and_who_switched_it_off_get_none(
    picture: Path, environ: dict[str, str]
) -> None:
    drawn, _ = shown_on(environ, picture)
    assert drawn == ""


def test_without_the_library_nothing_is_said(picture: Path) -> None:
    missing = "import sys; sys.modules['chafa'] = None"
    drawn, _ = shown_on({"TERM": "xterm-256color"}, picture, missing)
    assert drawn == ""


def test_a_picture_that_is_gone_or_broken_is_passed_over(tmp_path: Path) -> None:
    assert shown_on({"TERM": "xterm-256color"}, tmp_path / "none.png")[0] == ""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    assert shown_on({"TERM": "xterm-256color"}, broken)[0] == ""
