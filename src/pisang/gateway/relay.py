"""An upstream's own bytes on their way to a caller, a step behind the store.

Each chunk is in the store before it comes here. The last one is held back until the outcome is
committed, so nobody has a whole answer that the ledger doesn't know of. A caller who reads slower
than the upstream sends is let fall behind by 4 MiB; after that the rest waits in the store, for a
caller that doesn't read must not hold up the pump of a paid body (DESIGN §3, measured).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress

from pisang.gateway.calls import note_fell_behind

LIVE_BYTES = 64 * 1024
"""From here on an answer is relayed while it arrives; a smaller one is given whole once it is
committed: most errors are small, and must not have been begun as a success."""

LAG_BYTES = 4 * 1024 * 1024

PATIENCE_S = 2.0
"""How long, in all, an answer's pump waits for a caller who is that far behind. One who reads
nearly as fast as the upstream sends is served from memory; one who doesn't, from the store."""


class Relay:
    """One caller's tap (`pisang.engine.events.Tap`) and what he reads from it.

    `headers` are those of the answer that is relayed. `sent` counts the bytes that `chunks` gave
    out; where `fell_behind`, what stands behind them in the body is to be read from the store.
    `live` is done once there is so much that it is to be given out while it arrives. `whole`: the
    body came to its end. `between_events`: what was given out ends with an event.
    """

    def __init__(self, *, sse: bool, patience_s: float = PATIENCE_S) -> None:
        self._start = b"data:" if sse else b"{"
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._taken = False
        self._fits = False
        self._ended = False
        # Made when somebody waits: thousands of answers are awaited, few are read yet.
        self._news: asyncio.Event | None = None
        self._read: asyncio.Event | None = None
        self._patience_s = patience_s
        self.headers: Mapping[str, str] = {}
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.fell_behind = False
        self.whole = False
        self.between_events = False
        self.sent = 0

    # --- the tap ---------------------------------------------------------------------------------

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer's head. Only a success is relayed; what came before it counts no more."""
        if self._taken:
            return
        self.headers = headers
        self._waiting.clear()
        self._waiting_bytes = 0
        self._fits = status == 200

    def push(self, chunk: bytes) -> None:
        """The next bytes, in the store already."""
        if not self._fits or self.fell_behind:
            return
        if not self._waiting_bytes and not self._taken:
            self._fits = chunk.lstrip()[: len(self._start)] == self._start
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes > LIVE_BYTES and self._fits and not self.live.done():
            self.live.set_result(None)
        _wake(self._news)

    @property
    def full(self) -> bool:
        """Whether the reader is too far behind for more."""
        return self._waiting_bytes > LAG_BYTES and self._fits and not self.fell_behind

    async def room(self) -> None:
        """Until the reader has caught up by half, or his time is used up: then he is let go."""
        started_s = time.monotonic()
        self._read = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._read.wait()
        self._patience_s -= time.monotonic() - started_s
        if self.full:
            self.fell_behind = True
            note_fell_behind()
            self._waiting.clear()
            _wake(self._news)

    def leave(self) -> None:
        """Nobody reads any more: nothing is kept for him, and nothing waits for him."""
        self._fits = False
        self._waiting.clear()
        _wake(self._read)

    def close(self, *, whole: bool) -> None:
        """The body has ended, whole or not."""
        self.whole = whole

    @property
    def held(self) -> bool:
        """Whether a whole answer is here, of which nothing was given out yet."""
        return self._fits and self.whole and not self._taken and bool(self._waiting)

    # --- the reader ------------------------------------------------------------------------------

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks as they arrive, all but the last; ends with `end`, or where it fell behind."""
        self._taken = True
        self._news = asyncio.Event()
        while not self._ended and not self.fell_behind:
            while len(self._waiting) > 1 and not self.fell_behind:
                yield self._next()
            self._news.clear()
            if not self._ended and not self.fell_behind:
                await self._news.wait()

    def end(self) -> None:
        """The outcome is known: `chunks` ends."""
        self._ended = True
        _wake(self._news)

    def rest(self) -> list[bytes]:
        """What was held back. Nothing where the reader fell behind."""
        return [] if self.fell_behind else [self._next() for _ in range(len(self._waiting))]

    def _next(self) -> bytes:
        chunk = self._waiting.popleft()
        self._waiting_bytes -= len(chunk)
        if self._waiting_bytes <= LAG_BYTES // 2:
            _wake(self._read)
        self.sent += len(chunk)
        self.between_events = chunk.endswith((b"\n\n", b"\r\n\r\n"))
        return chunk


def _wake(waiter: asyncio.Event | None) -> None:
    if waiter is not None:
        waiter.set()


def skip(body: Iterable[bytes], count: int) -> Iterator[bytes]:
    """The body behind its first `count` bytes."""
    for chunk in body:
        if count < len(chunk):
            yield chunk[count:] if count else chunk
        count = max(0, count - len(chunk))
