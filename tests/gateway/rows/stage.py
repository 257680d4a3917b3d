"""A watched gateway with a canary in every slot that takes a secret, and keys of every kind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import requests

from pisang.client.granting import Grant
from tests.gateway.conftest import ROOT, environ, run, serving
from tests.gateway.guarded import FLASH, WRONG, grant_key

ENV_KEY = "sk-CANARY-env-4f1d"
KEPT_KEY = "sk-CANARY-kept-77e0"
PROXY_PASSWORD = "CANARY-proxy-8d"

CONFIG = """
default_upstream = "relay"

[upstreams.relay]
wire = "gemini"
base_url = "{upstream}"
auth = "bearer"
key_env = "RELAY_KEY"
prices = {{"gemini-3-pro-image" = "0.134USD", "gemini-3.1-flash-image" = "0.067USD"}}

[upstreams.behind]
wire = "gemini"
base_url = "http://upstream.invalid"
auth = "none"
proxy = "http://me:{proxy}@127.0.0.1:9"
models = ["behind"]
"""


class Echo(BaseHTTPRequestHandler):
    """An upstream that answers what it is told to, and else repeats all it was sent."""

    answer: tuple[int, str, bytes] | None = None
    paths: ClassVar[list[str]] = []
    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.paths.append(self.path)
        sent = self.rfile.read(int(self.headers.get("content-length", 0)))
        said = {"path": self.path, "headers": dict(self.headers), "body": sent.decode("latin-1")}
        self.bodies.append(sent)
        error = {"error": {"code": 400, "message": json.dumps(said), "status": "INVALID_ARGUMENT"}}
        status, kind, data = type(self).answer or (
            400,
            "application/json",
            json.dumps(error).encode(),
        )
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST

    def log_message(self, *said: object) -> None:
        pass


@dataclass
class Watched:
    """A running gateway, what it wrote, and whom it may connect to."""

    url: str
    folder: Path
    upstream: str
    echo: ThreadingHTTPServer
    keys: dict[str, dict[str, Any]]
    pid: int
    answers: list[bytes] = field(default_factory=list)
    """Heads and bodies of all that was answered to `ask`."""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def said(self) -> str:
        """Its standard output and error so far."""
        return "".join((self.folder / name).read_text() for name in ("out", "err"))

    def noted(self, kind: str) -> set[str]:
        """What was watched of that kind."""
        lines = (self.folder / "watched").read_text().splitlines()
        return {value for one, value in map(json.loads, lines) if one == kind}

    def ask(self, whose: str | None, method: str, path: str, **more: Any) -> requests.Response:
        """One call with that one's key. `path` goes out as it stands."""
        text = {"wrong": WRONG}.get(whose or "") or self.keys.get(whose or "", {}).get("key")
        headers = {"Authorization": f"Bearer {text}"} if text else {}
        headers |= more.pop("headers", {})
        request = requests.Request(method, self.url, headers=headers, **more).prepare()
        query = (request.url or "").partition("?")[2]
        request.url = self.url + path + (f"?{query}" if query else "")
        with requests.Session() as session:
            answer = session.send(request, timeout=60, allow_redirects=False)
        self.answers.append(str(answer.headers).encode() + answer.content)
        return answer

    def paint(
        self, prompt: str, whose: str = "own", via: str = "", **more: Any
    ) -> requests.Response:
        headers = {"X-Pisang-Upstream": via} if via else {}
        body = {"contents": [{"parts": [{"text": prompt}]}]}
        path = f"/v1beta/models/{FLASH}:generateContent"
        return self.ask(whose, "POST", path, json=body, headers=headers | more.pop("headers", {}))


@contextmanager
def watching(folder: Path) -> Iterator[Watched]:
    """A gateway on loopback with keys, over a sandbox and an upstream that echoes."""
    home = folder / "home"
    echo = ThreadingHTTPServer(("127.0.0.1", 0), type("Front", (Echo,), {}))
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    with serving(folder / "upstream", "sandbox") as (upstream, _):
        home.mkdir()
        config = CONFIG.format(upstream=upstream, proxy=PROXY_PASSWORD)
        (home / "config.toml").write_text(config)
        echoing = f"http://127.0.0.1:{echo.server_port}"
        run(home, "upstream", "add", "echo", "--wire", "gemini", "--base-url", echoing,
            "--auth", "query", "--key-stdin", stdin=f"{KEPT_KEY}\n")  # fmt: skip
        grants = (Grant(name="own"), Grant(name="other"), Grant(name="reader", role="read"),
                  Grant(name="admin", role="admin"), Grant(name="revoked"))  # fmt: skip
        keys = {grant.name: grant_key(home, grant) for grant in grants}
        run(home, "key", "revoke", keys["revoked"]["id"])
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            running = subprocess.Popen(
                [sys.executable, "-m", "tests.gateway.rows.watched", "serve", "--port", "0",
                 "--format", "json", "--log-level", "debug"],
                stdout=out, stderr=err, cwd=ROOT,
                env={**environ(home), "WATCH": str(folder / "watched"), "RELAY_KEY": ENV_KEY,
                     "PYTHONASYNCIODEBUG": "1"},
            )  # fmt: skip
            try:
                while not (told := (folder / "out").read_text()).endswith("\n"):
                    assert running.poll() is None, (folder / "err").read_text()
                url = json.loads(told)["url"]
                yield Watched(url, folder, upstream, echo, keys, running.pid)
            finally:
                running.terminate()
                running.wait(timeout=60)
                echo.shutdown()
                echo.server_close()
