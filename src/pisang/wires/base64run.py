"""One run of base64 as it stands in a JSON string, decoded while it arrives.

Only what a `Style` reproduces to the byte becomes a `Base64Run`: one alphabet, one way to write
`/`, one way to close, zero bits behind the last byte (RFC 4648 §3.5). Everything else stays text.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from typing import Literal

import pybase64

from pisang.domain.content import Base64Run, Style
from pisang.wires.base import Writer

Form = Literal["bare", "std", "plain", "escaped", "url"]
"""What a run's style can be so far. `bare`: letters and digits only; `std`: a `+` and no slash."""

Padding = Literal["=", "\\u003d", "\\u003D", "none"]

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

_VALID: dict[Form, re.Pattern[bytes]] = {
    "bare": re.compile(rb"[A-Za-z0-9]*+"),
    "std": re.compile(rb"[A-Za-z0-9+]*+"),
    "plain": re.compile(rb"[A-Za-z0-9+/]*+"),
    "escaped": re.compile(rb"[A-Za-z0-9+]*+(?:\\/[A-Za-z0-9+]*+)*+"),
    "url": re.compile(rb"[A-Za-z0-9_-]*+"),
}

_REFINE: dict[tuple[Form, bytes], Form] = {
    ("bare", b"+"): "std",
    ("bare", b"/"): "plain",
    ("bare", b"-"): "url",
    ("bare", b"_"): "url",
    ("bare", b"\\"): "escaped",
    ("std", b"/"): "plain",
    ("std", b"\\"): "escaped",
}
"""The next form at a byte that the form so far does not hold (`\\` must begin `\\/`)."""

_SETTLED: frozenset[Form] = frozenset({"plain", "escaped", "url"})
"""Forms that no later byte refines: such a run is decoded without being looked at first."""

_FROM_URL = bytes.maketrans(b"-_+/", b"+/  ")
_TO_URL = bytes.maketrans(b"+/", b"-_")

_PADDINGS: tuple[Padding, ...] = ("=", "\\u003d", "\\u003D")
_MISSING = {0: 0, 1: 0, 2: 2, 3: 1}
"""How many padding characters close a last quantum of so many characters."""


class Base64Reader:
    """Decodes one run as it arrives. A run of at most `small` raw bytes is handed back as text.

    Call `feed` until it says that the run ended, give `close` the `lookahead` bytes behind it.
    The writer is opened when the run has become longer than `small`, never before.
    """

    __slots__ = ("_decoded", "_form", "_open", "_pending", "_raw", "_slashes", "_small", "_writer")

    def __init__(self, open_writer: Callable[[], Writer], small: int) -> None:
        self._open = open_writer
        self._small = small
        self._form: Form = "bare"
        self._pending = b""  # characters of an unfinished quantum, in the standard alphabet
        self._slashes = 0
        self._raw = bytearray()
        self._decoded = bytearray()
        self._writer: Writer | None = None

    def feed(self, raw: bytes, pos: int) -> int:
        """Take `raw` from `pos`; where the run ended, or `len(raw)` when it may go on."""
        settled = self._writer is not None and self._form in _SETTLED
        if settled and self._absorb(raw[pos:]):
            return len(raw)
        start = pos
        while True:
            end = reach(_VALID[self._form], raw, pos)
            form = _REFINE.get((self._form, raw[end : end + 1]))
            if form is None or (form == "escaped" and raw[end : end + 2] != b"\\/"):
                break
            self._form = form
            pos = end
        self._absorb(raw[start:end])
        return end

    @property
    def lookahead(self) -> int:
        """How many raw bytes behind the run decide how it was closed."""
        return 0 if self._writer is None else 6 * _MISSING[len(self._pending)]

    def close(self, tail: bytes) -> tuple[Base64Run | None, bytes]:
        """The run (None when it is no more than text), and the raw bytes that are not in it."""
        if self._writer is None:
            return None, bytes(self._raw) + tail
        padding, used = self._closing(tail)
        rest = self._pending
        if rest and padding is not None:
            self._writer.write(_decode_last(rest))
            rest = b""
        style = Style(
            alphabet="url" if self._form == "url" else "std",
            slash="escaped" if self._form == "escaped" else "plain",
            padding=padding or "=",
        )
        run = Base64Run(self._writer.close(), style, self._slashes - self._escapes(rest))
        return run, self._as_written(rest) + tail[used:]

    def _closing(self, tail: bytes) -> tuple[Padding | None, int]:
        """How the last quantum was closed, and by how many bytes; None when no style can say it."""
        if not self._pending:
            return "=", 0
        if len(self._pending) == 1 or not _is_canonical(self._pending):
            return None, 0
        for padding in _PADDINGS:
            written = padding.encode() * _MISSING[len(self._pending)]
            if tail.startswith(written):
                return padding, len(written)
        return "none", 0

    def _absorb(self, raw: bytes) -> bool:
        """Decode raw bytes that are all the run's; False, and nothing done, when some are not."""
        text, escapes = self._plain(raw)
        gap = min(-len(self._pending) % 4, len(text))
        cut = len(text) - (len(text) - gap) % 4
        head = self._pending + text[:gap]
        rest = text[cut:]
        if len(head) < 4:
            head, rest = b"", head + rest
        foreign = rest.translate(None, _ALPHABET)
        if escapes < 0 or foreign or head.endswith(b"=") or text.endswith(b"=", gap, cut):
            return False
        try:
            parts = (head, memoryview(text)[gap:cut])
            decoded = [pybase64.b64decode(part, validate=True) for part in parts if part]
        except binascii.Error:
            return False
        self._slashes += escapes
        self._pending = rest
        self._put(raw, decoded)
        return True

    def _put(self, raw: bytes, decoded: list[bytes]) -> None:
        """Pass decoded bytes on; hold them while the run is small."""
        if self._writer is None:
            self._raw += raw
            for part in decoded:
                self._decoded += part
            if len(self._raw) <= self._small or not self._decoded:
                return
            decoded = [bytes(self._decoded)]
            self._raw, self._decoded = bytearray(), bytearray()
            self._writer = self._open()
        for part in decoded:
            self._writer.write(part)

    def _plain(self, raw: bytes) -> tuple[bytes, int]:
        """The run's characters in the standard alphabet, and how many escapes stood in them.

        The count is -1 when a `/` stood bare among escaped ones.
        """
        if self._form == "url":
            return raw.translate(_FROM_URL), 0
        if self._form != "escaped":
            return raw, 0
        text = raw.translate(None, b"\\")
        escapes = len(raw) - len(text)
        whole = escapes == raw.count(b"\\/") == text.count(b"/")
        return text, escapes if whole else -1

    def _escapes(self, text: bytes) -> int:
        return text.count(b"/") if self._form == "escaped" else 0

    def _as_written(self, text: bytes) -> bytes:
        """Characters of the standard alphabet as they stood on the wire."""
        if self._form == "url":
            return text.translate(_TO_URL)
        return text.replace(b"/", b"\\/") if self._form == "escaped" else text


def reach(pattern: re.Pattern[bytes], data: bytes, pos: int = 0) -> int:
    """Where the match at `pos` ends; `pos` when there is none."""
    match = pattern.match(data, pos)
    return pos if match is None else match.end()


def _decode_last(text: bytes) -> bytes:
    return pybase64.b64decode(text + b"=" * _MISSING[len(text)], validate=True)


def _is_canonical(text: bytes) -> bool:
    """Whether encoding gives these last characters again: no bit is set behind the last byte."""
    return pybase64.b64encode(_decode_last(text)).rstrip(b"=") == text
