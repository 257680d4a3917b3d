"""Processes that are started for a wish, and may be struck: cold and warm ones (`warm.py`)."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
LEAVING_S = 0.7
"""Between one Ctrl-C and the next."""


class Running:
    """A process that was started: its id, and how it ended when it did (negative: the signal)."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None
        self._ended = threading.Event()

    def end(self, code: int) -> None:
        """It ended so."""
        self._code = code
        self._ended.set()

    def wait(self, seconds: float) -> int | None:
        """Its exit code; None when it goes on after that long."""
        self._ended.wait(seconds)
        return self._code


class Launcher(Protocol):
    """Starts a command, or a program with these arguments, as the leader of a session.

    It runs in `folder`, without input, and what it says is written into the file `said`.
    """

    def start(self, words: Sequence[str], folder: Path, said: Path) -> Running:
        """The process, under way."""


class Cold:
    """Starts commands as a shell does."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def start(self, words: Sequence[str], folder: Path, said: Path) -> Running:
        """The process, under way."""
        with said.open("wb") as out:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        running = Running(process.pid)
        threading.Thread(target=lambda: running.end(process.wait())).start()
        return running


class Warm:
    """Starts one program, whose imports are done already."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._started: dict[int, SimpleQueue[Running]] = {0: SimpleQueue()}
        self._running: dict[int, Running] = {}

    def start(self, words: Sequence[str], folder: Path, said: Path) -> Running:
        """The process, under way."""
        assert self._process.stdin is not None
        place = next(self._numbers)
        self._started[place] = SimpleQueue()
        order = {"place": place, "argv": list(words), "folder": str(folder), "said": str(said)}
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        return self._started[place].get()

    def listen(self) -> None:
        """Take in what it tells of its children, to the end."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            place = event["place"]
            if "pid" in event:
                self._running[place] = Running(event["pid"])
                self._started[place].put(self._running[place])
            elif "code" in event:
                self._running[place].end(event["code"])


@contextlib.contextmanager
def served(
    module: str, *words: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A module of this package as a process that works while its standard input is open."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process


@contextlib.contextmanager
def heard(process: subprocess.Popen[str], listen: Callable[[], None]) -> Iterator[None]:
    """Takes in what the process tells, from now on to its end, which is this context's."""
    assert process.stdin is not None
    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield
    finally:
        process.stdin.close()
        listening.join()


@contextlib.contextmanager
def warmed(program: Path, environ: Mapping[str, str]) -> Iterator[Warm]:
    """A program, warm, while it is wanted."""
    with served("prove.warm", str(program), env=environ) as process:
        warm = Warm(process)
        with heard(process, warm.listen):
            yield warm


def _kill(running: Running) -> None:
    os.kill(running.pid, signal.SIGKILL)


def _kill_group(running: Running) -> None:
    os.killpg(running.pid, signal.SIGKILL)


def _leave(running: Running) -> None:
    os.kill(running.pid, signal.SIGINT)
    while running.wait(LEAVING_S) is None:
        os.kill(running.pid, signal.SIGINT)


_STRIKES = {"kill": _kill, "kill-group": _kill_group, "leave": _leave}


def strike(running: Running, how: str) -> None:
    """Do that to it, where it still runs."""
    with contextlib.suppress(ProcessLookupError):
        _STRIKES[how](running)
