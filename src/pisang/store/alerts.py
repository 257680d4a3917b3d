"""Budgets that pass a mark: written down by the claim that does it, told once for each window.

The row is in the claim's own commit, so no process misses it and none tells it twice; whoever
serves this home tells what nobody was told yet.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from pisang.domain.ledger import Alert, Budget, Hook
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.store import webhooks
from pisang.store.ledger import Readers, Tx, Writer
from pisang.store.rows import budget_row

PERCENTS = (50, 80, 100)


class Alerts:
    """What is to be told of budgets."""

    def __init__(self, readers: Readers, writer: Writer, clock_ms: Callable[[], int]) -> None:
        self._readers = readers
        self._writer = writer
        self._clock_ms = clock_ms

    def untold(self) -> list[Alert]:
        """The marks that nobody was told of, oldest first."""
        with self._readers.read() as tx:
            return [
                Alert(
                    budget=(budget := budget_row(row)),
                    window=row["window"],
                    percent=row["percent"],
                    used=Money(row["used_micros"], budget.cap.currency),
                    at_ms=row["at_ms"],
                )
                for row in tx.all("budget_alerts_untold")
            ]

    def take(self, alert: Alert, hook: Hook | None = None, body: JSON = None) -> Future[bool]:
        """Make the telling ours; whether nobody else was first. `hook` is then told `body`, written
        down in the same commit."""
        now_ms = self._clock_ms()

        def work(tx: Tx) -> bool:
            ours = tx.count(
                "budget_alert_told",
                budget_id=alert.budget.id,
                window=alert.window,
                percent=alert.percent,
                at_ms=now_ms,
            )
            if ours and hook is not None:
                webhooks.put(tx, hook, None, now_ms, body)
            return ours > 0

        return self._writer.submit(work)


def note_passed(tx: Tx, budget: Budget, window: str, before: int, after: int, at_ms: int) -> None:
    """Write down the highest mark between what a budget had counted before and has now."""
    cap = budget.cap.micros
    passed = [one for one in PERCENTS if before * 100 < cap * one <= after * 100]
    if passed:
        _put(tx, budget, window, passed[-1], after, at_ms)


def note_refused(tx: Tx, budget: Budget, window: str, used: int, at_ms: int) -> None:
    """Write down that a budget refused a purchase: it is used up, as far as that one goes."""
    _put(tx, budget, window, PERCENTS[-1], used, at_ms)


def _put(tx: Tx, budget: Budget, window: str, percent: int, used: int, at_ms: int) -> None:
    tx.run(
        "budget_alert_put",
        budget_id=budget.id,
        window=window,
        percent=percent,
        used_micros=used,
        at_ms=at_ms,
    )
