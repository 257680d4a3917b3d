"""What users marked of their images: favourites, and what they put into the trash.

An image is marked as the one of a request: the same bytes made by two are two images here. The
marks stand in the images' own rows, and go with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from pisang.store.ledger import Readers, Row, Tx, Writer

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Marking:
    """How images are to be marked; None leaves a mark as it is."""

    favourite: bool | None = None
    trashed: bool | None = None


class ImageMarks:
    """The marks of every image."""

    def __init__(self, readers: Readers, writer: Writer, clock_ms: Callable[[], int]) -> None:
        self._readers = readers
        self._writer = writer
        self._clock_ms = clock_ms

    def put(
        self, images: Sequence[tuple[str, str]], marking: Marking, scope: str | None
    ) -> Future[int]:
        """Mark these images, each by its request and hash; how many of them were marked otherwise
        before. What is not of that scope (None: anybody's) is as if it were not there. A mark that
        an image has keeps its time."""
        pairs = json.dumps([f"{request_id}/{sha256}" for request_id, sha256 in images])
        now_ms = self._clock_ms()
        return self._writer.submit(lambda tx: _mark(tx, pairs, marking, scope, now_ms))

    def trashed(self, before_ms: int) -> Iterator[str]:
        """The requests of which every image has lain in the trash since before a time, by id. What
        is drafted only is not looked at."""
        after = ""
        while True:
            with self._readers.read() as tx:
                values = {"before_ms": before_ms, "after": after, "limit": _PAGE}
                found = [row["request_id"] for row in tx.all("requests_trashed", **values)]
            yield from found
            if len(found) < _PAGE:
                return
            after = found[-1]


def _mark(tx: Tx, pairs: str, marking: Marking, scope: str | None, now_ms: int) -> int:
    rows = tx.all("images_among", pairs=pairs, scope=scope)
    changed: set[str] = set()
    for query, column, wanted in (
        ("images_favour", "favourite_ms", marking.favourite),
        ("images_trash", "trashed_ms", marking.trashed),
    ):
        if wanted is None:
            continue
        other = [_pair(row) for row in rows if (row[column] is not None) is not wanted]
        if other:
            tx.run(query, pairs=json.dumps(other), at_ms=now_ms if wanted else None)
            changed.update(other)
    return len(changed)


def _pair(row: Row) -> str:
    return f"{row['request_id']}/{row['sha256']}"
