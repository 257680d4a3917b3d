"""Contents in a bucket of a real S3 server: there, as written, and never lost whatever happens to
the bucket, to the way there, or to the process."""

from __future__ import annotations

import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from pisang.domain.content import HEAD_BYTES, TAIL_BYTES, Content
from pisang.domain.ledger import Claimed, Hold
from pisang.errors import (
    BucketRefused,
    BucketUnreachable,
    ExtraMissing,
    NotFound,
    PisangError,
    StoreCorrupt,
)
from pisang.store import cache as cache_module
from pisang.store import objects as objects_module
from pisang.store.bucket import BucketBlobs
from pisang.store.gc import DAY_MS
from pisang.store.home import prepare
from pisang.store.objects import PART_BYTES, RANGE_BYTES, Objects
from pisang.store.shared_uploads import SharedUploads
from pisang.store.storage import Storage
from pisang.store.store import Asked, Orphan, Store
from tests.buckets import KEY_ID, SECRET_KEY, Door, Moto, bucket_at, doored
from tests.store.kit import (
    NOW,
    Clock,
    answer_of,
    intent,
    made,
    open_store,
    paint,
    picture,
    run_python,
    sent,
    settlement,
    start_python,
    wish,
    write,
)


class Place:
    """One home whose images are in a bucket behind a door."""

    def __init__(self, moto: Moto, door: Door, home: Path) -> None:
        self.name = moto.bucket()
        self.door = door
        self.home = home
        self.direct = Objects(bucket_at(moto.url, self.name))
        self.storage = Storage(images=bucket_at(door.url, self.name))

    def open(self, home: Path | None = None) -> Store:
        return open_store(home or self.home, storage=self.storage)

    def arguments(self) -> tuple[str, str, str]:
        """For `IN_ANOTHER`: home, bucket, its address."""
        return str(self.home), self.name, self.door.url


IN_ANOTHER = """
    from pisang.store.storage import Storage
    from tests.buckets import bucket_at
    storage = Storage(images=bucket_at(argv[2], argv[1]))
    store = open_store(Path(argv[0]), storage=storage)
"""


@pytest.fixture
def door(moto: Moto) -> Iterator[Door]:
    with doored(moto) as opened:
        yield opened


@pytest.fixture
def place(moto: Moto, door: Door, tmp_path: Path) -> Place:
    return Place(moto, door, tmp_path / "home")


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    opened = place.open()
    yield opened
    opened.close()


def blobs_of(store: Store) -> BucketBlobs:
    assert isinstance(store._blobs, BucketBlobs)
    return store._blobs


def be_patient(store: Store, seconds: float) -> None:
    blobs_of(store).standing._patience_s = seconds


def forget(store: Store) -> None:
    """Nothing is at hand any more."""
    shutil.rmtree(store.home.cache, ignore_errors=True)


def key_of(content: Content, folder: str = "blobs") -> str:
    return f"{folder}/{content.sha256[:2]}/{content.sha256}"


def body(store: Store, content: Content, *, verify: bool = False) -> bytes:
    return b"".join(store.read(content, verify=verify))


# --- there, and as written -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [0, 1, TAIL_BYTES, HEAD_BYTES + 1, RANGE_BYTES + 7, 2 * PART_BYTES + 5]
)
def test_bytes_put_in_come_out_from_the_bucket_and_from_what_is_at_hand(
    store: Store, size: int
) -> None:
    data = os.urandom(size)
    content = store.put_bytes(data)
    for cold in (False, True):
        if cold:
            forget(store)
        again = store.content(content.sha256, size)
        assert (again, again.head) == (content, data[:HEAD_BYTES])
        assert again.tail == (data[-TAIL_BYTES:] if size else b"")
        assert b"".join(store.part(content, size // 3, size)) == data[size // 3 :]
        assert body(store, content) == body(store, content, verify=True) == data
    assert store.path(content.sha256).read_bytes() == data
    assert list(store.home.incoming.iterdir()) == []
    assert not list(store.home.blobs.iterdir())


def test_a_kept_answer_lies_in_the_bucket_and_is_replayed_by_a_home_with_no_cache(
    store: Store, place: Place
) -> None:
    given = sent(store)
    kept = paint(store, given.attempt_id, picture(), extra=[b"signature" * 5000])
    folders = sorted(meta.key.split("/")[0] for meta in place.direct.list(""))
    assert folders == ["blobs", "images", "pisang.json"]
    assert store.path(store.image(given.request_id).sha256).is_relative_to(store.home.cache)
    forget(store)
    assert store.answer(given.attempt_id) == kept
    assert [one.level for one in store.check(deep=True) if one.level == "error"] == []


def test_the_same_content_put_in_twice_within_the_hour_is_sent_once(
    store: Store, place: Place
) -> None:
    store.put_bytes(b"x" * 9_000)
    sent_before = place.door.seen.count("PUT")
    store.put_bytes(b"x" * 9_000)
    assert place.door.seen.count("PUT") == sent_before


def test_an_object_of_another_size_is_written_anew(store: Store, place: Place) -> None:
    content = store.put_bytes(b"x" * 9_000)
    place.direct.put_bytes(key_of(content), b"x" * 8_999)
    assert store.put_bytes(b"x" * 9_000) == content
    forget(store)
    assert body(store, content) == b"x" * 9_000


# --- damage --------------------------------------------------------------------------------------


def test_a_damaged_object_is_cut_before_its_last_byte_and_never_kept_at_hand(
    store: Store, place: Place
) -> None:
    data = os.urandom(RANGE_BYTES + 100)
    content = store.put_bytes(data)
    store.begin(wish(references=(content,))).result()
    place.direct.put_bytes(key_of(content), data[:-1] + bytes([data[-1] ^ 1]))
    assert body(store, content, verify=True) == data  # at hand, and right
    forget(store)
    served = b""
    with pytest.raises(StoreCorrupt, match="not the ones that were written"):
        for chunk in store.read(content):
            served += chunk
    assert len(served) < len(data)
    with pytest.raises(StoreCorrupt, match="not the ones that were written"):
        store.path(content.sha256)
    assert [path for path in store.home.cache.rglob("*") if path.is_file()] == []
    told = {one.code: one.message for one in store.check(deep=True)}
    assert "has other bytes" in told["contents"]
    assert "has other bytes" not in {one.code: one.message for one in store.check()}["contents"]


def test_a_short_or_missing_object_is_found_at_once(store: Store, place: Place) -> None:
    given = sent(store)
    paint(store, given.attempt_id, picture(size=1_000))
    content = store.content(store.image(given.request_id).sha256)
    forget(store)
    place.direct.put_bytes(key_of(content, "images"), b"short")
    with pytest.raises(StoreCorrupt, match="it has 5 bytes, and 1,049 were written"):
        store.read(content)
    assert "wrong size" in {one.code: one.message for one in store.check()}["contents"]
    place.direct.delete(key_of(content, "images"))
    with pytest.raises(StoreCorrupt, match="not there any more"):
        store.read(content)
    with pytest.raises(NotFound):
        store.path(content.sha256)
    assert "is missing" in {one.code: one.message for one in store.check()}["contents"]


def test_damage_at_hand_is_dropped_and_the_bucket_s_bytes_are_given_next(store: Store) -> None:
    content = store.put_bytes(b"x" * 5_000)
    store.path(content.sha256).write_bytes(b"y" * 5_000)
    with pytest.raises(StoreCorrupt):
        body(store, content, verify=True)
    assert body(store, content, verify=True) == b"x" * 5_000
    store.path(content.sha256).write_bytes(b"cut")
    assert body(store, content) == b"x" * 5_000


def test_an_answer_of_the_bucket_s_that_is_cut_is_never_taken_for_whole(
    store: Store, place: Place
) -> None:
    content = store.put_bytes(os.urandom(50_000))
    forget(store)
    place.door.set("cut")
    with pytest.raises(BucketUnreachable):
        body(store, content)
    with pytest.raises(BucketUnreachable):
        store.path(content.sha256)
    assert [path for path in store.home.cache.rglob("*") if path.is_file()] == []
    place.door.set("good")
    assert store.path(content.sha256).stat().st_size == 50_000


# --- a bucket that does not answer ---------------------------------------------------------------


def test_a_bucket_that_refuses_for_a_while_is_waited_for(store: Store, place: Place) -> None:
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    place.door.set("refuse")
    threading.Timer(1.5, place.door.set, ["good"]).start()
    store.keep(given.attempt_id, answer_of([image]), (image,))
    store.settle(settlement(given.attempt_id, images=(made(image),))).result()
    forget(store)
    assert body(store, store.content(image.sha256)) == picture()


def recover_when_back(store: Store) -> list[Orphan]:
    """What is recovered once the bucket answers: a connection of before may still be tried once,
    and nothing is tried again by itself here."""
    for _ in range(5):
        blobs_of(store).standing._tried_s = 0
        with suppress(BucketUnreachable):
            return store.recover()
    raise AssertionError("the bucket was never back")


@pytest.mark.parametrize("mood", ["refuse", "refuse-writes", "reset", "hang"])
def test_what_was_paid_stays_on_this_disk_until_the_bucket_is_back(
    place: Place, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "LONG", "1s")
    monkeypatch.setattr(objects_module, "SHORT", "1s")
    monkeypatch.setitem(objects_module._RETRIES, "max_retries", 0)
    store = place.open()
    be_patient(store, 0.4)
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    answer = answer_of([image])
    place.door.set(mood)  # type: ignore[arg-type]
    with pytest.raises(BucketUnreachable) as told:
        store.keep(given.attempt_id, answer, (image,))
    assert place.storage.images is not None
    assert place.storage.images.url in told.value.message()
    store.abandon(given.attempt_id)
    with pytest.raises(BucketUnreachable):
        store.recover()
    assert store.owes
    place.door.set("good")
    (orphan,) = recover_when_back(store)
    assert orphan.answer == answer
    store.keep(given.attempt_id, answer, orphan.contents)
    store.settle(settlement(given.attempt_id, images=(made(image),))).result()
    assert list(store.home.incoming.iterdir()) == []
    forget(store)
    assert body(store, store.content(image.sha256)) == picture()
    store.close()


def test_nothing_is_bought_while_the_bucket_is_known_to_be_away(store: Store, place: Place) -> None:
    be_patient(store, 0.6)
    place.door.set("refuse")
    with pytest.raises(BucketUnreachable):
        store.put_bytes(b"x")
    given = intent(store.begin(wish()).result().request_id)
    with pytest.raises(BucketUnreachable, match="can't be reached"):
        store.claim(given).result()
    assert store.live() == []
    with pytest.raises(BucketUnreachable):
        store.may_buy()
    place.door.set("good")
    blobs_of(store).standing._tried_s = 0
    assert isinstance(_claimed_in_time(store, given), Claimed)


def test_a_claim_waits_for_the_first_look_at_the_bucket_and_while_patience_lasts(
    place: Place,
) -> None:
    store = Store.open(
        place.home, clock_ms=Clock(), new_id=lambda kind: f"{kind}_1", storage=place.storage
    )
    given = intent(store.begin(wish()).result().request_id)
    place.door.set("refuse")
    first = store.claim(given).result()
    assert isinstance(first, Hold)
    assert "is looked at" in first.reason
    place.door.set("good")
    assert isinstance(_claimed_in_time(store, given), Claimed)
    store.close()


def _claimed_in_time(store: Store, given: object) -> object:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            answer = store.claim(given).result()  # type: ignore[arg-type]
        except BucketUnreachable:
            continue
        if not isinstance(answer, Hold):
            return answer
        time.sleep(answer.delay_ms / 1000)
    return None


def test_a_refusal_is_told_at_once_and_names_what_to_set_right(store: Store, place: Place) -> None:
    place.door.set("forbid")
    with pytest.raises(BucketRefused, match="it does not take these keys"):
        store.put_bytes(b"x")
    given = intent(store.begin(wish()).result().request_id)
    with pytest.raises(BucketRefused):
        store.claim(given).result()
    told = {one.code: one for one in store.check()}
    assert (told["images"].level, "no right" in told["images"].message) == ("error", True)


def test_a_bucket_that_is_not_there_is_said_to_be(moto: Moto, tmp_path: Path) -> None:
    storage = Storage(images=bucket_at(moto.url, "nobody-made-this"))
    with pytest.raises(BucketRefused, match="there is no such bucket"):
        open_store(tmp_path / "home", storage=storage)


def test_another_ledger_s_bucket_is_refused_before_anything_is_paid_or_swept(
    store: Store, place: Place, tmp_path: Path
) -> None:
    kept = store.put_bytes(b"x" * 9_000)
    other = Store.open(
        tmp_path / "other", clock_ms=Clock(NOW + 90 * DAY_MS), new_id=_ids(), storage=place.storage
    )
    with pytest.raises(BucketRefused, match="another ledger's images are there"):
        other.gc()
    given = intent(other.begin(wish()).result().request_id)
    with pytest.raises(BucketRefused, match="a prefix of their own"):
        other.claim(given).result()
    other.close()
    assert place.direct.head(key_of(kept)) is not None


def _ids() -> object:
    count = iter(range(10**6))
    return lambda kind: f"{kind}_{next(count)}"


# --- death ---------------------------------------------------------------------------------------


def test_a_process_that_dies_between_bucket_and_ledger_is_made_good_without_sending_again(
    place: Place,
) -> None:
    died = run_python(
        IN_ANOTHER
        + """
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    store.keep(given.attempt_id, answer_of([image]), (image,))
    print("kept", flush=True)
    import time; time.sleep(60)
    """,
        *place.arguments(),
        kill_on="kept",
    )
    assert died.returncode == -9, died.stderr
    store = place.open()
    (orphan,) = store.recover()
    assert orphan.answer is not None
    before = place.door.seen.count("PUT")
    store.keep(orphan.attempt.id, orphan.answer, orphan.contents)
    assert place.door.seen.count("PUT") == before
    done = settlement(orphan.attempt.id, images=tuple(made(one) for one in orphan.contents))
    store.settle(done).result()
    forget(store)
    assert body(store, store.content(orphan.contents[0].sha256)) == picture()
    store.close()


RING = """
    import itertools
    for number in itertools.count(int(argv[3])):
        given = sent(store)
        print("sent", given.attempt_id, flush=True)
        paint(store, given.attempt_id, picture(number, size=6_000_000), extra=[b"s" * 20_000])
        print("done", given.attempt_id, number, flush=True)
"""


def test_killed_at_any_moment_what_was_acknowledged_is_in_the_bucket_and_nothing_hangs(
    place: Place,
) -> None:
    dice = random.Random(4)
    sent_ids: list[str] = []
    done: dict[str, int] = {}
    recovered = 0
    for turn in range(25 if os.environ.get("PISANG_CRASH") == "long" else 4):
        process = start_python(IN_ANOTHER + RING, *place.arguments(), turn * 1000)
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        for line in lines:
            _note(line, sent_ids, done)
            if len(sent_ids) - len(done) - recovered > 0 and dice.random() < 0.5:
                time.sleep(dice.random() * 0.4)
                break
        process.kill()
        for line in lines:
            _note(line, sent_ids, done)
        process.communicate()
        store = place.open()
        for orphan in store.recover():
            whole = tuple(one for one in orphan.contents if one.size > 6_000_000)
            if orphan.answer is not None:
                store.keep(orphan.attempt.id, orphan.answer, whole)
            state = State.DONE if whole and orphan.answer else State.UNKNOWN
            images = tuple(made(one) for one in whole) if state is State.DONE else ()
            store.settle(settlement(orphan.attempt.id, state, images=images)).result()
            recovered += 1
        store.close()
    store = place.open()
    forget(store)
    history = store.history(Asked(limit=10_000))
    rows = {one.id: one for row in history for one in row.attempts}
    assert {rows[one].state for one in sent_ids} <= {State.DONE, State.UNKNOWN}
    assert done
    for attempt_id, number in done.items():
        assert rows[attempt_id].state is State.DONE
        assert store.answer(attempt_id) is not None
        data = picture(number, size=6_000_000)
        image = next(one for row in history for one in row.images
                     if one.attempt_id == attempt_id)  # fmt: skip
        assert body(store, store.content(image.sha256), verify=True) == data
    assert [one for one in store.check(deep=True) if one.level == "error"] == []
    store.close()


def _note(line: str, sent_ids: list[str], done: dict[str, int]) -> None:
    word, _, rest = line.strip().partition(" ")
    if word == "sent":
        sent_ids.append(rest)
    elif word == "done":
        attempt_id, _, number = rest.partition(" ")
        done[attempt_id] = int(number)


# --- what may go ---------------------------------------------------------------------------------


def test_what_belongs_to_nothing_is_set_aside_and_goes_a_day_later(
    store: Store, place: Place
) -> None:
    content = store.put_bytes(b"x" * 9_000)
    fresh = store.gc()
    assert fresh.bytes == 0
    assert place.direct.head(key_of(content)) is not None
    assert store.gc(now_ms=NOW + 2 * DAY_MS, dry_run=True).bytes == 0
    set_aside = store.gc(now_ms=NOW + 2 * DAY_MS)
    assert {one.kind: one.files for one in set_aside.gone}["aside"] == 1
    assert place.direct.head(key_of(content)) is None
    assert body(store, content) == b"x" * 9_000  # still had, where somebody knows of it
    gone = store.gc(now_ms=NOW + 2 * DAY_MS)
    assert gone.bytes == 9_000
    assert [meta.key for meta in place.direct.list("")] == ["pisang.json"]


def test_a_picture_bought_again_while_it_is_swept_is_had_and_gets_its_place_again(
    store: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same picture comes in between the sweeper's last look and its delete."""
    given = sent(store)
    image = write(store.incoming(given.attempt_id), picture())
    key = key_of(image, "images")
    place.direct.put_bytes(key, picture())
    delete = Objects.delete

    def bought_before(objects: Objects, gone: str) -> None:
        if gone == key:
            monkeypatch.setattr(Objects, "delete", delete)
            store.keep(given.attempt_id, answer_of([image]), (image,))
            store.settle(settlement(given.attempt_id, images=(made(image),))).result()
        delete(objects, gone)

    monkeypatch.setattr(Objects, "delete", bought_before)
    store.gc(now_ms=NOW + 2 * DAY_MS)
    assert place.direct.head(key) is None
    forget(store)
    assert body(store, store.content(image.sha256), verify=True) == picture()
    store.gc()
    assert place.direct.head(key) is not None
    assert [meta.key for meta in place.direct.list("aside/")] == []
    assert [one for one in store.check(deep=True) if one.level == "error"] == []


def test_a_deleted_request_leaves_nothing_in_the_bucket_and_nothing_at_hand(
    store: Store, place: Place
) -> None:
    given = sent(store)
    paint(store, given.attempt_id, picture(), extra=[b"signature" * 5000])
    assert store.delete(given.request_id).files == 2
    assert [meta.key for meta in place.direct.list("")] == ["pisang.json"]
    assert [path for path in store.home.cache.rglob("*") if path.is_file()] == []


def test_what_is_not_ours_in_the_bucket_is_told_of_and_left_alone(
    store: Store, place: Place
) -> None:
    place.direct.put_bytes("images/holiday.png", b"mine")
    told = [one for one in store.check() if one.code == "strays"]
    assert [(one.level, "holiday.png" in one.message) for one in told] == [("warning", True)]
    store.gc(now_ms=NOW + 9 * DAY_MS)
    assert place.direct.head("images/holiday.png") is not None


# --- what is at hand -----------------------------------------------------------------------------


def test_what_is_at_hand_is_bounded_and_what_was_used_last_stays(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "IN_USE_S", 60)
    assert place.storage.images is not None
    small = type(place.storage.images)(
        **{
            name: getattr(place.storage.images, name)
            for name in place.storage.images.__dataclass_fields__
        }
        | {"cache_bytes": 100_000}
    )
    store = open_store(place.home, storage=Storage(images=small))
    contents = [store.put_bytes(bytes([number]) * 10_000) for number in range(20)]
    for number, content in enumerate(contents):
        long_ago = time.time() - 10_000 + number
        os.utime(store.spot(content.sha256), (long_ago, long_ago))
    store.path(contents[0].sha256)  # used again
    for number in range(20, 24):
        store.put_bytes(bytes([number]) * 10_000)
    assert blobs_of(store)._cache.held_bytes() <= 110_000
    assert store.spot(contents[0].sha256).exists()
    assert not store.spot(contents[1].sha256).exists()
    assert body(store, contents[1]) == bytes([1]) * 10_000
    store.close()


def test_many_threads_bring_the_same_content_here_at_once(store: Store) -> None:
    data = os.urandom(3_000_000)
    content = store.put_bytes(data)
    forget(store)
    wrong: list[object] = []

    def look() -> None:
        try:
            if store.path(content.sha256).read_bytes() != data:
                wrong.append("other bytes")
        except (PisangError, OSError) as error:
            wrong.append(error)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [path.name for path in store.home.cache.rglob("*") if path.is_file()] == [content.sha256]


# --- keys ----------------------------------------------------------------------------------------


def test_keys_are_never_told(store: Store, place: Place) -> None:
    told = [repr(place.storage), str(place.storage.images)]
    for mood in ("forbid", "refuse"):
        be_patient(store, 0)
        place.door.set(mood)  # type: ignore[arg-type]
        with pytest.raises((BucketRefused, BucketUnreachable)) as caught:
            store.put_bytes(b"x" + mood.encode())
        told += [caught.value.message(), caught.value.message("zh"), repr(caught.value.fields)]
        told.append(repr(caught.value.__cause__))
    assert not [text for text in told if SECRET_KEY in text or KEY_ID in text]


def test_without_the_optional_part_its_install_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(ExtraMissing, match=r"pisang\[s3\]"):
        place.open()


# --- files that callers upload -------------------------------------------------------------------


def test_an_uploaded_file_is_there_for_every_gateway_and_goes_for_all(
    store: Store, place: Place, tmp_path: Path
) -> None:
    assert place.storage.images is not None
    objects = Objects(place.storage.images)
    other = SharedUploads(prepare(tmp_path / "other"), Clock(), objects, store._files)
    upload, right = store.uploads.begin("me", "image/png", "kite.png")
    there = other.open(right)  # begun at one machine, sent to another
    other.append(there, picture())
    whole = other.finish(there)
    assert store.uploads.get(upload.id, "me") == whole
    assert [one.id for one in store.uploads.all("me")] == [upload.id]
    assert store.uploads.path(whole).read_bytes() == picture()
    with pytest.raises(NotFound):
        store.uploads.get(upload.id, "you")
    with pytest.raises(NotFound):
        store.uploads.open(f"{upload.id}.{'0' * 64}")
    store.uploads.delete(upload.id, "me")
    with pytest.raises(NotFound):
        other.get(upload.id, "me")
    assert list(place.direct.list("uploads/")) == []


def test_uploaded_files_go_after_two_days(place: Place, tmp_path: Path) -> None:
    clock = Clock()
    store = open_store(place.home, clock, storage=place.storage)
    upload, _ = store.uploads.begin("me", "image/png", None)
    store.uploads.append(upload, picture())
    store.uploads.finish(upload)
    clock.ms = NOW + 3 * DAY_MS
    with pytest.raises(NotFound):
        store.uploads.get(upload.id, "me")
    store.close()
    again = open_store(place.home, clock, storage=place.storage)
    again.uploads.begin("me", "image/png", None)
    assert [meta for meta in place.direct.list("uploads/") if upload.id in meta.key] == []
    again.close()
