"""What clients made of one another share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Protocol

from pisang.client.loading import load_settings
from pisang.client.settings import Settings
from pisang.client.storing import storage_of
from pisang.engine.engine import Engine
from pisang.engine.ledgering import Ledgering


class Work(Protocol):
    """What does a batch's rows: a `Runner` in this process, or others elsewhere."""

    def run(self, batch_id: str, /) -> Coroutine[Any, Any, None]:
        """Until all of it is over, or `stop`. Raises what it can't go on for."""

    def stop(self) -> None:
        """Begin nothing more, and see through what was sent."""


class Hub:
    """Settings, and one engine, opened when needed."""

    def __init__(self, home: str | Path | None, settings: Settings | None) -> None:
        self._home = Path(home) if home is not None else None
        self._settings = settings
        self._engine: Engine | None = None
        self._opening = asyncio.Lock()
        self._stopped = False
        self._works: dict[asyncio.Task[None], Work] = {}

    @property
    def settings(self) -> Settings:
        """The settings, read once."""
        if self._settings is None:
            self._settings = load_settings(home=self._home)
        return self._settings

    async def engine(self) -> Engine:
        """The engine on the home. Raises `HomeUnusable`, `StoreCorrupt`, `SettingsMalformed`."""
        async with self._opening:
            if self._engine is None:
                settings = self.settings
                money = Ledgering(settings.currency, settings.rates, settings.budgets)
                self._engine = await Engine.open(settings.home, money, storage_of(settings))
                if self._stopped:
                    self._engine.stop()
            return self._engine

    def work(self, work: Work, batch_id: str) -> asyncio.Task[None]:
        """Do a batch's jobs beside all else, until it is over or this is closed."""
        task = asyncio.create_task(work.run(batch_id))
        self._works[task] = work
        task.add_done_callback(self._worked)
        if self._stopped:
            work.stop()
        return task

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._works.pop(task)
        if not task.cancelled():
            task.exception()  # whoever holds the batch is told; that nobody does is no fault

    def stop(self) -> None:
        """Nothing more is sent, by an engine that is opened later neither."""
        self._stopped = True
        for work in self._works.values():
            work.stop()
        if self._engine is not None:
            self._engine.stop()

    async def close(self) -> None:
        """Close the engine, where it was opened. Of batches nothing more is begun, and what was
        sent is waited for."""
        for work in self._works.values():
            work.stop()
        await asyncio.gather(*self._works, return_exceptions=True)
        async with self._opening:
            engine, self._engine = self._engine, None
            if engine is not None:
                await engine.close()
