"""Paying again for what may have been paid for already: confirmed, recorded, written like any."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial

from pisang.cli.carrying import Task, carry_out
from pisang.cli.options import Rebuy
from pisang.cli.painting import tell
from pisang.cli.performing import Work
from pisang.cli.screen import Screen
from pisang.cli.watching import patience_of
from pisang.cli.words import say_amount
from pisang.client.async_client import AsyncClient
from pisang.client.delivery import Delivery
from pisang.client.export import Exported
from pisang.client.loading import load_settings
from pisang.client.output import Target, check_output, plan_output
from pisang.client.settings import Settings
from pisang.domain.ledger import AttemptRow
from pisang.engine.events import Listener
from pisang.engine.outcome import at_stake
from pisang.errors import ConfirmationNeeded


def buy_again(asked: Rebuy, screen: Screen) -> int:
    """Buy one unknown attempt's image again; the exit code. Where a look finds the picture that
    was paid for, that is given, and nothing is bought."""
    settings = load_settings()
    out = asked.out or settings.defaults.out
    target = plan_output(out, base=settings.folder, force=asked.force)
    check_output(target, 1)
    row, delivery, found = asyncio.run(_look(asked.id, settings, target))
    if found is not None:
        return tell(found, screen).code
    if not asked.yes:
        _confirm(row, screen)
    task = Task(
        work=Work(
            partial(AsyncClient, settings=settings, face="cli"),
            partial(_buy, row, delivery),
            lambda exported: tell(exported, screen),
        ),
        n=1,
        upstream=row.upstream,
        settings=settings,
        patience=patience_of(None, os.environ, detach=False),
    )
    return carry_out(task, screen).code


async def _look(
    word: str, settings: Settings, target: Target
) -> tuple[AttemptRow, Delivery, Exported | None]:
    """The attempt, where its picture goes, and that picture where it can still be had for free."""
    async with AsyncClient(settings=settings, face="cli") as client:
        looked = await client.look(word)
        result = looked.result or await client.request(looked.row.request_id)
        delivery = Delivery(target, result.prompt, settings.naming)
        found = await client.deliver(result, delivery) if looked.result else None
        return looked.row, delivery, found


async def _buy(
    row: AttemptRow, delivery: Delivery, client: AsyncClient, listen: Listener
) -> Exported:
    result = await client.rebuy(row.id, delivery=delivery, on_event=listen)
    return await client.deliver(result, delivery)


def _confirm(row: AttemptRow, screen: Screen) -> None:
    """Ask on a terminal; elsewhere `--yes` has to say it. Raises `ConfirmationNeeded`."""
    price = at_stake(row) or str(row.price or "?")
    again = f"pisang unknown rebuy {row.id} --yes"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfirmationNeeded(price=price, flag="--yes", hint=again)
    said = say_amount(price, screen.language)
    question = screen.pick(
        f"This may pay {said} a second time. Buy it again? [y/N] ",
        f"这可能会再次扣费：{said}。确定重新购买？[y/N] ",
    )
    sys.stderr.write(question)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes", "是"):
        raise ConfirmationNeeded(price=price, flag="--yes", hint=again)
