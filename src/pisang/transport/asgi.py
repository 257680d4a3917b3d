"""The exchange with an ASGI application in this very process: how the sandbox is reached.

No socket, no thread, and the same caps and failures as over the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from pisang.domain.answer import Ended
from pisang.transport.base import Failure, Outgoing, Stream
from pisang.transport.headers import incoming_headers, outgoing_headers
from pisang.transport.received import IncomingBody, Received, late
from pisang.transport.upload import Upload
from pisang.transport.urls import target_of

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Application = Callable[
    [Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
"""An ASGI 3 application. Its messages are open mappings by specification, hence `Any`."""


class AsgiTransport:
    """Exchanges with one application. Lifespan is not spoken: the application must not need it."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._under_way: set[asyncio.Future[None]] = set()

    @asynccontextmanager
    async def exchange(self, call: Outgoing) -> AsyncIterator[Stream]:
        """Call the application once. Raises `Failure`, on entering or iterating.

        Leaving before the answer's end tells the application that the caller is gone and
        cancels it. After a whole answer it may finish what it does, within the deadline.
        """
        deadline = asyncio.get_running_loop().time() + call.deadline_s
        scope = _scope(call, outgoing_headers(call))
        talk = _Talk(await Upload.begin(call))
        task = asyncio.ensure_future(self._app(scope, talk.receive, talk.send))
        task.add_done_callback(talk.end)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            status, headers = await _head(talk, call, deadline)
            yield Received(status, headers, IncomingBody(call, headers, deadline, talk.read))
        finally:
            talk.gone.set()
            await _leave(task, deadline if talk.complete else 0)

    async def close(self) -> None:
        """Cut the answers that are awaited, as a connection would be."""
        for task in tuple(self._under_way):
            task.cancel()


class _Talk:
    """Both directions of one call. At most one chunk waits in each."""

    def __init__(self, upload: Upload | None) -> None:
        self._chunks = upload.chunks() if upload else None
        self._asked = False
        self._items: asyncio.Queue[Message | BaseException | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(1)
        self._read_whole = False
        self.gone = asyncio.Event()
        self.complete = False

    async def receive(self) -> Message:
        """The application's `receive`: the body chunk by chunk, then the caller's leaving."""
        if self._asked or self.gone.is_set():
            await self.gone.wait()
            return {"type": "http.disconnect"}
        chunk = await anext(self._chunks, b"") if self._chunks else b""
        self._asked = not chunk
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    async def send(self, message: Message) -> None:
        """The application's `send`: returns when the chunk before this one was taken."""
        if self.gone.is_set() or self.complete:
            raise OSError("the caller is gone")  # what ASGI 2.4 asks for
        await self._room.acquire()
        self.complete = _is_last(message)
        self._items.put_nowait(message)

    def end(self, task: asyncio.Future[None]) -> None:
        """The application has returned or raised: whoever waits for it must hear of it."""
        self._items.put_nowait(None if task.cancelled() else task.exception())

    async def head(self) -> tuple[int, Mapping[str, str]]:
        """Status and header of the answer. Raises `Failure`."""
        message = await self._take("http.response.start")
        return message["status"], incoming_headers(message.get("headers", ()))

    async def read(self) -> bytes:
        """The next bytes of the answer, `b""` after the last. Raises `Failure`."""
        while not self._read_whole:
            message = await self._take("http.response.body")
            self._read_whole = _is_last(message)
            if body := message.get("body", b""):
                return bytes(body)
        return b""

    async def _take(self, kind: str) -> Message:
        item = await self._items.get()
        if item is None or isinstance(item, BaseException):
            why = f" ({type(item).__name__})" if item else ""
            reason = f"the application ended without a whole answer{why}"
            raise Failure(Ended.CUT, sent=True, reason=reason) from item
        self._room.release()
        if item["type"] != kind:
            raise Failure(Ended.MALFORMED, sent=True, reason=f"the application owed {kind}")
        return item


def _is_last(message: Message) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body", False)


async def _head(talk: _Talk, call: Outgoing, deadline: float) -> tuple[int, Mapping[str, str]]:
    try:
        async with asyncio.timeout_at(deadline):
            return await talk.head()
    except TimeoutError:
        pass
    raise late(call, sent=True)


async def _leave(task: asyncio.Future[None], until: float) -> None:
    """Wait for the application up to that time of the loop's clock, then cancel it."""
    left = until - asyncio.get_running_loop().time()
    if left > 0:
        await asyncio.wait({task}, timeout=left)
    task.cancel()
    await asyncio.wait({task})


def _scope(call: Outgoing, headers: Mapping[str, str]) -> Scope:
    target = target_of(call)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": call.method.upper(),
        "scheme": target.scheme,
        "path": unquote(target.path),
        "raw_path": target.path.encode(),
        "query_string": target.query.encode(),
        "root_path": "",
        "headers": [
            (b"host", target.netloc.encode()),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ],
        "client": ("127.0.0.1", 0),
        "server": (target.hostname, target.port or 80),
        "state": {},
    }
