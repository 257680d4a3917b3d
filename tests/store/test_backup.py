"""A backup holds what its moment held, is never half of itself, and becomes a home again."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from pisang.errors import BackupUnusable, HomeUnusable, StoreCorrupt
from pisang.store import backup as making
from pisang.store.backup import BackedUp, back_up
from pisang.store.home import Home
from pisang.store.restore import rehearse, restore
from pisang.store.snapshots import open_snapshot, whole_snapshots
from pisang.store.sqlite import copying
from pisang.store.store import Retention, Store
from tests.store.kit import NOW, Clock, new_id, open_store, paint, picture, run_python, sent

pytestmark = [pytest.mark.folder, pytest.mark.sqlite]

pytestmark = [pytest.mark.folder, pytest.mark.sqlite]


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def save(store: Store, dest: Path, **more) -> BackedUp:
    return back_up(store.home, dest, now_ms=NOW, **more)


def drill(dest: Path, **more):
    return rehearse(dest, clock_ms=Clock(), new_id=new_id, **more)


def painted(store: Store, number: int) -> str:
    """A request with a picture of that number; its attempt's id."""
    given = sent(store)
    paint(store, given.attempt_id, picture(number), extra=[b"signature %d" % number * 2000])
    return given.attempt_id


def test_a_restored_home_has_every_request_and_every_picture(
    store: Store, dest: Path, tmp_path: Path
) -> None:
    attempts = [painted(store, number) for number in range(5)]
    (store.home.root / "config.toml").write_text('language = "zh"\n')
    told: list[tuple[int, int]] = []
    made = save(store, dest, tell=lambda done, total: told.append((done, total)))
    assert (made.new, made.snapshot.manifest.contents) == (10, 10)
    assert told[-1] == (10, 10)
    restored = restore(dest, tmp_path / "again")
    assert (restored.contents, restored.wrong, restored.aside) == (10, (), None)
    again = open_store(tmp_path / "again")
    try:
        for number, attempt_id in enumerate(attempts):
            answer = again.answer(attempt_id)
            assert answer is not None
            content = answer.spans[0].runs[0].content  # type: ignore[union-attr]
            assert b"".join(again.read(content, verify=True)) == picture(number)
        assert [one.message for one in again.check(deep=True) if one.level == "error"] == []
        assert (tmp_path / "again/config.toml").read_text() == 'language = "zh"\n'
        modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "again").rglob("*")}
        assert modes == {0}
        painted(again, 99)  # it is a home to work in
    finally:
        again.close()


def test_repeated_it_takes_only_what_is_new_and_an_older_snapshot_stays_what_it_was(
    store: Store, dest: Path, tmp_path: Path
) -> None:
    painted(store, 1)
    first = save(store, dest)
    before = {path: path.stat().st_ino for path in (dest / "images").rglob("*") if path.is_file()}
    painted(store, 2)
    second = save(store, dest)
    assert (first.new, second.new) == (2, 2)
    assert second.snapshot.manifest.contents == 4
    assert {path: path.stat().st_ino for path in before} == before
    assert [one.name[:6] for one in whole_snapshots(dest)] == ["000001", "000002"]
    assert drill(dest, at=first.snapshot.folder.name).snapshot.manifest.requests == 1
    assert restore(first.snapshot.folder, tmp_path / "old").contents == 2
    assert restore(dest, tmp_path / "new").contents == 4


def test_the_plain_tools_can_check_it(store: Store, dest: Path) -> None:
    painted(store, 1)
    made = save(store, dest)
    listed = made.snapshot.folder / "contents.sha256"
    done = subprocess.run(["sha256sum", "-c", "--quiet", listed], cwd=dest, check=False)
    assert done.returncode == 0
    with sqlite3.connect(made.snapshot.folder / "ledger.db") as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    ledger.close()
    assert sorted(path.name for path in made.snapshot.folder.iterdir()) == [
        "contents.sha256",
        "ledger.db",
        "manifest.json",
    ]


def test_a_backup_taken_while_others_write_holds_all_that_was_committed_before_it(
    store: Store, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "STEP_PAGES", 2)  # many steps, and writers between each two
    before = [painted(store, number) for number in range(10)]
    stop = threading.Event()
    written: list[str] = []

    def write() -> None:
        while not stop.is_set():
            written.append(painted(store, 100 + len(written)))

    writers = [threading.Thread(target=write) for _ in range(3)]
    for one in writers:
        one.start()
    try:
        for _ in range(5):
            at_least = [*before, *written]
            made = save(store, dest)
            manifest = made.snapshot.manifest
            assert manifest.missing == ()
            with sqlite3.connect(made.snapshot.folder / "ledger.db") as ledger:
                there = {one for (one,) in ledger.execute("SELECT id FROM attempts")}
            ledger.close()
            assert set(at_least) <= there
    finally:
        stop.set()
        for one in writers:
            one.join()
    assert len(written) > 5
    assert [drill(dest, at=one.name).faults for one in whole_snapshots(dest)] == [()] * 5


def test_what_was_under_way_is_unknown_in_the_home_that_was_restored(
    store: Store, dest: Path, tmp_path: Path
) -> None:
    given = sent(store)
    save(store, dest)
    restore(dest, tmp_path / "again")
    again = open_store(tmp_path / "again")
    try:
        assert [orphan.attempt.id for orphan in again.recover()] == [given.attempt_id]
    finally:
        again.close()


@pytest.mark.parametrize("kill_on", ["ledger", "contents", "manifest"])
def test_a_backup_killed_half_way_is_none_and_the_next_goes_on(
    store: Store, dest: Path, kill_on: str
) -> None:
    for number in range(6):
        painted(store, number)
    run_python(
        """
        import time
        from pisang.store import backup as making
        from pisang.store.home import Home
        def stop_at(name):
            if name == argv[2]:
                print("here", flush=True)
                time.sleep(60)
        copy_ledger, write = making.copy_ledger, making.write_synced
        def ledger(*given):
            stop_at("ledger")
            return copy_ledger(*given)
        def written(path, data):
            stop_at("manifest" if path.name == "manifest.json" else "other")
            return write(path, data)
        making.copy_ledger, making.write_synced = ledger, written
        making.back_up(
            Home(Path(argv[0])), Path(argv[1]), now_ms=1,
            tell=lambda done, total: stop_at("contents") if done == 5 else None,
        )
        """,
        store.home.root, dest, kill_on, kill_on="here",
    )  # fmt: skip
    assert whole_snapshots(dest) == []
    with pytest.raises(BackupUnusable, match="no finished backup"):
        open_snapshot(dest)
    made = save(store, dest)
    assert made.snapshot.manifest.contents == 12
    assert (made.new < 12) == (kill_on != "ledger")  # what was copied whole is not copied again
    assert drill(dest).faults == ()
    assert [path.name for path in dest.rglob("*") if path.name.startswith(".")] == []


def test_secrets_are_left_out_unless_they_are_asked_for(store: Store, dest: Path) -> None:
    painted(store, 1)
    keys = store.home.root / "keys.toml"
    keys.write_text('[keys]\nrelay = "sk-made-up-and-secret"\n')
    save(store, dest)
    found = [one for one in dest.rglob("*") if one.is_file() and b"sk-made-up" in one.read_bytes()]
    assert found == []
    made = save(store, dest, secrets=True)
    taken = made.snapshot.folder / "keys.toml"
    assert taken.read_bytes() == keys.read_bytes()
    assert taken.stat().st_mode & 0o777 == 0o600


def test_old_snapshots_go_with_what_only_they_name(store: Store, dest: Path) -> None:
    painted(store, 1)
    save(store, dest)
    sha256 = next(path for path in store.home.images.rglob("*") if path.is_file()).name
    store.delete(sha256)
    painted(store, 2)
    save(store, dest)
    assert Home(dest).image(sha256).exists()
    made = save(store, dest, keep=2)
    assert made.pruned == 1
    assert not Home(dest).image(sha256).exists()
    assert [drill(dest, at=one.name).faults for one in whole_snapshots(dest)] == [(), ()]


def test_a_damaged_backup_is_told_and_what_is_right_of_it_comes_back(
    store: Store, dest: Path, tmp_path: Path
) -> None:
    for number in range(3):
        painted(store, number)
    save(store, dest)
    images = sorted(path for path in (dest / "images").rglob("*") if path.is_file())
    images[0].write_bytes(images[0].read_bytes()[:-1] + b"\0")
    images[1].unlink()
    (fault,) = drill(dest).faults
    assert fault.startswith("Missing or damaged: 2 of 6 contents (")
    restored = restore(dest, tmp_path / "again")
    assert sorted(restored.wrong) == sorted(path.name for path in images[:2])
    assert restored.contents == 4
    save(store, dest)
    assert "1 of 6 contents" in drill(dest).faults[0]  # it has the right size: only reading tells


@pytest.mark.parametrize("name", ["ledger.db", "contents.sha256", "manifest.json"])
def test_a_snapshot_whose_books_are_damaged_is_refused(
    store: Store, dest: Path, tmp_path: Path, name: str
) -> None:
    painted(store, 1)
    path = save(store, dest).snapshot.folder / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BackupUnusable, match=name):
        restore(dest, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_list_that_names_a_path_elsewhere_is_refused(store: Store, dest: Path) -> None:
    painted(store, 1)
    folder = save(store, dest).snapshot.folder
    listed = folder / "contents.sha256"
    listed.write_text(f"{'0' * 64}  ../../etc/passwd\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["contents_sha256"] = making.hash_of(listed)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupUnusable, match="damaged"):
        drill(dest)


def test_what_the_home_lost_is_told_and_an_earlier_backup_fills_in(
    store: Store, dest: Path
) -> None:
    painted(store, 1)
    save(store, dest)
    lost = next(path for path in store.home.images.rglob("*") if path.is_file())
    lost.unlink()
    assert save(store, dest).snapshot.manifest.missing == ()
    assert drill(dest).faults == ()
    fresh = dest.with_name("fresh")
    made = save(store, fresh)
    assert made.snapshot.manifest.missing == (lost.name,)
    (fault,) = drill(fresh).faults
    assert fault.startswith("Missing when the backup was made: 1 contents")


def test_what_retention_clears_away_meanwhile_is_no_fault(
    store: Store, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted(store, 1)
    copy_ledger = making.copy_ledger

    def copy_then_clear(home: Home, target: Path) -> int:
        schema = copy_ledger(home, target)
        for path in home.blobs.rglob("*"):
            os.utime(path, (0, 0))
        store.gc(Retention(signatures_days=0), now_ms=NOW + 1000 * 86_400_000)
        return schema

    monkeypatch.setattr(making, "copy_ledger", copy_then_clear)
    made = save(store, dest)
    assert (len(made.snapshot.manifest.let_go), made.snapshot.manifest.missing) == (1, ())
    assert drill(dest).faults == ()


def test_a_home_in_use_is_refused_and_with_force_nothing_of_it_is_removed(
    store: Store, dest: Path, tmp_path: Path
) -> None:
    painted(store, 1)
    save(store, dest)
    other = open_store(tmp_path / "other")
    painted(other, 2)
    with pytest.raises(HomeUnusable, match="at work"):
        restore(dest, other.home.root, force=True)
    other.close()
    with pytest.raises(HomeUnusable, match="in use") as refused:
        restore(dest, other.home.root)
    assert refused.value.hint.endswith("--force")
    restored = restore(dest, other.home.root, force=True)
    assert restored.aside is not None
    for root, number in ((other.home.root, 1), (restored.aside, 2)):
        again = open_store(root)
        kept = [path.read_bytes() for path in again.home.images.rglob("*") if path.is_file()]
        assert kept == [picture(number)]
        assert [one.message for one in again.check(deep=True) if one.level == "error"] == []
        again.close()


def test_an_interrupted_restore_is_begun_again(store: Store, dest: Path, tmp_path: Path) -> None:
    painted(store, 1)
    save(store, dest)

    def fail(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(dest, tmp_path / "again", tell=fail)
    assert not (tmp_path / "again/ledger.db").exists()
    assert restore(dest, tmp_path / "again").contents == 2


def test_places_that_can_hold_no_backup_are_refused(
    store: Store, dest: Path, tmp_path: Path
) -> None:
    painted(store, 1)
    with pytest.raises(BackupUnusable, match="inside the folder"):
        save(store, store.home.root / "backup")
    dest.mkdir()
    (dest / "thesis.doc").write_text("")
    with pytest.raises(BackupUnusable, match=r"other files in it \(thesis.doc\)"):
        save(store, dest)
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupUnusable):
        save(store, tmp_path / "file")
    with pytest.raises(HomeUnusable, match="no ledger"):
        back_up(Home(tmp_path / "nowhere"), dest, now_ms=NOW)
    with pytest.raises(BackupUnusable, match="no finished backup"):
        drill(tmp_path / "nowhere")


def test_a_damaged_ledger_is_not_taken_for_a_backup(store: Store, dest: Path) -> None:
    painted(store, 1)
    store.close()
    ledger = store.home.ledger
    ledger.write_bytes(b"not a database at all" + ledger.read_bytes()[21:])
    with pytest.raises(StoreCorrupt):
        save(store, dest)
    assert whole_snapshots(dest) == []


def test_it_can_be_tried_where_it_can_only_be_read(
    store: Store, dest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no folder can be made in the backup, the trial is made where temporary files go."""
    painted(store, 1)
    save(store, dest)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    mkdtemp = tempfile.mkdtemp

    def refuse(prefix: str, dir: Path | None = None) -> str:
        if dir is not None:
            raise PermissionError(13, "Permission denied", str(dir))
        return mkdtemp(prefix=prefix)

    monkeypatch.setattr("pisang.store.restore.tempfile.mkdtemp", refuse)
    assert drill(dest).faults == ()
    assert list(scratch.iterdir()) == []


def test_a_destination_that_fills_up_is_told_and_keeps_the_backups_it_has(
    store: Store, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    size = ["-o", "size=3m"]
    mounted = subprocess.run(["mount", "-t", "tmpfs", *size, "none", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("NOT RUN: mounting a small disk needs root")
    try:
        painted(store, 1)
        save(store, disk)
        given = sent(store)
        paint(store, given.attempt_id, picture(2, size=4_000_000))
        with pytest.raises(BackupUnusable, match="space left"):
            save(store, disk)
        assert [one.name[:6] for one in whole_snapshots(disk)] == ["000001"]
        assert drill(disk).faults == ()
        store.delete(given.request_id)
        assert save(store, disk).snapshot.manifest.requests == 2
        assert drill(disk).faults == ()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
