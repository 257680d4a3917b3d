"""Runs every client over every wish beside one faulty upstream, and counts what came of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prove.clients import CLIENTS, Client, Desk
from prove.faults import WISHES, fault_of
from prove.record import Granted, Send
from prove.running import Cold, Launcher, Running, heard, served, strike

AT_ONCE = 2
"""Wishes that a client has under way."""
HANGS_S = 60.0

Place = tuple[str, int]


class Stage:
    """The upstream's book as it comes in, and the processes that may be struck."""

    def __init__(self, upstream: subprocess.Popen[str]) -> None:
        self._upstream = upstream
        self._running: dict[Place, Running] = {}
        self._lock = threading.Lock()
        self.sends: list[Send] = []
        self.base_url = f"http://127.0.0.1:{self._next()['port']}"

    def listen(self) -> None:
        """Take in the book's lines, and do to the clients what they ask for, to the end."""
        acts: dict[str, Callable[[dict[str, Any]], None]] = {
            "send": self._keep,
            "strike": self._hit,
        }
        while event := self._next():
            acts[event.pop("event")](event)

    def _next(self) -> dict[str, Any]:
        assert self._upstream.stdout is not None
        line = self._upstream.stdout.readline()
        return dict(json.loads(line)) if line else {}

    def _keep(self, event: dict[str, Any]) -> None:
        self.sends.append(Send(**event))

    def _hit(self, event: dict[str, Any]) -> None:
        """In a thread of its own: pressing Ctrl-C until it is gone takes a while."""
        place = event["client"], event["wish"]
        threading.Thread(target=self._strike, args=(place, event["strike"])).start()

    def _strike(self, place: Place, how: str) -> None:
        while place not in self._running:  # it has sent before whoever started it was told of it
            time.sleep(0.01)
        strike(self._running[place], how)
        with self._lock, contextlib.suppress(BrokenPipeError, ValueError):
            assert self._upstream.stdin is not None
            self._upstream.stdin.write(f"{place[0]} {place[1]}\n")
            self._upstream.stdin.flush()

    def run(
        self, launcher: Launcher, words: Sequence[str], folder: Path, place: Place
    ) -> tuple[int, str]:
        """A process in the wish's folder, to its end: exit code, and all that it said."""
        said = folder / "said.txt"
        running = self._running[place] = launcher.start(words, folder, said)
        code = running.wait(HANGS_S)
        if code is None:
            os.kill(running.pid, signal.SIGKILL)
            raise RuntimeError(f"{place}: it hangs")
        return code, said.read_text(encoding="utf-8")


@contextlib.contextmanager
def upstream() -> Iterator[Stage]:
    """The faulty upstream while it runs."""
    with served("prove.upstream") as process:
        stage = Stage(process)
        with heard(process, stage.listen):
            yield stage


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with one of the clients, at a desk."""

    stage: Stage
    client: Client
    desk: Desk
    launcher: Launcher

    def grant(self, wish: int) -> list[int]:
        """What a user does for a wish; how each run ended.

        One rule for all. Whoever heard nothing, because the process was killed, runs the same
        again, once. Whoever was told something does the free thing that it names, if it names
        one, and nothing more.
        """
        folder = self.desk.place(wish)
        folder.mkdir()
        place = self.client.name, wish
        words = self.client.words(wish)
        code, said = self.stage.run(self.launcher, words, folder, place)
        exits = [code]
        if code == -signal.SIGKILL:
            code, said = self.stage.run(self.launcher, words, folder, place)
            exits.append(code)
        onward = self.client.onward(said)
        if onward is not None:
            code, said = self.stage.run(Cold(self.desk.environ), onward, folder, place)
            exits.append(code)
        return exits


def pictures(folder: Path) -> set[str]:
    """The SHA-256 of every file below, but of what Pisang is still taking in."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and "incoming" not in path.parts:
            found.add(hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def prove(
    folder: Path,
    wishes: Sequence[int] = range(1, WISHES + 1),
    clients: Sequence[Client] = CLIENTS,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> tuple[list[Send], list[Granted]]:
    """Everything, side by side: the book, and what came of each wish."""
    with upstream() as stage, ThreadPoolExecutor(len(clients)) as at_once:
        done = _Done(len(clients) * len(wishes), progress)
        lots = [
            at_once.submit(_serve, stage, client, folder, wishes, done.add) for client in clients
        ]
        ended = [(client, *lot.result()) for client, lot in zip(clients, lots, strict=True)]
    rows = [
        _count(stage.sends, client.name, wish, exits, had, listed.get(wish, ""))
        for client, granted, had, listed in ended
        for wish, exits in granted.items()
    ]
    order = [client.name for client in clients]
    book = sorted(stage.sends, key=lambda one: (order.index(one.client), one.wish, one.send))
    return book, rows


def _serve(
    stage: Stage, client: Client, folder: Path, wishes: Sequence[int], done: Callable[[], None]
) -> tuple[dict[int, list[int]], set[str], dict[int, str]]:
    """One client over all wishes: how its runs ended, the pictures it has, what it lists."""
    desk = Desk(folder / client.name, stage.base_url, f"sk-proof-{client.name}")
    desk.folder.mkdir()
    client.prepare(desk)
    with client.launcher(desk) as launcher, ThreadPoolExecutor(AT_ONCE) as pool:
        user = User(stage, client, desk, launcher)

        def one(wish: int) -> list[int]:
            exits = user.grant(wish)
            done()
            return exits

        # The last first: they wait longest, and the others fill that time.
        ended = dict(zip(wishes[::-1], pool.map(one, wishes[::-1]), strict=True))
    return {wish: ended[wish] for wish in wishes}, pictures(desk.folder), client.listed(desk)


def _count(
    sends: Sequence[Send], client: str, wish: int, exits: list[int], had: set[str], listed: str
) -> Granted:
    mine = [one for one in sends if (one.client, one.wish) == (client, wish)]
    return Granted(
        client=client,
        wish=wish,
        fault=fault_of(wish, 1).name,
        exits=" ".join(map(str, exits)),
        sends=len(mine),
        paid=sum(one.billed for one in mine),
        on_disk=sum(one.sha256 in had for one in mine if one.billed),
        listed=listed,
    )


class _Done:
    """Counts wishes as they end."""

    def __init__(self, all_: int, progress: Callable[[int, int], None]) -> None:
        self._lock = threading.Lock()
        self._done, self._all, self._progress = 0, all_, progress

    def add(self) -> None:
        with self._lock:
            self._done += 1
            self._progress(self._done, self._all)
