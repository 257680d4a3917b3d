"""Disks that a test may fill or lose: a small tmpfs, and ext4 in a file with a power switch."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SHUTDOWN = 0x8004587D
"""`EXT4_IOC_SHUTDOWN`, `_IOR('X', 125, __u32)` (Linux, fs/ext4/ext4.h)."""

NO_LOG_FLUSH = 2
"""`EXT4_GOING_FLAGS_NOLOGFLUSH`: what is not on the disk by now never will be."""

SIZE_MB = 32


@dataclass(frozen=True)
class LoopDisk:
    """An ext4 file system in `file`, mounted at `folder` while it has power."""

    file: Path
    folder: Path

    def format(self) -> None:
        """Make it anew, empty."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.file.open("wb") as file:
            file.truncate(SIZE_MB * 1024 * 1024)
        _run("mkfs.ext4", "-q", "-F", "-E", "nodiscard", self.file)

    def plug_in(self) -> None:
        """Mount it: the journal is replayed as after a real power cut."""
        _run("mount", "-o", "loop", self.file, self.folder)

    def cut(self) -> None:
        """The power fails: whatever was not flushed to the disk is gone."""
        fd = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def unplug(self) -> None:
        """Unmount it, whatever state it is in."""
        if os.path.ismount(self.folder):
            _run("umount", self.folder)

    def discard(self) -> None:
        """Take it away for good, also where somebody still has a file of it open."""
        if os.path.ismount(self.folder):
            subprocess.run(["umount", "-l", self.folder], check=False, capture_output=True)
        self.file.unlink(missing_ok=True)


@contextmanager
def tmpfs(folder: Path, size_mb: int) -> Iterator[Path]:
    """A disk of that size at `folder`, gone at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    need_mounts()
    _run("mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0700", "tmpfs", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True, capture_output=True)


def remount(folder: Path, *, read_only: bool) -> None:
    """Make a mounted disk read-only, or writable again."""
    _run("mount", "-o", f"remount,{'ro' if read_only else 'rw'}", folder)


def need_mounts() -> None:
    """Skip the test, saying why, where disks can't be mounted."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a disk of one's own needs Linux and root")


def need_loop_disks(disk: LoopDisk) -> None:
    """Skip the test, saying why, where a file can't be mounted as a disk."""
    need_mounts()
    try:
        disk.format()
        disk.plug_in()
        disk.unplug()
    except (OSError, AssertionError) as error:
        disk.discard()
        pytest.skip(f"a file can't be mounted as a disk here: {error}")


def _run(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode().strip()
