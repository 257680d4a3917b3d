"""What the tests of the management API share: the API as anybody asks it, and its stage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import requests

from tests.gateway.conftest import Stage, serving

PRO = "gemini-3-pro-image"
FLASH = "gemini-3.1-flash-image"
OLD = "gemini-2.5-flash-image"
"""The model that the front which fails lists."""


class Api:
    """The API of a stage, with or without a key."""

    def __init__(self, stage: Stage) -> None:
        self.root = stage.url
        self.base = f"{stage.url}/pisang/v1"

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, f"{self.base}{path}", timeout=60, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, json=body, headers=named)

    def make(self, prompt: str, **wish: Any) -> dict[str, Any]:
        answer = self.post("/generations", {"prompt": prompt, "model": PRO, **wish})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, request_id: str) -> dict[str, Any]:
        for _ in range(10):
            told = self.get(f"/generations/{request_id}", params={"wait_s": 10}).json()
            if not told["under_way"]:
                return told
        raise AssertionError("it never ended")


class Flaky(BaseHTTPRequestHandler):
    """A front of the sandbox that fails at the first call for a prompt with one of these words."""

    faults: ClassVar[dict[bytes, tuple[int, str, bytes]]] = {
        b"flaky": (524, "text/html", b"<html>a time-out occurred</html>"),
        b"busy": (429, "application/json", b'{"error": {"status": "RESOURCE_EXHAUSTED"}}'),
    }

    upstream = ""
    seen: ClassVar[set[bytes]] = set()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        fault = next((told for word, told in self.faults.items() if word in body), None)
        if fault is not None and body not in self.seen:
            self.seen.add(body)
            status, kind, data = fault
        else:
            headers = {"content-type": "application/json", "x-goog-api-key": "any"}
            url = self.upstream + self.path
            answer = requests.post(url, data=body, headers=headers, timeout=60)
            status, kind, data = answer.status_code, "application/json", answer.content
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *said: object) -> None:
        pass


ENVIRON = {
    "RELAY_KEY": "sk-made-up",
    "PISANG_UPSTREAM": "relay",
    # Nothing leaves this machine, whatever upstream a test adds.
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
}
CONFIG = """
[upstreams.relay]
wire = "gemini"
base_url = "{upstream}"
auth = "bearer"
key_env = "RELAY_KEY"
priority = 1
prices = {{"gemini-3-pro-image" = "0.134USD", "gemini-3.1-flash-image" = "0.067USD"}}

[upstreams.narrow]
wire = "gemini"
base_url = "{upstream}"
auth = "none"
priority = 2
prices = {{"gemini-3-pro-image" = "0.134USD"}}
limits = {{concurrency = 1}}

[upstreams.flaky]
wire = "gemini"
base_url = "http://127.0.0.1:{port}"
auth = "none"
priority = 0
models = ["gemini-2.5-flash-image"]
prices = {{"gemini-3-pro-image" = "0.134USD"}}
"""


@contextmanager
def managed(folder: Path) -> Iterator[Stage]:
    """A gateway over a sandbox: straight, one at a time, and through a front that fails."""
    home, book = folder / "home", folder / "book.jsonl"
    with serving(folder / "upstream", "sandbox", "--book", str(book)) as (upstream, _):
        front = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Front", (Flaky,), {"upstream": upstream})
        )
        threading.Thread(target=front.serve_forever, daemon=True).start()
        home.mkdir()
        config = CONFIG.format(upstream=upstream, port=front.server_port)
        (home / "config.toml").write_text(config)
        with serving(home, "serve", extra=ENVIRON) as (url, _):
            yield Stage(url, home, book, upstream)
        front.shutdown()
        front.server_close()


def until(happened: Callable[[], bool]) -> None:
    """Wait until it has happened."""
    for _ in range(200):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError("it never happened")
