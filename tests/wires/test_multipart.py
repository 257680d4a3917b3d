"""Forms: what is written is read again, for any chunking; what is malformed is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.content import Body, Content, FileBytes, Meter, content_of
from pisang.errors import WireError
from pisang.wires.base import FormField, Writer
from pisang.wires.multipart import FormReader, content_type, encode
from pisang.wires.scan import MemorySink

BOUNDARY = "----pisang1234"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
FILE = b"\x89PNG\r\n--almost\r\n----pisang123\r\n" + bytes(range(256))


def read(
    chunks: Iterable[bytes], kind: str = TYPE, max_bytes: int = 1 << 20, **caps: int
) -> tuple[FormField, ...]:
    reader = FormReader(kind, MemorySink(), max_bytes=max_bytes, **caps)
    for chunk in chunks:
        reader.feed(chunk)
    return reader.close()


def outcome(chunks: Iterable[bytes]) -> tuple[FormField, ...] | None:
    """The fields, or None where they are refused."""
    try:
        return read(chunks)
    except WireError:
        return None


def bytes_of(body: Body) -> bytes:
    parts = []
    for piece in body:
        if isinstance(piece, FileBytes):
            assert piece.content.inline is not None
            parts.append(piece.content.inline)
        else:
            assert isinstance(piece, bytes)
            parts.append(piece)
    return b"".join(parts)


def part(headers: bytes, data: bytes = b"v") -> bytes:
    return b"--" + BOUNDARY.encode() + b"\r\n" + headers + b"\r\n\r\n" + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"


MANY = b"".join(b"\r\nX%d: " % n + b"y" * 2000 for n in range(9))
NAME = b'Content-Disposition: form-data; name="n"'
FIELDS = (
    FormField("prompt", value="一只猫\r\n和 a dog"),
    FormField("image[]", file=content_of(FILE), filename="猫 1.png", mime="image/png"),
    FormField("empty", value=""),
    FormField('q"x', value="{}", mime="application/json"),
    FormField("mask", file=content_of(b""), filename='a"b', mime="application/octet-stream"),
)


# --- there and back ------------------------------------------------------------------------------


def test_a_form_comes_back_as_it_was_written() -> None:
    body = bytes_of(encode(FIELDS, BOUNDARY))
    for size in (1, 2, 7, 64, len(body)):
        assert read(body[at : at + size] for at in range(0, len(body), size)) == FIELDS
    assert read([body], kind=content_type(BOUNDARY)) == FIELDS


def test_a_form_is_written_as_browsers_do() -> None:
    fields = (FormField('a"b', value="é"), FormField("f", file=content_of(b"x"), filename="ü.png"))
    assert encode(fields, "B") == (
        b'--B\r\nContent-Disposition: form-data; name="a%22b"\r\n\r\n\xc3\xa9\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="\xc3\xbc.png"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n",
        FileBytes(content_of(b"x")),
        b"\r\n--B--\r\n",
    )
    assert encode((), "B") == (b"--B--\r\n",)
    assert read([b"--B--\r\n"], kind=content_type("B")) == ()
    assert b'filename="file"' in bytes_of(encode([FormField("f", file=content_of(b""))], "B"))
    assert bytes_of(encode([FormField("f")], "B")).endswith(b'name="f"\r\n\r\n\r\n--B--\r\n')


names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\%"), max_size=12
)
fields = st.builds(
    FormField, names, value=st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
) | st.builds(
    FormField,
    names,
    file=st.binary(max_size=80).map(content_of),
    filename=names.filter(bool),
    mime=st.sampled_from(["image/png", "text/plain; charset=utf-8"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(fields, max_size=5).map(tuple), st.lists(st.integers(0, 900), max_size=10))
def test_any_form_survives_any_chunking(form: tuple[FormField, ...], cuts: list[int]) -> None:
    body = bytes_of(encode(form, BOUNDARY))
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    assert read(body[a:b] for a, b in pairwise(edges)) == form


@settings(max_examples=250, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *(b"--" + BOUNDARY.encode(), b"\r\n", b"\r", b"\n", b"--", b":", b" ", b"x", b"-"),
                *(NAME, b'; filename="f"', b"Content-Type: image/png", b"A: b\r\n", b"\r\n\r\n"),
            ]
        )
        | st.binary(max_size=2),
        max_size=20,
    ),
    st.lists(st.integers(0, 300), max_size=8),
)
def test_any_bytes_are_read_or_refused_the_same_in_any_chunking(
    noise: list[bytes], cuts: list[int]
) -> None:
    body = form(part(NAME, b"".join(noise)))
    if len(noise) % 2:
        body = b"".join(noise) + body
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    whole = outcome([body])
    assert outcome(body[a:b] for a, b in pairwise(edges)) == whole
    assert outcome(body[at : at + 1] for at in range(len(body))) == whole


# --- what other clients send ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (part(NAME), FormField("n", value="v")),
        (
            part(b'content-disposition: FORM-DATA;name=n;filename="C:\\\\dir\\\\a.png"', b"v"),
            FormField("n", file=content_of(b"v"), filename="a.png"),
        ),
        (
            part(NAME + b"\r\nContent-Type: text/plain"),
            FormField("n", value="v", mime="text/plain"),
        ),
        (
            part(NAME + b"\r\nContent-Type: image/webp\r\nContent-Transfer-Encoding: binary"),
            FormField("n", file=content_of(b"v"), mime="image/webp"),
        ),
        (part(b"X: y\r\n" + NAME + b"; filename*=UTF-8''x"), FormField("n", value="v")),
        (part(b'Content-Disposition: form-data; name="a\\"b"'), FormField('a"b', value="v")),
        (part(NAME, b"--" + BOUNDARY.encode()), FormField("n", value="--" + BOUNDARY)),
    ],
)
def test_what_other_clients_write_is_read(sent: bytes, field: FormField) -> None:
    assert read([form(sent)]) == (field,)


def test_the_content_type_may_quote_its_boundary() -> None:
    for kind in (
        f'multipart/form-data; boundary="{BOUNDARY}"',
        f"Multipart/Form-Data; charset=utf-8; boundary={BOUNDARY}",
    ):
        assert read([form(part(NAME))], kind=kind) == (FormField("n", value="v"),)


def test_what_comes_after_the_last_boundary_is_passed_over() -> None:
    assert read([form(part(NAME)) + b"epilogue", b"\r\n--" + BOUNDARY.encode()]) != ()


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "ends before its last boundary"),
        (b"--" + BOUNDARY.encode()[:5], "ends before its last boundary"),
        (form(part(NAME))[:-4], "ends before its last boundary"),
        (b"preamble\r\n" + form(part(NAME)), "begin with its boundary"),
        (b"\r\n" + form(part(NAME)), "begin with its boundary"),
        (b"--other\r\n", "begin with its boundary"),
        (form(part(b"X: y")), "no Content-Disposition"),
        (form(part(b"Content-Disposition: attachment; name=n")), "no Content-Disposition"),
        (form(part(b"Content-Disposition: form-data")), "no Content-Disposition"),
        (form(part(NAME + b"\r\n" + NAME)), "same header twice"),
        (form(part(NAME + b"\r\nContent-Transfer-Encoding: base64")), "transfer encoding"),
        (form(part(b'Content-Disposition: form-data; name="\xff"')), "not UTF-8"),
        (form(part(NAME, b"\xff")), "not UTF-8"),
        (form(part(NAME + b"\r\nContent-Type: \xff")), "not UTF-8"),
        (form(part(b"Bad Header: x")), "invalid character"),
        (form(part(NAME + b"\rX: y")), "LF"),
        (b"--" + BOUNDARY.encode() + b"x", "CR at end of boundary"),
        (form(part(b": x")), "0-length header"),
    ],
)
def test_a_malformed_form_is_refused(body: bytes, why: str) -> None:
    for size in (1, max(1, len(body))):
        with pytest.raises(WireError, match=why) as caught:
            read(body[at : at + size] for at in range(0, len(body), size))
        assert "valid multipart" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "caps", "why"),
    [
        (form(part(NAME)) * 2, {"max_bytes": 60}, "longer than 60 bytes"),
        (form(*[part(NAME)] * 3), {"max_parts": 2}, "more than 2 parts"),
        (form(part(NAME, b"x" * 11)), {"max_value": 10}, "longer than 10 bytes"),
        (form(part(NAME + b"\r\nX: " + b"y" * 17_000)), {}, "header"),
        (
            form(part(NAME + b"".join(b"\r\nX%d: %b" % (n, b"y" * 2000) for n in range(9)))),
            {},
            "head",
        ),
        (form(part(NAME + b"".join(b"\r\nX%d: y" % n for n in range(20)))), {}, "header count"),
    ],
)
def test_what_is_larger_than_a_cap_is_refused(body: bytes, caps: dict[str, int], why: str) -> None:
    for size in (50, len(body)):
        with pytest.raises(WireError, match=why):
            read((body[at : at + size] for at in range(0, len(body), size)), **caps)


@pytest.mark.parametrize(
    "kind",
    [
        *("", "application/json", "multipart/form-data", "multipart/mixed; boundary=x"),
        *("multipart/form-data; boundary=", "multipart/form-data; boundary=a\u4e00"),
        *("multipart/form-data; boundary=" + "x" * 71, 'multipart/form-data; boundary="a\r\nb"'),
    ],
)
def test_a_content_type_without_a_proper_boundary_is_refused(kind: str) -> None:
    with pytest.raises(WireError):
        FormReader(kind, MemorySink(), max_bytes=100)


class _Watched:
    """A sink that knows what was left open."""

    def __init__(self) -> None:
        self.still_open = 0

    def open(self) -> Writer:
        self.still_open += 1
        self._meter = Meter()
        return self

    def write(self, data: bytes | memoryview) -> None:
        self._meter.update(data)

    def close(self) -> Content:
        self.still_open -= 1
        return self._meter.content()


def test_nothing_of_a_refused_form_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(WireError):
        read([form(part(b"Bad Header: x"))])
    assert caplog.records == []


@pytest.mark.parametrize("broken", [b"x" * 300, b"\r\n--" + BOUNDARY.encode() + b"\r\n:\r\n"])
def test_a_refused_form_leaves_no_file_open(broken: bytes) -> None:
    sink = _Watched()
    reader = FormReader(TYPE, sink, max_bytes=300)
    reader.feed(part(NAME + b'; filename="f"')[:-2])
    assert sink.still_open == 1
    with pytest.raises(WireError):
        reader.feed(broken)
    assert sink.still_open == 0
    with pytest.raises(WireError):
        reader.close()


def test_a_form_cut_in_a_file_leaves_no_file_open() -> None:
    sink = _Watched()
    reader = FormReader(TYPE, sink, max_bytes=300)
    reader.feed(bytearray(part(NAME + b'; filename="f"')))
    with pytest.raises(WireError, match="ends before"):
        reader.close()
    assert sink.still_open == 0


def test_bytes_beyond_the_cap_after_the_end_refuse_the_form() -> None:
    reader = FormReader(TYPE, MemorySink(), max_bytes=200)
    reader.feed(form(part(NAME)))
    with pytest.raises(WireError):
        reader.feed(b"x" * 200)
    with pytest.raises(WireError):
        reader.close()


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (FormField("a\r\nb", value=""), "control character"),
        (FormField("a\0", value=""), "control character"),
        (FormField("a\\", value=""), "backslash"),
        (FormField("f", file=content_of(b""), filename="a\nb"), "control character"),
        (FormField("f", file=content_of(b""), mime="a\r\nX: y"), "control character"),
        (FormField("\ud800", value=""), "lone surrogate"),
        (FormField("a", value="\ud800"), "lone surrogate"),
        (FormField("a", value=f"x--{BOUNDARY}"), "holds the boundary"),
    ],
)
def test_what_a_form_cannot_say_is_not_written(field: FormField, why: str) -> None:
    with pytest.raises(WireError, match=re.escape(why)):
        encode([field], BOUNDARY)


@pytest.mark.parametrize("boundary", ["", "a\r\nb", "x" * 71, "a ", "é", 'a"b'])
def test_a_boundary_that_is_none_is_not_written(boundary: str) -> None:
    with pytest.raises(WireError, match="boundary"):
        encode((), boundary)
    with pytest.raises(WireError, match="boundary"):
        content_type(boundary)
