"""Behind nginx as it is installed, with `proxy_pass` and nothing else: long answers arrive, what
waits is told so, what is cut is never taken for whole. Behind the configurations that ship in
`deploy/`, large bodies pass too.

Times are scaled down: nginx gives up after 3 s without a byte in place of 60, the server speaks
after 1 in place of 45. With PISANG_CRASH=long nothing is, and the answer takes 150 s.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from tests.badinput.bodies import png
from tests.gateway.clients.roster import CannotRun
from tests.gateway.conftest import ROOT, run, serving
from tests.gateway.proxies import binary, caddy, free_port, nginx, replaced

LONG = os.environ.get("PISANG_CRASH") == "long"
pytestmark = [pytest.mark.crash] if LONG else []
DELAY_S = 150 if LONG else 5
READ_TIMEOUT = "" if LONG else "proxy_read_timeout 3s;"
KEEPALIVE = "" if LONG else "\n[gateway]\nkeepalive_s = 1\n"

PAUSE_S = 1
"""As long as any client waits before it tries again."""

DEFAULTS = """
server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {url}; {more} }}
}}
"""

PRO = "gemini-3-pro-image"


def need(name: str) -> None:
    try:
        binary(name)
    except CannotRun as why:
        pytest.skip(f"NOT RUN: {name}: {why}")


@dataclass(frozen=True)
class Behind:
    """A gateway behind a proxy: the proxy's address, the gateway's own, its home and book."""

    url: str
    gateway: str
    home: Path
    book: Path
    logs: Path

    @property
    def charges(self) -> int:
        """How often the upstream charged so far."""
        return len(self.book.read_text().splitlines()) if self.book.exists() else 0

    def state(self, answer: requests.Response) -> str:
        """How the request of an answer that has begun stands, asked of the gateway itself."""
        named = answer.headers["x-pisang-request-id"]
        told = requests.get(f"{self.gateway}/pisang/v1/requests/{named}", timeout=60).json()
        return told["state"]

    def generate(self, text: str, method: str = "generateContent", **more: Any):
        """A call of Google's wire through the proxy."""
        return requests.post(
            f"{more.pop('url', self.url)}/v1beta/models/{PRO}:{method}",
            json={
                "contents": [{"parts": [{"text": text}, *more.pop("parts", ())]}],
                "generationConfig": {"imageConfig": {"imageSize": "1K"}},
            },
            timeout=400,
            **more,
        )


def images(answer: requests.Response) -> list[dict[str, Any]]:
    parts = answer.json()["candidates"][0]["content"]["parts"]
    return [part for part in parts if "inlineData" in part]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """A gateway that speaks early to who waits, over a sandbox behind a real port."""
    need("nginx")
    folder = tmp_path_factory.mktemp("behind")
    home, book = folder / "home", folder / "book.jsonl"
    with serving(folder / "upstream", "sandbox", "--book", str(book)) as (upstream, _):
        run(
            home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", upstream,
            "--auth", "bearer", "--key-stdin", stdin="sk-made-up\n",
        )  # fmt: skip
        config = home / "config.toml"
        config.write_text(config.read_text() + KEEPALIVE)
        with serving(home, "serve") as (url, _):
            requests.get(f"{url}/pisang/v1/requests", timeout=60)  # loaded when first asked
            yield Behind(url, url, home, book, folder)


@pytest.fixture(scope="module")
def plain(gateway: Behind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """That gateway behind nginx with its defaults."""
    port, folder = free_port(), tmp_path_factory.mktemp("plain")
    site = DEFAULTS.format(port=port, url=gateway.gateway, more=READ_TIMEOUT)
    with nginx(folder, site, port) as logs:
        url = f"http://127.0.0.1:{port}"
        yield Behind(url, gateway.gateway, gateway.home, gateway.book, logs)


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_a_long_answer_arrives_and_who_waits_hears_of_it_at_once(
    plain: Behind, method: str
) -> None:
    before = plain.charges
    text = f"a slow kite by {method} [[sandbox delay={DELAY_S}]]"
    with plain.generate(text, method, stream=True) as answer:
        assert answer.status_code == 200
        chunks = answer.iter_content(None)
        assert next(chunks) == b"\n"
        assert plain.state(answer) == "sent"  # nginx keeps nothing back: it is still being made
        body = b"".join(chunks)
    assert b"inlineData" in body
    if method == "generateContent":
        json.loads(body)
    assert plain.charges - before == 1


def test_a_caller_who_leaves_the_proxy_and_asks_again_is_given_what_he_asked_for(
    plain: Behind,
) -> None:
    before = plain.charges
    text = f"a kite left alone [[sandbox delay={60 if LONG else 3}]]"
    with plain.generate(text, stream=True) as answer:
        next(answer.iter_content(1))  # and away
    time.sleep(PAUSE_S)
    again = plain.generate(text)
    assert again.headers["x-pisang-request-id"] == answer.headers["x-pisang-request-id"]
    assert len(images(again)) == 1
    assert plain.charges - before == 1


@pytest.mark.skipif(LONG, reason="scaled down: see the other tests")
def test_where_the_server_is_silent_nginx_gives_up_and_asking_again_joins(
    gateway: Behind, tmp_path: Path
) -> None:
    """What the line breaks are for: with nginx's patience shorter still, a 504 comes of it."""
    before = gateway.charges
    port = free_port()
    site = DEFAULTS.format(port=port, url=gateway.gateway, more="proxy_read_timeout 500ms;")
    text = "a kite behind the impatient [[sandbox delay=1.8]]"
    with nginx(tmp_path / "nginx", site, port):
        url = f"http://127.0.0.1:{port}"
        assert gateway.generate(text, url=url).status_code == 504
        again = gateway.generate(text, url=url)
        while again.status_code == 504:
            again = gateway.generate(text, url=url)
    assert "x-pisang-attached" in again.headers
    assert gateway.charges - before == 1


@pytest.mark.parametrize("how", ["cut=0.4 delay=2", "cut=0.5 drip=1"])
@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_what_is_cut_upstream_is_nothing_that_a_client_can_take_for_whole(
    plain: Behind, method: str, how: str
) -> None:
    """nginx speaks HTTP/1.0 to us by default, where a cut body ends as a whole one does. One of
    these was begun by a line break, the other by the upstream's own bytes."""
    before = plain.charges
    text = f"a broken bridge by {method} [[sandbox {how}]]"
    if LONG:
        text = text.replace("delay=2", "delay=50")
    answer = plain.generate(text, method)
    assert answer.status_code == 200  # it had begun
    with pytest.raises(ValueError):
        read_whole(answer, method)
    again = plain.generate(text, method)
    assert (again.status_code, plain.charges - before) == (424, 1)


def read_whole(answer: requests.Response, method: str) -> None:
    """Read an answer as a client does. Raises `ValueError` where it is no answer or an error."""
    if "sse" not in method:
        answer.json()
        return
    for event in answer.text.replace("\r\n", "\n").split("\n\n")[:-1]:  # what has no end is none
        if event.strip() and "error" in json.loads(event.strip().removeprefix("data:")):
            raise ValueError(event)


def test_a_large_body_is_more_than_nginx_takes_unless_it_is_told(plain: Behind) -> None:
    before = plain.charges
    refused = plain.generate("an edit", parts=[large_picture()])
    assert refused.status_code == 413
    assert "nginx" in refused.text  # the gateway was never asked
    assert plain.charges - before == 0


def large_picture() -> dict[str, Any]:
    """A reference of 15 MB as Google's wire carries it: 20 MB of base64."""
    data = base64.b64encode(png() + bytes(15_000_000)).decode()
    return {"inlineData": {"mimeType": "image/png", "data": data}}


# --- the configurations that ship ----------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped_nginx(
    gateway: Behind, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Behind, Path]]:
    """Behind `deploy/nginx.conf`, only addresses and certificate changed; and who signed that. The
    first of the two instances has stopped, as in an upgrade."""
    port, folder = free_port(), tmp_path_factory.mktemp("shipped")
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "leaf.pem")
    site = replaced(
        (ROOT / "deploy/nginx.conf").read_text(),
        {
            r"server 127\.0\.0\.1:8787;": f"server 127.0.0.1:{free_port()};",  # nobody is there
            r"127\.0\.0\.1:8788": gateway.gateway.removeprefix("http://"),
            r"listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            r"/etc/ssl/pisang/\w+\.pem": str(folder / "leaf.pem"),
        },
    )
    with nginx(folder, site, port) as logs:
        url = f"https://127.0.0.1:{port}"
        yield Behind(url, gateway.gateway, gateway.home, gateway.book, logs), folder / "ca.pem"


@pytest.fixture(scope="module")
def shipped_caddy(gateway: Behind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """Behind `deploy/Caddyfile` as it is, without a certificate: only one's own name gets that."""
    need("caddy")
    port, folder = free_port(), tmp_path_factory.mktemp("caddy")
    site = (ROOT / "deploy/Caddyfile").read_text()
    named = {
        "SITE": f"http://127.0.0.1:{port}",
        "GATEWAY": gateway.gateway.removeprefix("http://"),
    }
    with caddy(folder, site, port, named):
        url = f"http://127.0.0.1:{port}"
        yield Behind(url, gateway.gateway, gateway.home, gateway.book, folder)


@pytest.fixture(params=["nginx", "caddy"])
def shipped(request: pytest.FixtureRequest) -> tuple[Behind, dict[str, Any]]:
    """Behind each of the two, and what a client has to be told to trust it."""
    if request.param == "caddy":
        return request.getfixturevalue("shipped_caddy"), {}
    behind, authority = request.getfixturevalue("shipped_nginx")
    return behind, {"verify": str(authority)}


def test_behind_what_ships_large_bodies_pass(
    shipped: tuple[Behind, dict[str, Any]],
) -> None:
    behind, trust = shipped
    before = behind.charges
    text = f"a large edit by {behind.url}"
    answer = behind.generate(text, parts=[large_picture()], **trust)
    assert answer.status_code == 200, answer.text[:300]
    assert len(images(answer)) == 1
    assert behind.charges - before == 1


def test_behind_what_ships_who_waits_hears_of_it_at_once_and_who_leaves_is_noticed(
    shipped: tuple[Behind, dict[str, Any]],
) -> None:
    behind, trust = shipped
    before = behind.charges
    text = f"a slow one by {behind.url} [[sandbox delay={60 if LONG else 3}]]"
    with behind.generate(text, stream=True, **trust) as answer:
        assert next(answer.iter_content(1)) == b"\n"
        assert behind.state(answer) == "sent"
    time.sleep(PAUSE_S)
    again = behind.generate(text, **trust)
    assert again.headers["x-pisang-request-id"] == answer.headers["x-pisang-request-id"]
    assert len(images(again)) == 1
    assert behind.charges - before == 1


def test_behind_what_ships_a_cut_answer_is_cut(shipped: tuple[Behind, dict[str, Any]]) -> None:
    behind, trust = shipped
    before = behind.charges
    text = f"a broken one by {behind.url} [[sandbox cut=0.5 drip=1]]"
    with pytest.raises(requests.RequestException):
        behind.generate(text, **trust)
    again = behind.generate(text, **trust)
    assert (again.status_code, behind.charges - before) == (424, 1)
