"""Many jobs, one commit: who is in it, who is not, and what a failing disk does to all of them."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.errors import IdempotencyMismatch, StoreSuspect, Unexpected
from pisang.store.ledger import Tx
from pisang.store.sqlite.writer import CHECKPOINT_BYTES
from pisang.store.store import Store
from tests.store.kit import (
    answer_of,
    claimed,
    intent,
    open_store,
    picture,
    sent,
    settlement,
    start_python,
    wish,
    write,
)


def hold(store: Store) -> threading.Event:
    """Keep the writer busy with a job until the event is set, so that jobs pile up behind it."""
    go = threading.Event()
    store._writer.submit(lambda tx: go.wait(10))
    return go


def commits(store: Store) -> list[str]:
    """Every statement that the writer's connection runs from now on."""
    seen: list[str] = []
    store.begin(wish()).result()
    connection = store._writer._connection
    assert connection is not None
    connection.set_trace_callback(seen.append)
    return seen


@pytest.mark.sqlite
def test_what_waits_together_is_committed_together(store: Store) -> None:
    seen = commits(store)
    go = hold(store)
    futures = [store.begin(wish()) for _ in range(100)]
    go.set()
    assert {future.result().verdict for future in futures} == {"new"}
    assert seen.count("COMMIT") <= 3  # the holding job's, theirs, and one that began in between


def test_one_job_s_error_is_its_own(store: Store) -> None:
    store.begin(wish(idempotency_key="k")).result()
    go = hold(store)
    before = store.begin(wish())
    wrong = store.begin(wish(idempotency_key="k", fingerprint="other"))
    after = store.begin(wish())
    go.set()
    assert before.result().verdict == after.result().verdict == "new"
    with pytest.raises(IdempotencyMismatch):
        wrong.result()


def test_what_a_failed_job_wrote_is_undone_and_no_other_s(store: Store) -> None:
    def write_and_fail(tx: Tx) -> None:
        tx.run("request_state_set", id=kept.id, state="done")
        raise ValueError("on purpose")

    kept = wish()
    store.begin(kept).result()
    go = hold(store)
    failed = store._writer.submit(write_and_fail)
    other = store.begin(wish())
    go.set()
    with pytest.raises(ValueError, match="on purpose"):
        failed.result()
    assert other.result().verdict == "new"
    assert store.request(kept.id).state is State.PLANNED


def test_a_job_cancelled_in_the_queue_is_never_run(store: Store) -> None:
    given = wish()
    store.begin(given).result()
    go = hold(store)
    claim = store.claim(intent(given.id))
    while store._writer._queue.empty() is True:  # it must be in the queue to be taken out of it
        pass
    assert claim.cancel() or claim.running() or claim.done()
    cancelled = claim.cancelled()
    go.set()
    store.begin(wish()).result()
    assert (store.request(given.id).attempts == ()) is cancelled


def test_closing_commits_what_is_queued(store: Store, tmp_path: Path) -> None:
    go = hold(store)
    futures = [store.begin(wish()) for _ in range(50)]
    closing = threading.Thread(target=store.close)
    closing.start()
    go.set()
    closing.join()
    ids = [future.result().request_id for future in futures]
    again = open_store(tmp_path / "home")
    assert {again.request(one).id for one in ids} == set(ids)
    again.close()


@pytest.mark.sqlite
def test_the_wal_is_moved_into_the_ledger_when_it_has_grown(store: Store) -> None:
    text = "x" * 100_000
    for _ in range(3 * CHECKPOINT_BYTES // (2 * len(text))):
        store.begin(wish(prompt=text)).result()
    assert store.home.wal.stat().st_size < CHECKPOINT_BYTES + 1_000_000
    assert store.home.ledger.stat().st_size > CHECKPOINT_BYTES


@pytest.mark.sqlite
def test_a_reader_in_the_way_puts_a_checkpoint_off_and_loses_nothing(store: Store) -> None:
    text = "x" * 1_000_000
    first = wish(prompt="first")
    store.begin(first).result()
    with store._readers.read() as tx:
        tx.one("newest_ms")
        ids = [store.begin(wish(prompt=text)).result().request_id for _ in range(6)]
        assert store.home.wal.stat().st_size > CHECKPOINT_BYTES
    ids += [store.begin(wish(prompt=text)).result().request_id for _ in range(6)]
    assert store.home.wal.stat().st_size < 13_000_000
    assert [store.request(one).prompt == text for one in ids] == [True] * 12


class FailingConnection:
    """A connection whose commits fail, as SQLite's do when the disk does (EIO at fsync)."""

    def __init__(self, real: sqlite3.Connection, code: int) -> None:
        self._real = real
        self._code = code

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def execute(self, sql: str, *values: object) -> object:
        if sql == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self._code
            raise error
        return self._real.execute(sql, *values)  # type: ignore[arg-type]


@pytest.mark.sqlite
def test_a_failed_commit_fails_every_job_and_turns_the_store_suspect(
    store: Store, tmp_path: Path
) -> None:
    given = sent(store)
    store._writer._connection = FailingConnection(  # type: ignore[assignment]
        store._writer._connection,  # type: ignore[arg-type]
        sqlite3.SQLITE_IOERR_FSYNC if hasattr(sqlite3, "SQLITE_IOERR_FSYNC") else 1034,
    )
    go = hold(store)
    futures = [store.begin(wish()) for _ in range(5)]
    go.set()
    for future in futures:
        with pytest.raises(StoreSuspect, match="nothing more is bought"):
            future.result()
    with pytest.raises(StoreSuspect):
        store.settle(settlement(given.attempt_id)).result()
    with pytest.raises(StoreSuspect):
        claimed(store, given.request_id)
    # Every other process buys nothing either, until `doctor` has looked.
    other = open_store(tmp_path / "home")
    with pytest.raises(StoreSuspect):
        sent(other)
    assert other.request(given.request_id).state is State.SENT
    assert [one.level for one in other.check() if one.code == "writes"] == ["note"]
    sent(other)
    other.close()


@pytest.mark.sqlite
def test_a_disk_that_is_full_at_commit_fails_the_group_and_nothing_else(store: Store) -> None:
    sent(store)
    real = store._writer._connection
    assert real is not None
    store._writer._connection = FailingConnection(real, sqlite3.SQLITE_FULL)  # type: ignore[assignment]
    with pytest.raises(Exception, match="filled up"):
        store.begin(wish()).result()
    store._writer._connection = real
    assert store.begin(wish()).result().verdict == "new"


def test_a_statement_that_is_wrong_fails_its_job_alone(store: Store) -> None:
    with pytest.raises(Unexpected, match="the ledger said"):
        store._writer.submit(lambda tx: tx.run("request_take")).result()
    assert store.begin(wish()).result().verdict == "new"


def test_a_forked_child_is_told_to_open_its_own_and_the_parent_goes_on(store: Store) -> None:
    given = sent(store)
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python ≥ 3.12: fork with threads
        child = os.fork()
    if child == 0:
        told = b""
        try:
            for ask in (lambda: store.begin(wish()).result(), lambda: store.history()):
                try:
                    ask()
                except Unexpected as error:
                    told += str(error).encode()
            store.close()
        finally:
            os.write(write_end, told)
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write_end)
    told = os.read(read_end, 10_000).decode()
    os.close(read_end)
    assert told.count("open one in the child") == 2
    store.settle(settlement(given.attempt_id)).result()
    assert store.request(given.request_id).state is State.DONE


def test_a_child_that_outlives_its_parent_does_not_pass_for_it(store: Store) -> None:
    parent = start_python(
        """
        import os, time
        store = open_store(Path(argv[0]))
        sent(store)
        child = os.fork()
        if child == 0:
            sys.stdin.close(); os.close(1); os.close(2)
            time.sleep(3)
            os._exit(0)
        print(child, flush=True)
        os._exit(0)
        """,
        store.home.root,
    )
    out, errors = parent.communicate(timeout=30)
    child = int(out)
    assert os.kill(child, 0) is None, errors
    assert len(store.recover()) == 1
    os.kill(child, 9)


def test_eight_processes_write_together_and_all_are_served(store: Store, tmp_path: Path) -> None:
    code = """
        import time
        store = open_store(Path(argv[0]), fsync=True)
        print("ready", flush=True)
        while not Path(argv[1]).exists():
            time.sleep(0.001)
        done = 0
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            for one in [store.begin(wish()) for _ in range(8)]:
                one.result()
            done += 8
        print(done, flush=True)
        store.close()
    """
    go = tmp_path / "go"
    workers = [start_python(code, store.home.root, go) for _ in range(8)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()[1]
    go.touch()
    served = [int(worker.communicate(timeout=30)[0]) for worker in workers]
    every = {"scope": None, "upstream": None, "tag": None, "since_ms": 0, "before_id": ""}
    with store._readers.read() as tx:
        written = tx.all("history_newest", **every, before_ms=2**62, limit=2**31)
    assert len(written) == sum(served)
    assert min(served) * 4 > max(served)  # fair: nobody is starved by the others


def test_a_process_killed_between_commits_leaves_a_sound_ledger(store: Store) -> None:
    for _ in range(3):
        process = start_python(
            """
            store = open_store(Path(argv[0]), fsync=True)
            sent(store)
            print("writing", flush=True)
            while True:
                store.begin(wish(prompt="x" * 5000))
            """,
            store.home.root,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.kill()
        process.communicate()
    assert len(store.recover()) == 3
    assert [one for one in store.check() if one.level == "error"] == []


def strace() -> bool:
    try:
        probe = subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], capture_output=True)
    except FileNotFoundError:
        return False
    return probe.returncode == 0


KEEP = """
    from pisang.errors import PisangError
    store = open_store(Path(argv[0]), fsync=True)
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    try:
        store.keep(given.attempt_id, answer_of([image]), (image,))
        store.settle(settlement(given.attempt_id, images=(made(image),))).result()
        print("acknowledged")
    except PisangError as error:
        print(error.code)
        try:
            sent(store)
            print("bought again")
        except PisangError as error:
            print(error.code)
"""


@pytest.mark.sqlite  # the ledger's own are the server's otherwise
@pytest.mark.folder
@pytest.mark.skipif(not strace(), reason="strace can't inject faults here")
def test_whichever_fsync_fails_nothing_is_acknowledged_and_nothing_more_is_bought(
    tmp_path: Path,
) -> None:
    """The failing fsync moves one forward each time, until all of them succeed."""
    under = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]
    for when in range(1, 30):
        home = tmp_path / str(when)
        open_store(home, fsync=True).close()
        fault = f"inject=fsync,fdatasync:error=EIO:when={when}"  # the when-th of each thread
        process = start_python(KEEP, home, under=[*under, "-e", fault])
        out, errors = process.communicate(timeout=60)
        if out.split() == ["acknowledged"]:
            break
        if out.split() != ["store_suspect", "store_suspect"]:
            assert "StoreSuspect" in errors, (out, errors)  # the wish or the claim was refused
        store = open_store(home)
        assert {orphan.attempt.state for orphan in store.recover()} <= {State.SENT}
        # A commit whose own sync failed may stand after all: then what it says is there.
        for row in store.history():
            if row.state is State.DONE:
                image = store.content(row.images[0].sha256)
                assert b"".join(store.read(image, verify=True)) == picture()
        store.close()
    assert when > 5


def test_a_store_read_and_written_by_many_threads_serves_all(store: Store) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                given = sent(store)
                store.history()
                image = write(store.incoming(given.attempt_id), b"x" * 9_000)
                store.keep(given.attempt_id, answer_of([image]), ())
                store.settle(settlement(given.attempt_id)).result()
                assert store.request(given.request_id).state is State.DONE
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(store._readers._idle) <= 4


def test_fifty_stores_opened_and_closed_leave_no_file_open(tmp_path: Path) -> None:
    open_store(tmp_path / "home").close()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        store = open_store(tmp_path / "home")
        sent(store)
        store.history()
        store.close()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


KILLED_IN_ITS_TURN = """
import os, signal, sys
from pathlib import Path
from pisang.store.lock import Turn

turn = Turn(Path(sys.argv[1]))
ready, born = os.pipe()
if os.fork() == 0:
    os.write(born, b".")
    sys.stdin.read()  # a worker that outlives its parent
    os._exit(0)
os.read(ready, 1)
turn.__enter__()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_that_outlives_a_killed_parent_does_not_keep_his_turn(tmp_path: Path) -> None:
    lock = tmp_path / "ledger.lock"
    parent = subprocess.Popen(
        [sys.executable, "-c", KILLED_IN_ITS_TURN, str(lock)], stdin=subprocess.PIPE
    )
    with parent:
        os.waitid(os.P_PID, parent.pid, os.WEXITED | os.WNOWAIT)
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while anybody holds it
