"""Values to JSON and back: equal, free of pictures, and clear about what can't be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Answer, Ended, Usage
from pisang.domain.content import SPAN_THRESHOLD, Base64Run, Content, Span, Style, content_of
from pisang.domain.request import JSON, Image, Request, Text
from pisang.domain.serial import (
    answer_from_json,
    answer_to_json,
    error_from_json,
    error_to_json,
    request_from_json,
    request_to_json,
    span_from_json,
    span_to_json,
    usage_from_json,
    usage_to_json,
    warning_from_json,
    warning_to_json,
)
from pisang.domain.warning import Warn
from pisang.errors import (
    Charged,
    NotFound,
    OutcomeUnknown,
    PisangError,
    RateLimited,
    Retry,
    StoreCorrupt,
    Unexpected,
    leaves,
)
from tests.domain.strategies import answers, json_values, requests, spans, usages, warnings

laws = settings(max_examples=150, deadline=None)


def load(sha256: str, size: int) -> Content:
    """Contents are equal by hash and size, so a loader without bytes will do."""
    return Content(sha256, size, b"", b"")


def gone(sha256: str, size: int) -> Content:
    raise NotFound(what="image", id=sha256)


def through_json(value: JSON) -> JSON:
    """What a database gives back."""
    return json.loads(json.dumps(value, ensure_ascii=True, allow_nan=False))


@laws
@given(requests)
def test_a_request_comes_back_equal(request: Request) -> None:
    assert request_from_json(through_json(request_to_json(request)), load) == request
    assert request_from_json(through_json(request_to_json(request, inline=False)), load) == request


@laws
@given(answers)
def test_an_answer_comes_back_equal(answer: Answer) -> None:
    meta = through_json(answer_to_json(answer))
    assert answer_from_json(meta, answer.skeleton, load) == answer


@laws
@given(spans)
def test_a_span_comes_back_equal(span: Span) -> None:
    assert span_from_json(through_json(span_to_json(span)), load) == span


@laws
@given(usages, warnings)
def test_usage_and_warnings_come_back_equal(usage: Usage, warning: Warn) -> None:
    assert usage_from_json(through_json(usage_to_json(usage))) == usage
    assert warning_from_json(through_json(warning_to_json(warning))) == warning


def test_usage_that_was_not_counted_stays_uncounted() -> None:
    assert usage_to_json(Usage(prompt_tokens=0)) == {"prompt_tokens": 0}


@laws
@given(
    st.sampled_from(leaves()),
    st.sampled_from(Charged),
    st.sampled_from(Retry),
    st.dictionaries(
        st.sampled_from(["upstream", "why", "what", "count"]), st.text() | st.integers()
    ),
    st.none() | st.text(min_size=1),
)
def test_an_error_comes_back_saying_the_same(
    leaf: type[PisangError],
    charged: Charged,
    retry: Retry,
    fields: dict[str, JSON],
    words: str | None,
) -> None:
    error = leaf(charged=charged, retry=retry, upstream_message=words, hint=words, **fields)
    back = error_from_json(through_json(error_to_json(error)))
    assert type(back) is leaf
    assert (back.charged, back.retry, back.hint) == (charged, retry, words)
    for language in ("en", "zh"):
        assert back.message(language) == error.message(language)


def test_an_errors_fields_that_are_no_json_become_words() -> None:
    written = error_to_json(RateLimited(upstream=Charged.NO, retry_after_s=2.5, at=[1]))
    assert written["fields"] == {"upstream": "no", "at": "[1]"}
    assert error_from_json(written).retry_after_s == 2.5


def test_an_error_that_no_version_knows_is_unexpected_and_keeps_its_charge() -> None:
    written = {**error_to_json(OutcomeUnknown(upstream="u", why="cut")), "code": "from_the_future"}
    back = error_from_json(written)
    assert isinstance(back, Unexpected)
    assert back.charged is Charged.UNKNOWN
    assert "from_the_future" in str(back)


def test_a_short_content_is_written_out_and_a_long_one_is_not() -> None:
    short = content_of(b"\x89PNG short")
    long = content_of(b"x" * (SPAN_THRESHOLD + 1))
    parts = (Image(short, "image/png"), Image(long, "image/png"))
    written = request_to_json(Request(parts, "m"))
    assert "inline" in written["parts"][0]["content"]
    assert written["parts"][1]["content"] == {"sha256": long.sha256, "size": long.size}
    back = request_from_json(written, load)
    assert back.references[0].content.inline == short.inline
    assert len(json.dumps(request_to_json(Request(parts, "m"), inline=False))) < 1000


def test_how_base64_stood_on_the_wire_is_kept() -> None:
    run = Base64Run(content_of(b"x"), Style("url", "escaped", "\\u003d"), slashes=7)
    (back,) = span_from_json(through_json(span_to_json(Span((run,)))), load).runs
    assert isinstance(back, Base64Run)
    assert (back.style, back.slashes) == (run.style, 7)


def test_a_content_that_is_gone_is_the_loaders_own_error() -> None:
    content = Content("ab" * 32, 10**7, b"", b"")
    written = request_to_json(Request((Text("x"), Image(content, "image/png")), "m"))
    with pytest.raises(NotFound):
        request_from_json(written, gone)


ODD: list[JSON] = [
    None, 5, "x", [], {}, {"model": "m"}, {"model": "m", "n": 0}, {"model": "m", "n": "x"},
    {"model": "m", "n": 1, "parts": [{"type": "video"}]}, {"model": "m", "n": 1, "parts": [5]},
    {"model": "m", "n": 1, "parts": [{"type": "image", "mime": "x", "content": {"sha256": "a"}}]},
    {"model": "m", "n": 1, "parts": [
        {"type": "image", "mime": "x", "content": {"inline": "!"}}]},
]  # fmt: skip


@pytest.mark.parametrize("data", ODD)
def test_what_is_no_request_is_a_damaged_store(data: JSON) -> None:
    with pytest.raises(StoreCorrupt, match="a stored request is damaged"):
        request_from_json(data, load)


@laws
@given(json_values)
def test_any_json_is_read_or_is_a_damaged_store(data: JSON) -> None:
    readers = (
        lambda: request_from_json(data, load),
        lambda: span_from_json(data, load),
        lambda: answer_from_json(data, b"", load),
        lambda: usage_from_json(data),
        lambda: warning_from_json(data),
        lambda: error_from_json(data),
    )
    for read in readers:
        try:
            read()
        except StoreCorrupt as error:
            assert "is damaged" in str(error)


def test_an_answer_in_a_state_that_nobody_knows_is_a_damaged_store() -> None:
    meta = answer_to_json(Answer(Ended.WHOLE, True))
    with pytest.raises(StoreCorrupt, match="a stored answer"):
        answer_from_json({**meta, "ended": "exploded"}, b"", load)
