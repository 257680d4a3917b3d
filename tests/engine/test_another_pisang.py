"""Another Pisang as the upstream: every attempt has a key of its own, and its word is taken."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import pisang
from pisang.domain.attempt import Charged
from pisang.domain.secret import Secret
from pisang.domain.upstream import Upstream
from pisang.errors import OutcomeUnknown
from pisang.pixels.paint import Painting, paint

PICTURE = base64.b64encode(paint(Painting(prompt="x", width=64, height=64, mime="image/png")))
BODY = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [{"inlineData": {"mimeType": "image/png", "data": PICTURE.decode()}}],
            },
            "finishReason": "STOP",
        }
    ]
}
UNKNOWN = {
    "error": {
        "code": 424,
        "status": "FAILED_PRECONDITION",
        "message": "Nobody knows. At stake: 0.13 USD.",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "domain": "pisang",
                "reason": "outcome_unknown",
            }
        ],
    }
}


class Other(ThreadingHTTPServer):
    """The other one. It answers `status` and keeps the keys that it was given."""

    status = 200
    headers: dict[str, str]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys: list[str | None] = []
        self.headers = {}


class _Handler(BaseHTTPRequestHandler):
    server: Other

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.keys.append(self.headers.get("idempotency-key"))
        raw = json.dumps(BODY if self.server.status == 200 else UNKNOWN).encode()
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[Other]:
    with Other() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def at(other: Other, kind: str = "pisang") -> Upstream:
    url = f"http://127.0.0.1:{other.server_address[1]}"
    return Upstream("far", "gemini", url, key=Secret("made-up-key"), kind=kind, default_model="m")


def test_every_attempt_goes_under_its_own_id(other: Other, tmp_path: Path) -> None:
    with pisang.Client(at(other), home=tmp_path) as client:
        result = client.generate("a", n=2, idempotency_key="mine")
        assert len(result.images) == 2
    assert len(set(other.keys)) == 2
    assert all(key and key.startswith("att_") for key in other.keys)


def test_a_relay_is_sent_no_such_field(other: Other, tmp_path: Path) -> None:
    with pisang.Client(at(other, "relay"), home=tmp_path) as client:
        client.generate("a")
    assert other.keys == [None]


def test_that_it_bought_nothing_anew_is_a_warning_and_its_id_is_kept(
    other: Other, tmp_path: Path
) -> None:
    other.headers = {"X-Pisang-Attached": "req_1", "X-Pisang-Request-Id": "req_1"}
    with pisang.Client(at(other), home=tmp_path) as client:
        result = client.generate("a")
    assert "attached" in [one.code for one in result.warnings]


def test_what_it_can_t_know_either_is_unknown_here_and_not_sent_again(
    other: Other, tmp_path: Path
) -> None:
    other.status, other.headers = 424, {"x-pisang-request-id": "req_9", "x-should-retry": "false"}
    with pisang.Client(at(other), home=tmp_path) as client:
        with pytest.raises(OutcomeUnknown) as told:
            client.generate("a")
        (row,) = client.unknown()
    assert told.value.charged is Charged.UNKNOWN
    assert row.upstream_request_id == "req_9"
    assert other.keys == [row.id]
