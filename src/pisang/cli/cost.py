"""`pisang cost`: what was spent, and what may have been."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import align, clip, width_of
from pisang.cli.words import say_amount

if TYPE_CHECKING:
    from pisang.client.costs import CostReport
    from pisang.store.spending import Cost

NAME_COLUMNS = 40


class ByName(StrEnum):
    """What costs are summed by."""

    UPSTREAM = "upstream"
    MODEL = "model"
    DAY = "day"
    TAG = "tag"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class CostOptions(Told):
    """The arguments of `cost`."""

    by: Annotated[ByName, typer.Option("--by", help="What to sum by.")] = ByName.UPSTREAM
    since: Annotated[
        str,
        typer.Option(metavar="WHEN", help="7d, 24h, today, month, year, all, 2026-11-01."),
    ] = "month"
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="To the end of that day (default: now).")
    ] = None
    csv: Annotated[bool, typer.Option("--csv", help="The rows as CSV.")] = False


COST_EXAMPLES = """\
pisang cost
pisang cost --by day --since 7d
pisang cost --by tag --since 2026-11-01 --until 2026-11-15 --csv
"""


@command(examples=COST_EXAMPLES)
def cost(asked: CostOptions) -> int:
    """What was spent this month, by upstream; or by day, model, tag, key, over another time.

    `at stake` is what unknown outcomes may have cost. Days are your clock's. The sandbox's play
    money is in no sum.
    """
    from pisang.client.async_client import AsyncClient
    from pisang.client.costs import costs_csv

    async def read() -> tuple[CostReport, int]:
        async with AsyncClient(face="cli") as client:
            report = await client.costs(asked.by.value, since=asked.since, until=asked.until)
            return report, len(await client.unknown())

    screen = Screen.of(asked.format)
    report, unknown = asyncio.run(read())
    if asked.csv:
        for line in costs_csv(report).splitlines():
            screen.line(line)
        return 0
    screen.data(report.to_json())
    for row in report.rows:
        screen.bare(f"{row.name}\t{_plain(row, row.spent_micros)}")
    _tell(report, screen)
    for note in _notes(report, unknown, screen):
        screen.note(note)
    return 0


def _tell(report: CostReport, screen: Screen) -> None:
    from pisang.cli.budget import standing_lines
    from pisang.client.results import local_time

    since = local_time(report.since_ms) if report.since_ms else screen.pick("the first", "最初")
    until = local_time(report.until_ms) if report.until_ms else screen.pick("now", "现在")
    screen.line(screen.pick(f"From {since} to {until}", f"{since} 至 {until}"))
    screen.line()
    if report.rows:
        for line in _table(report, screen):
            screen.line(line)
    else:
        screen.line(screen.pick("Nothing was paid for in that time.", "这段时间没有付费请求。"))
    if report.budgets:
        screen.line()
    for line in standing_lines(report.budgets, screen):
        screen.line(line)


_HEADS = {
    "upstream": ("upstream", "上游"),
    "model": ("model", "模型"),
    "day": ("day", "日期"),
    "tag": ("tag", "标签"),
    "key": ("key", "密钥"),
}
_COLUMNS = (
    ("spent", "已花费"),
    ("at stake", "待确认"),
    ("written off", "已核销"),
    ("images", "图片"),
    ("attempts", "尝试"),
)
_GIVEN_UP = 2


def _table(report: CostReport, screen: Screen) -> list[str]:
    head = (screen.pick(*_HEADS[report.by]), *(screen.pick(*one) for one in _COLUMNS))
    rows = [_cells(row, clip(row.name, NAME_COLUMNS) or "—", screen) for row in report.rows]
    total = screen.pick("in all", "合计")
    totals = [_cells(one, total, screen) for one in report.totals]
    if report.ledger is not None and len(report.totals) > 1:
        totals.append(_cells(report.ledger, f"≈ {report.ledger.currency}", screen))
    if len(report.rows) == 1 and len(totals) == 1:
        totals = []
    cells = [head, *rows, *totals]
    if not any(one.given_up_micros for one in report.totals):
        cells = [(*row[: _GIVEN_UP + 1], *row[_GIVEN_UP + 2 :]) for row in cells]
    lines = align(_right(cells))
    if totals:
        lines.insert(len(rows) + 1, "─" * max(map(width_of, lines)))
    return lines


def _right(cells: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The cells, all but the first of each row set to the right of their column."""
    widths = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    return [
        (
            row[0],
            *(
                " " * (width - width_of(cell)) + cell
                for cell, width in zip(row[1:], widths[1:], strict=True)
            ),
        )
        for row in cells
    ]


def _cells(cost: Cost, name: str, screen: Screen) -> tuple[str, ...]:
    amounts = (cost.spent_micros, cost.at_stake_micros, cost.given_up_micros)
    return (
        name,
        *(_amount(cost, micros, screen) for micros in amounts),
        str(cost.images),
        str(cost.attempts),
    )


def _amount(cost: Cost, micros: int, screen: Screen) -> str:
    if not micros or not cost.currency:
        return "—"
    return say_amount(_plain(cost, micros), screen.language)


def _plain(cost: Cost, micros: int) -> str:
    from pisang.domain.money import Money

    return str(Money(micros, cost.currency)) if cost.currency else "-"


def _notes(report: CostReport, unknown: int, screen: Screen) -> Iterator[str]:
    """What the figures leave out, and the next commands. `unknown` attempts have an unknown
    outcome, whatever is known of their price."""
    unpriced = sum(one.unpriced for one in report.totals)
    if unpriced:
        names = (one.name for one in report.rows if one.unpriced and report.by == "upstream")
        name = next(names, "NAME")
        yield screen.pick(
            f"{unpriced} attempts cost what nobody knows here; a price is set with "
            f"`pisang upstream price {name}`.",
            f"另有 {unpriced} 次尝试的价格未知；设置价格：`pisang upstream price {name}`。",
        )
    for currency in report.missing:
        yield screen.pick(
            f"No rate says what 1 {currency} is worth: pisang budget rate {currency} 0.14",
            f"没有设置 {currency} 的汇率：pisang budget rate {currency} 0.14",
        )
    if unknown:
        yield screen.pick(
            f"{unknown} with an unknown outcome: pisang unknown list",
            f"结果未知的尝试有 {unknown} 次：pisang unknown list",
        )
    if report.play.attempts:
        count = report.play.images
        yield screen.pick(
            f"The sandbox painted {count} more; nobody pays for those.",
            f"沙盒另外绘制了 {count} 张，不计费用。",
        )
