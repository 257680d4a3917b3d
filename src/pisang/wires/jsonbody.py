"""JSON out: a value whose leaves may be long strings becomes the pieces of a body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pybase64

from pisang.domain.content import SPAN_THRESHOLD, Base64Run, Body, Content, Piece, Span, span_pieces
from pisang.domain.request import JSON
from pisang.errors import WireError
from pisang.wires.pieces import merge

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|NaN|Infinity')


@dataclass(frozen=True, slots=True)
class Joined:
    """One JSON string made of text, base64 of contents, and spans as they stood (data URLs)."""

    parts: tuple[str | Content | Span, ...]


def dumps(value: JSON, *, wire: str = "json") -> Body:
    """Compact JSON in UTF-8. A leaf may be a `Span`, a `Content` (as base64) or a `Joined`.

    A span is written as it stood, a content in canonical base64; small inline contents become
    bytes at once. `WireError` for what JSON cannot say: lone surrogates, NaN, endless depth.
    """
    leaves: list[Span | Content | Joined] = []

    def stand_in(leaf: object) -> float:
        if not isinstance(leaf, Span | Content | Joined):
            raise TypeError(f"{type(leaf).__name__} is no JSON value")
        leaves.append(leaf)
        return float("nan")

    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=stand_in)
    except RecursionError:
        raise WireError(wire=wire, why="the value is nested too deep") from None
    return merge(_pieces(text, leaves, wire))


def string_body(text: str, *, wire: str = "json") -> bytes:
    """A text as the inside of a JSON string, only what must be escaped escaped.

    `WireError` for a lone surrogate, which UTF-8 cannot carry.
    """
    return _encode(json.dumps(text, ensure_ascii=False)[1:-1], wire)


def _pieces(text: str, leaves: list[Span | Content | Joined], wire: str) -> Iterator[Piece]:
    """The text with each leaf laid in where its `NaN` stands."""
    places = [match for match in _TOKEN.finditer(text) if match[0][0] != '"']
    if len(places) != len(leaves):
        raise WireError(wire=wire, why="a number in it is NaN or infinite")
    start = 0
    for place, leaf in zip(places, leaves, strict=True):
        yield _encode(text[start : place.start()], wire) + b'"'
        for part in leaf.parts if isinstance(leaf, Joined) else (leaf,):
            yield from _part_pieces(part, wire)
        yield b'"'
        start = place.end()
    yield _encode(text[start:], wire)


def _part_pieces(part: str | Content | Span, wire: str) -> tuple[Piece, ...]:
    if isinstance(part, str):
        return (string_body(part, wire=wire),)
    if isinstance(part, Span):
        return span_pieces(part)
    if part.inline is not None and part.size <= SPAN_THRESHOLD:
        return (pybase64.b64encode(part.inline),)
    return (Base64Run(part),)


def _encode(text: str, wire: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise WireError(wire=wire, why="a text in it holds a lone surrogate") from None
