"""On a terminal: the sandbox of its own accord, progress, and a key asked for without echo."""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path

import pytest

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
    assert "pisang upstream add google" in shown
    assert list((folder / "pisang-out").iterdir())


def test_a_key_is_asked_for_and_not_shown(terminal, home):
    code, shown = terminal(["upstream", "add", "google"], answer=b"CANARY-typed-1\n")
    assert code == 0, shown
    assert "CANARY" not in shown
    assert "CANARY-typed-1" in (home / "keys.toml").read_text()
