"""What may go: rows by age, then files that no row names. Nothing that was paid for goes unasked.

Ages are reckoned from the newest request, or from the clock where that is earlier, so a clock
that jumped ahead makes nothing old. Images go only when asked, and never more than one in a
hundred at a time unless it is forced. A file goes when no row names it and nobody has wanted it
for a day: whoever keeps it renews its time, and the sweeper looks at that again once it has set the
file aside.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pisang.domain.attempt import State
from pisang.domain.retention import Retention
from pisang.errors import OptionInvalid
from pisang.store.begin import KEY_LIFE_MS
from pisang.store.blobs import Blobs, Lying
from pisang.store.home import Home
from pisang.store.ledger import Ledger, Readers, Tx
from pisang.store.previews import Previews

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
SET_ASIDE = "aside"
"""What a bucket's sweeper takes out of its place; it goes for good a day later."""

_BATCH = 500

T = TypeVar("T")

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
        return sum(one.bytes for one in self.gone if one.kind != SET_ASIDE)


class _Undo(Exception):
    """Carries a dry run's figures out of the transaction that is rolled back."""

    def __init__(self, rows: tuple[Gone, ...], unnamed: list[Lying]) -> None:
        super().__init__()
        self.rows = rows
        self.unnamed = unnamed


def collect(
    home: Home,
    ledger: Ledger,
    blobs: Blobs,
    retention: Retention,
    *,
    dry_run: bool,
    now_ms: int,
) -> GcReport:
    """Let go what is past its time. Raises `OptionInvalid` for too many images at once."""
    readers, writer = ledger.readers, ledger.writer
    cutoff_ms = now_ms - int(retention.salvage_hours * HOUR_MS)
    locks = Gone("locks")
    blobs.prove()
    unwanted: Iterable[Lying]
    if dry_run:
        found = list(blobs.all())
        try:
            writer.submit(lambda tx: _rehearse(tx, found, retention, now_ms)).result()
        except _Undo as undone:
            rows, unwanted = undone.rows, undone.unnamed
    else:
        rows = writer.submit(lambda tx: drop_rows(tx, retention, now_ms)).result()
        locks = writer.submit(lambda tx: Gone("locks", files=ledger.lives.sweep(tx))).result()
        _put_back_named(readers, blobs)
        unwanted = unnamed_contents(readers, blobs.all())
    files, aside = _sweep(blobs, unwanted, cutoff_ms, dry_run=dry_run)
    with readers.read() as tx:
        salvage = list(_salvage(tx, home, cutoff_ms))
    left = _clear(salvage, dry_run=dry_run)
    small = _clear_previews(readers, Previews(home), dry_run=dry_run)
    return GcReport(dry_run, (*rows, files, aside, left, small, locks))


def _rehearse(tx: Tx, found: list[Lying], retention: Retention, now_ms: int) -> None:
    rows = drop_rows(tx, retention, now_ms)
    left: list[Lying] = []
    for batch in _batches(one for one in found if one.is_ours):
        free = unnamed(tx, [one.sha256 for one in batch])
        left += (one for one in batch if one.sha256 in free)
    raise _Undo(rows, left)


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


def unnamed_contents(readers: Readers, found: Iterable[Lying]) -> Iterator[Lying]:
    """Those of `found` that no row names. What is not ours is nobody's to judge."""
    for batch in _batches(one for one in found if one.is_ours):
        with readers.read() as tx:
            free = unnamed(tx, [one.sha256 for one in batch])
        yield from (one for one in batch if one.sha256 in free)


def unnamed(tx: Tx, hashes: list[str]) -> set[str]:
    """Which of these hashes no row names."""
    return {row["sha256"] for row in tx.all("unreferenced", hashes=json.dumps(hashes))}


def _batches(found: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(found)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _put_back_named(readers: Readers, blobs: Blobs) -> None:
    """Undo what a sweeper was killed at: what lies aside and a row names gets its place again."""
    for batch in _batches(one for one in blobs.all() if one.aside):
        with readers.read() as tx:
            free = unnamed(tx, [one.sha256 for one in batch])
        for one in batch:
            if one.sha256 not in free:
                blobs.put_back(one)


def _sweep(
    blobs: Blobs, found: Iterable[Lying], cutoff_ms: float, *, dry_run: bool
) -> tuple[Gone, Gone]:
    """Let go of contents that nobody has wanted since: what went, and what was only set aside."""
    gone, aside = Gone("contents"), Gone(SET_ASIDE)
    for one in found:
        if one.wanted_ms >= cutoff_ms or not (dry_run or blobs.remove(one, cutoff_ms)):
            continue
        if blobs.sets_aside and not one.aside:
            aside = _with(aside, one.size)
        else:
            gone = _with(gone, one.size)
    return gone, aside


def _with(gone: Gone, size: int) -> Gone:
    return replace(gone, files=gone.files + 1, bytes=gone.bytes + size)


def _clear_previews(readers: Readers, previews: Previews, *, dry_run: bool) -> Gone:
    """Remove those of images that are gone, and the oldest where there are too many."""
    gone = Gone("previews")
    chosen = previews.too_many()
    over = {one.path for one in chosen}
    for batch in _batches(one for one in previews.all() if one.path not in over):
        with readers.read() as tx:
            free = unnamed(tx, [one.sha256 for one in batch])
        chosen += (one for one in batch if one.sha256 in free)
    for one in chosen:
        if dry_run or _removed(one.path):
            gone = _with(gone, one.size)
    return gone


def _clear(paths: list[Path], *, dry_run: bool) -> Gone:
    """Remove what is left of answers that came in and were never kept."""
    gone = Gone("salvage")
    for path in paths:
        size = _size(path)
        if dry_run or _removed(path):
            gone = _with(gone, size)
    return gone


def _removed(path: Path) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


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
