"""Words for eyes: both languages, columns, and no warning without its Chinese."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pisang
from pisang.cli.table import align, clip, width_of
from pisang.cli.words import (
    STATES_ZH,
    WARNINGS_ZH,
    say_amount,
    say_charged,
    say_state,
    say_warning,
)
from pisang.client.results import Cost
from pisang.domain.attempt import Charged, State
from pisang.domain.money import Money
from pisang.domain.warning import Warn

SOURCES = Path(pisang.__file__).parent
PENNY = Money(10_000, "USD")


def codes_in(source: Path) -> set[str]:
    """The codes that stand as first argument of a `Warn(…)`, or as keys of a dict beside one."""
    found: set[str] = set()
    tree = ast.parse(source.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Warn":
            first = node.args[0]
            if isinstance(first, ast.Constant):
                found.add(first.value)
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            found |= {key for key in keys if str(key).endswith(("_dropped", "_in_prompt"))}
    return found


def test_every_warning_has_its_chinese_and_none_is_left_over() -> None:
    sources = [path for path in SOURCES.rglob("*.py") if path.name != "words.py"]
    codes = set().union(*map(codes_in, sources))
    codes |= {"aspect_ratio_normalised", "image_size_normalised"}  # put together from the option
    assert len(codes) > 25
    assert codes == set(WARNINGS_ZH)


def test_every_state_has_its_chinese() -> None:
    assert set(STATES_ZH) == {state.value for state in State}
    assert say_state(State.DONE, "en") == "done"
    assert say_state(State.DONE, "zh") == "完成"


@pytest.mark.parametrize("charged", list(Charged))
def test_whether_money_moved_is_said_in_both(charged: Charged) -> None:
    assert say_charged(charged, "en") != say_charged(charged, "zh")


def test_a_warning_keeps_its_facts_in_chinese() -> None:
    fact = Warn("size_mismatch", "2K was asked for, and the image has 8×8 pixels.")
    assert say_warning(fact, "en") == fact.message
    assert say_warning(fact, "zh") == f"尺寸与要求不符：{fact.message}"
    assert say_warning(Warn("sandbox", "…"), "zh") == "这张图由沙盒绘制，不是模型生成的。"
    assert say_warning(Warn("of_another_version", "Said."), "zh") == "Said."


@pytest.mark.parametrize(
    ("cost", "en", "zh"),
    [
        (Cost(PENNY, "catalogue"), "0.01 USD", "0.01 USD"),
        (Cost(PENNY, "sandbox"), "0.01 USD (play money)", "0.01 USD（模拟金额）"),
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
        "amount": "0.01", "currency": "USD", "basis": "sandbox",
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
