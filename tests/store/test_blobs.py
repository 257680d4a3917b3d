"""Contents by hash: taken in for good, read back, never served damaged."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from pisang.domain.content import HEAD_BYTES, TAIL_BYTES, Content, content_of
from pisang.errors import (
    NotFound,
    PisangError,
    ReferenceTooLarge,
    ReferenceUnreadable,
    StoreCorrupt,
)
from pisang.store import references
from pisang.store.files import CHUNK
from pisang.store.store import Store
from tests.store.kit import open_store, paint, picture, sent


def body(store: Store, content: Content, *, verify: bool = False) -> bytes:
    return b"".join(store.read(content, verify=verify))


@pytest.mark.parametrize("size", [0, 1, TAIL_BYTES, HEAD_BYTES + 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_bytes_put_in_come_out(store: Store, size: int) -> None:
    data = os.urandom(size)
    content = store.put_bytes(data)
    assert content == content_of(data)
    assert body(store, content) == body(store, content, verify=True) == data
    again = store.content(content.sha256)
    assert (again, again.head, again.tail) == (
        content,
        data[:HEAD_BYTES],
        data[-TAIL_BYTES:] if size else b"",
    )
    assert list(store.home.incoming.iterdir()) == []


def test_a_file_put_in_is_there_when_the_file_is_gone(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "猫 ' .png"
    source.write_bytes(picture())
    content = store.put_file(source)
    source.unlink()
    assert body(store, content) == picture()
    assert stat.S_IMODE(store.path(content.sha256).stat().st_mode) == 0o600


@pytest.mark.folder
def test_an_image_put_in_again_as_a_reference_is_the_same_file(
    store: Store, tmp_path: Path
) -> None:
    given = sent(store)
    paint(store, given.attempt_id, picture())
    content = store.put_bytes(picture())
    assert store.path(content.sha256).parent.parent == store.home.images
    assert list(store.home.blobs.iterdir()) == []


@pytest.mark.folder
def test_putting_in_again_renews_the_time_that_gc_looks_at(store: Store) -> None:
    content = store.put_bytes(b"x" * 100)
    os.utime(store.path(content.sha256), (0, 0))
    store.put_bytes(b"x" * 100)
    assert store.path(content.sha256).stat().st_mtime > 1_000_000


@pytest.mark.parametrize(
    ("name", "why"),
    [("none.png", "no such file"), ("folder", "not a file"), ("pipe", "not a file")],
)
def test_what_is_no_readable_file_is_refused(
    store: Store, tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ReferenceUnreadable, match=why):
        store.put_file(tmp_path / name)


def test_a_file_beyond_the_cap_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "REFERENCE_CAP", 1_000)
    (tmp_path / "big").write_bytes(b"x" * 1_001)
    with pytest.raises(ReferenceTooLarge):
        store.put_file(tmp_path / "big")
    with pytest.raises(ReferenceTooLarge):
        store.put_bytes(b"x" * 1_001)
    assert list(store.home.incoming.iterdir()) == []


@pytest.mark.parametrize("size", [10, CHUNK, 2 * CHUNK + 5])
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_one_flipped_bit_is_found_before_the_last_byte_is_served(
    store: Store, size: int, where: str
) -> None:
    data = os.urandom(size)
    content = store.put_bytes(data)
    path = store.path(content.sha256)
    position = {"first": 0, "middle": size // 2, "last": size - 1}[where]
    path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
    served = b""
    with pytest.raises(StoreCorrupt, match="not the ones that were written"):
        for chunk in store.read(content, verify=True):
            served += chunk
    assert len(served) < size


@pytest.mark.folder
def test_a_cut_or_missing_file_is_found_at_once(store: Store) -> None:
    content = store.put_bytes(b"x" * 5000)
    path = store.path(content.sha256)
    path.write_bytes(b"x" * 4999)
    with pytest.raises(StoreCorrupt, match="4,999 bytes, and 5,000 were written"):
        store.read(content)
    with pytest.raises(StoreCorrupt, match="4,999 bytes"):
        store.content(content.sha256, 5000)
    path.unlink()
    with pytest.raises(StoreCorrupt, match="not there any more"):
        store.read(content)
    with pytest.raises(NotFound):
        store.content(content.sha256)


def test_what_is_carried_inline_needs_no_file(store: Store) -> None:
    assert body(store, content_of(b"abc")) == b"abc"


@pytest.mark.folder
def test_putting_the_same_bytes_from_many_threads_makes_one_whole_file(store: Store) -> None:
    data = os.urandom(300_000)
    failed: list[PisangError] = []

    def put() -> None:
        try:
            assert body(store, store.put_bytes(data), verify=True) == data
        except PisangError as error:
            failed.append(error)

    threads = [threading.Thread(target=put) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(list(store.home.blobs.rglob("*/*"))) == 1


@pytest.mark.folder
def test_where_the_file_system_knows_no_hard_links_the_file_is_renamed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    given = sent(store)
    kept = paint(store, given.attempt_id, picture(), extra=[b"signature" * 5000])
    assert store.answer(given.attempt_id) == kept
    assert list(store.home.incoming.iterdir()) == []


def test_everything_in_the_home_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(tmp_path / "home")
        given = sent(store)
        paint(store, given.attempt_id, picture(), extra=[b"signature" * 5000])
        paths = [tmp_path / "home", *(tmp_path / "home").rglob("*")]
        wide = [path for path in paths if path.stat().st_mode & 0o077]
        store.close()
    finally:
        os.umask(before)
    assert wide == []
