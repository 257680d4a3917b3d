"""The flow, driven by hand: which effects it yields, in which order, for which answer."""

from __future__ import annotations

import pytest

from pisang.domain.answer import Ended
from pisang.domain.attempt import Charged, State
from pisang.domain.content import content_of
from pisang.domain.ledger import Claimed, Hold
from pisang.domain.request import Request, Text
from pisang.engine.effects import Claim, Decline, Exchange, Fetch, Keep, Settle, Sleep
from pisang.engine.flow import INTERRUPTED, conclude, conclude_orphan, look_again, make_one
from pisang.errors import (
    AddressRefused,
    BudgetExceeded,
    OutcomeUnknown,
    Overloaded,
    StoreFull,
)
from tests.crash.book import png
from tests.engine.script import (
    AT_MS,
    PRICE,
    Script,
    answer,
    errand,
    error_body,
    gemini,
    picture,
    upstream,
)


def test_an_image_is_claimed_sent_kept_and_settled_in_that_order() -> None:
    script = Script(answer(gemini(picture())))
    concluded = script.run(make_one(errand()))
    assert script.names == ["NewId", "Claim", "Exchange", "Keep", "Now", "Settle"]
    assert concluded.state is State.DONE
    assert concluded.error is None
    settlement = script.of(Settle)[0].settlement
    assert settlement.charged is Charged.YES
    assert settlement.cost == PRICE
    assert settlement.requested == {"aspect_ratio": "1:1", "image_size": "1K"}
    assert settlement.images == concluded.made
    assert script.of(Keep)[0].contents == (content_of(png(1)),)


def test_it_waits_while_the_slots_are_full_but_never_long_at_a_time() -> None:
    held = [Hold(700, "interval"), Hold(60_000, "concurrency"), Claimed(AT_MS)]
    script = Script(answer(gemini(picture())), special={Claim: held})
    assert script.run(make_one(errand())).state is State.DONE
    assert [nap.delay_s for nap in script.of(Sleep)] == [0.7, 2.0]


def test_a_budget_that_is_full_leaves_a_row_that_says_nothing_was_sent() -> None:
    full = BudgetExceeded(budget="day", cap="1.00 USD", spent="1.00 USD", price="0.13 USD")
    script = Script(special={Claim: [full]})
    with pytest.raises(BudgetExceeded):
        script.run(make_one(errand()))
    declined = script.of(Decline)[0].settlement
    assert (declined.state, declined.charged) == (State.FAILED, Charged.NO)
    assert declined.error_code == "budget_exceeded"
    assert declined.error_fields["cap"] == "1.00 USD"
    assert not script.of(Exchange)


def test_what_was_free_is_sent_again_as_an_attempt_of_its_own() -> None:
    busy = answer(error_body(503, "UNAVAILABLE"), 503)
    script = Script(busy, answer(gemini(picture())))
    assert script.run(make_one(errand())).state is State.DONE
    assert [one.attempt_id for one in script.of(Exchange)] == ["att_1", "att_2"]
    first, second = (one.settlement for one in script.of(Settle))
    assert (first.state, first.charged, first.cost) == (State.FAILED, Charged.NO, None)
    assert second.state is State.DONE
    assert script.of(Sleep)[0].jitter


def test_it_gives_up_after_three_free_failures() -> None:
    busy = answer(error_body(503, "UNAVAILABLE"), 503)
    script = Script(busy, busy, busy)
    concluded = script.run(make_one(errand()))
    assert isinstance(concluded.error, Overloaded)
    assert len(script.of(Exchange)) == 3


@pytest.mark.parametrize(
    "lost",
    [
        answer(b"", None, ended=Ended.TIMEOUT),
        answer(b"", None, ended=Ended.CUT),
        answer(b"", 502),
        answer(error_body(500, "INTERNAL"), 500),
        answer(b'{"candidates": [{"content"', 200, ended=Ended.CUT),
    ],
)
def test_what_may_have_been_billed_is_never_sent_again(lost: object) -> None:
    script = Script(lost)  # type: ignore[arg-type]
    concluded = script.run(make_one(errand(upstream=upstream("relay"))))
    assert isinstance(concluded.error, OutcomeUnknown)
    assert len(script.of(Exchange)) == 1
    settlement = script.of(Settle)[0].settlement
    assert (settlement.state, settlement.charged) == (State.UNKNOWN, Charged.UNKNOWN)
    assert settlement.cost == PRICE


def test_nothing_is_kept_where_nothing_came() -> None:
    script = Script(answer(b"", None, ended=Ended.TIMEOUT))
    script.run(make_one(errand()))
    assert not script.of(Keep)


def test_the_plans_and_the_wires_warnings_travel_with_the_outcome_each_once() -> None:
    from pisang.domain.warning import Warn

    given = (Warn("a", "A."), Warn("a", "A."))
    concluded = Script(answer(gemini(picture()))).run(make_one(errand(warnings=given)))
    assert [warn.code for warn in concluded.warnings] == ["a"]


def test_a_sandbox_picture_always_says_so_and_a_draft_is_not_held_to_the_wish() -> None:
    script = Script(answer(gemini(picture(1), picture(2))))
    wish = Request((Text("a kite"),), "m", aspect_ratio="16:9", image_size="4K")
    concluded = script.run(make_one(errand(upstream=upstream("sandbox"), request=wish)))
    codes = [warn.code for warn in concluded.warnings]
    assert codes == ["size_mismatch", "ratio_mismatch", "sandbox"]
    assert [made.draft for made in concluded.made] == [True, False]
    assert script.of(Claim)[0].intent.free


def test_the_crawl_wire_is_given_a_log_id_that_the_row_keeps() -> None:
    body = {"code": 0, "data": {"choices": []}}
    script = Script(answer(body))
    script.run(make_one(errand(upstream=upstream("crawl", "crawl"))))
    log_id = script.of(Claim)[0].intent.log_id
    assert log_id.startswith("nanobanana_")
    assert log_id.endswith(f"_{AT_MS // 1000}")
    assert script.of(Exchange)[0].request.headers["X-TT-LOGID"] == log_id


LINKED = {"choices": [{"message": {"images": [{"image_url": {"url": "https://x.test/a.png"}}]}}]}


def test_a_picture_named_by_url_is_fetched_before_it_is_kept() -> None:
    found = content_of(png(3))
    script = Script(answer(LINKED), special={Fetch: [found]})
    concluded = script.run(make_one(errand(upstream=upstream("openai", "openai_chat"))))
    assert script.names[-4:] == ["Fetch", "Keep", "Now", "Settle"]
    assert [made.content for made in concluded.made] == [found]


@pytest.mark.parametrize("fetched", [AddressRefused(url="x", why="y"), content_of(b"<html>")])
def test_a_link_that_gives_no_image_leaves_the_outcome_unknown(fetched: object) -> None:
    script = Script(answer(LINKED), special={Fetch: [fetched]})
    concluded = script.run(make_one(errand(upstream=upstream("openai", "openai_chat"))))
    assert concluded.state is State.UNKNOWN
    assert script.of(Settle)[0].settlement.state is State.UNKNOWN


def test_a_link_that_fails_does_not_lose_the_picture_that_came_beside_it() -> None:
    message = {**LINKED["choices"][0]["message"]}
    data = picture(5)["inlineData"]["data"]
    message["images"] = [
        {"image_url": {"url": f"data:image/png;base64,{data}"}},
        *message["images"],
    ]
    script = Script(
        answer({"choices": [{"message": message}]}),
        special={Fetch: [AddressRefused(url="x", why="y")]},
    )
    concluded = script.run(make_one(errand(upstream=upstream("openai", "openai_chat"))))
    assert concluded.state is State.DONE
    assert len(concluded.made) == 1


OPEN = errand(upstream=upstream("openai", "openai_chat"))
URLS = ("https://u:p@x.test/a.png", "https://x.test/b.png?sig=secret", "https://x.test/c.png#d")
THREE = {
    "choices": [{"message": {"images": [{"image_url": {"url": url}} for url in URLS]}}],
}
REFUSED = AddressRefused(url="x", why="y")


def test_each_link_is_tried_and_a_warning_names_those_that_gave_nothing_but_not_their_keys() -> (
    None
):
    found = content_of(png(3))
    script = Script(answer(THREE), special={Fetch: [REFUSED, content_of(b"<html>"), found]})
    concluded = script.run(make_one(OPEN))
    assert [fetch.uri for fetch in script.of(Fetch)] == list(URLS)
    assert (concluded.state, concluded.error) == (State.DONE, None)
    assert [made.content for made in concluded.made] == [found]
    missing = [warn.message for warn in concluded.warnings if warn.code == "picture_missing"]
    assert missing == [
        "One of its pictures is missing: https://x.test/a.png (fetching that failed "
        "(address_refused)).",
        "One of its pictures is missing: https://x.test/b.png (there was no whole image behind "
        "it).",
    ]
    assert script.of(Settle)[0].settlement.warnings == concluded.warnings


def test_recovery_fetches_what_is_missing_of_several_links_and_shows_none_twice() -> None:
    first, second, third = (content_of(png(seed)) for seed in (3, 4, 5))
    script = Script(special={Fetch: [first, second, third]})
    concluded = script.run(conclude(OPEN, "att_1", answer(THREE), (second,)))
    assert [made.content for made in concluded.made] == [first, second, third]
    assert "picture_missing" not in [warn.code for warn in concluded.warnings]


def test_recovery_keeps_what_was_had_of_links_that_are_gone_by_now() -> None:
    had = content_of(png(3))
    script = Script(special={Fetch: [REFUSED, REFUSED, REFUSED]})
    concluded = script.run(conclude(OPEN, "att_1", answer(THREE), (had,)))
    assert [made.content for made in concluded.made] == [had]
    assert [warn.code for warn in concluded.warnings].count("picture_missing") == 2


def test_what_the_disk_can_not_keep_is_unknown_and_says_what_is_at_stake() -> None:
    full = StoreFull(path="home", free="1 MB", needed="90 MB")
    script = Script(answer(gemini(picture())), special={Keep: [full]})
    with pytest.raises(OutcomeUnknown, match="can't be kept yet") as raised:
        script.run(make_one(errand()))
    assert raised.value.at_stake == "0.134 USD"
    assert raised.value.hint == "pisang doctor"
    assert not script.of(Settle)


def test_a_link_is_tried_again_and_the_attempt_is_done_when_it_gives_a_picture() -> None:
    found = content_of(png(3))
    script = Script(special={Fetch: [found]})
    concluded = script.run(look_again(OPEN, "att_7", answer(LINKED)))
    assert script.names == ["Fetch", "Keep", "Now", "Settle"]
    settlement = script.of(Settle)[0].settlement
    assert (settlement.attempt_id, settlement.state) == ("att_7", State.DONE)
    assert (settlement.charged, settlement.cost) == (Charged.YES, PRICE)
    assert [warn.code for warn in concluded.warnings] == ["found_later"]


@pytest.mark.parametrize("fetched", [AddressRefused(url="x", why="y"), content_of(b"<html>")])
def test_a_link_that_gives_none_again_writes_nothing_and_says_why(fetched: object) -> None:
    script = Script(special={Fetch: [fetched]})
    concluded = script.run(look_again(OPEN, "att_7", answer(LINKED)))
    assert script.names == ["Fetch"]
    assert concluded.state is State.UNKNOWN
    assert concluded.error.code == "outcome_unknown"


def test_an_answer_without_a_link_leaves_nothing_to_try() -> None:
    script = Script()
    assert script.run(look_again(OPEN, "att_7", answer(b"<html>", 524))) is None
    assert script.names == []


def test_an_orphans_whole_picture_is_kept_and_done() -> None:
    script = Script()
    found = (content_of(b"half a signature"), content_of(png(7)))
    concluded = script.run(conclude_orphan("att_9", "up", PRICE, "user", found))
    assert script.of(Keep)[0].answer is INTERRUPTED
    assert concluded.state is State.DONE
    settlement = script.of(Settle)[0].settlement
    assert (settlement.charged, settlement.cost) == (Charged.YES, PRICE)
    assert [warn.code for warn in settlement.warnings] == ["recovered"]


def test_an_orphan_with_less_than_a_picture_is_unknown_at_its_full_price() -> None:
    script = Script()
    concluded = script.run(conclude_orphan("att_9", "up", None, "none", (content_of(png(7)[:-9]),)))
    assert concluded.state is State.UNKNOWN
    assert script.of(Settle)[0].settlement.error_code == "outcome_unknown"
    assert not script.of(Keep)


def test_a_picture_already_fetched_is_not_asked_for_again_by_recovery() -> None:
    """The link may have expired since, and what was had of it is all there is."""
    had = content_of(png(3))
    script = Script(special={Fetch: [AddressRefused(url="x", why="expired")]})
    half = content_of(b"<html>")
    concluded = script.run(conclude(OPEN, "att_1", answer(LINKED), (half, had)))
    assert concluded.state is State.DONE
    assert [made.content for made in concluded.made] == [had]
    assert script.of(Keep)[0].contents == (had,)
    assert not script.of(Fetch)
