"""`kill -9` of workers on two machines that share a ledger; its server crashes in between."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.domain.ledger import Budget
from pisang.domain.secret import Secret
from pisang.store.storage import Storage
from pisang.store.store import Store
from tests.ledgers import Cluster
from tests.store.kit import (
    PRICE,
    answer_of,
    intent,
    made,
    open_store,
    picture,
    settlement,
    start_python,
    wish,
    write,
)
from tests.store.postgres.conftest import Opener

pytestmark = pytest.mark.crash

KILLS = 300 if os.environ.get("PISANG_CRASH") == "long" else 20

WORKS = """
    from tests.store.postgres.test_kills import work
    work(Path(argv[0]), argv[1], Path(argv[2]))
"""


def work(home: Path, ledger: str, book: Path) -> None:
    """Buy pictures without end, as the engine does; the book is the upstream's: it has a line for
    each send. What others left is settled on the way."""
    store = open_store(home, storage=Storage(ledger=Secret(ledger)), fsync=True)
    number = os.getpid() * 1000
    while True:
        settle_left(store)
        number += 1
        given = intent(store.begin(wish()).result().request_id)
        store.claim(given).result()
        with book.open("a") as line:
            line.write(f"{given.attempt_id}\n")
        image = write(store.incoming(given.attempt_id), picture(number))
        store.keep(given.attempt_id, answer_of([image]), (image,))
        store.settle(settlement(given.attempt_id, images=(made(image),))).result()
        store.finish(given.request_id).result()


def settle_left(store: Store) -> int:
    """Give every orphan its end by what lies here of it; how many there were."""
    orphans = store.recover()
    for orphan in orphans:
        whole = tuple(one for one in orphan.contents if one.tail.endswith(b"IEND\xaeB`\x82"))
        if not whole:
            store.settle(settlement(orphan.attempt.id, State.UNKNOWN)).result()
            continue
        store.keep(orphan.attempt.id, answer_of(whole), whole)
        images = tuple(made(one) for one in whole)
        store.settle(settlement(orphan.attempt.id, images=images)).result()
    return len(orphans)


def check_words(errors: str) -> None:
    """A worker says nothing; one that began while the server was away says so, and ends."""
    assert errors == "" or "LedgerUnusable" in errors, errors


def test_kills_on_two_machines_lose_nothing_and_buy_nothing_twice(
    cluster: Cluster, machine: Opener, ledger: Secret, tmp_path: Path
) -> None:
    dice = random.Random()
    machine("a").set_budget(Budget("b", "all", "month", PRICE.times(10**6))).result()
    book = tmp_path / "book"
    book.touch()

    def start(home: str) -> subprocess.Popen[str]:
        return start_python(WORKS, tmp_path / home, ledger.reveal(), book)

    workers = [start("a"), start("a"), start("b")]
    for kill in range(KILLS):
        time.sleep(dice.uniform(0.5, 2.5))
        if kill == KILLS // 2:
            cluster.stop()
            cluster.start()
        which = dice.randrange(len(workers))
        workers[which].kill()
        check_words(workers[which].communicate()[1])
        workers[which] = start("ab"[which == 2])
    for worker in workers:
        worker.kill()
        check_words(worker.communicate()[1])
    stores = [machine("a"), machine("b")]
    end = time.monotonic() + 60
    while stores[0].live() and time.monotonic() < end:
        for store in stores:
            settle_left(store)
        time.sleep(0.2)
    for store in stores:
        settle_left(store)
    check_books(stores, book.read_text().split())


def check_books(stores: list[Store], sends: list[str]) -> None:
    """Every send stands in the ledger once, as done or unknown; every done one has its picture."""
    assert len(sends) == len(set(sends)) > 0
    assert stores[0].live() == []
    with stores[0]._readers.read() as tx:
        rows = tx.all("attempt_states_by_ids", ids=json.dumps(sends))
    states = {row["id"]: State(row["state"]) for row in rows}
    assert states.keys() == set(sends)
    assert set(states.values()) <= {State.DONE, State.UNKNOWN}
    done = [attempt_id for attempt_id, state in states.items() if state is State.DONE]
    assert len(done) > len(sends) / 2
    for row in stores[0].history():
        for image in row.images:
            holders = [one for one in stores if one.home.image(image.sha256).exists()]
            assert holders
            content = holders[0].content(image.sha256, image.bytes)
            assert b"".join(holders[0].read(content, verify=True)).endswith(b"IEND\xaeB`\x82")
    wrong = [one for one in stores[0].check() if one.level == "error" and one.code != "contents"]
    assert wrong == []
