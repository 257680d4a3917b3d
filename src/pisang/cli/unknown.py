"""`pisang unknown`: attempts of which nobody knows whether they were made or billed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pisang.cli.frame import command
from pisang.cli.options import One, Rebuy, Told
from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.client.async_client import AsyncClient
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
        screen.line(_line(row, screen))
    if not rows:
        screen.note(screen.pick("Nothing is unknown.", "没有结果未知的请求。"))
    else:
        screen.note(_exits(rows[0], screen))
    return 0


@command(examples="pisang unknown look att_01k9")
def look(asked: One) -> int:
    """Everything that is known of one: when and where it was sent, the upstream's own ids for it,
    how it ended. Nothing is sent and nothing is paid."""

    async def read() -> AttemptRow:
        async with _client() as client:
            return await client.look(asked.id)

    screen = Screen.of(asked.format)
    row = asyncio.run(read())
    found = unknown_json(row)
    screen.data(found)
    screen.bare(row.id)
    for name, value in found.items():
        if value is not None:
            screen.line(f"{name:20} {value}")
    screen.note(_exits(row, screen))
    return 0


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


def _line(row: AttemptRow, screen: Screen) -> str:
    from pisang.client.results import local_time
    from pisang.engine.outcome import at_stake

    stake = at_stake(row) or screen.pick("nothing at stake", "无费用")
    return f"{row.id}  {local_time(row.created_ms)}  {row.upstream}  {row.model}  {stake}"


def _exits(row: AttemptRow, screen: Screen) -> str:
    commands = " | ".join(
        f"pisang unknown {verb} {row.id}" for verb in ("look", "rebuy", "write-off")
    )
    return f"{screen.pick('Next', '下一步')}: {commands}"
