"""What users hand in: files and bytes taken in for good, as references."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from pisang.domain.content import Content
from pisang.errors import ReferenceTooLarge, ReferenceUnreadable
from pisang.store.blobs import Blobs, Piece
from pisang.store.files import CHUNK, Files, remove
from pisang.store.health import megabytes
from pisang.store.home import Home
from pisang.store.incoming import Incoming

REFERENCE_CAP = 512 * 1024 * 1024
"""A reference beyond this is not read: no upstream takes a tenth of it."""


class References:
    """Takes references in: to this disk first, then to where contents are kept."""

    def __init__(self, home: Home, files: Files, blobs: Blobs) -> None:
        self._home = home
        self._files = files
        self._blobs = blobs

    def put_bytes(self, data: bytes) -> Content:
        """Take bytes in for good; the content they are. Raises `ReferenceTooLarge`."""
        return self._put(iter((data,)))

    def put_file(self, path: Path) -> Content:
        """Take a file in for good; the content it is.

        Raises `ReferenceUnreadable` (not there, no file, no right) and `ReferenceTooLarge`.
        """
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                raise ReferenceUnreadable(reference=str(path), why="it is not a file")
            if status.st_size > REFERENCE_CAP:
                raise _too_large(status.st_size)
            return self._put(_chunks(path))
        except OSError as error:
            why = (error.strerror or "reading it failed").lower()
            raise ReferenceUnreadable(reference=str(path), why=why) from error

    def _put(self, chunks: Iterator[bytes]) -> Content:
        incoming = Incoming(self._home, self._files, f"put_{secrets.token_hex(8)}")
        try:
            writer = incoming.open()
            size = 0
            for chunk in chunks:
                size += len(chunk)
                if size > REFERENCE_CAP:
                    raise _too_large(size)
                writer.write(chunk)
            content = writer.close()
            source = incoming.pieces[content.sha256]
            self._files.sync((source,))
            self._blobs.keep_reference(Piece(content.sha256, content.size, source))
            return content
        finally:
            remove(incoming.paths)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _too_large(size: int) -> ReferenceTooLarge:
    return ReferenceTooLarge(size=megabytes(size), limit=megabytes(REFERENCE_CAP))
