"""A budget is a budget: what is held, charged, unknown, given back, and in which window."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from pisang.domain.attempt import Charged, State
from pisang.domain.ledger import Budget
from pisang.domain.money import Money
from pisang.errors import BudgetExceeded, OptionInvalid, PriceUnknown, RateUnknown
from pisang.store.budgets import bounds, window
from pisang.store.store import Store
from tests.store.kit import (
    NOW,
    PRICE,
    Clock,
    claimed,
    intent,
    open_store,
    sent,
    settlement,
    wish,
)

ONE = Budget("one", "all", "total", PRICE)


def affords(store: Store, **more: object) -> bool:
    """Whether one more at the usual price fits; it is given back at once."""
    request_id = store.begin(wish(scope=more.pop("scope", "local"))).result().request_id
    try:
        given = claimed(store, request_id, **more)
    except BudgetExceeded:
        return False
    store.settle(settlement(given.attempt_id, State.FAILED)).result()
    return True


def test_the_sentence_names_the_cap_what_is_spent_and_the_price(store: Store) -> None:
    store.set_budget(Budget("b", "upstream:relay", "month", Money(200_000, "USD"))).result()
    sent(store)
    with pytest.raises(BudgetExceeded) as caught:
        sent(store)
    sentence = str(caught.value)
    assert "upstream:relay per month" in sentence
    assert "0.134 USD of 0.20 USD" in sentence


def test_what_is_held_counts_and_what_was_free_is_given_back(store: Store) -> None:
    store.set_budget(ONE).result()
    given = sent(store)
    assert not affords(store)
    store.settle(settlement(given.attempt_id, State.FAILED)).result()
    assert affords(store)


def test_a_cheaper_outcome_gives_the_difference_back(store: Store) -> None:
    store.set_budget(Budget("b", "all", "total", PRICE.times(2))).result()
    given = sent(store)
    store.settle(settlement(given.attempt_id, cost=Money(34_000, "USD"))).result()
    assert affords(store, held=Money(234_000, "USD"))
    assert not affords(store, held=Money(234_001, "USD"))


def test_a_dearer_outcome_is_counted_whole(store: Store) -> None:
    store.set_budget(Budget("b", "all", "total", PRICE.times(3))).result()
    given = sent(store)
    store.settle(settlement(given.attempt_id, cost=PRICE.times(2))).result()
    assert affords(store, held=PRICE)
    assert not affords(store, held=Money(PRICE.micros + 1, "USD"))


def test_a_cost_in_the_upstream_s_currency_counts_at_the_rate_it_was_held_at(store: Store) -> None:
    store.set_budget(Budget("b", "all", "total", Money(100_000, "USD"))).result()
    given = sent(store, price=Money(700_000, "CNY"), held=Money(100_000, "USD"))
    store.settle(settlement(given.attempt_id, cost=Money(350_001, "CNY"))).result()
    assert affords(store, held=Money(49_999, "USD"))
    assert not affords(store, held=Money(50_000, "USD"))


def test_unknown_counts_at_its_worst_and_its_end_by_hand_keeps_it_counted(store: Store) -> None:
    store.set_budget(ONE).result()
    given = sent(store)
    store.settle(settlement(given.attempt_id, State.UNKNOWN, cost=Money(1, "USD"))).result()
    assert not affords(store)
    store.resolve(given.attempt_id, State.WRITTEN_OFF).result()
    assert not affords(store)


def test_unknown_is_given_back_when_somebody_says_that_no_money_moved(store: Store) -> None:
    store.set_budget(ONE).result()
    given = sent(store)
    store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    store.resolve(given.attempt_id, State.WRITTEN_OFF, Charged.NO).result()
    assert affords(store)


def test_unknown_found_done_counts_what_it_cost(store: Store) -> None:
    store.set_budget(ONE).result()
    given = sent(store)
    store.settle(settlement(given.attempt_id, State.UNKNOWN)).result()
    store.resolve(given.attempt_id, State.DONE, Charged.YES, Money(1, "USD")).result()
    assert affords(store, held=Money(133_999, "USD"))
    (row,) = store.request(given.request_id).attempts
    assert (row.cost, row.basis) == (Money(1, "USD"), "user")


def test_only_what_is_unknown_is_resolved_by_hand(store: Store) -> None:
    given = sent(store)
    with pytest.raises(Exception, match="is sent, not unknown"):
        store.resolve(given.attempt_id, State.WRITTEN_OFF).result()


def test_an_unknown_price_under_a_budget_fails_closed(store: Store) -> None:
    store.set_budget(ONE).result()
    with pytest.raises(PriceUnknown, match="price of nano-banana 4K at relay"):
        sent(store, price=None, held=None, image_size="4K")


def test_an_unknown_price_without_any_bound_is_let_through(store: Store) -> None:
    given = sent(store, price=None, held=None)
    (row,) = store.request(given.request_id).attempts
    assert row.price is None


def test_a_price_that_has_no_rate_into_the_ledger_s_currency_is_not_known(store: Store) -> None:
    store.set_budget(ONE).result()
    with pytest.raises(RateUnknown, match="1 CNY") as told:
        sent(store, price=Money(1, "CNY"), held=None)
    assert told.value.next_step() == "pisang budget rate CNY 0.14"


def test_a_cap_that_has_no_rate_into_the_ledger_s_currency_names_its_own_currency(
    store: Store,
) -> None:
    store.set_budget(Budget("yuan", "all", "total", Money(5_000_000, "CNY"))).result()
    with pytest.raises(RateUnknown, match="1 CNY is worth"):
        sent(store)
    with pytest.raises(RateUnknown, match="1 CNY is worth"):
        sent(store, max_cost=Money(5_000_000, "CNY"))


def test_an_unknown_price_names_the_command_that_sets_it(store: Store) -> None:
    store.set_budget(ONE).result()
    with pytest.raises(PriceUnknown) as told:
        sent(store, price=None, held=None, image_size="2K", model="my model")
    assert told.value.next_step() == (
        "pisang upstream price relay --model 'my model' --size 2K 0.20CNY"
    )
    with pytest.raises(PriceUnknown) as told:
        sent(store, price=None, held=None)
    assert told.value.next_step() == "pisang upstream price relay --model nano-banana 0.20CNY"


def test_the_claim_that_passes_four_fifths_of_a_cap_says_so_once(store: Store) -> None:
    store.set_budget(Budget("b", "all", "total", PRICE.times(5))).result()
    request_id = store.begin(wish()).result().request_id
    told = [store.claim(intent(request_id)).result().warnings for _ in range(5)]
    assert [len(one) for one in told] == [0, 0, 0, 1, 0]
    assert told[3][0].code == "budget_near"
    assert "0.536 USD of 0.67 USD" in told[3][0].message


def test_max_cost_bounds_all_attempts_of_a_request_together(store: Store) -> None:
    given = sent(store, max_cost=PRICE)
    with pytest.raises(BudgetExceeded, match="max_cost"):
        claimed(store, given.request_id, ordinal=1, max_cost=PRICE)
    store.settle(settlement(given.attempt_id, State.FAILED)).result()
    claimed(store, given.request_id, max_cost=PRICE)


def test_max_cost_may_be_in_the_upstream_s_currency(store: Store) -> None:
    price, cap = Money(200_000, "CNY"), Money(300_000, "CNY")
    given = sent(store, price=price, held=PRICE, max_cost=cap)
    with pytest.raises(BudgetExceeded, match=r"0\.20 CNY of 0\.30 CNY"):
        claimed(store, given.request_id, ordinal=1, price=price, held=PRICE, max_cost=cap)


def test_max_cost_with_an_unknown_price_fails_closed(store: Store) -> None:
    with pytest.raises(PriceUnknown):
        sent(store, price=None, held=None, max_cost=PRICE)


def test_max_cost_of_a_request_with_an_earlier_attempt_of_unknown_price_fails_closed(
    store: Store,
) -> None:
    given = sent(store, price=None, held=None)
    with pytest.raises(PriceUnknown):
        claimed(store, given.request_id, ordinal=1, max_cost=PRICE)


def test_a_budget_counts_only_its_own_upstream_or_key(store: Store) -> None:
    store.set_budget(Budget("u", "upstream:relay", "total", PRICE)).result()
    store.set_budget(Budget("k", "key:alice", "total", PRICE)).result()
    sent(store)
    assert not affords(store)
    assert affords(store, upstream="other")
    first = store.begin(wish(scope="alice")).result().request_id
    claimed(store, first, upstream="other")
    assert not affords(store, upstream="other", scope="alice")
    assert affords(store, upstream="other", scope="bob")


def test_a_budget_set_later_counts_what_its_window_has_seen(store: Store) -> None:
    given = sent(store)
    store.settle(settlement(given.attempt_id)).result()
    sent(store)
    store.set_budget(Budget("b", "all", "day", PRICE.times(3))).result()
    sent(store)
    assert not affords(store)


def test_a_window_ends_at_midnight_of_its_time_zone(store: Store, clock: Clock) -> None:
    clock.ms = int(datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC).timestamp() * 1000)
    store.set_budget(Budget("b", "all", "day", PRICE, "Asia/Shanghai")).result()
    late = sent(store)
    assert not affords(store)
    clock.ms += 1_000
    assert affords(store)
    # What started yesterday is corrected in yesterday's counter.
    store.settle(settlement(late.attempt_id, cost=PRICE.times(5))).result()
    assert affords(store)


def test_a_month_is_the_calendar_s(store: Store, clock: Clock) -> None:
    clock.ms = int(datetime(2026, 11, 30, 23, 0, tzinfo=UTC).timestamp() * 1000)
    store.set_budget(Budget("b", "all", "month", PRICE)).result()
    sent(store)
    assert not affords(store)
    clock.ms += 3_600_000
    assert affords(store)


def test_a_budget_that_stands_already_is_not_written_again(store: Store) -> None:
    store.set_budget(ONE).result()
    store._writer.close()
    assert store.set_budget(ONE).result() is None
    assert store.budgets() == [ONE]


def test_a_budget_may_be_changed_and_removed(store: Store) -> None:
    store.set_budget(ONE).result()
    sent(store)
    store.set_budget(Budget("one", "all", "total", PRICE.times(2))).result()
    assert affords(store)
    assert store.remove_budget("one").result() is True
    assert store.remove_budget("one").result() is False
    assert store.budgets() == []
    assert affords(store, price=None, held=None)


@pytest.mark.parametrize(
    ("scope", "zone", "why"),
    [
        ("everything", "UTC", "budget scope"),
        ("upstream:", "UTC", "budget scope"),
        ("all", "Mars/Olympus", "budget time zone"),
        ("all", "../../etc/passwd", "budget time zone"),
    ],
)
def test_a_budget_that_means_nothing_is_refused(
    store: Store, scope: str, zone: str, why: str
) -> None:
    with pytest.raises(OptionInvalid, match=why):
        store.set_budget(Budget("b", scope, "day", PRICE, zone)).result()
    assert store.budgets() == []


ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]


@settings(max_examples=300, deadline=None)
@drawn(st.integers(0, 4_000_000_000_000), st.sampled_from(ZONES), st.sampled_from(["day", "month"]))
def test_every_moment_is_inside_its_own_window(at_ms: int, zone: str, period: str) -> None:
    budget = Budget("b", "all", period, PRICE, zone)  # type: ignore[arg-type]
    since, until = bounds(budget, at_ms)
    assert since <= at_ms < until
    assert window(budget, since) == window(budget, at_ms) == window(budget, until - 1)
    assert window(budget, until) != window(budget, at_ms)


@settings(max_examples=25, deadline=None)
@drawn(states=st.lists(st.sampled_from(list(State)[2:6]), min_size=1, max_size=6), data=st.data())
def test_counters_always_equal_the_sum_over_the_rows(
    tmp_path_factory: pytest.TempPathFactory, states: list[State], data: st.DataObject
) -> None:
    with closing(open_store(tmp_path_factory.mktemp("home"))) as store:
        store.set_budget(Budget("b", "all", "month", PRICE.times(100))).result()
        for state in states:
            given = sent(store)
            cost = data.draw(st.none() | st.integers(0, 300_000).map(lambda n: Money(n, "USD")))
            store.settle(settlement(given.attempt_id, state, cost=cost)).result()
            if state is State.UNKNOWN and data.draw(st.booleans()):
                charged = data.draw(st.sampled_from(list(Charged)))
                store.resolve(given.attempt_id, State.REBOUGHT, charged).result()
        findings = {one.code: one for one in store.check() if one.level == "error"}
    assert "budgets" not in findings


def test_costs_are_summed_by_what_is_asked(store: Store, clock: Clock) -> None:
    done, lost = sent(store), sent(store, upstream="other", model="m2")
    store.settle(settlement(done.attempt_id, cost=Money(100_000, "USD"))).result()
    store.settle(settlement(lost.attempt_id, State.UNKNOWN)).result()
    by_upstream = {one.name: one for one in store.spending.costs("upstream")}
    assert (by_upstream["relay"].spent_micros, by_upstream["relay"].at_stake_micros) == (100_000, 0)
    assert (by_upstream["other"].spent_micros, by_upstream["other"].at_stake_micros) == (0, 134_000)
    assert {one.name for one in store.spending.costs("model")} == {"nano-banana", "m2"}
    (day,) = store.spending.costs("day")
    today = datetime.fromtimestamp(NOW / 1000).astimezone().date().isoformat()
    assert (day.name, day.attempts, day.currency) == (today, 2, "USD")
    assert [one.name for one in store.spending.costs("key")] == ["local"]
    assert store.spending.costs("day", since_ms=NOW + 1) == []


def test_an_attempt_of_unknown_price_is_counted_without_a_currency(store: Store) -> None:
    sent(store, price=None, held=None)
    (cost,) = store.spending.costs()
    assert (cost.currency, cost.attempts, cost.at_stake_micros) == ("", 1, 0)
    assert cost.unpriced == 1


def test_a_tag_is_a_row_of_its_own_and_an_attempt_stands_once_under_each(store: Store) -> None:
    for tags in (("cat", "blog", "cat"), ("cat", "rebuy:att_1"), ()):
        request_id = store.begin(wish(tags=tags)).result().request_id
        claimed(store, request_id)
    found = {one.name: one.attempts for one in store.spending.costs("tag")}
    assert found == {"": 1, "blog": 1, "cat": 2}
    assert sum(one.attempts for one in store.spending.costs("upstream")) == 3


def test_what_was_given_up_is_told_apart_from_what_is_at_stake(store: Store) -> None:
    lost, live = sent(store), sent(store)
    store.settle(settlement(lost.attempt_id, State.UNKNOWN)).result()
    store.resolve(lost.attempt_id, State.WRITTEN_OFF).result()
    (cost,) = store.spending.costs()
    assert (cost.given_up_micros, cost.at_stake_micros) == (PRICE.micros, PRICE.micros)
    store.settle(settlement(live.attempt_id, State.FAILED)).result()
    (cost,) = store.spending.costs()
    assert (cost.at_stake_micros, cost.attempts, cost.unpriced) == (0, 2, 0)


def test_a_time_span_leaves_out_what_was_sent_at_its_end(store: Store) -> None:
    sent(store)
    assert len(store.spending.costs(since_ms=NOW, until_ms=NOW + 1)) == 1
    assert store.spending.costs(until_ms=NOW) == []


def test_play_money_is_in_no_sum_and_counted_apart(store: Store) -> None:
    sent(store, free=True)
    assert store.spending.costs() == []
    assert store.spending.play().attempts == 1
    assert store.spending.play(until_ms=NOW).attempts == 0


def test_a_budget_s_standing_tells_spent_held_at_stake_and_what_it_does_not_count(
    store: Store,
) -> None:
    store.set_budget(Budget("b", "upstream:relay", "month", PRICE.times(9))).result()
    done, lost, _live = sent(store), sent(store), sent(store)
    sent(store, upstream="other")
    store.settle(settlement(done.attempt_id, cost=Money(100_000, "USD"))).result()
    store.settle(settlement(lost.attempt_id, State.UNKNOWN)).result()
    (standing,) = store.spending.standings()
    assert standing.used == Money(100_000 + 2 * PRICE.micros, "USD")
    assert (standing.held, standing.at_stake) == (PRICE, PRICE)
    assert standing.since_ms <= NOW < standing.until_ms
    assert standing.uncounted == ()


def test_money_in_a_currency_that_the_cap_is_not_in_is_told(store: Store) -> None:
    sent(store, price=Money(200_000, "CNY"), held=None)
    store.set_budget(ONE).result()
    (standing,) = store.spending.standings()
    assert (standing.used.micros, standing.uncounted) == (0, (Money(200_000, "CNY"),))


def test_a_cost_that_is_found_out_later_is_noted_and_decides_nothing(store: Store) -> None:
    lost = sent(store)
    store.settle(settlement(lost.attempt_id, State.UNKNOWN)).result()
    assert store.spending.note(lost.attempt_id, Money(90_000, "USD"), "upstream").result()
    (row,) = store.unknowns()
    assert (row.state, row.cost, row.basis) == (State.UNKNOWN, Money(90_000, "USD"), "upstream")
    store.resolve(lost.attempt_id, State.WRITTEN_OFF).result()
    assert not store.spending.note(lost.attempt_id, Money(1, "USD"), "upstream").result()


def test_the_neighbours_of_an_attempt_are_those_of_its_model_and_time(
    store: Store, clock: Clock
) -> None:
    first, second = sent(store), sent(store)
    sent(store, model="other")
    clock.ms += 60_000
    sent(store)
    row = next(one for one in store.live() if one.id == first.attempt_id)
    assert [one.id for one in store.spending.neighbours(row, 59_999)] == [second.attempt_id]
    assert len(store.spending.neighbours(row, 60_000)) == 2


def test_an_unbounded_intent_is_not_looked_up(store: Store) -> None:
    request_id = store.begin(wish()).result().request_id
    assert store.claim(intent(request_id, price=None, held=None)).result()
