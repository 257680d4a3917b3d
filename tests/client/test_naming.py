"""Output names: what a prompt, a template and a hostile title become."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pisang.client.naming import (
    DEFAULT_TEMPLATE,
    MAX_NAME_BYTES,
    check_template,
    render,
    safe_name,
    slug,
)

AT = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)


def test_a_chinese_prompt_keeps_its_characters():
    assert slug("一只可爱的小猫咪，油画风格") == "一只可爱的小猫咪-油画风格"


def test_a_name_is_date_time_and_slug():
    name = render(DEFAULT_TEMPLATE, at=AT, prompt="A red fox", model="m")
    assert name == "20261122_090507_A-red-fox"


@pytest.mark.parametrize(
    "prompt", ["", "   ", "///", "🎨🎨", "\u202e\u200b", "\ud800", "..", "---"]
)
def test_a_prompt_without_letters_is_called_image(prompt: str):
    assert slug(prompt) == "image"


@pytest.mark.parametrize("name", ["CON", "con.png", "NUL", "Com1", "lpt9.txt", "AUX."])
def test_a_name_that_windows_reserves_is_moved_aside(name: str):
    assert safe_name(name).startswith("_")


def test_composed_and_decomposed_letters_become_one_name():
    assert safe_name("cafe\u0301") == safe_name("caf\u00e9")


@given(st.text(max_size=400))
@example("../../etc/passwd")
@example("C:\\Windows\\x")
@example("a" * 5000)
@example("字" * 300)
@example("\ud83d")
@example("-rf")
@example("\u202egnp.exe")
@example("x\0y")
@settings(max_examples=200, deadline=None)
def test_any_text_becomes_one_harmless_component(text: str):
    name = safe_name(text)
    assert name
    assert not set(name) & set('/\\:*?"<>|\0')
    assert name not in (".", "..")
    assert name[0] not in "-. "
    assert len(name.encode()) <= MAX_NAME_BYTES + 1
    assert all(ord(c) >= 32 for c in name)
    assert safe_name(name) == name


@given(st.text(max_size=300), st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_a_rendered_name_is_safe_whatever_the_prompt(prompt: str, model: str):
    name = render("{model}-{slug}", at=AT, prompt=prompt, model=model)
    assert name == safe_name(name)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{date", "braces"),
        ("{user}", "is not a field"),
        ("{slug!r}", "is not a field"),
        ("{slug:>99999999}", "is not a field"),
        ("a/{slug}", "not a folder"),
        ("{slug.__class__}", "is not a field"),
    ],
)
def test_a_wrong_template_says_what_is_wrong(template: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        check_template(template)
