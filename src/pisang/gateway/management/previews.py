"""Small pictures of images, as pages of many show them."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from pisang.client.previews import make_preview
from pisang.pixels.convert import convert
from pisang.pixels.convert import preview as draw_preview
from pisang.store.store import Store

PREVIEW_PX = 512
PREVIEW_BYTES = 60_000

AT_ONCE = 2
"""Each is drawn by a child process."""


class Previews:
    """Small pictures of images, drawn once, so many at a time, and kept in the home."""

    def __init__(self) -> None:
        self._drawing = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def draw(self, sha256: str, store: Store) -> bytes:
        """A JPEG of it. Raises `NotFound`, `ReferenceUnreadable`."""
        path = await asyncio.to_thread(store.previews.path, sha256, PREVIEW_PX)
        with suppress(OSError):
            return await asyncio.to_thread(path.read_bytes)
        task = self._under_way.get(sha256)
        if task is None:
            task = asyncio.create_task(self._draw(path, sha256, store))
            self._under_way[sha256] = task
            task.add_done_callback(lambda done: self._end(sha256, done))
        return await asyncio.shield(task)  # others may wait for it too

    async def _draw(self, path: Path, sha256: str, store: Store) -> bytes:
        async with self._drawing:
            return await asyncio.to_thread(_draw, path, sha256, store)

    def _end(self, sha256: str, task: asyncio.Task[bytes]) -> None:
        self._under_way.pop(sha256, None)
        if not task.cancelled():
            task.exception()  # whoever waited was told; where nobody did any more, nobody is

    async def draw_as(self, sha256: str, mime: str, store: Store) -> bytes:
        """The whole image in another format. Raises `NotFound`, `ReferenceUnreadable`."""
        async with self._drawing:
            return await asyncio.to_thread(_convert, sha256, mime, store)


def _draw(path: Path, sha256: str, store: Store) -> bytes:
    try:
        return make_preview(
            path, lambda: store.path(sha256), PREVIEW_PX, PREVIEW_BYTES
        ).read_bytes()
    except OSError:  # a home that takes no more files shows its images all the same
        return draw_preview(store.path(sha256), PREVIEW_PX, PREVIEW_BYTES)


def _convert(sha256: str, mime: str, store: Store) -> bytes:
    with tempfile.TemporaryDirectory(prefix="pisang-") as folder:
        target = Path(folder, "image")
        convert(store.path(sha256), mime, target)
        return target.read_bytes()
