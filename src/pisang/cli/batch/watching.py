"""A batch under way, watched: the keeper works, this looks at the ledger and draws."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from pisang.cli.batch.keeper import DETACH, keep
from pisang.cli.batch.telling import line_of
from pisang.cli.screen import Screen
from pisang.client.loading import load_settings
from pisang.client.shapes import error_json
from pisang.client.storing import storage_of
from pisang.domain.batch import BatchStatus
from pisang.engine.ids import new_id
from pisang.engine.world import now_ms
from pisang.errors import PisangError
from pisang.store.store import Store

_LOOK_S = 0.25
_SAY_EVERY_S = 10.0
"""How often a line is written where nothing can be drawn over."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How the watching ended. `left`: the keeper goes on alone. `stopped`: it was told to stop.
    `error` is what the keeper could not go on for (`client.shapes.error_json`)."""

    status: BatchStatus
    left: bool = False
    stopped: bool = False
    error: dict[str, Any] | None = None


def start(batch_id: str, concurrency: int, on: str | None = None) -> subprocess.Popen[bytes]:
    """The keeper, in a session of its own: no Ctrl-C and no hang-up reaches it but through us."""
    words = [sys.executable, "-m", "pisang.cli.batch.keeper", batch_id, str(concurrency)]
    words += [on] if on is not None else []
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        apart = {"creationflags": flags}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, **apart)  # noqa: S603 - our own


def do_here(batch_id: str, concurrency: int, on: str | None = None) -> Seen:
    """Do it in this very process, where there may be no other."""
    error: dict[str, Any] | None = None
    try:
        asyncio.run(keep(batch_id, concurrency, on, tied=False))
    except PisangError as failed:
        error = error_json(failed)
    with opened() as store:
        return Seen(store.batches.status(batch_id), error=error)


@contextmanager
def opened() -> Iterator[Store]:
    """The home's store, without a loop: Ctrl-C has to reach who watches, not a loop's task."""
    settings = load_settings()
    store = Store.open(settings.home, clock_ms=now_ms, new_id=new_id, storage=storage_of(settings))
    try:
        yield store
    finally:
        store.close()


def detach(keeper: subprocess.Popen[bytes]) -> None:
    """Let it go on alone."""
    with suppress(BrokenPipeError):
        _in(keeper).write(DETACH)
        _in(keeper).close()


def watch(
    keeper: subprocess.Popen[bytes],
    store: Store,
    batch_id: str,
    screen: Screen,
    for_s: float | None = None,
) -> Seen:
    """Draw how it goes until the keeper ends, Ctrl-C twice, or `for_s` is over."""
    drawn = _Drawn(screen)
    until = None if for_s is None else time.monotonic() + for_s
    stopped = False
    try:
        while keeper.poll() is None:
            try:
                drawn.show(store.batches.status(batch_id))
                if until is not None and time.monotonic() >= until:
                    detach(keeper)
                    return Seen(store.batches.status(batch_id), left=True)
                time.sleep(_LOOK_S)
            except KeyboardInterrupt:
                drawn.clear()
                if stopped:
                    detach(keeper)  # it has been told to stop, and ends once what was sent is over
                    return Seen(store.batches.status(batch_id), left=True, stopped=True)
                stopped = True
                _stop(keeper, store.batches.status(batch_id), screen)
    finally:
        drawn.clear()
    told, _ = keeper.communicate()
    error = json.loads(told.splitlines()[-1]) if told else None
    return Seen(store.batches.status(batch_id), stopped=stopped, error=error)


def _stop(keeper: subprocess.Popen[bytes], status: BatchStatus, screen: Screen) -> None:
    with suppress(ProcessLookupError):
        os.kill(keeper.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
    screen.note(
        screen.pick(
            f"Nothing more is begun; {status.taken} under way are seen through and kept. Ctrl-C "
            "again leaves them to finish alone.",
            f"不再开始新的请求；进行中的 {status.taken} 个会等到结束并保存。"
            "再按一次 Ctrl-C 则不再等待，由后台完成。",
        )
    )


class _Drawn:
    """One line: drawn over where somebody watches, else written now and then."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._said = ""
        self._said_s = time.monotonic()

    def show(self, status: BatchStatus) -> None:
        line = line_of(status, self._screen)
        if self._screen.live:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            sys.stderr.write(f"\r\x1b[2K{line[: max(10, columns - 1)]}")
            sys.stderr.flush()
            self._said = line
        elif line != self._said and time.monotonic() - self._said_s >= _SAY_EVERY_S:
            self._screen.note(line)
            self._said, self._said_s = line, time.monotonic()

    def clear(self) -> None:
        """Take the drawn line away."""
        if self._screen.live and self._said:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._said = ""


def _in(keeper: subprocess.Popen[bytes]) -> IO[bytes]:
    if keeper.stdin is None:
        raise TypeError
    return keeper.stdin
