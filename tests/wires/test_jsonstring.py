"""What one JSON string says, short or long: text, base64, data URLs, and itself as a span."""

from __future__ import annotations

import pybase64
import pytest

from pisang.domain.content import Base64Run, Content, Meter, RawRun, Span, TextRun, content_of
from pisang.errors import WireError
from pisang.wires import strictjson
from pisang.wires.strictjson import DataUrl

SPAN = Span((TextRun(b"long"),))
PICTURE = bytes(range(256)) * 100
BASE64 = pybase64.b64encode(PICTURE).decode()


def far(data: bytes) -> Content:
    """A content whose bytes are elsewhere."""
    meter = Meter()
    meter.update(data)
    return meter.content()


# --- one string: text ----------------------------------------------------------------------------


def test_text_is_had_from_short_strings_and_long_ones() -> None:
    assert strictjson.text_of("好") == "好"
    assert strictjson.text_of(Span((TextRun(b'\\u597d\\n"'.replace(b'"', b"")),))) == "好\n"
    mixed = Span((TextRun(b"a "), Base64Run(content_of(b"abc")), RawRun(content_of(b"\\t!"))))
    assert strictjson.text_of(mixed) == "a YWJj\t!"


def test_the_text_of_an_unfinished_string_leaves_its_half_character_out() -> None:
    for raw, text in (
        (b"ab\\", "ab"),
        (b"ab\\u00e", "ab"),
        (b"ab\\ud83c", "ab"),
        (b"ab\\ud83c\\udf4", "ab"),
        (b"ab\\ud83c\\udf4c", "ab🍌"),
        (b"ab\xe5\xa5", "ab"),
        (b"ab\\\\", "ab\\"),
        (b"", ""),
    ):
        assert strictjson.text_of(Span((TextRun(raw),), complete=False)) == text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "a string is needed, not null"),
        (True, "a string is needed, not a boolean"),
        (1, "a string is needed, not a number"),
        ([], "a string is needed, not an array"),
        ({}, "a string is needed, not an object"),
        (Span((Base64Run(far(b"abc")),)), "binary data"),
        (Span((RawRun(far(b"abc")),)), "binary data"),
        (Span((TextRun(b"a" * (1 << 20)), TextRun(b"b"))), "longer than 1048576 bytes"),
        (Span((TextRun(b"\\x"),)), "escape"),
        (Span((TextRun(b"\xff"),)), "not UTF-8"),
        (Span((TextRun(b"\\ud800"),)), "lone surrogate"),
    ],
)
def test_what_is_no_text_is_an_error(value: object, why: str) -> None:
    with pytest.raises(WireError, match=why):
        strictjson.text_of(value, wire="gemini")


# --- one string: base64 --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["//79", "__79", "__79\n", " //\r\n79\t", "data:image/png;base64,//79", "data:;base64,__79"],
)
def test_base64_is_read_as_leniently_as_google_does(text: str) -> None:
    content = strictjson.content_of(text)
    assert content == content_of(b"\xff\xfe\xfd")
    assert content.inline == b"\xff\xfe\xfd"


@pytest.mark.parametrize("text", ["/w==", "/w=", "/w", "_w", "/x"])
def test_padding_is_optional(text: str) -> None:
    assert strictjson.content_of(text).inline == b"\xff"


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AA!A", "AA=A", "A\u4e00AA", "AAA\x00", "=A", "AA.."]
)
def test_foreign_characters_are_an_error(text: str) -> None:
    with pytest.raises(WireError, match="base64"):
        strictjson.content_of(text)


def test_every_cut_of_base64_gives_its_beginning_or_an_error() -> None:
    for at in range(65):
        if at % 4 == 1:
            with pytest.raises(WireError):
                strictjson.content_of(BASE64[:at])
        else:
            assert strictjson.content_of(BASE64[:at]).inline == PICTURE[: at * 3 // 4]


def test_a_long_string_gives_its_one_content() -> None:
    picture = far(PICTURE)
    assert strictjson.content_of(Span((Base64Run(picture),))) is picture
    assert strictjson.content_of(Span((TextRun(b"data:;base64,"), Base64Run(picture)))) is picture
    assert strictjson.content_of(Span((RawRun(far(b"x"), picture),), complete=False)) is picture
    assert strictjson.content_of(Span((TextRun(b"YWJj"),))).inline == b"abc"
    with pytest.raises(WireError, match="several"):
        strictjson.content_of(Span((Base64Run(picture), Base64Run(picture))))
    with pytest.raises(WireError, match="should be base64"):
        strictjson.content_of(Span((TextRun(b"hello, world"),)))
    with pytest.raises(WireError, match="a string is needed"):
        strictjson.content_of(None)


# --- one string: data URLs -----------------------------------------------------------------------


def test_pictures_in_a_short_string_are_found_in_order() -> None:
    text = "see ![a](data:image/png;base64,YWJj)data:;base64,_w and data:a/b;c=x;base64,QQ=="
    assert strictjson.split_data_urls(text) == (
        "see ![a](",
        DataUrl("image/png", content_of(b"abc")),
        ")",
        DataUrl("", content_of(b"\xff")),
        " and ",
        DataUrl("a/b", content_of(b"A")),
    )
    assert [found.mime for found in strictjson.data_urls(text)] == ["image/png", "", "a/b"]


@pytest.mark.parametrize(
    "text", ["", "no picture", "data:image/png;base64,", "data:,x", ";base64,YWJj"]
)
def test_a_string_without_pictures_is_its_text(text: str) -> None:
    assert strictjson.split_data_urls(text) == ((text,) if text else ())


def test_pictures_in_a_long_string_are_found_in_order() -> None:
    one, two, three = far(b"1"), far(b"2"), far(b"3")
    span = Span(
        (
            TextRun(b"![a](data:image/png;base64,"),
            Base64Run(one),
            TextRun(b")\\n![b](data:image/webp;q=1;base64,"),
            Base64Run(two),
            Base64Run(three),
            TextRun(b";base64,"),
            RawRun(far(b"4 "), far(b"4")),
            TextRun(b" end data:image/gif;base64,YWJj \\u597d"),
        )
    )
    assert strictjson.split_data_urls(span) == (
        "![a](",
        DataUrl("image/png", one),
        ")\n![b](",
        DataUrl("image/webp", two),
        DataUrl("", three),
        ";base64,",
        DataUrl("", far(b"4")),
        " end ",
        DataUrl("image/gif", content_of(b"abc")),
        " 好",
    )


def test_a_picture_without_text_before_it_leaves_no_empty_text() -> None:
    span = Span((TextRun(b"data:image/png;base64,"), Base64Run(far(b"1"))))
    assert strictjson.split_data_urls(span) == (DataUrl("image/png", far(b"1")),)
    other = Span((TextRun(b"x;base64,"), Base64Run(far(b"1")), TextRun(b"!\\u")), complete=False)
    assert strictjson.split_data_urls(other) == ("x;base64,", DataUrl("", far(b"1")), "!")


def test_base64_that_cannot_be_is_an_error_in_a_data_url() -> None:
    with pytest.raises(WireError, match="base64"):
        strictjson.split_data_urls("data:image/png;base64,AAAAA")


# --- one string: as a span -----------------------------------------------------------------------


def test_a_string_becomes_a_span_that_says_the_same() -> None:
    assert strictjson.span_of(SPAN) is SPAN
    span = strictjson.span_of('a/b="好"\n')
    assert span == Span((TextRun('a/b=\\"好\\"\\n'.encode()),))
    assert strictjson.text_of(span) == 'a/b="好"\n'
    with pytest.raises(WireError, match="lone surrogate"):
        strictjson.span_of("\ud800")
