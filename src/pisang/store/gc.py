"""What may go: rows by age, then files that no row names. Nothing that was paid for goes unasked.

Ages are reckoned from the newest request, or from the clock where that is earlier, so a clock
that jumped ahead makes nothing old. Images go only when asked, and never more than one in a
hundred at a time unless it is forced. A file goes when no row names it and nobody has wanted it
for a day: `Files.place` renews its time, and the sweeper looks at it again once it has moved the
file aside.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pisang.domain.attempt import State
from pisang.domain.retention import Retention
from pisang.errors import OptionInvalid
from pisang.store.begin import KEY_LIFE_MS
from pisang.store.home import Home
from pisang.store.ledger import Ledger, Tx

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
ASIDE = ".aside"
_BATCH = 500

_OPEN = frozenset({State.PLANNED.value, State.SENT.value})


@dataclass(frozen=True, slots=True)
class Gone:
    """What of one kind went, or (dry) would go."""

    kind: str
    rows: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class GcReport:
    """What `gc` did, or with `dry_run` would do, by kind."""

    dry_run: bool
    gone: tuple[Gone, ...]

    @property
    def bytes(self) -> int:
        """How much room it made."""
        return sum(one.bytes for one in self.gone)


class _Undo(Exception):
    """Carries a dry run's figures out of the transaction that is rolled back."""

    def __init__(self, rows: tuple[Gone, ...], unnamed: list[Path]) -> None:
        super().__init__()
        self.rows = rows
        self.unnamed = unnamed


def collect(
    home: Home,
    ledger: Ledger,
    retention: Retention,
    *,
    dry_run: bool,
    now_ms: int,
) -> GcReport:
    """Let go what is past its time. Raises `OptionInvalid` for too many images at once."""
    readers, writer = ledger.readers, ledger.writer
    cutoff_ms = now_ms - int(retention.salvage_hours * HOUR_MS)
    locks = Gone("locks")
    if dry_run:
        try:
            writer.submit(lambda tx: _rehearse(tx, home, retention, now_ms)).result()
        except _Undo as undone:
            rows, unwanted = undone.rows, undone.unnamed
    else:
        rows = writer.submit(lambda tx: drop_rows(tx, retention, now_ms)).result()
        locks = writer.submit(lambda tx: Gone("locks", files=ledger.lives.sweep())).result()
        with readers.read() as tx:
            put_back_named(tx, home)
            unwanted = list(unnamed_files(tx, home))
    stale = [path for path in unwanted if _modified_ms(path) < cutoff_ms]
    with readers.read() as tx:
        salvage = list(_salvage(tx, home, cutoff_ms))
    files = sweep(stale, cutoff_ms, "contents", dry_run=dry_run)
    left = sweep(salvage, cutoff_ms, "salvage", dry_run=dry_run)
    return GcReport(dry_run, (*rows, files, left, locks))


def _rehearse(tx: Tx, home: Home, retention: Retention, now_ms: int) -> None:
    raise _Undo(drop_rows(tx, retention, now_ms), list(unnamed_files(tx, home)))


def drop_rows(tx: Tx, retention: Retention, now_ms: int) -> tuple[Gone, ...]:
    """Delete the rows that are past their time; how many of each kind."""
    newest = tx.one("newest_ms")
    today = min(now_ms, (newest["at"] if newest is not None else 0) + DAY_MS)
    thinned = _thin(tx, today - int(retention.answers_days * DAY_MS))
    before = today - int(retention.signatures_days * DAY_MS)
    tx.run("answer_contents_drop", before=before)
    answers = tx.count("answers_drop", before=before)
    keys = tx.count("keys_drop", before=today - KEY_LIFE_MS)
    images = _drop_images(tx, _images_before(tx, retention, today), retention)
    return (
        Gone("whole answers", rows=thinned),
        Gone("answers", rows=answers),
        Gone("idempotency keys", rows=keys),
        Gone("images", rows=images),
    )


def _thin(tx: Tx, before: int) -> int:
    tx.run("raw_contents_drop", before=before)
    return tx.count("answers_thin", before=before)


def _images_before(tx: Tx, retention: Retention, today: int) -> int:
    """Before when an image must have been made to be past its time; 0 where none is."""
    days, most = retention.images_days, retention.images_bytes
    old = 0 if days is None else today - int(days * DAY_MS)
    over = None if most is None else tx.one("images_over", most=most)
    return max(old, over["at"] + 1 if over is not None and over["at"] is not None else 0)


def _drop_images(tx: Tx, before: int, retention: Retention) -> int:
    if before <= 0:
        return 0
    counted = tx.one("images_counted", before=before)
    total, older = (counted["images"], counted["older"]) if counted is not None else (0, 0)
    if older * 100 > total and not retention.force:
        why = f"that would remove {older:,} of {total:,} images, more than one in a hundred"
        option, value = _asked(retention)
        why = f"{why}: add --force if you mean it"
        raise OptionInvalid(option=option, value=value, why=why)
    tx.run("image_answer_contents_drop", before=before)
    tx.run("image_answers_drop", before=before)
    return tx.count("images_drop", before=before)


def _asked(retention: Retention) -> tuple[str, str]:
    """The option that lets images go, and its value, for the error that names it."""
    if retention.images_days is not None:
        return "--images-days", f"{retention.images_days:g}"
    return "--images-gb", f"{(retention.images_bytes or 0) / 10**9:g}"


def unnamed_files(tx: Tx, home: Home) -> Iterator[Path]:
    """The files of `images/` and `blobs/` that no row names."""
    batch: dict[str, list[Path]] = {}
    for path in content_files(home):
        batch.setdefault(path.name.removesuffix(ASIDE), []).append(path)
        if len(batch) >= _BATCH:
            yield from _unnamed(tx, batch)
            batch = {}
    yield from _unnamed(tx, batch)


def content_files(home: Home) -> Iterator[Path]:
    """Every file of `images/` and `blobs/`."""
    for folder in (home.images, home.blobs):
        for shelf in sorted(folder.iterdir()):
            yield from sorted(shelf.iterdir())


def unnamed(tx: Tx, hashes: list[str]) -> set[str]:
    """Which of these hashes no row names."""
    return {row["sha256"] for row in tx.all("unreferenced", hashes=json.dumps(hashes))}


def _unnamed(tx: Tx, batch: dict[str, list[Path]]) -> Iterator[Path]:
    for sha256 in unnamed(tx, list(batch)):
        yield from batch[sha256]


def sweep(paths: list[Path], cutoff_ms: float, kind: str, *, dry_run: bool) -> Gone:
    """Remove files that nobody has wanted since `cutoff_ms`; how many and how large they were."""
    gone = Gone(kind)
    for path in paths:
        size = _size(path)
        if dry_run or remove_unwanted(path, cutoff_ms):
            gone = replace(gone, files=gone.files + 1, bytes=gone.bytes + size)
    return gone


def remove_unwanted(path: Path, cutoff_ms: float) -> bool:
    """Remove a file unless somebody has wanted it since; whether it went.

    It is moved aside first: whoever wants it from then on writes it anew, and whoever wanted it
    before has renewed its time, which is looked at only now.
    """
    bare = path.with_name(path.name.removesuffix(ASIDE))
    aside = bare.with_name(bare.name + ASIDE)
    try:
        if aside != path:
            os.rename(path, aside)
        if _modified_ms(aside) >= cutoff_ms:
            _put_back(aside, bare)
            return False
        os.unlink(aside)
    except FileNotFoundError:
        return False
    return True


def put_back_named(tx: Tx, home: Home) -> None:
    """Undo what a sweeper was killed at: files set aside that a row names get their name again."""
    asides = [path for path in content_files(home) if path.name.endswith(ASIDE)]
    free = unnamed(tx, [path.name.removesuffix(ASIDE) for path in asides])
    for aside in asides:
        bare = aside.name.removesuffix(ASIDE)
        if bare not in free:
            _put_back(aside, aside.with_name(bare))


def _put_back(aside: Path, path: Path) -> None:
    with suppress(FileExistsError):  # it was written anew meanwhile
        os.link(aside, path)
    os.unlink(aside)


def _salvage(tx: Tx, home: Home, cutoff_ms: int) -> Iterator[Path]:
    """Stale files of `incoming/` whose attempt is not under way."""
    came_in = [(owner, path) for owner, path in home.came_in() if _modified_ms(path) < cutoff_ms]
    ids = json.dumps(sorted({owner for owner, _ in came_in}))
    states = {row["id"]: row["state"] for row in tx.all("attempt_states_by_ids", ids=ids)}
    for owner, path in came_in:
        if states.get(owner) not in _OPEN:
            yield path


def _modified_ms(path: Path) -> float:
    """When a file was last wanted; now and for ever when it is gone."""
    try:
        return os.stat(path).st_mtime_ns / 1_000_000
    except FileNotFoundError:
        return float("inf")


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
