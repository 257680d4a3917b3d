"""Bytes of an answer on their way in: one file a content, hashed while it is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pisang.domain.content import Content, Meter
from pisang.store.files import CHUNK, Files, remove
from pisang.store.home import Home, unusable


class Incoming:
    """A sink (`pisang.wires.base.Sink`) for the contents of one attempt.

    What is closed is in `pieces` by its hash. Nothing is durable yet: that is `Store.keep`'s.
    """

    def __init__(
        self,
        home: Home,
        files: Files,
        attempt_id: str,
        found: Iterable[Path] = (),
        *,
        first: int = 0,
    ) -> None:
        self._home = home
        self._files = files
        self.attempt_id = attempt_id
        self.paths: list[Path] = list(found)
        self.pieces: dict[str, Path] = {}
        self._next = 1 + max((_number(path) for path in self.paths), default=first - 1)

    def open(self) -> IncomingWriter:
        """Begin one content. Raises `StoreFilled`, `StoreSuspect`."""
        path = self._home.piece(self.attempt_id, self._next)
        self._next += 1
        writer = IncomingWriter(self, self._files, path)
        self.paths.append(path)
        return writer

    def read_found(self) -> tuple[Content, ...]:
        """The contents of the files that a dead process left, whole or not.

        Raises `HomeUnusable` with the name of one that can't be read.
        """
        contents = []
        for path in self.paths:
            content = _measure(path)
            self.pieces[content.sha256] = path
            contents.append(content)
        return tuple(contents)

    def discard(self) -> None:
        """Take every file of this attempt away."""
        remove(self.paths)
        self.paths.clear()
        self.pieces.clear()


class IncomingWriter:
    """Writes one content (`pisang.wires.base.Writer`). No copy is made of what passes."""

    def __init__(self, incoming: Incoming, files: Files, path: Path) -> None:
        self._fd = -1
        self._incoming = incoming
        self._files = files
        self._path = path
        self._meter = Meter()
        self._fd = files.create(path)

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Raises `StoreFilled`, `StoreSuspect`; what was written counts."""
        rest = memoryview(data)
        while rest:
            written = self._files.write(self._fd, rest, self._path)
            self._meter.update(rest[:written])
            rest = rest[written:]

    def close(self) -> Content:
        """End the content; what it is. May be called again."""
        self._release()
        content = self._meter.content()
        self._incoming.pieces[content.sha256] = self._path
        return content

    def _release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self._release()


def _measure(path: Path) -> Content:
    meter = Meter()
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                meter.update(chunk)
    except OSError as error:
        raise unusable(path, error) from error
    return meter.content()


def _number(path: Path) -> int:
    tail = path.name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else -1
