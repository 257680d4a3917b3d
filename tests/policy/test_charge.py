"""The charge table: what an answer without an image means, and whether money moved.

Only what is documented as free may be free; the tests below list every such case by hand.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Answer, Ended, Fault, Reply, Usage
from pisang.domain.content import content_of
from pisang.domain.request import Image, Text
from pisang.domain.secret import Secret
from pisang.domain.upstream import Upstream
from pisang.errors import Charged, PisangError, leaves
from pisang.policy.charge import MESSAGE_CHARS, TABLE, clean, judge_end, judge_fault, judge_reply

KINDS = ("google", "vertex", "relay", "crawl", "openai", "pisang", "sandbox")
MODEL = "gemini-3-pro-image"


def upstream(kind: str) -> Upstream:
    return Upstream("here", "gemini", "https://example.com", kind=kind)


def judged(kind: str, fault: Fault, http_status: int | None = None) -> PisangError:
    answer = Answer(Ended.WHOLE, True, status=http_status or fault.status)
    return judge_fault(fault, answer, upstream(kind), MODEL)


def own(status: int, code: str | None = None, message: str = "", **more: object) -> Fault:
    return Fault(status, code, message, own=True, **more)  # type: ignore[arg-type]


def page(status: int, text: str = "gateway") -> Fault:
    return Fault(status, None, text, excerpt=text)


GOOGLE = ("google", "vertex", "relay", "sandbox")
NO_CHANNEL = (
    '{"error":{"message":"当前分组 default 下对于模型 x 无可用渠道","type":"new_api_error"}}'
)

FREE = [
    # Google's own table, at Google and through a relay that passes it on
    (GOOGLE, own(400, "INVALID_ARGUMENT", "Invalid size"), "request_rejected"),
    (GOOGLE, own(400, "API_KEY_INVALID", "API key not valid."), "key_invalid"),
    (GOOGLE, own(400, "INVALID_ARGUMENT", "API key expired."), "key_invalid"),
    (("google", "relay", "sandbox"), own(400, "FAILED_PRECONDITION", "User location is not "
     "supported for the API use."), "location_blocked"),
    (("vertex",), own(400, "FAILED_PRECONDITION", "x"), "request_rejected"),
    (KINDS, own(401, "UNAUTHENTICATED"), "key_invalid"),
    (KINDS, own(403, "PERMISSION_DENIED"), "permission_denied"),
    (KINDS, own(404, "NOT_FOUND", "models/x is not found"), "model_not_found"),
    (KINDS, own(404, "NOT_FOUND", "File files/abc not found"), "request_rejected"),
    (KINDS, own(410), "model_not_found"),
    (KINDS, own(413), "request_too_large"),
    (KINDS, own(429, "RESOURCE_EXHAUSTED", "high demand"), "rate_limited"),
    (KINDS, own(429, "RESOURCE_EXHAUSTED", "limit: 0", final=True), "quota_exhausted"),
    (KINDS, own(503, "UNAVAILABLE", "The model is overloaded."), "overloaded"),
    (KINDS, own(503, None, "This model is currently experiencing high demand."), "overloaded"),
    (("google",), own(500, "INTERNAL", "An internal error has occurred"), "upstream_fault"),
    # relays, in their own JSON
    (("relay", "openai", "sandbox"), own(503, "new_api_error", "", excerpt="new_api_error"),
     "no_channel"),
    (("relay", "sandbox"), own(503, "model_not_found", "x", excerpt=NO_CHANNEL), "no_channel"),
    (("relay",), own(403, None, "无可用渠道（distributor）"), "no_channel"),
    (("relay",), page(503, "无可用渠道"), "no_channel"),
    (("relay", "openai", "sandbox"), own(403, "insufficient_user_quota", "用户额度不足"),
     "balance_exhausted"),
    (("relay",), own(402, None, "余额不足"), "balance_exhausted"),
    (("openai",), own(429, "insufficient_quota", "You exceeded your quota"), "balance_exhausted"),
    (("openai",), own(400, "billing_hard_limit_reached"), "balance_exhausted"),
    (("relay",), own(401, None, "无效的令牌"), "key_invalid"),
    (("relay",), own(429, None, "当前分组上游负载已饱和，请稍后再试"), "rate_limited"),
    (("openai",), own(400, "moderation_blocked", "Your request was rejected"), "refused"),
    # Google's error inside a relay's: the key that was refused is not the user's
    (("relay",), own(429, "RESOURCE_EXHAUSTED", "x", wraps=True), "rate_limited"),
    (("relay",), own(503, "UNAVAILABLE", "x", wraps=True), "overloaded"),
    (("relay",), own(400, "INVALID_ARGUMENT", "x", wraps=True), "request_rejected"),
    (("relay",), own(400, "API_KEY_INVALID", "x", wraps=True), "upstream_fault"),
    (("relay",), own(403, "PERMISSION_DENIED", "x", wraps=True), "upstream_fault"),
    # the crawl document's three, and what HTTP itself calls turned away, whoever says it
    (("crawl",), own(400, "1001", "bad ratio"), "request_rejected"),
    (KINDS, page(401), "key_invalid"),
    (KINDS, page(402), "balance_exhausted"),
    (KINDS, page(403), "permission_denied"),
    (KINDS, page(404), "base_url_wrong"),
    (KINDS, page(405), "base_url_wrong"),
    (KINDS, page(413, "Request Entity Too Large"), "request_too_large"),
    (KINDS, page(400, "400 Bad Request"), "request_rejected"),
    (KINDS, page(411), "request_rejected"),
    (KINDS, page(414), "request_rejected"),
    (KINDS, page(431), "request_rejected"),
    (KINDS, own(422), "request_rejected"),
    (("google", "sandbox"), page(422), "request_rejected"),
    (KINDS, page(429), "rate_limited"),
    (KINDS, page(308), "base_url_wrong"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "fault", "code"),
    [(kind, fault, code) for kinds, fault, code in FREE for kind in kinds],
)
def test_a_documented_refusal_is_free(kind: str, fault: Fault, code: str) -> None:
    error = judged(kind, fault)
    assert (error.code, error.charged) == (code, Charged.NO)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (own(504, "DEADLINE_EXCEEDED"), "gave up waiting (HTTP 504)"),
        (page(502, "Bad Gateway"), "a gateway on the way failed (HTTP 502)"),
        (page(504, "Gateway Time-out"), "gave up waiting (HTTP 504)"),
        (page(520), "a gateway on the way failed (HTTP 520)"),
        (page(524, "A timeout occurred"), "gave up waiting (HTTP 524)"),
        (page(500), "500 with a page that is not its own"),
        (page(503, "The model is overloaded"), "503 with a page that is not its own"),
        (own(503, None, "maintenance"), "503 with an error of its own"),
        (own(503, None, "Service Unavailable"), "503 with an error of its own"),
        (own(503, "SERVICE_UNAVAILABLE", "x"), "503 with an error of its own"),
        (own(408), "408 with an error of its own"),
        (own(409), "409 with an error of its own"),
        (own(424), "424 with an error of its own"),
        (own(499, "CANCELLED"), "499 with an error of its own"),
        (page(303), "303 with a page that is not its own"),
    ],
)
def test_what_no_document_calls_free_is_unknown(kind: str, fault: Fault, why: str) -> None:
    error = judged(kind, fault)
    assert (error.code, error.charged, error.exit_code) == ("outcome_unknown", Charged.UNKNOWN, 7)
    assert why in str(error)


@pytest.mark.parametrize("kind", ["relay", "openai", "crawl"])
@pytest.mark.parametrize("status", [406, 410, 415, 422, 451])
def test_a_page_that_no_proxy_writes_by_itself_proves_nothing_at_a_relay(
    kind: str, status: int
) -> None:
    error = judged(kind, page(status))
    assert (error.code, error.charged) == ("outcome_unknown", Charged.UNKNOWN)
    assert f"it answered {status} with a page that is not its own" in str(error)
    cut = judge_end(Answer(Ended.CUT, True, status=status), upstream(kind))
    assert cut is not None
    assert (cut.code, cut.charged) == ("outcome_unknown", Charged.UNKNOWN)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "google"])
def test_an_internal_error_is_free_at_google_alone(kind: str) -> None:
    for wraps in (False, True):
        error = judged(kind, own(500, "INTERNAL", "x", wraps=wraps), 500)
        assert error.code == "outcome_unknown"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("crawl", "pisang")])
@pytest.mark.parametrize(
    "code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "insufficient_user_quota", "API_KEY_INVALID"]
)
def test_an_error_under_a_200_is_never_free(kind: str, code: str) -> None:
    error = judged(kind, own(200, code, "it failed"))
    assert (error.code, error.charged) == ("outcome_unknown", Charged.UNKNOWN)
    assert "answered 200, and then said that it failed" in str(error)
    assert "it failed" in str(error)


def test_a_crawl_code_other_than_zero_is_no_image_of_unknown_charge() -> None:
    error = judged("crawl", own(200, "1001", "服务繁忙"))
    assert (error.code, error.charged, error.exit_code) == ("no_image", Charged.UNKNOWN, 5)
    assert "1001" in str(error)
    assert "服务繁忙" in str(error)


def test_a_refusal_under_a_200_is_a_refusal_of_unknown_charge() -> None:
    error = judged("relay", own(200, "content_policy_violation", "no"))
    assert (error.code, error.charged) == ("refused", Charged.UNKNOWN)


@pytest.mark.parametrize(
    ("code", "status", "leaf", "charged"),
    [
        ("outcome_unknown", 424, "outcome_unknown", Charged.UNKNOWN),
        ("refused", 422, "refused", Charged.UNKNOWN),
        ("no_image", 422, "no_image", Charged.UNKNOWN),
        ("unreachable", 502, "upstream_fault", Charged.NO),
        ("overloaded", 503, "overloaded", Charged.NO),
        ("rate_limited", 429, "rate_limited", Charged.NO),
        ("budget_exceeded", 402, "balance_exhausted", Charged.NO),
        ("store_full", 507, "upstream_fault", Charged.NO),
        ("key_missing", 401, "key_invalid", Charged.NO),
        ("ratio_unsupported", 400, "request_rejected", Charged.NO),
        ("unexpected", 500, "outcome_unknown", Charged.UNKNOWN),
        ("running", 409, "outcome_unknown", Charged.UNKNOWN),
    ],
)
def test_another_pisang_is_taken_at_its_word(
    code: str, status: int, leaf: str, charged: Charged
) -> None:
    error = judged("pisang", own(status, code, "as it says"))
    assert (error.code, error.charged) == (leaf, charged)
    assert "?" not in str(error)


def test_nobody_but_a_pisang_speaks_in_our_codes() -> None:
    assert judged("relay", own(502, "unreachable")).code == "outcome_unknown"


def test_every_row_names_a_dated_source_and_a_leaf() -> None:
    for row in TABLE:
        assert row.leaf in leaves()
        assert "2026" in row.source or "3.54.0" in row.source


statuses = st.one_of(
    st.none(), st.sampled_from([200, 400, 403, 429, 500, 503]), st.integers(100, 599)
)
said = st.one_of(st.text(max_size=30), st.sampled_from(["UNAVAILABLE", "额度不足", "无可用渠道"]))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.builds(
        Fault,
        statuses,
        st.none() | said,
        said,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.none() | st.floats(0, 1e6),
        st.none() | said,
        said,
    ),
)
def test_any_fault_has_an_error_and_a_success_status_is_never_free(kind: str, fault: Fault) -> None:
    error = judged(kind, fault)
    assert str(error) and error.message("zh")
    if fault.status is None or (fault.status < 300 and kind != "pisang"):
        assert error.charged is not Charged.NO


def test_an_error_carries_the_upstreams_words_its_id_and_its_delay() -> None:
    fault = own(429, "x", "slow\x1b[31m down\n\n now", retry_after_s=34.0, request_id="req-1")
    error = judged("relay", fault)
    assert error.upstream_message == "slow [31m down now"
    assert error.upstream_request_id == "req-1"
    assert error.retry_after_s == 34.0


def test_the_model_and_the_upstream_are_named() -> None:
    assert f"model {MODEL}" in str(judged("relay", page(503, "无可用渠道")))
    assert str(judged("relay", page(429))).startswith("here: ")


def test_a_redirect_is_named_without_what_may_be_secret_in_it() -> None:
    headers = {"location": "https://user:canary@new.example.com/v1?key=canary"}
    answer = Answer(Ended.WHOLE, True, status=307, headers=headers)
    error = judge_fault(page(307), answer, upstream("relay"), MODEL)
    assert "HTTP 307 to new.example.com/v1" in str(error)
    assert "canary" not in str(error)


def test_a_success_with_nothing_in_it_says_so() -> None:
    assert "it answered 204 and nothing more" in str(judged("relay", Fault(204)))


def test_our_own_key_is_never_repeated() -> None:
    told = Upstream("u", "gemini", "https://x", key=Secret("sk-canary"))
    answer = Answer(Ended.WHOLE, True, status=401)
    error = judge_fault(own(401, None, "无效的令牌 sk-canary"), answer, told, MODEL)
    assert "canary" not in str(error)
    assert "无效的令牌 •••" in str(error)


def test_a_foreign_sentence_is_cut_at_its_limit() -> None:
    plain = Upstream("u", "gemini", "https://x")
    assert clean("x" * MESSAGE_CHARS, plain) == "x" * MESSAGE_CHARS
    assert clean("x" * (MESSAGE_CHARS + 1), plain) == "x" * (MESSAGE_CHARS - 1) + "…"
    assert clean("\u202eevil\u2028 \ud800 \x00", plain) == "evil"


# --- how an exchange ended ----------------------------------------------------------------------


def test_what_was_not_sent_is_free_with_proof() -> None:
    answer = Answer(Ended.NOT_CONNECTED, False, reason="DNS\nfailed")
    error = judge_end(answer, upstream("relay"))
    assert error is not None
    assert (error.code, error.charged) == ("unreachable", Charged.NO)
    assert "DNS failed" in str(error)
    silent = judge_end(Answer(Ended.TIMEOUT, False), upstream("relay"))
    assert silent is not None and "no connection" in str(silent)


def test_what_we_gave_up_before_sending_is_cancelled() -> None:
    error = judge_end(Answer(Ended.CANCELLED, False), upstream("relay"))
    assert error is not None and error.code == "cancelled"


def test_an_exchange_that_came_to_its_end_is_no_error_yet() -> None:
    assert judge_end(Answer(Ended.WHOLE, True, status=500), upstream("relay")) is None


@pytest.mark.parametrize("ended", [one for one in Ended if one is not Ended.WHOLE])
@pytest.mark.parametrize("status", [None, 200, 408, 500, 503])
def test_whatever_broke_after_sending_is_unknown(ended: Ended, status: int | None) -> None:
    error = judge_end(Answer(ended, True, status=status, reason="so it is"), upstream("google"))
    assert error is not None
    assert (error.code, error.charged) == ("outcome_unknown", Charged.UNKNOWN)
    assert "(so it is)" in str(error)
    bare = judge_end(Answer(ended, True, status=status), upstream("google"))
    assert bare is not None and "()" not in str(bare)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "key_invalid"), (429, "rate_limited"), (404, "base_url_wrong")]
)
def test_a_status_that_turns_the_call_away_is_believed_though_its_body_was_cut(
    status: int, code: str
) -> None:
    error = judge_end(Answer(Ended.CUT, True, status=status), upstream("relay"))
    assert error is not None
    assert (error.code, error.charged) == (code, Charged.NO)


# --- a whole reply without an image ------------------------------------------------------------

ANSWER = Answer(Ended.WHOLE, True, status=200)
COUNTED = Usage(prompt_tokens=20, output_tokens=34, total_tokens=54)
NOT_CHARGED = "Unable to show the image. You will not be charged for this request."


def replied(kind: str, *texts: str, **fields: object) -> PisangError:
    reply = Reply(tuple(Text(text) for text in texts), **fields)  # type: ignore[arg-type]
    error = judge_reply(reply, False, ANSWER, upstream(kind))
    assert error is not None
    return error


def test_a_reply_with_an_image_is_no_error() -> None:
    reply = Reply((Image(content_of(b"x"), "image/png"),), finish_reason="SAFETY")
    assert judge_reply(reply, True, ANSWER, upstream("relay")) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "reason",
    ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "LANGUAGE", "MODEL_ARMOR",
     "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "content_filter"],
)  # fmt: skip
def test_a_moderation_reason_is_a_refusal_of_unknown_charge(kind: str, reason: str) -> None:
    error = replied(kind, finish_reason=reason, message="Support code: 42", usage=COUNTED)
    assert (error.code, error.charged, error.exit_code) == ("refused", Charged.UNKNOWN, 4)
    assert f"({reason})" in str(error)
    assert "Support code: 42" in str(error)


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "BLOCKED_REASON_UNSPECIFIED", "JAILBREAK"])
def test_a_blocked_prompt_is_a_refusal_whatever_the_reason(reason: str) -> None:
    assert replied("google", block_reason=reason).code == "refused"


@pytest.mark.parametrize(
    ("reason", "told"),
    [("IMAGE_OTHER", "IMAGE_OTHER"), ("NO_IMAGE", "NO_IMAGE"), ("OTHER", "OTHER"),
     ("MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL"), ("MAX_TOKENS", "MAX_TOKENS"),
     ("STOP", "STOP"), ("SOMETHING_NEW", "SOMETHING_NEW"), (None, "an empty answer")],
)  # fmt: skip
def test_other_reasons_are_no_image(reason: str | None, told: str) -> None:
    error = replied("relay", finish_reason=reason)
    assert (error.code, error.charged, error.exit_code) == ("no_image", Charged.UNKNOWN, 5)
    assert f"({told})" in str(error)


@pytest.mark.parametrize("reason", ["STOP", "MAX_TOKENS", "stop", None])
def test_words_in_place_of_a_picture_are_called_text_only(reason: str | None) -> None:
    assert "(text only)" in str(replied("relay", "I can't draw.", finish_reason=reason))


def test_thoughts_and_empty_texts_are_not_words() -> None:
    reply = Reply((Text("thinking", thought=True), Text("")), finish_reason="STOP", usage=COUNTED)
    error = judge_reply(reply, False, ANSWER, upstream("google"))
    assert error is not None and "(STOP)" in str(error)
    assert error.charged is Charged.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "charged"),
    [("google", Charged.NO), ("vertex", Charged.NO), ("sandbox", Charged.NO),
     ("relay", Charged.UNKNOWN), ("openai", Charged.UNKNOWN), ("crawl", Charged.UNKNOWN)],
)  # fmt: skip
def test_googles_word_that_nothing_is_charged_is_believed_at_google(
    kind: str, charged: Charged
) -> None:
    error = replied(kind, finish_reason="IMAGE_OTHER", message=NOT_CHARGED)
    assert (error.code, error.charged) == ("no_image", charged)


@pytest.mark.parametrize(
    ("kind", "usage", "charged"),
    [("google", COUNTED, Charged.YES), ("vertex", COUNTED, Charged.YES),
     ("google", None, Charged.UNKNOWN), ("google", Usage(), Charged.UNKNOWN),
     ("relay", COUNTED, Charged.UNKNOWN), ("sandbox", COUNTED, Charged.UNKNOWN)],
)  # fmt: skip
def test_text_at_google_is_an_ordinary_answer_billed_by_tokens(
    kind: str, usage: Usage | None, charged: Charged
) -> None:
    error = replied(kind, "A story.", finish_reason="STOP", usage=usage)
    assert (error.code, error.charged) == ("no_image", charged)


def test_a_reply_without_an_image_carries_its_id() -> None:
    assert replied("google", finish_reason="NO_IMAGE", response_id="r1").upstream_request_id == "r1"
