"""`pisang doctor --live`: a free call each, and money only when it was said and confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.relay import GOOD, Relay, running_relay

AS_JSON = ("--format", "json")


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running_relay() as running:
        yield running


@pytest.fixture
def two(pisang, relay: Relay) -> Relay:
    """Two upstreams at the relay, the second with a wrong key."""
    for name, key in (("right", GOOD), ("wrong", "sk-made-up-wrong")):
        said = pisang(
            "setup", relay.url, "--name", name, "--no-check", "--key-stdin", stdin=key.encode()
        )
        assert said.code == 0, said.err
    relay.asked.clear()
    return relay


def live(said: Any) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in said.json["checks"] if one["name"].startswith("live")}


def test_each_is_asked_once_and_for_free(pisang, two):
    said = pisang("doctor", "--live", *AS_JSON)
    assert said.code == 3
    assert two.asked == ["GET /v1beta/models"] * 2
    found = live(said)
    assert found["live right"]["state"] == "good"
    assert found["live wrong"]["state"] == "bad"
    assert found["live wrong"]["todo"] == "pisang upstream key wrong"
    assert "made-up" not in said.out + said.err


def test_without_live_nobody_is_asked(pisang, two):
    pisang("doctor")
    assert two.asked == []


def test_a_clock_that_is_minutes_off_is_told_with_what_sets_it(pisang, two):
    two.date = "Sun, 06 Nov 1994 08:49:37 GMT"
    said = pisang("doctor", "--live", *AS_JSON)
    (clock,) = (one for one in said.json["checks"] if one["name"] == "clock")
    assert clock["state"] == "bad"
    assert "ahead of the upstreams'" in clock["message"]
    assert clock["todo"]


def test_no_image_is_bought_that_nobody_confirmed(pisang, local):
    before = len(local.charges)
    said = pisang("doctor", "--live", "--pay", *AS_JSON)
    assert (said.code, said.json["error"]["code"]) == (6, "confirmation_needed")
    assert "local: 512 0.067 USD" in said.err
    assert len(local.charges) == before


def test_with_yes_one_image_is_bought_from_each_the_cheapest_and_kept(pisang, local):
    before = len(local.charges)
    said = pisang("doctor", "--live", "--pay", "--yes", *AS_JSON)
    assert said.code == 0, said.out
    assert len(local.charges) == before + 1
    (paid,) = (one for one in said.json["checks"] if one["name"].startswith("paid"))
    assert paid["state"] == "good"
    assert "512×512" in paid["message"]
    assert pisang("history", *AS_JSON).json["requests"][0]["upstream"] == "local"
