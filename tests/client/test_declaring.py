"""Keys and teams that the settings declare: into the ledger, changed there, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pisang.client.config_edit import put_default
from pisang.client.declaring import apply_declared
from pisang.client.granting import Change, Grant, change_key, fresh_text, make_key, write_key
from pisang.client.loading import load_settings
from pisang.client.settings import Settings
from pisang.domain.access import digest_of as digest
from pisang.domain.access import id_in, is_proven
from pisang.errors import OptionInvalid, SettingsMalformed
from pisang.store.store import Store
from tests.store.kit import NOW, open_store

TEXT, OTHER = fresh_text(), fresh_text()
SECRET = "whsec_" + "QUJD" * 10
ENVIRON = {"CI_KEY": TEXT.reveal(), "OTHER_KEY": OTHER.reveal(), "HOOK_SECRET": SECRET}
CONFIG = """
[keys.ci]
key = "${CI_KEY}"
team = "red"
models = ["nano-banana-2"]
rpm = 5
expires = "2099-01-01"
time_zone = "Asia/Shanghai"
budgets = {day = "5USD", month = "50USD"}
webhook = {url = "https://hooks.example.com/ci", secret = "${HOOK_SECRET}"}

[teams.red]
budgets = {month = "80USD"}
webhook = {url = "https://hooks.example.com/red"}

[upstreams.relay]
wire = "gemini"
base_url = "https://relay.example.com"
key = "${RELAY_KEY}"
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / "home")) as opened:
        yield opened


def declared(store: Store, text: str, **environ: str) -> Settings:
    home = store.home.root
    (home / "config.toml").write_text(text)
    settings = load_settings(home=home, folder=home, environ={**ENVIRON, **environ})
    apply_declared(settings, store)
    return settings


def test_what_is_declared_is_there_beside_what_was_made(store: Store) -> None:
    made = make_key(Grant(name="made"), Settings(store.home.root, store.home.root), NOW)
    write_key(store, made)
    settings = declared(store, CONFIG)
    key = store.gateway_keys.get(id_in(TEXT) or "")
    assert key is not None
    assert is_proven(key, digest(TEXT))
    assert (key.name, key.team, key.models, key.quota.rpm) == ("ci", "red", ("nano-banana-2",), 5)
    assert key.declared
    assert key.hook is not None
    assert key.hook.secret is not None
    assert key.hook.secret.reveal() == SECRET
    assert key.team_hook is not None
    assert key.team_hook.url == "https://hooks.example.com/red"
    caps = {(one.id, str(one.cap), one.time_zone) for one in store.budgets()}
    assert (f"key:{key.id}:day", "5.00 USD", "Asia/Shanghai") in caps
    assert {one[0] for one in caps} == {
        f"key:{key.id}:day", f"key:{key.id}:month", "team:red:month",
    }  # fmt: skip
    assert [one.name for one in store.gateway_keys.all() if not one.declared] == ["made"]
    assert settings.upstreams["relay"].key_env == "RELAY_KEY"


def test_the_file_is_the_truth_and_a_second_look_writes_nothing(store: Store) -> None:
    declared(store, CONFIG)
    before = store.gateway_keys.all(), store.gateway_keys.teams(), store.budgets()
    declared(store, CONFIG)
    assert (store.gateway_keys.all(), store.gateway_keys.teams(), store.budgets()) == before
    changed = CONFIG.replace('day = "5USD", ', "").replace("rpm = 5", "rpm = 9")
    declared(store, changed)
    (key,) = store.gateway_keys.all()
    assert key.quota.rpm == 9
    assert f"key:{key.id}:day" not in {one.id for one in store.budgets()}
    declared(store, "")
    (key,) = store.gateway_keys.all()
    assert key.revoked_ms is not None
    assert store.gateway_keys.teams() == []
    assert "team:red:month" not in {one.id for one in store.budgets()}
    declared(store, CONFIG)
    (key,) = store.gateway_keys.all()
    assert key.revoked_ms is None, "what is declared again is taken again"


def test_what_is_declared_is_changed_in_the_file_alone(store: Store) -> None:
    settings = declared(store, CONFIG)
    (key,) = store.gateway_keys.all()
    with pytest.raises(OptionInvalid, match=r"config\.toml declares it: change it there"):
        change_key(key, Change(rpm=1), settings, NOW)


def test_a_variable_that_is_not_set_is_named_and_nothing_is_changed(store: Store) -> None:
    declared(store, CONFIG)
    before = store.gateway_keys.all()
    for name, place in (("CI_KEY", "keys.ci.key"), ("HOOK_SECRET", "keys.ci.webhook.secret")):
        with pytest.raises(SettingsMalformed) as caught:
            declared(store, CONFIG.replace("rpm = 5", "rpm = 9"), **{name: ""})
        sentence = str(caught.value)
        assert f"`{place}`: the variable {name} is not set." in sentence
        assert "config.toml" in sentence
    assert store.gateway_keys.all() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[keys.a]\nkey = "psk_0"\n', "write ${NAME}"),
        ("[keys.a]\nrpm = 5\n", "`keys.a.key`: it is missing"),
        ('[keys.a]\nkey = "${CI_KEY}"\nrole = "root"\n', "not one of read, use, admin"),
        ('[keys.a]\nkey = "${CI_KEY}"\nlimit = 5\n', "there is no such setting"),
        ('[keys.a]\nkey = "${CI_KEY}"\n[keys.b]\nkey = "${CI_KEY}"\n', "a has the same key"),
        ('[keys.a]\nkey = "${NO_KEY}"\n', "it holds no key of a gateway"),
        ('[upstreams.u]\npreset = "google"\nkey = "sk-hunter2"\n', "write ${NAME}"),
        ('[upstreams.u]\npreset = "google"\nkey = "${A}"\nkey_env = "B"\n', "key_env is given too"),
        ('[gateway]\nwebhook_secret = "hunter2"\n', "write ${NAME}"),
        ('[gateway]\ncors_origins = ["example.com/path"]\n', "an origin is scheme, host and port"),
        ('[teams.a]\nwebhook = {url = "ftp://example.com"}\n', "only https links"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_repeats_no_secret(
    store: Store, text: str, words: str
) -> None:
    with pytest.raises(SettingsMalformed) as caught:
        declared(store, text, NO_KEY="hunter2")
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert TEXT.reveal() not in str(caught.value)


def test_a_declared_key_can_t_take_another_s_id(store: Store) -> None:
    declared(store, CONFIG)
    stolen = TEXT.reveal()[:-4] + ("0000" if not TEXT.reveal().endswith("0000") else "1111")
    with pytest.raises(SettingsMalformed, match="its id is another key's"):
        declared(store, CONFIG, CI_KEY=stolen)


def test_an_edit_of_the_file_leaves_its_variables(store: Store) -> None:
    settings = declared(store, CONFIG)
    put_default(store.home.root, "relay")
    assert "${CI_KEY}" in settings.path.read_text()
    again = load_settings(home=settings.home, folder=settings.home, environ=ENVIRON)
    assert again.keys == settings.keys
    assert replace(again, defaults=settings.defaults) == settings
