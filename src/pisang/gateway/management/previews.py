"""Small pictures of images, as pages of many show them."""

from __future__ import annotations

import asyncio
import tempfile
from collections import OrderedDict
from pathlib import Path

from pisang.pixels.convert import convert
from pisang.pixels.convert import preview as draw_preview
from pisang.store.store import Store

PREVIEW_PX = 512
PREVIEW_BYTES = 60_000

KEPT_BYTES = 64 * 1024 * 1024
"""How much of them a server keeps at hand. A browser keeps what it has seen, for ever."""

AT_ONCE = 2
"""Each is drawn by a child process."""


class Previews:
    """Small pictures of images, drawn once, so many at a time; those that were asked for last are
    kept at hand."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._drawing = asyncio.Semaphore(AT_ONCE)

    async def draw(self, sha256: str, store: Store) -> bytes:
        """A JPEG of it. Raises `NotFound`, `ReferenceUnreadable`."""
        if sha256 not in self._kept:
            async with self._drawing:
                if sha256 not in self._kept:  # nobody drew it while this one waited
                    self._keep(sha256, await asyncio.to_thread(_draw, sha256, store))
        self._kept.move_to_end(sha256)
        return self._kept[sha256]

    async def draw_as(self, sha256: str, mime: str, store: Store) -> bytes:
        """The whole image in another format. Raises `NotFound`, `ReferenceUnreadable`."""
        async with self._drawing:
            return await asyncio.to_thread(_convert, sha256, mime, store)

    def _keep(self, sha256: str, drawn: bytes) -> None:
        self._kept[sha256] = drawn
        self._size += len(drawn)
        while self._size > KEPT_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1])


def _draw(sha256: str, store: Store) -> bytes:
    return draw_preview(store.path(sha256), PREVIEW_PX, PREVIEW_BYTES)


def _convert(sha256: str, mime: str, store: Store) -> bytes:
    with tempfile.TemporaryDirectory(prefix="pisang-") as folder:
        target = Path(folder, "image")
        convert(store.path(sha256), mime, target)
        return target.read_bytes()
