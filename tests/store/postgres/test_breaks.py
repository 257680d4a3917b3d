"""Connections that break and servers that start again: nothing is lost, nothing runs twice."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest

from pisang.domain.ledger import Budget
from pisang.domain.secret import Secret
from pisang.errors import IdempotencyMismatch, LedgerUnusable, Unexpected
from pisang.store.postgres import readers, writer
from pisang.store.storage import Storage
from pisang.store.store import Store
from tests.ledgers import Cluster
from tests.store.kit import PRICE, claimed, open_store, sent, settlement, start_python, wish
from tests.store.postgres.conftest import Opener


class Cutter:
    """A wire between a store and the server that breaks once, at a COMMIT: `before` the server saw
    it, or after, when its answer is on the way."""

    def __init__(self, port: int, *, before: bool) -> None:
        self._port = port
        self._before = before
        self.cut = threading.Event()
        self.armed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._port))
                for source, target in ((client, server), (server, client)):
                    words = (source, target, source is client)
                    threading.Thread(target=self._carry, args=words, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, asking: bool) -> None:
        with suppress(OSError), source, target:
            while data := source.recv(65536):
                if asking and b"COMMIT" in data and self.armed.is_set() and not self.cut.is_set():
                    self.cut.set()
                    if self._before:
                        target.shutdown(socket.SHUT_RDWR)
                        source.shutdown(socket.SHUT_RDWR)
                        return
                    source.shutdown(socket.SHUT_RDWR)
                    target.sendall(data)  # the server commits, and nobody hears of it
                    threading.Event().wait(0.3)
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture(params=[True, False], ids=["before", "after"])
def cutter(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Cutter]:
    with closing(Cutter(cluster.port, before=request.param)) as made:
        yield made


@pytest.fixture
def cut(cutter: Cutter, cluster: Cluster, ledger: Secret, tmp_path: Path) -> Iterator[Store]:
    """A store behind the wire that breaks."""
    url = ledger.reveal().replace(f":{cluster.port}/", f":{cutter.port}/")
    there = Secret(url + "&sslmode=disable&gssencmode=disable")
    with closing(open_store(tmp_path / "a", storage=Storage(ledger=there))) as store:
        yield store


def test_a_commit_whose_answer_is_lost_is_made_once(
    cut: Store, cutter: Cutter, admin: psycopg.Connection
) -> None:
    cut.set_budget(Budget("b", "all", "month", PRICE.times(100))).result()
    request_id = cut.begin(wish()).result().request_id
    cutter.armed.set()
    given = claimed(cut, request_id)
    assert cutter.cut.is_set()
    row = admin.execute("SELECT micros FROM counters").fetchone()
    assert row == (PRICE.micros,)
    assert admin.execute("SELECT id FROM attempts").fetchall() == [(given.attempt_id,)]
    assert not [one for one in cut.check() if one.level == "error"]


def test_a_job_s_own_error_is_told_once_the_group_is_known_to_be_there(
    cut: Store, cutter: Cutter
) -> None:
    cut.begin(wish(idempotency_key="k")).result()
    cutter.armed.set()
    with pytest.raises(IdempotencyMismatch):
        cut.begin(wish(idempotency_key="k", fingerprint="other")).result()
    assert cutter.cut.is_set()


def test_a_job_that_fails_after_it_wrote_is_undone_alone(
    machine: Opener, admin: psycopg.Connection
) -> None:
    store = machine("a")
    request_id = store.begin(wish()).result().request_id

    def write_and_fail(tx: object) -> None:
        tx.run("request_state_set", id=request_id, state="done")  # type: ignore[attr-defined]
        raise ValueError("mine")

    go = threading.Event()
    store._writer.submit(lambda tx: go.wait(10))
    others = [store.begin(wish()) for _ in range(3)]
    failed = store._writer.submit(write_and_fail)
    wrong = store._writer.submit(lambda tx: tx.run("request_take"))
    broken = store._writer.submit(lambda tx: tx.run("ref_insert", request_id="none", sha256="x"))
    more = [store.begin(wish()) for _ in range(3)]
    go.set()
    assert {one.result().verdict for one in (*others, *more)} == {"new"}
    with pytest.raises(ValueError, match="mine"):
        failed.result()
    for one in (wrong, broken):
        with pytest.raises(Unexpected, match="the ledger"):
            one.result()
    rows = admin.execute("SELECT DISTINCT state FROM requests").fetchall()
    assert rows == [("planned",)]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_work_goes_on_after_the_server_started_again(
    cluster: Cluster, machine: Opener, mode: str
) -> None:
    store = machine("a")
    store.set_budget(Budget("b", "all", "month", PRICE.times(1000))).result()
    before = [sent(store) for _ in range(3)]
    halt, done = threading.Event(), []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            while not halt.is_set():
                given = sent(store)
                store.settle(settlement(given.attempt_id)).result()
                done.append(given.attempt_id)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    while len(done) < 20:
        threading.Event().wait(0.01)
    cluster.stop(mode)
    cluster.start()
    reached = len(done)
    while len(done) < reached + 20 and not failed:
        threading.Event().wait(0.01)
    halt.set()
    for worker in workers:
        worker.join()
    assert failed == []
    assert [row.id for row in store.live()] == [one.attempt_id for one in before]
    assert store.recover() == []  # nobody is dead: everybody's connection broke
    assert not [one for one in store.check() if one.level == "error"]
    with store._readers.read() as tx:
        rows = tx.all("attempt_states_by_ids", ids=str(done).replace("'", '"'))
    assert len(rows) == len(set(done)) == len(done)


def test_a_server_that_stays_away_is_told_and_its_return_is_noticed(
    cluster: Cluster, machine: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = machine("a")
    given = sent(store)
    monkeypatch.setattr(writer, "WAIT_S", 1.0)
    monkeypatch.setattr(readers, "WAIT_S", 1.0)
    cluster.stop()
    try:
        with pytest.raises(LedgerUnusable, match="nobody answers there"):
            store.settle(settlement(given.attempt_id)).result()
        with pytest.raises(LedgerUnusable, match="nobody answers there"):
            store.request(given.request_id)
    finally:
        cluster.start()
    store.settle(settlement(given.attempt_id)).result()
    assert store.live() == []


def test_a_forked_child_neither_ends_nor_outlives_its_parent_s_connections(
    machine: Opener, ledger: Secret
) -> None:
    store = machine("a")
    given = sent(store)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert store.request(given.request_id).id == given.request_id
    store.settle(settlement(given.attempt_id)).result()


def test_many_processes_on_two_machines_keep_one_budget(
    machine: Opener, ledger: Secret, tmp_path: Path
) -> None:
    store = machine("a")
    store.set_budget(Budget("b", "all", "month", PRICE.times(40))).result()
    code = """
        from pisang.errors import BudgetExceeded
        from pisang.domain.secret import Secret
        from pisang.store.storage import Storage
        store = open_store(Path(argv[0]), storage=Storage(ledger=Secret(argv[1])))
        bought = 0
        for _ in range(20):
            try:
                sent(store)
                bought += 1
            except BudgetExceeded:
                pass
        print(bought, flush=True)
    """
    words = [("a", "a", "b", "b")[number] for number in range(4)]
    workers = [start_python(code, tmp_path / home, ledger.reveal()) for home in words]
    told = [worker.communicate(timeout=60) for worker in workers]
    assert sum(int(out) for out, errors in told) == 40, told
