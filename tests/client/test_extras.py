"""`--set`: short words, dotted paths, values."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.client.extras import parse_assignments
from pisang.errors import OptionInvalid


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (
            ["thinking_level=high"],
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "high"}}},
        ),
        (["seed=7", "temperature=0.5"], {"generationConfig": {"seed": 7, "temperature": 0.5}}),
        (["search=true"], {"tools": [{"google_search": {}}]}),
        (["search=false"], {}),
        (["a.b.c=x y"], {"a": {"b": {"c": "x y"}}}),
        (["note=NaN"], {"note": "NaN"}),
        (["list=[1, 2]"], {"list": [1, 2]}),
        (["eq=a=b"], {"eq": "a=b"}),
    ],
)
def test_words_become_fields_of_the_native_body(words: list[str], body: dict[str, object]):
    assert parse_assignments(words, "gemini") == body


def test_another_wire_s_fields_are_taken_as_they_are():
    assert parse_assignments(["max_tokens=9000"], "crawl") == {"max_tokens": 9000}
    assert parse_assignments(["seed=1"], "crawl") == {"seed": 1}


@pytest.mark.parametrize("word", ["novalue", "=x", ".=x", "a=" + "x" * 20_000])
def test_what_is_no_assignment_is_refused(word: str):
    with pytest.raises(OptionInvalid, match="--set"):
        parse_assignments([word], "gemini")


def test_a_field_inside_a_value_is_refused():
    with pytest.raises(OptionInvalid, match="is a value already"):
        parse_assignments(["a=1", "a.b=2"], "gemini")


@given(st.lists(st.text(max_size=40), max_size=4), st.sampled_from(["gemini", "crawl"]))
@settings(max_examples=150, deadline=None)
def test_any_words_are_fields_or_an_error_of_ours(words: list[str], wire: str):
    with contextlib.suppress(OptionInvalid):
        assert isinstance(parse_assignments(words, wire), dict)
