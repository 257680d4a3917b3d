"""Which upstream is asked: the order, the sick one left alone and found well again, nothing lost.

The upstreams are stubs on loopback ports; the clock that ejections are measured with is the test's.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pisang.client.settings import Defaults, Entry, Settings
from pisang.domain.catalogue import load
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth
from pisang.engine.engine import Engine
from pisang.engine.ledgering import Ledgering
from pisang.errors import ConfigError, Overloaded, RateLimited, UpstreamMissing, UpstreamUnknown
from pisang.gateway.access import Caller
from pisang.gateway.routing import Router
from pisang.gateway.serving import Service, serve
from pisang.gateway.visits import open_visit
from pisang.policy.health import BASE_EJECTION_MS, Standing
from pisang.wires.table import wire
from tests.store.kit import Clock, picture

FLASH = "gemini-3.1-flash-image"
PATH = f"/v1beta/models/{FLASH}:generateContent"


@dataclass
class Stub:
    """An upstream on a loopback port. What it answers is set by the test; every call is counted."""

    name: str
    status: int = 200
    calls: int = 0
    hold: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    refused: set[str] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hold.set()

    def answer(self, key: str) -> tuple[int, bytes]:
        self.calls += 1
        self.keys.append(key)
        self.hold.wait(20)
        status = 401 if key in self.refused else self.status
        if status != 200:
            error = {"code": status, "status": _STATUSES[status], "message": "made up"}
            return status, json.dumps({"error": error}).encode()
        data = base64.b64encode(picture(self.calls)).decode()
        part = {"inlineData": {"mimeType": "image/png", "data": data}}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
        return 200, json.dumps({"candidates": [candidate]}).encode()


_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    502: "X",
}


@contextmanager
def stub(name: str) -> Iterator[Stub]:
    """A stub while it listens."""
    made = Stub(name)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the standard library's name
            self.rfile.read(int(self.headers["content-length"]))
            status, body = made.answer(self.headers.get("authorization", ""))
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    listening = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    listening.start()
    try:
        yield made
    finally:
        made.hold.set()
        server.shutdown()
        server.server_close()
        listening.join()


@pytest.fixture
def stubs() -> Iterator[dict[str, Stub]]:
    with stub("a") as a, stub("b") as b, stub("c") as c:
        yield {"a": a, "b": b, "c": c}


def entry(name: str, url: str = "http://127.0.0.1:9", **more: Any) -> Entry:
    given = {"wire": "gemini", "base_url": url, "auth": Auth.NONE, "kind": "google", **more}
    return Entry(name=name, **given)


def settings(
    *entries: Entry, default: str | None = None, home: Path = Path("/nowhere")
) -> Settings:
    named = {one.name: one for one in entries}
    return Settings(home, home, defaults=Defaults(upstream=default), upstreams=named)


def router(*entries: Entry, default: str | None = None, **more: Any) -> Router:
    """Draws are 0.5 unless given."""
    return Router(settings(*entries, default=default), load(), **{"draw": lambda: 0.5, **more})


def names(asked: Router, model: str = FLASH, named: str | None = None) -> list[str]:
    return [one.name for one in asked.upstreams(model, named)]


# --- the order -----------------------------------------------------------------------------------


def test_a_lower_priority_is_asked_first_and_the_default_before_what_says_nothing() -> None:
    plain = [entry("x"), entry("y", priority=5), entry("z")]
    assert names(router(*plain, default="z")) == ["z", "x", "y"]
    assert names(router(entry("x", priority=2), entry("y", priority=1))) == ["y", "x"]
    assert names(router(entry("x", priority=0), entry("z"), default="z"))[0] in "xz"


def test_twice_the_weight_is_first_twice_as_often() -> None:
    import random

    asked = router(entry("x", weight=2), entry("y"), draw=random.Random(7).random)
    first = [names(asked)[0] for _ in range(3000)]
    assert 1900 < first.count("x") < 2100
    assert names(router(entry("x", weight=0), entry("y"))) == ["y", "x"]


def test_only_upstreams_that_have_the_model_are_asked() -> None:
    pro, flash = "gemini-3-pro-image", FLASH
    asked = router(entry("x", models=(pro,)), entry("y", models=(flash,)), entry("z"))
    assert set(names(asked)) == {"y", "z"}
    assert set(names(asked, "")) == {"x", "y", "z"}
    assert names(asked, "flux-dev") == ["z"], "it lists no models: any may be had there"
    own = router(entry("x", models=("flux-dev",)), entry("z"))
    assert names(own, "flux-dev") == ["x"], "it lists it by name"


def test_what_nobody_lists_goes_to_the_first() -> None:
    asked = router(entry("x", models=("a",)), entry("y", models=("b",)), default="y")
    assert names(asked, FLASH) == ["y"]


def test_a_named_upstream_is_the_only_one() -> None:
    asked = router(entry("x"), entry("y"))
    assert names(asked, named="y") == ["y"]
    assert names(router(entry("x"), entry("y"), via="x")) == ["x"]
    with pytest.raises(UpstreamUnknown):
        names(asked, named="nowhere")


def test_without_an_upstream_nothing_can_be_asked_and_the_sandbox_never_stands_in() -> None:
    with pytest.raises(UpstreamMissing):
        names(router())
    fake = Entry(name="fake", preset="sandbox")
    assert names(router(fake, entry("x"))) == ["x"]
    assert names(router(fake, entry("x"), default="fake")) == ["fake", "x"]
    with pytest.raises(ConfigError):
        names(router(fake, Entry(name="other", preset="sandbox")))


# --- health, by the rules ------------------------------------------------------------------------


def test_the_fifth_failure_ejects_and_one_probe_at_a_time_finds_out() -> None:
    clock = Clock(0)
    asked = router(entry("x"), entry("y"), clock_ms=clock)
    (sick,) = (one for one in asked.upstreams(FLASH) if one.name == "x")
    for _ in range(5):
        assert asked.may_start(sick)
        asked.ended(sick, Overloaded(upstream="x"), called=True)
    assert asked.standings() == {"x": Standing.EJECTED}
    assert names(asked) == ["y"]
    clock.ms = BASE_EJECTION_MS
    assert names(asked) == ["x", "y"], "a probe goes before its equals"
    assert asked.may_start(sick)
    assert not asked.may_start(sick), "there is one probe"
    assert names(asked) == ["y"]
    asked.ended(sick, None, called=False)
    assert asked.may_start(sick), "the probe was never sent: another may go"
    asked.ended(sick, Overloaded(upstream="x"), called=True)
    clock.ms = 2 * BASE_EJECTION_MS
    assert names(asked) == ["y"], "the second time it is left alone for twice as long"
    clock.ms = 3 * BASE_EJECTION_MS
    assert asked.may_start(sick)
    asked.ended(sick, None, called=True)
    assert asked.standings() == {"x": Standing.OPEN}


def test_what_was_not_sent_says_nothing_of_an_upstream() -> None:
    asked = router(entry("x"))
    (one,) = asked.upstreams(FLASH)
    for _ in range(9):
        asked.ended(one, Overloaded(upstream="x"), called=False)
    assert asked.standings() == {"x": Standing.OPEN}


# --- several keys --------------------------------------------------------------------------------


def keyed(clock: Clock) -> Router:
    """x has two keys of three variables, y has one of its own."""
    x = entry("x", priority=0, auth=Auth.BEARER, key_env="K1", more_key_envs=("K2", "K3"))
    y = entry("y", priority=1, auth=Auth.BEARER, key_env="K4")
    environ = {"K1": "one", "K3": "three", "K4": "four"}
    given = replace(settings(x, y), environ=environ)
    return Router(given, load(), clock_ms=clock, draw=lambda: 0.5)


def test_keys_take_turns_and_one_that_asked_too_fast_rests() -> None:
    clock = Clock(0)
    asked = keyed(clock)

    def words() -> list[str]:
        return [one.key.reveal() for one in asked.upstreams(FLASH) if one.key]

    assert [words() for _ in range(2)] == [["three", "one", "four"], ["one", "three", "four"]]
    tired = next(one for one in asked.upstreams(FLASH) if one.key == Secret("one"))
    asked.ended(tired, RateLimited(retry_after_s=9), called=True)
    assert [words() for _ in range(2)] == [["three", "four", "one"]] * 2, "it is asked last"
    assert asked.standings() == {"x": Standing.OPEN}, "its upstream is well"
    clock.ms = 9_000
    assert {words()[0] for _ in range(2)} == {"one", "three"}


async def test_a_key_that_is_not_taken_costs_one_call_and_no_request(
    tmp_path: Path, stubs: dict[str, Stub]
) -> None:
    more = {"auth": Auth.BEARER, "key_env": "K1", "more_key_envs": ("K2",)}
    given = settings(entry("a", stubs["a"].url, **more), home=tmp_path / "home")
    given = replace(given, environ={"K1": "one", "K2": "two"})
    stubs["a"].refused = {"Bearer one"}
    async with await Engine.open(given.home, Ledgering()) as engine:
        gate = Gate(Service(engine, Router(given, load())), Clock())
        answers = [(await gate.ask(f"plum {n}"))[0] for n in range(4)]
    assert answers == [200] * 4
    assert stubs["a"].keys.count("Bearer one") == 1
    assert stubs["a"].keys.count("Bearer two") == 4


# --- over real ports -----------------------------------------------------------------------------


@dataclass
class Gate:
    """The serving of paid calls over three stubs, without a server in front."""

    service: Service
    clock: Clock

    async def ask(self, prompt: str, **headers: str) -> tuple[int, dict[str, str], Any]:
        """One native call: status, headers, JSON."""
        body = json.dumps({"contents": [{"parts": [{"text": prompt}]}]}).encode()
        told = asyncio.Queue[dict[str, Any]]()
        coming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if coming:
                return coming.pop()
            await asyncio.Event().wait()
            raise AssertionError

        scope = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        visit = open_visit(scope, receive, told.put)  # type: ignore[arg-type]
        await serve(self.service, visit, Caller("local", ""), wire("gemini"))
        start = told.get_nowait()
        whole = b"".join(told.get_nowait().get("body", b"") for _ in range(told.qsize()))
        given = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], given, json.loads(whole)


@pytest.fixture
async def gate(tmp_path: Path, stubs: dict[str, Stub]) -> AsyncIterator[Gate]:
    """Stub a is asked first, then b, then c."""
    entries = [entry(one.name, one.url, priority=n) for n, one in enumerate(stubs.values())]
    clock = Clock()
    given = settings(*entries, home=tmp_path / "home")
    async with await Engine.open(given.home, Ledgering()) as engine:
        yield Gate(Service(engine, Router(given, load(), clock_ms=clock)), clock)


def calls(stubs: dict[str, Stub]) -> list[int]:
    return [one.calls for one in stubs.values()]


async def test_a_sick_upstream_of_three_is_ejected_probed_and_taken_back_and_nothing_is_lost(
    gate: Gate, stubs: dict[str, Stub]
) -> None:
    stubs["a"].status = 503
    for n in range(5):
        assert (await gate.ask(f"plum {n}"))[0] == 200
    assert calls(stubs) == [5, 5, 0], "nothing waits where another upstream can do it"
    assert gate.service.router.standings()["a"] is Standing.EJECTED
    for n in range(5):
        assert (await gate.ask(f"pear {n}"))[0] == 200
    assert stubs["a"].calls == 5, "it is left alone"
    gate.clock.ms += BASE_EJECTION_MS
    stubs["a"].status = 200
    assert (await gate.ask("a probe"))[0] == 200
    assert stubs["a"].calls == 6
    assert gate.service.router.standings()["a"] is Standing.OPEN
    assert (stubs["b"].calls, stubs["c"].calls) == (10, 0)


async def test_while_a_probe_is_out_everybody_else_goes_elsewhere(
    gate: Gate, stubs: dict[str, Stub]
) -> None:
    router = gate.service.router
    (sick, *_) = router.upstreams(FLASH)
    for _ in range(5):
        router.ended(sick, Overloaded(upstream="a"), called=True)
    gate.clock.ms += BASE_EJECTION_MS
    stubs["a"].hold.clear()
    probe = asyncio.create_task(gate.ask("a slow probe"))
    while stubs["a"].calls == 0:
        await asyncio.sleep(0.01)
    others = await asyncio.gather(*(gate.ask(f"plum {n}") for n in range(4)))
    assert [status for status, _, _ in others] == [200] * 4
    assert calls(stubs) == [1, 4, 0]
    stubs["a"].hold.set()
    assert (await probe)[0] == 200
    assert router.standings()["a"] is Standing.OPEN


async def test_only_what_was_free_goes_elsewhere(gate: Gate, stubs: dict[str, Stub]) -> None:
    stubs["a"].status = 502  # nobody knows whether it was made
    status, _, body = await gate.ask("a plum")
    assert status == 424
    assert "outcome" in json.dumps(body)
    assert calls(stubs) == [1, 0, 0]
    stubs["a"].status = 400  # it is wrong everywhere
    assert (await gate.ask("a pear"))[0] == 400
    assert calls(stubs) == [2, 0, 0]
    stubs["a"].status = stubs["b"].status = 429
    assert (await gate.ask("a fig"))[0] == 200
    assert stubs["c"].calls == 1


async def test_asking_again_for_what_is_unknown_is_no_sign_of_sickness(
    gate: Gate, stubs: dict[str, Stub]
) -> None:
    stubs["a"].status = 502
    keyed = {"idempotency-key": "k"}
    for _ in range(6):
        assert (await gate.ask("a plum", **keyed))[0] == 424
    assert calls(stubs) == [1, 0, 0]
    assert gate.service.router.standings()["a"] is Standing.OPEN


async def test_when_all_are_sick_the_last_word_is_theirs(
    gate: Gate, stubs: dict[str, Stub]
) -> None:
    for one in stubs.values():
        one.status = 400
    router = gate.service.router
    for upstream in router.upstreams(FLASH):
        for _ in range(5):
            router.ended(upstream, Overloaded(upstream=upstream.name), called=True)
    status, _, _ = await gate.ask("a plum")
    assert status == 400
    assert sum(calls(stubs)) == 1, "a guess is better than nothing"
