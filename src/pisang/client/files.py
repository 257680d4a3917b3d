"""Writing files so that nobody finds half of one: beside the goal first, then under its name.

Used for settings, keys and output pictures. A symlink standing at the goal is replaced or refused,
never followed (`reliability` U1).
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import IO, Concatenate, ParamSpec, TypeVar

from pisang.errors import HomeUnusable

P = ParamSpec("P")
R = TypeVar("R")

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def placing(path: Path, *, mode: int = 0o666, overwrite: bool = True) -> Iterator[Path]:
    """A fresh file beside `path` that takes its name when the block ends well, else vanishes.

    Durable (fsync) before it has the name. Without `overwrite`, `FileExistsError` where something
    stands there already, however lately it came. `mode` is narrowed by the umask.
    """
    temporary = path.with_name(f".pisang-{secrets.token_hex(8)}.part")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, mode))
    try:
        yield temporary
        _sync(temporary)
        if overwrite:
            os.replace(temporary, path)
        else:
            _take_name(temporary, path)
    finally:
        with suppress(OSError):  # gone already; or the disk keeps it, and `path` is as it should be
            temporary.unlink()


@contextmanager
def locked(file: IO[bytes]) -> Iterator[None]:
    """The file for one writer at a time, among all processes of a machine; for as many as come
    where its file system has no locks."""
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    yield  # its closing lets go


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | _NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_name(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)  # the one call that refuses an existing name without a race
    except FileExistsError:
        raise
    except OSError:  # no hard links here (FAT, some network file systems)
        if os.path.lexists(path):
            raise FileExistsError(17, "File exists", str(path)) from None
        os.replace(temporary, path)


def write_private(path: Path, text: str) -> None:
    """Put `text` at `path`, whole or not at all, readable by its owner alone (0600).

    Raises `HomeUnusable` when that can't be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with placing(path, mode=0o600) as temporary:
            temporary.write_bytes(text.encode())
    except OSError as error:
        raise HomeUnusable(path=str(path), why=reason_of(error)) from error


@contextmanager
def taking_turns(home: Path) -> Iterator[None]:
    """While the block runs no other process or thread changes the home's settings or keys: what
    the block reads is still so when it writes. Not to be nested. Raises `HomeUnusable`."""
    from pisang.store.lock import Turn

    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise HomeUnusable(path=str(home), why=reason_of(error)) from error
    turn = Turn(home / "settings.lock")
    try:
        with turn:
            yield
    finally:
        turn.close()


def in_turn(change: Callable[Concatenate[Path, P], R]) -> Callable[Concatenate[Path, P], R]:
    """A change of a home's settings, carried out in its turn."""

    @wraps(change)
    def changed(home: Path, /, *args: P.args, **options: P.kwargs) -> R:
        with taking_turns(home):
            return change(home, *args, **options)

    return changed


def reason_of(error: OSError) -> str:
    """Why the system said no, as the middle of a sentence and without a path."""
    words = error.strerror or type(error).__name__
    return words[0].lower() + words[1:]


def is_private(path: Path) -> bool:
    """Whether nobody but its owner can read the file; true where there is none."""
    if os.name == "nt":
        return True
    try:
        return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    except FileNotFoundError:
        return True


def copy_bytes(source: Path, target: Path) -> None:
    """Copy a file's bytes as they are: a re-saved picture would lose its C2PA claim.

    The kernel copies (`sendfile`, or what the platform has), not we.
    """
    shutil.copyfile(source, target)
