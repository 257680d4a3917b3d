"""What dead processes leave: taken by one, with everything that was on disk."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.domain.content import content_of
from pisang.errors import Unexpected
from pisang.store.lock import is_free
from pisang.store.store import Orphan, Store
from tests.store.kit import (
    answer_of,
    claimed,
    made,
    open_store,
    picture,
    run_python,
    sent,
    settlement,
    start_python,
    wish,
    write,
)

DIE = """
    import os
    store = open_store(Path(argv[0]), fsync=True)
    given = sent(store)
    step = argv[1]
    incoming = store.incoming(given.attempt_id)
    if step == "half":
        writer = incoming.open()
        writer.write(picture()[:20_000])
    elif step != "sent":
        image = write(incoming, picture())
        signature = write(incoming, b"signature" * 5000)
        answer = answer_of([image, signature])
    if step == "torn":
        store.keep(given.attempt_id, answer, (image,))
        record = store.home.record(given.attempt_id)
        record.write_bytes(record.read_bytes()[:-3])
    if step in ("kept", "settled"):
        store.keep(given.attempt_id, answer, (image,))
    if step == "settled":
        store._answers.forget = lambda attempt_id, salvage: os.kill(os.getpid(), 9)
        store.settle(settlement(given.attempt_id, images=(made(image),))).result()
    os.kill(os.getpid(), 9)
"""


def die_at(store: Store, step: str) -> list[Orphan]:
    """A process that is killed at that step; what is then recovered."""
    died = run_python(DIE, store.home.root, step)
    assert died.returncode == -9, died.stderr
    return store.recover()


def test_an_attempt_killed_after_sending_is_taken_over_with_nothing(store: Store) -> None:
    (orphan,) = die_at(store, "sent")
    assert (orphan.attempt.state, orphan.attempt.owner) == (State.SENT, store.owner)
    assert (orphan.answer, orphan.contents) == (None, ())


def test_half_a_picture_is_given_as_it_is(store: Store) -> None:
    (orphan,) = die_at(store, "half")
    assert orphan.answer is None
    assert orphan.contents == (content_of(picture()[:20_000]),)


def test_what_came_in_whole_is_given_to_keep_and_settle(store: Store) -> None:
    (orphan,) = die_at(store, "came in")
    image = next(one for one in orphan.contents if one.head.startswith(b"\x89PNG"))
    assert len(orphan.contents) == 2
    store.keep(orphan.attempt.id, answer_of([]), (image,))
    store.settle(settlement(orphan.attempt.id, images=(made(image),))).result()
    assert store.path(image.sha256).read_bytes() == picture()
    assert list(store.home.incoming.iterdir()) == []


def test_a_stored_answer_is_given_whole_and_settles_as_in_life(store: Store) -> None:
    (orphan,) = die_at(store, "kept")
    assert orphan.answer is not None
    assert orphan.answer == answer_of([content_of(picture()), content_of(b"signature" * 5000)])
    (image,) = orphan.answer.spans[0].contents
    assert image.head == picture()[: len(image.head)]
    store.keep(orphan.attempt.id, orphan.answer, (image,))
    store.settle(settlement(orphan.attempt.id, images=(made(image),))).result()
    assert store.answer(orphan.attempt.id) == orphan.answer
    assert list(store.home.incoming.iterdir()) == []


def test_a_torn_answer_is_no_answer_and_its_contents_are_given(store: Store) -> None:
    (orphan,) = die_at(store, "torn")
    assert orphan.answer is None
    assert content_of(picture()) in orphan.contents


def test_a_process_killed_between_commit_and_clean_up_leaves_a_done_row_and_no_names(
    store: Store,
) -> None:
    assert die_at(store, "settled") == []
    (row,) = store.history()
    assert row.state is State.DONE
    assert store.path(row.images[0].sha256).read_bytes() == picture()
    assert list(store.home.incoming.iterdir()) == []


def test_recovery_is_given_once(store: Store, tmp_path: Path) -> None:
    assert len(die_at(store, "sent")) == 1
    assert store.recover() == []
    other = open_store(tmp_path / "home")
    assert other.recover() == []
    other.close()


def test_what_a_living_process_does_is_left_to_it(store: Store, tmp_path: Path) -> None:
    sent(store)
    other = open_store(tmp_path / "home")
    assert other.recover() == []
    assert store.recover() == []
    other.close()


def test_a_closed_store_s_attempts_are_recovered_by_the_next(store: Store, tmp_path: Path) -> None:
    given = sent(store)
    store.close()
    other = open_store(tmp_path / "home")
    assert [orphan.attempt.id for orphan in other.recover()] == [given.attempt_id]
    other.close()


def test_a_crash_in_recovery_leaves_it_to_the_next(store: Store, tmp_path: Path) -> None:
    (orphan,) = die_at(store, "kept")
    died = run_python(
        """
        import os
        store = open_store(Path(argv[0]))
        os.kill(os.getpid(), 9)
        """,
        store.home.root,
    )
    assert died.returncode == -9
    store.close()
    other = open_store(tmp_path / "home")
    assert [one.attempt.id for one in other.recover()] == [orphan.attempt.id]
    other.close()


RECOVER = """
    import time
    store = open_store(Path(argv[0]))
    store.owner
    print("ready", flush=True)
    while not Path(argv[1]).exists():
        time.sleep(0.001)
    print(*[orphan.attempt.id for orphan in store.recover()], flush=True)
    while not Path(argv[2]).exists():
        time.sleep(0.001)
    store.close()
"""


def test_of_eight_recoverers_each_attempt_is_given_to_one(store: Store, tmp_path: Path) -> None:
    dead = open_store(tmp_path / "home")
    wanted = {sent(dead).attempt_id for _ in range(40)}
    dead.close()
    go, stop = tmp_path / "go", tmp_path / "stop"
    workers = [start_python(RECOVER, store.home.root, go, stop) for _ in range(8)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()[1]
    go.touch()
    taken: list[str] = []
    for worker in workers:
        assert worker.stdout is not None
        taken += worker.stdout.readline().split()
    stop.touch()
    for worker in workers:
        worker.communicate(timeout=30)
    assert sorted(taken) == sorted(wanted)


def test_an_owner_s_lock_is_free_when_its_store_is_closed_and_not_before(
    store: Store, tmp_path: Path
) -> None:
    other = open_store(tmp_path / "home")
    owner = other.owner
    assert not is_free(store.home, owner)
    assert not is_free(store.home, store.owner)
    other.close()
    assert is_free(store.home, owner)
    assert is_free(store.home, "own_never")


def test_dead_locks_are_swept_and_living_ones_are_not(store: Store) -> None:
    store.begin(wish()).result()
    died = run_python("open_store(Path(argv[0])).owner; import os; os._exit(0)", store.home.root)
    assert died.returncode == 0, died.stderr
    assert len(list(store.home.locks.iterdir())) == 2
    gone = {one.kind: one for one in store.gc().gone}
    assert gone["locks"].files == 1
    assert [path.stem for path in store.home.locks.iterdir()] == [store.owner]
    claimed(store, store.begin(wish()).result().request_id)


def test_salvage_of_an_unknown_attempt_is_not_swept_by_recovery(store: Store) -> None:
    given = sent(store)
    write(store.incoming(given.attempt_id), picture()[:9_000])
    store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    store.recover()
    assert len(list(store.home.incoming.iterdir())) == 1


@pytest.mark.parametrize("planned", [0, 1])
def test_an_open_store_that_recovers_costs_no_write_when_nothing_is_lost(
    store: Store, planned: int
) -> None:
    for _ in range(planned):
        sent(store)
    store._writer.close()
    assert store.recover() == []


def test_two_who_look_again_at_one_attempt_write_to_files_of_their_own(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with closing(open_store(home)) as one, closing(open_store(home)) as other:
        given = sent(one)
        one.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
        for store in (one, other):
            store.reopen(given.attempt_id)
        first = write(one.incoming(given.attempt_id), picture(1))
        second = write(other.incoming(given.attempt_id), picture(2))
        assert first.sha256 != second.sha256
        one.keep(given.attempt_id, answer_of(()), (first,))
        outcome = settlement(given.attempt_id, images=(made(first),))
        one.settle(outcome).result()
        assert b"".join(one.read(first, verify=True)) == picture(1)
        with pytest.raises(Unexpected):
            other.settle(settlement(given.attempt_id, images=(made(second),))).result()
        other.let_go(given.attempt_id)
        assert list(one.home.incoming.iterdir()) == []
        assert len(one.request(given.request_id).images) == 1
