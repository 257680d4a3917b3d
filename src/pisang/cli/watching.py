"""The foreground of a command whose work a keeper does: it watches, and may leave at any time.

It leaves when its time is up (`--for`, and after 90 s where an agent or no terminal is the
caller), at once with `--detach`, and on the second Ctrl-C. The first Ctrl-C stops what was not
sent yet, and says what is at stake of what was.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisang.cli.callers import agent_in
from pisang.cli.keeper import TOLD, Keeper
from pisang.cli.screen import Screen
from pisang.cli.words import say_amount
from pisang.engine.events import ENDED, Event
from pisang.errors import Running

if TYPE_CHECKING:
    from pisang.cli.progress import Progress

PATIENCE_S = 90.0
"""How long a caller without a person waits: agents' shells kill after 120 s, some after 100."""

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the foreground stays: `for_s` seconds (None: to the end), or only until the request
    is in the ledger (`detach`)."""

    for_s: float | None = None
    detach: bool = False


def patience_of(for_s: float | None, environ: Mapping[str, str], *, detach: bool) -> Patience:
    """What was asked for, else to the end for a person, else `PATIENCE_S`."""
    person = agent_in(environ) is None and (sys.stdin.isatty() or sys.stderr.isatty())
    return Patience(for_s if for_s is not None or person else PATIENCE_S, detach)


@dataclass(slots=True)
class Seen:
    """What a keeper has told so far. `stakes` are the worst prices of what is under way."""

    pid: int | None = None
    request_id: str | None = None
    stakes: dict[str, str | None] = field(default_factory=dict)
    said: dict[str, Any] | None = None

    def take(self, frame: Mapping[str, Any]) -> Event | None:
        """Take a frame in; the event in it, where it is one."""
        self.pid = frame.get("pid", self.pid)
        self.said = frame.get("said", self.said)
        if "event" not in frame:
            return None
        event = Event(**frame["event"])
        self.request_id = event.request_id
        if event.kind == "claimed":
            self.stakes[event.attempt_id] = event.at_stake
        elif event.kind in ENDED:
            self.stakes.pop(event.attempt_id, None)
        return event

    @property
    def state(self) -> str:
        """`sent` while something is under way, else `planned`."""
        return "sent" if self.stakes else "planned"


@dataclass(frozen=True, slots=True)
class Left:
    """The foreground left while the keeper works on."""

    request_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Said:
    """The keeper has ended and said so: its exit code, and the files that could be shown."""

    code: int
    pictures: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Died:
    """The keeper ended without a word. `request_id` None: before anything was in the ledger."""

    request_id: str | None


class Watch:
    """Watches one keeper to its end, or until the foreground leaves."""

    def __init__(
        self, keeper: Keeper, screen: Screen, progress: Progress, patience: Patience
    ) -> None:
        self._pipe = keeper.pipe
        self._answer = keeper.answer
        self._screen = screen
        self._progress = progress
        self._patience = patience
        self._seen = Seen()
        self._interrupts = 0
        self._rest = b""

    def run(self) -> Said | Left | Died:
        """Watch. What the keeper said is printed; the rest is the caller's to tell."""
        for_s = self._patience.for_s
        until = None if for_s is None else time.monotonic() + for_s
        with interrupts() as keys, self._progress:
            left = self._follow(until, keys)
        ended = left or self._ended()
        if isinstance(ended, Said) or self._patience.detach:
            with suppress(OSError):  # the keeper may be gone: then the ledger knows
                os.write(self._answer, TOLD)
        return ended

    def _follow(self, until: float | None, keys: int) -> Left | None:
        """Until the foreground leaves, or (None) the keeper said its last word, or died."""
        while True:
            request_id = self._seen.request_id
            if request_id is not None and self._may_leave(until):
                return Left(request_id, self._seen.state)
            wait = None if until is None else max(until - time.monotonic(), 0.05)
            ready, _, _ = select.select([self._pipe, keys], [], [], wait)
            if keys in ready:
                os.read(keys, 1)
                self._interrupts += 1
                if self._interrupts == 1:
                    self._stop()
            if self._pipe in ready:
                chunk = os.read(self._pipe, _CHUNK)
                if not chunk:
                    return None
                self._take(chunk)
                if self._seen.said is not None:
                    return None

    def _may_leave(self, until: float | None) -> bool:
        late = until is not None and time.monotonic() >= until
        return self._patience.detach or self._interrupts > 1 or late

    def _take(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            event = self._seen.take(json.loads(line))
            if event is not None:
                self._progress.hear(event)

    def _ended(self) -> Said | Died:
        said = self._seen.said
        if said is None:
            return Died(self._seen.request_id)
        for stream, text in ((sys.stdout, said["out"]), (sys.stderr, said["err"])):
            self._screen.repeat(stream, text)
        return Said(said["code"], tuple(map(Path, said["pictures"])))

    def _stop(self) -> None:
        """The first Ctrl-C: nothing more is to be sent; say what that leaves."""
        if self._seen.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._seen.pid, signal.SIGTERM)
        self._screen.note(self._say_stakes())

    def _say_stakes(self) -> str:
        pick = self._screen.pick
        if not self._seen.stakes:
            return pick("Stopping: nothing is under way.", "正在停止：没有进行中的请求。")
        known = [stake for stake in self._seen.stakes.values() if stake is not None]
        language = self._screen.language
        amounts = " + ".join(say_amount(stake, language) for stake in known)
        if len(known) < len(self._seen.stakes):
            amounts = pick("an amount that is not known", "未知金额")
        again = f"pisang wait {self._seen.request_id}"
        return pick(
            f"Sent already, and paid for with {amounts} at most: it goes on, and is kept. "
            f"Ctrl-C again leaves it to itself; later: {again}",
            f"请求已经发出，最多花费 {amounts}：会继续完成并保存。"
            f"再按一次 Ctrl-C 转入后台，之后可用：{again}",
        )


@contextmanager
def interrupts() -> Iterator[int]:
    """A descriptor that can be read for each Ctrl-C, in place of an exception: one of those may
    come between any two lines, in the middle of answering the one before too."""
    reading, writing = os.pipe()

    def tell(number: int, frame: object) -> None:
        os.write(writing, b"^")

    before = signal.signal(signal.SIGINT, tell)
    try:
        yield reading
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(reading)
        os.close(writing)


def tell_left(left: Left, screen: Screen, *, asked: bool) -> int:
    """Say where a request stands that goes on without us; the exit code: 9, unless to leave it
    was what was asked."""
    onward = f"pisang wait {left.request_id}"
    screen.data({"state": left.state, "request_id": left.request_id, "next": onward})
    screen.line(screen.pick("under way", "进行中") + f" · {left.request_id}")
    screen.bare(left.request_id)
    screen.note(f"{screen.lead('Next', '下一步')}{onward}")
    return 0 if asked else Running.exit_code
