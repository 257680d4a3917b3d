"""An answer on its way to a caller: kept alive while it is awaited, whole or cut, never wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from pisang.domain.content import Body
from pisang.engine.beside import bring
from pisang.gateway.calls import note_keep_alive
from pisang.gateway.lines import Line
from pisang.store.store import Store
from pisang.transport.body import stream_body
from pisang.wires import sse
from pisang.wires.asgi import Send
from pisang.wires.base import WireAnswer

_SSE = {"content-type": "text/event-stream; charset=utf-8"}
_JSON = {"content-type": "application/json; charset=UTF-8"}
_UNBUFFERED = {"x-accel-buffering": "no"}
"""nginx passes on at once what is marked so; else line breaks would wait in its buffer."""

_ALWAYS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}

BUFFERED = 64 * 1024
"""An answer up to here is in the network's hands at once, whoever leaves when."""

_HEARD_S = 0.001

_HEARD_BYTES_PER_S = 1_000_000_000
"""What goes faster was likely read by nobody: on a busy machine his leaving is heard of late. Only
where the kernel doesn't tell whether he is there (`gateway.lines`)."""

_CARRIED_S = 10.0
"""How long bytes may be on their way to a caller who is there before they pass for told."""


class Teller:
    """Tells one caller one answer. `headers` may be added to until the first byte; `ended` once
    all of it is handed over: a caller who leaves then has read it."""

    def __init__(
        self,
        send: Send,
        gone: Callable[[], bool] = lambda: False,
        line: Line | None = None,
    ) -> None:
        self._send = send
        self._gone = gone
        self._line = line
        self._told = 0
        self.headers: dict[str, str] = {}
        self.ended = False
        self._spent: str | None = None
        self._live: Mapping[str, str] = _JSON

    @property
    def spent(self) -> bool:
        """Whether the status is said: an answer of another one can't be told any more."""
        return self._spent is not None

    async def keep_alive(self, *, sse: bool) -> None:
        """A line break. The first spends the status: it is 200 from here on."""
        note_keep_alive()
        if self._spent is None:
            self._spent = "sse" if sse else "json"
            await self._start(200, {**(_SSE if sse else _JSON), **_UNBUFFERED})
        await self._send({"type": "http.response.body", "body": b"\n", "more_body": True})

    def begin_live(self, upstream: Mapping[str, str]) -> None:
        """Be about to relay an answer's bytes. Its head goes with the first of them: until then
        another may be told. Its length is not told, though it may be known:
        a body that is then cut passes for a whole one with `requests` (2.32, tried), while a cut
        chunked one raises."""
        self._live = {"content-type": upstream.get("content-type", _JSON["content-type"])}

    async def push(self, chunk: bytes) -> None:
        """Relay some bytes."""
        if self._spent is None:
            self._spent = "sse" if "event-stream" in self._live["content-type"] else "json"
            await self._start(200, {**self._live, **_UNBUFFERED})
        await self._tell_more(chunk)

    async def finish_live(self, rest: Iterable[bytes]) -> bool:
        """Relay the rest, and end; whether all of it went out."""
        for chunk in rest:
            if self._gone():
                return False
            await self.push(chunk)
        return await self._end()

    async def tell(self, answer: WireAnswer, store: Store) -> bool:
        """Send it; whether it went out whole. An error after the status was spent is an event on a
        stream, else the connection is cut: a 200 must never carry an error (DESIGN §6)."""
        body: Body = answer.body
        await bring(store, body)
        if self._spent is None:
            chunks, length = stream_body(body, store.read)
            # Who is told the length of a large one leaves with its last byte, and could not be
            # told from one who left before it: he waits for the end that follows `_end`'s look.
            sized = {"content-length": str(length)} if length <= BUFFERED else {}
            await self._start(answer.status, {**answer.headers, **sized})
            if sized:
                return await self._tell_last(b"".join([chunk async for chunk in chunks()]))
        elif answer.status != 200:
            if self._spent != "sse":
                return False  # the server closes the connection on an open body
            chunks, _ = stream_body(sse.frame(body), store.read)
        else:
            chunks, _ = stream_body(body, store.read)
        async for chunk in chunks():
            if self._gone():
                return False
            await self._tell_more(chunk)
        return await self._end()

    async def _tell_more(self, chunk: bytes) -> None:
        self._told += len(chunk)
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _end(self) -> bool:
        """End the answer, unless the caller has left. The server (granian 2.8, tried) takes bytes
        for one who left as if he read them, without giving the loop a turn to hear of it: so the
        kernel is asked, once all of them are with him."""
        if self._told > BUFFERED:
            if self._line is None:
                await asyncio.sleep(max(_HEARD_S, self._told / _HEARD_BYTES_PER_S))
            elif not await self._carried(self._line):
                return False
        return await self._tell_last(b"")

    async def _carried(self, line: Line) -> bool:
        """Whether the caller is there, once what was sent him has reached him; who reads slowly is
        believed after a while."""
        pause_s, until_s = _HEARD_S, time.monotonic() + _CARRIED_S
        while not self._gone():
            unread = line.unread_bytes
            if unread is None:
                return False
            if unread == 0 or time.monotonic() >= until_s:
                return True
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.05)
        return False

    async def _tell_last(self, body: bytes) -> bool:
        if self._gone():
            return False
        self.ended = True
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
        return True

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        told = {**headers, **_ALWAYS, **self.headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})
