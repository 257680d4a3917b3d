"""What was spent, what may have been, and how the caps stand. The sandbox's money is no money."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from pisang.domain.ledger import AttemptRow, Budget
from pisang.domain.money import Money
from pisang.store.budgets import bounds, scope_filter, window
from pisang.store.ledger import Readers, Row, Tx, Writer
from pisang.store.rows import attempt_row, budget_row
from pisang.store.settle import note_cost

NEVER_MS = 2**62

Grouping = Literal["upstream", "model", "day", "key", "team", "tag"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one upstream, model, day (of the local clock), key or tag cost, in one currency.

    `spent_micros` is known to have been charged; `at_stake_micros` may have been, and nobody
    knows yet; `given_up_micros` is what of that was written off or bought again. `unpriced`
    counts attempts that may have cost something of which nobody knows the price; an attempt of
    which no amount is known has an empty `currency`. Images are counted without drafts.
    """

    name: str
    currency: str
    attempts: int
    images: int
    spent_micros: int
    at_stake_micros: int
    given_up_micros: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class Play:
    """What the sandbox's play money came to: attempts and images of which nobody pays any."""

    attempts: int
    images: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands in the window from `since_ms` until `until_ms`.

    `used` is what it counts: spent, `held` by attempts under way and `at_stake` in those of
    unknown outcome. `uncounted` was spent in currencies that the cap is not in.
    """

    budget: Budget
    since_ms: int
    until_ms: int
    used: Money
    held: Money
    at_stake: Money
    uncounted: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class Stake:
    """What may have been paid at one upstream for attempts of unknown outcome. `currency` is empty
    where no amount is known."""

    upstream: str
    currency: str
    attempts: int
    at_stake_micros: int


class Spending:
    """What the ledger says of money. Every answer is of one moment."""

    def __init__(self, readers: Readers, writer: Writer, clock_ms: Callable[[], int]) -> None:
        self._readers = readers
        self._writer = writer
        self._clock_ms = clock_ms

    def costs(
        self,
        by: Grouping = "upstream",
        since_ms: int = 0,
        until_ms: int = NEVER_MS,
        scope: str | None = None,
    ) -> list[Cost]:
        """Sums over the attempts sent in that time, of one scope or of all. One with several tags
        counts under each of them; one that has none, under an empty name."""
        with self._readers.read() as tx:
            rows = tx.all("costs", by=by, since=since_ms, until=until_ms, scope=scope)
        return [_cost(row) for row in rows]

    def play(self, since_ms: int = 0, until_ms: int = NEVER_MS, scope: str | None = None) -> Play:
        """What was painted for play money in that time, for one scope or for all."""
        with self._readers.read() as tx:
            row = tx.one("costs_play", since=since_ms, until=until_ms, scope=scope)
        return Play(row["attempts"], row["images"]) if row is not None else Play(0, 0)

    def stakes(self) -> list[Stake]:
        """What is unknown now, by upstream and currency. Reads the unknown attempts alone."""
        with self._readers.read() as tx:
            rows = tx.all("unknown_totals")
        return [Stake(*(row[one] for one in _STAKE)) for row in rows]

    def live(self) -> dict[tuple[str, str], int]:
        """How many attempts are not ended, over all processes, by upstream and state."""
        with self._readers.read() as tx:
            rows = tx.all("open_totals")
        return {(row["upstream"], row["state"]): row["attempts"] for row in rows}

    def standings(self, scope: str | None = None) -> list[Standing]:
        """Every cap, or those on one scope alone, and what each counts in its present window."""
        now_ms = self._clock_ms()
        with self._readers.read() as tx:
            budgets = [budget_row(row) for row in tx.all("budgets_all")]
            ours = [one for one in budgets if scope is None or scope_filter(one).key == scope]
            return [_standing(tx, budget, now_ms) for budget in ours]

    def neighbours(self, attempt: AttemptRow, within_ms: int) -> list[AttemptRow]:
        """The other attempts of that model at that upstream, sent about the same time."""
        sent_ms = attempt.sent_ms or attempt.created_ms
        with self._readers.read() as tx:
            rows = tx.all(
                "attempts_near",
                id=attempt.id,
                upstream=attempt.upstream,
                model=attempt.model,
                low=sent_ms - within_ms,
                high=sent_ms + within_ms,
            )
        return [attempt_row(row) for row in rows]

    def note(self, attempt_id: str, cost: Money, basis: str) -> Future[bool]:
        """Write down what an `unknown` attempt is now known to have cost; false where it is
        unknown no more. It stays what it is: what to do about it is its user's to say."""
        return self._writer.submit(lambda tx: note_cost(tx, attempt_id, cost, basis))


_STAKE = ("upstream", "currency", "attempts", "at_stake")


def _standing(tx: Tx, budget: Budget, now_ms: int) -> Standing:
    since, until = bounds(budget, now_ms)
    counted = scope_filter(budget)._asdict()
    currency = budget.cap.currency
    counter = tx.one("counter_get", budget_id=budget.id, window=window(budget, now_ms))
    sums = {
        row["currency"]: row
        for row in tx.all("counted_in_window", since=since, until=until, **counted)
    }
    ours = sums.pop(currency, None)
    return Standing(
        budget=budget,
        since_ms=since,
        until_ms=until,
        used=Money(counter["micros"] if counter is not None else 0, currency),
        held=Money(ours["held"] if ours is not None else 0, currency),
        at_stake=Money(ours["at_stake"] if ours is not None else 0, currency),
        uncounted=tuple(Money(row["micros"], name) for name, row in sums.items() if row["micros"]),
    )


def _cost(row: Row) -> Cost:
    return Cost(
        name=row["name"],
        currency=row["currency"],
        attempts=row["attempts"],
        images=row["images"],
        spent_micros=row["spent"],
        at_stake_micros=row["at_stake"],
        given_up_micros=row["given_up"],
        unpriced=row["unpriced"],
    )
