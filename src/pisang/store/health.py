"""What a failing disk means: nothing, not enough room, or that nothing more may be trusted.

After a failed fsync the kernel may have marked the lost pages clean, so trying again proves
nothing (Rebello et al., USENIX ATC 2020). The store then turns *suspect*: it takes no more
writes, and a file in the home tells every other process to buy nothing.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from pisang.errors import (
    PisangError,
    StoreFilled,
    StoreFull,
    StoreSuspect,
)
from pisang.store.home import FILE_MODE, Home, unusable

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT})
_SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""This machine is short of something else: that says nothing against the disk."""


class Health:
    """Whether this home may be written to, and what an error says about that."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._why: str | None = None
        self._told_in = os.fspath(home.suspect)

    def mark(self, why: str) -> StoreSuspect:
        """Turn suspect, here and (as far as the disk lets us) for every process."""
        self._why = self._why or why
        try:
            fd = os.open(self._home.suspect, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            try:
                os.write(fd, why.encode())
            finally:
                os.close(fd)
        except OSError:
            pass  # the disk is failing: this process knows, and that must do
        return self._suspect(self._why)

    def may_write(self) -> None:
        """Raises `StoreSuspect` once a write of this process has failed."""
        if self._why is not None:
            raise self._suspect(self._why)

    def may_buy(self, free_bytes: int) -> None:
        """Raises `StoreSuspect` (any process's write failed) or `StoreFull` before money moves.

        `HomeUnusable` when the home can't even be looked at.
        """
        self.may_write()
        root = self._home.root
        try:
            why = self.told()
            free = shutil.disk_usage(root).free
        except OSError as error:
            raise unusable(root, error) from error
        if why is not None:
            raise self._suspect(why)
        if free < free_bytes:
            raise StoreFull(path=str(root), free=megabytes(free), needed=megabytes(free_bytes))

    def told(self) -> str | None:
        """What the home's `suspect` file says; None when there is none."""
        if not os.path.lexists(self._told_in):  # every claim asks
            return None
        try:
            return self._home.suspect.read_text(errors="replace")[:200] or "a write failed"
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Take the `suspect` file away: `doctor` found everything as it should be."""
        self._home.suspect.unlink(missing_ok=True)

    def disk(self, error: OSError, path: Path, *, syncing: bool = False) -> PisangError:
        """The leaf for a failed system call; a failed fsync always turns the store suspect."""
        why = error.strerror or str(error)
        if syncing or error.errno == errno.EIO:
            return self.mark(why)
        if error.errno in _NO_ROOM:
            return StoreFilled(path=str(self._home.root), why=why)
        if error.errno in _REFUSED | _SHORT:
            return unusable(path, error)
        return self.mark(why)

    def _suspect(self, why: str) -> StoreSuspect:
        return StoreSuspect(path=str(self._home.root), why=why)


def megabytes(size: int) -> str:
    """`192 MB`: a size in words, rounded down."""
    return f"{size // 1_000_000:,} MB"
