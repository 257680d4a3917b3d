"""What was scanned can be written out again to the byte."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.content import RawRun, Span, TextRun, content_of
from pisang.errors import WireError
from pisang.wires.replay import write_again
from pisang.wires.scan import MemorySink, Scanner, encode_run

RECORDED = Path(__file__).parents[2].parent / "shared" / "recorded"
LONG = base64.b64encode(bytes(range(256)) * 80)
MIXED = LONG.replace(b"/", b"\\/")
WRAPPED = b"\\n".join(LONG[i : i + 76] for i in range(0, len(LONG), 76))


def again(body: bytes, framing: str = "json") -> bytes:
    sink = MemorySink()
    scanner = Scanner(sink, framing=framing)  # type: ignore[arg-type]
    scanner.feed(body)
    scanned = scanner.close()
    pieces = write_again(scanned.skeleton, scanned.spans)
    return b"".join(
        piece if isinstance(piece, bytes) else b"".join(encode_run(piece, sink.read))  # type: ignore[arg-type]
        for piece in pieces
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": "NaN", "b": "' + LONG + b'"}',
        b'\xef\xbb\xbf [ "' + MIXED + b'" , "\\"NaN", "' + WRAPPED + b'" ]\n',
        b'{"a": "data:image/png;base64,' + LONG + b'", "cut": "' + LONG[:20_001],
    ],
)
def test_a_json_body_comes_out_as_it_went_in(body: bytes) -> None:
    assert again(body) == body


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b""])
def test_an_event_stream_comes_out_as_it_went_in(end: bytes) -> None:
    lines = b': NaN "is lone\n' + b'event: x\ndata: {"a": "' + LONG + b'", "b": "NaN"}' + end
    assert again(lines, "sse") == lines
    assert again(b"\xef\xbb\xbf" + b'data: ["' + LONG + b'"]' + end, "sse").endswith(end)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([b'"a"', b'"NaN"', b'"' + LONG + b'"', b'"' + MIXED + b'"'])))
def test_any_mixture_of_long_and_short_strings_comes_out_as_it_went_in(
    strings: list[bytes],
) -> None:
    body = b"[" + b",".join(strings) + b"]"
    assert again(body) == body


def test_a_skeleton_and_spans_that_do_not_belong_together_are_refused() -> None:
    span = Span((TextRun(b"x"),))
    with pytest.raises(WireError):
        write_again(b"[NaN]", ())
    with pytest.raises(WireError):
        write_again(b"[]", (span,))


def test_a_picture_in_place_of_a_body_comes_out_unquoted_and_in_no_company() -> None:
    picture = RawRun(content_of(b"\x89PNG"), content_of(b"\x89PNG"))
    assert write_again(b"", (Span((picture,)),)) == (picture,)
    with pytest.raises(WireError):
        write_again(b"", (Span((picture,)), Span((picture,))))


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not beside the project")
def test_every_recorded_answer_comes_out_as_it_went_in() -> None:
    for path in RECORDED.glob("*.response.json"):
        body = path.read_bytes()
        assert again(body) == body, path.name
