"""`pisang history`: what was asked for, newest first."""

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
from pisang.cli.table import align, clip, columns_of, fold
from pisang.cli.words import say_amount, say_state

if TYPE_CHECKING:
    from pisang.client.results import Result

MOST = 1000
"""Rows of one answer; the ledger gives no more at once."""

PROMPT_COLUMNS = 44

WIDE = 132
"""From so many columns on, a request fits on one line."""


class StateName(StrEnum):
    """The states a request can be in."""

    PLANNED = "planned"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Told):
    """The arguments of `history`."""

    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="Words that stand in the prompt.")
    ] = None
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="How many.")] = 20
    state: Annotated[
        StateName | None, typer.Option("--state", help="Only those in that state.")
    ] = None
    tag: Annotated[
        str | None, typer.Option("--tag", metavar="WORD", help="Only those with that tag.")
    ] = None
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Such as 7d, today, 2026-08 or 2026-08-21."),
    ] = None


EXAMPLES = """\
pisang history 小猫
pisang history --state unknown
pisang history --tag poster --since 7d --limit 100
pisang history --limit 5 --format json
"""


@command(examples=EXAMPLES)
def history(asked: History) -> int:
    """What was asked for, newest first: state, cost, images, words."""
    from pisang.client.async_client import AsyncClient

    async def read() -> tuple[Result, ...]:
        async with AsyncClient(face="cli") as client:
            return await client.history(
                asked.query,
                limit=asked.limit,
                state=asked.state.value if asked.state else None,
                tag=asked.tag,
                since=asked.since,
            )

    screen = Screen.of(asked.format)
    found = asyncio.run(read())
    screen.data({"requests": [one.row_json() for one in found]})
    for one in found:
        screen.bare(one.request_id)
    for line in _lines(found, screen):
        screen.line(line)
    if not found:
        screen.note(_nothing(asked, screen))
    return 0


def _lines(found: Sequence[Result], screen: Screen) -> list[str]:
    """A table where it fits; on a narrow terminal each request on as many lines as it needs."""
    columns = columns_of()
    cells = [_cells(one, screen) for one in found]
    if columns >= WIDE:
        return align([(*others, clip(prompt, PROMPT_COLUMNS)) for *others, prompt in cells])
    lines: list[str] = []
    for *facts, name, prompt in cells:
        lines += fold(facts, columns) + fold((name, prompt), columns, "  ")
    return lines


def _cells(one: Result, screen: Screen) -> tuple[str, ...]:
    from pisang.client.results import local_time

    return (
        local_time(one.created_ms),
        say_state(one.state, screen.language),
        say_amount(one.cost, screen.language),
        f"×{len(one.finals)}",
        one.request_id,
        one.prompt,
    )


def _nothing(asked: History, screen: Screen) -> str:
    if asked.state or asked.tag or asked.since:
        return screen.pick("No request is like that.", "没有符合条件的记录。")
    if asked.query is None:
        return screen.pick("Nothing was asked for yet.", "还没有记录。")
    query = asked.query
    return screen.pick(f"No prompt holds {query!r}.", f"没有提示词包含 {query!r} 的记录。")
