"""The small values: money, secrets, contents, attempts, requests, upstreams, answers."""

from __future__ import annotations

import copy
import hashlib
import pickle
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisang.domain.answer import Answer, Ended
from pisang.domain.attempt import NEXT, TERMINAL, State, may_follow, request_state
from pisang.domain.content import (
    HEAD_BYTES,
    TAIL_BYTES,
    Base64Run,
    Content,
    Meter,
    RawRun,
    Span,
    Style,
    TextRun,
    content_of,
    span_pieces,
)
from pisang.domain.ledger import Budget, Intent, Settlement, Wish
from pisang.domain.money import MICROS, Money, parse_money
from pisang.domain.request import Image, Link, Other, Request, Text
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Limits, Quirks, Upstream
from pisang.domain.warning import Warn

# --- money -----------------------------------------------------------------------------------

amounts = st.integers(0, 10**15)
currencies = st.sampled_from(["USD", "CNY", "EUR"])


@given(amounts, currencies)
def test_money_reads_back_what_it_prints(micros: int, currency: str) -> None:
    money = Money(micros, currency)
    assert parse_money(str(money), "XXX") == money
    assert parse_money(money.amount, currency) == money


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "0.00 USD"), (134_000, "0.134 USD"), (33_600, "0.0336 USD"), (5 * MICROS, "5.00 USD"),
     (1, "0.000001 USD")],
)  # fmt: skip
def test_money_prints_two_decimals_or_as_many_as_it_has(micros: int, text: str) -> None:
    assert str(Money(micros, "USD")) == text


@pytest.mark.parametrize(
    ("text", "money"),
    [("5", Money(5_000_000, "USD")), ("0.20cny", Money(200_000, "CNY")),
     (" 5 USD ", Money(5_000_000, "USD")), ("0.0336 USD", Money(33_600, "USD"))],
)  # fmt: skip
def test_an_amount_is_read_with_or_without_its_currency(text: str, money: Money) -> None:
    assert parse_money(text) == money


@pytest.mark.parametrize("text", ["", "USD", "-1", "1e3", "5 dollars", "5,00", "nan", "5USDT"])
def test_what_is_no_amount_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 5USD"):
        parse_money(text)


def test_an_amount_beyond_any_budget_is_none() -> None:
    assert parse_money("1000000000000").micros == 10**18
    with pytest.raises(ValueError, match="at most 1,000,000,000,000"):
        parse_money("1000000000001USD")


def test_an_amount_that_micro_units_cannot_hold_is_none() -> None:
    assert parse_money("0.000001USD").micros == 1
    assert parse_money("0.1000000USD") == parse_money("0.1USD")
    with pytest.raises(ValueError, match="at most six decimals"):
        parse_money("0.0000001USD")


@given(amounts, amounts, st.integers(0, 100))
def test_money_adds_and_multiplies_exactly(one: int, two: int, n: int) -> None:
    assert Money(one, "USD") + Money(two, "USD") == Money(one + two, "USD")
    assert Money(one, "USD").times(n) == Money(one * n, "USD")


def test_money_of_two_currencies_is_not_added() -> None:
    with pytest.raises(ValueError, match="cannot add CNY to USD"):
        Money(1, "USD") + Money(1, "CNY")


@pytest.mark.parametrize(("micros", "currency"), [(-1, "USD"), (1, "usd"), (1, "US"), (1, "DOLL")])
def test_money_that_can_not_be_is_not_built(micros: int, currency: str) -> None:
    with pytest.raises(ValueError):
        Money(micros, currency)


# --- secrets ---------------------------------------------------------------------------------


def test_a_secret_prints_as_dots_wherever_it_is_printed() -> None:
    secret = Secret("canary-1234")
    printed = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>10}",
        f"{[secret]}",
    ]
    assert all("canary" not in text for text in printed)
    assert secret.reveal() == "canary-1234"


def test_a_secret_stays_hidden_inside_an_upstream() -> None:
    assert "canary" not in repr(Upstream("u", "gemini", "https://x", key=Secret("canary")))


def test_secrets_compare_by_their_text_and_by_nothing_else() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("a")


def test_a_secret_is_not_pickled_nor_copied() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("a"))
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(Secret("a"))


# --- contents --------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_a_meter_says_the_same_for_any_chunking(chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    meter = Meter()
    for chunk in chunks:
        meter.update(memoryview(chunk))
    content = meter.content()
    assert content == content_of(data)
    assert (content.head, content.tail, content.inline) == (data, data[-TAIL_BYTES:], None)


def test_a_content_keeps_its_first_and_last_bytes_only() -> None:
    data = bytes(range(256)) * 1024
    content = content_of(data)
    assert content.sha256 == hashlib.sha256(data).hexdigest()
    assert content.size == len(data)
    assert content.head == data[:HEAD_BYTES]
    assert content.tail == data[-TAIL_BYTES:]
    assert content.inline == data
    meter = Meter()
    for start in range(0, len(data), 1000):
        meter.update(data[start : start + 1000])
    assert (meter.content(), meter.content().head) == (content, data[:HEAD_BYTES])


def test_contents_are_equal_by_hash_and_size_alone() -> None:
    assert Content("ab", 2, b"h", b"t") == Content("ab", 2, b"x", b"y", b"xy")
    assert Content("ab", 2, b"h", b"t") != Content("ab", 3, b"h", b"t")


def test_a_content_does_not_print_its_bytes() -> None:
    assert "secret" not in repr(content_of(b"secret"))


def test_a_span_tells_its_decoded_contents_in_order() -> None:
    one, two, raw = content_of(b"1"), content_of(b"2"), content_of(b"raw")
    span = Span((TextRun(b"data:"), Base64Run(one), RawRun(raw, two), RawRun(raw)))
    assert span.contents == (one, two)


def test_a_span_is_written_out_as_text_and_references() -> None:
    run = Base64Run(content_of(b"1"), Style(alphabet="url"))
    raw = RawRun(content_of(b"raw"))
    assert span_pieces(Span((TextRun(b"a"), run, raw))) == (b"a", run, raw)


# --- attempts --------------------------------------------------------------------------------


def test_states_move_along_the_drawn_arrows_only() -> None:
    drawn = {
        "planned": {"sent", "failed"},
        "sent": {"done", "refused", "failed", "unknown"},
        "unknown": {"done", "written_off", "rebought"},
    }
    for before in State:
        for after in State:
            assert may_follow(before, after) is (after in drawn.get(before, set()))


def test_an_unknown_never_becomes_failed_by_itself() -> None:
    assert State.FAILED not in NEXT[State.UNKNOWN]
    assert {"done", "refused", "failed", "written_off", "rebought"} == TERMINAL


@pytest.mark.parametrize(
    ("attempts", "state"),
    [
        ([], State.PLANNED),
        ([State.FAILED], State.FAILED),
        ([State.FAILED, State.REFUSED], State.REFUSED),
        ([State.REFUSED, State.DONE], State.DONE),
        ([State.DONE, State.PLANNED], State.PLANNED),
        ([State.PLANNED, State.SENT], State.SENT),
        ([State.DONE, State.SENT, State.UNKNOWN], State.UNKNOWN),
        ([State.REBOUGHT, State.DONE], State.DONE),
        ([State.WRITTEN_OFF], State.WRITTEN_OFF),
    ],
)
def test_a_requests_state_is_the_first_among_its_attempts(
    attempts: list[State], state: State
) -> None:
    assert request_state(attempts) is state
    assert request_state(reversed(attempts)) is state


# --- requests --------------------------------------------------------------------------------


def test_a_request_tells_its_words_and_its_pictures_in_order() -> None:
    dog, style = Image(content_of(b"d"), "image/png"), Image(content_of(b"s"), "image/png")
    parts = (Text("put"), dog, Text("in this style"), style, Link("u"), Other({}, "gemini"))
    request = Request(parts, "m")
    assert request.prompt == "put\nin this style"
    assert request.references == (dog, style)


@pytest.mark.parametrize("n", [0, -1])
def test_a_request_for_no_image_is_not_built(n: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Request((Text("x"),), "m", n=n)


# --- upstreams, answers, the ledger's values ---------------------------------------------------


def test_an_upstream_needs_three_words_and_has_no_limits_by_itself() -> None:
    upstream = Upstream("u", "gemini", "https://example.com")
    assert upstream.auth is Auth.BEARER
    assert upstream.limits == Limits(concurrency=None, interval_ms=0, rpm=None)
    assert upstream.quirks == Quirks(size_key="imageSize", references=True, size_suffix=False)


def test_a_key_is_asked_for_where_one_is_taken() -> None:
    keyless = [one for one in Auth if not one.takes_key]
    assert keyless == [Auth.ADC, Auth.NONE]


@pytest.mark.parametrize(
    ("header", "media_type"),
    [("Application/JSON; charset=utf-8", "application/json"), ("text/html", "text/html"), ("", "")],
)
def test_an_answers_media_type_has_no_parameters(header: str, media_type: str) -> None:
    assert Answer(Ended.WHOLE, True, headers={"content-type": header}).content_type == media_type
    assert Answer(Ended.WHOLE, True).content_type == ""


@pytest.mark.parametrize(
    "kind", [Wish, Intent, Settlement, Budget, Warn, Upstream, Request, Answer]
)
def test_a_value_of_the_domain_can_not_be_changed(kind: type) -> None:
    value = object.__new__(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(kind)[0].name, "other")
