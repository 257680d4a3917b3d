"""6,000 crashes (a million with PISANG_CRASH=long): at every effect and every file operation, in
recovery, and in that again. Each costs 14 ms of CPU."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.simulator import Simulation, run_batch, run_home

LONG = os.environ.get("PISANG_CRASH") == "long"
CRASHES = 1_000_000 if LONG else 6_000
JOB_CRASHES = 100_000 if LONG else 300
MEMORY = Path("/dev/shm")
SEEDS_AT_A_TIME = 16

REGRESSIONS = [4, 10, 39, 137]
"""Seeds that found something once."""


def crash_batch(seed: int) -> tuple[int, str]:
    """The same of one batch's jobs."""
    return crash_home(seed, run_batch)


def crash_home(seed: int, run: Callable[[Path, int], Simulation] = run_home) -> tuple[int, str]:
    """(crashes, failure) of one seed, on a disk of its own."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    try:
        return run(folder / "home", seed).crashes, ""
    except AssertionError as error:
        return 0, f"seed {seed}: {error}"
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_a_seed_that_once_found_something_stays_found(seed: int) -> None:
    assert crash_home(seed)[1] == ""


@pytest.mark.crash
def test_no_crash_at_any_step_loses_or_rebuys_an_image() -> None:
    crash(CRASHES, crash_home)


@pytest.mark.crash
def test_no_crash_at_any_step_of_a_job_loses_it_or_buys_it_twice() -> None:
    crash(JOB_CRASHES, crash_batch)


def crash(times: int, one_home: Callable[[int], tuple[int, str]]) -> None:
    """Homes of as many seeds as it takes."""
    crashes, first = 0, 1_000
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        while crashes < times:
            seeds = range(first, first + SEEDS_AT_A_TIME)
            for found, failure in pool.imap_unordered(one_home, seeds):
                assert failure == ""
                crashes += found
            first += SEEDS_AT_A_TIME
    print(f"{crashes} crashes in {first - 1_000} homes")
