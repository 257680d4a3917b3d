"""`pisang doctor` on a fresh machine and on one that has something wrong; never over a socket."""

from __future__ import annotations

import socket
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


def test_on_a_fresh_machine_all_is_well_and_nothing_is_made(pisang, home):
    said = pisang("doctor", *AS_JSON)
    assert (said.code, said.json["ok"]) == (0, True)
    found = checks(said)
    assert {"pisang", "python", "pictures", "font", "formats", "settings", "output"} <= set(found)
    assert "avif" in found["formats"][1]
    assert "none yet" in found["settings"][1]
    assert "MB are free" in found["home"][1]
    assert "pisang upstream add google" in found["default"][1]
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


def test_two_keys_in_the_environment_and_no_choice_is_to_be_put_right(pisang):
    said = pisang("doctor", *AS_JSON, GEMINI_API_KEY="CANARY-1", IKUN_API_KEY="CANARY-2")
    assert said.code == 3
    assert "pisang upstream default" in checks(said)["default"][1]
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
