"""How fast attempts may start, and from when a budget counts; times are epoch milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Literal

from pisang.domain.upstream import Limits

MINUTE_MS = 60_000
POLL_MS = 250
"""How long to wait before asking again when nobody can say when a slot will be free."""


def admit(
    live: int,
    last_start_ms: int | None,
    starts_in_window: int,
    limits: Limits,
    now_ms: int,
    *,
    oldest_start_ms: int | None = None,
) -> int:
    """How many milliseconds to wait before the next attempt may start; 0 means now.

    `live` are the attempts that are sent and not settled, `starts_in_window` those started within
    the last minute, `oldest_start_ms` the first of these, `last_start_ms` the latest of all. A
    start in the future (a clock was set back) holds nobody for longer than its limit says.
    """
    waits = [0]
    if limits.concurrency is not None and live >= limits.concurrency:
        waits.append(POLL_MS)
    if last_start_ms is not None:
        waits.append(min(last_start_ms + limits.interval_ms - now_ms, limits.interval_ms))
    if limits.rpm is not None and starts_in_window >= limits.rpm:
        oldest = now_ms - MINUTE_MS + POLL_MS if oldest_start_ms is None else oldest_start_ms
        waits.append(min(max(oldest + MINUTE_MS - now_ms, 1), MINUTE_MS))
    return max(waits)


def window_start_ms(
    period: Literal["day", "month", "total"], now_ms: int, zone: tzinfo = UTC
) -> int:
    """From when a budget of that period counts: local midnight, the first of the month, or 0."""
    if period == "total":
        return 0
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    start = midnight if period == "day" else midnight.replace(day=1)
    return int(start.timestamp() * 1000)
