"""Paying again for what may have been paid for already: confirmed, recorded, written like any."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

from pisang.cli.options import Rebuy
from pisang.cli.painting import tell
from pisang.cli.progress import Progress
from pisang.cli.screen import Screen
from pisang.client.async_client import AsyncClient
from pisang.client.export import Exported, export
from pisang.client.output import Label, check_output, plan_output
from pisang.domain.ledger import AttemptRow
from pisang.engine.outcome import at_stake
from pisang.errors import ConfirmationNeeded


def buy_again(asked: Rebuy, screen: Screen) -> int:
    """Buy one unknown attempt's image again; the exit code."""
    progress = Progress(screen, 1)
    try:
        exported = asyncio.run(_buy(asked, screen, progress))
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt from progress.interrupted("the upstream") or stopped
    return tell(exported, screen)


async def _buy(asked: Rebuy, screen: Screen, progress: Progress) -> Exported:
    async with AsyncClient(face="cli") as client:
        settings = client.settings
        target = plan_output(
            asked.out or settings.defaults.out, base=settings.folder, force=asked.force
        )
        check_output(target, 1)
        looked = await client.look(asked.id)
        result = looked.result
        if result is None:
            if not asked.yes:
                await asyncio.to_thread(_confirm, looked.row, screen)
            with progress:
                result = await client.rebuy(looked.row.id, on_event=progress.hear)
        label = Label(settings.naming, datetime.now().astimezone(), result.prompt, result.model)
        return await asyncio.to_thread(export, result, target, label)


def _confirm(row: AttemptRow, screen: Screen) -> None:
    """Ask on a terminal; elsewhere `--yes` has to say it. Raises `ConfirmationNeeded`."""
    price = at_stake(row) or str(row.price or "?")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfirmationNeeded(price=price, flag="--yes")
    question = screen.pick(
        f"This may pay {price} a second time. Buy it again? [y/N] ",
        f"这可能会再次花费 {price}。确定重新购买？[y/N] ",
    )
    sys.stderr.write(question)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes", "是"):
        raise ConfirmationNeeded(price=price, flag="--yes")
