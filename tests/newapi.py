"""A loopback relay of the new-api family: it sells pictures over Google's wire, keeps a log, and
tells its prices, a token's balance and that log for free, as `engine/relay_facts.py` describes."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pisang.pixels.paint import Painting, paint

TOKEN = "sk-madeupTOKENofnobody0123456789"
PRO = "gemini-3-pro-image-preview"
FLASH = "gemini-3.1-flash-image-preview"
UNIT = 500_000

PICTURE = paint(Painting(prompt="x", width=64, height=64, mime="image/png"))

JSON = dict[str, Any]


def per_call(name: str, price: float, *groups: str, **more: Any) -> JSON:
    """A row of the price list: a price a call."""
    given = {"quota_type": 1, "model_price": price, "model_ratio": 0}
    return {"model_name": name, **given, "enable_groups": list(groups or ("default",)), **more}


class Relay(ThreadingHTTPServer):
    """What it answers is in its attributes; what it was asked is in `asked` (paths and queries)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.sold = 0
        self.cost = 0.06
        self.status = 200
        """What it answers to a purchase; anything but 200 is a CDN's page."""
        self.bills = True
        self.old = False
        """Takes the token as `?key=`, and knows no header."""
        self.pricing: JSON | None = {
            "success": True,
            "data": [per_call(PRO, 0.06), per_call("gpt-4o", 0.01)],
            "group_ratio": {"default": 1, "vip": 0.5},
            "usable_group": {"default": "", "vip": ""},
        }
        self.usage: JSON | None = {
            "code": True,
            "message": "ok",
            "data": {
                "object": "token_usage",
                "total_granted": 5_000_000,
                "total_used": 1_000_000,
                "total_available": 4_000_000,
                "unlimited_quota": False,
            },
        }
        self.log: list[JSON] | None = []
        self.request_ids = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def note(self, model: str, **more: Any) -> None:
        """Write a row into the log."""
        if self.log is not None:
            row = {"created_at": int(time.time()), "type": 2, "model_name": model, "use_time": 0}
            self.log.insert(0, {**row, "quota": round(self.cost * UNIT), **more})


class _Handler(BaseHTTPRequestHandler):
    server: Relay

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        model = self.path.rpartition("/")[2].partition(":")[0]
        self.server.sold += 1
        request_id = f"20261122{self.server.sold:08d}"
        if self.server.bills:
            known = {"request_id": request_id} if self.server.request_ids else {}
            self.server.note(model, **known)
        extra = {"x-oneapi-request-id": request_id} if self.server.request_ids else {}
        if self.server.status != 200:
            return self._send(
                self.server.status, b"<html>gateway time-out</html>", "text/html", extra
            )
        data = base64.b64encode(PICTURE).decode()
        part = {"inlineData": {"mimeType": "image/png", "data": data}}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
        return self._json({"candidates": [candidate]}, extra)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        url = urlsplit(self.path)
        name = _PATHS.get(url.path)
        if name is None:
            return self._send(404, b"<html>not found</html>", "text/html")
        if name == "status":
            return self._json({"success": True, "data": {"quota_per_unit": UNIT}})
        if name == "pricing":
            return self._or_none(self.server.pricing)
        if not self._knows(url.query):
            return self._refuse(name)
        if name == "models":
            ids = [PRO, FLASH, "gpt-4o"]
            return self._json({"object": "list", "data": [{"id": one} for one in ids]})
        if name == "log":
            rows = self.server.log
            return self._or_none(None if rows is None else {"success": True, "data": rows})
        return self._or_none(self.server.usage)

    def _knows(self, query: str) -> bool:
        by_header = self.headers.get("authorization") == f"Bearer {TOKEN}"
        return parse_qs(query).get("key") == [TOKEN] if self.server.old else by_header

    def _refuse(self, name: str) -> None:
        if self.server.old and name == "log":
            return self._json({"success": True, "message": "", "data": []})
        return self._send(401, b'{"success":false,"message":"no"}', "application/json")

    def _or_none(self, value: JSON | None) -> None:
        if value is None:
            return self._send(200, b"<!doctype html><title>app</title>", "text/html")
        return self._json(value)

    def _json(self, value: JSON, extra: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), "application/json", extra)

    def _send(
        self, status: int, body: bytes, kind: str, extra: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, **(extra or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


_PATHS = {
    "/api/status": "status",
    "/api/pricing": "pricing",
    "/api/usage/token/": "usage",
    "/api/log/token": "log",
    "/v1/models": "models",
    "/v1beta/models": "models",
}


@contextmanager
def serving() -> Iterator[Relay]:
    """A relay that runs until the block ends."""
    server = Relay()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
