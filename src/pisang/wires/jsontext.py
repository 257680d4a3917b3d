"""Strict JSON in: a skeleton and its spans become a value, or a `WireError` that says where.

Strict is meant against what the standard parser lets through [measured on json of Python 3.11]:
duplicate keys, NaN and Infinity, numbers beyond a double, lone surrogates, byte order marks and
UTF-16, any depth. RFC 8259 §4, §6, §8 call these not interoperable; here they are errors.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pisang.domain.content import Span
from pisang.domain.request import JSON
from pisang.errors import WireError

MAX_DEPTH = 128
"""Arrays and objects within each other; the deepest real body has 10."""

MAX_DIGITS = 400
"""Characters of one number; a double needs at most 309 digits before its point."""

_KEY_CHARS = 40

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DELTA = [0] * 256
for _bracket, _step in ((b"[", 1), (b"{", 1), (b"]", -1), (b"}", -1)):
    _DELTA[_bracket[0]] = _step

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_TOKEN = re.compile(
    rb"[ \t\r\n]*+(?:(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<colon>:)"
    rb'|(?P<string>"(?:[^"\\]++|\\.)*+")|(?P<word>[^ \t\r\n\[\]{},:"]++))',
    re.DOTALL,
)
_CLOSER = {b"[": b"]", b"{": b"}"}
_WORDS = frozenset({b"true", b"false", b"null", b"NaN"})


def loads(
    skeleton: bytes, spans: Iterator[Span] | Sequence[Span] = (), *, wire: str = "json"
) -> JSON:
    """The value that a skeleton stands for; each `NaN` in it is the next of `spans`, as it is.

    A sequence of spans must be used up, an iterator may go on (several events share one). An
    unfinished span is an unterminated string. Raises `WireError(wire=wire)` naming the path or
    byte; never anything else.
    """
    rest = iter(spans)
    value = _parse(skeleton, _Parser(rest), wire)
    if rest is not spans and next(rest, None) is not None:
        raise WireError(wire=wire, why="it has more long strings than places for them")
    return value


def loads_partial(
    skeleton: bytes, spans: Iterator[Span] | Sequence[Span] = (), *, wire: str = "json"
) -> JSON:
    """The value of a body that was cut: what is open is closed, a partial token or key dropped.

    `[{"a": 1, "b` gives `[{"a": 1}]`. A number at the very end is dropped too: more digits may
    have been coming. An unfinished span is a value. `WireError` when nothing is usable or what
    came is not JSON.
    """
    return _parse(_completed(skeleton), _Parser(iter(spans), unfinished=True), wire)


def _parse(skeleton: bytes, parser: _Parser, wire: str) -> JSON:
    text = _decode(skeleton, wire)
    _check_depth(skeleton, wire)
    try:
        value = parser.decode(text)
    except json.JSONDecodeError as error:
        at = len(text[: error.pos].encode())
        why = error.msg.rstrip(": ").removesuffix(" at")
        raise WireError(wire=wire, why=f"{why} at byte {at}") from None
    if parser.flawed or _SURROGATE.search(skeleton) is not None:
        flaw = _find_flaw(value)
        if flaw is not None:
            raise WireError(wire=wire, why=flaw)
    return value


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Stands in a value for something that parsed and must not have."""

    why: str


class _Parser:
    """The standard decoder, told to keep every flaw so that its path can be named."""

    def __init__(self, spans: Iterator[Span], *, unfinished: bool = False) -> None:
        self._spans = spans
        self._unfinished = unfinished
        self.flawed = False
        self.decode = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._float,
            parse_constant=self._constant,
        ).decode

    def _object(self, pairs: list[tuple[str, JSON]]) -> JSON:
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return self._flaw(f"the key {_quoted(twice)} stands twice")

    def _integer(self, digits: str) -> JSON:
        return int(digits) if len(digits) <= MAX_DIGITS else self._flaw("a number is too long")

    def _float(self, digits: str) -> JSON:
        number = float(digits) if len(digits) <= MAX_DIGITS else math.inf
        return number if math.isfinite(number) else self._flaw("a number is too large or too long")

    def _constant(self, word: str) -> JSON:
        span = next(self._spans, None) if word == "NaN" else None
        if span is None:
            return self._flaw(f"{word} is not JSON")
        if not (span.complete or self._unfinished):
            return self._flaw("a long string is unterminated")
        return span

    def _flaw(self, why: str) -> _Flaw:
        self.flawed = True
        return _Flaw(why)


def _decode(skeleton: bytes, wire: str) -> str:
    if skeleton.startswith((b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")):
        raise WireError(wire=wire, why="it begins with a byte order mark: plain UTF-8 is needed")
    if not skeleton.strip(b" \t\r\n"):
        raise WireError(wire=wire, why="the body is empty")
    try:
        return skeleton.decode()
    except UnicodeDecodeError as error:
        raise WireError(wire=wire, why=f"it is not UTF-8 at byte {error.start}") from None


def _check_depth(skeleton: bytes, wire: str) -> None:
    """Refuse depth before the parser recurses; linear."""
    if skeleton.count(b"[") + skeleton.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", skeleton).translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_DELTA.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise WireError(wire=wire, why=f"it is nested more than {MAX_DEPTH} deep")


def _find_flaw(value: JSON, path: str = "$") -> str | None:
    """The first flaw in document order, with its path."""
    if isinstance(value, _Flaw):
        return f"{value.why} at {path}"
    if isinstance(value, str):
        return f"a lone surrogate at {path}" if _has_surrogate(value) else None
    if isinstance(value, dict):
        if any(_has_surrogate(key) for key in value):
            return f"a lone surrogate in a key at {path}"
        inner = ((item, f"{path}.{_named(key)}") for key, item in value.items())
    elif isinstance(value, list):
        inner = ((item, f"{path}[{index}]") for index, item in enumerate(value))
    else:
        return None
    flaws = (_find_flaw(item, where) for item, where in inner)
    return next((flaw for flaw in flaws if flaw is not None), None)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _named(key: str) -> str:
    return key if key.isidentifier() and len(key) <= _KEY_CHARS else _quoted(key)


def _quoted(key: str) -> str:
    """A foreign key as it may stand in a message: ASCII, short."""
    return json.dumps(key if len(key) <= _KEY_CHARS else key[:_KEY_CHARS] + "…")


def _completed(skeleton: bytes) -> bytes:
    """The skeleton up to its last whole value, with what is open closed; else as it is."""
    closers: list[bytes] = []
    usable = 0
    naming = False  # whether the next string names a member
    for kind, token, end in _tokens(skeleton):
        if (not closers and (usable or kind != "open")) or len(closers) > MAX_DEPTH:
            return skeleton
        if kind == "comma":
            naming = closers[-1] == b"}"
        elif kind == "colon":
            naming = False
        elif not naming or kind in ("open", "close"):
            usable = end
            naming = token == b"{"
            if kind == "open":
                closers.append(_CLOSER[token])
            elif kind == "close" and closers.pop() != token:
                return skeleton
    return skeleton[:usable] + b"".join(reversed(closers)) if closers else skeleton


def _tokens(skeleton: bytes) -> Iterator[tuple[str, bytes, int]]:
    """Each whole token: its kind, its bytes, where it ends."""
    pos = 0
    while (match := _TOKEN.match(skeleton, pos)) is not None:
        pos = match.end()
        kind = str(match.lastgroup)
        token = match[kind]
        if kind != "word" or token in _WORDS or pos < len(skeleton):
            yield kind, token, pos
