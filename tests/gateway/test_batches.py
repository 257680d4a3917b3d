"""Batches over the API: written down, made beside live calls, asked about, called off."""

from __future__ import annotations

import hashlib
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.gateway.conftest import Stage, run, serving
from tests.gateway.managing import FLASH, PRO, Api, managed


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with managed(tmp_path_factory.mktemp("batches")) as made:
        yield made


@pytest.fixture
def api(stage: Stage) -> Api:
    return Api(stage)


def give(api: Api, prompts: list[str], headers: dict[str, str] | None = None, **more: Any) -> Any:
    body = {"rows": [{"prompt": one} for one in prompts], "defaults": {"model": FLASH}, **more}
    return api.ask("POST", "/batches", json=body, headers=headers or {})


def wait(api: Api, batch_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told = api.get(f"/batches/{batch_id}").json()
        if told["over"]:
            return told
        time.sleep(0.1)
    raise AssertionError("it never ended")


def bought(stage: Stage, prompt: str) -> int:
    digest = hashlib.sha256(prompt.encode()).hexdigest()
    return sum(one["prompt_sha256"] == digest for one in stage.charges)


def test_every_row_is_made_once_and_can_be_read_with_its_images(api: Api, stage: Stage) -> None:
    before = len(stage.charges)
    made = give(api, [f"heron {number}" for number in range(5)], name="herons", concurrency=2)
    assert made.status_code == 201, made.text
    batch_id = made.json()["id"]
    assert made.headers["location"] == f"/pisang/v1/batches/{batch_id}"
    told = wait(api, batch_id)
    assert (told["name"], told["rows"]["states"], told["failures"]) == ("herons", {"done": 5}, {})
    assert told["cost"]["spent"] == ["0.335 USD"]
    assert told["limits"]["concurrency"] == 2
    assert len(stage.charges) - before == 5
    page = api.get(f"/batches/{batch_id}/rows", params={"limit": 3}).json()
    rest = api.get(f"/batches/{batch_id}/rows", params={"after": page["next"]}).json()
    rows = page["rows"] + rest["rows"]
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["prompt"] for row in rows] == [f"heron {number}" for number in range(5)]
    for row in rows:
        (image,) = row["images"]
        assert requests.get(api.root + image["url"], timeout=30).status_code == 200
    assert rest["next"] is None
    assert batch_id in [one["id"] for one in api.get("/batches").json()["batches"]]


def test_given_again_it_is_the_same_batch_and_nothing_is_bought_twice(
    api: Api, stage: Stage
) -> None:
    before = len(stage.charges)
    first = give(api, ["a crane", "another crane"])
    again = give(api, ["a crane", "another crane"])
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == again.headers["x-pisang-attached"] == first.json()["id"]
    wait(api, first.json()["id"])
    keyed = [give(api, ["a crane", "another crane"], {"Idempotency-Key": "k1"}) for _ in range(2)]
    assert keyed[0].json()["id"] == keyed[1].json()["id"] != first.json()["id"]
    other = give(api, ["no crane"], {"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_mismatch")
    anew = give(api, ["a crane", "another crane"], {"X-Pisang-New": "1"})
    assert anew.status_code == 201
    for one in (keyed[0], anew):
        wait(api, one.json()["id"])
    assert len(stage.charges) - before == 6


def test_equal_batches_given_at_once_are_one(api: Api, stage: Stage) -> None:
    before, answers = len(stage.charges), []
    prompts = [f"swift {number}" for number in range(8)]
    threads = [
        threading.Thread(target=lambda: answers.append(give(api, prompts))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (batch_id,) = {one.json()["id"] for one in answers}
    assert wait(api, batch_id)["rows"]["total"] == 8
    assert len(stage.charges) - before == 8


def test_what_is_wrong_is_told_for_every_row_and_nothing_is_written_down(
    api: Api, stage: Stage
) -> None:
    rows = [{"prompt": "fine"}, {"prompt": ""}, {"prompt": "x", "image_size": "9K"}, {"n": 1}]
    body = {"rows": rows, "defaults": {"model": PRO}}
    before = len(api.get("/batches").json()["batches"])
    refused = api.post("/batches", body)
    assert refused.status_code == 400
    said = refused.json()["error"]["message"]
    assert all(f"row {number}: " in said for number in (2, 3, 4)), said
    assert "row 1: " not in said
    for wrong in ({"rows": []}, {"rows": ["x"]}, {}, {"rows": [{"prompt": "x"}], "odd": 1}):
        assert api.post("/batches", wrong).status_code == 400
    assert len(api.get("/batches").json()["batches"]) == before


def give_list(api: Api, kind: str, body: str, **query: Any) -> requests.Response:
    return api.ask(
        "POST", "/batches", data=body.encode(), params=query, headers={"content-type": kind}
    )


LONG = ("a scoter " * 4000).strip()
GOOGLE = {"contents": [{"parts": [{"text": "a smew"}]}]}


@pytest.mark.parametrize(
    ("kind", "body", "query", "prompts"),
    [
        ("text/csv; charset=utf-8", "colour,比例,name\nred,16:9,x\n蓝,1:1,y\n",
         {"prompt": "a {colour} teal"}, ["a red teal", "a 蓝 teal"]),
        ("text/tab-separated-values", "提示词\tn\na pintail\t2\n", {}, ["a pintail"]),
        ("application/jsonl", '"a gadwall"\n\n{"prompt": "a wigeon", "tags": ["t"]}\n', {},
         ["a gadwall", "a wigeon"]),
        ("application/x-ndjson", json.dumps({"key": "k", "request": GOOGLE}), {}, ["a smew"]),
        ("application/json", json.dumps(["a scaup", {"prompt": LONG, "ratio": "1:1"}]), {},
         ["a scaup", LONG]),
    ],
    ids=["csv", "tsv", "jsonl", "google", "json"],
)  # fmt: skip
def test_a_list_is_a_body_too_and_its_options_stand_in_the_query(
    api: Api, stage: Stage, kind: str, body: str, query: dict[str, str], prompts: list[str]
) -> None:
    before = len(stage.charges)
    options = {**query, "model": FLASH, "name": "ducks", "concurrency": "3", "every_s": "0.01"}
    dry = give_list(api, kind, body, dry_run="true", **options)
    assert dry.json()["rows"] == len(prompts), dry.text
    made = give_list(api, kind, body, **options)
    assert made.status_code == 201, made.text
    told = wait(api, made.json()["id"])
    assert (told["name"], told["rows"]["states"]) == ("ducks", {"done": len(prompts)})
    assert (told["limits"]["concurrency"], told["limits"]["every_s"]) == (3, 0.01)
    rows = api.get(f"/batches/{told['id']}/rows").json()["rows"]
    assert [row["prompt"].strip() for row in rows] == prompts
    assert len(stage.charges) - before == sum(len(row["images"]) for row in rows)
    again = give_list(api, kind, body, **options)
    assert again.json()["id"] == again.headers["x-pisang-attached"] == told["id"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", "prompt,ratio,n\nfine,1:1,1\n,1:1,1\nx,17:1,1\ny,1:1,many\nz,1:1,1,1,1\n"),
        ("application/jsonl", '"fine"\n""\n{"prompt": "x", "ratio": "17:1"}\n{\n{"odd": 1}\n'),
        ("application/json", '["fine", "", {"prompt": "x", "ratio": "17:1"}, 7, {"odd": 1}]'),
    ],
    ids=["csv", "jsonl", "json"],
)  # fmt: skip
def test_all_that_is_wrong_in_a_list_is_told_at_once_by_line(
    api: Api, kind: str, body: str
) -> None:
    before = len(api.get("/batches").json()["batches"])
    refused = give_list(api, kind, body, model=FLASH)
    assert refused.status_code == 400, refused.text
    error = refused.json()["error"]
    first = 3 if kind == "text/csv" else 2
    assert error["code"] == "rows_wrong" and error["message"].startswith("list: 4 wrong")
    for line in range(first, first + 4):
        assert f"\n  {line}: " in error["message"], error["message"]
    assert len(api.get("/batches").json()["batches"]) == before


def test_a_list_that_is_none_or_whose_options_are_wrong_is_refused(api: Api) -> None:
    for kind, body, query in (
        ("text/csv", "", {}), ("text/csv", "prompt\n", {}), ("application/jsonl", "", {}),
        ("application/json", "[]", {}), ("text/csv", "prompt\nx\n", {"concurrency": "many"}),
        ("text/csv", "prompt\nx\n", {"every_s": "-1"}), ("text/csv", "a,a\n1,2\n", {}),
        ("text/csv", "prompt\nx\n", {"max_cost": "much"}),
        ("text/csv", "name\nx\n", {"prompt": "{nothing}"}),
        ("application/jsonl", "\x81\xff", {}),
    ):  # fmt: skip
        refused = give_list(api, kind, body, model=FLASH, **query)
        assert refused.status_code == 400, (kind, body, query, refused.text)
    large = give_list(api, "text/csv", "prompt\n" + "x" * (17 << 20), model=FLASH)
    assert large.status_code == 413


def test_a_dry_run_says_what_it_would_cost_and_writes_nothing_down(api: Api) -> None:
    before = len(api.get("/batches").json()["batches"])
    body = {"rows": [{"prompt": "x", "model": PRO, "n": 3}, {"prompt": "y", "model": FLASH}]}
    told = api.ask("POST", "/batches", params={"dry_run": "true"}, json=body)
    assert told.json() == {"rows": 2, "images": 4, "price": ["0.469 USD"], "unpriced": 0}
    assert len(api.get("/batches").json()["batches"]) == before


def test_failed_and_unknown_rows_are_told_and_bought_again_only_when_told(
    api: Api, stage: Stage
) -> None:
    lost = "lost owl [[sandbox html=524]]"
    batch_id = give(api, [lost, "an owl", "no owl [[sandbox status=400]]"]).json()["id"]
    told = wait(api, batch_id)
    assert told["rows"]["states"] == {"unknown": 1, "done": 1, "failed": 1}
    assert told["cost"]["at_stake"] == ["0.067 USD"]
    params = {"state": ["unknown"]}
    (row,) = api.get(f"/batches/{batch_id}/rows", params=params).json()["rows"]
    assert (row["row"], row["error"]["code"]) == (1, "outcome_unknown")
    assert api.post(f"/batches/{batch_id}/retry").json() == {"id": batch_id, "rows": 1}
    wait(api, batch_id)
    assert bought(stage, lost) == 1
    again = api.ask("POST", f"/batches/{batch_id}/retry", params={"unknown": "true"})
    assert again.json()["rows"] == 2
    wait(api, batch_id)
    assert bought(stage, lost) == 2
    assert bought(stage, "an owl") == 1


def test_cancelled_it_begins_nothing_more_and_resumed_it_goes_on(api: Api, stage: Stage) -> None:
    prompts = [f"tern {number} [[sandbox delay=1]]" for number in range(6)]
    batch_id = give(api, prompts, concurrency=1).json()["id"]
    while not api.get(f"/batches/{batch_id}").json()["rows"]["taken"]:
        time.sleep(0.05)
    cancelled = api.post(f"/batches/{batch_id}/cancel").json()
    assert cancelled["state"] == "cancelled"
    told = wait(api, batch_id)
    assert told["rows"]["waiting"] >= 3
    assert api.post(f"/batches/{batch_id}/resume").json()["state"] == "open"
    assert wait(api, batch_id)["rows"]["states"] == {"done": 6}


def test_a_call_that_somebody_waits_for_goes_before_the_rows_of_a_batch(api: Api) -> None:
    """Both want the one slot of an upstream that takes one at a time."""
    prompts = [f"plover {number} [[sandbox delay=1]]" for number in range(6)]
    defaults = {"model": PRO, "via": "narrow"}
    batch_id = give(api, prompts, defaults=defaults).json()["id"]
    while not api.get(f"/batches/{batch_id}").json()["rows"]["states"].get("sent"):
        time.sleep(0.05)
    api.make("I wait for this", via="narrow")
    told = api.get(f"/batches/{batch_id}").json()["rows"]
    assert told["states"].get("done", 0) <= 2
    assert wait(api, batch_id)["rows"]["states"] == {"done": 6}


def test_a_listener_hears_how_it_goes_on_until_it_is_over(api: Api) -> None:
    prompts = [f"gull {number} [[sandbox delay=1]]" for number in range(3)]
    batch_id = give(api, prompts, concurrency=1).json()["id"]
    with requests.get(f"{api.base}/batches/{batch_id}/events", stream=True, timeout=30) as stream:
        lines = [line for line in stream.iter_lines(decode_unicode=True) if line]
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert kinds[-1] == "over"
    assert kinds.count("progress") >= 2
    last = json.loads(lines[-1].removeprefix("data: "))
    assert (last["over"], last["rows"]["states"]) == (True, {"done": 3})


def test_a_server_that_stops_sees_through_what_was_sent_and_the_next_goes_on(
    tmp_path_factory: pytest.TempPathFactory, stage: Stage
) -> None:
    home = tmp_path_factory.mktemp("stopping") / "home"
    run(
        home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", stage.upstream,
        "--auth", "bearer", "--key-stdin", stdin="sk-made-up\n",
    )  # fmt: skip
    before = len(stage.charges)
    with serving(home, "serve") as (url, server):
        api = Api(Stage(url, home, stage.book, stage.upstream))
        prompts = [f"wren {number} [[sandbox delay=1]]" for number in range(4)]
        batch_id = give(api, prompts, concurrency=1).json()["id"]
        while not api.get(f"/batches/{batch_id}").json()["rows"]["states"].get("sent"):
            time.sleep(0.05)
        server.terminate()
        assert server.wait(timeout=30) == 0
    sent = len(stage.charges) - before
    assert 0 < sent < 4
    with serving(home, "serve") as (url, _):
        api = Api(Stage(url, home, stage.book, stage.upstream))
        assert wait(api, batch_id)["rows"]["states"] == {"done": 4}
    assert len(stage.charges) - before == 4


def test_killed_in_the_middle_the_next_server_goes_on_and_buys_nothing_twice(
    tmp_path_factory: pytest.TempPathFactory, stage: Stage
) -> None:
    home = tmp_path_factory.mktemp("killed") / "home"
    run(
        home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", stage.upstream,
        "--auth", "bearer", "--key-stdin", stdin="sk-made-up\n",
    )  # fmt: skip
    kills, count = (6, 60) if os.environ.get("PISANG_CRASH") == "long" else (1, 12)
    prompts = [f"wagtail {number} [[sandbox delay=0.5]]" for number in range(count)]
    batch_id = ""
    for _ in range(kills):
        with serving(home, "serve") as (url, server):
            api = Api(Stage(url, home, stage.book, stage.upstream))
            given = give(api, prompts, concurrency=3)  # its caller was cut too, and sends it again
            assert batch_id in ("", given.json()["id"])
            batch_id = given.json()["id"]
            time.sleep(random.uniform(0.2, 1.5))
            server.kill()
    with serving(home, "serve") as (url, _):
        api = Api(Stage(url, home, stage.book, stage.upstream))
        told = wait(api, batch_id)
    states = told["rows"]["states"]
    assert states.get("done", 0) + states.get("unknown", 0) == count, states
    assert states.get("unknown", 0) <= 3 * kills, "as many as were under way at the kills"
    assert max(bought(stage, prompt) for prompt in prompts) == 1
    assert sum(bought(stage, prompt) for prompt in prompts) >= states["done"]
