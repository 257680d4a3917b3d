"""Limits over processes, by the upstream's own log: two workers, and a busy gateway beside."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from pisang.domain.attempt import State
from tests.crash.book import answer_body, png
from tests.jobs.kit import add_batch
from tests.ledgers import environ_of
from tests.store.kit import open_store

AT_ONCE = 3
INTERVAL_MS = 60
ROWS = 30
CALLS = 12

CONFIG = """
default_upstream = "narrow"

[upstreams.narrow]
wire = "gemini"
base_url = "http://127.0.0.1:{port}"
auth = "none"

[upstreams.narrow.limits]
concurrency = {concurrency}
interval_ms = {interval_ms}
"""


class Narrow(ThreadingHTTPServer):
    """An upstream that writes down when each call came and went."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.calls: list[tuple[float, float, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answering(BaseHTTPRequestHandler):
    server: Narrow
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        came_s = time.monotonic()
        asked = self.rfile.read(int(self.headers.get("content-length", 0)))
        time.sleep(0.15)
        words = json.loads(asked)["contents"][0]["parts"][-1]["text"]
        body = answer_body([png(hash(words), 500)])
        # It counts as gone before its answer does: who got it may start the next one at once.
        self.server.calls.append((came_s, time.monotonic(), words))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def narrow() -> Iterator[Narrow]:
    server = Narrow()
    yield server
    server.shutdown()
    server.server_close()


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pisang", *words],
        env={**os.environ, **environ_of(home), "PISANG_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ask(url: str, words: str) -> None:
    """A caller of the gateway, who waits."""
    call = urllib.request.Request(
        f"{url}/v1beta/models/picture:generateContent",
        json.dumps({"contents": [{"parts": [{"text": words}]}]}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(call, timeout=60) as answer:
        part = json.load(answer)["candidates"][0]["content"]["parts"][0]
        assert base64.b64decode(part["inlineData"]["data"])


def end(*processes: subprocess.Popen[str]) -> None:
    for one in processes:
        one.send_signal(signal.SIGTERM)
    for one in processes:
        one.communicate(timeout=60)
        assert one.returncode == 0


def test_two_workers_and_a_busy_gateway_keep_the_upstreams_limits(
    tmp_path: Path, narrow: Narrow
) -> None:
    home = tmp_path / "home"
    store = open_store(home, lambda: time.time_ns() // 1_000_000)
    told = CONFIG.format(port=narrow.server_port, concurrency=AT_ONCE, interval_ms=INTERVAL_MS)
    (home / "config.toml").write_text(told)
    gateway = start(home, "serve", "--port", "0", "--format", "json")
    assert gateway.stdout is not None
    url = json.loads(gateway.stdout.readline())["url"]
    batch = add_batch(store, [f"row {n}" for n in range(ROWS)], via=["narrow"])
    workers = [start(home, "worker"), start(home, "worker")]
    for number in range(CALLS):
        ask(url, f"call {number}")
    called_s = time.monotonic()
    while not store.batches.is_over(batch.id):
        time.sleep(0.05)
    end(*workers, gateway)
    assert store.batches.status(batch.id).states == {State.DONE: ROWS}
    store.close()
    assert len(narrow.calls) == ROWS + CALLS
    assert most_at_once(narrow) <= AT_ONCE
    # The claim is made before the call is on its way: on the road it may lose a part of its lead.
    starts = sorted(came_s for came_s, _, _ in narrow.calls)
    assert sum(after - before < INTERVAL_MS / 3000 for before, after in pairwise(starts)) <= 1
    rows_before = sum(gone < called_s and "row" in words for _, gone, words in narrow.calls)
    assert rows_before < ROWS, "the calls did not wait for the whole batch"


def most_at_once(narrow: Narrow) -> int:
    moments = [(came_s, 1) for came_s, _, _ in narrow.calls]
    moments += [(gone_s, -1) for _, gone_s, _ in narrow.calls]
    level = most = 0
    for _, step in sorted(moments):
        level += step
        most = max(most, level)
    return most
