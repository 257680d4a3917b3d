"""What makes two calls the same one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.content import Base64Run, Content, RawRun, Span, Style, TextRun, content_of
from pisang.domain.fingerprint import fingerprint, request_fingerprint, span_hash
from pisang.domain.request import JSON, Image, Request, Text
from tests.domain.strategies import json_values, requests

ROUTE = "gemini:generateContent"


@given(json_values)
def test_spacing_and_key_order_do_not_count(value: JSON) -> None:
    spaced = json.dumps(value, indent=3, sort_keys=False).encode()
    tight = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert fingerprint(ROUTE, False, spaced) == fingerprint(ROUTE, False, tight.encode("utf-8"))
    assert fingerprint(ROUTE, False, spaced) == fingerprint(ROUTE, False, value)


@settings(deadline=None)
@given(json_values, json_values)
def test_every_value_counts(one: JSON, other: JSON) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (fingerprint(ROUTE, False, one) == fingerprint(ROUTE, False, other)) is same


def test_route_stream_and_spans_count() -> None:
    body = b'{"data":NaN}'
    prints = {
        fingerprint(ROUTE, False, body, ["a"]),
        fingerprint(ROUTE, True, body, ["a"]),
        fingerprint("crawl", False, body, ["a"]),
        fingerprint(ROUTE, False, body, ["b"]),
        fingerprint(ROUTE, False, body, []),
        fingerprint(ROUTE, False, b'{"data":"NaN"}', ["a"]),
        fingerprint(ROUTE, False, b'{"data":Infinity}', ["a"]),
    }
    assert len(prints) == 7
    assert all(len(one) == 64 for one in prints)


def test_two_calls_that_swap_their_pictures_are_two() -> None:
    one = fingerprint(ROUTE, False, b'{"cat":NaN,"dog":NaN}', ["a", "b"])
    other = fingerprint(ROUTE, False, b'{"dog":NaN,"cat":NaN}', ["a", "b"])
    assert one != other


def test_fields_can_not_run_into_one_another() -> None:
    assert fingerprint("ab", False, b"c") != fingerprint("a", False, b"bc")
    assert fingerprint(ROUTE, False, b"x", ["ab", "c"]) != fingerprint(ROUTE, False, b"x", ["abc"])


@pytest.mark.parametrize("body", [b"", b"--boundary", b"\xff\xfe", b"[" * 100_000, b"{", b"1 2"])
def test_a_body_that_is_no_json_counts_as_its_bytes(body: bytes) -> None:
    assert fingerprint(ROUTE, False, body) == fingerprint(ROUTE, False, bytes(body))
    assert fingerprint(ROUTE, False, body) != fingerprint(ROUTE, False, body + b" ")


@settings(max_examples=100, deadline=None)
@given(requests)
def test_a_request_has_one_fingerprint_for_each_upstream(request: Request) -> None:
    assert request_fingerprint(request, "a") == request_fingerprint(replace(request), "a")
    assert request_fingerprint(request, "a") != request_fingerprint(request, "b")
    assert request_fingerprint(request, "a") != request_fingerprint(
        replace(request, n=request.n + 1), "a"
    )


def test_where_a_picture_is_kept_does_not_count() -> None:
    here = content_of(b"picture")
    elsewhere = Content(here.sha256, here.size, b"", b"")
    prints = {
        request_fingerprint(Request((Text("x"), Image(content, "image/png")), "m"), "u")
        for content in (here, elsewhere)
    }
    assert len(prints) == 1


@given(st.binary(max_size=20), st.sampled_from(["std", "url"]))
def test_a_spans_hash_is_of_what_it_says(data: bytes, alphabet: str) -> None:
    content = content_of(data)
    plain = Span((TextRun(b"data:"), Base64Run(content)))
    styled = Span((TextRun(b"data:"), Base64Run(content, Style(alphabet=alphabet))))
    raw = Span((TextRun(b"data:"), RawRun(content)))
    assert span_hash(plain) == span_hash(styled)
    assert len({span_hash(plain), span_hash(raw), span_hash(Span(plain.runs[1:]))}) == 3
