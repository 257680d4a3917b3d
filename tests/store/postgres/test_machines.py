"""Machines that share a ledger: who is dead, what is taken over, and what comes back later."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pisang.domain.attempt import Charged, State
from pisang.domain.secret import Secret
from pisang.errors import Unexpected
from pisang.store.store import Orphan, Store
from tests.store.kit import (
    answer_of,
    claimed,
    intent,
    made,
    picture,
    sent,
    settlement,
    start_python,
    wish,
    write,
)
from tests.store.postgres.conftest import Opener

DIES = """
    import os
    from pisang.domain.secret import Secret
    from pisang.store.storage import Storage
    store = open_store(Path(argv[0]), storage=Storage(ledger=Secret(argv[1])))
    given = sent(store)
    if argv[2] == "whole":
        write(store.incoming(given.attempt_id), picture(7))
    print(given.request_id, given.attempt_id, flush=True)
    os.kill(os.getpid(), 9)
"""

LOOK_FOR_S = 60.0
"""Far beyond the eight seconds that it takes: a busy machine is no fault."""


def killed(home: Path, ledger: Secret, left: str = "nothing") -> tuple[str, str]:
    """The request and the attempt of a process of that machine which was killed."""
    process = start_python(DIES, home, ledger.reveal(), left)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    request_id, attempt_id = out.split()
    return request_id, attempt_id


def until(found: Callable[[], list[Orphan]]) -> list[Orphan]:
    end = time.monotonic() + LOOK_FOR_S
    while time.monotonic() < end:
        orphans = found()
        if orphans:
            return orphans
        time.sleep(0.2)
    raise AssertionError("nothing was recovered")


def settle_done(store: Store, orphan: Orphan) -> None:
    """As the engine does with a whole picture."""
    answer = answer_of(orphan.contents)
    store.keep(orphan.attempt.id, answer, orphan.contents)
    images = tuple(made(one) for one in orphan.contents)
    store.settle(settlement(orphan.attempt.id, images=images)).result()


def test_a_process_of_this_machine_is_known_to_be_dead_at_once(
    machine: Opener, ledger: Secret, tmp_path: Path
) -> None:
    _, attempt_id = killed(tmp_path / "a", ledger, "whole")
    (orphan,) = machine("a").recover()
    assert orphan.attempt.id == attempt_id
    assert [one.size for one in orphan.contents] == [len(picture(7))]


def test_one_of_another_machine_is_dead_after_two_looks_and_what_lay_there_comes_back(
    machine: Opener, ledger: Secret, tmp_path: Path
) -> None:
    other = machine("b")
    request_id, attempt_id = killed(tmp_path / "a", ledger, "whole")
    began = time.monotonic()
    assert other.recover() == []  # nobody is called dead at the first look
    assert other.under_way(request_id)
    (orphan,) = until(other.recover)
    assert time.monotonic() - began >= 3
    assert (orphan.attempt.id, orphan.contents) == (attempt_id, ())
    other.settle(settlement(attempt_id, State.UNKNOWN)).result()
    assert other.recover() == []
    # The machine comes back, and its disk has what nobody else could see.
    back = machine("a")
    (found,) = back.recover()
    assert found.attempt.state is State.UNKNOWN
    settle_done(back, found)
    row = other.request(request_id)
    assert (row.state, [one.bytes for one in row.images]) == (State.DONE, [len(picture(7))])
    assert list(back.home.incoming.iterdir()) == []
    assert back.recover() == []


@pytest.mark.parametrize("decided", [State.WRITTEN_OFF, State.REBOUGHT])
def test_a_picture_that_comes_back_after_its_user_decided_is_kept_and_changes_no_books(
    machine: Opener, ledger: Secret, tmp_path: Path, decided: State
) -> None:
    other = machine("b")
    request_id, attempt_id = killed(tmp_path / "a", ledger, "whole")
    until(other.recover)
    other.settle(settlement(attempt_id, State.UNKNOWN)).result()
    other.resolve(attempt_id, decided).result()
    back = machine("a")
    (found,) = back.recover()
    settle_done(back, found)
    row = other.request(request_id)
    assert (row.attempts[0].state, row.attempts[0].charged) == (decided, Charged.UNKNOWN)
    assert [one.bytes for one in row.images] == [len(picture(7))]
    assert back.gc().gone is not None
    assert back.path(row.images[0].sha256).exists()


def test_two_processes_of_a_machine_that_came_back_look_once(
    machine: Opener, ledger: Secret, tmp_path: Path
) -> None:
    other = machine("b")
    _, attempt_id = killed(tmp_path / "a", ledger, "whole")
    until(other.recover)
    other.settle(settlement(attempt_id, State.UNKNOWN)).result()
    first, second = machine("a"), machine("a")
    found = [*first.recover(), *second.recover()]
    assert [one.attempt.id for one in found] == [attempt_id]


def lose_life(store: Store, admin: psycopg.Connection) -> None:
    """Break the connection that holds a process's sign of life."""
    connection = store._ledger.lives._connection  # type: ignore[attr-defined]
    admin.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))


def test_a_sign_of_life_that_was_lost_is_taken_again(
    machine: Opener, admin: psycopg.Connection
) -> None:
    store, other = machine("a"), machine("b")
    given = sent(store)
    sent(other)
    lose_life(store, admin)
    end = time.monotonic() + 6
    while time.monotonic() < end:
        assert other.recover() == []
        time.sleep(0.2)
    store.settle(settlement(given.attempt_id)).result()
    assert other.request(given.request_id).state is State.DONE


def test_who_was_out_of_reach_for_too_long_keeps_his_picture_and_starts_nothing_more(
    machine: Opener, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His connection breaks and does not come back; another machine takes over; then he settles."""
    store, other = machine("a"), machine("b")
    request_id = store.begin(wish(n=2)).result().request_id
    given = claimed(store, request_id)
    refused = claimed(store, store.begin(wish()).result().request_id)
    image = write(store.incoming(given.attempt_id), picture(3))
    sent(other)
    lives = store._ledger.lives
    monkeypatch.setattr(lives, "_hold", lambda: False)
    lose_life(store, admin)
    orphans = until(other.recover)
    assert {one.attempt.id for one in orphans} == {given.attempt_id, refused.attempt_id}
    for orphan in orphans:
        other.settle(settlement(orphan.attempt.id, State.UNKNOWN)).result()
    with pytest.raises(Unexpected, match="was taken over by another process"):
        store.claim(intent(request_id, ordinal=1)).result()
    store.keep(given.attempt_id, answer_of([image]), (image,))
    store.settle(settlement(given.attempt_id, images=(made(image),))).result()
    store.settle(settlement(refused.attempt_id, State.REFUSED, error_code="refused")).result()
    done = other.request(request_id)
    assert (done.attempts[0].state, len(done.images)) == (State.DONE, 1)
    free = other.request(refused.request_id).attempts[0]
    assert (free.state, free.charged) == (State.WRITTEN_OFF, Charged.NO)
    assert not [one for one in other.check() if one.level == "error" and one.code != "contents"]


def test_a_frozen_process_does_not_hold_up_the_others_for_long(
    machine: Opener, ledger: Secret, tmp_path: Path, admin: psycopg.Connection
) -> None:
    frozen = start_python(
        """
        import time
        from pisang.domain.secret import Secret
        from pisang.store.storage import Storage
        store = open_store(Path(argv[0]), storage=Storage(ledger=Secret(argv[1])))
        store.begin(wish()).result()
        store._writer.submit(lambda tx: (print("within", flush=True), time.sleep(300)))
        time.sleep(300)
        """,
        tmp_path / "a",
        ledger.reveal(),
    )
    try:
        assert frozen.stdout is not None
        assert frozen.stdout.readline() == "within\n"
        os.kill(frozen.pid, signal.SIGSTOP)
        assert machine("b").begin(wish()).result(timeout=60).verdict == "new"
    finally:
        frozen.kill()
        frozen.communicate()
