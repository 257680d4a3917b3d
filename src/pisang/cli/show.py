"""`pisang show`: one request, with its attempts, money and lineage."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.client.results import Result
    from pisang.domain.ledger import AttemptRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Told):
    """The arguments of `show`."""

    what: Annotated[
        str,
        typer.Argument(metavar="ID", help="A request or image id, its beginning, or `last`."),
    ] = "last"
    open: Annotated[bool, typer.Option("--open", help="Show the image.")] = False


@command(examples="pisang show last\npisang show 3f9a2c --format json")
def show(asked: Show) -> int:
    """One request or image: what was asked, each attempt and what it cost, and the chain of
    edits that led to it."""
    from pisang.cli.opening import open_picture
    from pisang.client.async_client import AsyncClient

    async def read() -> tuple[Result, tuple[Result, ...]]:
        async with AsyncClient(face="cli") as client:
            result = await client.request(asked.what)
            return result, await client.lineage(result)

    screen = Screen.of(asked.format)
    result, parents = asyncio.run(read())
    screen.data(shown_json(result, parents))
    for image in result.finals:
        screen.bare(str(image.path))
    _tell(result, parents, screen)
    if asked.open and result.finals:
        screen.warn(open_picture(result.finals[0].path))
    return 0


def shown_json(result: Result, parents: tuple[Result, ...]) -> dict[str, Any]:
    """The whole story of a request as one object."""
    return {
        **result.to_json(),
        "prompt": result.prompt,
        "created_at": result.row_json()["created_at"],
        "tags": list(result.tags),
        "attempts": [attempt_json(one) for one in result.attempts],
        "lineage": [
            {"request_id": one.request_id, "prompt": one.prompt, "state": one.state.value}
            for one in parents
        ],
    }


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
        "status": row.status,
        "error": row.error_code,
        "message": row.message,
        "log_id": row.log_id,
        "upstream_request_id": row.upstream_request_id,
        "sent_ms": row.sent_ms,
        "ended_ms": row.ended_ms,
    }


def _tell(result: Result, parents: tuple[Result, ...], screen: Screen) -> None:
    from pisang.client.results import local_time

    screen.line(f"{result.request_id}  {local_time(result.created_ms)}  {result.state.value}")
    screen.line(f"  {result.prompt}")
    screen.line(f"  {result.model} · {result.upstream} · {result.cost}")
    for image in result.images:
        draft = " (draft)" if image.draft else ""
        where = str(image.path) if image.path.exists() else screen.pick("cleared away", "已清理")
        screen.line(
            f"  {image.sha256[:12]}  {image.width}×{image.height}  {image.mime}{draft}  {where}"
        )
    for row in result.attempts:
        screen.line(f"  {_attempt_line(row)}")
    for one in parents:
        screen.line(f"  ← {one.request_id}  {one.prompt}")
    screen.warn(result.warnings)
    for failure in result.failures:
        screen.say(failure)


def _attempt_line(row: AttemptRow) -> str:
    took = ""
    if row.sent_ms is not None and row.ended_ms is not None:
        took = f"{(row.ended_ms - row.sent_ms) / 1000:.1f} s"
    cost = str(row.cost) if row.cost else "—"
    parts = (row.id, row.state.value, f"charged {row.charged.value}", cost, took)
    return "  ".join(part for part in parts if part)
