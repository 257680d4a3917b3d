"""A relay's free call on loopback: a list of models for the right key, new-api's 401 otherwise."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GOOD = "sk-made-up-good"


class Relay(ThreadingHTTPServer):
    """`asked` are the paths that were called, POSTs among them; `date` replaces its clock's."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.keys: list[str | None] = []
        self.date: str | None = None

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Relay

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        said = self.headers.get("authorization")
        self.server.keys.append(said)
        good = said == f"Bearer {GOOD}"
        body = {"models": [{"name": "models/gemini-3.1-flash-image"}]}
        wrong = {"error": {"message": "无效的令牌", "type": "new_api_error", "code": ""}}
        raw = json.dumps(body if good else wrong).encode()
        self.send_response(200 if good else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.date or super().date_time_string(timestamp)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_relay() -> Iterator[Relay]:
    """One of them, until the block ends."""
    with Relay() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
