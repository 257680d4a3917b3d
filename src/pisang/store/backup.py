"""A backup made while servers write: first the ledger, one moment of it, then what it names.

A content is in place before the commit that names it, and never changes, so whatever the copied
ledger names can be copied afterwards, at leisure. What was under way at that moment is `sent` in
the copy, and whoever opens it settles that as unknown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pisang.domain.version import VERSION
from pisang.errors import BackupUnusable, HomeUnusable
from pisang.store.gc import unnamed
from pisang.store.home import FOLDER_MODE, Home
from pisang.store.ledger import Row
from pisang.store.lock import Turn
from pisang.store.snapshots import (
    CONTENTS,
    LEDGER,
    MANIFEST,
    SECRETS,
    SETTINGS,
    Manifest,
    Snapshot,
    begin_snapshot,
    copy_checked,
    hash_of,
    open_snapshot,
    prepare_backup,
    prune,
    sync_folder,
    unusable_backup,
    write_synced,
)
from pisang.store.sqlite.copying import copy_ledger, has_ledger, look

Tell = Callable[[int, int], None]
"""Hears how many contents are done, of how many."""

THREADS = 4
"""Contents copied at a time: while one waits for its fsync the others are read and hashed."""

LOOK_AGAIN_S = 0.2
"""A sweeper may have a file aside for a moment, and put it back."""

_Fate = Literal["new", "had", "let_go", "missing"]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A snapshot that was made: how many of its contents are new here, and what it let go."""

    snapshot: Snapshot
    new: int
    new_bytes: int
    pruned: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a backup is to hold (`back_up`)."""

    now_ms: int
    secrets: bool
    elsewhere: str | None


@dataclass(frozen=True, slots=True)
class _Taken:
    fate: _Fate
    sha256: str
    path: str
    size: int


def back_up(
    home: Home,
    dest: Path,
    *,
    now_ms: int,
    secrets: bool = False,
    elsewhere: str | None = None,
    keep: int | None = None,
    tell: Tell = lambda done, total: None,
) -> BackedUp:
    """Add a snapshot of the home to the backup at `dest`, made where there is none. Blocks.

    All that was committed before the call is in it. `secrets` takes the keys along; `elsewhere` is
    the bucket that contents are in, which are left there then; `keep` leaves only that many
    snapshots. Raises `BackupUnusable` (the destination), `HomeUnusable` and
    `StoreCorrupt` (the home); then the backup is as it was.
    """
    if not has_ledger(home):
        raise HomeUnusable(path=str(home.root), why="there is no ledger in it")
    dest = dest.absolute()
    if dest.resolve().is_relative_to(home.root.resolve()):
        raise BackupUnusable(path=str(dest), why="it lies inside the folder that is to be saved")
    try:
        dest.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with _alone(dest):
            pool = prepare_backup(dest)
            wanted = _Wanted(now_ms, secrets, elsewhere)
            with begin_snapshot(dest, now_ms) as (part, final):
                made = _make(home, pool, part, wanted, tell)
                part.rename(final)
            sync_folder(final.parent)
            pruned = 0 if keep is None else prune(dest, keep)
            return BackedUp(open_snapshot(final), *made, pruned)
    except OSError as error:
        raise unusable_backup(dest, error) from error


@contextmanager
def _alone(dest: Path) -> Iterator[None]:
    """One backup at a time is made in a folder; the next waits."""
    turn = Turn(dest / "backup.lock")
    try:
        with turn:
            yield
    finally:
        turn.close()


def _make(home: Home, pool: Home, part: Path, wanted: _Wanted, tell: Tell) -> tuple[int, int]:
    """Everything of one snapshot, on the disk; how many contents are new, and their bytes."""
    schema = copy_ledger(home, part / LEDGER)
    rows, counts = _read_copy(Home(part))
    taken = [] if wanted.elsewhere else list(_take_all(home, pool, rows, tell))
    held = sorted((one for one in taken if one.fate in ("new", "had")), key=lambda one: one.path)
    listed = "".join(f"{one.sha256}  {one.path}\n" for one in held)
    manifest = Manifest(
        made_at=datetime.fromtimestamp(wanted.now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        pisang=VERSION,
        schema=schema,
        requests=counts["requests"],
        attempts=counts["attempts"],
        images=counts["images"],
        contents=len(held),
        contents_bytes=sum(one.size for one in held),
        ledger_sha256=hash_of(part / LEDGER),
        contents_sha256=write_synced(part / CONTENTS, listed.encode()),
        settings_sha256=_copy_file(home.root / SETTINGS, part / SETTINGS),
        secrets_sha256=_copy_file(home.root / SECRETS, part / SECRETS) if wanted.secrets else None,
        let_go=tuple(one.sha256 for one in taken if one.fate == "let_go"),
        missing=tuple(one.sha256 for one in taken if one.fate == "missing"),
        elsewhere=wanted.elsewhere,
    )
    write_synced(part / MANIFEST, manifest.dump())
    sync_folder(part)
    new = [one.size for one in taken if one.fate == "new"]
    return len(new), sum(new)


def _copy_file(source: Path, target: Path) -> str | None:
    """The hash of a settings file that was copied; None where there is none."""
    try:
        return write_synced(target, source.read_bytes())
    except FileNotFoundError:
        return None


def _read_copy(copy: Home) -> tuple[list[Row], Row]:
    """What the copied ledger names, and how many rows it has."""
    with look(copy) as tx:
        counts = tx.one("ledger_counts")
        if counts is None:
            raise BackupUnusable(path=str(copy.ledger), why="it is damaged")
        return tx.all("all_contents"), counts


# --- contents ------------------------------------------------------------------------------------


def _take_all(home: Home, pool: Home, rows: list[Row], tell: Tell) -> Iterator[_Taken]:
    """Each content that the copy names, in the pool where it can be had."""
    hashes = [row["sha256"] for row in rows]
    with ThreadPoolExecutor(THREADS, "pisang-backup") as threads:
        for done, taken in enumerate(threads.map(lambda one: _take(home, pool, one), hashes), 1):
            tell(done, len(hashes))
            yield taken
    for folder in (*pool.images.iterdir(), *pool.blobs.iterdir(), pool.images, pool.blobs):
        sync_folder(folder)


def _take(home: Home, pool: Home, sha256: str) -> _Taken:
    """One content. A file in the pool of the right size is taken for what it is: `verify` reads
    them all."""
    for _ in range(3):
        for source, target in (
            (home.image(sha256), pool.image(sha256)),
            (home.blob(sha256), pool.blob(sha256)),
        ):
            taken = _copy(source, target, sha256)
            if taken is not None:
                return taken
        if _is_let_go(home, sha256):
            return _Taken("let_go", sha256, "", 0)
        time.sleep(LOOK_AGAIN_S)
    return _had(pool, sha256) or _Taken("missing", sha256, "", 0)


def _copy(source: Path, target: Path, sha256: str) -> _Taken | None:
    """The content from there, unless the pool has it; None where it is not there, or damaged."""
    path = f"{target.parent.parent.name}/{sha256[:2]}/{sha256}"
    try:
        size = source.stat().st_size
        if target.exists() and target.stat().st_size == size:
            return _Taken("had", sha256, path, size)
        target.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        copied = copy_checked(source, target, sha256)
    except FileNotFoundError:
        return None
    return None if copied is None else _Taken("new", sha256, path, copied)


def _had(pool: Home, sha256: str) -> _Taken | None:
    """A content that the home lost and an earlier backup has."""
    for target in (pool.image(sha256), pool.blob(sha256)):
        if target.exists() and hash_of(target) == sha256:
            path = f"{target.parent.parent.name}/{sha256[:2]}/{sha256}"
            return _Taken("had", sha256, path, target.stat().st_size)
    return None


def _is_let_go(home: Home, sha256: str) -> bool:
    """Whether the ledger as it is now names the content no more."""
    with look(home) as tx:
        return sha256 in unnamed(tx, [sha256])
