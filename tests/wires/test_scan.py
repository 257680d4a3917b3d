"""The scanner: one skeleton and one set of spans for any chunking, and every byte comes back."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import pybase64
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pisang.domain.content import (
    CANONICAL,
    SPAN_THRESHOLD,
    Base64Run,
    Content,
    FileBytes,
    Meter,
    RawRun,
    Run,
    Span,
    Style,
    TextRun,
    content_of,
    span_pieces,
)
from pisang.errors import WireError
from pisang.wires.scan import MemorySink, Scanned, Scanner, encode_run, encoded_length

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"

_TOKENS = {
    "json": re.compile(rb'"(?:[^"\\]|\\.)*"?|NaN', re.DOTALL),
    "sse": re.compile(rb'"(?:[^"\\\r\n]|\\[^\r\n])*"?|NaN'),
}

PICTURE = bytes(range(256)) * 100
"""25,600 bytes with every value; its base64 has all 64 characters."""


# --- helpers -------------------------------------------------------------------------------------


def chunks_of(body: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({cut % (len(body) + 1) for cut in cuts}), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


def scan(chunks: Iterable[bytes], sink: MemorySink | None = None, **options: object) -> Scanned:
    scanner = Scanner(sink or MemorySink(), **options)  # type: ignore[arg-type]
    for chunk in chunks:
        scanner.feed(chunk)
    return scanner.close()


def outcome(chunks: Iterable[bytes], **options: object) -> Scanned | str:
    """What a scan gives, or the sentence it refuses with."""
    try:
        return scan(chunks, **options)
    except WireError as error:
        return str(error)


def written(span: Span, sink: MemorySink) -> bytes:
    """The span's raw bytes as they are sent again; checks each piece's announced length."""
    raw = b""
    for piece in span_pieces(span):
        part = piece if isinstance(piece, bytes) else b"".join(encode_run(piece, sink.read))
        assert encoded_length(piece) == len(part)
        raw += part
    return raw


def replay(scanned: Scanned, sink: MemorySink, framing: str = "json") -> bytes:
    """The body again, from skeleton and spans."""
    spans = iter(scanned.spans)
    body, start = b"", 0
    for match in _TOKENS[framing].finditer(scanned.skeleton):
        if match[0] == b"NaN":
            span = next(spans)
            body += scanned.skeleton[start : match.start()] + b'"' + written(span, sink)
            body += b'"' if span.complete else b""
            start = match.end()
    assert next(spans, None) is None
    return body + scanned.skeleton[start:]


def in_json(raw: bytes) -> bytes:
    return b'{"a": 1, "data": "' + raw + b'", "b": [true]}'


def runs_of(raw: bytes, **options: object) -> tuple[Run, ...]:
    scanned = scan([in_json(raw)], **options)
    assert scanned.skeleton == b'{"a": 1, "data": NaN, "b": [true]}'
    assert scanned.complete
    return scanned.spans[0].runs


def styled(data: bytes, style: Style) -> bytes:
    text = pybase64.b64encode(data)
    if style.alphabet == "url":
        text = text.replace(b"+", b"-").replace(b"/", b"_")
    if style.slash == "escaped":
        text = text.replace(b"/", b"\\/")
    return text.replace(b"=", b"" if style.padding == "none" else style.padding.encode())


STYLES = [
    Style(alphabet, slash, padding)
    for alphabet, slash in (("std", "plain"), ("std", "escaped"), ("url", "plain"))
    for padding in ("=", "\\u003d", "\\u003D", "none")
]


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


# --- base64 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize("size", [25598, 25599, 25600])
def test_each_style_is_told_and_written_again(style: Style, size: int) -> None:
    sink = MemorySink()
    raw = styled(PICTURE[:size], style)
    scanned = scan([in_json(raw)], sink)
    (run,) = scanned.spans[0].runs
    assert isinstance(run, Base64Run)
    assert run.content == content_of(PICTURE[:size])
    assert run.content.inline == PICTURE[:size]
    assert run.style.alphabet == style.alphabet
    assert run.style.slash == style.slash
    assert run.style.padding == (style.padding if size % 3 else "=")
    assert replay(scanned, sink) == in_json(raw)


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_a_picture_survives_a_cut_between_any_two_bytes(style: Style) -> None:
    body = in_json(styled(PICTURE[200:262], style))
    whole = scan([body], threshold=20)
    assert whole.spans[0].contents == (content_of(PICTURE[200:262]),)
    for at in range(len(body)):
        assert scan([body[:at], body[at:]], threshold=20) == whole


@pytest.mark.parametrize(
    ("tail", "taken", "left"),
    [
        (b"QR==", 0, b"QR=="),  # bits behind the last byte
        (b"QUJ=", 0, b"QUJ="),
        (b"QQ=", 1, b"="),  # too little padding
        (b"QUI==", 2, b"="),  # too much
        (b"QUJD=", 3, b"="),
        (b"QUJDQ", 3, b"Q"),  # no byte at all
        (b"QUJD\\/", 3, b"\\/"),  # another style midway
        (b"QUJD-QUJ", 3, b"-QUJ"),
        (b"QUI\x80D", 2, b"\x80D"),
        (b"QQ=\\u003d", 1, b"=\\u003d"),
        (b"QQ\\u003d\\u003D", 1, b"\\u003d\\u003D"),
        (b"QUJDQUJD)", 6, b")"),
    ],
)
def test_what_no_style_reproduces_is_left_as_text(tail: bytes, taken: int, left: bytes) -> None:
    begin = pybase64.b64encode(PICTURE[:24000])
    assert b"/" in begin
    for size in (1 << 20, 7):
        body = in_json(begin + tail)
        scanned = scan([body[at : at + size] for at in range(0, len(body), size)])
        run, rest = scanned.spans[0].runs
        assert isinstance(run, Base64Run)
        assert run.content.size == 24000 + taken
        assert rest == TextRun(left)


def test_leftover_characters_come_back_in_their_own_style() -> None:
    for style in (Style(slash="escaped"), Style(alphabet="url")):
        begin = styled(PICTURE[:24000], style)
        slash = styled(b"\xff\xff\xff", style)[: 2 if style.slash == "escaped" else 1]
        run, rest = runs_of(begin + slash + b"!")
        assert isinstance(run, Base64Run)
        assert rest == TextRun(slash + b"!")
        assert run.slashes == begin.count(b"\\/")


@pytest.mark.parametrize(
    ("gap", "more"),
    [(b"\\n", b""), (b"\\r\\n", b"\\r\\n"), (b" ", b"=="), (b"\\n", b"\\n\\u003d\\u003d!")],
)
@pytest.mark.parametrize("size", [1 << 20, 1000, 7])
def test_base64_in_lines_is_kept_raw_and_decoded_beside(gap: bytes, more: bytes, size: int) -> None:
    text = pybase64.b64encode(PICTURE).rstrip(b"=")
    raw = gap.join(text[at : at + 76] for at in range(0, len(text), 76)) + more
    sink = MemorySink()
    body = in_json(raw)
    scanned = scan([body[at : at + size] for at in range(0, len(body), size)], sink)
    assert scanned.spans[0].runs == (RawRun(content_of(raw), content_of(PICTURE)),)
    assert replay(scanned, sink) == body


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"+", b"\\u002b"), (b"+", b"\\u002B"), (b"/", b"\\u002f"), (b"/", b"\\u002F")],
)
def test_escapes_that_no_style_has_are_kept_raw_and_decoded(old: bytes, new: bytes) -> None:
    raw = pybase64.b64encode(PICTURE).replace(old, new)
    for size in (1 << 20, 1000, 3):
        body = in_json(raw)
        scanned = scan([body[at : at + size] for at in range(0, len(body), size)])
        assert scanned.spans[0].runs == (RawRun(content_of(raw), content_of(PICTURE)),)


def test_slashes_written_both_ways_are_kept_raw_and_decoded() -> None:
    raw = pybase64.b64encode(PICTURE).replace(b"/", b"\\/", 1)
    assert runs_of(raw) == (RawRun(content_of(raw), content_of(PICTURE)),)


@pytest.mark.parametrize("foreign", [b"!", b"\\\\", b"\\b", b"\\u0041", b"\\u12"])
def test_lines_are_decoded_up_to_the_first_foreign_character(foreign: bytes) -> None:
    line = pybase64.b64encode(PICTURE[:57])
    raw = b"\\n".join([line] * 400) + foreign + b"\\n".join([line] * 10)
    for size in (1 << 20, 5):
        body = in_json(raw)
        scanned = scan([body[at : at + size] for at in range(0, len(body), size)])
        (run,) = scanned.spans[0].runs
        assert isinstance(run, RawRun)
        assert run.content == content_of(raw)
        assert run.decoded == content_of(PICTURE[:57] * 400)


def test_lines_without_a_whole_quantum_decode_to_nothing() -> None:
    raw = b"A" * 16 + b" " * 16
    assert runs_of(raw, threshold=32 - 1) != ()
    (run,) = runs_of(b"ABCDEFGHIJKLMNOP \x80", threshold=17)
    assert isinstance(run, RawRun)
    assert run.decoded == content_of(pybase64.b64decode(b"ABCDEFGHIJKLMNOP"))


def test_words_are_no_lines() -> None:
    for text in (b"the quick brown fox " * 1000, b"AAAA BBBB " * 2000, b"x" * 20 + b" y" * 9000):
        (run,) = runs_of(text)
        assert run == TextRun(text)


# --- data URLs and text --------------------------------------------------------------------------


def test_pictures_in_markdown_become_runs_between_texts() -> None:
    picture = pybase64.b64encode(PICTURE)
    raw = b"\\u4e00 ![a](data:image/png;base64," + picture + b") and ![b](data:image/jpeg;base64,"
    raw += styled(PICTURE[1:], Style(slash="escaped")) + b") done"
    body = in_json(raw)
    for size in (1 << 20, 65536, 11):
        sink = MemorySink()
        scanned = scan([body[at : at + size] for at in range(0, len(body), size)], sink)
        first, one, middle, two, last = scanned.spans[0].runs
        assert first == TextRun(b"\\u4e00 ![a](data:image/png;base64,")
        assert one == Base64Run(content_of(PICTURE))
        assert middle == TextRun(b") and ![b](data:image/jpeg;base64,")
        assert isinstance(two, Base64Run)
        assert two.content == content_of(PICTURE[1:])
        assert last == TextRun(b") done")
        assert replay(scanned, sink) == body


def test_an_introducer_cut_anywhere_is_seen() -> None:
    body = in_json(b"data:;base64," + pybase64.b64encode(PICTURE[:60]) + b")")
    whole = scan([body], threshold=30)
    assert len(whole.spans[0].runs) == 3
    for at in range(len(body)):
        for next_at in range(at, min(len(body), at + 9)):
            parts = [body[:at], body[at:next_at], body[next_at:]]
            assert scan(parts, threshold=30) == whole


def test_short_base64_in_a_long_text_stays_text() -> None:
    raw = b"![x](data:image/png;base64,QUJD) " * 1000 + b";base64,QUJD;base64,"
    assert runs_of(raw) == (TextRun(raw),)
    (text,) = runs_of(b"hello. ;base64,A+B/C\\/D--__ bye." * 3, threshold=20)
    assert text == TextRun(b"hello. ;base64,A+B/C\\/D--__ bye." * 3)


def test_text_longer_than_a_mebibyte_goes_to_the_sink() -> None:
    text = b"hello, world. " * 80_000
    sink = MemorySink()
    scanned = scan([in_json(text + b";base64," + b"ABCD" * 5000 + b"! bye")], sink)
    long, run, short = scanned.spans[0].runs
    assert long == RawRun(content_of(text + b";base64,"))
    assert isinstance(run, Base64Run)
    assert short == TextRun(b"! bye")


def test_text_that_is_carried_counts_over_all_strings() -> None:
    text = b"hello, world. " * 4
    body = b'["' + b'","'.join([text] * 4) + b'"]'
    spans = scan([body], threshold=20, max_skeleton=3 * len(text)).spans
    kinds = [type(span.runs[0]) for span in spans]
    assert kinds == [TextRun, TextRun, TextRun, RawRun]


def test_a_string_at_the_threshold_stays_and_one_byte_more_leaves() -> None:
    body = b'["' + b"a" * SPAN_THRESHOLD + b'"]'
    assert scan([body]).skeleton == body
    assert scan([body.replace(b"a", b"aa", 1)]).skeleton == b"[NaN]"


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


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=300),
    style=st.sampled_from(STYLES),
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=20),
)
def test_a_run_is_written_the_same_however_it_is_read(
    data: bytes, style: Style, sizes: list[int]
) -> None:
    def read(_: Content) -> Iterable[bytes]:
        pieces, at = [], 0
        while at < len(data):
            size = sizes[len(pieces) % len(sizes)]
            pieces.append(data[at : at + size])
            at += size
        return pieces

    meter = Meter()
    meter.update(data)
    expected = styled(data, style)
    slashes = expected.count(b"\\/")
    run = Base64Run(meter.content(), style, slashes)
    assert b"".join(encode_run(run, read)) == expected
    assert encoded_length(run) == len(expected)
    assert b"".join(encode_run(Base64Run(content_of(data), style), read)) == expected
    assert b"".join(encode_run(RawRun(meter.content()), read)) == data


def test_long_contents_are_encoded_in_parts() -> None:
    data = PICTURE * 20
    parts = list(encode_run(Base64Run(content_of(data), CANONICAL), lambda _: ()))
    assert len(parts) > 1
    assert b"".join(parts) == pybase64.b64encode(data)


def test_the_length_of_every_piece_is_known() -> None:
    content = content_of(b"abcd")
    assert encoded_length(b"abc") == 3
    assert encoded_length(FileBytes(content)) == 4
    assert encoded_length(RawRun(content)) == 4
    assert encoded_length(Base64Run(content)) == 8


def test_the_memory_sink_keeps_what_was_written_inline() -> None:
    sink = MemorySink()
    writer = sink.open()
    writer.write(b"ab")
    writer.write(memoryview(b"cd"))
    content = writer.close()
    assert content.inline == b"abcd"
    assert sink.read(content) == (b"abcd",)
