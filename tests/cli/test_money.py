"""The first bill: prices, caps, costs and what an unknown outcome cost, at a relay on loopback."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from pisang.client.async_client import AsyncClient
from pisang.client.results import Result
from pisang.domain.attempt import State
from pisang.engine.engine import Engine
from tests.newapi import FLASH, PRO, TOKEN, Relay, per_call, serving

AS_JSON = ("--format", "json")
ZH = {"PISANG_LANG": "zh"}


@pytest.fixture
def relay() -> Iterator[Relay]:
    with serving() as server:
        yield server


@pytest.fixture
def shop(pisang, relay, monkeypatch):
    """The command line with that relay configured as `relay`."""
    monkeypatch.setenv("RELAY_KEY", TOKEN)
    added = pisang(
        "upstream", "add", "relay", "--wire", "gemini", "--base-url", relay.url,
        "--key-env", "RELAY_KEY", "--models", f"{PRO},{FLASH}",
    )  # fmt: skip
    assert added.code == 0, added.err

    def call(*words: str, **extra: str):
        said = pisang(*words, **extra)
        assert TOKEN not in said.out + said.err
        return said

    return call


def lose(shop, relay: Relay) -> str:
    """The id of an attempt whose answer a CDN gave up waiting for."""
    relay.status = 524
    assert shop("generate", "x", "-s", "2K").code == 7
    relay.status = 200
    (row,) = shop("unknown", "list", *AS_JSON).json["unknown"]
    return str(row["id"])


def next_of(said) -> list[str]:
    """The words of the next command that was named."""
    mark = "下一步：" if "下一步：" in said.err else "Next: "
    line = next(one for one in said.err.splitlines() if one.startswith(mark))
    return line.removeprefix(f"{mark}pisang ").split()


# --- prices and caps -----------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [{}, ZH])
def test_each_refusal_under_a_cap_names_the_command_that_lifts_it(shop, relay, extra):
    assert shop("budget", "set", "5USD").code == 0
    refused = shop("generate", "x", "-s", "2K", **extra)
    assert refused.code == 6
    assert next_of(refused) == [
        "upstream", "price", "relay", "--model", PRO, "--size", "2K", "0.20CNY",
    ]  # fmt: skip
    assert shop(*next_of(refused), **extra).code == 0
    refused = shop("generate", "x", "-s", "2K", **extra)
    assert refused.code == 6
    assert next_of(refused) == ["budget", "rate", "CNY", "0.14"]
    assert shop(*next_of(refused), **extra).code == 0
    assert relay.sold == 0
    painted = shop("generate", "x", "-s", "2K", *AS_JSON, **extra)
    assert painted.json["cost"] == {
        "amount": "0.20", "currency": "CNY", "basis": "user", "at_stake": None,
    }  # fmt: skip
    (cap,) = shop("budget", "list", *AS_JSON).json["budgets"]
    assert (cap["spent"], cap["left"], cap["currency"]) == ("0.028", "4.972", "USD")


def test_a_cap_in_another_currency_counts_at_the_rate(shop, relay):
    shop("upstream", "price", "relay", "--model", PRO, "0.10USD")
    shop("budget", "rate", "CNY", "0.125")
    shop("budget", "set", "all", "1CNY", "--per", "day")
    assert shop("generate", "x").code == 0
    refused = shop("generate", "x")
    assert refused.code == 6
    assert "all per day" in refused.err
    assert relay.sold == 1
    assert shop("budget", "remove", "all-day").code == 0
    assert shop("generate", "x").code == 0
    assert shop("budget", "remove", "all-day").code == 2


@pytest.mark.parametrize(("cap", "code"), [("5CNY", 6), ("0.5USD", 0)])
def test_max_cost_in_another_currency_wants_a_rate(shop, relay, cap, code):
    shop("upstream", "price", "relay", "--model", PRO, "0.10USD")
    said = shop("generate", "x", "--max-cost", cap)
    assert said.code == code
    if code:
        assert next_of(said) == ["budget", "rate", "CNY", "0.14"]
        shop(*next_of(said))
        assert shop("generate", "x", "--max-cost", cap).code == 0
    assert shop("generate", "x", "-n", "9", "--max-cost", "1CNY", *AS_JSON).code in (6, 8)


def test_a_budget_that_is_nearly_used_up_says_so_on_the_result(shop, relay):
    shop("upstream", "price", "relay", "--model", PRO, "0.10USD")
    shop("budget", "set", "0.25USD")
    first, second = (shop("generate", "x", *AS_JSON).json for _ in range(2))
    assert "budget_near" not in [one["code"] for one in first["warnings"]]
    assert "budget_near" in [one["code"] for one in second["warnings"]]
    assert "0.20 USD" in shop("show", "last", **ZH).err


def test_a_price_is_listed_set_and_taken_back(shop):
    unknown = shop("upstream", "price", "relay")
    assert unknown.code == 0
    assert "not known" in unknown.out
    assert next_of(unknown)[:4] == ["upstream", "price", "relay", "--model"]
    assert shop("upstream", "price", "relay", "free", *AS_JSON).json["after"] == "0.00 USD"
    said = shop("upstream", "price", "relay", "-m", PRO, "-s", "4k", "0.50CNY", *AS_JSON).json
    assert (said["price_of"], said["after"]) == (f"{PRO}@4K", "0.50 CNY")
    rows = shop("upstream", "price", "relay", *AS_JSON).json["prices"]
    assert {"model": PRO, "image_size": "4K", "amount": "0.50", "currency": "CNY",
            "basis": "user"} in rows  # fmt: skip
    assert "你设置的" in shop("upstream", "price", "relay", **ZH).out
    assert shop("upstream", "price", "relay", "-m", PRO, "-s", "4K", "--remove").code == 0
    assert shop("upstream", "price", "relay", "-m", PRO, "-s", "4K", "--remove").code == 2


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("relay", "cheap", "-m", PRO), 2, "is not an amount"),
        (("relay", "-m", PRO), 2, "give the price"),
        (("relay", "1CNY", "--remove", "-m", PRO), 2, "needs none"),
        (("relay", "1CNY", "-m", PRO, "-s", "9K"), 2, "choose one of"),
        (("ikuncode", "0.20CNY"), 3, "pisang upstream add ikuncode"),
    ],
)
def test_a_price_that_can_t_be_set_says_why(shop, words, code, part):
    said = shop("upstream", "price", *words)
    assert said.code == code
    assert part in said.err


def test_a_model_that_nobody_knows_is_priced_with_a_warning(shop):
    said = shop("upstream", "price", "relay", "-m", "dall-e-3", "0.04USD")
    assert said.code == 0
    assert "dall-e-3" in said.err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("set", "lots"), "is not an amount"),
        (("set", "everything", "1USD"), "a scope is"),
        (("rate", "CNY"), "such as 0.14"),
        (("rate", "CNY", "0.14", "--remove"), "such as 0.14"),
        (("rate", "USD", "1"), "the ledger's own"),
        (("currency", "yuan"), "three letters"),
    ],
)
def test_a_budget_s_words_that_mean_nothing_say_why(shop, words, part):
    said = shop("budget", *words)
    assert said.code == 2
    assert part in said.err


def test_the_ledger_s_currency_and_rates_are_told_and_set(shop):
    assert shop("budget", "currency", "CNY", *AS_JSON).json == {"currency": "CNY", "rates": {}}
    assert shop("budget", "rate", "usd", "7.10", *AS_JSON).json["rates"] == {"USD": "7.1"}
    assert "1 USD = 7.1 CNY" in shop("budget", "rate", **ZH).out
    assert "没有预算" in shop("budget", "list", **ZH).err


# --- what was spent ------------------------------------------------------------------------------


@pytest.fixture
def spent(shop, relay):
    """One image at 0.20 CNY, one lost at that price, one sandbox picture."""
    shop("upstream", "price", "relay", "--model", PRO, "0.20CNY")
    assert shop("generate", "一只猫", "--tag", "博客", "--tag", "cat").code == 0
    lose(shop, relay)
    assert shop("generate", "x", "--via", "sandbox", "-s", "512").code == 0
    return shop


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("upstream", {"relay"}),
        ("model", {PRO}),
        ("tag", {"", "cat", "博客"}),
        ("key", {"local"}),
    ],
)
def test_costs_are_summed_by_what_is_asked_and_their_total_is_the_same(spent, by, names):
    report = spent("cost", "--by", by, *AS_JSON).json
    assert {row["name"] for row in report["rows"]} == names
    (total,) = report["totals"]
    assert (total["spent"], total["at_stake"], total["currency"]) == ("0.20", "0.20", "CNY")
    assert (total["attempts"], total["images"]) == (2, 1)
    assert report["play_money"] == {"attempts": 1, "images": 1}
    assert report["missing_rates"] == ["CNY"]
    assert report["in_ledger_currency"] is None


def test_a_rate_gives_the_sum_in_the_ledger_s_currency(spent):
    spent("budget", "rate", "CNY", "0.14")
    ledger = spent("cost", *AS_JSON).json["in_ledger_currency"]
    assert (ledger["spent"], ledger["currency"]) == ("0.028", "USD")


def test_the_table_stands_in_columns_with_chinese_names_and_says_play_money_once(spent):
    from pisang.cli.table import width_of

    said = spent("cost", "--by", "tag", **ZH)
    assert said.code == 0
    rows = [line for line in said.out.splitlines() if "CNY" in line or "标签" in line]
    assert {width_of(line) for line in rows} == {width_of(rows[0])}
    assert any(line.startswith("博客 ") for line in rows)
    assert (said.out + said.err).count("沙盒") == 1
    assert "模拟" not in said.out
    assert "pisang unknown list" in said.err


def test_another_time_has_another_bill_and_csv_is_what_it_says(spent):
    assert "Nothing was paid" in spent("cost", "--since", "2020", "--until", "2020").out
    assert spent("cost", "--since", "soon").code == 2
    table = list(csv.reader(io.StringIO(spent("cost", "--by", "tag", "--csv").out)))
    assert table[0][:2] == ["tag", "spent"]
    assert ["博客", "0.20", "0.00", "0.00", "CNY", "1", "1", "0"] in table


def test_what_was_written_off_is_told_apart_and_counts_on(spent):
    spent("budget", "rate", "CNY", "0.14")
    spent("budget", "set", "all", "1USD")
    (row,) = spent("unknown", "list", *AS_JSON).json["unknown"]
    assert spent("unknown", "write-off", row["id"]).code == 0
    (total,) = spent("cost", *AS_JSON).json["totals"]
    assert (total["at_stake"], total["written_off"]) == ("0.00", "0.20")
    assert "written off" in spent("cost").out
    (cap,) = spent("budget", "list", *AS_JSON).json["budgets"]
    assert cap["uncounted"] == ["0.40 CNY"]  # it was counted before there was a rate
    assert "0.40 CNY" in spent("budget", "list", **ZH).out


def test_every_answer_tells_its_cost_and_apart_what_is_at_stake(spent):
    rows = spent("history", *AS_JSON).json["requests"]
    costs = {row["prompt"]: row["cost"] for row in rows}
    assert costs["一只猫"]["amount"] == "0.20"
    lost = next(row for row in rows if row["state"] == "unknown")
    assert lost["cost"] == {
        "amount": None, "currency": "CNY", "basis": "user", "at_stake": "0.20",
    }  # fmt: skip
    assert "0.20 CNY (at stake)" in spent("history").out
    assert "0.20 CNY（待确认）" in spent("history", **ZH).out


def test_n_images_cost_their_sum(shop):
    shop("upstream", "price", "relay", "--model", PRO, "0.20CNY")
    made = shop("generate", "x", "-n", "3", *AS_JSON).json
    assert made["cost"]["amount"] == "0.60"


# --- what a relay publishes ----------------------------------------------------------------------


def test_sync_shows_what_would_change_then_writes_it_and_prices_come_of_it(shop, relay, home):
    before = (home / "config.toml").read_text()
    dry = shop("upstream", "sync", "relay", "--dry-run")
    assert f"{PRO}: none → 0.06 USD" in dry.out
    assert "8.00 USD left" in dry.out
    assert (home / "config.toml").read_text() == before
    assert shop("upstream", "sync", "relay").code == 0
    made = shop("generate", "x", "--max-cost", "0.06USD", *AS_JSON).json
    assert (made["cost"]["amount"], made["cost"]["basis"]) == ("0.06", "upstream")
    again = shop("upstream", "sync", "relay", **ZH)
    assert "未变" in again.out
    relay.pricing["data"] = [per_call(PRO, 0.08)]
    changed = shop("upstream", "sync", "relay", *AS_JSON).json["changes"]
    assert changed == [{"price_of": PRO, "before": "0.06 USD", "after": "0.08 USD"}]


def test_sync_never_covers_your_own_price_unless_it_is_forced(shop):
    shop("upstream", "price", "relay", "-m", PRO, "-s", "2K", "0.20CNY")
    said = shop("upstream", "sync", "relay")
    assert "your own 0.20 CNY stays" in said.err
    assert shop("generate", "x", "-s", "2K", *AS_JSON).json["cost"]["currency"] == "CNY"
    assert "--force" in shop("upstream", "sync", "relay", **ZH).err
    assert shop("upstream", "sync", "relay", "--force").code == 0
    assert shop("generate", "x", "-s", "2K", *AS_JSON).json["cost"]["currency"] == "USD"


def test_sync_says_what_can_t_be_a_price_and_what_was_not_had(shop, relay):
    relay.pricing["data"] = [
        per_call(PRO, 0.1, "default", "vip"),
        per_call(FLASH, 0, quota_type=0),
    ]
    relay.usage = None
    said = shop("upstream", "sync", "relay")
    assert said.code == 0
    assert "name it with --group (default ×1, vip ×0.5)" in said.out
    assert "billed by tokens" in said.out
    assert "balance: not had" in said.err
    assert f"{PRO}: none → 0.05 USD" in shop("upstream", "sync", "relay", "--group", "vip").out
    assert shop("upstream", "sync", "relay", "--group", "nobody").code == 2
    assert "按 token 计费" in shop("upstream", "sync", "relay", **ZH).out


def test_sync_with_a_key_that_is_not_taken_ends_as_such(shop, monkeypatch):
    monkeypatch.setenv("RELAY_KEY", "sk-another-made-up-key")
    said = shop("upstream", "sync", "relay")
    assert said.code == 3
    assert "invalid or expired" in said.err


# --- an unknown outcome --------------------------------------------------------------------------


def test_the_relay_s_log_tells_by_the_request_id_what_it_cost(shop, relay):
    lost = lose(shop, relay)
    looked = shop("unknown", "look", lost, *AS_JSON).json
    assert looked["billing"] == {
        "verdict": "billed", "certain": True, "amount": "0.06 USD", "why": None, "noted": True,
    }  # fmt: skip
    assert (looked["state"], looked["at_stake"]) == ("unknown", "0.06 USD")
    (row,) = shop("unknown", "list", *AS_JSON).json["unknown"]
    assert row["at_stake"] == "0.06 USD"
    assert "已扣费 0.06 USD" in shop("unknown", "look", lost, **ZH).err
    assert relay.sold == 1


def test_an_unknown_is_bought_again_once_however_often_that_is_asked(
    shop, relay, home, folder, monkeypatch
):
    """Two at once; and once more after a crash came between the purchase and its note."""
    monkeypatch.chdir(folder)
    lost = lose(shop, relay)
    refused = shop("unknown", "rebuy", lost)
    assert refused.code == 6
    assert next_of(refused) == ["unknown", "rebuy", lost, "--yes"]

    async def twice_at_once() -> list[Result]:
        async with AsyncClient(home=home) as client:
            both = await asyncio.gather(client.rebuy(lost), client.rebuy(lost))
            assert [row.id for row in await client.unknown()] == []
            return both

    async def noting_fails(engine: Engine, attempt_id: str, state: State) -> None:
        raise OSError("the process dies here")

    one, other = asyncio.run(twice_at_once())
    assert one.request_id == other.request_id
    assert relay.sold == 2
    lost = lose(shop, relay)
    with monkeypatch.context() as dying:
        dying.setattr(Engine, "resolve", noting_fails)
        assert shop("unknown", "rebuy", lost, "--yes").code == 1
    again = shop("unknown", "rebuy", lost, "--yes", *AS_JSON)
    assert "replayed" in [warning["code"] for warning in again.json["warnings"]]
    assert relay.sold == 4
    assert shop("unknown", "list", *AS_JSON).json["unknown"] == []


def test_a_purchase_again_that_is_unknown_too_is_not_made_a_third_time(shop, relay):
    lost = lose(shop, relay)
    relay.status = 524
    assert shop("unknown", "rebuy", lost, "--yes").code == 7
    relay.status = 200
    again = shop("unknown", "rebuy", lost, "--yes", *AS_JSON)
    assert again.code == 7
    assert relay.sold == 2
    newer = again.json["error"]["hint"].split()[-1]
    assert shop("unknown", "rebuy", newer, "--yes").code == 0
    assert relay.sold == 3


def test_what_may_come_next_stands_on_lines_of_its_own(shop, relay):
    """A line pasted whole runs one command: three with `|` between them would write it off."""
    lost = lose(shop, relay)
    told = shop("unknown", "list").err.splitlines()
    assert told == [
        f"Next: pisang unknown look {lost}",
        f"or: pisang unknown rebuy {lost}",
        f"or: pisang unknown write-off {lost}",
    ]


def test_an_unknown_outcome_of_unknown_price_is_named_by_the_bill_and_asked_for_in_words(
    shop, relay
):
    relay.request_ids = False  # nor can its log be sure
    lost = lose(shop, relay)
    bill = shop("cost")
    assert "1 with an unknown outcome: pisang unknown list" in bill.err
    assert "`pisang upstream price relay`" in bill.err
    asked = shop("unknown", "rebuy", lost, **ZH)
    assert "这一步需要花费（金额未知）：请用 --yes 确认。" in asked.err
    assert "结果未知" in shop("unknown", "look", lost, **ZH).out


def test_a_price_in_your_own_currency_is_not_replaced_by_the_relay_s_dollars(shop, relay):
    shop("upstream", "price", "relay", "--model", PRO, "0.20CNY")
    lost = lose(shop, relay)
    looked = shop("unknown", "look", lost, *AS_JSON).json
    assert (looked["billing"]["amount"], looked["billing"]["noted"]) == ("0.06 USD", False)
    assert looked["at_stake"] == "0.20 CNY"


def test_without_an_id_the_log_gives_a_guess_that_says_it_is_one(shop, relay):
    relay.request_ids = False
    lost = lose(shop, relay)
    looked = shop("unknown", "look", lost)
    assert "likely billed, 0.06 USD" in looked.err
    assert "not certain" in looked.err
    assert "rebuy" in looked.err
    billing = shop("unknown", "look", lost, *AS_JSON).json["billing"]
    assert (billing["verdict"], billing["certain"], billing["noted"]) == (
        "likely_billed",
        False,
        False,
    )


def test_our_own_images_in_the_log_are_not_taken_for_the_lost_one(shop, relay):
    relay.request_ids = False
    assert shop("generate", "y", "-s", "2K").code == 0
    relay.bills = False
    lost = lose(shop, relay)
    assert shop("unknown", "look", lost, *AS_JSON).json["billing"]["verdict"] == "too_early"


@pytest.mark.parametrize(
    ("rows", "verdict", "zh"),
    [(None, "no_log", "没有取到"), ([], "cannot_tell", "无法判断")],
)
def test_a_log_that_can_t_be_had_says_so_and_where_to_look(shop, relay, rows, verdict, zh):
    relay.bills = False
    relay.log = rows
    lost = lose(shop, relay)
    assert shop("unknown", "look", lost, *AS_JSON).json["billing"]["verdict"] == verdict
    assert zh in shop("unknown", "look", lost, **ZH).err


def test_google_tells_nobody_what_a_call_cost(pisang, relay, monkeypatch, home: Path):
    monkeypatch.setenv("RELAY_KEY", TOKEN)
    home.mkdir()
    (home / "config.toml").write_text(
        f'[upstreams.g]\nwire = "gemini"\nbase_url = "{relay.url}"\nkind = "google"\n'
        'auth = "x-goog-api-key"\nkey_env = "RELAY_KEY"\n'
    )
    relay.status = 524
    assert pisang("generate", "x", "-s", "1K").code == 7
    looked = pisang("unknown", "look", "att_")
    assert looked.code == 0
    assert "g tells nobody" in looked.err
    assert not any("log" in path for path in relay.asked)
    assert "只能看它的账单" in pisang("unknown", "look", "att_", **ZH).err
