"""A disk that is full: told before paying, and after paying nothing that came is lost track of."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.errors import StoreFilled, StoreFull
from pisang.store.files import Files
from tests.store.kit import (
    answer_of,
    claimed,
    made,
    open_store,
    picture,
    run_python,
    sent,
    settlement,
    write,
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB that is taken away again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_too_little_room_is_told_before_anything_is_bought(small_disk: Path) -> None:
    store = open_store(small_disk / "home", worst_answer_bytes=3_000_000)
    with pytest.raises(StoreFull, match="nothing was sent"):
        sent(store)
    store.close()


def test_a_disk_that_fills_up_under_an_answer_keeps_what_came_and_goes_on(
    small_disk: Path,
) -> None:
    store = open_store(small_disk / "home", worst_answer_bytes=1)
    given = sent(store)
    writer = store.incoming(given.attempt_id).open()
    with pytest.raises(StoreFilled, match="free some space"):
        for _ in range(20):
            writer.write(b"x" * 1_000_000)
    came = writer.close()
    assert came.size == (small_disk / "home" / "incoming" / f"{given.attempt_id}-0").stat().st_size
    with pytest.raises(StoreFull):
        claimed(store, given.request_id, ordinal=1)
    store.incoming(given.attempt_id).discard()
    store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    assert store.request(given.request_id).state is State.UNKNOWN
    sent(store)
    store.close()


@pytest.mark.sqlite
def test_a_ledger_that_can_t_grow_fails_the_write_and_stays_sound(small_disk: Path) -> None:
    store = open_store(small_disk / "home", worst_answer_bytes=1)
    given = sent(store)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 65_536)
    with pytest.raises(StoreFilled):
        for _ in range(50):
            store.settle(settlement(given.attempt_id, State.UNKNOWN, text="x" * 99_000)).result()
    assert store.request(given.request_id).state is State.SENT
    ballast.unlink()
    store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    assert [one for one in store.check() if one.level == "error"] == []
    store.close()


def test_a_full_disk_at_keep_is_told_and_keeping_again_with_room_succeeds(
    small_disk: Path,
) -> None:
    store = open_store(small_disk / "home", worst_answer_bytes=1)
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    answer = answer_of([image], skeleton=bytes(range(256)) * 400)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4_096)
    with pytest.raises(StoreFilled):
        store.keep(given.attempt_id, answer, (image,))
    ballast.unlink()
    store.keep(given.attempt_id, answer, (image,))
    store.settle(settlement(given.attempt_id, images=(made(image),))).result()
    assert store.answer(given.attempt_id) == answer
    store.close()


def test_a_limit_on_file_size_is_a_full_disk_too(tmp_path: Path) -> None:
    told = run_python(
        """
        import resource
        from pisang.errors import StoreFilled
        store = open_store(Path(argv[0]))
        given = sent(store)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        writer = store.incoming(given.attempt_id).open()
        try:
            writer.write(b"x" * 500_000)
        except StoreFilled as error:
            print(error, writer.close().size)
        """,
        tmp_path / "home",
    )
    assert "filled up" in told.stdout, told.stderr
    assert told.stdout.split()[-1] == "300000"


def test_an_answer_cut_by_power_is_whole_or_absent_whatever_was_synced(tmp_path: Path) -> None:
    """Every prefix of what `keep` does is a state that recovery understands."""
    steps = 0
    while True:
        store = open_store(tmp_path / f"home{steps}")
        given = sent(store)
        image = write(store.incoming(given.attempt_id), picture())
        stop_after(store._files, steps)
        try:
            store.keep(given.attempt_id, answer_of([image]), (image,))
            finished = True
        except KeyboardInterrupt:
            finished = False
        store.close()
        again = open_store(tmp_path / f"home{steps}")
        (orphan,) = again.recover()
        assert orphan.answer is None or orphan.answer == answer_of([image])
        assert image in orphan.contents
        again.keep(given.attempt_id, answer_of([image]), (image,))
        again.settle(settlement(given.attempt_id, images=(made(image),))).result()
        assert again.path(image.sha256).read_bytes() == picture()
        again.close()
        if finished:
            break
        steps += 1
    assert steps >= 4


def stop_after(files: Files, steps: int) -> None:
    """Let so many file operations happen, and stop the process's work before the next."""
    left = iter(range(steps))

    def wrap(name: str) -> None:
        real = getattr(files, name)

        def guarded(*arguments: object) -> object:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return real(*arguments)

        setattr(files, name, guarded)

    for name in ("create", "write", "sync", "place"):
        wrap(name)
