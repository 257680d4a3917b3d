"""`pisang history`: what was asked for, newest first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import align, clip
from pisang.cli.words import say_amount, say_state

if TYPE_CHECKING:
    from pisang.client.results import Result

MOST = 1000
"""Rows of one answer; the ledger gives no more at once."""

PROMPT_COLUMNS = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Told):
    """The arguments of `history`."""

    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="Words that stand in the prompt.")
    ] = None
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="How many.")] = 20


@command(examples="pisang history 小猫\npisang history --limit 5 --format json")
def history(asked: History) -> int:
    """What was asked for, newest first: state, cost, images, words."""
    from pisang.client.async_client import AsyncClient

    async def read() -> tuple[Result, ...]:
        async with AsyncClient(face="cli") as client:
            return await client.history(asked.query, limit=asked.limit)

    screen = Screen.of(asked.format)
    found = asyncio.run(read())
    screen.data({"requests": [one.row_json() for one in found]})
    for one in found:
        screen.bare(one.request_id)
    for line in align([_cells(one, screen) for one in found]):
        screen.line(line)
    if not found:
        screen.note(_nothing(asked.query, screen))
    return 0


def _cells(one: Result, screen: Screen) -> tuple[str, ...]:
    from pisang.client.results import local_time

    return (
        local_time(one.created_ms),
        say_state(one.state, screen.language),
        say_amount(one.cost, screen.language),
        f"×{len(one.finals)}",
        one.request_id,
        clip(one.prompt, PROMPT_COLUMNS),
    )


def _nothing(query: str | None, screen: Screen) -> str:
    if query is None:
        return screen.pick("Nothing was asked for yet.", "还没有记录。")
    return screen.pick(f"No prompt holds {query!r}.", f"没有提示词包含 {query!r} 的记录。")
