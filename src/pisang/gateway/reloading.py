"""Settings taken over while the gateway serves: a change of their files, or a signal, is enough.

A file is read once its stamp has stood for one look, so that an editor may write it in two strokes.
What can't be read, or names an upstream that isn't there, changes nothing: the old settings stay,
one line says why, and `/readyz` warns of it until it is mended. Who takes new settings over swaps
them whole: a call under way keeps what it began with.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from pisang.client import keys
from pisang.client.loading import load_settings
from pisang.client.settings import FOLDER_FILE, Settings
from pisang.errors import PisangError
from pisang.gateway.logs import tell
from pisang.gateway.operations import Operations

LOOK_S = 0.5
"""How often the files' stamps are looked at: three calls of the system, some microseconds."""

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Of each file: when it was changed, how long it is, which it is; None where there is none."""


class Reloading:
    """Watches the files of the settings in use. `take_over` is given new ones, and raises where
    they can't be used; `current` tells those in use."""

    def __init__(
        self,
        current: Callable[[], Settings],
        take_over: Callable[[Settings], Awaitable[None]],
        operations: Operations,
    ) -> None:
        self._current = current
        self._take_over = take_over
        self._operations = operations
        self._asked = asyncio.Event()
        settings = current()
        self._files = (
            settings.path,
            settings.folder / FOLDER_FILE,
            settings.home / keys.FILE,
        )
        self._applied = self._stamp()

    def ask(self) -> None:
        """Read the settings again at the next look, changed or not."""
        self._asked.set()

    async def watch(self) -> None:
        """Look, until cancelled."""
        before = self._applied
        while True:
            await self._pause()
            now = self._stamp()
            settled = now != self._applied and now == before
            if settled or self._asked.is_set():
                self._asked.clear()
                self._applied = now
                await self.reload()
            before = now

    async def reload(self) -> None:
        """Read the settings and take them over, or say why not."""
        old = self._current()
        try:
            new = await asyncio.to_thread(
                load_settings, home=old.home, folder=old.folder, environ=old.environ
            )
            await self._take_over(new)
        except PisangError as error:
            self._operations.warning = error
            self._operations.metrics.count("pisang_settings_reloads", "kept")
            tell(
                logging.ERROR,
                "settings_kept",
                message=error.message(old.language),
                code=error.code,
                next=error.next_step(),
            )
            return
        self._operations.warning = None
        self._operations.metrics.count("pisang_settings_reloads", "ok")
        tell(logging.INFO, "settings_taken_over", upstreams=sorted(new.upstreams) or None)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), LOOK_S)

    def _stamp(self) -> Stamp:
        return tuple(map(_stamp_of, self._files))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
