"""A server that is told to stop: what was sent is seen through, nobody buys it again, and another
may start in its place meanwhile. Real processes, over an upstream with its own book."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conftest import run
from tests.gateway.servers import Home, Server, Street, street, until
from tests.gateway.test_metrics import PRO, ask

CUT = "the connection broke"


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("street"), PRO) as found:
        yield found


@pytest.fixture
def shop(over: Street, tmp_path: Path) -> Iterator[Home]:
    with over.home(tmp_path) as home:
        yield home


def take(url: str, prompt: str) -> tuple[int | str, bytes]:
    """Ask for a picture: the status and the body, or `CUT` and what had come."""
    body = json.dumps({"contents": [{"parts": [{"text": prompt}]}]}).encode()
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        path = f"/v1beta/models/{PRO}:generateContent"
        connection.request("POST", path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.IncompleteRead as broken:
        return CUT, broken.partial
    except (ConnectionError, http.client.RemoteDisconnected):
        return CUT, b""
    finally:
        connection.close()


def begin(pool: ThreadPoolExecutor, server: Server, prompt: str) -> Future[tuple[int | str, bytes]]:
    """A call on its way, its attempt sent."""
    before = sent(server)
    call = pool.submit(take, server.url, prompt)
    until(lambda: sent(server) > before)
    return call


def sent(server: Server) -> int:
    return server.get("/metrics").count('state="sent"')


def test_an_idle_server_ends_at_once_and_well(shop: Home) -> None:
    server = shop.start()
    assert ask(server.url, "a lake") == 200
    server.signal()
    assert server.ended() == 0
    (line,) = server.said("stopping")
    assert line["attempts"] == 0


def test_another_server_takes_the_port_while_a_call_is_seen_through(shop: Home) -> None:
    old = shop.start()
    with ThreadPoolExecutor() as pool:
        call = begin(pool, old, "a slow lake [[sandbox delay=9]]")
        old.signal()
        until(lambda: old.said("stopping"))
        new = shop.start(port=old.port)
        assert old.running.poll() is None
        assert new.url == old.url
        assert ask(new.url, "another lake") == 200
        status, body = call.result()
    assert status == 200
    assert b"inlineData" in body
    assert old.ended() == 0
    (line,) = old.said("stopping")
    assert (line["attempts"], line["clients"], line["at_stake"]) == (1, 1, "0.134 USD")
    assert shop.charges == 2


@pytest.mark.parametrize("how", ["delay=6", "drip=6"], ids=["waiting", "in the middle of it"])
def test_a_client_that_is_cut_is_given_its_image_by_the_next_server(shop: Home, how: str) -> None:
    prompt = f"a lake for later [[sandbox {how}]]"
    old = shop.start(module="tests.gateway.clients.hasty")
    with ThreadPoolExecutor() as pool:
        call = begin(pool, old, prompt)
        if how.startswith("drip"):
            time.sleep(4)  # more than 64 KiB of it have been relayed
        old.signal()
        until(lambda: old.said("stopping"))
        new = shop.start(port=old.port)
        status, body = call.result()
        assert status == CUT, "it is broken, and no answer of any status"
        assert (len(body) > 1000) == how.startswith("drip")
        status, body = take(new.url, prompt)
    assert status == 200
    assert json.loads(body)["candidates"]
    assert old.ended() == 0
    assert shop.charges == 1


def test_what_waits_for_its_turn_is_told_that_nothing_was_sent(shop: Home) -> None:
    with shop.config.open("a") as config:
        config.write("[upstreams.relay.limits]\nconcurrency = 1\n")
    server = shop.start()
    with ThreadPoolExecutor() as pool:
        first = begin(pool, server, "a first lake [[sandbox delay=3]]")
        second = pool.submit(take, server.url, "a second lake")
        until(lambda: 'stage="turn"} 1.0' in server.get("/metrics"))
        server.signal()
        status, body = second.result()
        assert status == 503
        assert b'"reason":"stopping"' in body
        assert not first.done()
        assert first.result()[0] == 200
    assert server.ended() == 0
    assert shop.charges == 1


@pytest.mark.parametrize("how", ["after its time", "by a second signal"])
def test_what_is_given_up_is_unknown_named_and_told(shop: Home, how: str) -> None:
    timed = how == "after its time"
    server = shop.start(*(["--stop-timeout", "1"] if timed else []))
    with ThreadPoolExecutor() as pool:
        call = begin(pool, server, "a lost lake [[sandbox delay=300]]")
        server.signal()
        until(lambda: server.said("stopping"))
        if not timed:
            server.signal(signal.SIGINT)
        status, body = call.result()
    assert status == 424
    assert b"outcome_unknown" in body
    assert server.ended() == 7
    (line,) = server.said("given_up")
    assert (line["upstream"], line["at_stake"]) == ("relay", "0.134 USD")
    done = run(shop.path, "unknown", "list", "--format", "json")
    (unknown,) = json.loads(done.stdout)["unknown"]
    assert line["attempt_id"] in json.dumps(unknown)


def test_a_client_that_reads_nothing_does_not_keep_a_server_up(shop: Home) -> None:
    server = shop.start(module="tests.gateway.clients.hasty")
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port))
    asked = "a lake nobody reads [[sandbox size=4K drip=2]]"
    body = json.dumps({"contents": [{"parts": [{"text": asked}]}]})
    connection.request("POST", f"/v1beta/models/{PRO}:generateContent", body)
    until(lambda: shop.charges)
    server.signal()
    assert server.ended() == 0
    connection.close()


def test_a_closed_terminal_stops_it_where_else_the_signal_reads_the_settings(shop: Home) -> None:
    master, terminal = os.openpty()
    server = shop.start(stdin=terminal)
    os.close(terminal)
    server.signal(signal.SIGHUP)
    until(lambda: server.said("settings_taken_over"))
    os.close(master)
    server.signal(signal.SIGHUP)
    assert server.ended() == 0
    assert server.said("stopped")


def test_neither_a_stream_of_events_nor_half_a_body_keeps_a_server_up(shop: Home) -> None:
    server = shop.start(module="tests.gateway.clients.hasty")
    listening = http.client.HTTPConnection(server.url.removeprefix("http://"))
    listening.request("GET", "/pisang/v1/events")
    assert listening.getresponse().readline() == b"retry: 3000\n"
    uploading = http.client.HTTPConnection(server.url.removeprefix("http://"))
    uploading.putrequest("POST", f"/v1beta/models/{PRO}:generateContent")
    uploading.putheader("content-length", "1000")
    uploading.endheaders(b'{"contents": [')
    until(lambda: 'stage="reading"} 1.0' in server.get("/metrics"))
    server.signal()
    assert server.ended() == 0
    for connection in (listening, uploading):
        connection.close()
    outcomes = [line["outcome"] for line in server.said("call") if line.get("wire")]
    assert outcomes == ["cut"]


def test_a_call_of_the_management_api_is_joined_again_at_the_next_server(shop: Home) -> None:
    body = json.dumps({"prompt": "a managed lake [[sandbox delay=6]]", "model": PRO}).encode()
    told = {"content-type": "application/json", "idempotency-key": "one-lake"}

    def generate(url: str) -> Any:
        asked = urllib.request.Request(f"{url}/pisang/v1/generations", body, told)
        try:
            with urllib.request.urlopen(asked) as answer:
                return json.loads(answer.read())
        except (http.client.IncompleteRead, ConnectionError, urllib.error.URLError):
            return CUT

    old = shop.start(module="tests.gateway.clients.hasty")
    with ThreadPoolExecutor() as pool:
        call = pool.submit(generate, old.url)
        until(lambda: sent(old))
        old.signal()
        until(lambda: old.said("stopping"))
        new = shop.start(port=old.port)
        assert call.result() == CUT
        again = generate(new.url)
    assert again["state"] == "done"
    assert len(again["images"]) == 1
    assert old.ended() == 0
    assert shop.charges == 1
