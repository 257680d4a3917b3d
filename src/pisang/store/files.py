"""Files that are there for good once a call returns: written, synced, and the folder synced too.

A name in a folder is durable only after the folder itself was synced (fsync(2)); on macOS a
plain fsync leaves the data in the drive's cache, so `F_FULLFSYNC` is asked for (fcntl(2)).
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from pisang.errors import PisangError
from pisang.store.health import Health
from pisang.store.home import FILE_MODE, FOLDER_MODE

CHUNK = 1024 * 1024
"""How much of a file is read at a time."""

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.ENOSYS})
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


class Files:
    """Durable file operations of one home. `fsync=False` (tests) leaves out every sync."""

    def __init__(self, health: Health, *, fsync: bool) -> None:
        self._health = health
        self._fsync = fsync
        self._shelves: set[Path] = set()

    def create(self, path: Path) -> int:
        """A new, empty file to write to, for its owner only; the descriptor."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(path, flags, FILE_MODE)
        except OSError as error:
            raise self._health.disk(error, path) from error

    def write(self, fd: int, data: memoryview, path: Path) -> int:
        """Write some of the bytes; how many. Raises `StoreFilled`, `StoreSuspect`."""
        try:
            return os.write(fd, data)
        except OSError as error:
            raise self._health.disk(error, path) from error

    def write_all(self, path: Path, data: bytes) -> None:
        """A file of exactly these bytes, not synced yet."""
        self._write(path, (data,), synced=False)

    def write_chunks(self, path: Path, chunks: Iterable[bytes]) -> None:
        """A file of exactly these bytes, synced. What `chunks` raises leaves it half written."""
        self._write(path, chunks, synced=True)

    def _write(self, path: Path, chunks: Iterable[bytes], *, synced: bool) -> None:
        fd = self.create(path)
        try:
            for chunk in chunks:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[self.write(fd, rest, path) :]
            if synced:
                self._sync(fd, path)
        finally:
            os.close(fd)

    def refused(self, error: OSError, path: Path) -> PisangError:
        """What a failed call of the disk's means."""
        return self._health.disk(error, path)

    def sync(self, paths: Iterable[Path]) -> None:
        """Sync files or folders. A failure turns the store suspect."""
        if not self._fsync:
            return
        for path in paths:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise self._health.disk(error, path) from error
            try:
                self._sync(fd, path)
            finally:
                os.close(fd)

    def place(self, source: Path, target: Path) -> None:
        """Give the (synced) file at `source` the name `target` as well; sync its folder after.

        A file that is there already is left when it holds the same bytes, and its time renewed,
        so that `gc` sees it is wanted; a damaged one is replaced. Where the file system knows no
        hard links, `source` loses its own name.
        """
        self._make_shelf(target.parent)
        while True:
            try:
                os.link(source, target)
            except FileExistsError:
                if self._renew(source, target):
                    return
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise self._health.disk(error, target) from error
                self._rename(source, target)
                return
            else:
                return

    def _renew(self, source: Path, target: Path) -> bool:
        """Renew the time of a file that is in place already; False when there is none any more,
        or one of other bytes, which is taken away."""
        try:
            if not _same(source, target):
                os.unlink(target)
                return False
            os.utime(target)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._health.disk(error, target) from error
        return True

    def _rename(self, source: Path, target: Path) -> None:
        try:
            os.replace(source, target)
        except OSError as error:
            raise self._health.disk(error, target) from error

    def _make_shelf(self, folder: Path) -> None:
        """Make a folder durable, once a process: another may have made it and not yet synced."""
        if folder in self._shelves:
            return
        try:
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        except OSError as error:
            raise self._health.disk(error, folder) from error
        self.sync((folder.parent,))
        self._shelves.add(folder)

    def _sync(self, fd: int, path: Path) -> None:
        if not self._fsync:
            return
        try:
            if _FULL_SYNC is not None:
                fcntl.fcntl(fd, _FULL_SYNC)
            else:
                os.fsync(fd)
        except OSError as error:
            raise self._health.disk(error, path, syncing=True) from error


def _same(one: Path, other: Path) -> bool:
    """Whether two files hold the same bytes. Raises `OSError`."""
    with one.open("rb", buffering=0) as first, other.open("rb", buffering=0) as second:
        if os.path.samestat(os.fstat(first.fileno()), os.fstat(second.fileno())):
            return True
        while True:
            piece = first.read(CHUNK)
            if piece != second.read(CHUNK):
                return False
            if not piece:
                return True


def remove(paths: Iterable[Path]) -> None:
    """Take names away. One that is gone, or can't go, is left to `gc`."""
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            continue
