"""Whose what is, over the management API: another's is answered as what is not there."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import requests

from tests.gateway.conftest import Stage, run

PRO = "gemini-3-pro-image"


class Visitor:
    """Somebody with a key of his own."""

    def __init__(self, stage: Stage, name: str, role: str) -> None:
        words = ("key", "create", "--name", name, "--role", role, "--format", "json")
        self.base = f"{stage.url}/pisang/v1"
        self.key = json.loads(run(stage.home, *words).stdout)["key"]

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return requests.request(method, f"{self.base}{path}", headers=headers, timeout=60, **more)

    def make(self, prompt: str) -> requests.Response:
        return self.ask("POST", "/generations", json={"prompt": prompt, "model": PRO})


@pytest.fixture(scope="module")
def visitors(stage: Stage) -> dict[str, Visitor]:
    roles = {"anna": "use", "bert": "use", "reader": "read", "boss": "admin"}
    return {name: Visitor(stage, name, role) for name, role in roles.items()}


@pytest.fixture(scope="module")
def annas(visitors: dict[str, Visitor]) -> dict[str, str]:
    """What Anna has: a request, its image, and an attempt of unknown outcome."""
    anna = visitors["anna"]
    made = anna.make("Anna's heron").json()
    lost = anna.make("lost [[sandbox html=524]]")
    assert lost.status_code == 424
    (unknown,) = anna.ask("GET", "/unknowns").json()["unknown"]
    return {
        "request": made["request_id"],
        "image": made["images"][0]["sha256"],
        "attempt": unknown["id"],
    }


OWNED = (
    ("GET", "/generations/{request}"),
    ("GET", "/requests/{request}"),
    ("GET", "/requests/{request}/response"),
    ("GET", "/requests?before={request}"),
    ("POST", "/requests/{request}/cancel"),
    ("DELETE", "/requests/{request}"),
    ("GET", "/images/{image}"),
    ("POST", "/unknowns/{attempt}/look"),
    ("POST", "/unknowns/{attempt}/rebuy"),
    ("POST", "/unknowns/{attempt}/write-off"),
)
"""Every route that names something of somebody's."""

NOBODYS = {"request": "req_" + "0" * 26, "image": "0" * 64, "attempt": "att_" + "0" * 26}


@pytest.mark.parametrize(("method", "path"), OWNED)
def test_another_s_is_answered_to_the_letter_as_what_is_not_there(visitors, annas, method, path):
    bert = visitors["bert"]
    anothers = bert.ask(method, path.format(**annas))
    nobodys = bert.ask(method, path.format(**NOBODYS))
    assert (anothers.status_code, nobodys.status_code) == (404, 404)
    said = anothers.text
    for name, mine in annas.items():
        said = said.replace(mine, NOBODYS[name])
    assert said == nobodys.text


def test_lists_hold_one_s_own(visitors, annas):
    bert, boss = visitors["bert"], visitors["boss"]
    mine = bert.make("Bert's bear").json()["request_id"]
    assert [one["id"] for one in bert.ask("GET", "/requests").json()["requests"]] == [mine]
    assert bert.ask("GET", "/unknowns").json() == {"unknown": []}
    (row,) = bert.ask("GET", "/usage").json()["rows"]
    assert (row["spent"], row["at_stake"]) == ("0.134", "0.00")
    all_of_them = [one["id"] for one in boss.ask("GET", "/requests").json()["requests"]]
    assert {mine, annas["request"]} <= set(all_of_them)
    (row,) = boss.ask("GET", "/usage").json()["rows"]
    assert (row["spent"], row["at_stake"]) == ("0.268", "0.134")


def test_another_s_picture_is_no_reference_and_another_s_key_no_repeat(visitors, annas):
    anna, bert = visitors["anna"], visitors["bert"]
    for picture in (annas["image"], annas["request"]):
        wish = {"prompt": "mine now", "model": PRO, "image": picture}
        assert bert.ask("POST", "/generations", json=wish).status_code == 404
    ids = set()
    for one in (anna, bert):
        wish = {"prompt": "one key of two", "model": PRO}
        same = {"Idempotency-Key": "the-same"}
        ids.add(one.ask("POST", "/generations", json=wish, headers=same).json()["request_id"])
    assert len(ids) == 2


def test_who_may_only_read_buys_and_deletes_nothing(visitors, stage):
    before = len(stage.charges)
    reader = visitors["reader"]
    assert reader.ask("GET", "/requests").status_code == 200
    assert reader.make("not for me").status_code == 403
    assert reader.ask("DELETE", f"/requests/{NOBODYS['request']}").status_code == 403
    assert len(stage.charges) == before


def test_who_has_no_key_is_told_so_as_json(visitors):
    for headers in ({}, {"Authorization": "Bearer psk_wrong"}):
        answer = requests.get(f"{visitors['anna'].base}/requests", headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "key_invalid")


def test_nobody_hears_of_another_s_requests(visitors):
    anna, bert = visitors["anna"], visitors["bert"]
    headers = {"Authorization": f"Bearer {bert.key}"}
    with requests.get(f"{bert.base}/events", headers=headers, stream=True, timeout=30) as stream:
        told = stream.iter_lines(decode_unicode=True)
        lines = (line for line in told if line.startswith(("data:", "retry:")))
        next(lines)
        anna.make("not heard")
        made: dict[str, Any] = {}
        thread = threading.Thread(target=lambda: made.update(bert.make("heard").json()))
        thread.start()
        first = json.loads(next(lines).removeprefix("data: "))
        thread.join()
    assert first["request_id"] == made["request_id"]
