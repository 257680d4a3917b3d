"""A call as it comes in over ASGI: its body scanned in constant memory, its key taken aside."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pisang.domain.content import Span
from pisang.errors import WireError
from pisang.wires.asgi import (
    MAX_BODY,
    SECRET_HEADERS,
    SECRET_QUERY,
    Receive,
    Scope,
    read_chunks,
    read_headers,
    read_query,
)
from pisang.wires.base import Call, FormField
from pisang.wires.multipart import FormReader
from pisang.wires.scan import MemorySink, Scanner

NAME = "the sandbox"

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
    asked = {name: value for name, value in query.items() if name not in SECRET_QUERY}
    return Call(scope["method"], scope["path"], asked, kept, skeleton, spans, form)


async def _read_json(receive: Receive) -> tuple[bytes, tuple[Span, ...]]:
    scanner = Scanner(MemorySink())
    try:
        async for chunk in read_chunks(receive, MAX_BODY, NAME):
            scanner.feed(chunk)
    finally:
        scanned = scanner.close()
    if not scanned.complete:
        raise WireError(wire="json", why="it ends inside a string")
    return scanned.skeleton, scanned.spans


async def _read_form(kind: str, receive: Receive) -> tuple[FormField, ...]:
    reader = FormReader(kind, MemorySink(), max_bytes=MAX_BODY)
    async for chunk in read_chunks(receive, MAX_BODY, NAME):
        reader.feed(chunk)
    return reader.close()
