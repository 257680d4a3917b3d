"""`pisang show`: one request, with its attempts, money and lineage."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import clip
from pisang.cli.words import say_amount, say_charged, say_state

if TYPE_CHECKING:
    from pisang.client.results import Picture, Result
    from pisang.domain.ledger import AttemptRow


PROMPT_COLUMNS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Told):
    """The arguments of `show`."""

    what: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A request or image id, its beginning, a file, or `last`."
        ),
    ] = "last"
    open: Annotated[bool, typer.Option("--open", help="Show the image.")] = False


@dataclass(frozen=True, slots=True)
class Story:
    """A request, the ones that led to it (nearest first), and the edits of its images."""

    result: Result
    parents: tuple[Result, ...]
    children: tuple[Result, ...]


@command(examples="pisang show last\npisang show 3f9a2c --format json\npisang show cat.jpg")
def show(asked: Show) -> int:
    """One request or image: what was asked, each attempt and what it cost, the chain of edits
    that led to it, and the edits that were made of it."""
    from pisang.cli.opening import open_picture

    screen = Screen.of(asked.format)
    story = asyncio.run(_read(asked.what))
    finals = story.result.finals
    screen.data(shown_json(story))
    for image in finals:
        screen.bare(str(image.path))
    _tell(story, screen)
    if asked.open and finals:
        screen.warn(open_picture(finals[0].path))
    return 0


async def _read(what: str) -> Story:
    from pisang.client.async_client import AsyncClient

    async with AsyncClient(face="cli") as client:
        result = await client.request(what)
        return Story(result, await client.lineage(result), await client.children(result))


def shown_json(story: Story) -> dict[str, Any]:
    """The whole story of a request as one object."""
    result = story.result
    return {
        **result.to_json(),
        "prompt": result.prompt,
        "created_at": result.row_json()["created_at"],
        "tags": list(result.tags),
        "attempts": [attempt_json(one) for one in result.attempts],
        "lineage": [_relative(one) for one in story.parents],
        "children": [_relative(one) for one in story.children],
    }


def _relative(one: Result) -> dict[str, Any]:
    return {"request_id": one.request_id, "prompt": one.prompt, "state": one.state.value}


def attempt_json(row: AttemptRow) -> dict[str, Any]:
    """One attempt for scripts."""
    return {
        "id": row.id,
        "ordinal": row.ordinal,
        "upstream": row.upstream,
        "model": row.model,
        "state": row.state.value,
        "charged": row.charged.value,
        "cost": str(row.cost) if row.cost else None,
        "play_money": row.free,
        "status": row.status,
        "error": row.error_code,
        "message": row.message,
        "log_id": row.log_id,
        "upstream_request_id": row.upstream_request_id,
        "sent_ms": row.sent_ms,
        "ended_ms": row.ended_ms,
    }


def _tell(story: Story, screen: Screen) -> None:
    from pisang.client.results import local_time

    result, language = story.result, screen.language
    state, cost = say_state(result.state, language), say_amount(result.cost, language)
    screen.line(f"{result.request_id}  {local_time(result.created_ms)}  {state}")
    screen.line(f"  {result.prompt}")
    screen.line(f"  {result.model} · {result.upstream} · {cost}")
    for image in result.images:
        screen.line(f"  {_image_line(image, screen)}")
    for row in result.attempts:
        screen.line(f"  {_attempt_line(row, screen)}")
    for arrow, others in (("←", story.parents), ("→", story.children)):
        for one in others:
            screen.line(f"  {arrow} {one.request_id}  {clip(one.prompt, PROMPT_COLUMNS)}")
    screen.warn(result.warnings)
    for failure in result.failures:
        screen.say(failure)


def _image_line(image: Picture, screen: Screen) -> str:
    draft = screen.pick(" (draft)", "（草稿）") if image.draft else ""
    where = str(image.path) if image.path.exists() else screen.pick("cleared away", "已清理")
    shape = f"{image.width}×{image.height}"
    return f"{image.sha256[:12]}  {shape}  {image.mime}{draft}  {where}"


def _attempt_line(row: AttemptRow, screen: Screen) -> str:
    from pisang.client.results import Cost

    language = screen.language
    took = ""
    if row.sent_ms is not None and row.ended_ms is not None:
        took = f"{(row.ended_ms - row.sent_ms) / 1000:.1f} s"
    money = Cost(row.cost, "sandbox" if row.free else row.basis)
    cost = say_amount(money, language) if row.cost else ""
    said = say_state(row.state, language), say_charged(row.charged, language)
    return "  ".join(part for part in (row.id, *said, cost, took) if part)
