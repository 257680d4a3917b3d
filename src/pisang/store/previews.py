"""Small pictures of images, kept in the home: made by whoever shows them, gone with their image.

Nothing depends on them: they may be deleted at any time, and are made again when they are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pisang.store.files import remove
from pisang.store.home import Home

MOST_BYTES = 4_000_000_000
"""How much of them a home keeps: about 100,000 of 40 kB."""

_NAME = re.compile(r"(?P<sha256>[0-9a-f]{64})-\d+\.jpg")


@dataclass(frozen=True, slots=True)
class Kept:
    """One of them, as it lies on the disk."""

    sha256: str
    path: Path
    size: int
    made_ns: int


class Previews:
    """Where the small pictures of a home's images are."""

    def __init__(self, home: Home) -> None:
        self._folder = home.previews

    def path(self, sha256: str, side_px: int) -> Path:
        """Where the one of that size is, or is to be; its folder is there."""
        folder = self._folder / sha256[:2]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / f"{sha256}-{side_px}.jpg"

    def forget(self, hashes: Iterable[str]) -> None:
        """Delete those of these images."""
        for sha256 in hashes:
            remove((self._folder / sha256[:2]).glob(f"{sha256}-*.jpg"))

    def all(self) -> Iterator[Kept]:
        """Every one that is there."""
        for path in self._folder.glob("*/*.jpg"):
            name = _NAME.fullmatch(path.name)
            if name is None:
                continue
            try:
                facts = path.stat()
            except OSError:
                continue
            yield Kept(name["sha256"], path, facts.st_size, facts.st_mtime_ns)

    def too_many(self, most_bytes: int = MOST_BYTES) -> list[Kept]:
        """The oldest of them, so many that the rest is within that size."""
        found = sorted(self.all(), key=lambda one: one.made_ns)
        over = sum(one.size for one in found) - most_bytes
        chosen: list[Kept] = []
        for one in found:
            if over <= 0:
                break
            chosen.append(one)
            over -= one.size
        return chosen
