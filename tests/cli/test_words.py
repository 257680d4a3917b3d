"""Words for eyes: both languages, and columns."""

from __future__ import annotations

import pytest

from pisang.cli.table import align, clip, width_of
from pisang.cli.words import (
    STATES_ZH,
    say_amount,
    say_charged,
    say_state,
    say_warning,
)
from pisang.client.results import Cost
from pisang.domain.attempt import Charged, State
from pisang.domain.money import Money
from pisang.domain.warning import Warn

PENNY = Money(10_000, "USD")


def test_every_state_has_its_chinese() -> None:
    assert set(STATES_ZH) == {state.value for state in State}
    assert say_state(State.DONE, "en") == "done"
    assert say_state(State.DONE, "zh") == "完成"


@pytest.mark.parametrize("charged", list(Charged))
def test_whether_money_moved_is_said_in_both(charged: Charged) -> None:
    assert say_charged(charged, "en") != say_charged(charged, "zh")


def test_a_warning_keeps_its_facts_in_chinese() -> None:
    said = "2K was asked for, and the image has 8×8 pixels, which is 512."
    fact = Warn("size_mismatch", said)
    assert say_warning(fact, "en") == said
    assert say_warning(fact, "zh") == "要求的是 2K，图片实际为 8×8 像素，即 512。"
    assert say_warning(Warn("of_another_version", "Said."), "zh") == "Said."


@pytest.mark.parametrize(
    ("cost", "en", "zh"),
    [
        (Cost(PENNY, "catalogue"), "0.01 USD", "0.01 USD"),
        (Cost(PENNY, "sandbox"), "0.01 USD (play money)", "0.01 USD（模拟金额）"),
        (
            Cost(PENNY, "user", PENNY),
            "0.01 USD + 0.01 USD (at stake)",
            "0.01 USD + 0.01 USD（待确认）",
        ),
        (Cost(None, "user", PENNY), "0.01 USD (at stake)", "0.01 USD（待确认）"),
        (
            Cost(None, "sandbox", PENNY),
            "0.01 USD (at stake) (play money)",
            "0.01 USD（待确认）（模拟金额）",
        ),
        (Cost(None, "free"), "free", "免费"),
        (Cost(None, "none"), "unknown", "未知"),
    ],
)
def test_amounts_say_whether_they_are_real(cost: Cost, en: str, zh: str) -> None:
    assert (say_amount(cost, "en"), say_amount(cost, "zh")) == (en, zh)


def test_what_was_free_is_an_amount_and_what_is_unknown_is_none_for_scripts() -> None:
    assert Cost(None, "free").to_json()["amount"] == "0.00"
    assert Cost(None, "none").to_json()["amount"] is None
    assert Cost(PENNY, "sandbox").to_json() == {
        "amount": "0.01", "currency": "USD", "basis": "sandbox", "at_stake": None,
    }  # fmt: skip


def test_cells_stand_under_one_another_also_in_chinese() -> None:
    lines = align([("a", "小猫", "x"), ("bbb", "c", "y z")])
    assert lines == ["a    小猫  x", "bbb  c     y z"]
    assert align([]) == []


@pytest.mark.parametrize("text", ["小猫" * 30, "a" * 99, "short", "tab\there", "e\u0301" * 60])
def test_a_clipped_text_has_at_most_its_columns(text: str) -> None:
    shown = clip(text, 20)
    assert width_of(shown) <= 20
    assert shown.endswith("…") is (width_of(text) > 20)
    assert "\t" not in shown
