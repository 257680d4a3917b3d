"""On a terminal: the sandbox of its own accord, the live line, pictures, links, help pages, and a
key asked for without echo."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from pathlib import Path

import pytest

from pisang.cli.commands import COMMANDS
from pisang.cli.frame import Group
from pisang.cli.table import width_of

pty = pytest.importorskip("pty")


def on_terminal(words: list[str], environ: dict[str, str], folder: Path, *, answer: bytes = b""):
    """The exit code and everything shown, of a call whose three streams are one terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(sys.executable, [sys.executable, "-m", "pisang", *words], environ)
    shown, deadline = b"", time.monotonic() + 40
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        try:
            piece = os.read(terminal, 65536) if ready else None
        except OSError:  # Linux's word for the end of a terminal
            break
        if piece == b"":
            break
        shown += piece or b""
        if answer and shown.rstrip().endswith(b":"):
            os.write(terminal, answer)
            answer = b""
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


@pytest.fixture
def terminal(environ, folder):
    whole = {**environ, "PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "100"}
    return lambda words, **told: on_terminal(words, whole, folder, **told)


def test_without_an_upstream_the_sandbox_paints_and_says_so(terminal, folder):
    code, shown = terminal(["generate", "a lake"])
    assert code == 0, shown
    assert "the sandbox paints this offline" in shown
    assert "pisang setup" in shown
    assert list((folder / "pisang-out").iterdir())


def test_a_key_is_asked_for_and_not_shown(terminal, home):
    code, shown = terminal(["upstream", "add", "google"], answer=b"CANARY-typed-1\n")
    assert code == 0, shown
    assert "CANARY" not in shown
    assert "CANARY-typed-1" in (home / "keys.toml").read_text()


def sized(environ, folder, columns, **extra):
    """A call of the command line on a terminal of so many columns."""
    whole = {**environ, "PATH": os.environ["PATH"], "TERM": "xterm-256color", **extra}
    whole["COLUMNS"] = str(columns)
    return lambda words: on_terminal(words, whole, folder)


STEERING = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[78])")


@pytest.mark.parametrize(("language", "said"), [("en", "Painting"), ("zh", "绘制中")])
@pytest.mark.parametrize("columns", [80, 40])
def test_the_line_is_drawn_over_and_never_wraps(environ, folder, columns, language, said):
    words = ["generate", "a lake [[sandbox delay=1]]", "--via", "sandbox", "-s", "512"]
    code, shown = sized(environ, folder, columns, PISANG_LANG=language, PISANG_PREVIEW="off")(words)
    assert code == 0, shown
    live = shown[: shown.rindex("\x1b[?25h")]
    drawn = [width_of(STEERING.sub("", one)) for one in re.split(r"[\r\n]+", live)]
    assert said in live
    assert max(drawn) < columns
    assert live.count("\n") == 1  # rich ends the line once, and takes it away


def test_an_agent_on_a_terminal_gets_no_live_line_no_picture_and_no_link(environ, folder):
    words = ["generate", "a lake [[sandbox delay=1]]", "--via", "sandbox", "-s", "512"]
    code, shown = sized(environ, folder, 80, CLAUDECODE="1")(words)
    assert code == 0, shown
    assert "\x1b" not in shown
    code, shown = sized(environ, folder, 80, CLAUDECODE="1")(["show"])
    assert code == 0, shown
    assert "\x1b" not in shown


def test_a_path_is_a_link_to_the_file_and_stays_readable(environ, folder, home):
    sized(environ, folder, 80)(["generate", "a lake", "--via", "sandbox", "-s", "512"])
    code, shown = sized(environ, folder, 80, PISANG_PREVIEW="off")(["show"])
    assert code == 0, shown
    uri, path = re.search(
        r"\x1b\]8;;(file://[^\x1b]+)\x1b\\([^\x1b]+)\x1b\]8;;\x1b\\", shown
    ).groups()
    assert Path(path).is_file()
    assert uri == Path(path).as_uri()
    assert path.startswith(str(home))


def test_a_shown_picture_is_drawn_where_the_terminal_can(environ, folder):
    sized(environ, folder, 80)(["generate", "a lake", "--via", "sandbox", "-s", "512"])
    for _ in range(10):  # a busy machine may leave it out
        code, shown = sized(environ, folder, 80, TERM="xterm-kitty")(["show"])
        assert code == 0, shown
        if "\x1b_Ga=T" in shown:
            break
    assert "\x1b_Ga=T" in shown


def all_commands(rows=COMMANDS, lead=()):
    """The words of every command, groups left out."""
    for name, row in rows.items():
        if isinstance(row, Group):
            yield from all_commands(row.rows, (*lead, name))
        else:
            yield (*lead, name)


@pytest.mark.parametrize("words", list(all_commands()), ids=" ".join)
def test_every_help_page_ends_with_examples_of_that_command(pisang, words):
    said = pisang(*words, "--help")
    assert said.code == 0
    _, _, examples = said.out.rpartition("\nExamples:\n")
    lines = [line for line in examples.splitlines() if line.strip()]
    assert lines
    assert any(f"pisang {' '.join(words)}" in line for line in lines), examples
