"""Settings: which layer wins, and one sentence for each mistake."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pisang.client.config_edit import drop_upstream, put_default, put_upstream
from pisang.client.language import language_of
from pisang.client.loading import home_folder
from pisang.client.settings import Entry, Serving
from pisang.domain.money import Money
from pisang.domain.retention import Retention
from pisang.domain.upstream import Auth, Limits, Quirks
from pisang.errors import HomeUnusable, OptionInvalid, PisangError, SettingsMalformed

WHOLE = """\
default_upstream = "mine"
language = "zh"
currency = "CNY"
model = "pro"
max_cost = "2CNY"
timeout_s = "90.5"

[rates]
USD = "7.1"

[budgets.month]
cap = "100CNY"
time_zone = "Asia/Shanghai"

[upstreams.mine]  # by hand
wire = "openai-images"
base_url = "https://relay.example.com/v1/"
auth = "bearer"
key_env = "MY_KEY"
models = ["a", "b"]

[upstreams.mine.limits]
concurrency = 2
interval_ms = 500

[upstreams.mine.quirks]
size_key = "image_size"
references = false

[upstreams.mine.prices]
"a@2K" = "0.20CNY"
"""


def test_everything_that_may_be_said_is_read(load):
    settings = load(WHOLE)
    entry = settings.upstreams["mine"]
    assert settings.defaults.upstream == "mine"
    assert settings.defaults.max_cost == Money(2_000_000, "CNY")
    assert settings.defaults.timeout_s == 90.5
    assert settings.currency == "CNY"
    assert settings.rates == {"USD": Decimal("7.1")}
    assert settings.language == "zh"
    (budget,) = settings.budgets
    assert (budget.id, budget.scope, budget.period) == ("month", "all", "month")
    assert entry.base_url == "https://relay.example.com"
    assert entry.auth is Auth.BEARER
    assert entry.models == ("a", "b")
    assert entry.limits == Limits(concurrency=2, interval_ms=500)
    assert entry.quirks == Quirks(size_key="image_size", references=False)
    assert entry.prices == {"a@2K": Money(200_000, "CNY")}


def test_the_environment_beats_the_folder_and_the_folder_beats_the_home(load):
    layers = {
        "config": 'model = "home"\nimage_size = "1K"\nstyle = "home style"',
        "folder": 'model = "folder"\nimage_size = "2K"',
    }
    settings = load(**layers, PISANG_MODEL="environment")
    assert settings.defaults.model == "environment"
    assert settings.defaults.image_size == "2K"
    assert settings.defaults.style == "home style"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("x = ", "its end is not valid TOML"),
        ("x y = 1", "line 1 is not valid TOML"),
        ("a = 1\nb = [", "not valid TOML"),
        ('modle = "x"', "line 1, `modle`: there is no such setting; the nearest is `model`"),
        ("model = 3", "`model`: it wants a text in quotes"),
        ('language = "fr"', "`language`: 'fr' is not one of en, zh"),
        ('currency = "dollars"', "`currency`"),
        ('\n\n[rates]\nUSD = "-1"', "line 4, `rates.USD`"),
        ('[rates]\nusd = "x"', "`rates.usd`"),
        ("[budgets.day]\nperiod = 'day'", "`budgets.day.cap`: a budget needs one"),
        ("[budgets.day]\ncap = '5USD'\nscope = 'mars'", "a scope is all"),
        ("[upstreams.x]\nwire = 'soap'", "'soap' is not one of gemini, crawl"),
        ("[upstreams.x]\nwire = 'gemini'", "`upstreams.x.base_url`: it is missing"),
        ("[upstreams.x]\nbase_url = 'https://e.com'", "`upstreams.x.wire`: it is missing"),
        ("[upstreams.x]\npreset = 'gogle'", "'gogle' is not one of google"),
        ("[upstreams.x]\npreset = 'google'\nbase_url = 'ftp://e.com'", "must begin with https"),
        ("[upstreams.x]\npreset = 'google'\nauth = 'basic'", "choose one of bearer"),
        ("[upstreams.x]\npreset = 'google'\nmodels = [1]", "it wants a list of texts"),
        ("[upstreams.x]\npreset = 'google'\nnetwork = 'office'", "has none"),
        ("[upstreams.x]\npreset = 'google'\n[upstreams.x.limits]\nrpm = 0", "at least 1"),
        ("[upstreams.x]\npreset = 'google'\n[upstreams.x.prices]\na = 'free'", "not an amount"),
        ("[upstreams.'A B']\npreset = 'google'", "a name is up to 40"),
        ("upstreams = 3", "it wants a table"),
        ('naming = "{who}"', "{who} is not a field"),
        ('timeout_s = "soon"', "decimal number"),
        ("timeout_s = true", "it wants a decimal number"),
        ("timeout_s = inf", "above zero"),
        ("timeout_s = 1e999", "out of all proportion"),
        ("[upstreams.x]\npreset = 'google'\n[upstreams.x.limits]\nrpm = 1.5", "whole number"),
        ("[upstreams.x]\npreset = 'google'\n[upstreams.x.limits]\nrpm = 'x'", "whole number"),
        ("model = 2.5", "it wants a text in quotes"),
    ],
)
def test_each_mistake_is_one_sentence_that_names_the_place(load, config: str, said: str):
    with pytest.raises(SettingsMalformed) as caught:
        load(config)
    sentence = str(caught.value)
    assert said in sentence
    assert "config.toml" in sentence
    assert "\n" not in sentence


def test_a_broken_file_of_keys_is_not_quoted(load, tmp_path: Path):
    from pisang.client.keys import kept_key

    load()
    (tmp_path / "home" / "keys.toml").write_text('[keys]\nmine = "sk-CANARY\n')
    with pytest.raises(SettingsMalformed) as caught:
        kept_key("mine", tmp_path / "home")
    assert "CANARY" not in str(caught.value)
    assert "line 2" in str(caught.value)


@pytest.mark.parametrize("out", ["/etc", "../up", "~/pictures", "a/../../b"])
def test_a_folder_s_settings_may_not_write_outside_it(load, out: str):
    with pytest.raises(SettingsMalformed, match="is outside this folder"):
        load(folder=f'out = "{out}"')


def test_a_folder_s_settings_may_not_name_an_address(load):
    with pytest.raises(SettingsMalformed, match="there is no such setting"):
        load(folder='[upstreams.x]\nwire = "gemini"\nbase_url = "https://evil.example.com"')


def test_a_file_that_is_not_utf8_or_is_huge_is_refused(load, tmp_path: Path):
    load()
    config = tmp_path / "home" / "config.toml"
    config.write_bytes(b'a = "\xff"')
    with pytest.raises(SettingsMalformed, match="line 1 is not UTF-8"):
        load()
    config.write_bytes(b"#" * (1 << 21))
    with pytest.raises(SettingsMalformed, match="larger than 1 MiB"):
        load()
    config.unlink()
    config.mkdir()
    with pytest.raises(SettingsMalformed, match="directory"):
        load()


@pytest.mark.parametrize(("name", "value"), [("PISANG_MAX_COST", "lots"), ("PISANG_TIMEOUT", "-3")])
def test_a_wrong_variable_is_named(load, name: str, value: str):
    with pytest.raises(OptionInvalid, match=name):
        load(**{name: value})


@pytest.mark.parametrize(
    ("environ", "configured", "language"),
    [
        ({}, None, "en"),
        ({"LANG": "zh_CN.UTF-8"}, None, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, None, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "en", "en"),
        ({"PISANG_LANG": "zh", "LANG": "de_DE"}, "en", "zh"),
        ({"PISANG_LANG": "en", "LANG": "zh_CN"}, None, "en"),
    ],
)
def test_the_language_is_the_flag_then_the_setting_then_the_locale(environ, configured, language):
    assert language_of(environ, configured) == language


def test_a_home_that_cannot_be_found_says_so(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(HomeUnusable, match="set PISANG_HOME"):
        home_folder({"PISANG_HOME": "~nobody-of-that-name/x"})


# --- editing -----------------------------------------------------------------------------------

MINE = Entry(
    "mine",
    wire="gemini",
    base_url="https://e.com",
    key_env="K",
    more_key_envs=("K2", "K3"),
    models=("a",),
    priority=1,
    weight=2,
)


def test_adding_an_upstream_leaves_comments_and_order_alone(load, tmp_path: Path):
    load("# my settings\nmodel = 'pro'  # the good one\n\n[rates]\nUSD = '7'\n")
    put_upstream(tmp_path / "home", MINE)
    text = (tmp_path / "home" / "config.toml").read_text()
    assert text.startswith("# my settings\nmodel = 'pro'  # the good one\n\n[rates]\nUSD = '7'\n")
    assert load().upstreams["mine"] == MINE


def test_what_is_written_down_is_read_back_the_same(load, tmp_path: Path):
    settings = load(WHOLE)
    entry = settings.upstreams["mine"]
    put_upstream(tmp_path / "home", entry)
    assert load().upstreams == {"mine": entry}
    assert load().defaults == settings.defaults


@pytest.mark.parametrize("odd", ["\x7f", "\x85", "\u2028", "\U000eb7e2", '"', "\\", "\n[x]\n"])
def test_an_odd_word_is_read_back_the_same_whatever_is_edited_after_it(load, tmp_path: Path, odd):
    load()
    entry = replace(MINE, default_model=f"a{odd}b", prices={f"m{odd}@1K": Money(1, "USD")})
    put_upstream(tmp_path / "home", entry)
    put_default(tmp_path / "home", "mine")
    put_upstream(tmp_path / "home", replace(entry, name="other"))
    assert load().upstreams["mine"] == entry


def test_removing_takes_its_tables_and_nothing_else(load, tmp_path: Path):
    load(WHOLE + "\n# about the other\n[upstreams.other]\npreset = 'google'\n")
    drop_upstream(tmp_path / "home", "mine")
    text = (tmp_path / "home" / "config.toml").read_text()
    after = load()
    assert set(after.upstreams) == {"other"}
    assert after.defaults.upstream is None
    assert after.rates
    assert "# about the other" in text
    assert "mine" not in text


def test_the_default_is_set_above_the_tables_and_replaced(load, tmp_path: Path):
    load("[rates]\nUSD = '7'\n")
    put_default(tmp_path / "home", "google")
    put_default(tmp_path / "home", "crawl")
    assert load().defaults.upstream == "crawl"
    assert (tmp_path / "home" / "config.toml").read_text().count("default_upstream") == 1


def test_a_file_in_a_form_that_is_not_understood_is_left_alone(load, tmp_path: Path):
    written = "upstreams = {mine = {preset = 'google'}}\n"
    load(written)
    with pytest.raises(SettingsMalformed, match="edited by hand"):
        drop_upstream(tmp_path / "home", "mine")
    assert (tmp_path / "home" / "config.toml").read_text() == written


def test_the_written_file_is_its_owner_s_alone(load, tmp_path: Path):
    load()
    put_upstream(tmp_path / "home", MINE)
    assert (tmp_path / "home" / "config.toml").stat().st_mode & 0o777 == 0o600


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path: Path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(PisangError, match=r"can't be used|is wrong"):
        put_upstream(tmp_path / "home", MINE)


@pytest.mark.parametrize("written", ["600", '"600"', "600.0", "6_00"])
def test_a_number_may_stand_in_quotes_or_not(load, written: str):
    limits = f"[upstreams.x.limits]\nconcurrency = {written.replace('.0', '')}\n"
    settings = load(f"timeout_s = {written}\n[upstreams.x]\npreset = 'google'\n{limits}")
    assert settings.defaults.timeout_s == 600
    assert settings.upstreams["x"].limits == Limits(concurrency=600)


def test_a_bare_rate_stays_exact(load):
    assert load("[rates]\nCNY = 0.1400\n").rates == {"CNY": Decimal("0.1400")}


def test_what_is_kept_how_long_and_when_a_waiter_hears_something(load):
    assert load("").retention == Retention()
    settings = load(
        "[retention]\nanswers_days = 2\nsignatures_days = 30.5\n"
        "images_days = 730\nimages_gb = 1.5\n"
        "[gateway]\nkeepalive_s = 20\n"
    )
    assert settings.retention == Retention(2, 30.5, 730, 1_500_000_000)
    assert settings.serving == Serving(20)
    with pytest.raises(SettingsMalformed, match=r"retention\.images_days.*at most 36500 days"):
        load("[retention]\nimages_days = 40000\n")
