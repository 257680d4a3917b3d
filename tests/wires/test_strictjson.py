"""Strict JSON: a value or one clear error, whatever the bytes; and out again to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pybase64
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.content import (
    Base64Run,
    Body,
    Content,
    FileBytes,
    Meter,
    Span,
    Style,
    TextRun,
    content_of,
)
from pisang.errors import WireError
from pisang.wires.pieces import encode_run, merge
from pisang.wires.scan import MemorySink, Scanner
from pisang.wires.strictjson import Joined, dumps, loads, loads_partial

SPAN = Span((TextRun(b"long"),))
PICTURE = bytes(range(256)) * 100
BASE64 = pybase64.b64encode(PICTURE).decode()

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner)
    ),
    max_leaves=12,
)


def far(data: bytes) -> Content:
    """A content whose bytes are elsewhere."""
    meter = Meter()
    meter.update(data)
    return meter.content()


def text_in(body: Body) -> bytes:
    """The bytes of a body whose contents are all inline."""
    parts = []
    for piece in body:
        assert not isinstance(piece, FileBytes)
        parts.append(piece if isinstance(piece, bytes) else b"".join(encode_run(piece, fail)))
    return b"".join(parts)


def fail(_: Content) -> Iterator[bytes]:
    raise LookupError("not inline")


# --- in ------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(values, st.booleans())
def test_any_json_value_is_read_as_the_standard_parser_reads_it(
    value: object, ascii_only: bool
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert loads(text) == value
    assert text_in(dumps(loads(text))).decode() == json.dumps(
        value, ensure_ascii=False, separators=(",", ":")
    )


HOSTILE = {
    "nothing": (b"", "the body is empty"),
    "white space": (b" \r\n\t", "the body is empty"),
    "duplicate key": (b'{"a": [{"b": 1, "c": 2, "b": 3}]}', 'the key "b" stands twice at $.a[0]'),
    "duplicate by escape": (b'{"a": 1, "\\u0061": 2}', 'the key "a" stands twice at $'),
    "long number": (b'{"n": ' + b"1" * 5000 + b"}", "a number is too long at $.n"),
    "long fraction": (b"[0." + b"1" * 500 + b"]", "a number is too large or too long at $[0]"),
    "beyond a double": (b'{"a b": [1e400]}', 'a number is too large or too long at $."a b"[0]'),
    "minus beyond": (b"-1e999", "a number is too large or too long at $"),
    "NaN": (b"[NaN]", "NaN is not JSON at $[0]"),
    "Infinity": (b"[[], Infinity]", "Infinity is not JSON at $[1]"),
    "minus Infinity": (b'{"x": -Infinity}', "-Infinity is not JSON at $.x"),
    "depth": (b"[" * 100_000, "nested more than 128 deep"),
    "closed depth": (b'{"a":' * 129 + b"1" + b"}" * 129, "nested more than 128 deep"),
    "lone surrogate": (b'["\\ud800"]', "a lone surrogate at $[0]"),
    "lone low surrogate": (b'["\\uDC00x"]', "a lone surrogate at $[0]"),
    "surrogate key": (b'{"a": {"\\ud83d": 1}}', "a lone surrogate in a key at $.a"),
    "surrogate in UTF-8": (b'"\xed\xa0\x80"', "it is not UTF-8 at byte 1"),
    "latin-1": (b'{"a": "\xe9"}', "it is not UTF-8 at byte 7"),
    "raw NUL": (b'"a\x00b"', "Invalid control character at byte 2"),
    "byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "UTF-16 with mark": ("{}".encode("utf-16"), "byte order mark"),
    "UTF-16 big with mark": (b"\xfe\xff\x00{\x00}", "byte order mark"),
    "UTF-16": ("{}".encode("utf-16-le"), "at byte 1"),
    "UTF-32": ("[]".encode("utf-32-be"), "at byte 0"),
    "trailing bytes": (b"{} {}", "Extra data at byte 3"),
    "after Chinese": ("['好'".encode().replace(b"'", b'"'), "Expecting ',' delimiter at byte 6"),
    "trailing comma": (b"[1,]", "at byte "),
    "single quotes": (b"{'a': 1}", "at byte 1"),
    "comment": (b"[1] // x", "Extra data at byte 4"),
    "bad escape": (b'"\\x41"', "Invalid \\escape at byte 1"),
    "half escape": (b'"\\u00', "at byte"),
    "leading zero": (b"01", "Extra data at byte 1"),
    "plus": (b"+1", "at byte 0"),
    "unterminated": (b'"abc', "Unterminated string starting at byte 0"),
    "page": (b"<html><body>502</body></html>", "at byte 0"),
    "token as key": (b"{NaN: 1}", "at byte 1"),
}


@pytest.mark.parametrize(("body", "why"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_get_one_sentence_with_the_place(body: bytes, why: str) -> None:
    with pytest.raises(WireError) as caught:
        loads(body, wire="gemini")
    assert why in str(caught.value)
    assert "valid gemini" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_long_key_is_named_by_its_beginning_only() -> None:
    key = "k" * 5000
    with pytest.raises(WireError) as caught:
        loads(json.dumps({key: [1]}).replace("[1]", "1e400").encode())
    assert "k" * 41 not in str(caught.value)


def test_what_is_strict_is_not_too_strict() -> None:
    assert loads(b"[" * 128 + b"]" * 128) is not None
    assert loads(b'"' + b"[{" * 500 + b'"') == "[{" * 500
    assert loads(b'["\\"' + b"[" * 500 + b'"]') == ['"' + "[" * 500]
    assert loads(b'["\\ud83c\\udf4c", 9223372036854775808, -0, 1E-999]') == ["🍌", 2**63, 0, 0.0]
    assert loads(b'[{"a": 1}, {"a": 1}]') == [{"a": 1}, {"a": 1}]
    assert loads(b'"\\\\ud800"') == "\\ud800"
    assert loads(b'{"s": "\\ud83c\\udf4c", "n": [null, 1]}') == {"s": "🍌", "n": [None, 1]}
    assert loads(b"1" * 400) == int("1" * 400)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text('[]{},:"\\u0dDNaI1e-+. \n', max_size=40).map(str.encode))
def test_any_bytes_give_a_value_or_the_wire_error(body: bytes) -> None:
    for read in (loads, loads_partial):
        try:
            value = read(body, iter([SPAN] * 2))
        except WireError:
            continue
        dumps(value)


def test_each_token_is_the_next_span_as_it_is() -> None:
    first, second = Span((TextRun(b"1"),)), Span((TextRun(b"2"),))
    value = loads(b'{"a": NaN, "NaN": ["NaN", NaN]}', [first, second])
    assert value["a"] is first
    assert value["NaN"] == ["NaN", second]
    rest = iter([first, second])
    assert loads(b"[NaN]", rest) == [first]
    assert loads(b"[NaN]", rest) == [second]


def test_spans_and_tokens_must_be_as_many() -> None:
    with pytest.raises(WireError, match=r"NaN is not JSON at \$\[1\]"):
        loads(b"[NaN, NaN]", [SPAN])
    with pytest.raises(WireError, match="more long strings than places"):
        loads(b"[NaN]", [SPAN, SPAN])
    assert loads(b"[NaN]", iter([SPAN, SPAN])) == [SPAN]


def test_an_unfinished_span_is_an_unterminated_string_unless_the_body_was_cut() -> None:
    cut = Span((TextRun(b"lo"),), complete=False)
    with pytest.raises(WireError, match=r"a long string is unterminated at \$\.a"):
        loads(b'{"a": NaN}', [cut])
    assert loads_partial(b'{"a": NaN', [cut]) == {"a": cut}


# --- in, cut -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'[{"a": 1, "b', [{"a": 1}]),
        (b'[{"a": 1, "b"', [{"a": 1}]),
        (b'[{"a": 1, "b":', [{"a": 1}]),
        (b'[{"a": 1, "b": "x', [{"a": 1}]),
        (b'[{"a": 1, "b": 12', [{"a": 1}]),
        (b'[{"a": 1, "b": tru', [{"a": 1}]),
        (b'[{"a": 1, "b": true', [{"a": 1, "b": True}]),
        (b'[{"a": 1, "b": NaN', [{"a": 1, "b": SPAN}]),
        (b'[{"a": 1, "b": [', [{"a": 1, "b": []}]),
        (b'[{"a": 1},', [{"a": 1}]),
        (b'{"a": {"b": "\xe4\xbd', {"a": {}}),
        (b'{"a": ["\\', {"a": []}),
        (b"{", {}),
        (b"[1, 2", [1]),
        (b"[1, 2 ", [1, 2]),
        (b'{"a": [[1]], "b": {}} ', {"a": [[1]], "b": {}}),
        (b'"whole"', "whole"),
        (b"12", 12),
    ],
)
def test_a_cut_body_gives_what_had_come(body: bytes, value: object) -> None:
    assert loads_partial(body, [SPAN, SPAN]) == value


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b'"abc', b"tru", b"]", b",", b"}{", b"[}", b'{"a": 1]', b"{} x", b"[1]]", b'{} "a'),
        *(b'["a" "b", ', b"{NaN: 1, ", b"[" * 130, b'{"a": 1, "a": 2, ', b"[1e999, ", b"{} {}"),
        *(b"[NaN, NaN, NaN, ", b"\xef\xbb\xbf[1, "),
    ],
)
def test_a_cut_body_with_nothing_usable_is_an_error(body: bytes) -> None:
    with pytest.raises(WireError):
        loads_partial(body, [SPAN, SPAN])


@settings(max_examples=100, deadline=None)
@given(st.lists(values, min_size=1, max_size=3))
def test_every_cut_of_a_document_gives_its_beginning(value: list[object]) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    for at in range(1, len(body)):
        part = loads_partial(body[:at])
        assert begins(value, part), (body[:at], part)
    assert loads_partial(body) == value


def begins(whole: object, part: object) -> bool:
    """Whether `part` is `whole` with only its end missing."""
    if part == whole:
        return True
    if isinstance(whole, dict) and isinstance(part, dict):
        whole, part = list(whole.items()), list(part.items())
    if isinstance(whole, list | tuple) and isinstance(part, list | tuple):
        *front, last = part or [None]
        head = list(whole[: len(front)])
        return not part or (head == front and begins(whole[len(front)], last))
    return False


# --- out -----------------------------------------------------------------------------------------


def test_long_leaves_are_written_as_they_stood() -> None:
    picture = far(PICTURE)
    span = Span((TextRun(b"data:;base64,\\u003d"), Base64Run(picture, Style("url")), TextRun(b")")))
    value = {"NaN": [span, "NaN", content_of(b"abc")], "u": Joined(('é"', picture, SPAN, ""))}
    assert dumps(value) == (
        b'{"NaN":["data:;base64,\\u003d',
        Base64Run(picture, Style("url")),
        b')","NaN","YWJj"],"u":"\xc3\xa9\\"',
        Base64Run(picture),
        b'long"}',
    )


def test_a_short_content_becomes_bytes_and_a_long_one_stays_a_content() -> None:
    assert dumps(content_of(b"\xff\xfe")) == (b'"//4="',)
    assert dumps([content_of(PICTURE)]) == (b'["', Base64Run(content_of(PICTURE)), b'"]')


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.integers()
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
        | st.binary(max_size=60).map(lambda data: pybase64.b64encode(data).decode())
        | st.just('long text of "many" words\n' * 2),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text('abN\\"', max_size=3), inner)
        ),
        max_leaves=10,
    )
)
def test_what_was_scanned_and_read_is_written_again(value: object) -> None:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    scanner = Scanner(MemorySink(), threshold=20)
    scanner.feed(body)
    scanned = scanner.close()
    assert text_in(dumps(loads(scanned.skeleton, scanned.spans))) == body


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("\ud800", "lone surrogate"),
        ({"\udc00": 1}, "lone surrogate"),
        (Joined(("\ud800",)), "lone surrogate"),
        (float("nan"), "NaN or infinite"),
        ([SPAN, float("inf")], "NaN or infinite"),
        ([SPAN, -float("inf")], "NaN or infinite"),
    ],
)
def test_what_json_cannot_say_is_an_error(value: object, why: str) -> None:
    with pytest.raises(WireError, match=why):
        dumps(value, wire="gemini")


def test_endless_depth_is_an_error_on_the_way_out() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(WireError, match="too deep"):
        dumps(value)
    while value:
        value = value.pop()  # type: ignore[assignment]


def test_what_is_no_json_value_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="bytes is no JSON value"):
        dumps({"a": b"raw"})


def test_merging_joins_bytes_and_drops_empty_ones() -> None:
    run = Base64Run(content_of(b"x"))
    assert merge([b"", b"a", b"b", run, b"", run, b"c"]) == (b"ab", run, run, b"c")
    assert merge([]) == ()
