"""Splits a JSON or SSE body, as it arrives, into a small skeleton and spans.

Bytes outside strings and short strings go into the skeleton as they are. A string of more than
`SPAN_THRESHOLD` raw bytes becomes a `Span`: its content goes to the sink, and the skeleton gets
the token `NaN` in its place, quotes included. Strict JSON has no such token and a bare one in the
input is refused, so the k-th `NaN` of the skeleton is the k-th span by construction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NoReturn

from pisang.domain.content import SPAN_THRESHOLD, Content, Meter, Span
from pisang.errors import WireError
from pisang.wires.base import Sink, Writer
from pisang.wires.base64run import reach
from pisang.wires.pieces import encode_run, encoded_length
from pisang.wires.segment import Segmenter

__all__ = ["MemorySink", "Scanned", "Scanner", "encode_run", "encoded_length"]

MIB = 1024 * 1024

MAX_TEXT_RUN = MIB
"""A run of plain text longer than this is written to the sink instead of being carried."""

_WINDOW = 256 * 1024
"""How much of a chunk is looked at in one go, so that memory stays constant for any chunk."""

_WHOLE = MIB
"""A chunk up to here is looked at as it is: cutting it would copy it."""

_QUOTE, _BACKSLASH, _COLON = b'"\\:'

_TOKEN = b"NaN"
_SPACE = re.compile(rb"[ \t\r\n]*+")
_BODY = {
    "json": re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL),
    "sse": re.compile(rb'[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+'),
}
"""A string's content up to the quote (in SSE: or line end) that ends it, or a lone backslash."""

_OUTSIDE = {
    "json": rb'[^"NI]++',
    # Lines that are no data, as far as they are whole, have no strings and no tokens.
    "sse": rb'[^"N\r\n]++|[\r\n](?:(?!data:)[^\r\n]*+(?=[\r\n]))?+|N(?!aN|a?\Z)',
}
_CHARACTER = {"json": rb'[^"\\]', "sse": rb'[^"\\\r\n]'}
_ESCAPE = {"json": rb"\\.", "sse": rb"\\[^\r\n]"}
_END = {"json": rb'"', "sse": rb'(?:"|(?=[\r\n]))'}
_GAP = 64
"""Strings whose escapes lie no farther apart are taken in one go; others cost a step each."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A body as skeleton and spans; not `complete` when it ended inside a string, or failed."""

    skeleton: bytes
    spans: tuple[Span, ...]
    complete: bool


class Scanner:
    """Feed it a body in any chunks, then `close` it. Memory stays constant, whatever the body.

    `framing` is `sse` for an event stream: there a line end closes any string (comments may hold
    lone quotes), and only `data:` lines have spans. `feed` raises `WireError` where a cap is
    passed or the bytes cannot be JSON; from then on every `feed` raises, and `close` gives what
    had come until then. Always call `close`: it closes the writers that are open.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        framing: Literal["json", "sse"] = "json",
        threshold: int = SPAN_THRESHOLD,
        max_skeleton: int = 4 * MIB,
        max_spans: int = 256,
        max_span_bytes: int = 256 * MIB,
    ) -> None:
        self._sink = sink
        self._sse = framing == "sse"
        self._body = _BODY[framing]
        self._plain = _plain_pattern(framing, threshold)
        self._threshold = threshold
        self._max_skeleton = max_skeleton
        self._max_spans = max_spans
        self._max_span_bytes = max_span_bytes
        self._skeleton = bytearray()
        self._spans: list[Span] = []
        self._carry = b""  # bytes that only what follows can tell: a backslash, `N` or `Na`
        self._inside = False
        self._held = bytearray()  # the string's content so far, while it is short
        self._segmenter: Segmenter | None = None
        self._span_bytes = 0
        self._text_bytes = 0
        self._opened = 0
        self._line = 0  # where the current line of the skeleton begins (SSE)
        self._after_span = False
        self._failure: WireError | None = None

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the body; `WireError` when they can't be taken."""
        if self._failure is not None:
            raise self._failure
        view = memoryview(data)
        try:
            if len(view) <= _WHOLE:
                self._take(bytes(data))
                return
            for start in range(0, len(view), _WINDOW):
                self._take(bytes(view[start : start + _WINDOW]))
        except WireError as error:
            self._failure = error
            raise

    def close(self) -> Scanned:
        """What came until now. Raises nothing but what the sink does."""
        carry, self._carry = self._carry, b""
        complete = self._failure is None and not (self._inside and self._may_span())
        if self._segmenter is not None:
            self._segmenter.feed(carry)
        elif self._inside:
            self._held += carry
        else:
            self._skeleton += carry
        if self._inside:
            self._end_string(b"", complete=False)
        return Scanned(bytes(self._skeleton), tuple(self._spans), complete)

    def _take(self, data: bytes) -> None:
        if self._carry:
            data, self._carry = self._carry + data, b""
        pos, end = 0, len(data)
        while pos < end:
            pos = self._in_string(data, pos) if self._inside else self._outside(data, pos)

    # --- outside strings ---------------------------------------------------------------------

    def _outside(self, data: bytes, pos: int) -> int:
        if self._after_span:
            pos = self._behind_span(data, pos)
        end = reach(self._plain, data, pos)
        self._note_line(data, pos, end)
        self._skeleton += data[pos:end]
        self._check_skeleton()
        if end == len(data):
            return end
        if data[end] == _QUOTE:
            self._inside = True
            return end + 1
        return self._bare_token(data, end)

    def _behind_span(self, data: bytes, pos: int) -> int:
        """A long string must be a value: what follows it is not a colon."""
        end = reach(_SPACE, data, pos)
        self._after_span = end == len(data)
        if not self._after_span and data[end] == _COLON:
            self._refuse(f"an object key is longer than {self._threshold} bytes")
        self._note_line(data, pos, end)
        self._skeleton += data[pos:end]
        return end

    def _bare_token(self, data: bytes, pos: int) -> int:
        """At an `N` or `I` outside strings. SSE has such letters in comments and in `[DONE]`."""
        token = data[pos : pos + 3]
        if self._sse and len(token) < 3:
            self._carry = token
            return len(data)
        if self._may_span():
            self._refuse("NaN and Infinity are not JSON")
        end = _line_end(data, pos, len(data))
        self._skeleton += data[pos:end]
        self._check_skeleton()
        return end

    def _note_line(self, data: bytes, pos: int, end: int) -> None:
        if self._sse:
            last = max(data.rfind(b"\n", pos, end), data.rfind(b"\r", pos, end))
            if last >= 0:
                self._line = len(self._skeleton) + last + 1 - pos

    def _on_data_line(self) -> bool:
        start = self._line
        if start == 0 and self._skeleton.startswith(b"\xef\xbb\xbf"):
            start = 3
        return self._skeleton.startswith(b"data:", start)

    # --- inside a string ---------------------------------------------------------------------

    def _in_string(self, data: bytes, pos: int) -> int:
        end = self._string_end(data, pos)
        if end == len(data):
            held_back = _dangling(data, pos)
            self._carry = data[end - held_back :]
            self._content(data[pos : end - held_back])
            return end
        self._content(data[pos:end])
        if data[end] == _QUOTE:
            self._end_string(b'"', complete=True)
            return end + 1
        self._end_string(b"", complete=False)
        return end

    def _string_end(self, data: bytes, pos: int) -> int:
        """Where the string's content ends in `data`: at a quote, a line end (SSE), or its end.

        What was searched is consumed, so the cost is linear however the quotes lie.
        """
        quote = data.find(b'"', pos)
        stop = len(data) if quote < 0 else quote
        if self._sse:
            stop = _line_end(data, pos, stop)
        if stop != quote or quote == pos or data[quote - 1] != _BACKSLASH:
            return stop
        end = reach(self._body, data, pos)
        # A backslash left over is the last byte, or stands (SSE) before a line end.
        return end + 1 if end < len(data) and data[end] == _BACKSLASH else end

    def _content(self, raw: bytes) -> None:
        """Take raw bytes of the string's content, which end with no half escape."""
        if self._segmenter is not None:
            self._to_span(self._segmenter, raw)
        elif len(self._held) + len(raw) <= self._threshold or not self._may_span():
            self._held += raw
            self._check_skeleton()
        else:
            self._begin_span(raw)

    def _may_span(self) -> bool:
        return not self._sse or self._on_data_line()

    def _begin_span(self, raw: bytes) -> None:
        if self._skeleton.endswith(b"Na"):  # the token behind it could be read a letter early
            self._refuse("it has letters where a value should stand")
        if len(self._spans) == self._max_spans:
            self._refuse(f"it holds more than {self._max_spans} long strings")
        room = self._threshold - len(self._held)
        probe = bytes(self._held) + raw[:room]
        self._held.clear()
        self._span_bytes = 0
        self._segmenter = Segmenter(
            self._open,
            probe,
            small=self._threshold,
            room=min(MAX_TEXT_RUN, self._max_skeleton - self._text_bytes),
        )
        whole = len(probe) - _dangling(probe, 0)
        self._to_span(self._segmenter, probe[:whole])
        self._to_span(self._segmenter, probe[whole:] + raw[room:])

    def _to_span(self, segmenter: Segmenter, raw: bytes) -> None:
        self._span_bytes += len(raw)
        if self._span_bytes > self._max_span_bytes:
            self._refuse(f"a string is longer than {self._max_span_bytes} bytes")
        segmenter.feed(raw)
        if self._opened > 2 * self._max_spans:
            self._refuse(f"its strings hold more than {2 * self._max_spans} contents")

    def _end_string(self, quote: bytes, *, complete: bool) -> None:
        self._inside = False
        if self._segmenter is None:
            self._skeleton += b'"' + self._held + quote
            self._held.clear()
            return
        self._spans.append(self._segmenter.finish(complete=complete))
        self._text_bytes += self._segmenter.carried
        self._segmenter = None
        self._skeleton += _TOKEN
        self._after_span = True

    # --- caps --------------------------------------------------------------------------------

    def _open(self) -> Writer:
        self._opened += 1
        return self._sink.open()

    def _check_skeleton(self) -> None:
        if len(self._skeleton) + len(self._held) > self._max_skeleton:
            self._refuse(f"it is longer than {self._max_skeleton} bytes besides its long strings")

    def _refuse(self, why: str) -> NoReturn:
        raise WireError(wire="json", why=why)


@lru_cache(maxsize=16)
def _plain_pattern(framing: str, threshold: int) -> re.Pattern[bytes]:
    """As much as goes into the skeleton at once: bytes outside strings, and short strings."""
    character, end = _CHARACTER[framing], _END[framing]
    gap = min(_GAP, threshold)
    escapes = (threshold - gap) // (gap + 2)
    strings = [rb"%b{0,%d}+%b" % (character, threshold, end)]
    if escapes:
        few = rb"%b{0,%d}+" % (character, gap)
        strings.append(rb"(?:%b%b){1,%d}+%b%b" % (few, _ESCAPE[framing], escapes, few, end))
    pattern = rb'(?:%b|"(?:%b))*+' % (_OUTSIDE[framing], b"|".join(strings))
    return re.compile(pattern, re.DOTALL)


def _line_end(data: bytes, pos: int, stop: int) -> int:
    """Where the first line end of `data[pos:stop]` stands; `stop` when there is none."""
    for line_end in (b"\n", b"\r"):
        found = data.find(line_end, pos, stop)
        stop = stop if found < 0 else found
    return stop


def _dangling(data: bytes, pos: int) -> int:
    """1 when `data[pos:]` ends with a backslash that begins an escape, else 0."""
    if not data.endswith(b"\\", pos):
        return 0
    return min(len(data) - len(data.rstrip(b"\\")), len(data) - pos) & 1


class MemorySink:
    """A sink that keeps contents in memory, by SHA-256: for tests and small servers."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def open(self) -> Writer:
        """Begin one content; closing it keeps it, inline."""
        return _MemoryWriter(self._kept)

    def read(self, content: Content) -> tuple[bytes, ...]:
        """The content's bytes, as `encode_run` reads them; `KeyError` when it was never kept."""
        return (self._kept[content.sha256],)


class _MemoryWriter:
    def __init__(self, kept: dict[str, bytes]) -> None:
        self._kept = kept
        self._data = bytearray()
        self._meter = Meter()

    def write(self, data: bytes | memoryview) -> None:
        self._data += data
        self._meter.update(data)

    def close(self) -> Content:
        content = self._meter.content(inline=bytes(self._data))
        self._kept[content.sha256] = bytes(self._data)
        return content
