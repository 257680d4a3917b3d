"""Ejection, order and pace: arithmetic over given times and given draws."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisang.domain.upstream import Limits
from pisang.errors import (
    Charged,
    KeyInvalid,
    KeyLimited,
    KeyMissing,
    NoChannel,
    OutcomeUnknown,
    Overloaded,
    PermissionDenied,
    PisangError,
    QuotaExhausted,
    RateLimited,
    Refused,
    RequestRejected,
    Unreachable,
    UpstreamFault,
)
from pisang.policy.health import (
    BASE_EJECTION_MS,
    CONSECUTIVE_FAILURES,
    MAX_EJECTION_MS,
    PACE_REST_MS,
    SPENT_REST_MS,
    Health,
    Standing,
    failed,
    is_failure,
    probed,
    rest_ms,
    standing,
    succeeded,
    unprobed,
)
from pisang.policy.quota import MINUTE_MS, POLL_MS, admit, window_start_ms
from pisang.policy.route import Candidate, may_go_elsewhere, order

# --- health ------------------------------------------------------------------------------------


def failing(health: Health, times: int, now_ms: int = 0) -> Health:
    for _ in range(times):
        health = failed(health, now_ms)
    return health


def test_the_fifth_failure_in_a_row_ejects_for_thirty_seconds() -> None:
    four = failing(Health(), CONSECUTIVE_FAILURES - 1)
    assert standing(four, 0) is Standing.OPEN
    five = failed(four, 1000)
    assert standing(five, 1000) is Standing.EJECTED
    assert standing(five, 1000 + BASE_EJECTION_MS - 1) is Standing.EJECTED
    assert standing(five, 1000 + BASE_EJECTION_MS) is Standing.PROBE


def test_a_success_between_starts_the_count_again() -> None:
    health = failing(succeeded(failing(Health(), 4)), 4)
    assert standing(health, 0) is Standing.OPEN


def test_one_probe_goes_and_nothing_else_until_it_is_known_how_it_went() -> None:
    health = probed(failing(Health(), 5))
    assert standing(health, 10 * MAX_EJECTION_MS) is Standing.EJECTED
    assert standing(succeeded(health), 0) is Standing.OPEN
    again = failed(health, 50_000)
    assert standing(again, 50_000 + 2 * BASE_EJECTION_MS - 1) is Standing.EJECTED
    assert standing(again, 50_000 + 2 * BASE_EJECTION_MS) is Standing.PROBE


def test_a_call_that_began_before_the_ejection_does_not_prolong_it() -> None:
    ejected = failing(Health(), 5)
    late = failed(ejected, 20_000)
    assert late.ejected_until_ms == ejected.ejected_until_ms
    assert late.ejections == 1


def test_an_ejection_lasts_five_minutes_at_most() -> None:
    health = failing(Health(), 5)
    for _ in range(20):
        health = failed(probed(health), 0)
    assert health.ejected_until_ms == MAX_EJECTION_MS


def test_a_success_forgives_one_ejection() -> None:
    health = failed(probed(failing(Health(), 5)), 0)
    assert health.ejections == 2
    assert succeeded(health) == Health(ejections=1)
    assert succeeded(Health()) == Health()


def test_a_probe_that_was_never_sent_leaves_room_for_another() -> None:
    probing = probed(failing(Health(), 5))
    assert standing(probing, BASE_EJECTION_MS) is Standing.EJECTED
    assert standing(unprobed(probing), BASE_EJECTION_MS) is Standing.PROBE


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (Unreachable(), True),
        (Overloaded(), True),
        (UpstreamFault(), True),
        (OutcomeUnknown(), True),
        (RateLimited(), False),
        (Refused(), False),
        (KeyInvalid(), False),
        (None, False),
    ],
)
def test_only_an_upstreams_own_failures_speak_against_it(
    error: PisangError | None, counts: bool
) -> None:
    assert is_failure(error) is counts


@pytest.mark.parametrize(
    ("error", "rest"),
    [
        (RateLimited(), PACE_REST_MS),
        (RateLimited(retry_after_s=7), 7_000),
        (QuotaExhausted(), SPENT_REST_MS),
        (QuotaExhausted(retry_after_s=34.5), 34_500),
        (KeyInvalid(), SPENT_REST_MS),
        (Overloaded(), None),
        (None, None),
    ],
)
def test_a_key_rests_as_long_as_its_upstream_says(
    error: PisangError | None, rest: int | None
) -> None:
    assert rest_ms(error) == rest


# --- route -------------------------------------------------------------------------------------


def test_a_lower_priority_number_goes_first_whatever_the_draw() -> None:
    candidates = [Candidate("spare", priority=1, weight=100), Candidate("first", priority=0)]
    assert order(candidates, [0.99, 0.01]) == ("first", "spare")


def test_a_probe_goes_before_its_equals_and_an_ejected_one_not_at_all() -> None:
    candidates = [
        Candidate("open"),
        Candidate("probe", standing=Standing.PROBE),
        Candidate("out", standing=Standing.EJECTED),
    ]
    assert order(candidates, [0.99, 0.01, 0.5]) == ("probe", "open")


def test_when_all_are_ejected_all_are_tried() -> None:
    candidates = [Candidate(name, standing=Standing.EJECTED) for name in "ab"]
    assert order(candidates, [0.1, 0.9]) == ("b", "a")


def test_nobody_in_gives_nobody_out() -> None:
    assert order([], []) == ()


def test_each_candidate_needs_its_draw() -> None:
    with pytest.raises(ValueError):
        order([Candidate("a")], [])


def test_a_candidate_without_weight_goes_last_of_its_equals() -> None:
    candidates = [Candidate("none", weight=0), Candidate("some")]
    assert order(candidates, [0.99, 0.0]) == ("some", "none")


def test_three_times_the_weight_goes_first_three_times_as_often() -> None:
    candidates = [Candidate("heavy", weight=3), Candidate("light", weight=1)]
    steps = [(n + 0.5) / 200 for n in range(200)]
    firsts = [order(candidates, [one, other])[0] for one in steps for other in steps]
    assert firsts.count("heavy") / len(firsts) == pytest.approx(0.75, abs=0.01)


@given(
    st.lists(
        st.tuples(
            st.builds(
                Candidate,
                st.text(min_size=1),
                st.integers(-2, 2),
                st.integers(0, 5),
                st.sampled_from(Standing),
            ),
            st.floats(0, 1, exclude_max=True),
        ),
        max_size=6,
    )
)
def test_an_order_names_everyone_who_may_be_tried_once(
    drawn: list[tuple[Candidate, float]],
) -> None:
    names = order([one for one, _ in drawn], [draw for _, draw in drawn])
    usable = [one.name for one, _ in drawn if one.standing is not Standing.EJECTED]
    assert sorted(names) == sorted(usable or [one.name for one, _ in drawn])


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (NoChannel(), True),
        (Overloaded(), True),
        (Unreachable(), True),
        (RequestRejected(), False),
        (OutcomeUnknown(), False),
        (Overloaded(charged=Charged.UNKNOWN), False),
        (KeyLimited(), False),
        (KeyInvalid(), True),
        (KeyMissing(), True),
        (PermissionDenied(), True),
    ],
)
def test_another_upstream_is_asked_only_after_a_free_failure(error: PisangError, may: bool) -> None:
    assert may_go_elsewhere(error) is may


# --- quota -------------------------------------------------------------------------------------

NOW = 1_800_000_000_000


def test_without_limits_a_call_starts_at_once() -> None:
    assert admit(1000, NOW, 1000, Limits(), NOW) == 0


@pytest.mark.parametrize(("live", "wait"), [(4, 0), (5, POLL_MS), (6, POLL_MS)])
def test_a_full_upstream_is_asked_again_soon(live: int, wait: int) -> None:
    assert admit(live, None, 0, Limits(concurrency=5), NOW) == wait


@pytest.mark.parametrize(
    ("ago", "wait"), [(0, 1500), (500, 1000), (1500, 0), (9000, 0), (-60_000, 1500)]
)
def test_starts_keep_their_interval(ago: int, wait: int) -> None:
    assert admit(0, NOW - ago, 0, Limits(interval_ms=1500), NOW) == wait


def test_the_first_start_waits_for_nobody() -> None:
    assert admit(0, None, 0, Limits(interval_ms=1500, rpm=1), NOW) == 0


@pytest.mark.parametrize(
    ("starts", "oldest_ago", "wait"),
    [(9, 0, 0), (10, 0, MINUTE_MS), (10, 45_000, 15_000), (10, 60_000, 1), (10, -9, MINUTE_MS)],
)
def test_a_full_minute_waits_for_its_oldest_start(starts: int, oldest_ago: int, wait: int) -> None:
    limits = Limits(rpm=10)
    assert admit(0, None, starts, limits, NOW, oldest_start_ms=NOW - oldest_ago) == wait


def test_a_full_minute_of_unknown_age_is_asked_again_soon() -> None:
    assert admit(0, None, 10, Limits(rpm=10), NOW) == POLL_MS


def test_the_longest_wait_counts() -> None:
    limits = Limits(concurrency=1, interval_ms=1500, rpm=1)
    assert admit(1, NOW, 1, limits, NOW, oldest_start_ms=NOW - 50_000) == 10_000


def epoch_ms(zone: str, *moment: int) -> int:
    return int(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/Los_Angeles"])
def test_a_day_counts_from_local_midnight_and_a_month_from_its_first(zone: str) -> None:
    now_ms = epoch_ms(zone, 2026, 11, 22, 17, 30, 12)
    assert window_start_ms("day", now_ms, ZoneInfo(zone)) == epoch_ms(zone, 2026, 11, 22)
    assert window_start_ms("month", now_ms, ZoneInfo(zone)) == epoch_ms(zone, 2026, 11, 1)
    assert window_start_ms("total", now_ms, ZoneInfo(zone)) == 0


def test_a_window_that_saw_the_clocks_change_still_starts_at_midnight() -> None:
    zone = "America/Los_Angeles"  # the clocks go back on 1 November 2026 at 02:00
    now_ms = epoch_ms(zone, 2026, 11, 1, 12)
    assert window_start_ms("day", now_ms, ZoneInfo(zone)) == epoch_ms(zone, 2026, 11, 1)
    assert now_ms - window_start_ms("day", now_ms, ZoneInfo(zone)) == 13 * 3_600_000


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["day", "month"]))
def test_a_window_begins_before_now_and_is_its_own_beginning(now_ms: int, period: str) -> None:
    start_ms = window_start_ms(period, now_ms, UTC)  # type: ignore[arg-type]
    assert start_ms <= now_ms
    assert now_ms - start_ms < 32 * 86_400_000
    assert window_start_ms(period, start_ms, UTC) == start_ms  # type: ignore[arg-type]
