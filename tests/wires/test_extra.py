"""Laying unknown fields back over a body, and the table of wires."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings

from pisang.domain.request import JSON, Request, Text
from pisang.errors import OptionInvalid
from pisang.wires.extra import by_index, overlay, unheard
from pisang.wires.table import WIRES, wire
from tests.wires import strategies as some


@pytest.mark.parametrize(
    ("base", "extra", "laid"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": [{"b": 1}, 2]}, {"a": {"0": {"c": 3}}}, {"a": [{"b": 1, "c": 3}, 2]}),
        ({"a": [1]}, {"a": {"0": 5, "7": 6}}, {"a": [5]}),
        ({"a": [1]}, {"a": {"x": 5}}, {"a": {"x": 5}}),
        ({"a": [1]}, {"a": {"²": 5}}, {"a": {"²": 5}}),
        ({"a": [1]}, {"a": {}}, {"a": [1]}),
        ({"a": 1}, {"a": {}}, {"a": 1}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        (1, 2, 2),
    ],
)
def test_fields_are_laid_over_where_they_belong(base: JSON, extra: JSON, laid: JSON) -> None:
    before = copy.deepcopy(base)
    assert overlay(base, extra) == laid
    assert base == before


@settings(max_examples=100, deadline=None)
@given(some.json_values)
def test_nothing_laid_over_changes_nothing(value: JSON) -> None:
    assert overlay(value, {}) == value


def test_only_what_is_left_is_named_by_its_index() -> None:
    assert by_index([{}, {"a": 1}, {}]) == {"1": {"a": 1}}


def test_fields_of_other_wires_are_each_named_once() -> None:
    extra = {"gemini": {"tools": [], "seed": 1}, "crawl": {}, "openai-chat": {"stop": 1}}
    warnings = unheard(Request((Text("a"),), "m", extra=extra), "crawl")
    assert [warn.message for warn in warnings] == [
        "The crawl wire can't carry seed, tools of gemini.",
        "The crawl wire can't carry stop of openai-chat.",
    ]
    assert unheard(Request((Text("a"),), "m", extra={"crawl": {"x": 1}}), "crawl") == ()


def test_every_wire_is_found_by_its_own_name_and_by_that_of_settings() -> None:
    assert list(WIRES) == ["gemini", "crawl", "openai-images", "openai-chat"]
    for name in WIRES:
        each = wire(name)
        assert wire(name) is wire(each.name) is each


def test_a_wire_that_is_not_there_is_refused_naming_those_that_are() -> None:
    with pytest.raises(OptionInvalid, match="gemini"):
        wire("morse")
