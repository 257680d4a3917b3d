"""Retention as the server carries it out: hourly, beside the loop, told in one line each time.

Ages are reckoned by a clock that never runs ahead of the time that has really passed: where the
wall clock is set forward under a running server, nothing becomes old by it (`reliability` D11).
Where more than one image in a hundred would go at once, no image goes, and the log says so. What
its users put into the trash goes after 30 days, with the request that made it, once all of that
request's images have lain there so long.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from pisang.domain.retention import Retention
from pisang.errors import NotFound, OptionInvalid, PisangError, Running
from pisang.store.store import GcReport, Store

EVERY_S = 3600.0

TRASH_DAYS = 30

log = logging.getLogger("pisang.upkeep")


def keep_up(
    store: Store, retention: Callable[[], Retention], *, every_s: float = EVERY_S
) -> asyncio.Task[None]:
    """Begin to carry retention out, as the settings then say, about every `every_s`. Cancel it to
    end it: what it is at is finished."""
    return asyncio.create_task(_keep_up(store, retention, every_s), name="upkeep")


async def _keep_up(store: Store, retention: Callable[[], Retention], every_s: float) -> None:
    clock = SteadyClock()
    while True:
        # Several servers on one home, started together, need not meet there.
        await asyncio.sleep(every_s * random.uniform(0.5, 1.5))  # noqa: S311
        await asyncio.to_thread(tidy, store, retention(), clock())


def tidy(store: Store, retention: Retention, now_ms: int) -> None:
    """Let go what is past its time, and log what went. Blocks; what fails is logged."""
    run = partial(store.gc, now_ms=now_ms)
    try:
        try:
            report = run(replace(retention, force=False))
        except OptionInvalid as error:  # too many images at once: the rest may go all the same
            log.warning("retention lets no image go: %s", error.message("en"))
            report = run(replace(retention, images_days=None, images_bytes=None))
    except (PisangError, OSError) as error:
        log.warning("retention failed: %s", error)
    else:
        log.info("retention: %s", _words(report))
    empty_trash(store, now_ms)


def empty_trash(store: Store, now_ms: int) -> None:
    """Delete the requests of which every image has lain in the trash for `TRASH_DAYS`. Blocks;
    what fails is logged. One whose outcome is not known yet, or that is under way, stays."""
    before_ms = now_ms - TRASH_DAYS * 86_400_000
    deleted = 0
    try:
        for request_id in store.image_marks.trashed(before_ms):
            with suppress(Running, OptionInvalid, NotFound):  # another server may have been first
                store.delete(request_id)
                deleted += 1
    except (PisangError, OSError) as error:
        log.warning("the trash was not emptied: %s", error)
    if deleted:
        log.info("trash: %d requests deleted", deleted)


def _words(report: GcReport) -> str:
    kinds = [f"{one.rows or one.files} {one.kind}" for one in report.gone if one.rows or one.files]
    return f"{', '.join(kinds) or 'nothing'} let go, {report.bytes / 1e6:.1f} MB freed"


class SteadyClock:
    """Milliseconds since the epoch, never ahead of the first reading by more than the time that
    has passed since (suspended or not)."""

    def __init__(
        self,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        passed_ms: Callable[[], int] = lambda: _passed_ms(),
    ) -> None:
        self._wall_ms = wall_ms
        self._passed_ms = passed_ms
        self._lead_ms = wall_ms() - passed_ms()

    def __call__(self) -> int:
        """The time now. A clock set back lowers it too: then less is old, never more."""
        return min(self._wall_ms(), self._lead_ms + self._passed_ms())


def _passed_ms() -> int:
    """Since some moment, with the time that the machine slept where the system tells it."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return (time.monotonic_ns() if boot is None else time.clock_gettime_ns(boot)) // 1_000_000
