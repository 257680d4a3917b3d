"""Which upstream is chosen, what it is made of, and where its key may go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pisang.client.keys import forget_key, keep_key, kept_key
from pisang.client.presets import PRESETS
from pisang.client.upstreams import choose, describe, how_to_key, resolve
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Limits
from pisang.errors import (
    ConfigError,
    OptionInvalid,
    UpstreamMissing,
    UpstreamUnknown,
)

TWO = "[upstreams.a]\npreset = 'google'\n[upstreams.b]\npreset = 'ikuncode'\n"


def test_nothing_set_up_is_an_error_and_never_the_sandbox(load):
    with pytest.raises(UpstreamMissing):
        choose(load())


def test_the_sandbox_is_there_when_it_is_named(load):
    assert choose(load(), "sandbox").kind == "sandbox"
    assert choose(load(PISANG_UPSTREAM="sandbox")).kind == "sandbox"


def test_the_flag_beats_the_variable_and_the_variable_the_default(load):
    config = f"default_upstream = 'a'\n{TWO}"
    assert choose(load(config)).name == "a"
    assert choose(load(config, PISANG_UPSTREAM="b")).name == "b"
    assert choose(load(config, PISANG_UPSTREAM="b"), "a").name == "a"


def test_the_only_one_configured_needs_no_default(load):
    assert choose(load("[upstreams.a]\npreset = 'google'\n")).name == "a"


def test_several_without_a_default_are_asked_about(load):
    with pytest.raises(ConfigError, match=r"a, b.*--via"):
        choose(load(TWO))


@pytest.mark.parametrize(
    ("variable", "preset"),
    [
        ("GEMINI_API_KEY", "google"),
        ("GOOGLE_API_KEY", "google"),
        ("IKUN_API_KEY", "ikuncode"),
        ("IKUNCODE_API_KEY", "ikuncode"),
        ("PISANG_CRAWL_AK", "crawl"),
        ("OPENROUTER_API_KEY", "openrouter"),
    ],
)
def test_a_vendor_s_key_in_the_environment_is_enough(load, variable: str, preset: str):
    upstream = choose(load(**{variable: "sk-1"}))
    assert upstream.name == preset
    assert upstream.key == Secret("sk-1")


def test_keys_of_two_vendors_are_asked_about(load):
    with pytest.raises(ConfigError, match="google, ikuncode"):
        choose(load(GEMINI_API_KEY="a", IKUN_API_KEY="b"))


def test_a_wrong_name_gets_the_nearest(load):
    with pytest.raises(UpstreamUnknown, match="did you mean ikuncode"):
        resolve(load(), "ikun-code")
    with pytest.raises(UpstreamUnknown, match="there are google"):
        resolve(load(), "zzz")


def test_the_relay_s_preset_is_what_its_guide_prints(load):
    upstream = resolve(load(), "ikuncode")
    assert upstream.base_url == "https://api.ikuncode.cc"
    assert upstream.auth is Auth.BEARER
    assert upstream.models == ("gemini-3-pro-image-preview", "gemini-3.1-flash-image-preview")
    assert upstream.quirks.size_key == "image_size"
    assert upstream.default_model == "gemini-3-pro-image-preview"
    assert (upstream.default_image_size, upstream.default_aspect_ratio) == ("2K", "1:1")


def test_the_crawl_preset_paces_itself_and_knows_both_networks(load):
    upstream = resolve(load(), "crawl")
    assert upstream.limits == Limits(concurrency=5, interval_ms=1500)
    assert upstream.auth is Auth.QUERY
    assert upstream.base_url == "https://gpt-i18n.byteintl.net"
    office = resolve(load(PISANG_CRAWL_NETWORK="office"), "crawl")
    assert office.base_url == "https://genai-sg-og.tiktok-row.org"
    configured = load("[upstreams.crawl]\npreset = 'crawl'\nnetwork = 'office'\n")
    assert resolve(configured, "crawl").base_url == office.base_url


def test_a_wrong_network_names_the_right_ones(load):
    with pytest.raises(OptionInvalid, match="production, office"):
        resolve(load(PISANG_CRAWL_NETWORK="moon"), "crawl")


def test_a_preset_without_an_address_says_what_to_give(load):
    with pytest.raises(ConfigError, match="needs a base URL"):
        resolve(load(), "openai-compatible")


def test_a_missing_key_s_hint_is_a_command_that_can_be_typed(load):
    config = """
[upstreams.mine]
wire = "openai-images"
base_url = "https://images.example.com"
[upstreams.second]
preset = "ikuncode"
[upstreams.named]
preset = "google"
key_env = "MY_KEY"
"""
    settings = load(config)
    hints = {name: how_to_key(resolve(settings, name), settings) for name in (
        "google", "mine", "second", "named",
    )}  # fmt: skip
    assert hints == {
        "google": "pisang setup google",
        "mine": "pisang upstream key mine",
        "second": "pisang upstream key second",
        "named": "export MY_KEY=…",
    }


def test_a_wire_s_dash_is_the_wire_table_s_underscore(load):
    from pisang.wires.table import wire

    for preset in PRESETS.values():
        if preset.base_url:
            upstream = resolve(load(), preset.name)
            assert wire(upstream.wire).name == upstream.wire


# --- keys --------------------------------------------------------------------------------------


def test_a_vendor_s_variable_is_not_sent_to_somebody_else_s_address(load):
    config = "[upstreams.x]\npreset = 'google'\nbase_url = 'https://relay.example.com'\n"
    assert resolve(load(config, GEMINI_API_KEY="sk-1"), "x").key is None


def test_the_named_variable_is_the_only_source(load):
    config = "[upstreams.google]\npreset = 'google'\nkey_env = 'MINE'\n"
    assert resolve(load(config, GEMINI_API_KEY="a"), "google").key is None
    assert resolve(load(config, GEMINI_API_KEY="a", MINE="b"), "google").key == Secret("b")


def test_a_kept_key_is_found_and_forgotten(load, tmp_path: Path):
    settings = load("[upstreams.work]\npreset = 'google'\n")
    where = keep_key("work", Secret("sk-kept"), settings.home)
    assert where == str(settings.home / "keys.toml")
    assert Path(where).stat().st_mode & 0o777 == 0o600
    assert resolve(settings, "work").key == Secret("sk-kept")
    forget_key("work", settings.home)
    assert kept_key("work", settings.home) is None


def test_a_second_account_keeps_its_own_key_under_the_vendor_s_variable(load):
    settings = load("[upstreams.work]\npreset = 'google'\n", GEMINI_API_KEY="sk-env")
    keep_key("work", Secret("sk-work"), settings.home)
    keep_key("google", Secret("sk-kept"), settings.home)
    assert resolve(settings, "work").key == Secret("sk-work")
    assert resolve(settings, "google").key == Secret("sk-env")


def test_an_odd_key_survives_being_written_down(load):
    home = load().home
    odd = Secret('a"b\\c')
    keep_key("x", odd, home)
    keep_key("y", Secret("other"), home)
    assert kept_key("x", home) == odd


def test_a_listing_says_whence_a_key_is_and_never_the_key(load):
    settings = load(TWO, GEMINI_API_KEY="CANARY-1")
    keep_key("b", Secret("CANARY-2"), settings.home)
    rows = [describe(name, settings) for name in settings.upstreams]
    assert [row["key"] for row in rows] == ["$GEMINI_API_KEY", "kept"]
    assert "CANARY" not in json.dumps(rows)
    assert "CANARY" not in repr(settings)


class _Ring:
    """A keyring that keeps in memory."""

    priority = 5

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, name: str, word: str) -> None:
        self.kept[service, name] = word

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


def test_a_working_keyring_keeps_the_key_and_the_file_only_says_so(load, monkeypatch):
    keyring = pytest.importorskip("keyring")
    ring = _Ring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
    settings = load("[upstreams.work]\npreset = 'google'\n")
    assert keep_key("work", Secret("CANARY"), settings.home) == "the keyring"
    assert "CANARY" not in (settings.home / "keys.toml").read_text()
    assert resolve(settings, "work").key == Secret("CANARY")
    forget_key("work", settings.home)
    assert not ring.kept


@pytest.mark.parametrize(
    ("wire", "model"),
    [
        ("gemini", "gemini-3.1-flash-image"),
        ("crawl", "nano-banana2"),
        ("openai-images", "gemini-3.1-flash-image"),
        ("openai-chat", "gemini-3.1-flash-image"),
    ],
)
def test_an_upstream_told_by_wire_and_address_alone_has_a_model(load, wire: str, model: str):
    config = f"[upstreams.x]\nwire = '{wire}'\nbase_url = 'https://e.com'\n"
    upstream = resolve(load(config, GEMINI_API_KEY="sk-1", PISANG_CRAWL_AK="ak"), "x")
    assert upstream.default_model == model
    assert upstream.base_url == "https://e.com"
    assert upstream.key is None
    listed = resolve(load(config + "models = ['own']\n"), "x")
    assert listed.default_model == "own"
