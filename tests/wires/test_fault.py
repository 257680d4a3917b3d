"""How failures are read, whoever sent them, and how ours are said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Fault
from pisang.domain.request import JSON
from pisang.errors import (
    BudgetExceeded,
    Charged,
    KeyInvalid,
    OutcomeUnknown,
    Partial,
    PisangError,
    RateLimited,
    Retry,
    Running,
    StoreFull,
    Unexpected,
    leaves,
)
from pisang.wires.fault import (
    EXCERPT_BYTES,
    clip,
    delay_in,
    is_success,
    plain_text,
    printable,
    read_fault,
    retry_after_s,
    spoken_facts,
    spoken_headers,
    spoken_message,
    spoken_status,
)
from tests.wires.harness import answer_of


def fault(body: JSON, status: int = 500, **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_fault(answer_of(data, status=status, headers=named), wire="gemini")


def google(code: int, status: str, message: str = "said", *details: JSON) -> JSON:
    return {"error": {"code": code, "message": message, "status": status, "details": details}}


def info(reason: str, domain: str = "googleapis.com") -> JSON:
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return {"@type": kind, "reason": reason, "domain": domain}


def test_googles_error_object_is_read_alone_and_as_a_list() -> None:
    body = google(503, "UNAVAILABLE", "The model is overloaded.")
    for form in (body, [body]):
        said = fault(form, 503)
        assert (said.status, said.code) == (503, "UNAVAILABLE")
        assert said.message == "The model is overloaded."
        assert (said.own, said.wraps, said.final) == (True, False, False)
        assert "overloaded" in said.excerpt


@pytest.mark.parametrize(
    "body",
    [
        google(400, "INVALID_ARGUMENT", "bad", info("API_KEY_INVALID")),
        google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        {"error": {"message": "API key not valid.", "type": "upstream_error", "code": 400}},
    ],
)
def test_a_bad_key_is_told_from_other_bad_arguments(body: JSON) -> None:
    assert fault(body, 400).code == "API_KEY_INVALID"


def test_an_error_of_another_pisang_keeps_its_own_code() -> None:
    body = google(424, "FAILED_PRECONDITION", "x", info("outcome_unknown", "pisang"))
    assert fault(body, 424).code == "outcome_unknown"
    assert fault(google(403, "PERMISSION_DENIED", "x", info("SERVICE_DISABLED")), 403).code == (
        "PERMISSION_DENIED"
    )


def quota(quota_id: str, key: str = "quotaId") -> JSON:
    return {"violations": [{"quotaMetric": "m", key: quota_id}, "odd"]}


@pytest.mark.parametrize(
    ("body", "final"),
    [
        (google(429, "RESOURCE_EXHAUSTED", "x", quota("RequestsPerDayPerProject")), True),
        (google(429, "RESOURCE_EXHAUSTED", "x", quota("RequestsPerDay", "quota_id")), True),
        (google(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: m, limit: 0\nSee"), True),
        (google(429, "RESOURCE_EXHAUSTED", "x", quota("RequestsPerMinutePerProject")), False),
        (google(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 10"), False),
        (google(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0.5"), False),
        (google(429, "RESOURCE_EXHAUSTED", "high demand", {"violations": "odd"}, 5), False),
    ],
)
def test_a_limit_that_waiting_does_not_lift_is_final(body: JSON, final: bool) -> None:
    assert fault(body, 429).final is final


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"message": "m", "type": "new_api_error", "code": "c"}}, "c", "m"),
        ({"error": {"message": "m", "type": "t", "code": None}}, "t", "m"),
        ({"error": {"message": "m", "type": "", "code": ""}}, None, "m"),
        (
            {"error": {"message": "m", "type": "RESOURCE_EXHAUSTED", "code": 429}},
            "RESOURCE_EXHAUSTED",
            "m",
        ),
        ({"error": {"message": "m", "code": 429}}, "429", "m"),
        ({"error": {"message": "m", "code": True, "status": 5}}, None, "m"),
        ({"error": {}}, None, ""),
        ({"error": "text"}, None, "text"),
        ({"error": "invalid_token", "message": "m"}, "invalid_token", "m"),
        ({"message": "m", "code": "c"}, "c", "m"),
        ({"code": 1001, "msg": "m"}, "1001", "m"),
        ({"success": False, "message": "m"}, None, "m"),
    ],
)
def test_a_relays_json_is_its_own_word(body: JSON, code: str | None, message: str) -> None:
    said = fault(body, 503)
    assert (said.own, said.wraps, said.code, said.message) == (True, False, code, message)
    assert said.status == 503


def relayed(inner: JSON, before: str = "") -> JSON:
    text = before + json.dumps(inner)
    return {"error": {"message": text, "type": "upstream_error", "code": "bad_response"}}


@pytest.mark.parametrize("before", ["", "bad response status code 429, body: "])
def test_googles_error_inside_a_relays_is_read_with_its_own_status(before: str) -> None:
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
    inner = google(429, "RESOURCE_EXHAUSTED", "slow down", retry)
    for body in (relayed(inner, before), relayed([inner], before), relayed(relayed(inner), before)):
        said = fault(body, 500)
        assert (said.own, said.wraps) == (True, True)
        assert (said.status, said.code, said.message) == (429, "RESOURCE_EXHAUSTED", "slow down")
        assert said.retry_after_s == 34


def test_under_a_200_the_status_stays_200_whatever_is_wrapped() -> None:
    inner = google(503, "UNAVAILABLE")
    assert fault(relayed(inner), 200).status == 200
    assert fault(inner, 200).status == 200


def test_a_relays_error_inside_a_relays_is_read_and_not_taken_for_googles() -> None:
    said = fault(relayed({"error": {"message": "empty", "code": "insufficient_user_quota"}}), 500)
    assert (said.code, said.wraps, said.status) == ("insufficient_user_quota", False, 500)


@pytest.mark.parametrize("message", ["{", "}{", "{not json}", "{}", '{"a": "b"}', "{[}"])
def test_braces_that_hold_no_error_are_part_of_the_message(message: str) -> None:
    said = fault({"error": {"message": message}})
    assert (said.message, said.wraps) == (message, False)


def test_nesting_without_end_is_read_to_a_depth() -> None:
    body: JSON = {"error": {"message": "m"}}
    for _ in range(8):
        body = relayed(body)
    assert fault(body).own is True


@pytest.mark.parametrize(
    "body",
    [
        {"cloudflare_error": True, "status": 524, "title": "Error 524", "message": "timed out"},
        {"foo": 1},
        {},
        [],
        [1, 2],
        5,
        b"",
        b"error code: 524",
        b"{broken",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_nobodys_error_body_is_not_the_upstreams_own_word(body: JSON) -> None:
    said = fault(body, 524)
    assert (said.own, said.wraps, said.code, said.status) == (False, False, None, 524)


PAGE = b"""\n<!DOCTYPE html><html><head><title>example.com | 524: A timeout occurred</title>
<style>body{color:red}</style><script>steal()</script><!-- ray: <b>x</b> --></head>
<body><h1>A timeout&nbsp;occurred &amp; more</h1><script src=x>more()</body></html>"""


def test_a_cdns_page_becomes_short_text_without_markup_or_scripts() -> None:
    said = fault(PAGE, 524)
    assert said.excerpt == ("example.com | 524: A timeout occurred A timeout occurred & more")
    assert said.message == said.excerpt
    assert said.own is False


@pytest.mark.parametrize(
    "page",
    [b"<" * 70_000, b"<a" * 35_000, b"<!--" * 17_000, b"<script>" * 9_000, b"<p>" + b"x" * 70_000],
)
def test_a_hostile_page_is_cut_short(page: bytes) -> None:
    assert len(plain_text(page).encode()) <= EXCERPT_BYTES


def test_foreign_text_has_no_controls_and_is_cut_between_characters() -> None:
    assert printable("a\x1b[31mb\u202ec\r\n\td\x7f") == "a [31mb c \n\td "
    assert clip("é" * 10, 5) == "éé"
    assert plain_text("一".encode() * 2000) == "一" * (EXCERPT_BYTES // 3)


@pytest.mark.parametrize(
    ("headers", "message", "request_id"),
    [
        ({"x_request_id": "r1", "x_oneapi_request_id": "r2"}, "", "r2"),
        ({"x_goog_request_id": "g\x1b"}, "", "g "),
        ({"x_request_id": ""}, "no channel (request id: 20251122abcDEF)", "20251122abcDEF"),
        ({}, "request_id：abc-123456", "abc-123456"),
        ({}, "request id: x", None),
        ({}, "nothing", None),
    ],
)
def test_the_relays_request_id_is_found_in_headers_or_words(
    headers: dict[str, str], message: str, request_id: str | None
) -> None:
    assert fault({"error": {"message": message}}, **headers).request_id == request_id


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        (" 1.5 ", 1.5),
        ("0", 0),
        ("1000000000", 3600),
        ("9" * 4000, 3600),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
        ("٣", None),
        ("", None),
        ("Sat, 22 Nov 2026 10:01:40 GMT", 100),
        ("Sun, 22 Nov 2026 10:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 09:59:59 GMT", None),
        ("Sun, 22 Nov 2099 10:00:00 GMT", 3600),
        ("Sun, 99 Nov 2026 10:00:00 GMT", None),
        ("Sun, 22 Nyx 2026 10:00:00 GMT", None),
        ("Sunday, 22-Nov-26 10:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date_and_capped(
    value: str, seconds: float | None
) -> None:
    headers = {"retry-after": value, "date": "Sun, 22 Nov 2026 10:00:00 GMT"}
    assert retry_after_s(headers) == seconds
    assert fault({"error": "x"}, 429, retry_after=value, date=headers["date"]).retry_after_s == (
        seconds
    )


def test_a_date_without_the_answers_own_date_says_nothing() -> None:
    assert retry_after_s({"retry-after": "Sun, 22 Nov 2026 10:00:00 GMT"}) is None
    assert retry_after_s({}) is None


@pytest.mark.parametrize(
    ("detail", "seconds"),
    [
        ({"retryDelay": "34.074824224s"}, 34.074824224),
        ({"retry_delay": "2s"}, 2),
        ({"retryDelay": "-5s"}, 9),
        ({"retryDelay": {"seconds": 5}}, 9),
        ({"retryDelay": None}, 9),
        ({}, 9),
    ],
)
def test_googles_retry_info_goes_before_the_header(detail: JSON, seconds: float) -> None:
    body = google(429, "RESOURCE_EXHAUSTED", "x", detail)
    assert fault(body, 429, retry_after="9").retry_after_s == pytest.approx(seconds)


def test_delays_are_read_from_strings_alone() -> None:
    assert delay_in("7s") == 7
    assert delay_in(7) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.none() | st.integers(100, 599))
def test_any_bytes_give_a_fault(data: bytes, status: int | None) -> None:
    answer = answer_of(b"", status=status)
    said = read_fault(type(answer)(answer.ended, True, status, {}, data), wire="gemini")
    assert said.status == status
    assert len(said.excerpt.encode()) <= EXCERPT_BYTES
    assert is_success(answer) is (status is not None and 200 <= status <= 299)


# --- saying ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyInvalid(upstream="u"), 401),
        (RateLimited(upstream="u"), 429),
        (RateLimited(upstream="u", charged=Charged.UNKNOWN), 424),
        (OutcomeUnknown(upstream="u", why="w"), 424),
        (Running(request_id="r"), 424),
        (Unexpected(what="w"), 424),
        (Partial(done=1, n=2), 424),
        (StoreFull(path="p", free="1", needed="2"), 507),
        (BudgetExceeded(budget="b", cap="c", spent="s", price="p"), 402),
    ],
)
def test_the_spoken_status_never_makes_a_client_buy_again(error: PisangError, status: int) -> None:
    assert spoken_status(error) == status


@pytest.mark.parametrize("leaf", leaves())
def test_every_leaf_is_spoken_as_a_failure_safely(leaf: type[PisangError]) -> None:
    error = leaf()
    status = spoken_status(error)
    assert 400 <= status <= 599
    if error.charged is not Charged.NO:
        assert status not in (408, 409, 429)
        assert status < 500
    hopeless = status >= 500 and error.retry in (Retry.NEVER, Retry.ELSEWHERE)
    stop = hopeless or error.charged is not Charged.NO
    assert spoken_headers(error).get("x-should-retry") == ("false" if stop else None)


def test_what_is_known_of_an_error_is_said_with_it() -> None:
    error = RateLimited(
        upstream="u", at_stake="1.00 USD", hint="Wait.", retry_after_s=0.2, request_id="r"
    )
    assert spoken_message(error) == f"{error.message()} At stake: 1.00 USD. Wait."
    assert spoken_message(KeyInvalid(upstream="u")) == "u: the key is invalid or expired."
    assert spoken_headers(error) == {"retry-after": "1"}
    assert spoken_facts(error) == {
        "code": "rate_limited",
        "charged": "no",
        "retry": "later",
        "at_stake": "1.00 USD",
        "request_id": "r",
        "hint": "Wait.",
    }


def test_a_body_that_is_no_text_is_named_in_the_excerpt_and_never_a_sentence() -> None:
    parts = b"--b1\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n" + bytes(range(128, 256)) * 99
    headers = {"content-type": "multipart/mixed; boundary=b1"}
    given = answer_of(parts, headers=headers)
    said = read_fault(given, wire="gemini")
    start = f"{len(parts):,} bytes of multipart/mixed, not all of them text: --b1"
    assert said.excerpt.startswith(start)
    assert len(said.excerpt.encode()) <= EXCERPT_BYTES
    assert said.message == ""
