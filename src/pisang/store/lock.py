"""Who is alive, and whose turn it is: told by locks of the operating system, never by clocks.

`flock` is tied to an open file, so it is let go by the kernel when its process ends, however it
ends. A lock taken here is never inherited: it is closed in a forked child, so that a child which
outlives its parent does not pass for it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import weakref
from pathlib import Path
from types import TracebackType

from pisang.errors import HomeUnusable
from pisang.store.home import FILE_MODE, Home, unusable

_HELD: weakref.WeakSet[OwnerLock | Turn] = weakref.WeakSet()
_watching = False

_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def _open(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        if error.errno == errno.ENOENT and not flags & os.O_CREAT:
            raise
        raise unusable(path, error) from error


def _lock(fd: int, path: Path, operation: int) -> bool:
    """Take the lock; False when another holds it and `operation` does not wait."""
    try:
        fcntl.flock(fd, operation)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            why = "its file system has no file locks: use a local disk"
            raise HomeUnusable(path=str(path), why=why) from error
        raise unusable(path, error) from error
    return True


class Turn:
    """An exclusive lock on one file, as a context manager: one holder among all processes.

    Two files make it fair: a waiter holds `queue` while it waits for `path`, so whoever lets go
    and wants it again stands behind somebody who waits already.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = _open(path)
        self._queue = _open(path.with_suffix(".queue"))
        _HELD.add(self)
        _watch_forks()

    def __enter__(self) -> Turn:
        _lock(self._queue, self._path, fcntl.LOCK_EX)
        try:
            _lock(self._fd, self._path, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files."""
        files, self._fd, self._queue = (self._fd, self._queue), -1, -1
        for fd in files:
            if fd >= 0:
                os.close(fd)

    def forget(self) -> None:
        """In a forked child: close the copies. One that was left open would hold the turn for as
        long as the child lives, had the parent been killed while it was his."""
        self.close()


class OwnerLock:
    """A process's sign of life, held from its making until `close` or the end of the process."""

    def __init__(self, home: Home, owner: str) -> None:
        self.owner = owner
        self._path = home.owner_lock(owner)
        self._fd = self._take()
        _HELD.add(self)
        _watch_forks()

    def _take(self) -> int:
        """Make and lock the file; again when a sweeper took it for a dead one in between."""
        while True:
            fd = _open(self._path)
            if _lock(fd, self._path, fcntl.LOCK_EX | fcntl.LOCK_NB) and _is_at(fd, self._path):
                return fd
            os.close(fd)

    def close(self, *, leave: bool = False) -> None:
        """Let go, and take the file away, or leave it as that of a process which is gone."""
        if self._fd < 0:
            return
        if not leave:
            _take_away(self._path)
        os.close(self._fd)
        self._fd = -1

    def forget(self) -> None:
        """In a forked child: close the copy, which leaves the parent's lock as it is."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def is_free(home: Home, owner: str) -> bool:
    """Whether nobody holds that owner's lock: its process is gone. Owners never come back.

    It looks with a shared lock, so that two who look at once don't take each other for the owner.
    """
    path = home.owner_lock(owner)
    try:
        fd = _open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return _lock(fd, path, fcntl.LOCK_SH | fcntl.LOCK_NB)
    finally:
        os.close(fd)


def at_work(home: Home) -> int:
    """How many processes work in that home."""
    return sum(not is_free(home, path.stem) for path in home.locks.glob("*.lock"))


def sweep(home: Home) -> int:
    """Take away the lock files of dead processes; how many there were."""
    swept = 0
    for path in home.locks.glob("*.lock"):
        try:
            fd = _open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            if _lock(fd, path, fcntl.LOCK_EX | fcntl.LOCK_NB) and _is_at(fd, path):
                swept += _take_away(path)
        finally:
            os.close(fd)
    return swept


def _take_away(path: Path) -> bool:
    """Whether the file is gone. One that a disk would not let go is swept another time: nobody's
    work fails for it."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(fd))


def _watch_forks() -> None:
    global _watching
    if not _watching:
        _watching = True
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for lock in list(_HELD):
        lock.forget()
    _HELD.clear()
