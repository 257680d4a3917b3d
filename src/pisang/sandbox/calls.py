"""A call as it comes in over ASGI: its body scanned in constant memory, its key taken aside."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from pisang.domain.content import Span
from pisang.domain.request import JSON
from pisang.errors import RequestTooLarge, WireError
from pisang.wires.base import Call, FormField
from pisang.wires.multipart import FormReader
from pisang.wires.scan import MemorySink, Scanner

Scope = MutableMapping[str, JSON]
Receive = Callable[[], Awaitable[MutableMapping[str, JSON]]]

MAX_BODY = 128 * 1024 * 1024
"""The largest body that is read; Google takes 100 MB."""

_REFUSED_KEYS = "invalid"

KeyPlace = Literal["none", "google", "bearer", "query"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: where his key stood and its fingerprint, never the key itself.

    `name` is the first 12 hex digits of its SHA-256 (empty without a key); `known` is false for
    the keys that practise being wrong.
    """

    place: KeyPlace
    name: str
    known: bool


class Gone(Exception):
    """The caller left before his body was whole."""


def read_headers(scope: Scope) -> dict[str, str]:
    """Header names in lower case, values as text."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def read_query(scope: Scope) -> dict[str, str]:
    """The decoded query, the last of each name."""
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))


def read_caller(headers: Mapping[str, str], query: Mapping[str, str]) -> Caller:
    """Any key will do but one that begins with `invalid`."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    places: tuple[tuple[KeyPlace, str], ...] = (
        ("google", headers.get("x-goog-api-key", "")),
        ("google", query.get("key", "")),
        ("query", query.get("ak", "")),
        ("bearer", token.strip() if scheme.lower() == "bearer" else ""),
    )
    place, key = next(((place, key) for place, key in places if key), ("none", ""))
    name = hashlib.sha256(key.encode()).hexdigest()[:12] if key else ""
    return Caller(place, name, not key.removeprefix("sk-").startswith(_REFUSED_KEYS))


async def read_call(scope: Scope, receive: Receive) -> Call:
    """The whole call, keys left out. Raises `WireError`, `RequestTooLarge` or `Gone`."""
    headers, query = read_headers(scope), read_query(scope)
    kind = headers.get("content-type", "")
    skeleton = b""
    spans: tuple[Span, ...] = ()
    form: tuple[FormField, ...] = ()
    if kind.lower().startswith("multipart/"):
        form = await _read_form(kind, receive)
    elif scope["method"] not in ("GET", "HEAD"):
        skeleton, spans = await _read_json(receive)
    kept = {name: value for name, value in headers.items() if name not in SECRET_HEADERS}
    asked = {name: value for name, value in query.items() if name not in ("key", "ak")}
    return Call(scope["method"], scope["path"], asked, kept, skeleton, spans, form)


SECRET_HEADERS = frozenset({"authorization", "x-goog-api-key", "cookie", "proxy-authorization"})


async def _read_json(receive: Receive) -> tuple[bytes, tuple[Span, ...]]:
    scanner = Scanner(MemorySink())
    try:
        async for chunk in _chunks(receive):
            scanner.feed(chunk)
    finally:
        scanned = scanner.close()
    if not scanned.complete:
        raise WireError(wire="json", why="it ends inside a string")
    return scanned.skeleton, scanned.spans


async def _read_form(kind: str, receive: Receive) -> tuple[FormField, ...]:
    reader = FormReader(kind, MemorySink(), max_bytes=MAX_BODY)
    async for chunk in _chunks(receive):
        reader.feed(chunk)
    return reader.close()


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise RequestTooLarge(upstream="the sandbox")
        yield chunk
        more = message.get("more_body", False)
