"""A command on a real pseudo terminal, and what its user sees in the end.

`show` draws what was written as a terminal would: a progress line that was drawn over and cleared
again leaves nothing. It knows the few controls that our own output uses.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LIMIT_S = 60
ROWS, COLUMNS = 40, 100

Answers = Sequence[tuple[str, str]]
"""What is waited for, and what is then typed, in order."""


def on_terminal(
    words: Sequence[str], folder: Path, environ: Mapping[str, str], answers: Answers = ()
) -> tuple[int, str]:
    """The exit code of a program whose three streams are one terminal, and all that it wrote.

    Raises `TimeoutError`, with what was written, when it does not end within a minute.
    """
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(words[0], list(words), dict(environ))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    written, waiting, seen = b"", list(answers), 0
    end = time.monotonic() + LIMIT_S
    while (piece := _read(terminal)) is not None:
        written += piece
        if waiting and waiting[0][0] in written[seen:].decode(errors="replace"):
            seen = len(written)
            os.write(terminal, waiting.pop(0)[1].encode())
        if time.monotonic() > end:
            os.close(terminal)  # which hangs it up
            os.waitpid(child, 0)
            raise TimeoutError(show(written.decode(errors="replace")))
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), written.decode(errors="replace")


def _read(terminal: int) -> bytes | None:
    """What came, nothing where nothing did; None at the end."""
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if not ready:
        return b""
    try:
        return os.read(terminal, 65536) or None
    except OSError:  # Linux's word for the end of a terminal
        return None


_CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|(\r)|(\n)")


def show(written: str) -> str:
    """The lines that are left on the screen."""
    lines, row = [""], 0
    overwriting = False
    at = 0
    for found in (*_CONTROL.finditer(written), None):
        text = written[at : found.start() if found else None]
        if text:
            lines[row] = text if overwriting else lines[row] + text
            overwriting = False
        if found is None:
            break
        at = found.end()
        count, letter, back, down = found[1], found[2], found[3], found[4]
        if back:
            overwriting = True
        elif down:
            row, overwriting = row + 1, False
            lines += [""] * (row + 1 - len(lines))
        elif letter == "A":
            row = max(0, row - int(count or 1))
        elif letter in ("K", "J"):
            lines[row] = ""
            if letter == "J":
                del lines[row + 1 :]
    return "\n".join(line.rstrip() for line in lines).strip("\n")
