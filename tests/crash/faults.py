"""System calls that fail: strace makes the k-th one of a kind return an error, or kill."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.shell import Said, Shell, finish, start

KILL = "SIGKILL"

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fault:
    """The k-th call of a kind fails with an error, in every thread that gets so far; `for_ever`:
    and all that come after it. The error `SIGKILL` ends the process there."""

    calls: str
    error: str
    nth: int
    for_ever: bool = False

    @property
    def words(self) -> list[str]:
        """What strace is told."""
        when = f"{self.nth}+" if self.for_ever else f"{self.nth}"
        how = "signal" if self.error == KILL else "error"
        return ["-e", f"inject={self.calls}:{how}={self.error}:when={when}"]

    @property
    def name(self) -> str:
        """It as a file name."""
        kind = self.calls.partition(",")[0]
        return f"{kind}-{self.nth}-{self.error}" + ("-for-ever" if self.for_ever else "")


@dataclass(frozen=True)
class Struck:
    """How a command ended under a fault, and what its calls were."""

    said: Said
    trace: str

    @property
    def hit(self) -> bool:
        """Whether the fault came about at all."""
        return "(INJECTED)" in self.trace or self.said.code < 0

    def most(self, calls: str) -> int:
        """The most calls of one of these names that any one thread made."""
        names = calls.split(",")
        found = re.findall(r"^(\d+) +(\w+)\(", self.trace, re.MULTILINE)
        counts = Counter((thread, name) for thread, name in found if name in names)
        return max(counts.values(), default=0)


def strike(
    shell: Shell, calls: str, fault: Fault | None, words: tuple[str, ...], trace: Path
) -> Struck:
    """Run `pisang` with these words under a fault (None: only watch its calls)."""
    command = [sys.executable, "-m", "tests.crash.warm", str(shell.home), *words]
    process = start(command, shell, cwd=ROOT, stdin=subprocess.PIPE)
    watcher = None
    try:
        assert process.stdin is not None and process.stderr is not None
        ready = process.stderr.readline()
        assert ready == "ready\n", ready + process.stderr.read()
        watcher = attach(process.pid, calls, fault, trace)
        process.stdin.write("go\n")
        process.stdin.flush()
        said = finish(process)
    finally:
        process.kill()
        for one in (process, watcher):
            if one is not None:
                reap(one)
    return Struck(said, trace.read_text())


def reap(process: subprocess.Popen[str]) -> None:
    """Wait for its end, and close its pipes."""
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def attach(pid: int, calls: str, fault: Fault | None, trace: Path) -> subprocess.Popen[str]:
    """strace on all threads of a process, once it holds them."""
    command = ["strace", "-f", "-p", str(pid), "-o", str(trace), "-e", f"trace={calls}"]
    watcher = subprocess.Popen(
        [*command, *(fault.words if fault else ())],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watcher.stderr is not None
    told = watcher.stderr.readline()
    assert "attached" in told, told
    return watcher


def need_strace() -> None:
    """Skip the test, saying why, where calls can't be made to fail."""
    if shutil.which("strace") is None:
        pytest.skip("making system calls fail needs strace")
    sleeper = subprocess.Popen(["sleep", "5"])
    try:
        attached = try_attach(sleeper.pid)
    finally:
        sleeper.kill()
        sleeper.wait()
    if attached is not None:
        pytest.skip(f"strace may not attach to a process here: {attached}")


def try_attach(pid: int) -> str | None:
    """Why strace can't attach; None when it can."""
    watcher = subprocess.Popen(
        ["strace", "-p", str(pid), "-e", "inject=sync:error=EIO"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watcher.stderr is not None
    told = watcher.stderr.readline()
    watcher.terminate()
    watcher.communicate()
    return None if "attached" in told else told.strip()
