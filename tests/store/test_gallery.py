"""The gallery's questions: pages, filters, marks, and how far they are counted."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest

from pisang.domain.answer import ImageFacts, Made
from pisang.errors import NotFound
from pisang.store import gallery as gallery_module
from pisang.store.gallery import Wanted
from pisang.store.image_marks import Marking
from pisang.store.queries import migrations, queries
from pisang.store.store import Store
from tests.store.kit import (
    NOW,
    Clock,
    answer_of,
    claimed,
    picture,
    settlement,
    wish,
    write,
)

SQUARE, WIDE = (1024, 1024), (1376, 768)


def make(
    store: Store, number: int, *, n: int = 1, shape: tuple[int, int] = SQUARE, **more: Any
) -> str:
    """A request with n images, asked so many milliseconds after the first one."""
    upstream = {
        name: more.pop(name) for name in ("upstream", "model", "image_size") if name in more
    }
    asked = {"created_ms": NOW + number, "idempotency_key": f"k{number}", **more}
    request_id = store.begin(wish(**asked)).result().request_id
    given = claimed(store, request_id, **upstream)
    incoming = store.incoming(given.attempt_id)
    contents = [write(incoming, picture(number * 100 + one)) for one in range(n)]
    store.keep(given.attempt_id, answer_of(contents), tuple(contents))
    facts = ImageFacts("image/png", *shape, True)
    images = tuple(Made(one, facts, "image/png", False) for one in contents)
    store.settle(settlement(given.attempt_id, images=images)).result()
    return request_id


def requests_of(store: Store, **wanted: Any) -> list[str]:
    return [one.image.request_id for one in store.gallery(Wanted(**wanted)).images]


def names(store: Store, request_id: str) -> list[tuple[str, str]]:
    return [(request_id, one.sha256) for one in store.request(request_id).images]


def test_each_image_is_told_once_newest_request_first_and_its_own_in_order(store: Store) -> None:
    first, second, third = make(store, 1, n=2), make(store, 3), make(store, 2)
    assert requests_of(store) == [second, third, first, first]
    page = store.gallery(Wanted(limit=3))
    assert [one.image.request_id for one in page.images] == [second, third]
    assert (page.next, page.total, page.capped) == (third, 4, False)
    rest = store.gallery(Wanted(limit=3, before=page.next))
    assert [one.image.ordinal for one in rest.images] == [0, 1]
    assert (rest.next, rest.total) == (None, None)
    whole = store.gallery(Wanted(limit=1, before=page.next))
    assert len(whole.images) == 2
    with pytest.raises(NotFound):
        store.gallery(Wanted(before="req_none"))


def test_requests_of_one_moment_are_told_each_once(store: Store) -> None:
    made = {make(store, 0, idempotency_key=str(one), fingerprint=str(one)) for one in range(5)}
    found, before = [], None
    while True:
        page = store.gallery(Wanted(limit=2, before=before))
        found += [one.image.request_id for one in page.images]
        before = page.next
        if before is None:
            break
    assert found == sorted(made, reverse=True)


@pytest.mark.parametrize(
    "wanted",
    [
        {"query": "heron"},
        {"query": "苍鹭"},
        {"model": "rare"},
        {"upstream": "other"},
        {"image_size": "4K"},
        {"proportions": (1.7, 1.9)},
        {"scope": "somebody"},
        {"until_ms": NOW + 2},
        {"query": "HERON", "model": "rare", "favourite": True},
        {"favourite": True, "scope": "somebody"},
    ],
)
def test_what_is_looked_for_is_found_and_nothing_else(store: Store, wanted: dict[str, Any]) -> None:
    that = make(
        store, 1, shape=WIDE, prompt="a heron 苍鹭", model="rare", upstream="other",
        image_size="4K", scope="somebody",
    )  # fmt: skip
    for number in range(2, 5):
        make(store, number)
    store.image_marks.put(names(store, that), Marking(favourite=True), None).result()
    page = store.gallery(Wanted(**wanted))
    assert [one.image.request_id for one in page.images] == [that]
    assert page.total == 1
    shown = page.images[0]
    assert (shown.model, shown.upstream, shown.image_size) == ("rare", "other", "4K")
    assert (shown.prompt, shown.asked_ms, shown.favourite) == ("a heron 苍鹭", NOW + 1, True)


@pytest.mark.parametrize("query", ["100%", "a_b", "\\", "\0", "%", "[", "''"])
def test_a_query_is_words_and_no_pattern(store: Store, query: str) -> None:
    make(store, 1, prompt="aXb 1000")
    assert requests_of(store, query=query) == []


def test_it_is_counted_so_far_and_no_further(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        make(store, number, prompt="a heron")
    monkeypatch.setattr(gallery_module, "COUNTED", 2)
    for wanted in (Wanted(limit=1), Wanted(limit=1, query="heron")):
        page = store.gallery(wanted)
        assert page.capped
    monkeypatch.setattr(gallery_module, "COUNTED", 4)
    page = store.gallery(Wanted(limit=1))
    assert (page.total, page.capped) == (4, False)


def test_marks_keep_their_time_and_go_with_their_image(store: Store, clock: Clock) -> None:
    request_id = make(store, 1, n=2)
    both = names(store, request_id)
    assert store.image_marks.put(both, Marking(trashed=True), None).result() == 2
    clock.ms += 5_000
    assert store.image_marks.put(both, Marking(trashed=True), None).result() == 0
    assert [one.trashed_ms for one in store.gallery(Wanted(trash=True)).images] == [NOW, NOW]
    assert store.image_marks.put(both[:1], Marking(trashed=False), None).result() == 1
    assert len(store.gallery(Wanted(trash=True)).images) == 1
    assert len(store.gallery(Wanted()).images) == 1
    assert store.image_marks.put(both, Marking(), None).result() == 0
    assert store.image_marks.put(both, Marking(trashed=True), "another").result() == 0
    store.delete(request_id)
    assert store.gallery(Wanted(trash=True)).images == ()
    assert store.image_marks.put(both, Marking(favourite=True), None).result() == 0


def test_an_image_is_marked_as_the_one_of_its_request(store: Store) -> None:
    """The same bytes, made twice."""
    one, other = make(store, 1), make(store, 2)
    assert names(store, one) != names(store, other)
    with pytest.raises(NotFound):
        store.shown("0" * 64, None)
    sha256 = names(store, other)[0][1]
    assert store.image_marks.put([(one, sha256)], Marking(favourite=True), None).result() == 0
    assert store.shown(sha256, None).image.request_id == other
    with pytest.raises(NotFound):
        store.shown(sha256, "another")


def test_a_request_is_through_with_the_trash_once_all_of_it_lay_there_so_long(
    store: Store, clock: Clock
) -> None:
    whole, half, late = make(store, 1, n=2), make(store, 2, n=2), make(store, 3)
    images = [*names(store, whole), *names(store, half)[:1]]
    store.image_marks.put(images, Marking(trashed=True), None).result()
    clock.ms += 10_000
    store.image_marks.put(names(store, late), Marking(trashed=True), None).result()
    assert list(store.image_marks.trashed(NOW)) == []
    assert list(store.image_marks.trashed(NOW + 1)) == [whole]
    assert list(store.image_marks.trashed(NOW + 10_001)) == sorted([whole, late])


def test_an_archive_is_forgotten_in_time(store: Store, clock: Clock) -> None:
    both = [*names(store, make(store, 1)), *names(store, make(store, 2))]
    wanted = [both[1], ("req_none", "0" * 64), both[0], both[1]]
    noted = store.archives.put("a", wanted, scope="me", sees=None, life_ms=600_000).result()
    assert noted.until_ms == NOW + 600_000
    assert store.archives.images("a", "me") == [both[1], both[0]]
    assert [image.sha256 for _, image in store.archives.rows(both, None)] == [
        sha256 for _, sha256 in both
    ]
    assert list(store.archives.rows(both, "another")) == []
    with pytest.raises(NotFound):
        store.archives.images("a", "another")
    with pytest.raises(NotFound):
        store.archives.put("b", wanted[1:2], scope="me", sees=None, life_ms=1).result()
    clock.ms += 600_000
    with pytest.raises(NotFound):
        store.archives.images("a", "me")
    store.archives.put("a", both, scope="me", sees=None, life_ms=1).result()


def test_it_answers_the_same_however_often_it_is_asked(store: Store) -> None:
    """From the sixth time on PostgreSQL plans without the values."""
    made = [make(store, number, prompt=f"a heron {number}") for number in range(6)]
    store.image_marks.put(names(store, made[0]), Marking(favourite=True), None).result()
    store.image_marks.put(names(store, made[5]), Marking(trashed=True), None).result()
    newest = [*reversed(made[:5])]
    for _ in range(8):
        assert requests_of(store, limit=2) == newest[:2]
        assert requests_of(store, limit=2, query="heron") == newest[:2]
        assert requests_of(store, before=newest[1]) == newest[2:]
        assert requests_of(store, favourite=True) == [made[0]]
        assert requests_of(store, trash=True) == [made[5]]
        assert store.gallery(Wanted(limit=2)).total == 5


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("gallery_newest", "images_gallery"),
        ("gallery_found", "requests_search"),
        ("gallery_favourites", "images_favourites"),
        ("gallery_trash", "images_trashed"),
        ("gallery_one", "images_sha256"),
        ("images_among", "images_"),
        ("requests_trashed", "images_trashed"),
        ("images_favour", "images_request"),
        ("images_trash", "images_request"),
    ],
)
def test_no_question_walks_over_more_than_its_index(name: str, index: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript("".join(step.sql for step in migrations("sqlite")))
    for query in (name, f"{name}_count"):
        if query not in queries("sqlite"):
            continue
        sql = queries("sqlite")[query].sql
        values = {key: 1 for key in re.findall(r":([a-z0-9_]+)", sql)}
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        walked = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
        walked = [step for step in walked if "VIRTUAL" not in step and "counted" not in step]
        assert f"INDEX {index}" in walked[0], plan
        assert all("INDEX" in step for step in walked), plan
    if name in ("gallery_newest", "gallery_found"):
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan
