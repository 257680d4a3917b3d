"""`pisang unknown look` and `rebuy` at a relay that answers with links, which work or do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pisang.pixels.paint import Painting, paint

AS_JSON = ("--format", "json")
PICTURE = paint(Painting(prompt="x", width=64, height=64, mime="image/png"))


class Relay(ThreadingHTTPServer):
    """Answers each chat call with a link to its own picture; `status` is the picture's."""

    status = 503
    sold = 0
    fetched = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Relay

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.sold += 1
        image = {"type": "image_url", "image_url": {"url": f"{self.server.url}/picture.png"}}
        message = {"role": "assistant", "content": "", "images": [image]}
        body = {"id": "chat-7", "choices": [{"message": message, "finish_reason": "stop"}]}
        self.answer(200, "application/json", json.dumps(body).encode())

    def do_GET(self) -> None:
        if self.path != "/picture.png":  # its books, which it does not open
            return self.answer(404, "text/html", b"<html>")
        self.server.fetched += 1
        good = self.server.status == 200
        return self.answer(self.server.status, "image/png", PICTURE if good else b"")

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def relay() -> Iterator[Relay]:
    server = Relay(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def unknown(pisang, relay, home) -> str:
    """The id of an attempt whose picture could not be fetched."""
    pisang(
        "upstream", "add", "links", "--wire", "openai-chat", "--base-url", relay.url,
        "--auth", "none",
    )  # fmt: skip
    with (home / "config.toml").open("a") as config:
        config.write('[upstreams.links.prices]\n"gemini-3.1-flash-image" = "0.20CNY"\n')
    assert pisang("generate", "x", "--via", "links").code == 7
    (row,) = pisang("unknown", "list", *AS_JSON).json["unknown"]
    assert row["at_stake"] == "0.20 CNY"
    return str(row["id"])


def test_a_link_that_works_later_gives_the_picture_and_settles_the_attempt(
    pisang, relay, unknown, home
):
    relay.status = 200
    looked = pisang("unknown", "look", unknown, *AS_JSON)
    assert looked.code == 0, looked.err
    assert looked.json["state"] == "done"
    assert looked.json["tried"] is None
    (image,) = looked.json["images"]
    assert Path(image["path"]).read_bytes() == PICTURE
    assert pisang("unknown", "list", *AS_JSON).json["unknown"] == []
    (row,) = pisang("history", *AS_JSON).json["requests"]
    assert (row["state"], row["cost"]["amount"]) == ("done", "0.20")
    assert "found_later" in [
        w["code"] for w in pisang("show", row["id"], *AS_JSON).json["warnings"]
    ]
    assert relay.sold == 1
    assert list((home / "incoming").iterdir()) == []


def test_a_link_that_still_fails_says_why_and_leaves_it_unknown(pisang, relay, unknown, home):
    looked = pisang("unknown", "look", unknown)
    assert looked.code == 0
    assert "Its link was tried again" in looked.err
    assert "look" not in looked.err.splitlines()[-1].partition("Next: ")[2]
    assert "rebuy" in looked.err
    assert len(pisang("unknown", "list", *AS_JSON).json["unknown"]) == 1
    assert (relay.sold, relay.fetched) == (1, 2)
    assert list((home / "incoming").iterdir()) == []
    assert "已再次尝试" in pisang("unknown", "look", unknown, PISANG_LANG="zh").err


def test_buying_again_first_looks_and_buys_nothing_when_the_picture_is_there(
    pisang, relay, unknown, folder
):
    relay.status = 200
    said = pisang("unknown", "rebuy", unknown, "--out", "x.png", *AS_JSON)
    assert said.code == 0, said.err
    assert (folder / "x.png").read_bytes() == PICTURE
    assert relay.sold == 1


def test_a_link_is_tried_though_its_upstream_is_configured_no_more(pisang, relay, unknown):
    relay.status = 200
    pisang("upstream", "remove", "links")
    looked = pisang("unknown", "look", unknown, *AS_JSON).json
    assert looked["state"] == "unknown"  # a private address is nobody's to trust now
    assert relay.fetched == 1


def test_where_nothing_can_be_tried_it_says_whom_to_ask(pisang):
    pisang("generate", "x [[sandbox html=524]]", "--via", "sandbox", "-s", "512")
    (row,) = pisang("unknown", "list", *AS_JSON).json["unknown"]
    looked = pisang("unknown", "look", row["id"])
    assert "sandbox's own log may tell" in looked.err
