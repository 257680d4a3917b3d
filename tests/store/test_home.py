"""A home that can't be used is refused in one clear sentence; one that can is never half made."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pisang.errors import HomeUnusable, PisangError, StoreCorrupt
from pisang.store.queries import migrations
from pisang.store.sqlite.database import connect
from pisang.store.store import Asked
from tests.store.kit import open_store, paint, picture, run_python, sent, start_python, wish


def refused(home: Path) -> str:
    with pytest.raises(HomeUnusable) as caught:
        open_store(home)
    return str(caught.value)


@pytest.mark.sqlite
def test_a_missing_home_is_made_with_its_parents(tmp_path: Path) -> None:
    open_store(tmp_path / "a" / "猫" / "home with 'quotes' ?#%").close()
    assert (tmp_path / "a" / "猫" / "home with 'quotes' ?#%" / "ledger.db").exists()


def test_a_relative_home_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(Path("home"))
    monkeypatch.chdir("/")
    assert store.begin(wish()).result().verdict == "new"
    store.close()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    assert "a file in its place" in refused(tmp_path / "home")
    assert "a part of the path is a file" in refused(tmp_path / "home" / "below")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "images").write_text("mine")
    sentence = refused(tmp_path / "home")
    assert "images" in sentence
    assert "a file in its place" in sentence


@pytest.mark.sqlite
def test_a_folder_in_the_place_of_the_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "home" / "ledger.db").mkdir(parents=True)
    assert "ledger.db" in refused(tmp_path / "home")


@pytest.mark.sqlite
def test_something_else_in_the_place_of_the_ledger_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "ledger.db").write_bytes(b"these are my notes, " * 500)
    with pytest.raises(StoreCorrupt, match="not a SQLite database"):
        open_store(tmp_path / "home")
    assert (tmp_path / "home" / "ledger.db").read_bytes().startswith(b"these are my notes")


@pytest.mark.sqlite
def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with sqlite3.connect(tmp_path / "home" / "ledger.db") as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    assert "another program's database" in refused(tmp_path / "home")


def test_an_empty_ledger_file_is_filled(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "ledger.db").touch()
    store = open_store(tmp_path / "home")
    sent(store)
    store.close()


@pytest.mark.sqlite
def test_a_newer_schema_is_refused_untouched(tmp_path: Path) -> None:
    store = open_store(tmp_path / "home")
    with connect(store.home, read_only=False) as connection:
        connection.execute(f"PRAGMA user_version = {migrations('sqlite')[-1].number + 1}")
    connection.close()
    store.close()
    assert "newer Pisang" in refused(tmp_path / "home")


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    first, second = open_store(tmp_path / "home"), open_store(tmp_path / "home")
    sent(first)
    sent(second)
    assert len(first.history()) == len(second.history()) == 2
    first.close()
    second.close()


def test_a_migration_killed_half_way_is_made_whole_by_the_next(tmp_path: Path) -> None:
    run_python(
        """
        import os
        from pisang.store.sqlite import database
        real = database._statements
        def half(script):
            for number, statement in enumerate(real(script)):
                if number == 7:
                    os.kill(os.getpid(), 9)
                yield statement
        database._statements = half
        open_store(Path(argv[0]))
        """,
        tmp_path / "home",
    )
    store = open_store(tmp_path / "home")
    sent(store)
    assert [one for one in store.check() if one.level == "error"] == []
    store.close()


def test_eight_processes_may_make_one_home_together(tmp_path: Path) -> None:
    code = "s = open_store(Path(argv[0])); sent(s); print('made', len(s.live()) > 0); s.close()"
    workers = [start_python(code, tmp_path / "home") for _ in range(8)]
    told = [worker.communicate(timeout=60) for worker in workers]
    assert [out for out, _ in told] == ["made True\n"] * 8, told
    store = open_store(tmp_path / "home")
    assert len(store.history()) == 8
    store.close()


@pytest.mark.sqlite
@pytest.mark.parametrize("at", [100, 3_000, 6_000, 20_000, 60_000])
def test_damage_is_told_in_our_words_or_hit_nothing(tmp_path: Path, at: int) -> None:
    store = open_store(tmp_path / "home")
    for number in range(200):
        store.begin(wish(prompt="x" * 500, created_ms=number))
    store.begin(wish()).result()
    store.close()
    path = tmp_path / "home" / "ledger.db"
    data = bytearray(path.read_bytes())
    data[at : at + 2_000] = b"\xa5" * 2_000
    path.write_bytes(data)
    try:
        damaged = open_store(tmp_path / "home")
    except PisangError:
        return
    try:
        findings = damaged.check()
        told = any(one.level == "error" for one in findings)
        assert told or len(damaged.history(Asked(limit=300))) == 201
    except StoreCorrupt:
        pass
    finally:
        damaged.close()


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user can come to (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_home_without_the_right_to_write_is_refused(shared: Path) -> None:
    (shared / "home").mkdir(mode=0o555)
    told = run_python(
        """
        import os
        from pisang.errors import HomeUnusable
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        try:
            open_store(Path(argv[0]))
        except HomeUnusable as error:
            print(error)
        """,
        shared / "home",
    )
    assert "you have no right to write there" in told.stdout, told.stderr


def test_a_read_only_disk_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    bind = f'mount --bind "{home}" "{home}" && mount -o remount,ro,bind "{home}"'
    told = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{bind} && exec "$0" "$@"', "true"], capture_output=True
    )
    if told.returncode != 0:
        pytest.skip("mounting needs root")
    code = """
        from pisang.errors import HomeUnusable
        try:
            open_store(Path(argv[0]))
        except HomeUnusable as error:
            print(error)
    """
    under = ["unshare", "-m", "sh", "-c", f'{bind} && exec "$0" "$@"']
    out, errors = start_python(code, home, under=under).communicate(timeout=60)
    assert "its disk is read-only" in out, errors


@pytest.mark.sqlite
def test_what_is_made_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(open_store(tmp_path / "home")) as store:
            given = sent(store)
            paint(store, given.attempt_id, picture(), extra=[b"a signature" * 999])
            found = {path: path.stat() for path in (tmp_path / "home").rglob("*")}
    finally:
        os.umask(before)
    names = {path.name for path in found}
    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.lock"} <= names
    for path, status in found.items():
        private = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(status.st_mode) == private, path
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
