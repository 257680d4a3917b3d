"""A key made from its user's words: what they mean, and which mean nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pisang.client.granting import Grant, key_json, make_key
from pisang.client.settings import Settings
from pisang.domain.access import GatewayKey, Role, id_in, is_proven
from pisang.domain.access import digest_of as digest
from pisang.domain.ledger import Quota
from pisang.domain.money import Money
from pisang.errors import OptionInvalid

NOW = 1_800_000_000_000
HERE = Path("/nowhere")
SETTINGS = Settings(HERE, HERE, environ={"TZ": "Asia/Shanghai"}, rates={"CNY": Decimal("0.14")})


def made(**words: object) -> GatewayKey:
    return make_key(Grant(**{"name": "alice", **words}), SETTINGS, NOW).key  # type: ignore[arg-type]


def test_a_key_says_what_was_asked_for_it() -> None:
    key = made(
        role="read",
        team=" red ",
        models="nano-banana-2, gemini-3-pro-image ,",
        max_size="2k",
        rpm=5,
        concurrency=2,
        expires="90d",
    )
    assert replace(key, id="", digest=b"") == GatewayKey(
        id="",
        name="alice",
        digest=b"",
        created_ms=NOW,
        role=Role.READ,
        team="red",
        models=("nano-banana-2", "gemini-3-pro-image"),
        max_size="2K",
        quota=Quota(5, 2),
        expires_ms=NOW + 90 * 86_400_000,
    )
    assert key_json(key, NOW)["expires_at"] == "2027-04-15T08:00:00.000+00:00"


def test_nothing_is_limited_that_was_not_asked_for() -> None:
    key = made()
    assert (key.role, key.models, key.max_size) == (Role.USE, (), None)
    assert (key.quota, key.expires_ms) == (Quota(), None)


def test_every_key_is_another_and_proven_by_its_own_text() -> None:
    granted = [make_key(Grant(name="a"), SETTINGS, NOW) for _ in range(50)]
    assert len({one.key.id for one in granted}) == 50
    assert len({one.text for one in granted}) == 50
    for one in granted:
        assert id_in(one.text) == one.key.id
        assert is_proven(one.key, digest(one.text))


def test_a_cap_counts_in_the_ledger_s_currency_by_the_days_of_this_machine() -> None:
    granted = make_key(Grant(name="a", budget="50CNY", per="day"), SETTINGS, NOW)
    (cap,) = granted.caps
    assert cap.cap == Money(7_000_000, "USD")
    assert cap.time_zone == "Asia/Shanghai"
    assert cap.scope == f"key:{granted.key.id}"
    (foreign,) = make_key(Grant(name="a", budget="50EUR"), SETTINGS, NOW).caps
    assert foreign.cap == Money(50_000_000, "EUR"), "no rate says what that is worth"


@pytest.mark.parametrize(
    ("text", "seconds"), [("1m", 60), ("12h", 43_200), ("2w", 1_209_600), ("36500d", 3_153_600_000)]
)
def test_a_time_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert made(expires=text).expires_ms == NOW + seconds * 1000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"name": " "}, "--name ' ' is not valid: it takes 1 to 80 characters on one line."),
        ({"name": "x" * 81}, "it takes 1 to 80 characters"),
        ({"name": "a\nb"}, "on one line"),
        ({"team": ""}, "--team '' is not valid"),
        ({"role": "root"}, "choose one of read, use, admin"),
        ({"max_size": "9K"}, "choose one of 512, 1K, 2K, 4K"),
        ({"rpm": 0}, "--rpm 0 is not valid: at least 1."),
        ({"concurrency": -1}, "--concurrency -1 is not valid"),
        ({"expires": "90"}, "write it like 90d, 12h or 2w"),
        ({"expires": ""}, "write it like"),
        ({"expires": "-1d"}, "write it like"),
        ({"expires": "٣d"}, "write it like"),
        ({"expires": "0d"}, "at least a minute and at most 36,500 days"),
        ({"expires": "36501d"}, "at most 36,500 days"),
        ({"expires": "9" * 5000 + "d"}, "at most 36,500 days"),
        ({"budget": "much"}, "--budget 'much' is not valid"),
        ({"budget": "5USD", "per": "year"}, "choose one of day, month, total"),
    ],
)
def test_words_that_mean_nothing_are_named(words: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        made(**words)
    assert sentence in str(caught.value)
