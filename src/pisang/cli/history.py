"""`pisang history`: what was asked for, newest first."""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen

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
        screen.line(_line(one))
    if not found:
        screen.note(screen.pick("Nothing was asked for yet.", "还没有记录。"))
    return 0


def _line(one: Result) -> str:
    from pisang.client.results import local_time

    images = f"×{len(one.finals)}"
    words = clip(one.prompt, PROMPT_COLUMNS)
    head = f"{local_time(one.created_ms)}  {one.state.value:11} {one.cost!s:>10}"
    return f"{head}  {images}  {words}  {one.request_id}"


def clip(text: str, columns: int) -> str:
    """One line of at most so many terminal columns, Chinese counted double."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    width = 0
    for at, character in enumerate(flat):
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > columns:
            return flat[: max(at - 1, 0)] + "…"
    return flat
