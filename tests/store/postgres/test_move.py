"""A home's ledger moves into a database, its images into a bucket: all of it, or begun again."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pisang.domain.attempt import State
from pisang.domain.ledger import Budget
from pisang.domain.secret import Secret
from pisang.errors import HomeUnusable, LedgerUnusable
from pisang.store.home import Home
from pisang.store.move import Moved, move
from pisang.store.queries import migrations
from pisang.store.sqlite.dump import dump
from pisang.store.storage import Storage
from pisang.store.store import Store
from tests.buckets import Moto, bucket_at, environ_at
from tests.ledgers import Cluster, ledger_of
from tests.store.kit import (
    PRICE,
    new_id,
    open_store,
    paint,
    picture,
    sent,
    settlement,
    start_python,
    wish,
)

pytestmark = [pytest.mark.sqlite, pytest.mark.folder]

KILLS = 60 if os.environ.get("PISANG_CRASH") == "long" else 2

HERE = Storage()

MOVES = """
    from tests.store.postgres.test_move import move_there
    print("begun", flush=True)
    move_there(Path(argv[0]), argv[1], argv[2], argv[3])
"""


def move_there(home: Path, ledger: str, url: str, name: str) -> Moved:
    """Into that database, and that bucket."""
    return move(Home(home), Storage(bucket_at(url, name), Secret(ledger)), new_id=new_id)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which something of everything happened."""
    root = tmp_path / "home"
    with closing(open_store(root, storage=HERE)) as store:
        store.set_budget(Budget("b", "all", "month", PRICE.times(10**6))).result()
        fill(store, 12)
        store.begin(wish(id=new_id("req"), prompt="猫 \0 \x1f'\"\\N\t" + "x" * 5000)).result()
        store.settle(settlement(sent(store).attempt_id, State.UNKNOWN)).result()
        store.put_bytes(b"a reference that nobody names")
    return root


@pytest.fixture
def there(ledger: Secret, moto: Moto) -> Storage:
    """A database and a bucket that nobody has used."""
    return Storage(bucket_at(moto.url, moto.bucket()), ledger)


def fill(store: Store, count: int) -> None:
    for number in range(count):
        given = sent(store)
        paint(
            store, given.attempt_id, picture(number), picture(number + 1000), extra=(b"sign" * 99,)
        )
        store.finish(given.request_id).result()


def files_of(home: Path) -> dict[str, str]:
    """Every content here, with its hash."""
    kept = [*(home / "images").rglob("*"), *(home / "blobs").rglob("*")]
    return {str(one): hashlib.sha256(one.read_bytes()).hexdigest() for one in kept if one.is_file()}


def counts(ledger: Secret, home: Path) -> dict[str, tuple[int, int]]:
    """How many rows each table has: here, and there."""
    with dump(Home(home)) as source, psycopg.connect(ledger.reveal()) as connection:
        return {
            one.name: (
                one.count,
                connection.execute(f"SELECT count(*) FROM {one.name}").fetchone()[0],  # type: ignore[arg-type,index]
            )
            for one in source.tables()
        }


def check_moved(home: Path, there: Storage) -> None:
    """All rows and contents are there, every byte of them, and the store is sound."""
    ledger = there.ledger
    assert ledger is not None
    for name, (here, gone) in counts(ledger, home).items():
        assert gone == here + (name == "marks") * 2, name  # its own id, and what it was given
    with closing(open_store(home.parent / "other", storage=there)) as store:
        found = store.check(deep=True)
        assert [one for one in found if one.level in ("error", "warning")] == []


def test_all_of_it_is_there_afterwards_and_the_old_is_as_it_was(home: Path, there: Storage) -> None:
    before = files_of(home)
    planned = move(Home(home), there, new_id=new_id, dry_run=True)
    assert planned.rows is not None
    assert planned.contents.brought == planned.contents.count == 25, "24 pictures, 1 signature"
    assert not (home / "moved").exists()
    told: list[tuple[int, int]] = []
    moved = move(Home(home), there, new_id=new_id, tell=lambda *one: told.append(one))
    assert moved.rows == planned.rows
    assert replace(moved.contents, place="") == replace(planned.contents, place="")
    assert (moved.contents.wrong, told[-1]) == ((), (25, 25))
    assert files_of(home) == before
    left = move(Home(home), there, new_id=new_id, dry_run=True).rows
    assert left == replace(moved.rows, already=True), "the same digest over all rows of the old one"
    check_moved(home, there)


def test_the_old_ledger_is_written_to_no_more_until_somebody_goes_back(
    home: Path, there: Storage
) -> None:
    with closing(open_store(home, storage=HERE)) as idle:  # it holds no lock: it wrote nothing
        move(Home(home), there, new_id=new_id)
        with pytest.raises(HomeUnusable, match=r"moved to 127\.0\.0\.1.*or delete .*/moved"):
            idle.begin(wish()).result()
    with pytest.raises(HomeUnusable, match="moved to"):
        open_store(home, storage=HERE)
    (home / "moved").unlink()
    with closing(open_store(home, storage=HERE)) as store:
        store.begin(wish()).result()


def test_it_may_be_given_again_and_says_that_nothing_was_left(home: Path, there: Storage) -> None:
    first = move(Home(home), there, new_id=new_id)
    assert first.rows is not None
    with closing(open_store(home, storage=there)) as store:
        fill(store, 1)  # life went on
    again = move(Home(home), there, new_id=new_id)
    assert again.rows == replace(first.rows, already=True)
    assert again.contents.brought == 0


def test_another_ledgers_database_is_refused_and_stays_as_it_was(
    home: Path, there: Storage, tmp_path: Path
) -> None:
    with closing(open_store(tmp_path / "other", storage=Storage(ledger=there.ledger))) as store:
        store.begin(wish(id="req_other")).result()
    for dry_run in (True, False):
        with pytest.raises(LedgerUnusable, match="rows of another ledger"):
            move(Home(home), there, new_id=new_id, dry_run=dry_run)
    assert not (home / "moved").exists()
    with closing(open_store(home, storage=HERE)) as store:
        store.begin(wish()).result()


def test_a_home_in_which_somebody_works_is_refused_a_dead_ones_is_not(
    home: Path, there: Storage
) -> None:
    code = "store = open_store(Path(argv[0]), storage=Storage()); given = sent(store)\n"
    worker = start_python(
        code + "store.incoming(given.attempt_id); print('here', flush=True); time.sleep(60)", home
    )
    assert worker.stdout is not None
    assert worker.stdout.readline().strip() == "here"
    with pytest.raises(HomeUnusable, match="is at work in it"):
        move(Home(home), there, new_id=new_id)
    worker.kill()
    worker.communicate()
    move(Home(home), there, new_id=new_id)
    with closing(open_store(home, storage=there)) as store:
        (orphan,) = store.recover()  # what he left is settled where the ledger is now
        store.settle(settlement(orphan.attempt.id, State.UNKNOWN)).result()


def test_what_was_lost_before_is_named_and_all_else_moves(home: Path, there: Storage) -> None:
    lost, hurt = sorted(one for one in (home / "images").rglob("*") if one.is_file())[:2]
    lost.unlink()
    hurt.write_bytes(b"x")
    moved = move(Home(home), there, new_id=new_id)
    assert sorted(moved.contents.wrong) == [lost.name, hurt.name]
    assert moved.contents.brought == moved.contents.count - 2


def test_a_row_that_comes_back_otherwise_is_told_and_nothing_has_moved(
    home: Path, there: Storage, admin: psycopg.Connection
) -> None:
    with closing(open_store(home.parent / "other", storage=there)):
        pass  # the tables are there
    admin.execute(
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.n = 7; RETURN NEW; END $$;"
        "CREATE TRIGGER spoil BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION spoil()"
    )
    with pytest.raises(LedgerUnusable, match="read back of requests"):
        move(Home(home), there, new_id=new_id)
    assert admin.execute("SELECT count(*) FROM requests").fetchone() == (0,)
    assert not (home / "moved").exists()


def test_images_alone_go_into_a_bucket_and_the_ledger_stays(home: Path, there: Storage) -> None:
    alone = Storage(images=there.images)
    moved = move(Home(home), alone, new_id=new_id)
    assert (moved.rows, moved.contents.brought) == (None, 25)
    with closing(open_store(home, storage=alone)) as store:
        assert [one for one in store.check(deep=True) if one.level == "error"] == []
        fill(store, 1)


@pytest.mark.crash
def test_killed_at_any_moment_it_is_begun_again_and_loses_nothing(
    home: Path, cluster: Cluster, moto: Moto, tmp_path: Path
) -> None:
    dice = random.Random()
    took_s = 0.0
    for number in range(KILLS + 1):
        ledger = ledger_of(tmp_path / str(number), cluster.url)
        assert ledger is not None
        there = Storage(bucket_at(moto.url, moto.bucket()), ledger)
        assert there.images is not None
        (home / "moved").unlink(missing_ok=True)
        started = time.monotonic()
        mover = start_python(MOVES, home, ledger.reveal(), moto.url, there.images.name)
        assert mover.stdout is not None
        assert mover.stdout.readline().strip() == "begun"
        if number == 0:  # the first is left alone: so it is known how long one takes
            _, errors = mover.communicate(timeout=60)
            assert (mover.returncode, errors) == (0, "")
            took_s = time.monotonic() - started
        else:
            time.sleep(dice.uniform(0, took_s))
            mover.kill()
            mover.communicate()
            move(Home(home), there, new_id=new_id)
        check_moved(home, there)


def test_both_databases_number_their_schemas_alike() -> None:
    """The rows of one fit the other only then."""
    assert migrations("sqlite")[-1].number == migrations("postgres")[-1].number


def test_the_command_says_what_moved_where_and_how_to_go_back(home: Path, there: Storage) -> None:
    assert there.ledger is not None
    assert there.images is not None
    endpoint = there.images.endpoint or ""
    told = {
        **environ_at(endpoint, there.images.name),
        "PISANG_LEDGER": there.ledger.reveal(),
        "PISANG_HOME": str(home),
        "PATH": os.environ["PATH"],
    }

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pisang", "store", "move", *words]
        env = {**told, **more}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    planned = run("--dry-run", "--format", "json")
    assert planned.returncode == 0, planned.stderr
    facts = json.loads(planned.stdout)
    assert (facts["dry_run"], facts["contents"]["brought"]) == (True, 25)
    done = run("--format", "human", PISANG_LANG="zh")
    assert done.returncode == 0, done.stderr
    assert "已迁移并逐行核对" in done.stdout
    assert f"再删除 {home}/moved" in done.stderr
    again = run("--format", "human")
    assert "rows had moved already" in again.stdout
    assert "brought 0 (0.0 MB), there already 25" in again.stdout
    stuck = run("--format", "human", PISANG_LEDGER="", PISANG_IMAGES="")
    assert stuck.returncode == 2
    assert "there is nowhere to move to" in stuck.stderr
    word = "made-up-word"
    assert all(word not in one.stdout + one.stderr for one in (planned, done, again, stuck))
