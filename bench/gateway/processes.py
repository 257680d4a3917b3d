"""What the kernel says of a running server and of all processes that it started (Linux)."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
GONE = (FileNotFoundError, ProcessLookupError)
FORGET_PEAK = "5"
"""Written to `clear_refs`, it sets `VmHWM` to what is resident now (proc(5))."""


def family(pid: int) -> list[int]:
    """That process and all its descendants."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        with suppress(*GONE):
            for task in (PROC / str(one) / "task").iterdir():
                left += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds, user and system, of the family so far, its ended members among them."""
    total = 0
    for one in family(pid):
        with suppress(*GONE):
            fields = (PROC / str(one) / "stat").read_text().rpartition(")")[2].split()
            total += sum(int(ticks) for ticks in fields[11:15])
    return total * TICK_S


def settled_cpu_s(pid: int) -> float:
    """The same once the family has been quiet for 0.2 s (at most 5 s later): work that a server
    does after its answer counts too."""
    until = time.monotonic() + 5
    before = cpu_s(pid)
    while time.monotonic() < until:
        time.sleep(0.2)
        now = cpu_s(pid)
        if now - before <= 2 * TICK_S:
            return now
        before = now
    return before


def resident_mib(pid: int) -> float:
    """The family's memory, what they share counted once (PSS)."""
    return sum(_kib(one, "smaps_rollup", "Pss:") for one in family(pid)) / 1024


def _kib(pid: int, file: str, field: str) -> int:
    with suppress(*GONE, PermissionError):
        for line in (PROC / str(pid) / file).read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    return 0


class Peak:
    """The most memory of a family while the block ran: the kernel's own high-water mark of every
    process, added up. Pages that processes share count in each, and their peaks need not have
    been at the same time: the sum never flatters."""

    EVERY_S = 0.25

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._peaks: dict[int, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        for one in family(self.pid):
            with suppress(*GONE, PermissionError):
                (PROC / str(one) / "clear_refs").write_text(FORGET_PEAK)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(self.EVERY_S):
            self._look()

    def _look(self) -> None:
        for one in family(self.pid):
            seen = _kib(one, "status", "VmHWM:")
            self._peaks[one] = max(seen, self._peaks.get(one, 0))

    @property
    def mib(self) -> float:
        return sum(self._peaks.values()) / 1024
