"""A batch's ids are functions of it, and whether it is over is told by its jobs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pisang.domain.attempt import State
from pisang.domain.batch import Batch, BatchState, BatchStatus, request_id_of
from pisang.domain.ids import make_id

BATCH = Batch("bat_1", 1_700_000_000_000)


def test_an_id_sorts_by_its_time_and_keeps_its_chance() -> None:
    ids = [
        make_id("req", at_ms, chance) for at_ms in (1, 2, 1 << 40) for chance in (0, (1 << 80) - 1)
    ]
    assert ids == sorted(ids) and len(set(ids)) == 6
    assert all(one.startswith("req_") and len(one) == 30 for one in ids)


def test_a_row_s_request_is_the_same_whenever_it_is_written_down() -> None:
    ids = [request_id_of(BATCH, number) for number in range(1, 100)]
    assert ids == sorted(ids) and len(set(ids)) == 99
    assert ids == [request_id_of(BATCH, number) for number in range(1, 100)]
    assert request_id_of(Batch("bat_2", BATCH.created_ms), 1) != ids[0]


@pytest.mark.parametrize(
    ("state", "waiting", "taken", "over"),
    [
        (BatchState.FILLING, 0, 0, False),
        (BatchState.OPEN, 1, 0, False),
        (BatchState.OPEN, 0, 1, False),
        (BatchState.OPEN, 0, 0, True),
        (BatchState.CANCELLED, 5, 1, False),
        (BatchState.CANCELLED, 5, 0, True),
    ],
)
def test_it_is_over_when_nothing_more_happens_by_itself(
    state: BatchState, waiting: int, taken: int, over: bool
) -> None:
    states: Mapping[State, int] = {}
    batch = Batch(BATCH.id, BATCH.created_ms, state=state)
    assert BatchStatus(batch, 9, waiting, taken, states).over is over
