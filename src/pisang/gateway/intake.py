"""A caller's body read: scanned while it arrives, its pictures in the store, his wish decoded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from pisang.domain.content import Span
from pisang.domain.fingerprint import fingerprint, span_hash
from pisang.errors import RequestTooLarge, WireError
from pisang.gateway.visits import Gone, Visit
from pisang.wires.base import Ask, Call, FormField, Sink, Wire
from pisang.wires.multipart import FormReader
from pisang.wires.scan import Scanner

MAX_BODY = 128 * 1024 * 1024
"""The largest body that is read; Google takes 100 MB."""

NAME = "this gateway"


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
        async for chunk in _chunks(visit):
            reader.feed(chunk)
        form = reader.close()
    else:
        skeleton, spans = await scan_body(visit, sink)
    call = Call(visit.method, visit.path, visit.query, visit.headers, skeleton, spans, form)
    ask = wire.decode_request(call)
    return Asked(ask, _fingerprint(visit, ask, call))


async def scan_body(visit: Visit, sink: Sink) -> tuple[bytes, tuple[Span, ...]]:
    """The skeleton and the spans of a JSON body, its long strings in `sink`.

    Raises `WireError`, `RequestTooLarge`, and `Gone`.
    """
    scanner = Scanner(sink)
    try:
        async for chunk in _chunks(visit):
            scanner.feed(chunk)
    finally:
        scanned = scanner.close()
    if not scanned.complete:
        raise WireError(wire="json", why="it ends inside a string")
    return scanned.skeleton, scanned.spans


def _fingerprint(visit: Visit, ask: Ask, call: Call) -> str:
    """Route, stream flag, skeleton and spans; of a form its fields in order."""
    if not call.form:
        return fingerprint(visit.path, ask.stream, call.skeleton, tuple(map(span_hash, call.spans)))
    fields = [
        [one.name, one.value, one.file.sha256 if one.file else None, one.mime] for one in call.form
    ]
    return fingerprint(visit.path, ask.stream, fields)


async def _chunks(visit: Visit) -> AsyncIterator[bytes]:
    size, more = 0, True
    while more:
        message = await visit.receive()
        if message["type"] != "http.request":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise RequestTooLarge(upstream=NAME)
        yield chunk
        more = message.get("more_body", False)
