"""Models in both shapes: one list, whoever serves it."""

from __future__ import annotations

import json

from pisang.domain.catalogue import load
from pisang.wires.base import WireAnswer
from pisang.wires.listing import (
    Host,
    count_tokens,
    list_google_models,
    list_openai_models,
    show_google_model,
    show_openai_model,
)

HOST = Host("somebody", "as somebody makes it")


def told(answer: WireAnswer | None) -> dict[str, object]:
    assert answer is not None
    (body,) = answer.body
    assert isinstance(body, bytes)
    return json.loads(body)


def test_both_shapes_list_the_same_ids_and_show_each_of_them() -> None:
    catalogue = load()
    google = told(list_google_models(catalogue, HOST))["models"]
    openai = told(list_openai_models(catalogue, HOST))["data"]
    assert [one["name"] for one in google] == [f"models/{one['id']}" for one in openai]
    for one in google:
        assert told(show_google_model(catalogue, HOST, one["version"])) == one
    for one in openai:
        assert told(show_openai_model(catalogue, HOST, one["id"])) == one


def test_whose_they_are_is_said_and_what_is_not_there_is_not_shown() -> None:
    catalogue = load()
    one = told(show_google_model(catalogue, HOST, "gemini-3-pro-image"))
    assert str(one["description"]).endswith(", as somebody makes it.")
    assert told(show_openai_model(catalogue, HOST, "gemini-3-pro-image"))["owned_by"] == "somebody"
    assert show_google_model(catalogue, HOST, "nothing") is None
    assert show_openai_model(catalogue, HOST, "nothing") is None


def test_a_count_of_tokens_is_told_as_google_tells_it() -> None:
    assert told(count_tokens(7))["totalTokens"] == 7
