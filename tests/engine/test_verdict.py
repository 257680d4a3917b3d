"""What an answer amounts to: one row a kind of answer."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pisang.domain.answer import Answer, Ended
from pisang.domain.attempt import Charged, State
from pisang.domain.catalogue import load
from pisang.domain.content import RawRun, Span, content_of
from pisang.engine.verdict import judge, settlement_of, state_of
from pisang.errors import (
    KeyInvalid,
    NoImage,
    OutcomeUnknown,
    PisangError,
    RateLimited,
    Refused,
    Unreachable,
)
from pisang.wires.table import wire
from tests.crash.book import png
from tests.engine.script import PRICE, answer, error_body, gemini, picture, upstream


def verdict(given: Answer, kind: str = "google") -> Any:
    return judge(wire("gemini"), upstream(kind), "m", given)


CUT = {"ended": Ended.CUT}

CASES: list[tuple[str, Answer, type[PisangError] | None, State]] = [
    ("image", answer(gemini(picture())), None, State.DONE),
    ("text, image", answer(gemini({"text": "Here"}, picture())), None, State.DONE),
    ("text only", answer(gemini({"text": "no"})), NoImage, State.REFUSED),
    ("no candidates", answer({"usageMetadata": {}}), NoImage, State.REFUSED),
    ("safety", answer(gemini(finish="IMAGE_SAFETY")), Refused, State.REFUSED),
    ("blocked", answer({"promptFeedback": {"blockReason": "SAFETY"}}), Refused, State.REFUSED),
    ("thought image only", answer(gemini(picture(thought=True))), NoImage, State.REFUSED),
    ("busy", answer(error_body(429, "RESOURCE_EXHAUSTED"), 429), RateLimited, State.FAILED),
    ("key", answer(error_body(401, "UNAUTHENTICATED"), 401), KeyInvalid, State.FAILED),
    ("html 502", answer(b"<html>", 502), OutcomeUnknown, State.UNKNOWN),
    ("garbage 200", answer(b'{"candidates": tru}'), OutcomeUnknown, State.UNKNOWN),
    ("empty 200", answer(b""), OutcomeUnknown, State.UNKNOWN),
    (
        "never left",
        answer(b"", None, ended=Ended.NOT_CONNECTED, sent=False),
        Unreachable,
        State.FAILED,
    ),
    ("no status", answer(b"", None), OutcomeUnknown, State.UNKNOWN),
    ("too large", answer(b"", 200, ended=Ended.TOO_LARGE), OutcomeUnknown, State.UNKNOWN),
    ("cut, nothing", answer(b'{"candidates"', **CUT), OutcomeUnknown, State.UNKNOWN),
]


@pytest.mark.parametrize(
    ("given", "error", "state"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_every_answer_has_one_verdict(
    given: Answer, error: type[PisangError] | None, state: State
) -> None:
    found = verdict(given)
    assert type(found.error) is (error or type(None))
    assert state_of(found.error) is state


def body_of(*parts: dict[str, Any]) -> bytes:
    import json

    return json.dumps(gemini(*parts)).encode()


def test_a_whole_image_in_a_body_that_broke_afterwards_is_done() -> None:
    whole = body_of(picture(), {"text": "and the end of it"})
    found = verdict(answer(whole[:-30], **CUT))
    assert found.error is None
    assert [warn.code for warn in found.warnings] == ["answer_cut"]


def test_another_pisang_that_found_a_twin_says_so() -> None:
    headers = {"content-type": "application/json", "x-pisang-attached": "req_1"}
    joined = answer(gemini(picture()), headers=headers)
    assert [warn.code for warn in verdict(joined, "pisang").warnings] == ["attached"]
    assert verdict(joined, "relay").warnings == ()


def test_an_image_cut_short_is_unknown_however_much_of_it_came() -> None:
    whole = body_of(picture())
    cut = whole.index(b'", "mimeType') if b'", "mimeType' in whole else len(whole) // 2
    found = verdict(answer(whole[: cut - 200], **CUT))
    assert isinstance(found.error, OutcomeUnknown)
    assert not found.made


def test_a_broken_picture_beside_a_whole_one_is_left_out_with_a_warning() -> None:
    broken = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    found = verdict(answer(gemini(picture(), broken)))
    assert len(found.made) == 1
    assert [warn.code for warn in found.warnings] == ["image_broken"]


def test_a_broken_picture_alone_in_a_whole_answer_is_unknown() -> None:
    broken = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert isinstance(verdict(answer(gemini(broken))).error, OutcomeUnknown)


def test_a_whole_image_among_what_cannot_be_read_is_kept_and_a_broken_one_is_not() -> None:
    for image, error in ((png(1, 40_000), None), (png(1, 40_000)[:-8], OutcomeUnknown)):
        data = base64.b64encode(image).decode()
        found = verdict(answer(b'{"a":"%b", oops' % data.encode()))
        assert type(found.error) is (error or type(None))
        assert [one.content.sha256 for one in found.made] == (
            [] if error else [content_of(image).sha256]
        )
        assert [warn.code for warn in found.warnings] == ([] if error else ["answer_malformed"])


def test_an_image_in_what_no_success_says_is_no_result() -> None:
    data = base64.b64encode(png(1, 40_000))
    found = verdict(answer(b'{"a":"%b", oops' % data, 502))
    assert isinstance(found.error, OutcomeUnknown)
    assert not found.made


def test_a_fault_that_may_have_held_an_image_and_held_none_is_a_fault() -> None:
    found = verdict(answer({"error": 5, **gemini({"text": "no"})}))
    assert isinstance(found.error, OutcomeUnknown)
    assert found.fault is not None
    assert found.reply is None


def bare(image: bytes, status: int = 200, **changes: Any) -> Answer:
    """The answer that is a picture itself, as the intake makes it."""
    content = content_of(image)
    spans = (Span((RawRun(content, content),)),)
    return answer(b"", status, spans=spans, body_bytes=len(image), **changes)


@pytest.mark.parametrize("ended", [Ended.WHOLE, Ended.CUT])
@pytest.mark.parametrize("name", ["gemini", "crawl", "openai_images", "openai_chat"])
def test_a_whole_picture_in_place_of_an_answer_is_done_on_every_wire(
    name: str, ended: Ended
) -> None:
    found = judge(wire(name), upstream("relay", name), "m", bare(png(1), ended=ended))
    assert found.error is None
    assert [one.content for one in found.made] == [content_of(png(1))]
    assert [warn.code for warn in found.warnings] == ["bare_picture"]


def test_a_picture_in_place_of_an_answer_that_is_cut_short_is_unknown_and_says_so() -> None:
    found = verdict(bare(png(1)[:-9]))
    assert isinstance(found.error, OutcomeUnknown)
    assert "cut short" in found.error.message()


def test_a_picture_under_an_error_status_is_no_result() -> None:
    found = verdict(bare(png(1), 500), "relay")
    assert isinstance(found.error, OutcomeUnknown)
    assert not found.made


def settle(given: Answer, **changes: Any) -> Any:
    settings: dict[str, Any] = {"price": PRICE, "basis": "user", "model": None}
    return settlement_of(
        verdict(given),
        attempt_id="att_1",
        at_ms=5,
        answer=given,
        upstream=upstream(),
        **{**settings, **changes},
    )


def test_the_row_keeps_the_upstreams_words_and_its_request_id() -> None:
    given = answer(
        error_body(401, "UNAUTHENTICATED", "API key expired"),
        401,
        headers={"content-type": "application/json", "x-request-id": "abc"},
    )
    row = settle(given)
    assert (row.error_code, row.status, row.charged) == ("key_invalid", 401, Charged.NO)
    assert row.message == "API key expired"
    assert row.upstream_request_id == "abc"
    assert row.error_fields["upstream_message"] == "API key expired"


def test_the_row_keeps_what_was_said_beside_the_picture_but_no_thoughts() -> None:
    parts = [{"text": "hm", "thought": True}, {"text": "Here "}, {"text": "it is"}, picture()]
    given = answer(gemini(*parts), headers={"x-oneapi-request-id": "r1"})
    row = settle(given)
    assert row.text == "Here it is"
    assert row.finish_reason == "STOP"
    assert row.upstream_request_id == "r1"


def test_a_refusal_says_why_and_what_it_is_taken_to_have_cost() -> None:
    row = settle(answer({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert row.finish_reason == "SAFETY"
    assert row.state is State.REFUSED


USAGE = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 1120,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
    "totalTokenCount": 1130,
}


def test_the_charge_follows_the_count_of_tokens_where_the_catalogues_prices_hold() -> None:
    given = answer(gemini(picture(), usageMetadata=USAGE))
    model = load().find("gemini-3-pro-image")
    row = settle(given, basis="catalogue", model=model)
    assert row.basis == "usage"
    assert 134_000 <= row.cost.micros < 135_000
    assert settle(given, basis="user", model=model).basis == "user"
    assert settle(given, price=None, basis="none").cost is None
    assert settle(given, price=None, basis="none").basis == "none"
