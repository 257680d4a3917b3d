"""Contents at rest: each a file named by its SHA-256, in `images/` or `blobs/`."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from hashlib import sha256 as new_hash
from pathlib import Path

from pisang.domain.content import HEAD_BYTES, TAIL_BYTES, Content
from pisang.errors import NotFound, ReferenceTooLarge, ReferenceUnreadable, StoreCorrupt
from pisang.store.files import CHUNK, Files, remove
from pisang.store.health import megabytes
from pisang.store.home import Home
from pisang.store.incoming import Incoming

REFERENCE_CAP = 512 * 1024 * 1024
"""A reference beyond this is not read: no upstream takes a tenth of it."""


class Blobs:
    """Reads contents by hash, and takes references in."""

    def __init__(self, home: Home, files: Files) -> None:
        self._home = home
        self._files = files

    def path(self, sha256: str) -> Path:
        """Where that content lies. Raises `NotFound`."""
        for path in (self._home.image(sha256), self._home.blob(sha256)):
            if path.exists():
                return path
        raise NotFound(what="content", id=sha256)

    def content(self, sha256: str) -> Content:
        """That content, with its first and last bytes read again.

        Raises `NotFound`, and `StoreCorrupt` when it can't be read.
        """
        path = self.path(sha256)
        try:
            with path.open("rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                head = file.read(HEAD_BYTES)
                file.seek(max(0, size - TAIL_BYTES))
                return Content(sha256, size, head, file.read(TAIL_BYTES))
        except OSError as error:
            raise _unreadable(path, error) from error

    def open(self, content: Content, *, verify: bool = False) -> Iterator[bytes]:
        """The bytes of a content, a megabyte at a time.

        Raises `StoreCorrupt` at once when the file is gone or has another size. With `verify` it
        is hashed on the way, and the last piece is held back until the hash is right: a damaged
        picture is never handed out whole.
        """
        if content.inline is not None:
            return iter((content.inline,))
        try:
            path = self.path(content.sha256)
            size = os.stat(path).st_size
        except (NotFound, FileNotFoundError) as error:
            path = self._home.blob(content.sha256)
            raise StoreCorrupt(path=str(path), why="it is not there any more") from error
        if size != content.size:
            why = f"it has {size:,} bytes, and {content.size:,} were written"
            raise StoreCorrupt(path=str(path), why=why)
        return _verified(path, content.sha256) if verify else _stored(path)

    def put_bytes(self, data: bytes) -> Content:
        """Take bytes in for good; the content they are."""
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
            source, image = incoming.pieces[content.sha256], self._home.image(content.sha256)
            target = image if image.exists() else self._home.blob(content.sha256)
            self._files.sync((source,))
            self._files.place(source, target)
            self._files.sync((target.parent,))
            return content
        finally:
            remove(incoming.paths)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _stored(path: Path) -> Iterator[bytes]:
    try:
        yield from _chunks(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _verified(path: Path, sha256: str) -> Iterator[bytes]:
    found = new_hash()
    held = b""
    for chunk in _stored(path):
        found.update(chunk)
        if held:
            yield held
        held = chunk
    if found.hexdigest() != sha256:
        raise StoreCorrupt(path=str(path), why="its bytes are not the ones that were written")
    if held:
        yield held


def _unreadable(path: Path, error: OSError) -> StoreCorrupt:
    return StoreCorrupt(path=str(path), why=f"it can't be read ({error.strerror or error})")


def _too_large(size: int) -> ReferenceTooLarge:
    return ReferenceTooLarge(size=megabytes(size), limit=megabytes(REFERENCE_CAP))
