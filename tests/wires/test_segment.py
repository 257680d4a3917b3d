"""Long strings cut into runs: base64 in every style, pictures in text, and what is neither."""

from __future__ import annotations

from collections.abc import Iterable

import pybase64
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.content import (
    CANONICAL,
    SPAN_THRESHOLD,
    Base64Run,
    Content,
    FileBytes,
    Meter,
    RawRun,
    Style,
    TextRun,
    content_of,
)
from pisang.wires.scan import MemorySink, encode_run, encoded_length
from tests.wires.scanning import PICTURE, STYLES, in_json, replay, runs_of, scan, styled

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


# --- pieces --------------------------------------------------------------------------------------


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
