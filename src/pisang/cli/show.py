"""`pisang show`: one request with attempts, money and lineage; two compared; many on a sheet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pisang.cli import candidates
from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import clip, columns_of, flow
from pisang.cli.words import say_amount, say_charged, say_state
from pisang.errors import UsageError

if TYPE_CHECKING:
    from pisang.client.results import Picture, Result
    from pisang.domain.ledger import AttemptRow


PROMPT_COLUMNS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Told):
    """The arguments of `show`."""

    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID",
            help="A request or image id, its beginning, a file, or `last` (the default). "
            "Several with --sheet.",
            autocompletion=candidates.requests,
        ),
    ] = None
    open: Annotated[bool, typer.Option("--open", help="Show the image.")] = False
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="ID",
            help="In what it differs from that one.",
            autocompletion=candidates.requests,
        ),
    ] = None
    sheet: Annotated[
        str | None,
        typer.Option("--sheet", metavar="FILE", help="Their images small on one picture."),
    ] = None
    last: Annotated[
        int | None,
        typer.Option("--last", min=1, max=200, help="So many newest requests, for --sheet."),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Overwrite the sheet's file.")] = False


@dataclass(frozen=True, slots=True)
class Story:
    """A request, the ones that led to it (nearest first), and the edits of its images."""

    result: Result
    parents: tuple[Result, ...]
    children: tuple[Result, ...]


EXAMPLES = """\
pisang show last
pisang show 3f9a2c --format json
pisang show cat.jpg --compare last --sheet both.png
pisang show --last 12 --sheet contact.png
"""


@command(examples=EXAMPLES)
def show(asked: Show) -> int:
    """One request or image: what was asked, each attempt and what it cost, the chain of edits
    that led to it, and the edits that were made of it.

    With --compare, in what two differ; --sheet then puts their images side by side. With --sheet
    alone, a contact sheet.
    """
    screen = Screen.of(asked.format)
    words = asked.what or ["last"]
    _check(asked, words)
    if asked.compare is not None:
        return _compare(words[0], asked.compare, asked, screen)
    if asked.sheet is not None:
        return _lay_out(asked.sheet, asked, screen)
    return _show_one(words[0], asked, screen)


def _check(asked: Show, words: list[str]) -> None:
    """Raises `UsageError` for arguments that don't go together."""
    if asked.last is not None and (asked.sheet is None or asked.what or asked.compare):
        what = "--last goes with --sheet, and stands in place of ids."
        raise UsageError(what=what, hint="pisang show --last 12 --sheet contact.png")
    if len(words) > 1 and (asked.sheet is None or asked.compare):
        what = f"{len(words)} ids were given: one is shown at a time, several go on a sheet."
        raise UsageError(what=what, hint=f"pisang show {' '.join(words)} --sheet contact.png")
    if asked.force and asked.sheet is None:
        raise UsageError(what="--force goes with --sheet.", hint="pisang show --help")


def _compare(first: str, second: str, asked: Show, screen: Screen) -> int:
    from pisang.cli.comparing import difference_json, differences, tell_differences
    from pisang.cli.sheet import PAIR_PX, place, write_sheet

    one, other = asyncio.run(_requests([first, second]))
    found = differences(one, other, screen)
    pair = [replace(result, images=result.finals[:1]) for result in (one, other)]
    path = None
    if asked.sheet is not None:
        path = write_sheet(place(pair), asked.sheet, force=asked.force, side=PAIR_PX)
    screen.data(
        {
            "first": one.request_id,
            "second": other.request_id,
            "differences": [difference_json(fact) for fact in found],
            "path": str(path) if path else None,
        }
    )
    tell_differences(found, screen)
    return _tell_file(path, asked, screen)


def _lay_out(sheet: str, asked: Show, screen: Screen) -> int:
    from pisang.cli.sheet import place, tell_sheet, write_sheet

    reading = _newest(asked.last) if asked.last else _requests(asked.what or ["last"])
    placed = place(asyncio.run(reading))
    path = write_sheet(placed, sheet, force=asked.force)
    tell_sheet(path, placed, screen)
    return _look(path, asked, screen)


def _tell_file(path: Path | None, asked: Show, screen: Screen) -> int:
    if path is None:
        return 0
    screen.bare(str(path))
    screen.file(path)
    return _look(path, asked, screen)


def _look(path: Path, asked: Show, screen: Screen) -> int:
    """Show a picture here, and where it is asked for in the desktop's viewer; exit code 0."""
    from pisang.cli.opening import open_picture
    from pisang.cli.preview import preview

    preview(path, screen)
    if asked.open:
        screen.warn(open_picture(path))
    return 0


def _show_one(word: str, asked: Show, screen: Screen) -> int:
    story = asyncio.run(_read(word))
    finals = story.result.finals
    screen.data(shown_json(story))
    for image in finals:
        screen.bare(str(image.path))
    _tell(story, screen)
    return _look(finals[0].path, asked, screen) if finals else 0


async def _requests(words: list[str]) -> tuple[Result, ...]:
    from pisang.client.async_client import AsyncClient

    async with AsyncClient(face="cli") as client:
        return tuple([await client.request(word) for word in words])


async def _newest(count: int) -> tuple[Result, ...]:
    from pisang.client.async_client import AsyncClient

    async with AsyncClient(face="cli") as client:
        return await client.history(limit=count)


async def _read(what: str) -> Story:
    from pisang.client.async_client import AsyncClient

    async with AsyncClient(face="cli") as client:
        result = await client.request(what)
        return Story(result, await client.lineage(result), await client.children(result))


def shown_json(story: Story) -> dict[str, Any]:
    """The whole story of a request as one object."""
    from pisang.client.records import attempt_json

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


def _tell(story: Story, screen: Screen) -> None:
    from pisang.client.results import local_time

    result, language = story.result, screen.language
    state, cost = say_state(result.state, language), say_amount(result.cost, language)
    columns = columns_of()
    _say((result.request_id, local_time(result.created_ms), state), columns, screen, lead="")
    screen.line(f"  {result.prompt}")
    _say((result.model, result.upstream, cost), columns, screen)
    for image in result.images:
        _say_image(image, columns, screen)
    for row in result.attempts:
        _say(_attempt_cells(row, screen), columns, screen)
    for arrow, others in (("←", story.parents), ("→", story.children)):
        for one in others:
            screen.line(f"  {arrow} {one.request_id}  {clip(one.prompt, PROMPT_COLUMNS)}")
    screen.warn(result.warnings)
    for failure in result.failures:
        screen.say(failure)


def _say(cells: Sequence[str], columns: int, screen: Screen, lead: str = "  ") -> None:
    for line in flow(cells, columns, lead):
        screen.line(line)


def _say_image(image: Picture, columns: int, screen: Screen) -> None:
    """An image's facts, and its file on a line of its own: that is what is copied."""
    draft = screen.pick(" (draft)", "（草稿）") if image.draft else ""
    there = image.path.exists()
    gone = () if there else (screen.pick("cleared away", "已清理"),)
    shape = f"{image.width}×{image.height}"
    _say((image.sha256[:12], shape, f"{image.mime}{draft}", *gone), columns, screen)
    if there:
        screen.file(image.path, lead="    ")


def _attempt_cells(row: AttemptRow, screen: Screen) -> tuple[str, ...]:
    from pisang.client.results import Cost

    language = screen.language
    took = ""
    if row.sent_ms is not None and row.ended_ms is not None:
        took = f"{(row.ended_ms - row.sent_ms) / 1000:.1f} s"
    money = Cost(row.cost, "sandbox" if row.free else row.basis)
    cost = say_amount(money, language) if row.cost else ""
    said = say_state(row.state, language), say_charged(row.charged, language)
    return tuple(part for part in (row.id, *said, cost, took) if part)
