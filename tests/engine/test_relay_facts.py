"""What relays of the new-api family tell for free, read from one on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pisang.domain.catalogue import load
from pisang.domain.money import Money
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.reach import Reach
from pisang.engine.relay_facts import RelayFacts, TokenLog, read_facts, read_log
from pisang.errors import OptionInvalid
from pisang.policy.billing import Kind
from tests.newapi import FLASH, PRO, TOKEN, Relay, per_call, serving

CATALOGUE = load()


@pytest.fixture
def relay() -> Iterator[Relay]:
    with serving() as server:
        yield server


@pytest.fixture
async def reach() -> AsyncIterator[Reach]:
    opened = Reach(CATALOGUE)
    yield opened
    await opened.close()


def upstream(relay: Relay, **more: Any) -> Upstream:
    return replace(Upstream("relay", "gemini", relay.url, Auth.GOOGLE, Secret(TOKEN)), **more)


async def facts(relay: Relay, reach: Reach, group: str | None = None, **more: Any) -> RelayFacts:
    return await read_facts(upstream(relay, **more), reach, CATALOGUE, group=group)


async def test_prices_balance_and_models_are_read_and_only_image_models_matter(relay, reach):
    told = await facts(relay, reach)
    assert told.prices is not None
    assert told.prices.sure == {PRO: Money(60_000, "USD")}
    assert told.prices.unsure == {}
    assert told.balance is not None
    assert (told.balance.left, told.balance.used) == (
        Money(8_000_000, "USD"),
        Money(2_000_000, "USD"),
    )
    assert told.models == (PRO, FLASH, "gpt-4o")
    assert told.image_models == (PRO, FLASH)
    assert (told.failures, told.key_error) == ({}, None)
    assert not any(TOKEN in path for path in relay.asked)


async def test_a_model_that_the_user_named_counts_as_one_for_images(relay, reach):
    told = await facts(relay, reach, models=("gpt-4o",))
    assert told.prices is not None
    assert set(told.prices.sure) == {PRO, "gpt-4o"}


async def test_a_price_is_the_model_s_times_its_group_s_rounded_up(relay, reach):
    relay.pricing["data"] = [per_call(PRO, 0.0333333, "vip")]
    relay.pricing["group_ratio"] = {"vip": 0.7}
    told = await facts(relay, reach)
    assert told.prices is not None
    assert told.prices.sure[PRO] == Money(23_334, "USD")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (per_call(PRO, 0.1, "default", "vip"), "group:default ×1, vip ×0.5"),
        (per_call(PRO, 0.1, "all"), "group:default ×1, vip ×0.5"),
        (per_call(PRO, 0.1, "secret"), "group:"),
        (per_call(PRO, 0.1, quota_type=0, model_ratio=2.5), "tokens"),
        (per_call(PRO, 0.1, billing_mode="tiered_expr"), "tokens"),
        (per_call(PRO, -1), "tokens"),
        (per_call(PRO, 1e300), "tokens"),
        ({"model_name": PRO}, "tokens"),
    ],
)
async def test_a_price_that_is_not_certain_is_not_told(relay, reach, row, why):
    relay.pricing["data"] = [row, "no row", {"model_name": 7}]
    told = await facts(relay, reach)
    assert told.prices is not None
    assert (told.prices.sure, told.prices.unsure) == ({}, {PRO: why})


async def test_the_token_s_group_makes_it_certain(relay, reach):
    relay.pricing["data"] = [per_call(PRO, 0.1, "default", "vip"), per_call(FLASH, 0.1, "default")]
    told = await facts(relay, reach, group="vip")
    assert told.prices is not None
    assert told.prices.sure == {PRO: Money(50_000, "USD")}
    assert told.prices.unsure == {FLASH: "closed:default"}
    with pytest.raises(OptionInvalid, match="default, vip"):
        await facts(relay, reach, group="nobody")


async def test_an_unlimited_and_an_overdrawn_token_have_a_balance_too(relay, reach):
    data = relay.usage["data"]
    data["unlimited_quota"] = True
    told = await facts(relay, reach)
    assert told.balance is not None
    assert told.balance.left is None
    data.update(unlimited_quota=False, total_available=-5)
    told = await facts(relay, reach)
    assert told.balance is not None
    assert told.balance.left == Money(0, "USD")
    data["total_used"] = "much"
    assert (await facts(relay, reach)).balance is None


async def test_what_a_relay_does_not_tell_is_missing_and_says_why(relay, reach):
    relay.pricing = None
    relay.usage = {"success": False, "message": f"no such token {TOKEN}"}
    told = await facts(relay, reach)
    assert (told.prices, told.balance) == (None, None)
    assert told.failures["prices"] == "it does not publish that (it answers with a page)"
    assert "no such token" in told.failures["balance"]
    assert TOKEN not in str(told)


async def test_a_key_that_is_not_taken_is_an_error_of_the_key(relay, reach):
    told = await facts(relay, reach, key=Secret("sk-another-made-up-key"))
    assert told.key_error is not None
    assert told.key_error.code == "key_invalid"
    assert told.prices is not None


async def test_a_key_that_is_not_set_asks_only_what_is_public(relay, reach):
    told = await facts(relay, reach, key=None)
    assert set(told.failures) == {"balance", "models"}
    assert all(path.startswith("/api/") for path in relay.asked)


async def test_nobody_there_is_said_without_an_exception(reach):
    with serving() as gone:
        there = upstream(gone)
    told = await read_facts(there, reach, CATALOGUE)
    assert set(told.failures) == {"prices", "balance", "models"}


async def log(relay: Relay, reach: Reach) -> TokenLog:
    return await read_log(upstream(relay), reach)


async def test_a_log_is_read_with_the_key_in_the_header_alone(relay, reach):
    relay.note(PRO, request_id="r-1", use_time=7)
    relay.note(FLASH, type=5, quota=0)
    relay.log.append({"created_at": "never"})
    told = await log(relay, reach)
    assert [(row.kind, row.model) for row in told.rows] == [(Kind.ERROR, FLASH), (Kind.BILLED, PRO)]
    assert (told.rows[1].request_id, told.rows[1].took_s) == ("r-1", 7)
    assert told.money(told.rows[1].quota) == Money(60_000, "USD")
    assert relay.asked.count("/api/log/token") == 1
    assert not any("key=" in path for path in relay.asked)


async def test_an_older_relay_is_given_the_key_where_it_looks_for_it(relay, reach):
    relay.old = True
    relay.note(PRO)
    told = await log(relay, reach)
    assert len(told.rows) == 1
    assert relay.asked[-1] == f"/api/log/token?key={TOKEN}"


async def test_a_log_that_is_not_had_puts_no_key_into_a_url(relay, reach):
    relay.log = None
    told = await log(relay, reach)
    assert (told.rows, told.unit) == ((), Decimal(500_000))
    assert told.why is not None
    assert "page" in told.why
    assert not any("key=" in path for path in relay.asked)
