"""`/readyz` says no while the gateway could not do its work, and why to those who may know."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pisang.client.settings import Entry
from pisang.domain.upstream import Auth
from pisang.errors import Overloaded, StoreFull
from pisang.gateway.readiness import look
from pisang.gateway.routing import Router
from pisang.policy.health import BASE_EJECTION_MS, CONSECUTIVE_FAILURES
from pisang.store.store import Store
from tests.gateway.conftest import run
from tests.gateway.servers import Home, Server, Street, street
from tests.gateway.test_metrics import PRO
from tests.gateway.test_routing import router
from tests.store.kit import Clock, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "home")
    yield opened
    opened.close()


def entry(name: str, auth: Auth = Auth.NONE) -> Entry:
    return Entry(name, wire="gemini", base_url="http://127.0.0.1:9", auth=auth)


def reason(store: Store, routes: Router, *, stopping: bool = False) -> str | None:
    found = look(store, routes, stopping=stopping)
    told = found.to_json(detailed=True, language="en")
    assert told["ready"] is (found.reason is None)
    failed = {name: one for name, one in found.checks.items() if one is not None}
    return next(iter(failed.values())).code if failed else None


def test_it_is_ready_where_something_can_be_bought_and_somebody_asked(store: Store) -> None:
    assert reason(store, router(entry("a"))) is None


def test_it_is_not_while_it_stops(store: Store) -> None:
    assert reason(store, router(entry("a")), stopping=True) == "stopping"


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ((), "upstream_missing"),
        ((entry("a", Auth.BEARER), entry("b", Auth.BEARER)), "key_missing"),
        ((entry("a", Auth.BEARER), entry("b")), None),
    ],
)
def test_it_needs_one_upstream_that_can_be_asked(
    store: Store, entries: tuple[Entry, ...], code: str | None
) -> None:
    assert reason(store, router(*entries)) == code


def test_it_is_not_while_every_upstream_is_left_alone(store: Store) -> None:
    clock = Clock()
    routes = router(entry("a"), entry("b"), clock_ms=clock)
    for one in routes.known():
        assert reason(store, routes) is None
        for _ in range(CONSECUTIVE_FAILURES):
            routes.ended(one, Overloaded(upstream=one.name), called=True)
    assert reason(store, routes) == "upstreams_ejected"
    clock.ms += BASE_EJECTION_MS
    assert reason(store, routes) is None, "one of them may be probed"


def test_it_is_not_where_the_disk_has_no_room_for_an_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, wanted: int) -> None:
        raise StoreFull(path="/home", free="1 MB", needed="192 MB")

    monkeypatch.setattr("pisang.store.health.Health.may_buy", full)
    assert reason(store, router(entry("a"))) == "store_full"


# --- a real server --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("street"), PRO) as found:
        yield found


@pytest.fixture
def home(over: Street, tmp_path: Path) -> Iterator[Home]:
    with over.home(tmp_path) as made:
        yield made


Asking = Callable[..., tuple[int, dict[str, Any]]]


def probe(server: Server, path: str = "/readyz", **headers: str) -> tuple[int, dict[str, Any]]:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + path, headers=told)) as got:
            return got.status, json.loads(got.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_store_that_is_suspect_makes_it_say_no_and_it_lives_on(home: Home) -> None:
    server = home.start()
    assert probe(server)[0] == 200
    (home.path / "suspect").write_text("no space left on device")
    status, told = probe(server, accept_language="zh-CN")
    assert (status, told["ready"], told["reason"]) == (503, False, "store")
    assert told["checks"]["store"]["code"] == "store_suspect"
    assert "磁盘空间不足" in told["checks"]["store"]["message"]
    assert probe(server, "/healthz") == (200, {"ok": True})
    (home.path / "suspect").unlink()
    assert probe(server)[0] == 200


def test_why_is_told_to_this_machine_and_to_an_admin_only(home: Home) -> None:
    made = [
        json.loads(run(home.path, "key", "create", *words, "--format", "json").stdout)["key"]
        for words in (("--name", "user"), ("--name", "boss", "--role", "admin"))
    ]
    server = home.start()
    assert "checks" in probe(server)[1]
    away = {"x_forwarded_for": "203.0.113.7"}
    public = {"ready": True, "reason": None}
    assert probe(server, **away) == (200, public)
    assert probe(server, **away, authorization=f"Bearer {made[0]}") == (200, public)
    assert "checks" in probe(server, **away, authorization=f"Bearer {made[1]}")[1]
