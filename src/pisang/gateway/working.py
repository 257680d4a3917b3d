"""Jobs of batches, done beside serving: live calls go first, as the claim sees to.

A gateway is a worker like any other: it takes what is due in the ledger, whoever wrote it down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from pisang.client.settings import Settings
from pisang.client.upstreams import resolve
from pisang.engine.engine import Engine
from pisang.errors import PisangError
from pisang.gateway.logs import tell_end
from pisang.jobs.runner import Runner

AGAIN_S = 5.0
"""How soon it is gone on after a ledger that could not be used."""


class Working:
    """Does jobs from its making, on the running loop, until `stop`. `settings` are those that hold
    by then."""

    def __init__(self, engine: Engine, settings: Callable[[], Settings]) -> None:
        self._engine = engine
        self._settings = settings
        self._stopped = False
        self._runner = self._make()
        self._task = asyncio.create_task(self._work(), name="jobs")
        self._task.add_done_callback(tell_end)

    def stop(self) -> None:
        """Begin nothing more. What was sent the engine sees through; what was only taken goes
        back."""
        self._stopped = True
        self._runner.stop()

    async def close(self) -> None:
        """End it, and give back what was taken."""
        self.stop()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _work(self) -> None:
        while not self._stopped:
            with suppress(PisangError):  # a ledger that can't be used now: every call says so too
                await self._runner.run(forever=True)
            if not self._stopped:
                await asyncio.sleep(AGAIN_S)
                self._runner = self._make()

    def _make(self) -> Runner:
        return Runner(self._engine, lambda name: resolve(self._settings(), name))
