"""From wish to settled image: what the ledger and the folders hold at each step."""

from __future__ import annotations

from pathlib import Path

import pytest

from pisang.domain.answer import Usage
from pisang.domain.attempt import Charged, State
from pisang.domain.content import Base64Run, RawRun, Span, TextRun, content_of
from pisang.domain.ledger import Claimed
from pisang.domain.money import Money
from pisang.domain.warning import Warn
from pisang.errors import NotFound, PisangError, StoreCorrupt, Unexpected
from pisang.store.store import Store
from tests.store.kit import (
    NOW,
    PRICE,
    answer_of,
    intent,
    made,
    new_id,
    open_store,
    paint,
    picture,
    sent,
    settlement,
    wish,
    write,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_wish_is_planned_and_holds_what_it_was(store: Store) -> None:
    asked = wish(prompt="一只猫", folder="/f", tags=("a", "b"), n=2, scope="key_1", face="cli")
    assert store.begin(asked).result().verdict == "new"
    row = store.request(asked.id)
    assert (row.prompt, row.folder, row.tags, row.n) == ("一只猫", "/f", ("a", "b"), 2)
    assert (row.scope, row.face, row.state, row.spec) == ("key_1", "cli", State.PLANNED, asked.spec)


def test_a_claim_writes_sent_with_its_owner_and_price(store: Store) -> None:
    given = intent(store.begin(wish()).result().request_id, log_id="log-1")
    assert store.claim(given).result() == Claimed(NOW)
    (attempt,) = store.request(given.request_id).attempts
    assert (attempt.state, attempt.charged, attempt.owner) == (
        State.SENT,
        Charged.UNKNOWN,
        store.owner,
    )
    assert (attempt.price, attempt.sent_ms, attempt.log_id) == (PRICE, NOW, "log-1")
    assert store.live() == [attempt]


def test_a_claim_for_no_request_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.claim(intent("req_none")).result()


@pytest.mark.folder
def test_a_settled_image_lies_under_its_hash_and_nothing_is_left_in_incoming(store: Store) -> None:
    given = sent(store)
    paint(store, given.attempt_id, picture(), extra=[b"signature" * 5000])
    row = store.request(given.request_id)
    (image,) = row.images
    assert row.state is State.DONE
    assert store.path(image.sha256).read_bytes() == picture()
    assert names(store.home.images) == [image.sha256]
    assert len(names(store.home.blobs)) == 1
    assert names(store.home.incoming) == []
    assert (image.width, image.height, image.mime, image.bytes) == (
        1024,
        1024,
        "image/png",
        len(picture()),
    )


def test_an_answer_comes_back_as_it_was_with_contents_that_resolve(store: Store) -> None:
    given = sent(store)
    kept = paint(store, given.attempt_id, picture(), extra=[b"signature" * 5000])
    again = store.answer(given.attempt_id)
    assert again == kept
    assert again is not None
    for span in again.spans:
        for content in span.contents:
            assert store.path(content.sha256).stat().st_size == content.size
            assert content.head == store.path(content.sha256).read_bytes()[: len(content.head)]


def test_raw_runs_short_texts_and_inline_pictures_are_kept_too(store: Store) -> None:
    given = sent(store)
    incoming = store.incoming(given.attempt_id)
    raw, decoded = write(incoming, b"iVBO\\n" * 9000), write(incoming, picture(3))
    small = content_of(picture(4, size=10))
    spans = (
        Span((TextRun(b'\\u4e00"\xff'), RawRun(raw, decoded))),
        Span((Base64Run(small),), complete=False),
    )
    answer = answer_of([])
    answer = type(answer)(answer.ended, True, 200, {}, b"\xff NaN NaN", spans)
    store.keep(given.attempt_id, answer, (decoded, small))
    outcome = settlement(given.attempt_id, images=(made(decoded), made(small, draft=True)))
    store.settle(outcome).result()
    assert store.answer(given.attempt_id) == answer
    assert store.path(small.sha256).read_bytes() == picture(4, size=10)
    assert names(store.home.incoming) == []
    assert [image.draft for image in store.request(given.request_id).images] == [False, True]


def test_everything_that_an_outcome_says_is_read_back(store: Store) -> None:
    given = sent(store)
    usage = Usage(prompt_tokens=3, image_tokens=1290)
    outcome = settlement(
        given.attempt_id,
        State.REFUSED,
        cost=Money(5, "USD"),
        text="不行 \ud83d",  # a lone surrogate must not lose a paid answer
        finish_reason="IMAGE_SAFETY",
        message="no",
        usage=usage,
        error_code="refused",
        error_fields={"reason": "IMAGE_SAFETY"},
        status=200,
        excerpt="<html>",
        upstream_request_id="up-1",
        response_id="resp-1",
        warnings=(Warn("sandbox", "Painted."),),
    )
    store.settle(outcome).result()
    (row,) = store.request(given.request_id).attempts
    assert (row.state, row.finish_reason, row.message, row.usage) == (
        State.REFUSED,
        "IMAGE_SAFETY",
        "no",
        usage,
    )
    assert row.text == "不行 ?"
    assert (row.error_code, row.error_fields) == ("refused", {"reason": "IMAGE_SAFETY"})
    assert (row.status, row.excerpt, row.upstream_request_id, row.response_id) == (
        200,
        "<html>",
        "up-1",
        "resp-1",
    )
    assert row.warnings == (Warn("sandbox", "Painted."),)
    assert row.ended_ms == outcome.at_ms


def test_an_attempt_is_settled_once(store: Store) -> None:
    given = sent(store)
    store.settle(settlement(given.attempt_id)).result()
    with pytest.raises(Unexpected, match="done and can't become done"):
        store.settle(settlement(given.attempt_id)).result()
    with pytest.raises(Unexpected):
        store.settle(settlement(given.attempt_id, State.FAILED)).result()
    assert store.request(given.request_id).state is State.DONE


def test_settling_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.settle(settlement("att_none")).result()


def test_a_declined_attempt_leaves_a_row_that_says_why_and_that_no_money_moved(
    store: Store,
) -> None:
    given = intent(store.begin(wish()).result().request_id)
    said = settlement(given.attempt_id, State.FAILED, error_code="budget_exceeded")
    store.decline(given, said).result()
    (row,) = store.request(given.request_id).attempts
    assert (row.state, row.charged, row.error_code, row.sent_ms) == (
        State.FAILED,
        Charged.NO,
        "budget_exceeded",
        None,
    )


def test_keep_may_be_called_again(store: Store) -> None:
    given = sent(store)
    incoming = store.incoming(given.attempt_id)
    image = write(incoming, picture())
    for _ in range(2):
        store.keep(given.attempt_id, answer_of([image]), (image,))
    store.settle(settlement(given.attempt_id, images=(made(image),))).result()
    assert store.path(image.sha256).read_bytes() == picture()


@pytest.mark.folder
def test_two_attempts_may_make_the_same_picture(store: Store) -> None:
    for _ in range(2):
        given = sent(store)
        paint(store, given.attempt_id, picture())
        assert store.image(given.request_id).sha256 == content_of(picture()).sha256
    assert len(names(store.home.images)) == 1


def test_a_content_that_never_came_in_is_not_kept(store: Store) -> None:
    given = sent(store)
    stray = content_of(picture())
    stray = type(stray)(stray.sha256, stray.size, stray.head, stray.tail)
    with pytest.raises(StoreCorrupt, match="never came in"):
        store.keep(given.attempt_id, answer_of([stray]), (stray,))


@pytest.mark.parametrize("damage", [picture()[:100], picture()[:-1] + b"x"])
def test_a_damaged_picture_is_replaced_when_it_is_made_again(store: Store, damage: bytes) -> None:
    given = sent(store)
    paint(store, given.attempt_id, picture())
    path = store.path(store.image(given.request_id).sha256)
    path.write_bytes(damage)
    paint(store, sent(store).attempt_id, picture())
    assert path.read_bytes() == picture()


def test_what_is_unknown_keeps_its_incoming_bytes_as_salvage(store: Store) -> None:
    given = sent(store)
    write(store.incoming(given.attempt_id), picture()[:9000])
    store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    assert names(store.home.incoming) == [f"{given.attempt_id}-0"]
    assert [attempt.id for attempt in store.unknowns()] == [given.attempt_id]


def test_what_failed_leaves_nothing_in_incoming(store: Store) -> None:
    given = sent(store)
    write(store.incoming(given.attempt_id), b"x" * 9000)
    store.settle(settlement(given.attempt_id, State.FAILED)).result()
    assert names(store.home.incoming) == []


def test_a_discarded_sink_leaves_no_file(store: Store) -> None:
    incoming = store.incoming(new_id("att"))
    write(incoming, b"x" * 9000)
    incoming.open()
    incoming.discard()
    assert names(store.home.incoming) == []


def test_one_attempt_has_one_sink_so_a_fetched_picture_gets_a_name_of_its_own(store: Store) -> None:
    given = sent(store)
    first = write(store.incoming(given.attempt_id), picture(1))
    second = write(store.incoming(given.attempt_id), picture(2))
    store.keep(given.attempt_id, answer_of([first]), (first, second))
    outcome = settlement(given.attempt_id, images=(made(first), made(second)))
    store.settle(outcome).result()
    assert store.path(first.sha256).read_bytes() == picture(1)
    assert store.path(second.sha256).read_bytes() == picture(2)


def test_everything_is_there_after_closing_and_opening_again(store: Store, tmp_path: Path) -> None:
    given = sent(store)
    kept = paint(store, given.attempt_id, picture())
    row = store.request(given.request_id)
    store.close()
    again = open_store(tmp_path / "home")
    assert again.request(given.request_id) == row
    assert again.answer(given.attempt_id) == kept
    again.close()


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(Unexpected, match="after it was closed"):
        store.begin(wish()).result()
    with pytest.raises(Unexpected, match="after it was closed"):
        store.history()


def test_no_id_becomes_a_path(store: Store) -> None:
    with pytest.raises(PisangError):
        store.incoming("../../etc").open()
    with pytest.raises(NotFound):
        store.path("../../../etc/passwd")
    with pytest.raises(NotFound):
        store.content("ab" * 31 + "/.")
