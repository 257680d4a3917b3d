"""`pisang budget`: caps, the ledger's currency, and what other currencies are worth in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import align

if TYPE_CHECKING:
    from pisang.client.settings import Settings
    from pisang.domain.ledger import Budget
    from pisang.store.spending import Standing


class PeriodName(StrEnum):
    """How long a cap holds before it is counted anew."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


_PERIODS = {"day": ("a day", "每日"), "month": ("a month", "每月"), "total": ("in all", "总计")}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBudget(Told):
    """The arguments of `budget set`."""

    scope: Annotated[
        str,
        typer.Argument(
            metavar="[SCOPE]", help="all (default), upstream:NAME, key:ID or team:NAME."
        ),
    ]
    cap: Annotated[str | None, typer.Argument(metavar="CAP", help="Such as 50USD.")] = None
    per: Annotated[PeriodName, typer.Option("--per", help="What it is counted over.")] = (
        PeriodName.MONTH
    )
    time_zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Whose days (default: this machine's)."),
    ] = None


SET_EXAMPLES = """\
pisang budget set 50USD
pisang budget set all 10CNY --per day --time-zone Asia/Shanghai
pisang budget set upstream:ikuncode 200CNY --per month
"""


@command(examples=SET_EXAMPLES)
def set_(asked: SetBudget) -> int:
    """Set a cap. A purchase whose worst price would pass it is refused before anything is sent;
    what was spent in its present window counts from the first."""
    from pisang.client.budgeting import read_cap
    from pisang.client.config_money import put_budget
    from pisang.client.loading import load_settings

    screen = Screen.of(asked.format)
    scope, text = ("all", asked.scope) if asked.cap is None else (asked.scope, asked.cap)
    settings = load_settings()
    budget = read_cap(settings, scope, text, asked.per.value, asked.time_zone)
    put_budget(settings.home, budget)
    return _list(screen, only=budget)


@command(examples="pisang budget list --format json")
def list_(asked: Told) -> int:
    """Every cap: what is spent and held of it, what is left, when it is counted anew."""
    return _list(Screen.of(asked.format))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveBudget(Told):
    """The arguments of `budget remove`."""

    id: Annotated[str, typer.Argument(metavar="ID", help="As `budget list` names it.")]


@command(examples="pisang budget remove all-month")
def remove(asked: RemoveBudget) -> int:
    """Take a cap away."""
    from pisang.client.config_money import drop_budget
    from pisang.client.loading import load_settings
    from pisang.errors import NotFound

    screen = Screen.of(asked.format)
    if not drop_budget(load_settings().home, asked.id):
        raise NotFound(what="budget", id=asked.id, hint="pisang budget list")
    asyncio.run(_standings())  # what the ledger counts goes with it
    screen.data({"removed": asked.id})
    screen.line(screen.pick(f"{asked.id} is gone.", f"已删除预算 {asked.id}。"))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Told):
    """The arguments of `budget rate`."""

    currency: Annotated[str | None, typer.Argument(metavar="CURRENCY", help="Such as CNY.")] = None
    rate: Annotated[str | None, typer.Argument(metavar="RATE", help="What one of it is worth.")] = (
        None
    )
    remove: Annotated[bool, typer.Option("--remove", help="Take the rate back.")] = False


@command(
    examples="pisang budget rate CNY 0.14\npisang budget rate\npisang budget rate CNY --remove"
)
def rate(asked: Rate) -> int:
    """What one unit of a currency is worth in the ledger's: list, set, take back. Prices in that
    currency then count toward every cap. Pisang asks nobody for rates."""
    from pisang.client.budgeting import set_rate
    from pisang.client.loading import load_settings
    from pisang.errors import OptionInvalid

    screen = Screen.of(asked.format)
    settings = load_settings()
    if asked.currency is not None:
        if (asked.rate is None) is not asked.remove:
            why = "give what one of it is worth, such as 0.14, or --remove"
            raise OptionInvalid(option="RATE", value=asked.rate or "", why=why)
        set_rate(settings, asked.currency, asked.rate)
        settings = load_settings()
    _tell_rates(settings, screen)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency(Told):
    """The arguments of `budget currency`."""

    code: Annotated[str | None, typer.Argument(metavar="CODE", help="Such as CNY.")] = None


@command(examples="pisang budget currency CNY")
def currency(asked: Currency) -> int:
    """The ledger's one currency, which caps are counted in: say or set it."""
    from pisang.client.budgeting import set_currency
    from pisang.client.loading import load_settings

    screen = Screen.of(asked.format)
    settings = load_settings()
    if asked.code is not None:
        set_currency(settings, asked.code)
        settings = load_settings()
    _tell_rates(settings, screen)
    return 0


def _tell_rates(settings: Settings, screen: Screen) -> None:
    rates = {name: f"{one.normalize():f}" for name, one in settings.rates.items()}
    screen.data({"currency": settings.currency, "rates": rates})
    screen.bare(settings.currency)
    own = settings.currency
    screen.line(screen.pick(f"The ledger counts in {own}.", f"账本货币：{own}"))
    for name, one in rates.items():
        screen.line(f"1 {name} = {one} {own}")


def _list(screen: Screen, only: Budget | None = None) -> int:
    from pisang.client.costs import standing_json

    found = [one for one in asyncio.run(_standings()) if only is None or one.budget.id == only.id]
    screen.data({"budgets": [standing_json(one) for one in found]})
    for one in found:
        screen.bare(one.budget.id)
    for line in standing_lines(found, screen):
        screen.line(line)
    if not found:
        screen.note(
            screen.pick(
                "No cap is set: pisang budget set 50USD", "没有预算：pisang budget set 50USD"
            )
        )
    return 0


async def _standings() -> tuple[Standing, ...]:
    from pisang.client.async_client import AsyncClient

    async with AsyncClient(face="cli") as client:
        return await client.budgets()


def standing_lines(standings: Sequence[Standing], screen: Screen) -> list[str]:
    """A line a cap, and one more where something is not counted in it."""
    lines = align([_cells(one, screen) for one in standings])
    for one in standings:
        if one.uncounted:
            what = " + ".join(map(str, one.uncounted))
            lines.append(
                screen.pick(
                    f"{one.budget.id}: {what} was spent in currencies that it is not counted in",
                    f"{one.budget.id}：另有 {what} 以其他货币支出，未计入",
                )
            )
    return lines


def _cells(one: Standing, screen: Screen) -> tuple[str, ...]:
    from pisang.client.costs import left_of, spent_of
    from pisang.client.results import local_time

    budget = one.budget
    period = screen.pick(*_PERIODS[budget.period])
    open_ = [
        screen.pick(f"{amount} {en}", f"{zh} {amount}")
        for amount, en, zh in (
            (one.held, "held", "在途"),
            (one.at_stake, "at stake", "待确认"),
        )
        if amount.micros
    ]
    spent, left = spent_of(one), left_of(one)
    said = [
        screen.pick(f"{spent} spent", f"已花费 {spent}"),
        *open_,
        screen.pick(f"{left} left", f"剩余 {left}"),
    ]
    resets = ""
    if budget.period != "total":
        when = local_time(one.until_ms)
        resets = screen.pick(f"resets {when}", f"{when} 重置")
    return (
        budget.id,
        f"{budget.scope} {period} {budget.cap}",
        screen.pick(", ", "，").join(said),
        resets,
    )
