"""How many calls a server takes at once."""

from __future__ import annotations

import pytest

from pisang.gateway.capacity import (
    FILES_AT_REST,
    FILES_OF_A_CALL,
    MOST_CONNECTIONS,
    capacity_of,
    raise_limit,
)


@pytest.mark.parametrize("open_files", [46, 64, 256, 1024, 4096, 65_536, 1 << 20])
def test_all_that_is_taken_finds_its_files(open_files: int):
    capacity = capacity_of(open_files)
    needed = FILES_AT_REST + capacity.connections + capacity.calls * FILES_OF_A_CALL
    assert needed <= open_files
    assert capacity.connections > capacity.calls


def test_there_is_room_for_a_call_however_little_there_is():
    assert capacity_of(0).calls == 1
    assert capacity_of(0).connections >= 1


def test_five_thousand_waiting_calls_fit_in_what_linux_grants():
    assert capacity_of(20_000).calls >= 5000
    assert capacity_of(1 << 31).connections == MOST_CONNECTIONS


def test_the_limit_is_as_high_as_the_system_grants_and_stays_there():
    assert raise_limit() == raise_limit() >= 256
