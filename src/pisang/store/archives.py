"""Images that somebody is about to fetch as one file: which, whose, and for how long.

They stand in the ledger, so that any server of it can give them out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from pisang.domain.ledger import ImageRow, RequestRow
from pisang.errors import NotFound
from pisang.store.history import load
from pisang.store.ledger import Readers, Tx, Writer

AT_ONCE = 20
"""How many requests are read together while a file is written."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What was noted: how many bytes its images have, and until when it can be had."""

    id: str
    bytes: int
    until_ms: int


class Archives:
    """The files that were asked for and not yet forgotten."""

    def __init__(self, readers: Readers, writer: Writer, clock_ms: Callable[[], int]) -> None:
        self._readers = readers
        self._writer = writer
        self._clock_ms = clock_ms

    def put(
        self,
        archive_id: str,
        images: Sequence[tuple[str, str]],
        *,
        scope: str,
        sees: str | None,
        life_ms: int,
    ) -> Future[Archive]:
        """Note these images, each by its request and hash, for that scope to fetch. What `sees`
        does not is as if it were not there. Raises `NotFound` where nothing is left."""
        now_ms = self._clock_ms()
        pairs = list(dict.fromkeys(f"{request_id}/{sha256}" for request_id, sha256 in images))

        def work(tx: Tx) -> Archive:
            rows = tx.all("images_among", pairs=json.dumps(pairs), scope=sees)
            if not rows:
                raise NotFound(what="image", id=images[0][1])
            there = {f"{row['request_id']}/{row['sha256']}" for row in rows}
            wanted = json.dumps([one for one in pairs if one in there])
            until_ms = now_ms + life_ms
            tx.run("archives_sweep", now_ms=now_ms)
            tx.run("archive_put", id=archive_id, scope=scope, images=wanted, until_ms=until_ms)
            return Archive(archive_id, sum(row["bytes"] for row in rows), until_ms)

        return self._writer.submit(work)

    def images(self, archive_id: str, scope: str) -> list[tuple[str, str]]:
        """The images that were noted for that scope, each by its request and hash, in the order of
        asking. Raises `NotFound`, also once its time is over."""
        with self._readers.read() as tx:
            row = tx.one("archive_get", id=archive_id, scope=scope, now_ms=self._clock_ms())
        if row is None:
            raise NotFound(what="archive", id=archive_id)
        return [_split(one) for one in json.loads(row["images"])]

    def rows(
        self, images: Sequence[tuple[str, str]], sees: str | None
    ) -> Iterator[tuple[RequestRow, ImageRow]]:
        """These images with their requests, a few read at a time; what is gone by then is passed
        over."""
        for start in range(0, len(images), AT_ONCE):
            some = images[start : start + AT_ONCE]
            with self._readers.read() as tx:
                loaded = {row.id: row for row in load(tx, list({one for one, _ in some}))}
            for request_id, sha256 in some:
                row = loaded.get(request_id)
                if row is None or sees not in (None, row.scope):
                    continue
                image = next((one for one in row.images if one.sha256 == sha256), None)
                if image is not None:
                    yield row, image


def _split(pair: str) -> tuple[str, str]:
    request_id, _, sha256 = pair.partition("/")
    return request_id, sha256
