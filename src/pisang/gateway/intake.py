"""A caller's body read: scanned while it arrives, its pictures in the store, his wish decoded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pisang.domain.content import Span
from pisang.domain.fingerprint import fingerprint, span_hash
from pisang.errors import OptionInvalid, RequestTooLarge, WireError
from pisang.gateway.visits import Visit
from pisang.wires.asgi import MAX_BODY, read_chunks
from pisang.wires.base import Ask, Call, FormField, Sink, Wire
from pisang.wires.multipart import FormReader
from pisang.wires.scan import Scanner

NAME = "this gateway"

_SLOW_BYTES = 64 * 1024
"""What is longer besides its long strings may take seconds to read (4 MB of empty objects: 3 s)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller wishes, and what makes another call the same."""

    ask: Ask
    fingerprint: str


async def read_asked(visit: Visit, wire: Wire, sink: Sink) -> Asked:
    """The whole call, its long strings and files in `sink`.

    Raises `WireError`, `RequestTooLarge`, what the wire's own decoding raises, and `Gone`.
    """
    kind = visit.headers.get("content-type", "")
    skeleton: bytes = b""
    spans: tuple[Span, ...] = ()
    form: tuple[FormField, ...] = ()
    if kind.lower().startswith("multipart/"):
        reader = FormReader(kind, sink, max_bytes=MAX_BODY)
        async for chunk in read_body(visit):
            reader.feed(chunk)
        form = reader.close()
    else:
        skeleton, spans = await scan_body(visit, sink)
    call = Call(visit.method, visit.path, visit.query, visit.headers, skeleton, spans, form)
    if len(skeleton) > _SLOW_BYTES:
        return await asyncio.to_thread(_decode, call, wire)  # others are served meanwhile
    return _decode(call, wire)


def _decode(call: Call, wire: Wire) -> Asked:
    ask = wire.decode_request(call)
    return Asked(ask, _fingerprint(ask, call))


async def scan_body(visit: Visit, sink: Sink) -> tuple[bytes, tuple[Span, ...]]:
    """The skeleton and the spans of a JSON body, its long strings in `sink`.

    Raises `WireError`, `RequestTooLarge`, and `Gone`.
    """
    scanner = Scanner(sink)
    try:
        async for chunk in read_body(visit):
            scanner.feed(chunk)
    finally:
        scanned = scanner.close()
    if not scanned.complete:
        raise WireError(wire="json", why="it ends inside a string")
    return scanned.skeleton, scanned.spans


def read_body(visit: Visit) -> AsyncIterator[bytes]:
    """The caller's body as it comes in; one that is said to be too large, or packed, is not begun.
    Raises `RequestTooLarge`, `OptionInvalid`, `RequestTooSlow`, and `Gone`."""
    coding = visit.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        why = "a body is taken as it is, not compressed"
        raise OptionInvalid(option="Content-Encoding", value=coding[:40], why=why)
    said = visit.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > MAX_BODY:
        raise RequestTooLarge(upstream=NAME)
    return read_chunks(visit.receive, MAX_BODY, NAME)


def _fingerprint(ask: Ask, call: Call) -> str:
    """Route, stream flag, skeleton and spans; of a form its fields in order."""
    if not call.form:
        return fingerprint(call.path, ask.stream, call.skeleton, tuple(map(span_hash, call.spans)))
    fields = [
        [one.name, one.value, one.file.sha256 if one.file else None, one.mime] for one in call.form
    ]
    return fingerprint(call.path, ask.stream, fields)
