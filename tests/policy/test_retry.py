"""When a failure is sent again by itself: only when it was free, and never for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisang.errors import (
    Charged,
    KeyInvalid,
    OutcomeUnknown,
    Overloaded,
    PisangError,
    QuotaExhausted,
    RateLimited,
    Retry,
    Unreachable,
    UpstreamFault,
    leaves,
)
from pisang.policy.retry import (
    CAPACITY,
    FRESH_BUCKET,
    MAX_ATTEMPTS,
    MAX_WAIT_S,
    Allowance,
    Bucket,
    again_after_s,
    next_delay,
)


@pytest.mark.parametrize(
    ("error", "first_s", "second_s"),
    [
        (Unreachable(upstream="u", why="refused"), 0.05, 0.1),
        (UpstreamFault(upstream="u", why="x"), 0.05, 0.1),
        (RateLimited(upstream="u"), 1.0, 2.0),
        (Overloaded(upstream="u"), 1.0, 2.0),
    ],
)
def test_a_free_failure_is_tried_three_times_with_full_jitter(
    error: PisangError, first_s: float, second_s: float
) -> None:
    first = next_delay(error, 1, FRESH_BUCKET)
    second = next_delay(error, 2, first.bucket)
    assert (first.delay_s, first.jitter) == (first_s, True)
    assert (second.delay_s, second.jitter) == (second_s, True)
    assert next_delay(error, MAX_ATTEMPTS, second.bucket).delay_s is None


@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknown(upstream="u", why="cut"),
        KeyInvalid(upstream="u"),
        QuotaExhausted(upstream="u"),
        RateLimited(upstream="u", charged=Charged.UNKNOWN),
        RateLimited(upstream="u", charged=Charged.YES),
        OutcomeUnknown(upstream="u", why="cut", retry=Retry.SAME),
    ],
)
def test_nothing_else_is_sent_again(error: PisangError) -> None:
    decision = next_delay(error, 1, FRESH_BUCKET)
    assert decision.delay_s is None
    assert decision.bucket == FRESH_BUCKET


@given(
    st.sampled_from(leaves()),
    st.sampled_from([None, *Charged]),
    st.sampled_from([None, *Retry]),
    st.integers(1, 5),
    st.integers(0, CAPACITY),
)
def test_a_retry_is_always_free_and_always_paid_from_the_bucket(
    leaf: type[PisangError], charged: Charged | None, retry: Retry | None, tries: int, tokens: int
) -> None:
    error = leaf(charged=charged, retry=retry)
    decision = next_delay(error, tries, Bucket(tokens))
    if decision.delay_s is None:
        assert decision.bucket.tokens == tokens
        return
    assert error.charged is Charged.NO
    assert error.retry in (Retry.SAME, Retry.LATER)
    assert tries < MAX_ATTEMPTS
    assert 0 <= decision.bucket.tokens < tokens
    assert 0 < decision.delay_s <= 20


def test_an_upstreams_own_delay_is_waited_out_to_the_second() -> None:
    decision = next_delay(RateLimited(upstream="u", retry_after_s=34.0), 1, FRESH_BUCKET)
    assert (decision.delay_s, decision.jitter) == (34.0, False)
    negative = next_delay(RateLimited(upstream="u", retry_after_s=-1.0), 1, FRESH_BUCKET)
    assert (negative.delay_s, negative.jitter) == (0.0, False)


def test_an_upstream_that_asks_for_more_than_a_minute_is_not_asked_again() -> None:
    patient = RateLimited(upstream="u", retry_after_s=MAX_WAIT_S)
    assert next_delay(patient, 1, FRESH_BUCKET).delay_s == MAX_WAIT_S
    late = RateLimited(upstream="u", retry_after_s=MAX_WAIT_S + 0.1)
    assert next_delay(late, 1, FRESH_BUCKET).delay_s is None


def test_a_retry_takes_fourteen_tokens_and_five_after_a_throttle() -> None:
    dead, busy = Unreachable(upstream="u", why="x"), RateLimited(upstream="u")
    assert next_delay(dead, 1, FRESH_BUCKET).bucket.tokens == CAPACITY - 14
    assert next_delay(busy, 1, FRESH_BUCKET).bucket.tokens == CAPACITY - 5
    assert next_delay(dead, 1, Bucket(13)).delay_s is None
    assert next_delay(dead, 1, Bucket(14)).bucket == Bucket(0)


def test_a_success_gives_tokens_back_up_to_the_brim() -> None:
    assert Bucket(10).refill() == Bucket(11)
    assert Bucket(10).refill(14) == Bucket(24)
    assert Bucket(CAPACITY - 2).refill(14) == FRESH_BUCKET


def test_what_one_upstream_may_spend_is_shared_by_all_its_attempts() -> None:
    shared = Allowance()
    busy = RateLimited(upstream="u")
    waits = [shared.decide(busy, 1).delay_s for _ in range(101)]
    assert waits.count(None) == 1
    assert waits[-1] is None


def test_a_success_gives_back_what_its_retry_cost_or_one_token() -> None:
    shared = Allowance(Bucket(100))
    decision = shared.decide(Unreachable(upstream="u", why="x"), 1)
    assert (decision.cost, shared.bucket) == (14, Bucket(86))
    shared.succeeded(decision.cost)
    assert shared.bucket == Bucket(100)
    shared.succeeded()
    assert shared.bucket == Bucket(101)


# --- jobs of a batch -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "tries", "wait_s"),
    [
        (Unreachable(upstream="u", why="x"), 1, 2.0),
        (Unreachable(upstream="u", why="x"), 7, 60.0),
        (Unreachable(upstream="u", why="x"), 8, None),
        (RateLimited(upstream="u"), 29, 60.0),
        (RateLimited(upstream="u"), 30, None),
        (RateLimited(upstream="u", retry_after_s=3600.0), 1, 7200.0),
        (KeyInvalid(upstream="u"), 1, None),
        (QuotaExhausted(upstream="u"), 1, 0.0),
        (QuotaExhausted(upstream="u"), 2, None),
        (OutcomeUnknown(upstream="u", why="x"), 1, None),
    ],
)
def test_a_job_is_tried_again_for_long_and_only_what_was_free(
    error: PisangError, tries: int, wait_s: float | None
) -> None:
    assert again_after_s(error, tries, upstreams=2) == wait_s
