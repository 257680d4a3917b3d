"""`pisang doctor` on a fresh machine and on one that has something wrong; never over a socket."""

from __future__ import annotations

import socket
import time as checks_clock
from pathlib import Path
from typing import Any

import pytest

from pisang.pixels import lettering

AS_JSON = ("--format", "json")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("doctor opened a connection")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)


def checks(said: Any) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["state"], one["message"]) for one in said.json["checks"]}


def todos(said: Any) -> dict[str, str | None]:
    return {one["name"]: one["todo"] for one in said.json["checks"]}


def test_on_a_fresh_machine_all_is_well_and_nothing_is_made(pisang, home):
    said = pisang("doctor", *AS_JSON)
    assert (said.code, said.json["ok"]) == (0, True)
    found = checks(said)
    assert {"pisang", "python", "pictures", "font", "formats", "settings", "output"} <= set(found)
    assert "avif" in found["formats"][1]
    assert "none yet" in found["settings"][1]
    assert "MB are free" in found["home"][1]
    assert todos(said)["default"] == "pisang setup"
    assert not home.exists()


def test_after_the_first_image_the_store_is_looked_at_too(pisang, folder):
    pisang("generate", "x", "--via", "sandbox", "-s", "512")
    (folder / "pisang.toml").write_text('style = "水彩"\n')
    found = checks(pisang("doctor", *AS_JSON))
    assert {"sqlite", "permissions", "free_space", "ledger", "contents", "writes"} <= set(found)
    assert "SQLite" in found["sqlite"][1]
    assert "pisang.toml" in found["settings"][1]


def test_keys_are_told_to_be_there_or_not_and_never_shown(pisang):
    pisang("upstream", "add", "google", "--key-env", "MY_KEY")
    without = pisang("doctor", *AS_JSON)
    assert without.code == 3
    assert checks(without)["upstream google"] == (
        "bad", "https://generativelanguage.googleapis.com: $MY_KEY is not set",
    )  # fmt: skip
    given = pisang("doctor", *AS_JSON, MY_KEY="CANARY-1")
    assert given.code == 0
    assert checks(given)["default"][1].startswith("google")
    assert "CANARY" not in given.out + given.err


def test_two_keys_in_the_environment_and_no_choice_wants_a_look_and_is_not_wrong(pisang):
    said = pisang("doctor", *AS_JSON, GEMINI_API_KEY="CANARY-1", IKUN_API_KEY="CANARY-2")
    assert said.code == 0
    assert checks(said)["default"][0] == "look"
    assert todos(said)["default"] == "pisang upstream default google"
    assert "CANARY" not in said.out + said.err


def test_a_damaged_picture_and_a_fault_of_ours_are_told(pisang, home):
    made = pisang("generate", "x", "--via", "sandbox", "-s", "512", *AS_JSON).json["images"][0]
    stored = home / "images" / made["sha256"][:2] / made["sha256"]
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes()[::-1])
    (home / "crash").mkdir()
    (home / "crash" / "20261122_101010_000001.txt").write_text("pisang 0.1.0")
    found = checks(pisang("doctor", *AS_JSON))
    assert found["contents"][0] == "bad"
    assert "20261122_101010" in found["crashes"][1]


def test_a_font_that_is_gone_is_named(pisang, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    lettering.drawable.cache_clear()
    monkeypatch.setattr(lettering, "FONTS", tmp_path)
    said = pisang("doctor", *AS_JSON)
    assert said.code == 3
    assert checks(said)["font"][0] == "bad"


def test_every_finding_that_is_not_good_says_what_to_do(pisang, home):
    pisang("generate", "x [[sandbox html=524]]", "--via", "sandbox", "-s", "512")
    pisang("upstream", "import", "-", stdin=b"[upstreams.a]\npreset = 'ikuncode'\n")
    (home / "config.toml").chmod(0o644)
    said = pisang("doctor", *AS_JSON, HTTPS_PROXY="nonsense://u:CANARY-pw@h")
    assert said.code == 3
    wrong = {one["name"]: one for one in said.json["checks"] if one["state"] in ("look", "bad")}
    assert {"upstream a", "unknown", "config.toml", "proxy"} <= set(wrong)
    assert all(one["todo"] for one in wrong.values())
    assert wrong["upstream a"]["todo"] == "pisang upstream key a"
    assert wrong["unknown"]["message"].endswith("at stake: play money")
    assert wrong["config.toml"]["todo"] == f"chmod 600 {home / 'config.toml'}"
    assert "CANARY" not in said.out + said.err


def test_a_proxy_is_told_without_its_password(pisang):
    said = pisang("doctor", *AS_JSON, HTTPS_PROXY="http://user:CANARY-pw@10.1.2.3:8080")
    assert checks(said)["proxy"] == (
        "note", "HTTPS_PROXY is set, and is heeded: http://10.1.2.3:8080",
    )  # fmt: skip
    assert "CANARY" not in said.out + said.err


def test_a_clock_before_the_ledger_s_newest_row_is_to_be_put_right(pisang, monkeypatch):
    pisang("generate", "x", "--via", "sandbox", "-s", "512")
    before = checks_clock.time_ns() - 3_600 * 10**9
    monkeypatch.setattr("pisang.cli.checks.time.time_ns", lambda: before)
    said = pisang("doctor", *AS_JSON)
    assert checks(said)["clock"][0] == "bad"
    assert todos(said)["clock"]


def test_what_it_finds_is_told_in_chinese_too(pisang):
    said = pisang("doctor", PISANG_LANG="zh")
    assert "还没有设置上游" in said.out
    assert "→ pisang setup" in said.out


def test_a_payment_wants_live(pisang):
    assert pisang("doctor", "--pay").code == 2
