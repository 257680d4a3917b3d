"""`pisang unknown`: attempts of which nobody knows whether they were made or billed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pisang.cli.frame import command
from pisang.cli.options import One, Rebuy, Told
from pisang.cli.screen import Screen
from pisang.cli.table import align
from pisang.cli.words import say_amount

if TYPE_CHECKING:
    from pisang.client.async_client import AsyncClient
    from pisang.client.looking import Looked
    from pisang.domain.ledger import AttemptRow


def _client() -> AsyncClient:
    from pisang.client.async_client import AsyncClient

    return AsyncClient(face="cli")


@command(examples="pisang unknown list --format json")
def list_(asked: Told) -> int:
    """All of them, oldest first, with the amount at stake. Each counts as spent until resolved."""

    async def read() -> tuple[AttemptRow, ...]:
        async with _client() as client:
            return await client.unknown()

    screen = Screen.of(asked.format)
    rows = asyncio.run(read())
    screen.data({"unknown": [unknown_json(row) for row in rows]})
    for row in rows:
        screen.bare(row.id)
    for line in align([_cells(row, screen) for row in rows]):
        screen.line(line)
    if not rows:
        screen.note(screen.pick("Nothing is unknown.", "没有结果未知的请求。"))
    else:
        screen.note(_exits(rows[0], screen, "look", "rebuy", "write-off"))
    return 0


@command(examples="pisang unknown look att_01k9")
def look(asked: One) -> int:
    """Everything that is known of one: when and where it was sent, the upstream's own ids for it,
    how it ended. A picture that its answer named by a link is tried again; nothing is paid."""

    async def read() -> Looked:
        async with _client() as client:
            return await client.look(asked.id)

    screen = Screen.of(asked.format)
    looked = asyncio.run(read())
    facts = unknown_json(looked.row)
    made = looked.result.finals if looked.result else ()
    said = looked.error.message(screen.language) if looked.error else None
    screen.data({**facts, "images": [image.to_json() for image in made], "tried": said})
    screen.bare(looked.row.id)
    for line in align([(name, str(value)) for name, value in facts.items() if value is not None]):
        screen.line(line)
    for image in made:
        screen.line(f"{image.path}  {image.width}×{image.height}  {image.mime}")
    screen.note(_finding(looked, screen))
    if not made:
        screen.note(_exits(looked.row, screen, "rebuy", "write-off"))
    return 0


def _finding(looked: Looked, screen: Screen) -> str:
    """What the look came to, in a sentence."""
    if looked.result is not None:
        return screen.pick(
            "The picture was had: the attempt is done, and nothing more was paid.",
            "已取到图片：该请求已完成，没有再次付费。",
        )
    if looked.error is not None:
        tried = screen.pick("Its link was tried again", "已再次尝试其中的链接")
        return f"{tried}: {looked.error.message(screen.language)}"
    name = looked.row.upstream
    handle = looked.row.upstream_request_id or looked.row.log_id or looked.row.response_id
    by, zh = (f"the id {handle}", f"编号 {handle}") if handle else ("the time", "发送时间")
    return screen.pick(
        f"No link to a picture came, so nothing can be tried here: {name}'s own log may tell, by "
        f"{by}, whether it was billed.",
        f"回答中没有图片链接，无从再试：可按{zh}在 {name} 的日志里核对是否扣费。",
    )


@command(examples="pisang unknown write-off att_01k9")
def write_off(asked: One) -> int:
    """Give it up. Its price goes on counting as spent; it is listed no more."""

    async def do() -> AttemptRow:
        async with _client() as client:
            return await client.write_off(asked.id)

    screen = Screen.of(asked.format)
    row = asyncio.run(do())
    screen.data({"id": row.id, "state": "written_off"})
    screen.bare(row.id)
    screen.line(screen.pick(f"{row.id} is written off.", f"已核销 {row.id}。"))
    return 0


@command(examples="pisang unknown rebuy att_01k9 --yes --out cat.png")
def rebuy(asked: Rebuy) -> int:
    """Buy it again from the same upstream, on the record: it may then have been paid for twice."""
    from pisang.cli.rebuying import buy_again

    screen = Screen.of(asked.format)
    return buy_again(asked, screen)


def unknown_json(row: AttemptRow) -> dict[str, Any]:
    """One unknown attempt for scripts."""
    from pisang.client.results import iso_time
    from pisang.engine.outcome import at_stake

    return {
        "id": row.id,
        "request_id": row.request_id,
        "state": row.state.value,
        "upstream": row.upstream,
        "model": row.model,
        "at_stake": at_stake(row),
        "sent_at": iso_time(row.sent_ms) if row.sent_ms is not None else None,
        "status": row.status,
        "message": row.message,
        "excerpt": row.excerpt or None,
        "log_id": row.log_id,
        "upstream_request_id": row.upstream_request_id,
        "response_id": row.response_id,
    }


def _cells(row: AttemptRow, screen: Screen) -> tuple[str, ...]:
    from pisang.client.results import local_time
    from pisang.engine.outcome import at_stake

    stake = at_stake(row)
    said = say_amount(stake, screen.language) if stake else screen.pick("nothing", "无费用")
    return row.id, local_time(row.created_ms), row.upstream, row.model, said


def _exits(row: AttemptRow, screen: Screen, *verbs: str) -> str:
    commands = " | ".join(f"pisang unknown {verb} {row.id}" for verb in verbs)
    return f"{screen.pick('Next', '下一步')}: {commands}"
