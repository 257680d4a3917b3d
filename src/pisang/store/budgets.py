"""Caps on money, counted before it moves.

Each budget has one running counter a window (a day or month of its time zone, or all time). A
claim adds the worst price, its end corrects it by the difference, in the window that the attempt
started in. What is `unknown` stays counted at its worst.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pisang.domain.ledger import Budget, Intent
from pisang.domain.money import Money
from pisang.domain.warning import Warn
from pisang.errors import BudgetExceeded, OptionInvalid, PisangError, PriceUnknown, RateUnknown
from pisang.policy.price import how_to_price
from pisang.store.alerts import note_passed, note_refused
from pisang.store.ledger import Tx
from pisang.store.rows import budget_row, money

FOREVER_MS = 2**62

NEAR_PERCENTS = (80,)
"""A claim that takes a budget past so much of its cap says so."""

KEY_PERCENTS = (50, 80, 100)
"""The same for what one key or team may spend (DESIGN §6)."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a claim counts (None: no price is known, and nothing bounds it), and what to know."""

    held: Money | None
    warnings: tuple[Warn, ...] = ()


def reserve(tx: Tx, intent: Intent, key: str, at_ms: int) -> Reserved:
    """Count the worst price against every budget that applies.

    Raises `PriceUnknown` where there is one and no price, `RateUnknown` where the price is in
    another currency than the cap and no rate is set, and `BudgetExceeded`.
    """
    held = intent.held or intent.price
    near: list[Warn] = []
    if intent.max_cost is not None:
        spent = _spent_on_request(tx, intent, intent.max_cost.currency)
        price = _in_currency(intent.max_cost.currency, intent.held, intent.price)
        _check("max_cost", intent.max_cost, spent, price, intent)
    budgets = tx.all("budgets_for", upstream=intent.upstream, key=key)
    windows: list[tuple[Budget, str, int]] = []
    for budget in map(budget_row, budgets):
        name = window(budget, at_ms)
        counter = tx.one("counter_get", budget_id=budget.id, window=name)
        spent = Money(counter["micros"] if counter is not None else 0, budget.cap.currency)
        price = _in_currency(budget.cap.currency, held)
        _check(words(budget), budget.cap, spent, price, intent)
        near.extend(_near(budget, spent, price))
        windows.append((budget, name, spent.micros))
    if held is not None:
        for budget, name, before in windows:
            tx.run("counter_add", budget_id=budget.id, window=name, micros=held.micros)
            note_passed(tx, budget, name, before, before + held.micros, at_ms)
    return Reserved(held, tuple(near))


def check_cap(name: str, cap: Money, spent: Money, intent: Intent) -> None:
    """Raises `BudgetExceeded` where a claim would go over a cap, `PriceUnknown` and `RateUnknown`
    where that can't be told."""
    _check(name, cap, spent, _in_currency(cap.currency, intent.held, intent.price), intent)


def note_refusal(tx: Tx, intent: Intent, key: str, said: str, at_ms: int) -> None:
    """Write down which budget refused a purchase, by its own words."""
    for budget in map(budget_row, tx.all("budgets_for", upstream=intent.upstream, key=key)):
        if words(budget) == said:
            name = window(budget, at_ms)
            counter = tx.one("counter_get", budget_id=budget.id, window=name)
            note_refused(tx, budget, name, counter["micros"] if counter is not None else 0, at_ms)


def adjust(tx: Tx, upstream: str, key: str, sent_ms: int, change: int, currency: str) -> None:
    """Correct the counters of the windows that an attempt started in, by so many micro-units."""
    if change == 0:
        return
    for budget in map(budget_row, tx.all("budgets_for", upstream=upstream, key=key)):
        if budget.cap.currency == currency:
            name = window(budget, sent_ms)
            tx.run("counter_add", budget_id=budget.id, window=name, micros=change)


def set_budget(tx: Tx, budget: Budget, now_ms: int) -> None:
    """Set a cap; what was spent in its present window counts from the first.

    Raises `OptionInvalid` for a time zone or scope that there is not.
    """
    scope_filter(budget)
    since, until = bounds(budget, now_ms)
    tx.run("counters_delete", budget_id=budget.id)
    tx.run("budget_alerts_forget", budget_id=budget.id)
    tx.run(
        "budget_put",
        id=budget.id,
        scope=budget.scope,
        period=budget.period,
        cap_micros=budget.cap.micros,
        cap_currency=budget.cap.currency,
        time_zone=budget.time_zone,
    )
    tx.run(
        "counter_add",
        budget_id=budget.id,
        window=window(budget, now_ms),
        micros=recount(tx, budget, since, until),
    )


def remove_budget(tx: Tx, budget_id: str) -> bool:
    """Take a budget away; whether there was one."""
    tx.run("counters_delete", budget_id=budget_id)
    tx.run("budget_alerts_forget", budget_id=budget_id)
    return tx.count("budget_delete", id=budget_id) > 0


def recount(tx: Tx, budget: Budget, since: int, until: int) -> int:
    """What the attempts of a time span count toward a budget, summed anew from their rows."""
    row = tx.one(
        "counted_between",
        since=since,
        until=until,
        currency=budget.cap.currency,
        **scope_filter(budget)._asdict(),
    )
    micros: int = row["micros"] if row is not None else 0
    return micros


def window(budget: Budget, at_ms: int) -> str:
    """The name of the budget's window that a time falls in: `2026-11-22`, `2026-11`, `total`."""
    if budget.period == "total":
        return "total"
    day = _day(budget, at_ms)
    return day.isoformat() if budget.period == "day" else day.isoformat()[:7]


def bounds(budget: Budget, at_ms: int) -> tuple[int, int]:
    """When the window that a time falls in begins and ends, as milliseconds since the epoch."""
    if budget.period == "total":
        return 0, FOREVER_MS
    first = _day(budget, at_ms)
    if budget.period == "day":
        after = first + timedelta(days=1)
    else:
        first = first.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    return _midnight(budget, first), _midnight(budget, after)


def words(budget: Budget) -> str:
    """`all per day`: a budget in words."""
    return (
        f"{budget.scope} in {budget.period}"
        if budget.period == "total"
        else (f"{budget.scope} per {budget.period}")
    )


def _near(budget: Budget, spent: Money, price: Money | None) -> tuple[Warn, ...]:
    """A warning where this claim takes the budget past the mark."""
    counted = scope_filter(budget)
    percents = KEY_PERCENTS if counted.key or counted.team else NEAR_PERCENTS
    marks = [budget.cap.micros * percent // 100 for percent in percents]
    if price is None or not any(spent.micros < one <= (spent + price).micros for one in marks):
        return ()
    now = spent + price
    said = f"The budget {words(budget)} has {now} of {budget.cap} spent or held."
    return (Warn("budget_near", said),)


def _check(name: str, cap: Money, spent: Money | None, price: Money | None, intent: Intent) -> None:
    if spent is None or price is None:
        raise _uncountable(cap, intent)
    if spent.micros + price.micros > cap.micros:
        raise BudgetExceeded(budget=name, cap=str(cap), spent=str(spent), price=str(price))


def _uncountable(cap: Money, intent: Intent) -> PisangError:
    """Why a price can't be held against a cap: nobody knows it, or what it is worth there."""
    price = intent.price
    if price is not None and price.currency != cap.currency:
        # The ledger's own currency has no rate: the other one of the two needs it.
        foreign = cap.currency if intent.held is not None else price.currency
        return RateUnknown(price=str(price), cap=str(cap), currency=foreign)
    size = intent.image_size or ""
    return PriceUnknown(
        upstream=intent.upstream,
        model=intent.model,
        image_size=size,
        hint=how_to_price(intent.upstream, intent.model, size),
    )


def _spent_on_request(tx: Tx, intent: Intent, currency: str) -> Money | None:
    """What the request's attempts cost or hold so far; None when one of them is not known."""
    total = Money(0, currency)
    for row in tx.all("request_money", request_id=intent.request_id):
        if row["charged"] == "no":
            continue
        amount = _in_currency(
            currency,
            money(row["counted_micros"], row["counted_currency"]),
            money(row["cost_micros"], row["cost_currency"]),
            money(row["price_micros"], row["price_currency"]),
        )
        if amount is None:
            return None
        total += amount
    return total


def _in_currency(currency: str, *amounts: Money | None) -> Money | None:
    """The first of these amounts that is in that currency."""
    return next((one for one in amounts if one is not None and one.currency == currency), None)


class Counted(NamedTuple):
    """Whose money a budget counts; None: everybody's."""

    upstream: str | None = None
    key: str | None = None
    team: str | None = None


def scope_filter(budget: Budget) -> Counted:
    """Whose money a budget counts. Raises `OptionInvalid`."""
    kind, _, name = budget.scope.partition(":")
    if budget.scope == "all":
        return Counted()
    if kind in Counted._fields and name:
        return Counted(**{kind: name})
    why = "it is `all`, `upstream:NAME`, `key:ID` or `team:NAME`"
    raise OptionInvalid(option="budget scope", value=budget.scope, why=why)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        why = "there is no such time zone: write it like Asia/Shanghai"
        raise OptionInvalid(option="budget time zone", value=name, why=why) from error


def _day(budget: Budget, at_ms: int) -> date:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return moment.astimezone(_zone(budget.time_zone)).date()


def _midnight(budget: Budget, day: date) -> int:
    zone = _zone(budget.time_zone)
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
