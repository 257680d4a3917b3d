"""An answer's bytes on their way in: to the store first, then to who taps them (DESIGN §3).

What is large is decoded, hashed and written in a thread, which holds nothing else up meanwhile: the
loop takes the next bytes from the socket, and those of other answers. What has come when the thread
is done goes to it in one go, so the busier the machine, the fewer the ways there and back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Self

from pisang.engine.events import Tap
from pisang.engine.intake import Intake

BESIDE_BYTES = 128 * 1024
"""A chunk from here on is taken in by a thread; a smaller one takes less time than the way there
and back."""

AHEAD_BYTES = 1024 * 1024
"""How much may wait for the thread. More waits in the socket."""

TOLD_EVERY_S = 0.1
"""How often is told how much has come."""


class Pump:
    """Takes the chunks of one answer; `tell` hears how many bytes are stored. Large ones are taken
    in by one of the `threads` (None: the loop's own).

    It is a context: at its end, whatever ended it, nothing of the answer is under way any more.
    What the store or the scanner raises for a chunk comes with a later one, or there.
    """

    def __init__(
        self, intake: Intake, tap: Tap, tell: Callable[[int], None], threads: Executor | None
    ) -> None:
        self._intake = intake
        self._tap = tap
        self._tell = tell
        self._threads = threads
        self._told_s = 0.0
        self._stored = 0
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._under_way: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, Exception):  # cancelled
            self._gathered.clear()
        await self._come_to_rest()
        if self._failure is not None:
            raise self._failure
        if kind is None:
            self._tell(self._stored)

    async def take(self, chunk: bytes) -> None:
        """The next bytes, which may still be on their way to the store when this returns."""
        if self._under_way is None and len(chunk) < BESIDE_BYTES and self._failure is None:
            self._intake.take(chunk)
            self._pass_on(chunk)
        else:
            self._gathered.append(chunk)
            self._gathered_bytes += len(chunk)
            if self._under_way is None:
                self._begin()
            elif self._gathered_bytes >= AHEAD_BYTES:
                await asyncio.wait((self._under_way,))
        if self._failure is not None:
            raise self._failure
        if self._tap.full:
            await self._tap.room()

    def _begin(self) -> None:
        chunks, self._gathered, self._gathered_bytes = self._gathered, [], 0
        loop = asyncio.get_running_loop()
        self._under_way = loop.run_in_executor(self._threads, self._take_in, chunks)
        self._under_way.add_done_callback(partial(self._arrive, chunks))

    def _take_in(self, chunks: list[bytes]) -> None:
        """In the thread."""
        for chunk in chunks:
            self._intake.take(chunk)

    def _arrive(self, chunks: list[bytes], taking: asyncio.Future[None]) -> None:
        """The store has them."""
        self._under_way = None
        self._failure = taking.exception()
        if self._failure is not None:
            self._gathered.clear()
            return
        for chunk in chunks:
            self._pass_on(chunk)
        if self._gathered:
            self._begin()

    def _pass_on(self, chunk: bytes) -> None:
        self._stored += len(chunk)
        self._tap.push(chunk)
        if time.monotonic() >= self._told_s + TOLD_EVERY_S:
            self._told_s = time.monotonic()
            self._tell(self._stored)

    async def _come_to_rest(self) -> None:
        while self._under_way is not None:
            await asyncio.wait((self._under_way,))
