"""One long JSON string, cut into text and base64 runs while it arrives.

A string is taken for base64 from its first byte until a byte says otherwise, and again behind
each `;base64,` of a data URL. Runs of at most the threshold stay text. A string that begins as
base64 no `Style` reproduces (broken into lines, slashes written both ways) is kept raw, with what
it decodes to beside it. Any chunking gives the same runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pybase64

from pisang.domain.content import Content, RawRun, Run, Span, TextRun
from pisang.errors import WireError
from pisang.wires.base import Writer
from pisang.wires.base64run import Base64Reader, reach

INTRODUCER = b";base64,"
"""What stands before the base64 of a data URL (RFC 2397)."""

_BEFORE = len(INTRODUCER) - 1

_NOT_CONTROL = bytes(range(0x20, 0x100))

_BREAKS = rb"\\r\\n|\\[nrt]| "
_TOKENS = re.compile(rb"(?:[A-Za-z0-9+/_-]++|" + _BREAKS + rb"|\\/|\\u002[bBfF])*+")
_PADS = re.compile(rb"(?:=|\\u003[dD]|" + _BREAKS + rb")*+")
_BREAK = re.compile(_BREAKS)
_ONE_STYLE = re.compile(rb"[A-Za-z0-9+/]*+|[A-Za-z0-9+]*+(?:\\/[A-Za-z0-9+]*+)*+|[A-Za-z0-9_-]*+")
_PARTIAL = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?")
_WRITTEN = (
    (rb"\r\n", b""),
    (rb"\n", b""),
    (rb"\r", b""),
    (rb"\t", b""),
    (b" ", b""),
    (rb"\/", b"/"),
    (rb"\u002b", b"+"),
    (rb"\u002B", b"+"),
    (rb"\u002f", b"/"),
    (rb"\u002F", b"/"),
    (b"-", b"+"),
    (b"_", b"/"),
)
"""Every token and what it stands for; tokens only, so that no two replacements can meet."""

_SHORTEST_LINE = 16

_FEW = re.compile(rb"[A-Za-z0-9+/\\_-]{0,64}+(?=[^A-Za-z0-9+/\\_-])")
"""What can only be a run that stays text, in whatever style; hostile text is full of them."""


class Segmenter:
    """Takes a string's raw bytes, without its quotes, and gives its `Span`.

    `probe` is how the string begins, of a length that no chunking changes; it is only looked at.
    `small` is the longest run that stays text; `room` how many bytes of text may be carried.
    """

    def __init__(
        self, open_writer: Callable[[], Writer], probe: bytes, *, small: int, room: int
    ) -> None:
        self._open = open_writer
        self._small = small
        self._runs: list[Run] = []
        self._text = _Text(open_writer, room)
        self._last = b""
        self._run = Base64Reader(open_writer, small)
        self._tail = bytearray()  # what stood behind the run, as far as it may be its padding
        self._reading = True  # whether `_run` is open
        self._wrapped = _Wrapped(open_writer) if _is_wrapped(probe) else None
        self._step = self._in_run if self._wrapped is None else self._wrapped.feed

    @property
    def carried(self) -> int:
        """How many bytes of text the runs hold in memory."""
        return self._text.carried

    def feed(self, raw: bytes) -> None:
        """Take the next raw bytes."""
        pos = 0
        while pos < len(raw):
            pos = self._step(raw, pos)

    def finish(self, *, complete: bool) -> Span:
        """The span of all bytes so far. Closes what was opened."""
        if self._wrapped is not None:
            return Span((self._wrapped.close(),), complete)
        while self._reading:
            self._close_run()
        self._flush()
        return Span(tuple(self._runs), complete)

    def _begin_run(self) -> None:
        self._run = Base64Reader(self._open, self._small)
        self._reading = True
        self._step = self._in_run

    def _in_run(self, raw: bytes, pos: int) -> int:
        end = self._run.feed(raw, pos)
        if end < len(raw):
            self._step = self._in_tail
            if not self._run.lookahead:
                self._close_run()
        return end

    def _in_tail(self, raw: bytes, pos: int) -> int:
        """Behind a run's last character: wait for as many bytes as its padding could take."""
        end = min(len(raw), pos + self._run.lookahead - len(self._tail))
        refuse_controls(raw[pos:end])
        self._tail += raw[pos:end]
        if len(self._tail) == self._run.lookahead:
            self._close_run()
        return end

    def _close_run(self) -> None:
        run, rest = self._run.close(bytes(self._tail))
        self._reading = False
        self._tail.clear()
        self._step = self._in_text
        if run is not None:
            self._flush()
            self._runs.append(run)
        self.feed(rest)

    def _in_text(self, raw: bytes, pos: int) -> int:
        """Text up to and with the next introducer that more than a few characters may follow."""
        end = self._introducer_end(raw, pos)
        if end < 0:
            self._text.add(raw[pos:])
            self._last = (self._last + raw[max(pos, len(raw) - _BEFORE) :])[-_BEFORE:]
            return len(raw)
        self._text.add(raw[pos:end])
        self._last = b""
        self._begin_run()
        return end

    def _introducer_end(self, raw: bytes, pos: int) -> int:
        split = (self._last + raw[pos : pos + _BEFORE]).find(INTRODUCER)
        if split >= 0:
            return pos + split + len(INTRODUCER) - len(self._last)
        at = raw.find(INTRODUCER, pos)
        while at >= 0:
            end = at + len(INTRODUCER)
            few = _FEW.match(raw, end)
            if few is None or few.end() - end > self._small:
                return end
            at = raw.find(INTRODUCER, few.end())
        return -1

    def _flush(self) -> None:
        run = self._text.take()
        if run is not None:
            self._runs.append(run)


class _Text:
    """Collects text; what is more than there is room for goes to a writer."""

    def __init__(self, open_writer: Callable[[], Writer], room: int) -> None:
        self._open = open_writer
        self._room = room
        self._held = bytearray()
        self._writer: Writer | None = None
        self.carried = 0

    def add(self, raw: bytes) -> None:
        refuse_controls(raw)
        if self._writer is not None:
            self._writer.write(raw)
            return
        self._held += raw
        if len(self._held) > self._room - self.carried:
            self._writer = self._open()
            self._writer.write(bytes(self._held))
            self._held.clear()

    def take(self) -> Run | None:
        """The text so far as one run, and begin anew."""
        if self._writer is not None:
            run = RawRun(self._writer.close())
            self._writer = None
            return run
        if not self._held:
            return None
        held = bytes(self._held)
        self._held.clear()
        self.carried += len(held)
        return TextRun(held)


class _Wrapped:
    """Base64 that no style reproduces: a content of its raw text, one of what it decodes to."""

    def __init__(self, open_writer: Callable[[], Writer]) -> None:
        self._open = open_writer
        self._raw = open_writer()
        self._writer: Writer | None = None
        self._carry = b""
        self._pending = b""
        self._over = False

    def feed(self, raw: bytes, pos: int) -> int:
        raw = raw[pos:]
        refuse_controls(raw)
        self._raw.write(raw)
        if not self._over:
            self._decode(self._carry + raw)
        return pos + len(raw)

    def close(self) -> RawRun:
        if len(self._pending) > 1:
            self._write(self._pending + b"=" * (-len(self._pending) % 4))
        decoded: Content | None = None if self._writer is None else self._writer.close()
        return RawRun(self._raw.close(), decoded)

    def _decode(self, text: bytes) -> None:
        end = reach(_TOKENS, text)
        self._carry = text[end:]
        self._over = _PARTIAL.fullmatch(self._carry) is None and self._carry != b""
        characters = self._pending + _unescape(text[:end])
        whole = len(characters) - len(characters) % 4
        self._pending = characters[whole:]
        if whole:
            self._write(characters[:whole])

    def _write(self, characters: bytes) -> None:
        if self._writer is None:
            self._writer = self._open()
        self._writer.write(pybase64.b64decode(characters, validate=True))


def _unescape(raw: bytes) -> bytes:
    """Base64 characters in the standard alphabet, without breaks and escapes."""
    for written, character in _WRITTEN:
        raw = raw.replace(written, character)
    return raw


def _is_wrapped(probe: bytes) -> bool:
    """Whether a string that begins so is base64 no style reproduces: even lines, mixed escapes."""
    end = reach(_TOKENS, probe)
    rest = probe[end:]
    if _PADS.fullmatch(rest) is None and _PARTIAL.fullmatch(rest) is None:
        return False
    if _ONE_STYLE.fullmatch(probe[:end]) is not None:
        return False
    lengths = [len(_unescape(line)) for line in _BREAK.split(probe[:end])]
    first = lengths[0]
    return (
        first >= _SHORTEST_LINE
        and all(length == first for length in lengths[:-1])
        and lengths[-1] <= first
    )


def refuse_controls(raw: bytes) -> None:
    """`WireError` for raw control characters: a JSON string may not hold them (RFC 8259 §7)."""
    found = raw.translate(None, _NOT_CONTROL)
    if found:
        raise WireError(
            wire="json", why=f"a raw control character (0x{found[0]:02x}) stands inside a string"
        )
