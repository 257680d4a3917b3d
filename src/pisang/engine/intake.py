"""Takes an answer's bytes in as they arrive and makes the `Answer` of them.

What the body is (JSON, an event stream, a picture, something else) is told by its first bytes,
never by its content type: relays send JSON as `text/plain`, and a CDN's error page as
`application/json`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pisang.domain.answer import Answer, Ended
from pisang.domain.content import RawRun, Span
from pisang.domain.image import sniff_mime
from pisang.wires.base import Sink, Writer
from pisang.wires.scan import Scanner

RAW_CAP = 64 * 1024
"""How much is kept of a body that is neither JSON, an event stream nor a picture (an HTML page,
mostly)."""

KEPT_HEADERS = frozenset(
    {
        "content-type",
        "date",
        "retry-after",
        "server",
        "via",
        "cf-ray",
        "x-pisang-sandbox",
        "request-id",
        "x-request-id",
        "x-goog-request-id",
        "x-oneapi-request-id",
        "x-tt-logid",
        "x-pisang-attached",
        "x-pisang-request-id",
        "location",
    }
)

_EVENT_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
_TELLING = 64
"""How many bytes tell an event stream or a picture from anything else (AVIF needs most)."""


class Intake:
    """Feed it chunks; `answer()` closes it. Long strings, and a picture that is the body itself,
    go to `sink` while they arrive."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._scanner: Scanner | None = None
        self._picture: Writer | None = None
        self._raw = bytearray()
        self._decided = False
        self.bytes = 0

    def take(self, chunk: bytes) -> None:
        """The next bytes. Raises `WireError` when they cannot be JSON or pass a cap."""
        self.bytes += len(chunk)
        if self._scanner is not None:
            self._scanner.feed(chunk)
            return
        if self._picture is not None:
            self._picture.write(chunk)
            return
        if self._decided:
            self._raw += chunk[: max(0, RAW_CAP - len(self._raw))]
            return
        self._raw += chunk
        self._decide()

    def _decide(self) -> None:
        # A byte order mark is no JSON, yet what stands behind it was paid for.
        start = bytes(self._raw).removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
        if start[:1] in (b"{", b"["):
            self._scanner = Scanner(self._sink, framing="json")
            self._scanner.feed(self._take_held())
        elif start.startswith(_EVENT_STARTS):
            self._scanner = Scanner(self._sink, framing="sse")
            self._scanner.feed(self._take_held())
        elif len(start) >= _TELLING:
            self._decided = True
            if sniff_mime(bytes(self._raw[:_TELLING])) is not None:
                self._picture = self._sink.open()
                self._picture.write(self._take_held())
            del self._raw[RAW_CAP:]
        elif not start and len(self._raw) > RAW_CAP:
            self._raw.clear()  # blanks that a gateway sent to keep the line open

    def _take_held(self) -> bytes:
        held, self._raw = bytes(self._raw), bytearray()
        return held

    def answer(
        self,
        *,
        ended: Ended,
        sent: bool,
        status: int | None,
        headers: Mapping[str, str],
        elapsed_ms: int,
        reason: str = "",
    ) -> Answer:
        """The answer that all bytes so far are; spans still open are closed as incomplete."""
        skeleton: bytes = bytes(self._raw)
        spans: tuple[Span, ...] = ()
        if self._scanner is not None:
            scanned = self._scanner.close()
            skeleton, spans = scanned.skeleton, scanned.spans
        if self._picture is not None:
            content = self._picture.close()
            spans = (Span((RawRun(content, content),), complete=ended is Ended.WHOLE),)
        return Answer(
            ended=ended,
            sent=sent,
            status=status,
            headers={name: headers[name] for name in headers if name in KEPT_HEADERS},
            skeleton=skeleton,
            spans=spans,
            body_bytes=self.bytes,
            elapsed_ms=elapsed_ms,
            reason=reason,
        )
