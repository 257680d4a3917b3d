"""The scanner: one skeleton and one set of spans for any chunking, and every byte comes back."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pybase64
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pisang.domain.content import SPAN_THRESHOLD, Base64Run, Content, Meter, content_of
from pisang.errors import WireError
from pisang.wires.scan import MemorySink, Scanned, Scanner
from tests.wires.scanning import PICTURE, STYLES, chunks_of, in_json, outcome, replay, scan, styled

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"

# --- laws ----------------------------------------------------------------------------------------

binaries = st.binary(max_size=60) | st.binary(min_size=40, max_size=150)
wrapped = st.builds(
    lambda data, width, gap: gap.join(
        pybase64.b64encode(data)[at : at + width] for at in range(0, len(data) * 4 // 3 + 4, width)
    ),
    binaries,
    st.integers(16, 24),
    st.sampled_from([b"\\n", b"\\r\\n", b" "]),
)
fragments = st.one_of(
    st.builds(styled, binaries, st.sampled_from(STYLES)),
    wrapped,
    st.sampled_from(
        [
            *(b"hello ", b"data:image/png;base64,", b";base64,", b";base", b"64,", b'\\"', b"\\\\"),
            *(b"\\n", b"\\/", b"=", b"==", b"\\u003d", b"\\u00", b"NaN", b"\xe4\xb8\xad", b"\x01"),
        ]
    ),
    st.binary(max_size=3),
)
strings = st.lists(fragments, max_size=5).map(lambda parts: b'"' + b"".join(parts) + b'"')
between = st.sampled_from(
    [b"", b",", b"\n", b"\r\n", b"\r", b":", b"NaN", b"Na", b"N", b"I", b"[DONE]", b"\ndata: "]
)
noise = st.lists(strings | between | fragments, max_size=8).map(b"".join)
clean = st.lists(
    fragments.filter(lambda raw: raw > b"\x20" and raw != b'"'), min_size=1, max_size=4
)
documents = st.lists(clean.map(b"".join), min_size=1, max_size=3).map(
    lambda texts: b'["' + b'", "'.join(texts) + b'"]'
)
bodies = documents | documents | noise
lines = st.sampled_from(
    [b"", b"data: ", b"data:", b"\xef\xbb\xbfdata: ", b": ", b"event: x\ndata:"]
)


@settings(max_examples=250, deadline=None)
@given(
    body=bodies,
    head=lines,
    framing=st.sampled_from(["json", "sse"]),
    threshold=st.sampled_from([1, 4, 16, 20, 40, 130]),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
@example(body=b'"QUJDREVGR0g\\u003d"', head=b"", framing="json", threshold=4, cuts=[])
@example(body=b'": NaN \\"abc', head=b": ", framing="sse", threshold=4, cuts=[4])
def test_any_chunking_gives_the_same_and_every_byte_comes_back(
    body: bytes, head: bytes, framing: str, threshold: int, cuts: list[int]
) -> None:
    body = head + body
    options = {"framing": framing, "threshold": threshold}
    sink = MemorySink()
    whole = outcome([body], sink=sink, **options)
    assert outcome(chunks_of(body, cuts), **options) == whole
    assert outcome([body[at : at + 1] for at in range(len(body))], **options) == whole
    if isinstance(whole, Scanned) and (framing == "json" or b"NaN" not in body):
        assert replay(whole, sink, framing) == body


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(fragments.filter(lambda part: part.isascii() and part > b"\x20"), max_size=6),
    threshold=st.integers(1, 40),
    cut=st.integers(0, 400),
)
def test_a_string_cut_anywhere_keeps_what_had_come(
    parts: list[bytes], threshold: int, cut: int
) -> None:
    body = (b'["' + b"".join(parts))[: cut + 2]
    sink = MemorySink()
    result = outcome([body], sink=sink, threshold=threshold)
    if isinstance(result, Scanned):
        assert replay(result, sink) == body


@pytest.mark.parametrize("framing", ["json", "sse"])
def test_recorded_bodies_come_back_to_the_byte_under_every_chunking(framing: str) -> None:
    if not RECORDED.is_dir():
        pytest.skip(f"{RECORDED} is not there")
    prefix = b"data: " if framing == "sse" else b""
    for path in sorted(RECORDED.glob("*.response.json")):
        body = prefix + path.read_bytes()
        found = []
        for size in (len(body), 65536, 4099):
            sink = MemorySink()
            pieces = [body[at : at + size] for at in range(0, len(body), size)]
            found.append(scan(pieces, sink, framing=framing))
            assert replay(found[-1], sink) == body
        assert found[0] == found[1] == found[2]
        assert found[0].complete
        assert len(found[0].skeleton) < 4096
        for span in found[0].spans:
            assert [type(run) for run in span.runs] == [Base64Run]


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "options", "why"),
    [
        (b"[NaN]", {}, "NaN and Infinity"),
        (b"[Infinity]", {}, "NaN and Infinity"),
        (b"[-Infinity]", {}, "NaN and Infinity"),
        (b"data: [NaN]", {"framing": "sse"}, "NaN and Infinity"),
        (b'data: Na"abcdefgh"', {"framing": "sse", "threshold": 4}, "letters where a value"),
        (b'{"abcdefgh" \n: 1}', {"threshold": 4}, "object key"),
        (b'["abcdefgh", "ijklmnop"]', {"threshold": 4, "max_spans": 1}, "more than 1 long"),
        (b'["abcdefghi"]', {"threshold": 4, "max_span_bytes": 8}, "longer than 8 bytes"),
        (b"[1,1,1,1,1,1]", {"max_skeleton": 8}, "longer than 8 bytes besides"),
        (b'["abcdefghijk', {"max_skeleton": 8}, "longer than 8 bytes besides"),
        (b": NaN aaaaaaaaa", {"max_skeleton": 8, "framing": "sse"}, "longer than 8 bytes"),
        (b'["ab c\n defgh"]', {"threshold": 4}, "control character (0x0a)"),
        (b'["' + b"A" * 16 + b" " + b'A\x00"]', {"threshold": 18}, "control character (0x00)"),
        (b'["QUJDRA\x1f"]', {"threshold": 4}, "control character (0x1f)"),
        (
            b'["' + b";base64,QUJDREVGRw" * 3 + b'"]',
            {"threshold": 8, "max_spans": 1},
            "more than 2 contents",
        ),
    ],
)
def test_a_cap_or_a_byte_that_is_no_json_is_refused(
    body: bytes, options: dict[str, object], why: str
) -> None:
    for size in (len(body), 1):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        with pytest.raises(WireError, match=re.escape(why)):
            scan(pieces, **options)


def test_after_a_refusal_what_had_come_is_still_given() -> None:
    sink = MemorySink()
    scanner = Scanner(sink)
    picture = pybase64.b64encode(PICTURE)
    with pytest.raises(WireError):
        scanner.feed(b'["' + picture + b'", "' + picture + b'", NaN]')
    with pytest.raises(WireError):
        scanner.feed(b"]")
    scanned = scanner.close()
    assert not scanned.complete
    assert scanned.skeleton == b"[NaN, NaN, "
    assert [span.contents for span in scanned.spans] == [(content_of(PICTURE),)] * 2


def test_a_refusal_inside_a_span_keeps_the_span() -> None:
    scanner = Scanner(MemorySink(), max_span_bytes=20_000)
    with pytest.raises(WireError):
        for at in range(0, 30_000, 1000):
            scanner.feed((b'["' + b"A" * 30_000)[at : at + 1000])
    scanned = scanner.close()
    assert not scanned.complete
    assert not scanned.spans[0].complete
    assert scanned.spans[0].contents[0].size > 14_000


def test_escaped_quotes_and_backslashes_do_not_end_a_string() -> None:
    for text in (b'\\"', b"\\\\", b'\\\\\\"', b'a\\"b', b'\\\\\\\\\\"\\\\'):
        for times in (1, 3, 50):
            body = b'{"k": "' + text * times + b'", "m": "\\\\"}'
            for threshold in (SPAN_THRESHOLD, 8, 70):
                sink = MemorySink()
                scanned = scan([body], sink, threshold=threshold)
                assert scanned.complete
                assert replay(scanned, sink) == body


# --- event streams -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"a": "bcd"}\n\n',
        b'\xef\xbb\xbfdata: {"a": "bcd"}\r\n\r\n: it"s a comment\r\rdata: [DONE]\n\n',
        b': NaN and "quotes" of more than eight bytes\ndata: {}\n\n',
        b'event: NaN "aaaaaaaaaaaaaaaaaaaaaaa\nid: "x\ndata\ndata: 1\n\n',
        b'data: "abc\ndata: "abc\\\ndata: "ab\\"\n',
        b": NaNaNaN\n: NaN",
        b"data: Na\ndata: N",
        b'::"',
    ],
)
def test_in_a_stream_only_data_lines_have_strings_and_tokens(body: bytes) -> None:
    for size in (len(body), 3, 1):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert scan(pieces, framing="sse", threshold=8) == Scanned(body, (), True)


def test_a_line_end_closes_a_long_string_unfinished() -> None:
    for end in (b"\n", b"\r", b"\r\n", b"\\\n"):
        body = b'data: {"a": "abcdefghijkl' + end + b'data: "bcdefghijklm"\n\n'
        for size in (len(body), 1):
            pieces = [body[at : at + size] for at in range(0, len(body), size)]
            scanned = scan(pieces, framing="sse", threshold=8)
            assert scanned.complete
            assert [span.complete for span in scanned.spans] == [False, True]
            line_end = end.removeprefix(b"\\")
            assert scanned.skeleton == b'data: {"a": NaN' + line_end + b"data: NaN\n\n"


def test_a_byte_order_mark_before_the_first_line_hides_no_picture() -> None:
    body = b'\xef\xbb\xbfdata: "abcdefghijkl"\n\n'
    assert scan([body], framing="sse", threshold=8).skeleton == b"\xef\xbb\xbfdata: NaN\n\n"


def test_a_stream_cut_inside_a_data_string_is_not_complete() -> None:
    assert not scan([b'data: "ab'], framing="sse").complete
    assert not scan([b'data: "abcdefgh\\'], framing="sse", threshold=4).complete
    assert scan([b': "ab'], framing="sse").complete
    assert not scan([b'["ab\\']).complete
    assert scan([b'["ab\\']).skeleton == b'["ab\\'


# --- memory, sinks, pieces -----------------------------------------------------------------------


class _Void:
    """A sink that only counts."""

    def open(self) -> _Void:
        self._meter = Meter()
        return self

    def write(self, data: bytes | memoryview) -> None:
        self._meter.update(data)

    def close(self) -> Content:
        return self._meter.content()


@pytest.mark.parametrize("chunk", [65536, 16 << 20])
def test_memory_does_not_grow_with_the_body(chunk: int) -> None:
    body = in_json(pybase64.b64encode(PICTURE * 400))
    scanner = Scanner(_Void())
    tracemalloc.start()
    try:
        for at in range(0, len(body), chunk):
            scanner.feed(memoryview(body)[at : at + chunk])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert scanner.close().spans[0].contents[0].size == len(PICTURE) * 400
    assert peak < 2 * 1024 * 1024


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_taken(kind: Callable[[bytes], bytes]) -> None:
    assert scan([kind(b'["ab"]')]).skeleton == b'["ab"]'


def test_the_memory_sink_keeps_what_was_written_inline() -> None:
    sink = MemorySink()
    writer = sink.open()
    writer.write(b"ab")
    writer.write(memoryview(b"cd"))
    content = writer.close()
    assert content.inline == b"abcd"
    assert sink.read(content) == (b"abcd",)
