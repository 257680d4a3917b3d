"""What every wire is: four translations and an error body, all pure.

Client role: `encode_request` (our wish → what is sent) and `decode_reply` (what came → `Reply`),
with `decode_fault` for an answer that is no reply. Server role: `decode_request` (a caller's call
→ `Ask`), `encode_reply` and `encode_error`. Laws, each a property test: decode∘encode = identity
in both directions; any chunking of a body gives the same value; any bytes give a value or
`WireError`; unknown fields are kept under `extra[wire.name]` and written out again by the same
wire; what a wire cannot express is a `Warn` or a `UsageError` leaf, never silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pisang.domain.answer import Answer, Fault, Reply
from pisang.domain.content import Body, Content, Span
from pisang.domain.request import JSON, Request
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import PisangError


@dataclass(frozen=True, slots=True)
class WireRequest:
    """What is sent, without key and host: those are the sender's. `path` begins with a slash."""

    method: str
    path: str
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FormField:
    """One part of a multipart body: a short value, or a file by content."""

    name: str
    value: str | None = None
    file: Content | None = None
    filename: str | None = None
    mime: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What a caller sent us, already scanned. Header names are lower case; `query` is decoded.

    A JSON body is in `skeleton` and `spans` (as in `Answer`), a multipart one in `form`.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    skeleton: bytes = b""
    spans: tuple[Span, ...] = ()
    form: tuple[FormField, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A caller's wish, and how he wants it told.

    `options` are the wire's own wishes about the answer's form (`response_format`,
    `output_format`, crawl's `mimeType`), kept so that `encode_reply` can follow them.
    """

    request: Request
    stream: bool = False
    options: Mapping[str, JSON] = field(default_factory=dict)
    warnings: tuple[Warn, ...] = ()


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What we answer a caller: a status, headers, and a body that may name contents."""

    status: int
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


class Writer(Protocol):
    """Takes the bytes of one content as they arrive."""

    def write(self, data: bytes | memoryview) -> None: ...

    def close(self) -> Content: ...


class Sink(Protocol):
    """Where a scanner puts what is too long to carry. `open` begins one content."""

    def open(self) -> Writer: ...


class Wire(Protocol):
    """One dialect. Instances are stateless; the table of them is `pisang.wires.table`."""

    name: str
    query_key: str
    """The query parameter a key rides in where auth is `query` (`key`, crawl's `ak`)."""

    def encode_request(
        self, request: Request, upstream: Upstream, *, stream: bool = False
    ) -> tuple[WireRequest, tuple[Warn, ...]]: ...

    def decode_reply(self, answer: Answer) -> Reply: ...

    def decode_fault(self, answer: Answer) -> Fault | None: ...

    def decode_request(self, call: Call) -> Ask: ...

    def encode_reply(self, reply: Reply, ask: Ask) -> WireAnswer: ...

    def encode_error(self, error: PisangError, ask: Ask | None = None) -> WireAnswer: ...
