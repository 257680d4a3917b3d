"""System calls that fail: each gives the right leaf, and only a lost write makes a home suspect."""

from __future__ import annotations

import errno
import fcntl
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pisang.domain.attempt import State
from pisang.domain.content import content_of
from pisang.errors import (
    HomeUnusable,
    PisangError,
    StoreCorrupt,
    StoreFilled,
    StoreSuspect,
)
from pisang.store import lock
from pisang.store.records import is_whole, pack, unpack
from pisang.store.store import Store
from tests.store.kit import answer_of, claimed, open_store, picture, sent, settlement, wish, write


def failing(code: int) -> Callable[..., Any]:
    def fail(*arguments: object, **more: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def take_in_and_keep(store: Store) -> None:
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    store.keep(given.attempt_id, answer_of([image]), (image,))


CASES = [
    ("write", errno.ENOSPC, StoreFilled),
    ("write", errno.EDQUOT, StoreFilled),
    ("write", errno.EIO, StoreSuspect),
    ("link", errno.ENOSPC, StoreFilled),
    ("link", errno.EACCES, HomeUnusable),
    ("link", errno.EIO, StoreSuspect),
    ("mkdir", errno.ENOSPC, StoreFilled),
    ("mkdir", errno.EROFS, HomeUnusable),
    ("mkdir", errno.EBADF, StoreSuspect),
    ("open", errno.EMFILE, HomeUnusable),
    ("open", errno.ENFILE, HomeUnusable),
]


@pytest.mark.folder
@pytest.mark.parametrize(("call", "code", "leaf"), CASES)
def test_a_failing_call_gives_its_leaf(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: int,
    leaf: type[PisangError],
) -> None:
    sent(store)
    with monkeypatch.context() as broken:
        broken.setattr(os, call, failing(code))
        with pytest.raises(leaf) as caught:
            take_in_and_keep(store)
    assert "Traceback" not in str(caught.value)
    suspect = leaf is StoreSuspect
    assert store.home.suspect.exists() is suspect
    if suspect:
        with pytest.raises(StoreSuspect):
            sent(store)
    else:
        take_in_and_keep(store)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_failing_fsync_always_makes_the_home_suspect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store = open_store(tmp_path / "home", fsync=True)
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    monkeypatch.setattr(os, "fsync", failing(code))
    with pytest.raises(StoreSuspect):
        store.keep(given.attempt_id, answer_of([image]), (image,))
    with pytest.raises(StoreSuspect):
        store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    with pytest.raises(StoreSuspect):
        claimed(store, given.request_id, ordinal=1)
    assert os.strerror(code) in store.home.suspect.read_text()
    store.close()


def test_a_sink_that_can_t_be_opened_says_why(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = store.incoming(sent(store).attempt_id)
    with monkeypatch.context() as broken:
        broken.setattr(os, "open", failing(errno.EMFILE))
        with pytest.raises(PisangError):
            incoming.open()


def test_a_name_that_can_t_go_is_left_to_gc(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    given = sent(store)
    write(store.incoming(given.attempt_id), picture())
    with monkeypatch.context() as broken:
        broken.setattr(os, "unlink", failing(errno.EACCES))
        store.settle(settlement(given.attempt_id, State.FAILED)).result()
    assert len(list(store.home.incoming.iterdir())) == 1
    store.recover()
    assert list(store.home.incoming.iterdir()) == []


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("code", "why"),
    [(errno.ENOLCK, "no file locks"), (errno.EOPNOTSUPP, "no file locks"), (errno.EIO, "error")],
)
def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, why: str
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(code))
    with pytest.raises(HomeUnusable, match=why):
        open_store(tmp_path / "home")


def test_a_lock_file_taken_away_for_a_dead_one_is_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweeper comes between the making of an owner's lock file and its locking."""
    real = lock._open
    swept: list[Path] = []

    def open_and_be_swept(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
        fd = real(path, flags)
        if not swept:
            swept.append(path)
            path.unlink()
        return fd

    monkeypatch.setattr(lock, "_open", open_and_be_swept)
    owner = store.owner
    assert swept
    assert not lock.is_free(store.home, owner)


def test_a_job_of_a_store_whose_lock_can_t_be_taken_fails_with_its_reason(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "open", failing(errno.EACCES))
        with pytest.raises(HomeUnusable, match="no right"):
            store.begin(wish()).result()
    assert store.begin(wish()).result().verdict == "new"


def test_a_home_that_is_taken_away_is_told_before_buying(store: Store) -> None:
    request_id = store.begin(wish()).result().request_id
    store.home.root.rename(store.home.root.with_name("elsewhere"))
    with pytest.raises(HomeUnusable):
        claimed(store, request_id)
    store.home.root.with_name("elsewhere").rename(store.home.root)
    claimed(store, request_id)


@pytest.mark.folder
def test_a_content_that_can_t_be_read_is_damaged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = store.put_bytes(picture())
    path = store.path(content.sha256)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreCorrupt, match="can't be read"):
        store.content(content.sha256)
    with pytest.raises(StoreCorrupt):
        list(store.read(content))
    size = path.stat().st_size
    folder = type(content)(content.sha256, size, b"", b"")
    with pytest.raises(StoreCorrupt, match="can't be read"):
        list(store.read(folder, verify=True))


@pytest.mark.parametrize("damage", [b"", b"not zlib", zlib.compress(b"short")])
def test_what_is_no_record_is_corrupt(damage: bytes) -> None:
    with pytest.raises(StoreCorrupt):
        unpack(damage, lambda sha256, size: content_of(b""))


def test_a_record_of_no_json_is_corrupt() -> None:
    body = (5).to_bytes(8, "big") + b"nope!"
    with pytest.raises(StoreCorrupt, match="no JSON"):
        unpack(zlib.compress(body), lambda sha256, size: content_of(b""))


def test_a_record_is_whole_only_to_its_last_byte() -> None:
    packed = pack(answer_of([content_of(b"abc")])).packed
    assert is_whole(packed)
    assert not is_whole(packed + b"x")
    for end in range(len(packed)):
        assert not is_whole(packed[:end])
    for position in range(len(packed)):
        flipped = bytearray(packed)
        flipped[position] ^= 0x55
        if is_whole(bytes(flipped)):  # only bits of zlib's header that say nothing of the data
            assert position < 2
