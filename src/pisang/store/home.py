"""The folder that everything is in, and what lies where in it.

    PISANG_HOME/
    ├── ledger.db (+ -wal, -shm)   the ledger
    ├── ledger.lock (+ .queue)     held during every group commit and checkpoint
    ├── locks/<owner>.lock         held for its life by each process that writes
    ├── incoming/<attempt>-<n>     bytes of an answer while they arrive
    ├── incoming/<attempt>.answer  the answer itself, between keep and settle
    ├── images/ab/<sha256>         the images that were made
    ├── blobs/ab/<sha256>          references, and what an answer needs to be replayed
    ├── cache/ab/<sha256>          contents at hand, where a bucket keeps them; may be deleted
    ├── previews/                  derived pictures, may be deleted at any time
    ├── uploads/<id> (+ .json)     files that a gateway's callers handed over, for two days
    ├── moved                      the ledger is in a database now: this one is written to no more
    └── suspect                    a write failed: nothing is bought until `pisang doctor` is clean

Folders are 0700 and files 0600. No name here is a caller's: names are hashes and ids of ours.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pisang.errors import HomeUnusable, NotFound, Unexpected

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_FOLDERS = ("locks", "incoming", "images", "blobs", "previews", "uploads")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_WHY = {
    errno.EACCES: "you have no right to write there",
    errno.EPERM: "you have no right to write there",
    errno.EROFS: "its disk is read-only",
    errno.ENOENT: "it is not there",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EEXIST: "there is a file in its place",
    errno.EISDIR: "there is a folder in its place",
    errno.ENOSPC: "its disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.ENAMETOOLONG: "the path is too long",
    errno.ELOOP: "the path runs in a circle of links",
}


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one home. Making one touches no disk; `prepare` does."""

    root: Path

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.db"

    @property
    def wal(self) -> Path:
        return self.root / "ledger.db-wal"

    @property
    def ledger_lock(self) -> Path:
        return self.root / "ledger.lock"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @property
    def incoming(self) -> Path:
        return self.root / "incoming"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def previews(self) -> Path:
        return self.root / "previews"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def moved(self) -> Path:
        return self.root / "moved"

    @property
    def suspect(self) -> Path:
        return self.root / "suspect"

    def image(self, sha256: str) -> Path:
        """Where the image of that hash lies, if it is there."""
        return self.images / checked_hash(sha256)[:2] / sha256

    def blob(self, sha256: str) -> Path:
        """Where the blob of that hash lies, if it is there."""
        return self.blobs / checked_hash(sha256)[:2] / sha256

    def owner_lock(self, owner: str) -> Path:
        """The lock file of that owner."""
        return self.locks / f"{checked_name(owner)}.lock"

    def piece(self, attempt_id: str, n: int) -> Path:
        """The n-th content that came in for that attempt."""
        return self.incoming / f"{checked_name(attempt_id)}-{n}"

    def record(self, attempt_id: str) -> Path:
        """The answer of that attempt, between keep and settle."""
        return self.incoming / f"{checked_name(attempt_id)}.answer"

    def came_in(self) -> Iterator[tuple[str, Path]]:
        """Every file in `incoming/` with the id of the attempt that it belongs to.

        Raises `HomeUnusable` where the folder can't be read.
        """
        try:
            entries = sorted(self.incoming.iterdir())
        except OSError as error:
            raise unusable(self.incoming, error) from error
        for entry in entries:
            whole, piece = entry.name.removesuffix(".answer"), entry.name.rpartition("-")[0]
            yield (piece if whole == entry.name else whole), entry


def checked_name(name: str) -> str:
    """The id, fit to be a file name. Raises `Unexpected` for anything else: ids are ours."""
    if not _NAME.fullmatch(name):
        raise Unexpected(what=f"{name!r} is no id of ours")
    return name


def checked_hash(sha256: str) -> str:
    """The SHA-256 in lower-case hex. Raises `NotFound` for anything else: callers type these."""
    if not _SHA256.fullmatch(sha256):
        raise NotFound(what="image", id=sha256)
    return sha256


def unusable(path: Path, error: OSError) -> HomeUnusable:
    """`HomeUnusable` in words."""
    why = _WHY.get(error.errno or 0) or (error.strerror or "it can't be opened").lower()
    return HomeUnusable(path=str(path), why=why)


def prepare(root: Path) -> Home:
    """The home at `root`, its folders made where missing. Raises `HomeUnusable`.

    A home that exists keeps its own permissions (`doctor` reports wide ones); what is made here
    is for its owner only.
    """
    home = Home(root.absolute())
    path = home.root
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for name in _FOLDERS:
            path = home.root / name
            path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise unusable(path, error) from error
    return home
