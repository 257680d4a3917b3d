"""What `/metrics` says after calls whose ends are known, and that its labels stay few."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from pisang.domain.access import Role
from pisang.domain.catalogue import load
from pisang.domain.money import Money
from pisang.gateway.calls import CallRecord, note_fell_behind, note_keep_alive
from pisang.gateway.metrics import BUCKETS_S, COUNTERS, TIMES, Level, Metrics
from pisang.gateway.operations import Operations
from pisang.gateway.routes import role_for
from tests.gateway.conftest import ROOT, Stage

PRO = "gemini-3-pro-image"


def ask(url: str, prompt: str, model: str = PRO, headers: Mapping[str, str] | None = None) -> int:
    """Ask for a picture, to the last byte; the status."""
    body = json.dumps({"contents": [{"parts": [{"text": prompt}]}]}).encode()
    told = {"content-type": "application/json", **(headers or {})}
    address = f"{url}/v1beta/models/{model}:generateContent"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, told)) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.read()
        return error.code


def scrape(url: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


class Change:
    """By how much samples grew over a few calls."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._before = scrape(url)

    def of(self, name: str, **labels: str) -> float:
        after = scrape(self._url)
        wanted = labels.items()
        return sum(
            value - self._before.get(key, 0.0)
            for key, value in after.items()
            if key[0] == name and wanted <= dict(key[1]).items()
        )


def test_each_call_is_counted_once_by_how_it_ended_and_what_it_cost(stage: Stage) -> None:
    change, charged = Change(stage.url), len(stage.charges)
    assert ask(stage.url, "a counted lake") == 200
    assert ask(stage.url, "a refused lake [[sandbox status=503]]") == 503
    assert ask(stage.url, "an odd lake [[sandbox html=524]]") == 424
    assert change.of("pisang_requests_total") == 3
    asked = {"wire": "gemini", "model": PRO, "upstream": "relay"}
    assert change.of("pisang_requests_total", **asked, outcome="ok") == 1
    assert change.of("pisang_requests_total", **asked, outcome="overloaded") == 1
    assert change.of("pisang_requests_total", **asked, outcome="outcome_unknown") == 1
    assert change.of("pisang_attempts_total", state="done") == 1
    assert change.of("pisang_attempts_total", state="failed") == 3  # free: it is sent again
    assert change.of("pisang_attempts_total", state="unknown") == 1
    assert change.of("pisang_spent_micros_total", upstream="relay", currency="USD") == 134_000
    assert change.of("pisang_unknown_attempts", upstream="relay") == 1
    assert change.of("pisang_unknown_at_stake_micros", currency="USD") == 134_000
    assert change.of("pisang_http_responses_total", kind="paid", status="424") == 1
    assert len(stage.charges) >= charged + 1


def test_every_phase_of_a_call_that_was_answered_is_timed_once(stage: Stage) -> None:
    change = Change(stage.url)
    assert ask(stage.url, "a timed lake") == 200
    for phase in ("intake", "claim", "first_byte", "body", "settle", "answer"):
        assert change.of("pisang_phase_seconds_count", phase=phase) == 1, phase
    assert change.of("pisang_request_seconds_count", outcome="ok") == 1
    assert change.of("pisang_answered_bytes_total", kind="paid") > 10_000


def test_a_twin_that_joins_is_counted_and_spends_nothing(stage: Stage) -> None:
    assert ask(stage.url, "a joined lake [[sandbox html=524]]") == 424
    change = Change(stage.url)
    assert ask(stage.url, "a joined lake [[sandbox html=524]]") == 424
    assert change.of("pisang_attempts_total") == 0
    assert change.of("pisang_spent_micros_total") == 0
    assert change.of("pisang_requests_total", outcome="outcome_unknown") == 1


def test_a_model_that_nobody_configured_is_other_and_a_wrong_path_no_label(stage: Stage) -> None:
    change = Change(stage.url)
    for number in range(5):
        ask(stage.url, "a lake [[sandbox status=400]]", model=f"made-up-{number}")
        ask(stage.url + f"/path-{number}", "a lake")
    assert change.of("pisang_requests_total", model="other") >= 5
    words = " ".join(f"{value}" for _, labels in scrape(stage.url) for _, value in labels)
    assert "made-up" not in words
    assert "path-" not in words


def test_what_is_read_is_prometheus_text_and_where_asked_for_openmetrics(stage: Stage) -> None:
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    request = urllib.request.Request(f"{stage.url}/metrics", headers=accept)
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        names = {family.name for family in parse_openmetrics(answer.read().decode())}
    assert {*COUNTERS, *TIMES} <= names
    assert "process_resident_memory_bytes" in names
    assert names >= {"pisang_store_healthy", "pisang_requests_in_flight", "pisang_upstream_ejected"}


def test_the_page_names_every_metric_and_no_other(stage: Stage) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"`(pisang_[a-z_]+)`", page))
    with urllib.request.urlopen(f"{stage.url}/metrics") as answer:
        text = answer.read().decode()
    typed = dict(re.findall(r"^# TYPE (pisang_\w+) (\w+)$", text, re.MULTILINE))
    assert named == set(typed)


def test_only_an_admin_reads_them_where_there_are_keys() -> None:
    assert role_for("GET", "/metrics", {}) is Role.ADMIN


# --- counting, without a server -------------------------------------------------------------------


async def _never() -> Any:
    raise AssertionError


def told(metrics: Metrics, *levels: Level) -> dict[str, float]:
    body, _ = metrics.render(levels)
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in parse(body.decode())
        for sample in family.samples
    }


def test_a_histogram_holds_each_time_in_its_bucket_and_all_above_it() -> None:
    metrics = Metrics(lambda word: word)
    for seconds in (0.004, 4.0, 200.0, 5000.0):
        metrics.time("pisang_request_seconds", seconds, "gemini", "ok")
    told_now = told(metrics)

    def below(bound: str) -> float:
        labels = sorted({"wire": "gemini", "outcome": "ok", "le": bound}.items())
        return told_now[f"pisang_request_seconds_bucket{labels}"]

    assert [below(str(bound)) for bound in (0.005, 2.5, 5, 120, 300, 1200)] == [1, 1, 2, 2, 3, 3]
    assert below("+Inf") == 4
    assert sorted(BUCKETS_S) == list(BUCKETS_S)


def test_money_is_counted_by_currency_in_millionths() -> None:
    metrics = Metrics(lambda word: word)
    for cost in (Money(134_000, "USD"), Money(200_000, "CNY"), Money(134_000, "USD")):
        metrics.spent("relay", cost)
    found = told(metrics)
    usd = sorted({"upstream": "relay", "currency": "USD"}.items())
    assert found[f"pisang_spent_micros_total{usd}"] == 268_000


@pytest.mark.parametrize(
    ("marks", "outcome"),
    [
        ({"status": 200, "whole": True}, "ok"),
        ({"status": 202, "whole": True}, "accepted"),
        ({"status": 404, "whole": True}, "http_404"),
        ({"status": 200, "left": True}, "left"),
        ({"status": 200, "cut": True}, "cut"),
        ({"status": None, "left": True}, "left"),
    ],
)
def test_a_call_without_an_error_ends_as_its_caller_saw_it(
    marks: dict[str, Any], outcome: str
) -> None:
    call = CallRecord("POST", "/v1/images/generations", _never, _never)
    for name, value in marks.items():
        setattr(call, name, value)
    assert call.outcome == outcome


def paid(**marks: Any) -> CallRecord:
    call = CallRecord("POST", "/v1/images/generations", _never, _never, wire="openai_images")
    for name, value in marks.items():
        setattr(call, name, value)
    return call


def test_what_a_call_waits_for_is_told_by_how_far_it_came() -> None:
    assert paid().stage == "reading"
    assert paid(read_s=1.0).stage == "turn"
    assert paid(read_s=1.0, sent_s=2.0).stage == "upstream"
    assert paid(read_s=1.0, sent_s=2.0, queued=True).stage == "turn", "its second attempt waits"
    assert paid(read_s=1.0, sent_s=2.0, settled_s=3.0).stage == "answering"


def test_what_happened_on_the_way_is_counted_at_the_end() -> None:
    operations = Operations(load(), lambda: frozenset({"my-own-model"}))
    for model in ("my-own-model", "nano-banana-pro", "made-up"):
        call = paid(status=200, whole=True, model=model)
        operations.begin(call)
        note_keep_alive()
        note_keep_alive()
        note_fell_behind()
        assert operations.present == {call}
        operations.end(call)
    assert not operations.present
    found = told(operations.metrics)
    assert found["pisang_keep_alives_total[]"] == 6
    assert found["pisang_relays_detached_total[]"] == 3
    models = {name for name in ("my-own-model", PRO, "other") if any(name in key for key in found)}
    assert models == {"my-own-model", PRO, "other"}


# --- a call that is cut ---------------------------------------------------------------------------


async def test_to_whoever_serves_a_call_that_is_cut_its_caller_has_left() -> None:
    async def receive() -> Any:
        await asyncio.Event().wait()

    call = CallRecord("POST", "/v1/images/generations", receive, _never)
    reading = asyncio.ensure_future(call.receive())
    await asyncio.sleep(0)
    call.cut_off()
    assert await reading == {"type": "http.disconnect"}
    assert await call.receive() == {"type": "http.disconnect"}
    assert not reading.cancelled()


async def test_who_gives_up_reading_by_himself_is_cancelled_as_ever() -> None:
    async def receive() -> Any:
        await asyncio.Event().wait()

    call = CallRecord("POST", "/v1/images/generations", receive, _never)
    reading = asyncio.ensure_future(call.receive())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not call.left


@pytest.mark.parametrize("begun", [False, True])
async def test_a_call_that_is_cut_is_broken_off_behind_a_200_and_never_ended(begun: bool) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    call = CallRecord("POST", "/v1/images/generations", _never, send)
    if begun:
        await call.send({"type": "http.response.start", "status": 200, "headers": []})
    call.cut_off()
    await call.break_off()
    kinds = [message["type"] for message in sent]
    assert kinds[0] == "http.response.start"
    assert sent[0]["status"] == 200
    assert not any(
        "body" in kind and not message["more_body"]
        for kind, message in zip(kinds, sent, strict=True)
    )
    assert call.outcome == "cut"
