"""Small pictures: where they are, gone with their image, and never too many."""

from __future__ import annotations

import os
from pathlib import Path

from pisang.store.home import Home
from pisang.store.previews import Previews
from pisang.store.store import Store
from tests.store.kit import NOW
from tests.store.test_delete import painted

ONE, OTHER = "a" * 64, "ab" * 32


def lay(previews: Previews, sha256: str, size: int, age_s: int = 0, side_px: int = 512) -> Path:
    path = previews.path(sha256, side_px)
    path.write_bytes(bytes(size))
    at = NOW / 1000 - age_s
    os.utime(path, (at, at))
    return path


def test_those_of_an_image_are_forgotten_and_nobody_elses(tmp_path: Path) -> None:
    previews = Previews(Home(tmp_path))
    mine = [lay(previews, ONE, 1), lay(previews, ONE, 1, side_px=1024)]
    other = lay(previews, OTHER, 1)
    stranger = other.with_name("README.txt")
    stranger.write_text("no preview")
    previews.forget([ONE, "c" * 64])
    assert [path.exists() for path in (*mine, other, stranger)] == [False, False, True, True]
    assert [one.path for one in previews.all()] == [other]


def test_the_oldest_are_too_many(tmp_path: Path) -> None:
    previews = Previews(Home(tmp_path))
    old, older, new = (
        lay(previews, c * 64, 100, age) for c, age in (("a", 20), ("b", 30), ("c", 1))
    )
    assert [one.path for one in previews.too_many(300)] == []
    assert [one.path for one in previews.too_many(299)] == [older]
    assert [one.path for one in previews.too_many(100)] == [older, old]
    assert {one.path for one in previews.too_many(0)} == {old, older, new}


def test_they_go_with_their_image_at_once_and_with_the_next_gc(store: Store) -> None:
    deleted, kept = painted(store, 1), painted(store, 2)
    gone = lay(store.previews, store.image(deleted).sha256, 10)
    stays = lay(store.previews, store.image(kept).sha256, 10)
    orphan = lay(store.previews, ONE, 10)
    store.delete(deleted)
    assert [path.exists() for path in (gone, stays, orphan)] == [False, True, True]
    rehearsed = {one.kind: one for one in store.gc(dry_run=True).gone}
    assert (rehearsed["previews"].files, orphan.exists()) == (1, True)
    report = {one.kind: one for one in store.gc().gone}
    assert (report["previews"].files, report["previews"].bytes) == (1, 10)
    assert [path.exists() for path in (stays, orphan)] == [True, False]
