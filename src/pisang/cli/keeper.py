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

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass
from io import StringIO
from typing import Any, NoReturn

from pisang.cli.performing import Report, Work, perform
from pisang.cli.screen import Screen
from pisang.engine.events import Event

TOLD = b"k"
"""What the foreground answers once it has told its caller how it ended."""

_QUIET_BYTES = 256 * 1024
"""`received` is told again when this much more has come: what waits in the pipe stays small."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A keeper that was started: the pipe it tells through (its pid is its first frame), and the
    one that it is answered through."""

    pipe: int
    answer: int


def can_keep(environ: Mapping[str, str]) -> bool:
    """Whether there is such a thing here: not without `fork`, nor where `PISANG_KEEPER=off`, nor
    in a process with threads, of which a fork would copy one and the others' locks."""
    return is_wanted(environ) and hasattr(os, "fork") and threading.active_count() == 1


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether paid work may be given to a process of its own: not where `PISANG_KEEPER=off`."""
    return environ.get("PISANG_KEEPER", "").lower() not in ("off", "0")


def start(work: Work, screen: Screen, *, reads_stdin: bool = False) -> Keeper:
    """Start a keeper for the work. `reads_stdin`: a picture comes from standard input."""
    sys.stdout.flush()
    sys.stderr.flush()
    telling, hearing = os.pipe(), os.pipe()
    middle = os.fork()
    if middle == 0:
        os.close(telling[0])
        os.close(hearing[1])
        _become_keeper(work, screen, Teller(telling[1], hearing[0]), reads_stdin=reads_stdin)
    os.close(telling[1])
    os.close(hearing[0])
    os.waitpid(middle, 0)
    return Keeper(telling[0], hearing[1])


def _become_keeper(work: Work, screen: Screen, teller: Teller, *, reads_stdin: bool) -> NoReturn:
    """Leave the caller's session, process group and process tree: some shells kill by each."""
    code = 1
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        _let_go_of_terminal(reads_stdin=reads_stdin)
        teller.tell({"pid": os.getpid()})
        code = perform(work, teller, screen).code
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


class Teller:
    """The keeper's end of the pipe. It never holds up the work: a foreground that is stopped
    (Ctrl-Z) or slow misses progress, and one that is gone misses everything. That the foreground
    said its last word to its caller it answers with a byte; its end without one means it left."""

    def __init__(self, pipe: int, answer: int) -> None:
        self._pipe = pipe
        self._answer = answer
        self._answered: bool | None = None
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

    def attend(self, leave: Callable[[], None], stop: Callable[[], None]) -> None:
        """Call `leave` when the foreground leaves without having told the outcome, and `stop` when
        it wants nothing more to be sent (SIGTERM)."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop)

        def read() -> None:
            loop.remove_reader(self._answer)
            if not self._read_answer():
                leave()

        loop.add_reader(self._answer, read)

    def give(self, say: Callable[[], Report]) -> tuple[Report, bool]:
        """Have the foreground say it; the report, and whether it did so."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            report = say()
        self._tell_last({"said": {"out": out.getvalue(), "err": err.getvalue(), **asdict(report)}})
        return report, self._read_answer()

    def _read_answer(self) -> bool:
        """Whether the foreground told its caller; waits until it did, or is gone."""
        if self._answered is None:
            self._answered = os.read(self._answer, 1) == TOLD
        return self._answered

    def tell(self, frame: Mapping[str, Any]) -> None:
        """Tell a frame as far as the pipe takes it now; the rest goes with the next one."""
        self._waiting += json.dumps(frame).encode() + b"\n"
        self._push()

    def _tell_last(self, frame: Mapping[str, Any]) -> None:
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
