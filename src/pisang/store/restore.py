"""A home made again from a backup, every byte of it checked on the way; and the drill of that.

Contents first, each hashed while it is copied, the ledger last: a home without a ledger is none,
so what was interrupted is begun anew. What stood in the home before is set aside, never removed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pisang.errors import HomeUnusable, StoreCorrupt
from pisang.store.backup import THREADS, Tell
from pisang.store.home import FOLDER_MODE, Home, prepare, unusable
from pisang.store.lock import at_work
from pisang.store.snapshots import (
    LEDGER,
    PART,
    SECRETS,
    SETTINGS,
    Snapshot,
    copy_checked,
    hash_of,
    open_snapshot,
    sync_folder,
    unusable_backup,
)
from pisang.store.sqlite.copying import has_ledger, look
from pisang.store.store import Store

Place = Callable[[Path, Path, str], bool]
"""Puts a content at its place in a home; whether its bytes were right."""

_LEDGER_FILES = (LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm")

_STAYS = frozenset({"locks", "ledger.lock", "ledger.queue", "settings.lock", "settings.queue"})
"""What of a used home is not set aside: whoever opens it meets there."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that was made again. `wrong`: contents that the backup does not have as they were;
    `aside`: where what stood in the home before is now."""

    snapshot: Snapshot
    contents: int
    wrong: tuple[str, ...]
    aside: Path | None


@dataclass(frozen=True, slots=True)
class Drill:
    """A backup that was restored for a trial. `faults` are sentences; none: it is good."""

    snapshot: Snapshot
    contents: int
    faults: tuple[str, ...]
    took_s: float


def restore(
    source: Path,
    root: Path,
    *,
    at: str | None = None,
    force: bool = False,
    tell: Tell = lambda done, total: None,
) -> Restored:
    """Make the home at `root` what it was at the newest snapshot (or that `at` names). Blocks.

    Refuses a home that is in use by then, and with it whatever is at work there; `force` sets its
    contents aside in a folder of its own. Raises `BackupUnusable`, `HomeUnusable`.
    """
    snapshot = open_snapshot(source, at)
    home = Home(root.absolute())
    aside = _make_room(home, source, force=force)
    return _fill(snapshot, home, _copied, aside, tell)


def rehearse(
    source: Path,
    *,
    at: str | None = None,
    clock_ms: Callable[[], int],
    new_id: Callable[[str], str],
    tell: Tell = lambda done, total: None,
) -> Drill:
    """Restore a backup into a scratch place, and look at everything there. Blocks.

    Every content is read and hashed, the ledger's pages and rows are checked, the counts compared.
    Contents are linked where the file system can, so it takes no room. Raises `BackupUnusable`.
    """
    started = time.monotonic()
    snapshot = open_snapshot(source, at)
    with _scratch(snapshot.pool.root) as folder:
        restored = _fill(snapshot, Home(folder / "home"), _linked, None, tell)
        faults = (*_contents_faults(restored), *_ledger_faults(restored, folder / "home"))
        store = Store.open(folder / "home", clock_ms=clock_ms, new_id=new_id, fsync=False)
        with closing(store):
            found = [one for one in store.check() if one.level == "error"]
        faults += tuple(one.message for one in found if one.code in ("ledger", "states", "budgets"))
    took_s = time.monotonic() - started
    return Drill(snapshot, restored.contents, faults, took_s)


def _contents_faults(restored: Restored) -> Iterator[str]:
    manifest = restored.snapshot.manifest
    if restored.wrong:
        wrong, all_of_them = len(restored.wrong), manifest.contents
        few = ", ".join(one[:12] for one in restored.wrong[:5])
        yield f"Missing or damaged: {wrong} of {all_of_them} contents ({few})."
    if manifest.missing:
        few = ", ".join(one[:12] for one in manifest.missing[:5])
        yield f"Missing when the backup was made: {len(manifest.missing)} contents ({few})."


def _ledger_faults(restored: Restored, root: Path) -> Iterator[str]:
    manifest = restored.snapshot.manifest
    with look(Home(root)) as tx:
        said = [row["integrity_check"] for row in tx.all("integrity_check")]
        counts = tx.one("ledger_counts")
    if said != ["ok"]:
        yield f"The ledger is damaged: {'; '.join(said)[:300]}."
    for name in ("requests", "attempts", "images"):
        counted = counts[name] if counts is not None else 0
        if counted != getattr(manifest, name):
            yield f"The ledger has {counted} {name}, not {getattr(manifest, name)}."


# --- the home ------------------------------------------------------------------------------------


def _make_room(home: Home, source: Path, *, force: bool) -> Path | None:
    """See that the home is unused, or set aside what is in it; where that is. Raises
    `HomeUnusable`."""
    try:
        if not home.root.exists():
            return None
        if at_work(home):
            why = "a process of Pisang is at work in it: stop it first"
            raise HomeUnusable(path=str(home.root), why=why)
        if not _is_used(home):
            return None
        if not force:
            why = "it is in use: add --force to set what is in it aside"
            hint = f"pisang store restore {source} --home {home.root} --force"
            raise HomeUnusable(path=str(home.root), why=why, hint=hint)
        return _set_aside(home)
    except OSError as error:
        raise unusable(home.root, error) from error


def _is_used(home: Home) -> bool:
    """Whether somebody's settings or requests are there."""
    if (home.root / SETTINGS).exists() or (home.root / SECRETS).exists():
        return True
    if not has_ledger(home):
        return False
    try:
        with look(home) as tx:
            row = tx.one("used")
    except (StoreCorrupt, HomeUnusable):
        return True  # whatever it is, it is not ours to write over
    return row is None or bool(row["used"])


def _set_aside(home: Home) -> Path:
    """Move all that is in the home into a folder of its own in it, the ledger first: where this is
    interrupted, the home is an unused one."""
    number = 1
    while (aside := home.root / f"before-restore-{number}").exists():
        number += 1
    aside.mkdir(mode=FOLDER_MODE)
    others = sorted(one.name for one in home.root.iterdir() if not one.name.startswith("before-"))
    for name in (*_LEDGER_FILES, *others):
        if name not in _STAYS:
            with suppress(FileNotFoundError):
                (home.root / name).rename(aside / name)
    return aside


def _fill(snapshot: Snapshot, home: Home, place: Place, aside: Path | None, tell: Tell) -> Restored:
    try:
        contents = list(snapshot.contents())
        prepare(home.root)
        for name in _LEDGER_FILES:  # `prepare` made an empty one; the backup's comes last
            (home.root / name).unlink(missing_ok=True)
        wrong = tuple(_place_all(snapshot, home, contents, place, tell))
        for name in (SETTINGS, SECRETS):
            if (snapshot.folder / name).exists():
                _put(snapshot.folder / name, home.root / name)
        _put(snapshot.folder / LEDGER, home.ledger)
        sync_folder(home.root)
    except OSError as error:
        raise unusable_backup(snapshot.folder, error) from error
    good = len(contents) - len(wrong)
    return Restored(snapshot, good, wrong, aside)


def _place_all(
    snapshot: Snapshot, home: Home, contents: list[tuple[str, str]], place: Place, tell: Tell
) -> Iterator[str]:
    """Put every content at its place; the hashes of those that can't be had."""

    def put(one: tuple[str, str]) -> bool:
        sha256, path = one
        return place(snapshot.pool.root / path, home.root / path, sha256)

    for shelf in sorted({home.root / os.path.dirname(path) for _, path in contents}):
        shelf.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        shelf.mkdir(mode=FOLDER_MODE, exist_ok=True)
    with ThreadPoolExecutor(THREADS, "pisang-restore") as threads:
        for done, right in enumerate(threads.map(put, contents), 1):
            tell(done, len(contents))
            if not right:
                yield contents[done - 1][0]
    for folder in (home.images, home.blobs):
        if folder.is_dir():
            for shelf in (*folder.iterdir(), folder):
                sync_folder(shelf)


def _copied(source: Path, target: Path, sha256: str) -> bool:
    try:
        if target.exists() and hash_of(target) == sha256:
            return True  # left by a restore that was interrupted
        return copy_checked(source, target, sha256) is not None
    except FileNotFoundError:
        return False


def _linked(source: Path, target: Path, sha256: str) -> bool:
    try:
        if hash_of(source) != sha256:
            return False
        os.link(source, target)
    except FileNotFoundError:
        return False
    except OSError:  # no hard links here
        return copy_checked(source, target, sha256) is not None
    return True


def _put(source: Path, target: Path) -> None:
    """A small file, durably, whole or not at all."""
    part = target.with_name(target.name + PART)
    shutil.copyfile(source, part)
    part.chmod(0o600)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)


@contextmanager
def _scratch(beside: Path) -> Iterator[Path]:
    """A folder for a trial: in the backup, so that contents can be linked, else where temporary
    files go. Gone afterwards."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=".drill-", dir=beside))
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="pisang-drill-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
