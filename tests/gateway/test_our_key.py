"""What a caller is told of what is not his: an upstream that refuses our key, upstreams' names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from pisang.errors import KeyInvalid, KeyMissing, PermissionDenied, RateLimited
from pisang.gateway.routing import as_told
from tests.gateway.conftest import Stage
from tests.gateway.guarded import FLASH, Guarded, guarding

REFUSED = "x [[sandbox status=401 relay]]"
CHAT = {"model": FLASH, "messages": [{"role": "user", "content": REFUSED}]}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as made:
        yield made


def test_an_upstream_that_refuses_our_key_is_a_502_that_need_not_be_sent_again(
    guarded: Guarded,
) -> None:
    before = guarded.charges
    answers = [
        guarded.paint("own", REFUSED),
        guarded.ask("own", "POST", "/v1/chat/completions", json=CHAT),
        guarded.ask("own", "POST", "/pisang/v1/generations", json={"prompt": REFUSED}),
    ]
    for answer in answers:
        assert answer.status_code == 502, answer.text
        assert answer.headers["x-should-retry"] == "false"
        assert "relay does not take this gateway's own key" in answer.text
        assert "upstream_key_refused" in answer.text
    assert answers[2].json()["error"]["charged"] == "no"
    assert guarded.charges == before


def test_the_stored_outcome_says_the_same(guarded: Guarded) -> None:
    later = {"Prefer": "respond-async"}
    asked = guarded.ask(
        "own", "POST", "/pisang/v1/generations", json={"prompt": REFUSED + " later"}, headers=later
    )
    told = guarded.ask("own", "GET", f"/pisang/v1/generations/{asked.json()['id']}?wait_s=20")
    assert told.json()["error"]["code"] == "upstream_key_refused"


def test_only_what_is_about_our_key_is_told_otherwise() -> None:
    for error in (KeyInvalid, KeyMissing, PermissionDenied):
        assert as_told(error(upstream="relay")).code == "upstream_key_refused"
    limited = RateLimited(upstream="relay")
    assert as_told(limited) is limited


@pytest.mark.parametrize("whose", ["own", "admin"])
def test_a_name_that_no_upstream_has_does_not_list_those_there_are(
    guarded: Guarded, whose: str
) -> None:
    named = {"X-Pisang-Upstream": "relai"}
    wish = {"prompt": "x", "via": "relai"}
    for answer in (
        guarded.paint(whose, "a plum", headers=named),
        guarded.ask(whose, "POST", "/pisang/v1/generations", json=wish),
    ):
        assert answer.status_code == 404
        assert "'relay'" not in answer.text
        assert "relay" not in answer.text.replace("relai", "")
    assert "relay" in guarded.ask("admin", "GET", "/pisang/v1/upstreams").text


def test_no_operation_is_described_twice_under_one_id(stage: Stage) -> None:
    described = requests.get(f"{stage.url}/openapi.json", timeout=30).json()
    ids = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))


def test_what_stopped_a_wish_before_it_was_sent_is_in_the_ledger_too(guarded: Guarded) -> None:
    """No answer of the API hangs on what one process remembers."""
    wish = {"prompt": "too dear", "model": "gemini-3-pro-image"}
    later = {"Prefer": "respond-async"}
    asked = guarded.ask("poor", "POST", "/pisang/v1/generations", json=wish, headers=later)
    assert asked.status_code == 202, asked.text
    request_id = asked.json()["id"]
    told = guarded.ask("poor", "GET", f"/pisang/v1/generations/{request_id}?wait_s=20").json()
    assert told["error"]["code"] == "budget_exceeded"
    shown = guarded.pisang("show", request_id)  # another process
    assert shown["attempts"][0]["error"] == "budget_exceeded"
