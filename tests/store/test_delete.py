"""Deleting: the content goes, other people's content and the books stay."""

from __future__ import annotations

import pytest

from pisang.domain.attempt import State
from pisang.domain.ledger import Budget
from pisang.errors import Ambiguous, BudgetExceeded, NotFound, OptionInvalid, Running
from pisang.store.store import Asked, Store
from tests.store.kit import (
    PRICE,
    answer_of,
    claimed,
    made,
    open_store,
    paint,
    picture,
    sent,
    settlement,
    wish,
    write,
)


def sound(store: Store) -> bool:
    return not [one for one in store.check(deep=True) if one.level == "error"]


def painted(store: Store, number: int = 0, **more: object) -> str:
    request_id = store.begin(wish(**more)).result().request_id
    given = claimed(store, request_id)
    paint(store, given.attempt_id, picture(number), extra=[b"signature" * 5000])
    return request_id


def test_a_deleted_request_is_gone_from_every_face(store: Store) -> None:
    reference = store.put_bytes(b"private photo" * 999)
    request_id = painted(
        store, prompt="a secret", idempotency_key="k", folder="/f", references=(reference,)
    )
    image = store.image(request_id)
    deleted = store.delete(request_id)
    assert (deleted.request_id, deleted.files) == (request_id, 3)
    for gone in (request_id, image.sha256):
        with pytest.raises(NotFound):
            store.image(gone)
        with pytest.raises(NotFound):
            store.delete(gone)
    with pytest.raises(NotFound):
        store.request(request_id)
    assert store.history() == store.history(Asked(query="secret")) == []
    assert store.last_image("/f") is None
    assert [path for path in store.home.root.rglob("*/*/*") if path.is_file()] == []
    assert sound(store)


def test_the_key_of_a_deleted_request_is_free(store: Store) -> None:
    store.delete(painted(store, idempotency_key="k"))
    assert store.begin(wish(idempotency_key="k", fingerprint="other")).result().verdict == "new"


def test_what_was_paid_stays_in_the_books(store: Store) -> None:
    store.set_budget(Budget("b", "all", "total", PRICE)).result()
    store.delete(painted(store))
    assert [cost.spent_micros for cost in store.spending.costs()] == [PRICE.micros]
    with pytest.raises(BudgetExceeded):
        sent(store)
    assert sound(store)


@pytest.mark.sqlite
def test_no_word_of_a_deleted_request_is_left_in_the_ledger(store: Store) -> None:
    request_id = store.begin(wish(prompt="canary-prompt", spec={"text": "canary-spec"})).result()
    given = claimed(store, request_id.request_id)
    outcome = settlement(
        given.attempt_id, State.REFUSED, text="canary-text", message="canary", excerpt="canary"
    )
    store.settle(outcome).result()
    store.delete(request_id.request_id)
    root = store.home.root
    store.close()
    again = open_store(root)
    again.begin(wish()).result()
    again.close()
    assert b"canary" not in (root / "ledger.db").read_bytes()


def test_what_another_request_names_stays(store: Store) -> None:
    first, second = painted(store), painted(store)
    image = store.image(second)
    deleted = store.delete(first)
    assert (deleted.files, deleted.left) == (0, 2)
    assert store.path(image.sha256).read_bytes() == picture()
    assert store.delete(second).files == 2
    assert sound(store)


def test_a_deleted_image_takes_its_answer_with_it_and_leaves_its_request(store: Store) -> None:
    request_id = painted(store)
    image = store.image(request_id)
    child = painted(store, 2, parent=image.sha256)
    deleted = store.delete(image.sha256[:10])
    assert (deleted.sha256, deleted.request_id) == (image.sha256, None)
    assert store.request(request_id).images == ()
    assert store.answer(image.attempt_id) is None
    assert store.request(child).parent is None
    assert store.image(child).parent is None
    with pytest.raises(NotFound):
        store.path(image.sha256)
    assert sound(store)


def test_an_image_that_a_later_edit_was_given_stays_for_it(store: Store) -> None:
    image = store.image(painted(store))
    content = store.content(image.sha256)
    child = painted(store, 2, references=(content,))
    deleted = store.delete(image.sha256)
    assert deleted.left >= 1
    assert store.path(image.sha256).exists()
    store.delete(child)
    assert not store.home.image(image.sha256).exists()


def test_what_is_under_way_or_unknown_is_not_deleted(store: Store) -> None:
    given = sent(store)
    with pytest.raises(Running):
        store.delete(given.request_id)
    store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    with pytest.raises(OptionInvalid, match="unknown"):
        store.delete(given.request_id)
    store.resolve(given.attempt_id, State.WRITTEN_OFF).result()
    assert store.delete(given.request_id).request_id == given.request_id


def test_a_picture_that_an_attempt_under_way_made_too_is_left_to_gc(store: Store) -> None:
    given = sent(store)
    first = painted(store)
    image = write(store.incoming(given.attempt_id), picture())
    store.keep(given.attempt_id, answer_of([image]), (image,))
    deleted = store.delete(first)
    assert store.path(image.sha256).exists(), deleted
    store.settle(settlement(given.attempt_id, images=(made(image),))).result()
    assert store.path(image.sha256).read_bytes() == picture()
    assert sound(store)


def test_a_name_that_fits_several_is_ambiguous(store: Store) -> None:
    painted(store, 1)
    painted(store, 2)
    with pytest.raises(Ambiguous):
        store.delete("req_")
