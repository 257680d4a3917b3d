"""Prices, caps, rates and time spans: written into a user's own file, read from his own words."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pisang.client.budgeting import local_zone, read_cap, set_currency, set_rate
from pisang.client.config_money import (
    drop_budget,
    put_budget,
    put_currency,
    put_prices,
    put_rate,
    with_value,
    without_table,
)
from pisang.client.costs import parse_since, parse_until
from pisang.client.loading import load_settings
from pisang.client.pricing import (
    Change,
    compare,
    configured,
    parse_price,
    price_key,
    price_rows,
    set_price,
    take_over,
)
from pisang.client.settings import Settings
from pisang.client.upstreams import resolve
from pisang.domain.catalogue import load
from pisang.domain.ledger import Budget
from pisang.domain.money import Money
from pisang.errors import (
    OptionInvalid,
    SettingsMalformed,
    SizeUnsupported,
    UpstreamUnknown,
)

MINE = """\
# my own words
currency = "USD" # the ledger's

[upstreams.relay]
wire = "gemini"
base_url = "https://relay.example.com"
models = ["gemini-3-pro-image-preview"]

# what they take
[upstreams.relay.prices]
"gemini-3-pro-image-preview" = "0.30CNY" # since May
other = "0.10CNY"

# caps
[budgets.lab]
scope = "all"
period = "month"
cap = "50USD"

# about the next
[rates]
EUR = "1.1"
"""

CNY = Money(200_000, "CNY")
PRO = "gemini-3-pro-image-preview"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(MINE)
    return tmp_path


def settings(home: Path) -> Settings:
    return load_settings(home=home, folder=home, environ={})


def text(home: Path) -> str:
    return (home / "config.toml").read_text()


def test_a_price_is_one_line_changed_and_every_comment_stays(home: Path):
    dearer = Money(310_000, "CNY")
    changes = {PRO: dearer, f"{PRO}@2K": CNY, "other": Money(1, "USD"), "gone": None}
    put_prices(home, "relay", changes)
    prices = settings(home).upstreams["relay"].prices
    assert prices == {
        PRO: dearer,
        "other": Money(1, "USD"),
        f"{PRO}@2K": CNY,
    }
    assert [line.partition("#")[2] for line in MINE.splitlines()] == [
        line.partition("#")[2] for line in text(home).splitlines() if "@2K" not in line
    ]
    put_prices(home, "relay", {f"{PRO}@2K": None, "other": None})
    assert settings(home).upstreams["relay"].prices == {PRO: dearer}


def test_published_prices_stand_in_a_table_of_their_own_with_their_day(home: Path):
    put_prices(home, "relay", {PRO: Money(60_000, "USD")}, "published", on="2026-11-22")
    entry = settings(home).upstreams["relay"]
    assert entry.published == {PRO: Money(60_000, "USD")}
    assert entry.published_on == "2026-11-22"
    assert entry.prices[PRO] == Money(300_000, "CNY")


def test_a_cap_replaces_the_one_of_its_id_and_leaves_what_is_around_it(home: Path):
    put_budget(home, Budget("lab", "all", "day", Money(9_000_000, "CNY"), "Asia/Shanghai"))
    put_budget(home, Budget("two", "upstream:relay", "total", Money(1, "USD")))
    assert {one.id: one.cap for one in settings(home).budgets} == {
        "lab": Money(9_000_000, "CNY"),
        "two": Money(1, "USD"),
    }
    assert "# about the next\n[rates]" in text(home)
    assert drop_budget(home, "lab")
    assert not drop_budget(home, "lab")
    assert [one.id for one in settings(home).budgets] == ["two"]


def test_rates_and_the_currency_are_set_and_taken_back(home: Path):
    put_rate(home, "CNY", Decimal("0.14"))
    put_rate(home, "EUR", None)
    put_currency(home, "GBP")
    told = settings(home)
    assert (told.currency, told.rates) == ("GBP", {"CNY": Decimal("0.14")})


def test_a_file_written_in_another_way_is_left_alone(home: Path):
    odd = 'rates = { CNY = "0.14" }\n'
    (home / "config.toml").write_text(odd)
    with pytest.raises(SettingsMalformed, match="by hand"):
        put_rate(home, "CNY", Decimal("0.2"))
    assert text(home) == odd


def test_an_empty_text_takes_its_first_value_and_a_missing_one_is_no_change():
    assert with_value("", (), "currency", "CNY") == 'currency = "CNY"\n'
    assert with_value("", ("rates",), "CNY", None) == ""
    assert without_table("a = 1\n", ("rates",)) == "a = 1\n"


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "money"),
    [("0.20CNY", CNY), ("free", Money(0, "EUR")), ("0.2", Money(200_000, "EUR"))],
)
def test_an_amount_is_read_with_the_ledger_s_currency_where_it_has_none(word: str, money: Money):
    assert parse_price(word, "EUR") == money


def test_an_amount_that_is_none_is_refused():
    with pytest.raises(OptionInvalid, match="AMOUNT"):
        parse_price("cheap", "USD")


def test_a_price_is_kept_under_the_id_that_goes_on_the_wire(home: Path):
    relay = resolve(settings(home), "relay")
    assert price_key("Nano Banana Pro", "2k", relay, load()) == (f"{PRO}@2K", ())
    assert price_key(None, None, relay, load())[0] == PRO
    key, warnings = price_key("dall-e-3", "1K", relay, load())
    assert key == "dall-e-3@1K"
    assert [one.code for one in warnings] == ["model_unknown"]
    with pytest.raises(SizeUnsupported, match="choose one of"):
        price_key(PRO, "9K", relay, load())


def test_an_upstream_that_is_not_configured_says_how_to_add_it(home: Path):
    with pytest.raises(UpstreamUnknown, match="configured are relay") as told:
        configured(settings(home), "ikuncode")
    assert told.value.next_step() == "pisang upstream add ikuncode"


def test_the_list_tells_each_size_only_where_they_differ(home: Path):
    change = set_price(settings(home), "relay", f"{PRO}@4K", CNY)
    assert change == Change(f"{PRO}@4K", None, CNY)
    rows = price_rows(resolve(settings(home), "relay"), load())
    assert [(row.model, row.image_size, str(row.money), row.basis) for row in rows] == [
        (PRO, "1K", "0.30 CNY", "user"),
        (PRO, "2K", "0.30 CNY", "user"),
        (PRO, "4K", "0.20 CNY", "user"),
        ("other", None, "0.10 CNY", "user"),
    ]


def test_an_unknown_model_with_a_price_for_one_size_has_none_for_the_others(home: Path):
    put_prices(home, "relay", {"other": None, "other@2K": CNY})
    rows = [
        (row.image_size, row.basis)
        for row in price_rows(resolve(settings(home), "relay"), load())
        if row.model == "other"
    ]
    assert rows == [("2K", "user"), (None, "none")]


def test_what_is_published_never_covers_a_price_of_the_user_s_own(home: Path):
    told = {PRO: Money(60_000, "USD"), "new": Money(1, "USD")}
    entry = settings(home).upstreams["relay"]
    synced = compare(entry, told)
    assert [one.key for one in synced.changes] == [PRO, "new"]
    assert [(one.key, str(one.before)) for one in synced.hidden] == [(PRO, "0.30 CNY")]
    take_over(settings(home), entry, synced, date(2026, 11, 22))
    after = settings(home).upstreams["relay"]
    assert after.published == told
    assert after.prices[PRO] == Money(300_000, "CNY")

    again = compare(after, {PRO: Money(60_000, "USD")}, force=True)
    assert [(one.key, one.after) for one in again.changes] == [("new", None)]
    take_over(settings(home), after, again, date(2026, 11, 23))
    assert PRO not in settings(home).upstreams["relay"].prices


def test_a_published_price_that_depends_on_more_than_was_said_stays(home: Path):
    entry = settings(home).upstreams["relay"]
    take_over(settings(home), entry, compare(entry, {"m": CNY}), date(2026, 11, 22))
    entry = settings(home).upstreams["relay"]
    assert compare(entry, {}, open_=["m"]).changes == ()
    assert [one.after for one in compare(entry, {}).changes] == [None]


# --- caps, rates, currency -----------------------------------------------------------------------


def test_a_cap_of_a_scope_and_period_that_has_one_keeps_its_id(home: Path):
    budget = read_cap(settings(home), "all", "10CNY", "month", "Asia/Shanghai")
    assert budget == Budget("lab", "all", "month", Money(10_000_000, "CNY"), "Asia/Shanghai")
    assert read_cap(settings(home), "upstream:relay", "1", "day").id == "upstream-relay-day"


@pytest.mark.parametrize(
    ("scope", "cap", "zone", "error"),
    [
        ("everything", "1USD", None, OptionInvalid),
        ("all", "lots", None, OptionInvalid),
        ("all", "1USD", "Mars/Base", OptionInvalid),
        ("upstream:nobody", "1USD", None, UpstreamUnknown),
    ],
)
def test_words_that_mean_no_cap_are_refused(
    home: Path, scope: str, cap: str, zone: str | None, error: type[Exception]
):
    with pytest.raises(error):
        read_cap(settings(home), scope, cap, "month", zone)


def test_a_rate_is_of_another_currency_and_above_nothing(home: Path):
    set_rate(settings(home), "cny", "0.14")
    assert settings(home).rates["CNY"] == Decimal("0.14")
    for currency, rate in (("USD", "1"), ("CNY", "0"), ("yuan", "1"), ("", "1")):
        with pytest.raises(OptionInvalid):
            set_rate(settings(home), currency, rate)


def test_the_currency_does_not_change_under_rates_into_the_old_one(home: Path):
    set_currency(settings(home), "usd")
    with pytest.raises(OptionInvalid, match="rates are set in USD") as told:
        set_currency(settings(home), "CNY")
    assert told.value.next_step() == "pisang budget rate EUR --remove"
    set_rate(settings(home), "EUR", None)
    set_currency(settings(home), "CNY")
    assert settings(home).currency == "CNY"


def test_the_local_zone_is_a_name(tmp_path: Path):
    link = tmp_path / "localtime"
    assert local_zone("Asia/Tokyo", link) == "Asia/Tokyo"
    assert local_zone(":Asia/Tokyo", link) == "Asia/Tokyo"
    assert local_zone("nonsense", link) == "UTC"
    link.symlink_to("/usr/share/zoneinfo/Asia/Shanghai")
    assert local_zone(None, link) == "Asia/Shanghai"


# --- time spans ----------------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


@pytest.fixture
def shanghai(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("word", "since", "until"),
    [
        ("7d", "2026-11-15T18:30", "2026-11-15T18:30"),
        ("24h", "2026-11-21T18:30", "2026-11-21T18:30"),
        ("2w", "2026-11-08T18:30", "2026-11-08T18:30"),
        ("today", "2026-11-22T00:00", "2026-11-23T00:00"),
        ("yesterday", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("Month", "2026-11-01T00:00", "2026-12-01T00:00"),
        ("year", "2026-01-01T00:00", "2027-01-01T00:00"),
        ("2025", "2025-01-01T00:00", "2026-01-01T00:00"),
        ("2025-12", "2025-12-01T00:00", "2026-01-01T00:00"),
        ("2026-11-03", "2026-11-03T00:00", "2026-11-04T00:00"),
        ("2026-11-03T08:00", "2026-11-03T08:00", "2026-11-03T08:00"),
    ],
)
@pytest.mark.usefixtures("shanghai")
def test_a_span_is_of_the_local_clock_s_days(word: str, since: str, until: str):
    assert os.environ["TZ"] == "Asia/Shanghai"
    now = NOW.astimezone()
    for parsed, wanted in ((parse_since(word, now), since), (parse_until(word, now), until)):
        assert parsed == int(datetime.fromisoformat(f"{wanted}+08:00").timestamp() * 1000)


def test_all_is_from_the_first():
    assert parse_since("all", NOW) == 0


@pytest.mark.parametrize("word", ["", "soon", "7y", "2026-13", "2026-02-30", "9999", "99999d"])
def test_a_word_that_is_no_time_is_refused_with_the_forms(word: str):
    with pytest.raises(OptionInvalid, match="7d, 24h, today"):
        parse_since(word, NOW)
