"""The management API over a real gateway: what there was, what it cost, what happens now."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.gateway.conftest import Stage
from tests.gateway.managing import PRO, Api, managed, until


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with managed(tmp_path_factory.mktemp("management")) as stage:
        yield stage


@pytest.fixture(scope="module")
def api(stage: Stage) -> Api:
    return Api(stage)


# --- requests ------------------------------------------------------------------------------------


def test_the_history_is_searched_by_words_state_and_tag_and_read_page_by_page(api):
    made = [api.make(f"heron number {n}", tags=["numbered"])["request_id"] for n in range(3)]
    found = api.get("/requests", params={"tag": "numbered", "query": "number", "limit": 2}).json()
    assert [one["id"] for one in found["requests"]] == made[:0:-1]
    rest = api.get("/requests", params={"tag": "numbered", "before": found["next"]}).json()
    assert [one["id"] for one in rest["requests"]] == made[:1]
    assert rest["next"] is None
    for other in ({"state": "failed"}, {"since": "2099"}, {"query": "letter"}):
        answer = api.get("/requests", params={"tag": "numbered", **other})
        assert answer.json() == {"requests": [], "next": None}


@pytest.mark.parametrize(
    "query", ["h%n", "h_ron", "\\", "' OR 1=1 --", '"; DROP TABLE requests', "\0"]
)
def test_what_is_special_to_the_database_is_looked_for_as_it_stands(api, query):
    answer = api.get("/requests", params={"query": query})
    assert (answer.status_code, answer.json()["requests"]) == (200, [])


@pytest.mark.parametrize(
    "asked",
    [{"limit": 0}, {"limit": 10**6}, {"limit": "x"}, {"state": "lost"}, {"since": "soon"},
     {"query": "x" * 10_000}],
)  # fmt: skip
def test_a_question_beyond_the_caps_is_refused(api, asked):
    answer = api.get("/requests", params=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "option_invalid")


def test_a_request_is_shown_with_its_attempts(api):
    made = api.make("shown")
    shown = api.get(f"/requests/{made['request_id']}").json()
    assert shown["prompt"] == "shown"
    assert [(one["state"], one["cost"]) for one in shown["attempts"]] == [("done", "0.134 USD")]
    assert api.get("/requests/req_nothing").status_code == 404
    assert api.get(f"/requests/{made['request_id'][:-1]}").status_code == 404


def test_the_stored_answer_is_the_upstream_s_own_bytes(api):
    made = api.make("kept as it came")
    answer = api.get(f"/requests/{made['request_id']}/response")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    part = json.loads(answer.content)["candidates"][0]["content"]["parts"][0]
    data = base64.b64decode(part["inlineData"]["data"])
    assert hashlib.sha256(data).hexdigest() == made["images"][0]["sha256"]
    url = f"{api.root}/v1beta/models/{PRO}:generateContent"
    body = {"contents": [{"parts": [{"text": "asked on the wire itself"}]}]}
    asked = requests.post(url, json=body, timeout=60)
    again = api.get(f"/requests/{asked.headers['x-pisang-request-id']}/response")
    assert again.content == asked.content


def test_what_waits_for_its_turn_is_called_off_free_and_what_was_sent_is_seen_through(stage):
    """A relay that takes one at a time: the first is sent, the second waits."""
    api = Api(stage)
    slow = {"prompt": "first [[sandbox delay=2]]", "model": PRO, "via": "narrow"}
    waiting = {"prompt": "second", "model": PRO, "via": "narrow"}
    before = len(stage.charges)
    first = api.post("/generations", slow, Prefer="respond-async").json()["id"]
    until(lambda: api.get(f"/requests/{first}").json()["state"] == "sent")
    second = api.post("/generations", waiting, Prefer="respond-async").json()["id"]
    told = api.post(f"/requests/{second}/cancel").json()
    assert told == {"id": second, "state": "failed", "cancelled": True}
    assert api.wait(second)["error"]["code"] == "cancelled"
    assert api.post(f"/requests/{first}/cancel").json()["cancelled"] is False
    assert api.wait(first)["state"] == "done"
    assert len(stage.charges) == before + 1


def test_what_is_deleted_is_gone_and_its_cost_stays(api):
    made = api.make("to be deleted")
    spent = api.get("/usage").json()["rows"]
    gone = api.ask("DELETE", f"/requests/{made['request_id']}")
    assert gone.status_code == 200
    assert requests.get(api.root + made["images"][0]["url"], timeout=30).status_code == 404
    assert api.get(f"/requests/{made['request_id']}/response").status_code == 404
    assert made["request_id"] not in api.get("/requests").text
    assert [one["spent"] for one in api.get("/usage").json()["rows"]] == [
        one["spent"] for one in spent
    ]


# --- images --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image(api: Api) -> tuple[str, bytes]:
    (made,) = api.make("an image to be read in parts")["images"]
    url = api.root + made["url"]
    return url, requests.get(url, timeout=30).content


def test_the_bytes_of_an_image_can_be_kept_for_ever_and_run_nowhere(image):
    url, data = image
    answer = requests.get(url, timeout=30)
    head = requests.head(url, timeout=30)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["content-disposition"].startswith('inline; filename="')
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(data)
    etag = {"If-None-Match": answer.headers["etag"]}
    assert requests.get(url, headers=etag, timeout=30).status_code == 304


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-10", 206, slice(-10, None)),
        ("bytes=5-99999999999", 206, slice(5, None)),
        ("bytes=-99999999999", 200, slice(None)),
        ("bytes=99999999999-", 416, None),
        ("bytes=9-2", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=0-1,3-4", 416, None),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(500)), 416, None),
        ("bytes=a-b", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        ("lines=0-1", 200, slice(None)),
    ],
)
def test_one_range_of_an_image_is_given(image, asked, status, part):
    url, data = image
    answer = requests.get(url, headers={"Range": asked}, timeout=30)
    assert answer.status_code == status
    if part is not None:
        assert answer.content == data[part]
    else:
        assert answer.headers["content-range"] == f"bytes */{len(data)}"


@pytest.mark.parametrize(
    "name", ["0" * 64, "0" * 63, "..%2f..%2fconfig.toml", "%00", "a" * 5000, "%ff", "..", "a\\b"]
)
def test_what_is_no_image_of_mine_is_not_there(api, name):
    answer = requests.get(f"{api.base}/images/{name}", timeout=30)
    assert answer.status_code == 404


# --- unknowns ------------------------------------------------------------------------------------


@pytest.fixture
def lost(api: Api) -> dict[str, Any]:
    """An attempt of unknown outcome."""
    body = {"prompt": f"lost at {time.time_ns()} [[sandbox html=524]]", "model": PRO}
    request_id = api.post("/generations", body).json()["error"]["request_id"]
    rows = api.get("/unknowns").json()["unknown"]
    return next(one for one in rows if one["request_id"] == request_id)


def test_an_unknown_attempt_is_looked_at_for_free_and_written_off(api, stage, lost):
    before = len(stage.charges)
    looked = api.post(f"/unknowns/{lost['id']}/look")
    assert looked.status_code == 200
    assert looked.json()["images"] == []
    assert looked.json()["at_stake"] == "0.134 USD"
    assert len(stage.charges) == before
    gone = api.post(f"/unknowns/{lost['id']}/write-off").json()
    assert gone == {"id": lost["id"], "state": "written_off"}
    assert api.post(f"/unknowns/{lost['id']}/look").status_code == 404


def test_an_unknown_attempt_is_bought_again_on_the_record(api, stage):
    """Its upstream gave it up the first time, and makes it the second."""
    wish = {"prompt": "a flaky heron", "model": PRO, "via": "flaky"}
    first = api.post("/generations", wish)
    assert first.status_code == 424
    rows = api.get("/unknowns").json()["unknown"]
    (row,) = [one for one in rows if one["request_id"] == first.json()["error"]["request_id"]]
    bought = api.post(f"/unknowns/{row['id']}/rebuy")
    assert bought.status_code == 200, bought.text
    assert bought.json()["state"] == "done"
    states = api.get(f"/requests/{row['request_id']}").json()["attempts"]
    assert [one["state"] for one in states] == ["rebought"]


# --- books ---------------------------------------------------------------------------------------


def test_usage_is_the_ledger_s_as_json_and_as_csv(api, stage):
    told = api.get("/usage", params={"by": "model"}).json()
    assert told["rows"] == stage.pisang("cost", "--by", "model")["rows"]
    text = api.get("/usage", params={"by": "model"}, headers={"Accept": "text/csv"})
    assert text.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert [(one["model"], one["spent"]) for one in rows] == [
        (one["name"], one["spent"] or "") for one in told["rows"]
    ]
    assert api.get("/usage", params={"by": "colour"}).status_code == 400


def test_upstreams_are_told_without_their_secrets_and_models_with_their_prices(api):
    told = api.get("/upstreams")
    assert "relay" in [one["name"] for one in told.json()["upstreams"]]
    assert "made-up" not in told.text
    assert told.json()["upstreams"][0]["key"] == "…", "a short one's end would tell too much"
    assert PRO in [one["id"] for one in api.get("/models").json()["models"]]


# --- events --------------------------------------------------------------------------------------


def test_the_steps_of_my_requests_are_told_as_they_happen(api, stage):
    with requests.get(f"{api.base}/events", stream=True, timeout=30) as stream:
        frames = _frames(stream)
        assert next(frames) == "retry: 3000"
        made: dict[str, Any] = {}
        thread = threading.Thread(target=lambda: made.update(api.make("watched")))
        thread.start()
        kinds = []
        for frame in frames:
            event = json.loads(frame.removeprefix("data: "))
            kinds.append(event["kind"])
            if event["kind"] == "done":
                break
        thread.join()
    assert event["request_id"] == made["request_id"]
    assert kinds[:3] == ["begun", "claimed", "sent"]
    assert set(kinds) >= {"received", "kept", "done"}


def test_a_call_on_another_wire_is_heard_of_too(api):
    with requests.get(f"{api.base}/events", stream=True, timeout=30) as stream:
        frames = _frames(stream)
        next(frames)
        url = f"{api.root}/v1beta/models/{PRO}:generateContent"
        body = {"contents": [{"parts": [{"text": "heard of"}]}]}
        requests.post(url, json=body, timeout=60)
        assert json.loads(next(frames).removeprefix("data: "))["kind"] == "begun"


def _frames(stream: requests.Response) -> Iterator[str]:
    lines = stream.iter_lines(decode_unicode=True)
    return (line for line in lines if line.startswith(("data:", "retry:")))
