"""The keeper: a process of its own that owns what is paid for, whoever ends the command line.

Agents' shells kill at two minutes, terminals hang up, people press Ctrl-C; a 4K image may take
twenty minutes. So the work is done in a forked process with a session of its own, which none of
these reach, and what the user started only watches it through a pipe. What the keeper would print
goes through the pipe too: the foreground repeats it.

The fork comes before any thread or event loop is begun (a fork copies only the thread that calls
it). Frames are JSON objects, a line each: `{"event": …}` while it runs, `{"said": …}` at the end.
A pipe that ends without `said` means that the keeper died, and the ledger is asked instead.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass
from io import StringIO
from typing import Any, NoReturn

from pisang.cli.crash import unexpected
from pisang.cli.screen import Screen
from pisang.client.export import Exported
from pisang.engine.events import Event, Listener
from pisang.errors import PisangError

_QUIET_BYTES = 256 * 1024
"""`received` is told again when this much more has come: what waits in the pipe stays small."""


@dataclass(frozen=True, slots=True)
class Report:
    """How the work ended: its exit code, and the files that could be shown."""

    code: int
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done: `do` asks for it, telling its events to a listener; `tell` prints what
    came of it."""

    do: Callable[[Listener], Exported]
    tell: Callable[[Exported], Report]


@dataclass(frozen=True, slots=True)
class Keeper:
    """A keeper that was started: the pipe it tells through. Its pid is its first frame."""

    pipe: int


def can_keep(environ: Mapping[str, str]) -> bool:
    """Whether there is such a thing here: not without `fork`, nor where `PISANG_KEEPER=off`."""
    return hasattr(os, "fork") and environ.get("PISANG_KEEPER", "").lower() not in ("off", "0")


def start(work: Work, screen: Screen, *, reads_stdin: bool = False) -> Keeper:
    """Start a keeper for the work. `reads_stdin`: a picture comes from standard input."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.close(reading)
        _become_keeper(work, screen, writing, reads_stdin=reads_stdin)
    os.close(writing)
    os.waitpid(middle, 0)
    return Keeper(reading)


def _become_keeper(work: Work, screen: Screen, pipe: int, *, reads_stdin: bool) -> NoReturn:
    """Leave the caller's session, process group and process tree: some shells kill by each."""
    code = 1
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        _let_go_of_terminal(reads_stdin=reads_stdin)
        code = _keep(work, screen, Teller(pipe))
    finally:
        os._exit(code)  # nothing of the foreground's own ending is to happen here


def _let_go_of_terminal(*, reads_stdin: bool) -> None:
    """Whoever waits for our caller's output to end must not wait for us."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(1 if reads_stdin else 0, 3):
        os.dup2(nothing, stream)
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _keep(work: Work, screen: Screen, teller: Teller) -> int:
    teller.tell({"pid": os.getpid()})
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            told = work.tell(work.do(teller.hear))
        except PisangError as error:
            told = Report(screen.fail(error))
        except Exception as error:  # noqa: BLE001 - the outermost of this process
            told = Report(screen.fail(unexpected(error)))
    said = {"out": out.getvalue(), "err": err.getvalue(), **asdict(told)}
    teller.tell_last({"said": said})
    return told.code


class Teller:
    """The keeper's end of the pipe. It never holds up the work: a foreground that is stopped
    (Ctrl-Z) or slow misses progress, and one that is gone misses everything."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._waiting = b""
        self._gone = False
        self._told_bytes: dict[str, int] = {}
        os.set_blocking(pipe, False)

    def hear(self, event: Event) -> None:
        """Tell one event; called on the engine's loop."""
        if event.kind == "received":
            since = self._told_bytes.get(event.attempt_id, -_QUIET_BYTES)
            if self._waiting or event.bytes - since < _QUIET_BYTES:
                return
            self._told_bytes[event.attempt_id] = event.bytes
        self.tell({"event": asdict(event)})

    def tell(self, frame: Mapping[str, Any]) -> None:
        """Tell a frame as far as the pipe takes it now; the rest goes with the next one."""
        self._waiting += json.dumps(frame).encode() + b"\n"
        self._push()

    def tell_last(self, frame: Mapping[str, Any]) -> None:
        """Tell the last frame, however long the foreground takes to read it."""
        with suppress(OSError):
            os.set_blocking(self._pipe, True)
        self.tell(frame)

    def _push(self) -> None:
        try:
            while self._waiting and not self._gone:
                self._waiting = self._waiting[os.write(self._pipe, self._waiting) :]
        except BlockingIOError:
            return
        except OSError:
            self._gone = True
        if self._gone:
            self._waiting = b""
