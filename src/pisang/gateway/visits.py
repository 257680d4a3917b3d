"""One call as it comes in over ASGI: its body taken in in constant memory, its key set aside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from pisang.domain.secret import Secret
from pisang.errors import RequestTooSlow
from pisang.gateway.cookies import find_cookies
from pisang.gateway.lines import Line, find_line
from pisang.wires.asgi import (
    SECRET_HEADERS,
    SECRET_QUERY,
    Gone,
    Message,
    Receive,
    Scope,
    Send,
    read_headers,
    read_query,
)

__all__ = ["Departure", "Gone", "Visit", "open_visit"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One call on its way: who asks where, and where the answer goes. No secret is in `headers` or
    `query`: the key that came with it is `key`, the sessions that a browser sent along are
    `sessions` (`gateway.cookies`). `client` is the address that it came from, None without a
    network; `line` its connection, where the kernel tells of it. `cut_shows`: a body that breaks
    off is told from a whole one; in HTTP/1.0, which nginx speaks to us unless told otherwise, both
    end with the connection."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    key: Secret | None
    sessions: tuple[str, ...] = field(repr=False)
    google: bool
    client: str | None
    receive: Receive = field(repr=False)
    send: Send = field(repr=False)
    cut_shows: bool = True
    line: Line | None = None


def open_visit(scope: Scope, receive: Receive, send: Send) -> Visit:
    """The visit of an ASGI scope, its body not read yet."""
    headers, query = read_headers(scope), read_query(scope)
    key, google = _find_key(headers, query)
    cookies = headers.get("cookie", "") if scope["path"].startswith(SESSION_PATHS) else ""
    return Visit(
        method=scope["method"],
        path=scope["path"],
        headers={name: value for name, value in headers.items() if name not in SECRET_HEADERS},
        query={name: value for name, value in query.items() if name not in SECRET_QUERY},
        key=Secret(key) if key else None,
        sessions=tuple(find_cookies(cookies)),
        google=google,
        client=(scope.get("client") or (None,))[0],
        receive=Paced(receive),
        send=send,
        cut_shows=scope.get("http_version", "1.1") not in ("1", "1.0"),  # granian says "1"
        line=find_line(scope),
    )


def _find_key(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, bool]:
    """The key, and whether it came the Google way: a header of Google's, `?key=`, the crawl
    wire's `?ak=`, or a bearer token (DESIGN §6)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    google = headers.get("x-goog-api-key") or query.get("key") or ""
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return google or query.get("ak") or bearer, bool(google)


SESSION_PATHS = "/pisang/v1/"
"""Where a browser's session counts: it is no key of the other wires."""


GRACE_S = 20.0
"""How long a body may keep us waiting, all in all, where it doesn't make up for it: each KB that
comes buys a second back."""

MIN_BYTES_PER_S = 1024


_LET_GO_S = 0.05
"""granian 2.8 lets go of a body that nobody reads any more a moment later; an answer before that
would leave the connection open for as long as its caller likes (tried)."""


class Paced:
    """A caller's `receive` that gives a body up which comes in at less than 1 KB/s: it would hold a
    connection for as long as its sender likes. What comes after the body may take its time."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._credit_s = GRACE_S
        self._over = False

    async def __call__(self) -> Message:
        """The next message. Raises `RequestTooSlow`."""
        if self._over:
            return await self._receive()
        began = monotonic()
        try:
            async with asyncio.timeout(self._credit_s):
                message = await self._receive()
        except TimeoutError:
            self._over = True
            await asyncio.sleep(_LET_GO_S)
            raise RequestTooSlow from None
        came = len(message.get("body", b"")) / MIN_BYTES_PER_S
        self._credit_s = min(GRACE_S, self._credit_s - (monotonic() - began) + came)
        self._over = not message.get("more_body", False)
        return message


class Departure:
    """Knows whether the caller has left, and calls `then` at once when he does. Made once his body
    is read: `receive` is its own then."""

    def __init__(self, receive: Receive, then: Callable[[], object] | None = None) -> None:
        self._task = asyncio.ensure_future(_until_gone(receive))
        if then is not None:
            self._task.add_done_callback(lambda task: None if task.cancelled() else then())

    @property
    def happened(self) -> bool:
        """Whether he has left."""
        return self._task.done()

    async def wait(self, *others: asyncio.Future[Any], timeout_s: float | None = None) -> None:
        """Until he leaves, or one of the others is done, or the time is up."""
        awaited: set[asyncio.Future[Any]] = {self._task, *others}
        await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Listen no more."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def base_of(visit: Visit) -> str:
    """Where the caller finds us, as far as he said so."""
    scheme = visit.headers.get("x-forwarded-proto", "http").partition(",")[0].strip()
    host = visit.headers.get("host", "localhost")
    return f"{'https' if scheme == 'https' else 'http'}://{host}"
