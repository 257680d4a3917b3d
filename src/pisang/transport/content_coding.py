"""Undo one Content-Encoding while the body streams, within caps.

We ask for `identity`; a server that compresses all the same is understood when it used gzip or
deflate, once. Brotli, zstd and stacked codings are refused: each one decodes 54 bytes into 32 MiB
or more in one step (CVE-2025-66418, CVE-2025-66471), and nobody was asked to use them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from pisang.domain.answer import Ended
from pisang.transport.base import Failure

PIECE_BYTES = 256 * 1024
"""At most this much is decoded at a time."""

MAX_RATIO = 100
"""Decoded bytes for each byte received. JSON full of base64 reaches 1.4, an HTML page 10; deflate
itself can do 1,032."""

RATIO_FREE_BYTES = 1024 * 1024
"""Up to here the ratio is not looked at: a short run of blanks is no bomb."""

_NONE = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})  # one coding, two names: RFC 9110 §8.4.1.3


class Coding(Protocol):
    """Turns received bytes into body bytes."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The body bytes that these bytes give, in pieces; may raise `Failure`."""
        ...

    def finish(self) -> None:
        """Nothing more comes. Raises `Failure` when the coding did not end by itself."""
        ...


class Identity:
    """No coding: bytes pass as they are."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        return iter((data,))

    def finish(self) -> None:
        return


class Inflater:
    """gzip or deflate, once, never more than `PIECE_BYTES` at a time."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding in _GZIP
        self._zlib: zlib._Decompress | None = None
        self._received = 0
        self._decoded = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._received += len(data)
        if self._zlib is None:
            self._zlib = zlib.decompressobj(self._window_bits(data))
        more = True
        while more:
            piece = _inflate(self._zlib, data)
            data = self._zlib.unconsumed_tail
            # A full piece may have left bytes inside zlib though all input is consumed.
            more = bool(data) or len(piece) == PIECE_BYTES
            self._decoded += len(piece)
            self._check_ratio()
            if piece:
                yield piece
        if self._zlib.unused_data:
            raise _malformed("bytes follow the end of the compressed body")

    def finish(self) -> None:
        if self._zlib is not None and not self._zlib.eof:
            raise Failure(Ended.CUT, sent=True, reason="the compressed body was cut short")

    def _window_bits(self, data: bytes) -> int:
        """zlib's own switch. "deflate" is the zlib format, yet some servers send it bare."""
        if self._gzip:
            return zlib.MAX_WBITS | 16
        zlib_format = data[0] & 0x0F == zlib.DEFLATED
        return zlib.MAX_WBITS if zlib_format else -zlib.MAX_WBITS

    def _check_ratio(self) -> None:
        if self._decoded > max(RATIO_FREE_BYTES, MAX_RATIO * self._received):
            raise Failure(
                Ended.TOO_LARGE,
                sent=True,
                reason=f"the compressed body unpacks to more than {MAX_RATIO} times its size",
            )


def _inflate(decoder: zlib._Decompress, data: bytes) -> bytes:
    try:
        return decoder.decompress(data, PIECE_BYTES)
    except zlib.error:
        raise _malformed("the compressed body is damaged") from None


def coding_of(content_encoding: str) -> Coding:
    """What undoes that Content-Encoding header; `Failure` for what is not undone here."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in _NONE]
    if not names:
        return Identity()
    if len(names) > 1:
        raise _malformed("the answer is encoded more than once")
    if names[0] in _GZIP or names[0] == "deflate":
        return Inflater(names[0])
    raise _malformed(f"the answer is encoded as {names[0][:20]!r}, which was not asked for")


def _malformed(reason: str) -> Failure:
    return Failure(Ended.MALFORMED, sent=True, reason=reason)
