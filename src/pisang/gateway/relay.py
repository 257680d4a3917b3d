"""An upstream's own bytes on their way to a caller, a step behind the store.

Each chunk is in the store before it comes here. The last one is held back until the outcome is
committed, so nobody has a whole answer that the ledger doesn't know of. A caller who reads slower
than the upstream sends is let fall behind by 4 MiB; after that the rest waits in the store, for a
caller that doesn't read must not hold up the pump of a paid body (DESIGN §3, measured).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from pisang.gateway.calls import note_fell_behind

LIVE_BYTES = 64 * 1024
"""From here on an answer is relayed while it arrives; a smaller one is given whole once it is
committed: most errors are small, and must not have been begun as a success."""

LAG_BYTES = 4 * 1024 * 1024


class Relay:
    """One caller's tap (`pisang.engine.events.Tap`) and what he reads from it.

    `headers` are those of the answer that is relayed. `sent` counts the bytes that `chunks` gave
    out; where `fell_behind`, what stands behind them in the body is to be read from the store.
    `whole`: the body came to its end. `between_events`: what was given out ends with an event.
    """

    def __init__(self, *, sse: bool) -> None:
        self._start = b"data:" if sse else b"{"
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._taken = False
        self._fits = False
        self._ended = False
        self._news = asyncio.Event()
        self.headers: Mapping[str, str] = {}
        self.live = asyncio.Event()
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
        if self._waiting_bytes > LIVE_BYTES and self._fits:
            self.live.set()
        if self._waiting_bytes > LAG_BYTES:
            self.fell_behind = True
            note_fell_behind()
            self._waiting.clear()
        self._news.set()

    def close(self, *, whole: bool) -> None:
        """The body has ended, whole or not."""
        self.whole = whole

    # --- the reader ------------------------------------------------------------------------------

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks as they arrive, all but the last; ends with `end`, or where it fell behind."""
        self._taken = True
        while not self._ended and not self.fell_behind:
            while len(self._waiting) > 1 and not self.fell_behind:
                yield self._next()
            self._news.clear()
            if not self._ended and not self.fell_behind:
                await self._news.wait()

    def end(self) -> None:
        """The outcome is known: `chunks` ends."""
        self._ended = True
        self._news.set()

    def rest(self) -> list[bytes]:
        """What was held back. Nothing where the reader fell behind."""
        return [] if self.fell_behind else [self._next() for _ in range(len(self._waiting))]

    def _next(self) -> bytes:
        chunk = self._waiting.popleft()
        self._waiting_bytes -= len(chunk)
        self.sent += len(chunk)
        self.between_events = chunk.endswith((b"\n\n", b"\r\n\r\n"))
        return chunk


def skip(body: Iterable[bytes], count: int) -> Iterator[bytes]:
    """The body behind its first `count` bytes."""
    for chunk in body:
        if count < len(chunk):
            yield chunk[count:] if count else chunk
        count = max(0, count - len(chunk))
