"""Events over real processes: places in the queue, one request's own, coming back, being let go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from pisang.engine.events import Event
from pisang.gateway.news import KEPT, News
from tests.gateway.conftest import Stage, run
from tests.gateway.managing import PRO, Api, managed


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with managed(tmp_path_factory.mktemp("events")) as made:
        yield made


@pytest.fixture(scope="module")
def api(stage: Stage) -> Api:
    return Api(stage)


def listen(api: Api, path: str = "/events", **headers: str) -> tuple[Any, Iterator[dict[str, Any]]]:
    """An open stream, and its events as they come; it is listening once this returns."""
    stream = requests.get(api.base + path, headers=headers, stream=True, timeout=60)
    assert stream.status_code == 200
    lines = stream.iter_lines(decode_unicode=True)
    assert next(lines) == "retry: 3000"
    return stream, frames(lines)


def frames(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    frame: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line == "" and "data" in frame:
            yield {
                **json.loads(frame["data"]),
                "_id": frame.get("id"),
                "_event": frame.get("event"),
            }
            frame = {}
        elif name in ("id", "event", "data"):
            frame[name] = value


def later(api: Api, prompt: str, **wish: Any) -> str:
    body = {"prompt": prompt, "model": PRO, **wish}
    return str(api.post("/generations", body, Prefer="respond-async").json()["id"])


def test_who_waits_is_told_his_place_and_what_comes_after(api: Api) -> None:
    stream, events = listen(api)
    with closing(stream):
        first = later(api, "slow [[sandbox delay=6]]", via="narrow")
        for event in events:
            if (event["kind"], event["request_id"]) == ("sent", first):
                break
        second = later(api, "second in line", via="narrow")
        third = later(api, "third in line", via="narrow")
        places: dict[str, list[int]] = {second: [], third: []}
        kinds: dict[str, list[str]] = {first: [], second: [], third: []}
        for event in events:
            kinds[event["request_id"]].append(event["kind"])
            if event["kind"] == "queued":
                places[event["request_id"]].append(event["place"])
                assert "narrow takes 1 at once" in event["message"]
            if {"done"} <= set(kinds[second]) and {"done"} <= set(kinds[third]):
                break
    assert places[second][0] == 1
    assert places[third][0] == 2
    for request_id in (second, third):
        told = list(dict.fromkeys(kinds[request_id]))
        assert told[-5:] == ["claimed", "sent", "received", "kept", "done"]
        assert "queued" in told


def test_one_request_s_events_end_when_it_is_over(api: Api) -> None:
    request_id = later(api, "watched [[sandbox delay=2]]")
    api.make("somebody else's")
    stream, events = listen(api, f"/requests/{request_id}/events")
    with closing(stream):
        told = list(events)
    *steps, last = told
    assert {one["request_id"] for one in steps} == {request_id}
    assert steps[-1]["kind"] == "done"
    assert last["_event"] == "over"
    assert (last["id"], last["state"], last["under_way"]) == (request_id, "done", False)
    assert len(last["result"]["images"]) == 1
    stream, events = listen(api, f"/requests/{request_id}/events")
    with closing(stream):
        (last,) = events
    assert last["state"] == "done", "of one that is over there is only how it stands"
    assert api.get("/requests/req_nothing/events").status_code == 404


def test_who_was_cut_off_goes_on_where_he_was(api: Api) -> None:
    stream, events = listen(api)
    with closing(stream):
        first = api.make("heard")["request_id"]
        heard = next(one for one in events if one["kind"] == "claimed")
    second = api.make("missed")["request_id"]
    stream, events = listen(api, **{"Last-Event-ID": heard["_id"]})
    with closing(stream):
        missed = []
        for event in events:
            missed.append((event["request_id"], event["kind"]))
            if missed[-1] == (second, "done"):
                break
    assert missed[0] == (first, "sent")
    assert (first, "done") in missed
    for nothing in ("", "other-5", "nonsense", f"{heard['_id']}9999999999999999999"):
        stream, events = listen(api, **{"Last-Event-ID": nothing})
        with closing(stream):
            third = api.make("afresh")["request_id"]
            assert next(events)["request_id"] == third


def test_the_steps_that_are_kept_are_bounded() -> None:
    news = News()
    for number in range(KEPT + 50):
        news.tell(Event("done", f"req_{number}", "att", 0, number), "local")
    boot = news._boot
    with news.listen(None, after=f"{boot}-1") as subscription:
        assert not subscription.over
    with news.listen("another", after=f"{boot}-1") as subscription:
        assert subscription.idle, "another's are not told"


def test_a_listener_whose_key_is_taken_back_is_let_go(api: Api, stage: Stage) -> None:
    """Last in this file: from here on the gateway asks for keys."""
    local, _ = listen(api)
    words = ("key", "create", "--name", "ear", "--role", "read", "--format", "json")
    key = json.loads(run(stage.home, *words).stdout)
    with closing(local):
        assert list(local.iter_lines()) is not None, "who came without a key is let go by the first"
    stream, events = listen(api, Authorization=f"Bearer {key['key']}")
    with closing(stream):
        run(stage.home, "key", "revoke", key["id"])
        assert list(events) == [], "and the stream has ended"
