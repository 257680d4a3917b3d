"""What one JSON string says, short (a `str`) or long (a `Span`): text, base64, data URLs."""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pybase64

from pisang.domain.content import Base64Run, Content, RawRun, Run, Span, TextRun, span_pieces
from pisang.domain.content import content_of as inline_content
from pisang.domain.request import JSON
from pisang.errors import WireError
from pisang.wires.base64run import reach
from pisang.wires.jsonbody import string_body
from pisang.wires.jsontext import loads
from pisang.wires.pieces import encode_run, encoded_length

MAX_TEXT = 1024 * 1024
"""The longest text, in raw bytes, that becomes a `str`."""

_MEDIA = r"(?P<mime>[\w.+-]{1,100}/[\w.+-]{1,100})?(?:;[\w.+=-]{0,100}){0,4}?"
_DATA_URL = re.compile(rf"data:{_MEDIA};base64,(?P<data>[A-Za-z0-9+/_-]+={{0,2}})")
_INTRODUCTION = re.compile(rf"data:{_MEDIA};base64,\Z")
_INTRODUCTION_CHARS = 1024

_SPACE = dict.fromkeys(map(ord, " \t\r\n"))
_FROM_URL = str.maketrans("-_", "+/")

_ESCAPES = re.compile(rb"(?:[^\\]++|\\u[0-9A-Fa-f]{4}|\\[^u])*+", re.DOTALL)
_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9A-Fa-f]{2}\Z")


@dataclass(frozen=True, slots=True)
class DataUrl:
    """A picture found in a string. `mime` is empty where the string did not say it."""

    mime: str
    content: Content


def text_of(value: JSON, *, wire: str = "json") -> str:
    """The text of a string value. `WireError` when it is no string, too long, or kept elsewhere.

    Of an unfinished span, the text as far as it came.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, Span):
        raise WireError(wire=wire, why=f"a string is needed, not {_kind(value)}")
    return _text(_raw(value.runs, wire), complete=value.complete, wire=wire)


def content_of(value: JSON, *, wire: str = "json") -> Content:
    """The bytes that a base64 string stands for; those of a short one are inline.

    As lenient as Google's parser: either alphabet, padded or not; white space and a data URL's
    beginning are passed over too. `WireError` for any other character, and for a long string
    that holds no base64 or several runs of it. Whether a picture is whole is not known here.
    """
    if isinstance(value, Span):
        if len(value.contents) == 1:
            return value.contents[0]
        if value.contents:
            raise WireError(wire=wire, why="one picture is needed, and the string holds several")
    text = text_of(value, wire=wire)
    begin = _DATA_URL.match(text)
    return _decode(text[begin.start("data") :] if begin else text, wire)


def data_urls(value: str | Span, *, wire: str = "json") -> tuple[DataUrl, ...]:
    """The pictures in a string, in order."""
    return tuple(p for p in split_data_urls(value, wire=wire) if isinstance(p, DataUrl))


def split_data_urls(value: str | Span, *, wire: str = "json") -> tuple[str | DataUrl, ...]:
    """A string as its texts and its pictures, in order; no text is empty.

    A data URL gives one `DataUrl`, and its `data:…;base64,` is in no text. A base64 run of a span
    that stands without one gives a `DataUrl` without a type.
    """
    if isinstance(value, str):
        return tuple(_split(value, wire))
    found: list[str | DataUrl] = []
    for place, run in enumerate(value.runs):
        complete = value.complete or place + 1 < len(value.runs)
        if isinstance(run, Base64Run):
            found.append(DataUrl(_take_introduction(found), run.content))
        elif isinstance(run, RawRun) and run.decoded is not None:
            found.append(DataUrl("", run.decoded))
        else:
            found += _split(_text(_raw((run,), wire), complete=complete, wire=wire), wire)
    return tuple(found)


def span_of(value: str | Span, *, wire: str = "json") -> Span:
    """The string as a span, so that writing it out again gives the bytes it had.

    Of a short string only the text is known, so it is written with the fewest escapes: `\\u003d`
    comes out as `=`, `\\/` as `/`. That is the one exception to byte-exact replay.
    """
    if isinstance(value, Span):
        return value
    return Span((TextRun(string_body(value, wire=wire)),))


def _split(text: str, wire: str) -> Iterator[str | DataUrl]:
    start = 0
    for match in _DATA_URL.finditer(text):
        if match.start() > start:
            yield text[start : match.start()]
        yield DataUrl(match["mime"] or "", _decode(match["data"], wire))
        start = match.end()
    if start < len(text):
        yield text[start:]


def _take_introduction(found: list[str | DataUrl]) -> str:
    """The type that the text before a run declares; that declaration is taken off the text."""
    before = found[-1] if found else None
    if not isinstance(before, str):
        return ""
    match = _INTRODUCTION.search(before, max(0, len(before) - _INTRODUCTION_CHARS))
    if match is None:
        return ""
    found.pop()
    if match.start():
        found.append(before[: match.start()])
    return match["mime"] or ""


def _decode(text: str, wire: str) -> Content:
    characters = text.translate(_SPACE).translate(_FROM_URL).rstrip("=")
    try:
        padded = characters + "=" * (-len(characters) % 4)
        return inline_content(pybase64.b64decode(padded, validate=True))
    except (binascii.Error, ValueError):
        raise WireError(wire=wire, why="a string that should be base64 is not") from None


def _raw(runs: tuple[Run, ...], wire: str) -> bytes:
    """The raw bytes of runs that are at hand and not too long."""
    pieces = span_pieces(Span(runs))
    if sum(map(encoded_length, pieces)) > MAX_TEXT:
        raise WireError(wire=wire, why=f"a text is longer than {MAX_TEXT} bytes")
    if any(not isinstance(run, TextRun) and run.content.inline is None for run in runs):
        raise WireError(wire=wire, why="a string that should be text holds binary data")
    return b"".join(
        run.raw if isinstance(run, TextRun) else b"".join(encode_run(run, lambda _: ()))
        for run in runs
    )


def _text(raw: bytes, *, complete: bool, wire: str) -> str:
    """What a string's raw bytes say. Of an unfinished one, without its last, half character."""
    if not complete:
        raw = _HALF_PAIR.sub(b"", raw[: reach(_ESCAPES, raw)])
        raw = codecs.getincrementaldecoder("utf-8")("replace").decode(raw).encode()
    text: str = loads(b'"' + raw + b'"', (), wire=wire)
    return text


def _kind(value: JSON) -> str:
    names = {dict: "an object", list: "an array", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
