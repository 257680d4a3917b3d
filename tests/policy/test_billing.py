"""What a relay's log says of an attempt: certain by its request id alone, else likely at most."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pisang.policy.billing import (
    FULL,
    PATIENCE_S,
    Finding,
    Kind,
    LogRow,
    Sent,
    Verdict,
    look_up,
)

AT = 1_800_000_000
SENT = Sent(sent_s=AT, limit_s=600, model="pro", request_id="r-1")
LATER = AT + 600 + PATIENCE_S
OURS = LogRow(AT + 40, Kind.BILLED, "pro", 30_000, took_s=38, request_id="r-1")
NAMELESS = replace(OURS, request_id="")
OLD = LogRow(AT - 9_000, Kind.BILLED, "other", 1)


def said(*rows: LogRow, sent: Sent = SENT, now: int = LATER) -> Finding:
    return look_up(sent, rows, now)


def test_the_row_of_that_request_is_certain_whenever_it_was_written():
    assert said(OURS) == Finding(Verdict.BILLED, 30_000)
    assert said(replace(OURS, at_s=AT + 90_000, model="renamed")) == said(OURS)


def test_a_noted_failure_or_a_whole_refund_took_nothing():
    failed = replace(OURS, kind=Kind.ERROR, quota=0)
    assert said(failed) == Finding(Verdict.FAILED)
    assert said(OURS, replace(OURS, kind=Kind.REFUND)) == Finding(Verdict.FAILED)
    assert said(OURS, replace(OURS, kind=Kind.REFUND, quota=10_000)).quota == 20_000


def test_a_row_that_is_no_call_names_nothing_though_it_bears_the_id():
    assert said(replace(OURS, kind=Kind.OTHER)).verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize("began", [AT - 60, AT, AT + 180])
def test_a_call_of_that_model_about_that_time_is_likely_the_one(began: int):
    row = replace(NAMELESS, at_s=began + 38, model="PRO")
    assert said(row) == Finding(Verdict.LIKELY_BILLED, 30_000)


@pytest.mark.parametrize(
    "row",
    [
        replace(NAMELESS, at_s=AT - 61 + 38),
        replace(NAMELESS, at_s=AT + 181 + 38),
        replace(NAMELESS, model="flash"),
        replace(NAMELESS, kind=Kind.REFUND),
        OLD,
    ],
)
def test_any_other_row_is_not(row: LogRow):
    assert said(row, OLD) == Finding(Verdict.LIKELY_FREE)


def test_rows_that_our_other_calls_account_for_are_theirs():
    two = (NAMELESS, replace(NAMELESS, quota=50_000))
    assert said(*two, sent=replace(SENT, others=2)).verdict is Verdict.LIKELY_FREE
    assert said(*two, sent=replace(SENT, others=1)) == Finding(Verdict.LIKELY_BILLED, 50_000)


def test_before_the_call_must_have_ended_nothing_is_concluded():
    assert said(OLD, now=LATER - 1) == Finding(Verdict.TOO_EARLY)


def test_a_log_without_a_billed_call_may_be_switched_off():
    assert said() == Finding(Verdict.CANNOT_TELL)
    assert said(replace(OLD, kind=Kind.ERROR)) == Finding(Verdict.CANNOT_TELL)


def test_a_log_that_does_not_reach_back_can_t_tell():
    newer = [replace(OLD, at_s=AT + 9_000 + i) for i in range(FULL)]
    assert said(*newer) == Finding(Verdict.CANNOT_TELL)
    assert said(*newer[:-1]) == Finding(Verdict.LIKELY_FREE)
    assert said(*newer, OLD) == Finding(Verdict.LIKELY_FREE)


def test_without_an_id_of_ours_no_row_is_certain():
    assert said(OURS, sent=replace(SENT, request_id=None)).verdict is Verdict.LIKELY_BILLED
