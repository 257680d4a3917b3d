"""Event streams: the standard's own reading, for any chunking, and Google's form of writing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.content import Base64Run, content_of
from pisang.errors import WireError
from pisang.wires.sse import Event, Parser, frame, split
from pisang.wires.strictjson import dumps

ONE_7, TWO_7 = Event("message", b"1", "7"), Event("message", b"2", "7")


def events(chunks: Iterable[bytes], **options: int) -> list[Event]:
    parser = Parser(**options)
    found = [event for chunk in chunks for event in parser.feed(chunk)]
    return found + parser.close()


def plainly(stream: bytes) -> list[Event]:
    """The standard's algorithm, line by line over the whole stream, for comparison."""
    lines = re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf"))
    found, data, kind, last = [], [], "message", ""
    for place, line in enumerate(lines):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value.decode(errors="replace") or "message"
        elif name == b"id" and b"\0" not in value:
            last = value.decode(errors="replace")
        end = place == len(lines) - 1
        if not line or end:
            if data:
                found.append(Event(kind, b"\n".join(data), last, not end))
            data, kind = [], "message"
    return found


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [Event("message", b"YHOO\n+2\n10")]),
        (
            b": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
            [
                Event("message", b"first", "1"),
                Event("message", b"second"),
                Event("message", b" third"),
            ],
        ),
        (b"data\n\ndata\ndata\n\n", [Event("message", b""), Event("message", b"\n")]),
        (b"data:test\r\rdata: test\r\n\r\n", [Event("message", b"test")] * 2),
        (b"\xef\xbb\xbfdata: x\n\n", [Event("message", b"x")]),
        (b"event: add\ndata: 1\n\ndata: 2\n\n", [Event("add", b"1"), Event("message", b"2")]),
        (b"event: lost\n\n\n\n: only a comment\n\n", []),
        (
            b"id: 7\n\ndata: 1\n\ndata: 2\n\n",
            [ONE_7, TWO_7],
        ),
        (b"id: a\0b\nretry: 5\nunknown: x\nData: no\ndata: 1\n\n", [Event("message", b"1")]),
        (
            b'data: {"a": 1}\n\ndata: [DONE]\n\n',
            [Event("message", b'{"a": 1}'), Event("message", b"[DONE]")],
        ),
        (b'data: {"a"', [Event("message", b'{"a"', "", False)]),
        (b"data: 1\n\ndata: 2\n", [Event("message", b"1"), Event("message", b"2", "", False)]),
        (b"dat", []),
        (b"", []),
    ],
)
def test_streams_are_read_as_the_standard_says(stream: bytes, expected: list[Event]) -> None:
    assert list(split(stream)) == expected
    assert events([stream[at : at + 1] for at in range(len(stream))]) == expected


parts = st.sampled_from(
    [b"data", b": ", b":", b"event", b"id", b"\n", b"\r", b"\r\n", b"\n\n", b"x", b"\xef\xbb\xbf"]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(parts | st.binary(max_size=2), max_size=25).map(b"".join),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_any_chunking_gives_the_standards_events(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert events(chunks) == list(split(stream)) == plainly(stream)


@pytest.mark.parametrize("stream", [b"data: aaaaaaaaaa", b"data: a\n" * 2, b": aaaaaaaaaaaaaa"])
def test_an_event_longer_than_the_cap_is_refused(stream: bytes) -> None:
    for chunks in ([stream], [stream[at : at + 1] for at in range(len(stream))]):
        with pytest.raises(WireError, match="longer than 10 bytes"):
            events(chunks, max_event=10)


def test_the_cap_is_for_each_event_alone() -> None:
    assert len(events([b"data: 123\n\n" * 50], max_event=10)) == 50
    (long,) = split(b"data: " + b"x" * (5 << 20) + b"\n\n")
    assert len(long.data) == 5 << 20


def test_a_body_is_framed_as_google_does_and_read_again() -> None:
    body = dumps({"data": content_of(b"x" * 30_000), "text": "a\nb"})
    framed = frame(body)
    assert framed[0] == b'data: {"data":"'
    assert isinstance(framed[1], Base64Run)
    assert framed[2] == b'","text":"a\\nb"}\r\n\r\n'
    assert list(split(b"data: [1]\r\n\r\n")) == [Event("message", b"[1]")]


def test_line_ends_between_tokens_do_not_break_a_frame() -> None:
    assert frame((b'{\r\n  "a": 1\n}\r',)) == (b'data: {    "a": 1 } \r\n\r\n',)
