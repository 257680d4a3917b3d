"""What the faces ask: newest first, exactly what was asked for, bounded."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import assume, example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from pisang.domain.attempt import State
from pisang.errors import Ambiguous, NotFound
from pisang.store.search import like, sketch
from pisang.store.store import Asked, Store
from tests.store.kit import (
    NOW,
    claimed,
    new_id,
    paint,
    picture,
    sent,
    settlement,
    wish,
)


def ask(store: Store, prompt: str, at: int = 0, **more: object) -> str:
    return store.begin(wish(prompt=prompt, created_ms=NOW + at, **more)).result().request_id


def found(store: Store, query: str | None = None, **more: object) -> list[str]:
    return [row.prompt for row in store.history(Asked(query=query, **more))]  # type: ignore[arg-type]


def test_the_newest_come_first_and_no_more_than_asked(store: Store) -> None:
    for number in range(5):
        ask(store, f"p{number}", number)
    assert found(store) == ["p4", "p3", "p2", "p1", "p0"]
    assert found(store, limit=2) == ["p4", "p3"]
    assert found(store, limit=0) == []
    assert found(store, limit=-1) == []


def test_pages_follow_one_another_even_within_one_millisecond(store: Store) -> None:
    for number in range(7):
        ask(store, f"p{number}", number // 3)
    for query in (None, "p"):
        seen: list[str] = []
        before = None
        while page := store.history(Asked(query=query, limit=2, before=before)):
            seen += [row.prompt for row in page]
            before = page[-1].id
        assert sorted(seen) == [f"p{number}" for number in range(7)]


def test_a_page_before_nothing_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.history(Asked(before="req_none"))


def test_a_query_finds_what_holds_it(store: Store) -> None:
    ask(store, "一只可爱的小猫咪坐在花园里")
    ask(store, "A Cat in a garden", 1)
    assert found(store, "小猫") == ["一只可爱的小猫咪坐在花园里"]
    assert found(store, "花") == ["一只可爱的小猫咪坐在花园里"]
    assert found(store, "cat") == ["A Cat in a garden"]
    assert found(store, "猫小") == []
    assert found(store, "狗") == []


@pytest.mark.parametrize("query", ["%", "_", "100%", "\\", "a_c", "a%c", "'; --"])
def test_wildcards_are_letters(store: Store, query: str) -> None:
    ask(store, "abc 100")
    assert found(store, query) == []
    ask(store, f"x{query}x", 1)
    assert found(store, query) == [f"x{query}x"]


def test_nothing_holds_a_nul(store: Store) -> None:
    ask(store, "abc")
    assert found(store, "\x00") == found(store, "a\x00") == []


@settings(max_examples=300, deadline=None)
@drawn(st.text(max_size=30), st.text(min_size=1, max_size=4))
@example("aÀ龙", "À龙")
@example("K kelvin", "k")
def test_the_sketch_never_hides_what_like_would_find(prompt: str, query: str) -> None:
    assume("\0" not in query)  # LIKE ends at it: `history` finds nothing then, and asks nobody
    try:
        with sqlite3.connect(":memory:") as connection:
            holds = connection.execute(
                "SELECT ? LIKE ? ESCAPE '\\'", (prompt, like(query))
            ).fetchone()[0]
        connection.close()
    except UnicodeEncodeError:
        return
    glyphs = sketch(query)
    assert 0 <= sketch(prompt) < 2**63
    if holds:
        assert sketch(prompt) & glyphs == glyphs
    if query in prompt and "\x00" not in prompt:
        assert holds


def test_state_upstream_and_scope_narrow_the_search(store: Store) -> None:
    first, second = ask(store, "cat one"), ask(store, "cat two", 1, scope="key_1")
    claimed(store, first, upstream="google")
    done = claimed(store, second)
    store.settle(settlement(done.attempt_id)).result()
    for query in (None, "cat"):
        assert found(store, query, state=State.SENT) == ["cat one"]
        assert found(store, query, state=State.DONE) == ["cat two"]
        assert found(store, query, state=State.UNKNOWN) == []
        assert found(store, query, upstream="google") == ["cat one"]
        assert found(store, query, upstream="nobody") == []
        assert found(store, query, scope="key_1") == ["cat two"]
        assert found(store, query, scope="key_1", state=State.SENT) == []


def test_a_request_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    ids = [ask(store, str(number), id=f"req_{number}ab") for number in range(12)]
    assert store.request("req_3").id == ids[3]
    assert store.request("req_1ab").id == ids[1]
    with pytest.raises(Ambiguous, match="'req_1' fits 3 requests"):
        store.request("req_1")
    with pytest.raises(Ambiguous, match="10 or more"):
        store.request("req_")
    for nothing in ("", "req_99", "%", "req_3ab0"):
        with pytest.raises(NotFound):
            store.request(nothing)


def test_a_request_comes_with_its_attempts_and_images_in_order(store: Store) -> None:
    request_id = ask(store, "two", n=2)
    late = claimed(store, request_id, ordinal=1)
    failed = claimed(store, request_id, ordinal=0)
    store.settle(settlement(failed.attempt_id, State.FAILED)).result()
    early = claimed(store, request_id, ordinal=0)
    paint(store, late.attempt_id, picture(1), picture(2))
    paint(store, early.attempt_id, picture(3))
    row = store.request(request_id)
    assert [one.id for one in row.attempts] == [
        failed.attempt_id,
        early.attempt_id,
        late.attempt_id,
    ]
    assert [(one.attempt_id, one.ordinal) for one in row.images] == [
        (early.attempt_id, 0),
        (late.attempt_id, 0),
        (late.attempt_id, 1),
    ]


def test_an_image_is_found_by_hash_or_by_its_request(store: Store) -> None:
    given = sent(store)
    paint(store, given.attempt_id, picture())
    image = store.image(given.request_id)
    assert store.image(image.sha256) == store.image(image.sha256[:6]) == image
    assert store.image(given.request_id[:-2]) == image
    for nothing in ("", "zz", "f" * 64, "req_"):
        with pytest.raises(NotFound):
            store.image(nothing if nothing != "req_" else new_id("req"))


def test_a_hash_that_fits_two_images_is_ambiguous(store: Store) -> None:
    for number in range(40):
        paint(store, sent(store).attempt_id, picture(number, size=1))
    hashes = [row.images[0].sha256 for row in store.history(Asked(limit=50))]
    first = max(set(one[0] for one in hashes), key=[one[0] for one in hashes].count)
    with pytest.raises(Ambiguous, match="images"):
        store.image(first)


def test_the_last_image_is_that_of_the_newest_wish_of_the_folder_which_made_one(
    store: Store,
) -> None:
    assert store.last_image("/a") is None
    first, second = ask(store, "1", 1, folder="/a"), ask(store, "2", 2, folder="/a")
    ask(store, "3", 3, folder="/a")
    other, foreign = ask(store, "4", 4, folder="/b"), ask(store, "5", 5, folder="/a", scope="k")
    for number, request_id in enumerate((second, first, other, foreign)):
        paint(store, claimed(store, request_id).attempt_id, picture(number))
    last = store.last_image("/a")
    assert last is not None
    assert last.request_id == second
    assert store.last_image("/c") is None


def test_an_edit_s_image_knows_its_parent(store: Store) -> None:
    given = sent(store)
    paint(store, given.attempt_id, picture())
    parent = store.image(given.request_id).sha256
    child = claimed(store, ask(store, "edit", parent=parent))
    paint(store, child.attempt_id, picture(2))
    assert store.image(child.request_id).parent == parent


def test_the_edits_of_an_image_are_found_oldest_first(store: Store) -> None:
    made = sent(store)
    paint(store, made.attempt_id, picture(1), picture(2))
    one, two = (image.sha256 for image in store.request(made.request_id).images)
    for number, parent in enumerate((one, two, one)):
        ask(store, f"edit {number}", number, parent=parent)
    ask(store, "of nothing", 9)
    assert [row.prompt for row in store.children([one])] == ["edit 0", "edit 2"]
    assert [row.prompt for row in store.children([one, two])] == ["edit 0", "edit 1", "edit 2"]
    assert store.children([]) == []
    assert store.children(["0" * 64, "not a hash"]) == []
