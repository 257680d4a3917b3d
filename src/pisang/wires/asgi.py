"""A call as an ASGI server hands it in: headers, query and body, for whoever plays a server's role.

ASGI 3 (asgi.readthedocs.io, HTTP spec 2.4). Header names are lower case; what holds a secret is
named here once, so that no server keeps it with the rest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from urllib.parse import parse_qsl

from pisang.domain.request import JSON
from pisang.errors import RequestTooLarge

Scope = MutableMapping[str, JSON]
Message = MutableMapping[str, JSON]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 128 * 1024 * 1024
"""The largest body that is read; Google takes 100 MB."""

SECRET_HEADERS = frozenset({"authorization", "x-goog-api-key", "cookie", "proxy-authorization"})
SECRET_QUERY = frozenset({"key", "ak"})


class Gone(Exception):
    """The caller left before all was said: he, or we."""


def read_headers(scope: Scope) -> dict[str, str]:
    """Header names in lower case, values as text."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def read_query(scope: Scope) -> dict[str, str]:
    """The decoded query, the last of each name."""
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))


async def read_chunks(receive: Receive, max_bytes: int, reader: str) -> AsyncIterator[bytes]:
    """The body as it comes in. Raises `Gone`, and `RequestTooLarge` in the name of `reader`."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise RequestTooLarge(upstream=reader)
        yield chunk
        more = message.get("more_body", False)
