"""X1, X3, X5: an address that somebody else chose is a word; nothing of ours goes there.

The rules themselves and the one fetcher are tested where they are: `tests/transport/test_guard.py`
(X1, X5) and `tests/transport/test_fetch.py` (X2, X4, X6). Here a whole gateway is watched.
"""

from __future__ import annotations

import ast
import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

import pisang
from tests.gateway.guarded import FLASH
from tests.gateway.rows.sockets import ask, head, peak_kib
from tests.gateway.rows.stage import Watched
from tests.transport.hostile import ENCODINGS

SOURCES = Path(pisang.__file__).parent


@pytest.fixture(scope="module")
def canary() -> Iterator[ThreadingHTTPServer]:
    """A host that nobody may ever call. `hits` are the paths that were asked for."""
    hits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_error(404)

        do_POST = do_HEAD = do_GET

        def log_message(self, *said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hits = hits  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def strangers(watched: Watched) -> set[str]:
    """Whom it looked up or connected to, but for its upstreams and itself."""
    ports = {urlsplit(url).port for url in (watched.url, watched.upstream)}
    ports |= {watched.echo.server_port, 9}
    known = {str(("127.0.0.1", port)) for port in ports}
    found = watched.noted("connect") | watched.noted("lookup")
    return found - known - {"127.0.0.1", "upstream.invalid", "b'127.0.0.1'"}


def addresses(port: int) -> list[str]:
    """The canary by its name and by its address."""
    local = [f"{one}://127.0.0.1:{port}/{one}.png" for one in ("http", "HTTPS", "ftp", "gopher")]
    return [f"http://canary.invalid:{port}/a.png", *local, f"//127.0.0.1:{port}/x.png"]


def hidden(url: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls that hold an address wherever a caller can put one."""
    link = {"image_url": {"url": url}}
    deep = {"user_config": {"api_base": url, "callback": [{"url": url}]}, "webhook": url}
    words = {"text": f"![{url}]({url}) <img src='{url}'> look at {url}"}
    native = f"/v1beta/models/{FLASH}:generateContent"
    return [
        (native, {"contents": [{"parts": [words]}], "cachedContent": url, **deep}),
        (native, {"contents": [{"parts": [{"fileData": {"fileUri": url}}, words]}]}),
        (native, {"contents": [{"parts": [{"inlineData": {"mimeType": url, "data": "aGk="}}]}]}),
        (native, {"contents": [{"parts": [words]}], "tools": [{"urlContext": {"url": url}}]}),
        (native, {"systemInstruction": {"parts": [words]}, "contents": [{"parts": [words]}]}),
        ("/v1/chat/completions", {"model": FLASH, "messages": [
            {"role": "user", "content": [{"type": "image_url", **link}, {"type": "text", **words}]},
        ], **deep}),
        ("/v1/chat/completions", {"model": FLASH, "messages": [
            {"role": "assistant", "content": f"![a]({url})"}, {"role": "user", "content": "on"},
        ]}),
        ("/v1/images/generations", {"model": FLASH, "prompt": url, "image": url, **deep}),
        ("/v1/images/edits", {"model": FLASH, "prompt": url, "images": [link], "mask": url}),
        ("/gpt/openapi/online/multimodal/crawl", {"model": "nano-banana2", "messages": [
            {"role": "user", "content": [{"type": "image_url", **link}, {"type": "text", **words}]},
        ], **deep}),
        ("/pisang/v1/generations", {"prompt": url, "model": url, "tags": [url[:100]]}),
        ("/pisang/v1/generations", {"prompt": url, "image": url}),
        ("/pisang/v1/generations", {"prompt": url, "references": [url]}),
        ("/pisang/v1/generations", {"prompt": url, "references": [{"image": url, "label": "x"}]}),
        ("/pisang/v1/generations", {"prompt": url, "extra": {"gemini": deep}, "via": "echo"}),
        ("/pisang/v1/generations", {"prompt": url, "via": url}),
        ("/pisang/v1/generations", {"prompt": url, **deep}),
    ]  # fmt: skip


def test_x3_an_address_in_any_field_of_any_call_is_never_asked_for(
    watched: Watched, canary: ThreadingHTTPServer
) -> None:
    """All goes to an upstream that repeats it, so that nothing is painted and much is decoded."""
    said: set[int] = set()
    via = {"X-Pisang-Upstream": "echo"}
    for url in addresses(canary.server_port):
        headers = {**via, "Referer": url, "X-Forwarded-Host": url, "X-Original-URL": url,
                   "Forwarded": f"host={url}", "Location": url}  # fmt: skip
        for path, body in hidden(url):
            said.add(watched.ask("own", "POST", path, json=body, headers=headers).status_code)
        about = {"file": {"displayName": url, "uri": url, "mimeType": "image/png"}}
        start = {**headers, "X-Goog-Upload-Command": "start"}
        begun = watched.ask("own", "POST", "/upload/v1beta/files", json=about, headers=start)
        listed = watched.ask("own", "GET", "/v1beta/models", params={"url": url})
        said |= {begun.status_code, listed.status_code}
    assert said <= {200, 400, 404}, said
    assert canary.hits == []  # type: ignore[attr-defined]
    assert strangers(watched) == set()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_x1_nobody_sends_an_upstream_of_ours_into_our_network(
    watched: Watched, encoding: str
) -> None:
    """A model of one's own fetches what it is told to: the caller's address is not handed on."""
    front: Any = watched.echo.RequestHandlerClass
    for ip in ("127.0.0.1", "169.254.169.254"):
        url = f"http://{ENCODINGS[encoding](ip)}/latest/meta-data"
        part = {"fileData": {"mimeType": "image/png", "fileUri": url}}
        body = {"contents": [{"parts": [part, {"text": "look"}]}]}
        asked = len(front.paths)
        refused = watched.ask("own", "POST", f"/v1beta/models/{FLASH}:generateContent",
                              json=body, headers={"X-Pisang-Upstream": "echo"})  # fmt: skip
        assert refused.status_code == 400, refused.text
        assert "is not fetched" in refused.text
        assert len(front.paths) == asked


def test_x1_a_public_address_is_handed_on_as_it_stands(watched: Watched) -> None:
    url = "https://images.example.com/a%20b.png?x=1#y"
    image = {"type": "image_url", "image_url": {"url": url}}
    words = {"type": "text", "text": "look"}
    body = {"model": FLASH, "messages": [{"role": "user", "content": [image, words]}]}
    front: Any = watched.echo.RequestHandlerClass
    watched.ask("own", "POST", "/v1/chat/completions", json=body,
                headers={"X-Pisang-Upstream": "echo"})  # fmt: skip
    assert f'"fileUri":"{url}"'.encode() in front.bodies[-1]


def test_x3_nobody_s_proxy(watched: Watched, canary: ThreadingHTTPServer) -> None:
    """A request line that names another server is asked of nobody but us."""
    there = f"127.0.0.1:{canary.server_port}"
    for method, target in (("GET", f"http://{there}/a"), ("CONNECT", there), ("TRACE", "/healthz"),
                           ("OPTIONS", "*"), ("get", "/healthz"), ("PRI", "*")):  # fmt: skip
        said = ask(watched.url, head(target, "X-Word: repeat-me", method=method))
        assert 400 <= said.status < 500, (method, said)
        assert b"repeat-me" not in said.body
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
    assert ask(watched.url, head("/v1/models", *upgrade, method="GET")).status in (401, 403, 404)
    assert canary.hits == []  # type: ignore[attr-defined]


def test_x1_no_link_in_an_answer_leads_into_a_network_of_ours(
    watched: Watched, canary: ThreadingHTTPServer
) -> None:
    """One paid answer whose pictures stand behind every spelling of a forbidden address."""
    port = canary.server_port
    hosts = [encode(ip) for encode in ENCODINGS.values() for ip in ("127.0.0.1", "169.254.169.254")]
    links = [f"https://{host}/a.png" for host in hosts]
    links += [f"http://{host}:{port}/a.png" for host in hosts if "#" not in host]
    links += addresses(port)
    parts = [{"fileData": {"mimeType": "image/png", "fileUri": url}} for url in links]
    reply = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    front: Any = watched.echo.RequestHandlerClass
    front.answer = (200, "application/json", json.dumps(reply).encode())
    try:
        answer = watched.paint("behind links", via="echo")
    finally:
        front.answer = None
    assert answer.status_code == 424
    assert "link" in answer.text
    assert canary.hits == []  # type: ignore[attr-defined]
    assert strangers(watched) == set()


def test_x5_a_picture_comes_as_its_bytes_and_what_else_a_data_url_may_be_is_refused(
    watched: Watched,
) -> None:
    text = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
    wrong = (
        "data:", "data:,hello", f"data:image/svg+xml;base64,{text}",
        f"data:text/html;base64,{text}",
        "data:image/png;base64,%%%", "data:image/png;base64,", "data:image/png,raw", "javascript:1",
        f"DATA:IMAGE/PNG;BASE64,{text}", "blob:http://127.0.0.1/x", "about:blank", "cid:x",
    )  # fmt: skip
    for url in wrong:
        wish = {"prompt": "a", "references": [url]}
        refused = watched.ask("own", "POST", "/pisang/v1/generations", json=wish)
        assert refused.status_code == 400, url
        assert refused.json()["error"]["charged"] == "no"


def test_x5_a_data_url_of_a_hundred_megabytes_is_refused_and_takes_no_room(
    watched: Watched,
) -> None:
    before = peak_kib(watched.pid)

    def body() -> Iterator[bytes]:
        yield b'{"prompt":"a","references":["data:image/png;base64,iVBORw0KGgoA'
        for _ in range(130):
            yield b"A" * (1024 * 1024)
        yield b'"]}'

    key = watched.keys["own"]["key"]
    refused = requests.post(
        f"{watched.url}/pisang/v1/generations", data=body(), timeout=60,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )  # fmt: skip
    assert refused.status_code == 413
    assert peak_kib(watched.pid) - before < 50 * 1024


def test_x_one_fetcher_makes_every_call_to_a_place_that_its_user_did_not_configure() -> None:
    """Who opens connections, by what the source itself says: a new name here is a new way out."""
    makers: dict[str, set[str]] = {"HttpTransport": set(), "ClientSession": set()}
    for path in SOURCES.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if any(name in text for name in makers) else ():
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in makers:
                    makers[name].add(str(path.relative_to(SOURCES)))
    assert makers["ClientSession"] == {"transport/connections.py"}
    assert makers["HttpTransport"] == GUARDED | {"engine/reach.py"}
    for name in GUARDED:
        source = (SOURCES / name).read_text()
        assert "check_url(" in source and "addresses={" in source, name


GUARDED = {"transport/fetch.py", "transport/post.py"}
"""Those who call an address that somebody else chose; the other calls what settings name."""
