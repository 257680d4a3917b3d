"""Strict JSON in: a skeleton and its spans become a value, or a `WireError` that says where.

Strict is meant against what the standard parser lets through [measured on json of Python 3.11]:
duplicate keys, NaN and Infinity, numbers beyond a double, lone surrogates, byte order marks and
UTF-16, any depth. RFC 8259 §4, §6, §8 call these not interoperable; here they are errors.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pisang.domain.content import Span
from pisang.domain.request import JSON
from pisang.errors import WireError
from pisang.wires.base64run import reach

MAX_DEPTH = 128
"""Arrays and objects within each other; the deepest real body has 10."""

MAX_DIGITS = 400
"""Characters of one number; a double needs at most 309 digits before its point."""

_KEY_CHARS = 40

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DELTA = [0] * 256
for _bracket, _by in ((b"[", 1), (b"{", 1), (b"]", -1), (b"}", -1)):
    _DELTA[_bracket[0]] = _by

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

# For a body that was cut. Each pattern takes all it can at once, so the cost is a step a bracket.
_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_SPACE = rb"[ \t\r\n]*+"
_SCALAR = rb"(?:%b|true|false|null|NaN|[-+.0-9eE]++(?=[ \t\r\n]))" % _TEXT
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|%b)*+' % _TEXT, re.DOTALL)
_TO_LAST_COMMA = re.compile(rb'(?:[^",]*+(?:%b[^",]*+)*+,)*+' % _TEXT, re.DOTALL)
_WHOLE_ITEM = re.compile(rb"%b%b%b" % (_SPACE, _SCALAR, _SPACE), re.DOTALL)
_WHOLE_MEMBER = re.compile(
    rb"%b%b%b:%b%b%b" % (_SPACE, _TEXT, _SPACE, _SPACE, _SCALAR, _SPACE), re.DOTALL
)
_CLOSER = {b"[": b"]", b"{": b"}"}


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
            raise WireError(wire=wire, why=f"{flaw[0]} at ${flaw[1]}")
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
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
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


def _find_flaw(value: JSON) -> tuple[str, str] | None:
    """The first flaw in document order: what it is, and the path to it from here."""
    if isinstance(value, _Flaw):
        return value.why, ""
    if isinstance(value, str):
        return ("a lone surrogate", "") if _has_surrogate(value) else None
    if not isinstance(value, dict | list):
        return None
    if isinstance(value, dict) and any(map(_has_surrogate, value)):
        return "a lone surrogate in a key", ""
    for place, item in value.items() if isinstance(value, dict) else enumerate(value):
        flaw = _find_flaw(item)
        if flaw is not None:
            return flaw[0], _step(place) + flaw[1]
    return None


def _step(place: str | int) -> str:
    """One step of a path: `[3]`, `.name`, `."odd name"`."""
    if isinstance(place, int):
        return f"[{place}]"
    plain = place.isidentifier() and len(place) <= _KEY_CHARS
    return f".{place}" if plain else f".{_quoted(place)}"


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _quoted(key: str) -> str:
    """A foreign key as it may stand in a message: ASCII, short."""
    return json.dumps(key if len(key) <= _KEY_CHARS else key[:_KEY_CHARS] + "…")


def _completed(skeleton: bytes) -> bytes:
    """The skeleton up to its last whole value, with what is open closed; else as it is."""
    closers: list[bytes] = []
    begin = 0  # behind the last bracket
    end = reach(_TO_BRACKET, skeleton)
    while (bracket := skeleton[end : end + 1]) not in (b"", b'"'):
        if bracket in _CLOSER and len(closers) <= MAX_DEPTH:
            closers.append(_CLOSER[bracket])
        elif not closers or closers.pop() != bracket:
            return skeleton  # no JSON, or too deep: the parser says so
        begin = end + 1
        end = reach(_TO_BRACKET, skeleton, begin)
    if not closers:
        return skeleton
    last = reach(_TO_LAST_COMMA, skeleton, begin)
    whole = _WHOLE_ITEM if closers[-1] == b"]" else _WHOLE_MEMBER
    if whole.fullmatch(skeleton, last) is None:
        skeleton = skeleton[: last - 1 if last > begin else begin]
    return skeleton + b"".join(reversed(closers))
