"""What was spent: sums over a time span, what they come to in the ledger's currency, the caps."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args

from pisang.client.results import iso_time
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.errors import OptionInvalid
from pisang.store.spending import NEVER_MS, Cost, Grouping, Play, Standing

if TYPE_CHECKING:
    from pisang.engine.engine import Engine
    from pisang.engine.ledgering import Ledgering

GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)

_BACK = re.compile(r"^(?P<count>\d{1,4})(?P<unit>[hdw])$")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_FORMS = "write it like 7d, 24h, today, month, year, all, 2026-11 or 2026-11-01"


@dataclass(frozen=True, slots=True)
class CostReport:
    """Costs of the time from `since_ms` until `until_ms` (None: now), a row a name and currency.

    `totals` are by currency, without names; an attempt with two tags is in two rows and once in
    the totals. `ledger` is all of them in the ledger's one currency; None where `missing` names
    currencies that have no rate into it. `play` is the sandbox's, and in no sum.
    """

    by: Grouping
    since_ms: int
    until_ms: int | None
    rows: tuple[Cost, ...]
    totals: tuple[Cost, ...]
    ledger: Cost | None
    missing: tuple[str, ...]
    play: Play
    budgets: tuple[Standing, ...]

    def to_json(self) -> dict[str, JSON]:
        """The shape that scripts rely on."""
        return {
            "by": self.by,
            "since": iso_time(self.since_ms) if self.since_ms else None,
            "until": iso_time(self.until_ms) if self.until_ms is not None else None,
            "rows": [{"name": row.name, **cost_json(row)} for row in self.rows],
            "totals": [cost_json(row) for row in self.totals],
            "in_ledger_currency": cost_json(self.ledger) if self.ledger else None,
            "missing_rates": list(self.missing),
            "play_money": {"attempts": self.play.attempts, "images": self.play.images},
            "budgets": [standing_json(one) for one in self.budgets],
        }


def cost_json(cost: Cost) -> dict[str, JSON]:
    """One sum; amounts are decimal texts, null where no price is known at all."""
    amounts = {
        "spent": cost.spent_micros,
        "at_stake": cost.at_stake_micros,
        "written_off": cost.given_up_micros,
    }
    known = bool(cost.currency)
    return {
        "currency": cost.currency or None,
        **{k: Money(v, cost.currency).amount if known else None for k, v in amounts.items()},
        "attempts": cost.attempts,
        "images": cost.images,
        "unpriced": cost.unpriced,
    }


def costs_csv(report: CostReport) -> str:
    """The rows as CSV, with a line of names."""
    written = io.StringIO()
    names = ("spent", "at_stake", "written_off", "currency", "images", "attempts", "unpriced")
    table = csv.writer(written, lineterminator="\n")
    table.writerow((report.by, *names))
    for row in report.rows:
        told = cost_json(row)
        table.writerow((row.name, *(told[name] for name in names)))
    return written.getvalue()


def standing_json(standing: Standing) -> dict[str, JSON]:
    """One cap and how it stands."""
    budget = standing.budget
    return {
        "id": budget.id,
        "scope": budget.scope,
        "period": budget.period,
        "time_zone": budget.time_zone,
        "currency": budget.cap.currency,
        "cap": budget.cap.amount,
        "spent": spent_of(standing).amount,
        "held": standing.held.amount,
        "at_stake": standing.at_stake.amount,
        "left": left_of(standing).amount,
        "resets_at": iso_time(standing.until_ms) if budget.period != "total" else None,
        "uncounted": [str(one) for one in standing.uncounted],
    }


def spent_of(standing: Standing) -> Money:
    """What is neither under way nor of unknown outcome."""
    open_ = standing.held.micros + standing.at_stake.micros
    return replace(standing.used, micros=max(standing.used.micros - open_, 0))


def left_of(standing: Standing) -> Money:
    """What may still be spent."""
    cap = standing.budget.cap
    return replace(cap, micros=max(cap.micros - standing.used.micros, 0))


async def read_costs(
    engine: Engine,
    by: Grouping,
    since_ms: int,
    until_ms: int | None = None,
    scope: str | None = None,
) -> CostReport:
    """The report of a time span, all of it in milliseconds since the epoch; of one scope, with
    the caps on it alone, or of all."""
    return await asyncio.to_thread(_read, engine, by, since_ms, until_ms, scope)


def _read(
    engine: Engine, by: Grouping, since_ms: int, until_ms: int | None, scope: str | None
) -> CostReport:
    spending = engine.store.spending
    span = (since_ms, NEVER_MS if until_ms is None else until_ms, scope)
    rows = tuple(spending.costs(by, *span))
    # A tag's rows overlap: what is counted once is summed by upstream.
    totals = _totals(rows if by != "tag" else spending.costs("upstream", *span))
    ledger, missing = _in_ledger(totals, engine.money)
    return CostReport(
        by=by,
        since_ms=since_ms,
        until_ms=until_ms,
        rows=rows,
        totals=totals,
        ledger=ledger,
        missing=missing,
        play=spending.play(*span),
        budgets=tuple(spending.standings(scope)),
    )


def _totals(rows: Iterable[Cost]) -> tuple[Cost, ...]:
    found: dict[str, Cost] = {}
    for row in rows:
        before = found.get(row.currency)
        one = replace(row, name="")
        found[row.currency] = one if before is None else _add(before, one)
    return tuple(found[currency] for currency in sorted(found))


def _add(a: Cost, b: Cost) -> Cost:
    return replace(
        a,
        attempts=a.attempts + b.attempts,
        images=a.images + b.images,
        spent_micros=a.spent_micros + b.spent_micros,
        at_stake_micros=a.at_stake_micros + b.at_stake_micros,
        given_up_micros=a.given_up_micros + b.given_up_micros,
        unpriced=a.unpriced + b.unpriced,
    )


def _in_ledger(totals: tuple[Cost, ...], money: Ledgering) -> tuple[Cost | None, tuple[str, ...]]:
    """All totals in the ledger's currency, or the currencies that have no rate into it."""
    priced = [one for one in totals if one.currency]
    missing = tuple(one.currency for one in priced if not money.convert(Money(0, one.currency)))
    if missing or not priced:
        return None, missing
    total: Cost | None = None
    for one in totals:
        here = _converted(one, money)
        total = here if total is None else _add(total, here)
    return total, ()


def _converted(cost: Cost, money: Ledgering) -> Cost:
    def worth(micros: int) -> int:
        there = money.convert(Money(micros, cost.currency)) if cost.currency else None
        return there.micros if there else 0

    return replace(
        cost,
        currency=money.currency,
        spent_micros=worth(cost.spent_micros),
        at_stake_micros=worth(cost.at_stake_micros),
        given_up_micros=worth(cost.given_up_micros),
    )


# --- time spans in the local clock's days --------------------------------------------------------


def parse_since(text: str, now: datetime, option: str = "--since") -> int:
    """When a span begins, in milliseconds since the epoch: `7d` back, or the beginning of a named
    day, month or year. `now` is local. Raises `OptionInvalid`."""
    return _parse(option, text, now, begin=True)


def parse_until(text: str, now: datetime, option: str = "--until") -> int:
    """When a span ends: `7d` back, or the *end* of a named day, month or year."""
    return _parse(option, text, now, begin=False)


def _parse(option: str, text: str, now: datetime, *, begin: bool) -> int:
    word = text.strip().lower()
    back = _BACK.match(word)
    try:
        if back:
            return _ms(now - int(back["count"]) * _UNITS[back["unit"]])
        named = _NAMED.get(word)
        if named is not None:
            return _ms(named(now)[0 if begin else 1])
        return _ms(_calendar(text.strip())[0 if begin else 1])
    except (ValueError, OverflowError) as error:
        raise OptionInvalid(option=option, value=text, why=_FORMS) from error


_Span = tuple[datetime, datetime]


def _calendar(text: str) -> _Span:
    """The span of `2026`, `2026-11`, `2026-11-01`, or the moment of `2026-11-01T10:00`."""
    if re.fullmatch(r"\d{4}", text):
        return _year(datetime.fromisoformat(f"{text}-01-01"))
    if re.fullmatch(r"\d{4}-\d{2}", text):
        return _month(datetime.fromisoformat(f"{text}-01"))
    moment = datetime.fromisoformat(text)
    return _day(moment) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else (moment, moment)


def _day(moment: datetime) -> _Span:
    first = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return first, first + timedelta(days=1)


def _month(moment: datetime) -> _Span:
    first = _day(moment)[0].replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _year(moment: datetime) -> _Span:
    first = _day(moment)[0].replace(month=1, day=1)
    return first, first.replace(year=first.year + 1)


_EPOCH = datetime.fromtimestamp(0, UTC)

_NAMED: dict[str, Callable[[datetime], _Span]] = {
    "today": _day,
    "yesterday": lambda now: _day(now - timedelta(days=1)),
    "month": _month,
    "year": _year,
    "all": lambda now: (_EPOCH, _day(now)[1]),
}


def _ms(moment: datetime) -> int:
    """A moment of the local clock, where it names no zone of its own."""
    return int(moment.timestamp() * 1000)
