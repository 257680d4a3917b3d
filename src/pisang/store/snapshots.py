"""A backup's folder: what lies where in it, and when a snapshot counts as made.

    DEST/images/ab/<sha256>         what the snapshots name, each content once, whoever names it
    DEST/blobs/ab/<sha256>
    DEST/snapshots/<number>-<time>/
        ledger.db                   a copy of the ledger, one consistent moment
        contents.sha256             what it names; `sha256sum -c` reads it, run in DEST
        config.toml, keys.toml      the settings; the keys only where they were asked for
        manifest.json               counts and hashes of all that

A snapshot is made in a folder whose name begins with a dot, and given its name once every byte of
it, and of what it names, is on the disk. So what has a name is whole.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from hashlib import file_digest
from hashlib import sha256 as new_hash
from pathlib import Path
from typing import Any

from pisang.errors import BackupUnusable, PisangError
from pisang.store.files import CHUNK
from pisang.store.home import FILE_MODE, FOLDER_MODE, Home

FORMAT = 1
MANIFEST = "manifest.json"
LEDGER = "ledger.db"
CONTENTS = "contents.sha256"
SETTINGS = "config.toml"
SECRETS = "keys.toml"
PART = ".part"

_LIST_LINE_CHARS = 64
_OURS = frozenset({"images", "blobs", "snapshots", "backup.lock", "backup.queue"})


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds. `let_go`: contents that were cleared away while it was made;
    `missing`: contents that the home itself did not have any more, or had damaged. `elsewhere`:
    where all contents are, where that is not in the home: then none is here."""

    made_at: str
    pisang: str
    schema: int
    requests: int
    attempts: int
    images: int
    contents: int
    contents_bytes: int
    ledger_sha256: str
    contents_sha256: str
    settings_sha256: str | None
    secrets_sha256: str | None
    let_go: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    elsewhere: str | None = None
    format: int = FORMAT

    def dump(self) -> bytes:
        """As its file."""
        return (json.dumps(asdict(self), indent=2) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One whole snapshot and the backup that it stands in."""

    folder: Path
    manifest: Manifest

    @property
    def pool(self) -> Home:
        """Where its contents are: the backup's folder is laid out like a home."""
        return Home(self.folder.parent.parent)

    def contents(self) -> Iterator[tuple[str, str]]:
        """(hash, path in the pool) of each content. Raises `BackupUnusable`."""
        for line in (self.folder / CONTENTS).read_text("ascii", "replace").splitlines():
            sha256, _, path = line.partition("  ")
            if len(sha256) != _LIST_LINE_CHARS or path not in _places(sha256):
                raise BackupUnusable(path=str(self.folder / CONTENTS), why="it is damaged")
            yield sha256, path


def _places(sha256: str) -> tuple[str, str]:
    return f"images/{sha256[:2]}/{sha256}", f"blobs/{sha256[:2]}/{sha256}"


def whole_snapshots(dest: Path) -> list[Path]:
    """The folders of the snapshots in a backup, oldest first; unfinished ones are none."""
    folder = dest / "snapshots"
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if one.name[0] != "." and one.is_dir())


def open_snapshot(source: Path, name: str | None = None) -> Snapshot:
    """The newest snapshot of the backup at `source`, the one of that name, or the one that
    `source` itself is. Raises `BackupUnusable`, also where its ledger, list or settings are not
    the ones that were written."""
    try:
        return _open(_find(source, name))
    except OSError as error:
        raise unusable_backup(source, error) from error


def _find(source: Path, name: str | None) -> Path:
    source = source.absolute()
    if name is None and (source / MANIFEST).is_file():
        return source
    found = whole_snapshots(source)
    if not found:
        raise BackupUnusable(path=str(source), why="there is no finished backup in it")
    if name is None:
        return found[-1]
    for one in found:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in found[-5:])
    raise BackupUnusable(path=str(source), why=f"there is no snapshot {name!r}; there are {names}")


def _open(folder: Path) -> Snapshot:
    manifest = _parse((folder / MANIFEST).read_bytes(), folder / MANIFEST)
    hashes = {
        LEDGER: manifest.ledger_sha256,
        CONTENTS: manifest.contents_sha256,
        SETTINGS: manifest.settings_sha256,
        SECRETS: manifest.secrets_sha256,
    }
    for name, sha256 in hashes.items():
        if sha256 is not None and hash_of(folder / name) != sha256:
            why = "its bytes are not the ones that were written"
            raise BackupUnusable(path=str(folder / name), why=why)
    return Snapshot(folder, manifest)


def _parse(raw: bytes, path: Path) -> Manifest:
    try:
        told: dict[str, Any] = json.loads(raw)
        if told["format"] > FORMAT:
            raise BackupUnusable(path=str(path), why="a newer Pisang made it: upgrade")
        known = {one.name: told[one.name] for one in fields(Manifest)}
    except (ValueError, KeyError, TypeError) as error:
        raise BackupUnusable(path=str(path), why="it is damaged") from error
    lists = {name: tuple(known[name]) for name in ("let_go", "missing")}
    return Manifest(**{**known, **lists})


# --- making one ----------------------------------------------------------------------------------


def prepare_backup(dest: Path) -> Home:
    """The pool of the backup at `dest`, made where there is none; what was left half done in it is
    taken away. Hold its lock. Raises `BackupUnusable` where other files are, `OSError`."""
    pool = Home(dest)
    strange = sorted(one.name for one in dest.iterdir() if one.name not in _OURS)
    if strange and not (dest / "snapshots").is_dir():
        raise BackupUnusable(path=str(dest), why=f"there are other files in it ({strange[0]})")
    for folder in (pool.images, pool.blobs, dest / "snapshots"):
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    for half in (dest / "snapshots").glob(f".*{PART}"):
        shutil.rmtree(half)
    for half in (*pool.images.glob(f"*/*{PART}"), *pool.blobs.glob(f"*/*{PART}")):
        half.unlink()
    return pool


@contextmanager
def begin_snapshot(dest: Path, now_ms: int) -> Iterator[tuple[Path, Path]]:
    """A fresh folder to make a snapshot in, and the name to give it in the end; gone where that
    was not done. Numbers order them, so a clock that was set back makes no old one the newest."""
    names = whole_snapshots(dest)
    number = int(names[-1].name.partition("-")[0]) + 1 if names else 1
    when = datetime.fromtimestamp(now_ms / 1000, UTC)
    name = f"{number:06d}-{when:%Y%m%dT%H%M%SZ}"
    part = dest / "snapshots" / f".{name}{PART}"
    part.mkdir(mode=FOLDER_MODE)
    try:
        yield part, dest / "snapshots" / name
    finally:
        shutil.rmtree(part, ignore_errors=True)


def prune(dest: Path, keep: int) -> int:
    """Take away all but the newest `keep` snapshots, then the contents that none names any more;
    how many snapshots went. Raises `OSError`, `BackupUnusable`."""
    found = whole_snapshots(dest)
    old, kept = found[:-keep], found[-keep:]
    if not old:
        return 0
    named = {path for one in kept for _, path in open_snapshot(one).contents()}
    for one in old:
        aside = one.with_name(f".{one.name}{PART}")
        one.rename(aside)
        shutil.rmtree(aside)
    pool = Home(dest)
    for folder in (pool.images, pool.blobs):
        for path in folder.glob("*/*"):
            if path.relative_to(dest).as_posix() not in named:
                path.unlink()
    return len(old)


# --- files ---------------------------------------------------------------------------------------


def copy_checked(source: Path, target: Path, sha256: str) -> int | None:
    """Copy a content durably, whole or not at all; its size, None where the bytes at `source` are
    not those of that hash. Sync the folder afterwards. Raises `OSError`."""
    part = target.with_name(target.name + PART)
    try:
        found, size = _copy_hashed(source, part)
        if found != sha256:
            return None
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return size


def _copy_hashed(source: Path, target: Path) -> tuple[str, int]:
    """Copy a file durably; the hash of what was copied, and its size."""
    found = new_hash()
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with (
        source.open("rb", buffering=0) as reader,
        os.fdopen(os.open(target, flags, FILE_MODE), "wb") as writer,
    ):
        while chunk := reader.read(CHUNK):
            found.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
        return found.hexdigest(), writer.tell()


def write_synced(path: Path, data: bytes) -> str:
    """A private file of exactly these bytes; their hash. Raises `OSError`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, FILE_MODE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return new_hash(data).hexdigest()


def sync_folder(path: Path) -> None:
    """The names in a folder are on the disk. Raises `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def hash_of(path: Path) -> str:
    """The SHA-256 of a file. Raises `OSError`."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def unusable_backup(path: Path, error: OSError) -> PisangError:
    """`BackupUnusable` in words."""
    where = error.filename if isinstance(error.filename, str) else str(path)
    words = error.strerror or "it can't be used"
    return BackupUnusable(path=where, why=words[0].lower() + words[1:])
