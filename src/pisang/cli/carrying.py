"""Paid work carried out: by a keeper that this process watches, or here where there is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pisang.cli.keeper import can_keep, start
from pisang.cli.performing import Report, Work, perform
from pisang.cli.preview import preview
from pisang.cli.progress import Progress
from pisang.cli.screen import Screen
from pisang.cli.watching import Died, Left, Patience, Watch, tell_left
from pisang.client.async_client import AsyncClient
from pisang.client.export import Exported
from pisang.client.settings import Settings
from pisang.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Task:
    """What a command has to carry out: `n` images from the upstream of that name. `reads_stdin`:
    one of its pictures comes from standard input."""

    work: Work
    n: int
    upstream: str
    settings: Settings
    patience: Patience
    reads_stdin: bool = False


def carry_out(task: Task, screen: Screen) -> Report:
    """Do it and print what came of it; the first picture too, on a terminal that can show it."""
    progress = Progress(screen, task.n)
    report = (
        _kept(task, progress, screen) if can_keep(os.environ) else _alone(task, progress, screen)
    )
    for picture in report.pictures[:1]:
        preview(Path(picture), screen)
    return report


def _kept(task: Task, progress: Progress, screen: Screen) -> Report:
    keeper = start(task.work, screen, reads_stdin=task.reads_stdin)
    ended = Watch(keeper, screen, progress, task.patience).run()
    if isinstance(ended, Left):
        return Report(tell_left(ended, screen, asked=task.patience.detach))
    if isinstance(ended, Died):
        return task.work.tell(_after_death(ended, task.settings))
    return Report(ended.code, tuple(map(str, ended.pictures)))


class _Alone:
    """This very process as its own front: it draws, and prints."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.hear = progress.hear

    def attend(self, leave: Callable[[], None], stop: Callable[[], None]) -> None:
        """Nobody can leave: who ends this process ends the work too."""

    def give(self, say: Callable[[], Report]) -> tuple[Report, bool]:
        """Print it, below where progress was drawn."""
        self._progress.close()
        return say(), True


def _alone(task: Task, progress: Progress, screen: Screen) -> Report:
    try:
        with progress:
            return perform(task.work, _Alone(progress), screen)
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt from progress.interrupted(task.upstream) or stopped


def _after_death(died: Died, settings: Settings) -> Exported:
    """What the ledger knows of a request whose keeper died: opening it settles what was left.

    Raises `Cancelled` when the keeper died before anything was written down.
    """
    if died.request_id is None:
        raise Cancelled()
    request_id = died.request_id

    async def ask() -> Exported:
        async with AsyncClient(settings=settings, face="cli") as client:
            ended = await client.collect(await client.wait(request_id))
            await client.release(request_id, told=True)
            return ended

    return asyncio.run(ask())
