"""What may go by age goes, and nothing else: not what is named, wanted, or paid for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.domain.content import Base64Run, RawRun, Span
from pisang.errors import NotFound, OptionInvalid, StoreCorrupt
from pisang.store.gc import DAY_MS, HOUR_MS, Gone
from pisang.store.store import GcReport, Retention, Store
from tests.store.kit import (
    NOW,
    Clock,
    answer_of,
    claimed,
    made,
    picture,
    run_python,
    sent,
    settlement,
    wish,
    write,
)


def age(store: Store, now_ms: int = 0) -> None:
    """Set the time of every content file to the epoch: nobody has wanted it for long."""
    for folder in (store.home.images, store.home.blobs, store.home.incoming):
        for path in folder.rglob("*"):
            if path.is_file():
                os.utime(path, (now_ms / 1000, now_ms / 1000))


def by_kind(report: GcReport) -> dict[str, Gone]:
    """What went; what a bucket's sweeper only set aside has gone from its place too."""
    gone = {one.kind: one for one in report.gone}
    went, aside = gone["contents"], gone.pop("aside")
    both = Gone("contents", files=went.files + aside.files, bytes=went.bytes + aside.bytes)
    return {**gone, "contents": both}


def later(store: Store, clock: Clock, days: float) -> None:
    """So many days pass, and somebody uses the store then."""
    clock.ms = NOW + int(days * DAY_MS)
    store.begin(wish(created_ms=clock.ms)).result()


def full_answer(store: Store) -> tuple[str, dict[str, str]]:
    """An attempt whose answer has an image, a signature, a draft and a raw text; their hashes."""
    given = sent(store)
    incoming = store.incoming(given.attempt_id)
    image, draft = write(incoming, picture(1)), write(incoming, picture(2))
    signature, raw = write(incoming, b"signature" * 5000), write(incoming, b"text" * 9000)
    whole = answer_of([image, draft, signature])
    answer = type(whole)(
        whole.ended,
        True,
        200,
        {},
        b"NaN NaN NaN NaN",
        (*whole.spans, Span((RawRun(raw),))),
    )
    store.keep(given.attempt_id, answer, (image,))
    store.settle(settlement(given.attempt_id, images=(made(image),), at_ms=NOW)).result()
    hashes = {"image": image, "draft": draft, "signature": signature, "raw": raw}
    return given.attempt_id, {name: content.sha256 for name, content in hashes.items()}


def there(store: Store, hashes: dict[str, str]) -> set[str]:
    places = {name: store._blobs.lying(sha256) for name, sha256 in hashes.items()}
    return {name for name, lying in places.items() if any(not one.aside for one in lying)}


def test_fresh_things_all_stay(store: Store) -> None:
    attempt_id, hashes = full_answer(store)
    report = store.gc()
    assert report.bytes == 0
    assert there(store, hashes) == set(hashes)
    assert store.answer(attempt_id) is not None


def test_after_a_week_only_what_replay_needs_goes(store: Store, clock: Clock) -> None:
    attempt_id, hashes = full_answer(store)
    later(store, clock, 8)
    age(store)
    report = by_kind(store.gc())
    assert report["whole answers"].rows == 1
    assert report["contents"].files == 2
    assert there(store, hashes) == {"image", "signature"}
    answer = store.answer(attempt_id)  # what is left of it still names its turns
    assert answer is not None
    assert [run.content.sha256 for span in answer.spans for run in span.runs] == [  # type: ignore[union-attr]
        hashes["image"],
        hashes["draft"],
        hashes["signature"],
        hashes["raw"],
    ]
    assert isinstance(answer.spans[0].runs[0], Base64Run)


def test_after_three_months_the_signatures_go_and_images_stay(store: Store, clock: Clock) -> None:
    attempt_id, hashes = full_answer(store)
    later(store, clock, 91)
    age(store)
    assert by_kind(store.gc())["answers"].rows == 1
    assert there(store, hashes) == {"image"}
    assert store.answer(attempt_id) is None
    assert len(store.image(hashes["image"]).sha256) == 64


def test_a_dry_run_tells_the_same_and_changes_nothing(store: Store, clock: Clock) -> None:
    _, hashes = full_answer(store)
    later(store, clock, 91)
    age(store)
    rehearsed = store.gc(dry_run=True)
    assert there(store, hashes) == set(hashes)
    assert by_kind(store.gc(dry_run=True)) == by_kind(rehearsed)
    real = by_kind(store.gc())
    assert {kind: real[kind] for kind in real if kind != "locks"} == {
        kind: one for kind, one in by_kind(rehearsed).items() if kind != "locks"
    }
    assert by_kind(rehearsed)["contents"].bytes > 80_000


def test_a_clock_that_jumped_ahead_makes_nothing_old(store: Store) -> None:
    attempt_id, hashes = full_answer(store)
    report = store.gc(Retention(images_days=1, force=True), now_ms=NOW + 20 * 365 * DAY_MS)
    assert {one.rows for one in report.gone} == {0}
    assert there(store, hashes) == set(hashes)
    assert store.answer(attempt_id) is not None


def test_images_go_only_when_asked_and_never_many_at_once_unforced(
    store: Store, clock: Clock
) -> None:
    _, hashes = full_answer(store)
    later(store, clock, 30)
    age(store)
    with pytest.raises(OptionInvalid, match="1 of 1 images, more than one in a hundred"):
        store.gc(Retention(images_days=10))
    assert "image" in there(store, hashes)
    report = by_kind(store.gc(Retention(images_days=10, force=True)))
    assert report["images"].rows == 1
    assert there(store, hashes) == set()
    with pytest.raises(NotFound):
        store.image(hashes["image"])
    assert [one for one in store.check() if one.level == "error"] == []


def test_one_in_a_hundred_images_may_go(store: Store, clock: Clock) -> None:
    full_answer(store)
    clock.ms = NOW + 30 * DAY_MS
    for number in range(99):
        given = claimed(store, store.begin(wish(created_ms=clock.ms)).result().request_id)
        image = write(store.incoming(given.attempt_id), picture(10 + number, size=10))
        store.keep(given.attempt_id, answer_of([image]), (image,))
        done = settlement(given.attempt_id, images=(made(image),), at_ms=clock.ms)
        store.settle(done).result()
    assert by_kind(store.gc(Retention(images_days=10)))["images"].rows == 1


def test_references_stay_with_their_request(store: Store, clock: Clock) -> None:
    content = store.put_bytes(b"reference" * 9000)
    store.begin(wish(references=(content,))).result()
    stray = store.put_bytes(b"stray" * 9000)
    later(store, clock, 100)
    age(store)
    assert by_kind(store.gc())["contents"].files == 1
    assert there(store, {"named": content.sha256, "stray": stray.sha256}) == {"named"}


def test_a_reference_just_put_in_stays_until_its_wish_is_written(store: Store) -> None:
    content = store.put_bytes(b"reference" * 9000)
    store.gc()
    assert store.path(content.sha256).exists()


def test_stale_pieces_of_no_attempt_go_and_those_of_a_live_one_stay(store: Store) -> None:
    given = sent(store)
    write(store.incoming(given.attempt_id), b"x" * 9000)
    write(store.incoming("att_nobody"), b"x" * 9000)
    (store.home.incoming / "put_0123456789abcdef-0").write_bytes(b"x")
    fresh = store.gc()
    assert by_kind(fresh)["salvage"].files == 0
    age(store)
    assert by_kind(store.gc())["salvage"].files == 2
    assert [path.name for path in store.home.incoming.iterdir()] == [f"{given.attempt_id}-0"]


def test_salvage_of_an_unknown_attempt_goes_after_a_day(store: Store, clock: Clock) -> None:
    given = sent(store)
    write(store.incoming(given.attempt_id), b"x" * 9000)
    store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    age(store, NOW)
    assert by_kind(store.gc(now_ms=NOW + 23 * HOUR_MS))["salvage"].files == 0
    assert by_kind(store.gc(now_ms=NOW + 25 * HOUR_MS))["salvage"].files == 1


def test_keys_are_freed_after_a_week_but_not_those_of_the_unknown(
    store: Store, clock: Clock
) -> None:
    for number, state in enumerate((State.DONE, State.UNKNOWN)):
        begun = store.begin(wish(idempotency_key=f"key-{number}")).result()
        given = claimed(store, begun.request_id)
        store.settle(settlement(given.attempt_id, state)).result()
    later(store, clock, 8)
    assert by_kind(store.gc())["idempotency keys"].rows == 1
    again = [wish(idempotency_key=f"key-{number}", created_ms=clock.ms) for number in range(2)]
    assert [store.begin(one).result().verdict for one in again] == ["new", "unknown"]


@pytest.mark.folder
def test_a_file_wanted_again_while_it_is_swept_stays(store: Store) -> None:
    content = store.put_bytes(b"x" * 9000)
    path = store.path(content.sha256)
    (lying,) = store._blobs.lying(content.sha256)
    assert not store._blobs.remove(lying, cutoff_ms=0.0)
    assert path.read_bytes() == b"x" * 9000
    assert store._blobs.remove(lying, cutoff_ms=float("inf"))
    assert not store._blobs.remove(lying, cutoff_ms=float("inf"))


@pytest.mark.folder
def test_a_sweep_killed_half_way_loses_nothing(store: Store) -> None:
    content = store.put_bytes(b"reference" * 9000)
    store.begin(wish(references=(content,))).result()
    path = store.path(content.sha256)
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    stray = store.path(store.put_bytes(b"stray" * 9000).sha256)
    stray.rename(stray.with_name(stray.name + ".aside"))
    age(store)
    assert [one.code for one in store.check() if one.level == "error"] == ["contents"]
    store.gc()
    assert store.path(content.sha256) == path
    assert sorted(store.home.blobs.rglob("*.aside")) == []
    assert [one for one in store.check() if one.level == "error"] == []


@pytest.mark.folder
def test_an_image_made_again_while_it_is_swept_is_kept(store: Store, tmp_path: Path) -> None:
    """The sweeper has listed the file as belonging to nothing; then the same picture arrives."""
    stray = store.put_bytes(picture())
    path = store.path(stray.sha256)
    image_place = store.home.image(stray.sha256)
    image_place.parent.mkdir(exist_ok=True)
    path.rename(image_place)
    os.utime(image_place, (0, 0))
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    store.keep(given.attempt_id, answer_of([image]), (image,))
    store.gc()
    store.settle(settlement(given.attempt_id, images=(made(image),))).result()
    assert image_place.read_bytes() == picture()


def test_gc_in_one_process_takes_nothing_from_another_at_work(store: Store) -> None:
    told = run_python(
        """
        import threading
        store = open_store(Path(argv[0]), lambda: int(__import__("time").time() * 1000))
        sweeper = open_store(Path(argv[0]), lambda: int(__import__("time").time() * 1000))
        stop = threading.Event()
        def sweep():
            from pisang.store.store import Retention
            while not stop.is_set():
                sweeper.gc(Retention(salvage_hours=0.001))
        thread = threading.Thread(target=sweep)
        thread.start()
        for number in range(40):
            content = store.put_bytes(picture(number % 3))
            given = claimed(store, store.begin(wish(references=(content,))).result().request_id)
            paint(store, given.attempt_id, picture(number % 3), extra=[b"s" * 20_000])
            assert b"".join(store.read(content, verify=True)) == picture(number % 3)
        stop.set()
        thread.join()
        print([one.message for one in store.check(deep=True) if one.level == "error"])
        store.close()
        sweeper.close()
        """,
        store.home.root,
    )
    assert told.stdout == "[]\n", told.stderr


def test_what_was_thinned_still_refuses_damage(store: Store, clock: Clock) -> None:
    attempt_id, hashes = full_answer(store)
    later(store, clock, 8)
    age(store)
    store.gc()
    store.path(hashes["signature"]).write_bytes(b"short")
    with pytest.raises(StoreCorrupt):
        store.answer(attempt_id)


def test_images_beyond_a_size_go_oldest_first(store: Store, clock: Clock) -> None:
    hashes = []
    for number in range(200):
        clock.ms = NOW + number * HOUR_MS
        given = claimed(store, store.begin(wish(created_ms=clock.ms)).result().request_id)
        image = write(store.incoming(given.attempt_id), picture(number, size=100))
        store.keep(given.attempt_id, answer_of([image]), (image,))
        done = settlement(given.attempt_id, images=(made(image),), at_ms=clock.ms)
        store.settle(done).result()
        hashes.append(image.sha256)
    each = len(picture(size=100))
    assert by_kind(store.gc(Retention(images_bytes=200 * each)))["images"].rows == 0
    assert by_kind(store.gc(Retention(images_bytes=198 * each + 1)))["images"].rows == 2
    for sha256 in hashes[:2]:
        with pytest.raises(NotFound):
            store.image(sha256)
    assert store.image(hashes[2]).sha256 == hashes[2]
    with pytest.raises(OptionInvalid, match="--images-gb"):
        store.gc(Retention(images_bytes=100 * each))
