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

    async def draw(self, sha256: str, store: Store) -> bytes:
        """A JPEG of it. Raises `NotFound`, `ReferenceUnreadable`."""
        path = await asyncio.to_thread(store.previews.path, sha256, PREVIEW_PX)
        with suppress(OSError):
            return await asyncio.to_thread(path.read_bytes)
        async with self._drawing:
            return await asyncio.to_thread(_draw, path, sha256, store)

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
