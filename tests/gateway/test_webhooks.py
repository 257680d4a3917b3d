"""Webhooks: signed, told at least once whatever dies, refused where they may not go, given up
visibly. The signature is checked by hand and by the vector of the specification's own libraries."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from pisang.client.settings import HookEntry, Serving, Settings, Variable
from pisang.domain.ledger import Budget, Hook
from pisang.domain.money import Money
from pisang.domain.secret import Secret
from pisang.errors import AddressRefused
from pisang.gateway.news import News
from pisang.gateway.webhooks import PAUSES_S, Postman, sign
from pisang.store.store import Store
from pisang.transport.post import post
from tests.gateway.conftest import run, serving
from tests.gateway.managing import until
from tests.store.kit import PRICE, Clock, claimed, open_store, paint, picture, wish

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()


class Receiver:
    """Somebody who is told: what he heard, and what he answers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                told = {name.lower(): value for name, value in self.headers.items()}
                outer.heard.append((self.path, told, body))
                status, headers = outer.answers.pop(0) if outer.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *said: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as one:
        yield one


def is_signed(headers: dict[str, str], body: bytes, secret: str = SECRET) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{made}"


def test_the_signature_is_that_of_the_specification_s_libraries() -> None:
    secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', secret)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


# --- the postman over a ledger -------------------------------------------------------------------


class Post:
    """A ledger with one request that is over, and a postman with a clock of our own."""

    def __init__(self, home: Path, receiver: Receiver, **hook: Any) -> None:
        self.clock = Clock()
        self.store: Store = open_store(home, self.clock)
        self.settings = Settings(home, home, serving=Serving(webhook_hosts=(receiver.host,)))
        self.postman = Postman(
            self.store,
            lambda: self.settings,
            News(),
            clock_ms=lambda: self.clock.ms,
            draw=lambda: 0,
        )
        hook = {"url": f"{receiver.url}/hear", "secret": Secret(SECRET), "id": "msg_1", **hook}
        begun = self.store.begin(wish(hook=Hook(**hook), tags=("birds",))).result()
        self.request_id = begun.request_id

    def make(self) -> None:
        paint(self.store, claimed(self.store, self.request_id).attempt_id, picture())
        self.store.finish(self.request_id).result()

    async def look(self) -> None:
        await self.postman.look()
        await asyncio.gather(*self.postman._trying.values())

    @property
    def row(self) -> Any:
        (row,) = self.store.webhooks.of_request(self.request_id)
        return row


@contextmanager
def posting(home: Path, receiver: Receiver, **hook: Any) -> Iterator[Post]:
    post = Post(home, receiver, **hook)
    with closing(post.store):
        yield post


async def test_who_is_told_is_told_once_signed_and_in_few_words(
    tmp_path: Path, receiver: Receiver
) -> None:
    with posting(tmp_path / "home", receiver, base="https://images.example.com") as post:
        await post.look()
        assert receiver.heard == [], "it is not over"
        post.make()
        await post.look()
        await post.look()
        ((path, headers, body),) = receiver.heard
        assert (path, headers["content-type"]) == ("/hear", "application/json")
        assert is_signed(headers, body)
        assert headers["webhook-id"] == "msg_1"
        told = json.loads(body)
        assert told["type"] == "generation.done"
        assert told["data"]["request_id"] == post.request_id
        (image,) = told["data"]["images"]
        url = f"https://images.example.com/pisang/v1/images/{image['sha256']}"
        assert image["url"] == url
        assert told["data"]["cost"]["amount"] == PRICE.amount
        assert told["data"]["tags"] == ["birds"]
        assert len(body) < 2000
        assert (post.row.state, post.row.status, post.row.tries) == ("delivered", 204, 1)


async def test_tries_are_spread_over_a_day_and_then_given_up_visibly(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [(500, {})] * 20
    with posting(tmp_path / "home", receiver, url=f"{receiver.url}/t0psecret?token=t0p") as post:
        post.make()
        pauses = []
        for _ in range(20):
            await post.look()
            if post.row.state != "waiting":
                break
            pauses.append((post.row.next_ms - post.clock.ms) // 1000)
            post.clock.ms = post.row.next_ms - 1
            await post.look()
            assert len(receiver.heard) == len(pauses), "not before its time"
            post.clock.ms += 1
        assert tuple(pauses) == PAUSES_S
        assert len({headers["webhook-id"] for _, headers, _ in receiver.heard}) == 1
        assert (post.row.state, post.row.problem) == ("given_up", "it answered 500")
        assert [one.hook.id for one in post.store.webhooks.of_state("given_up")] == ["msg_1"]
        (line,) = [one for one in caplog.records if one.getMessage() == "webhook_given_up"]
        assert line.__dict__["pisang_facts"]["host"] == "127.0.0.1"
        assert "t0p" not in str([one.__dict__ for one in caplog.records])
        receiver.answers = []
        post.store.webhooks.again("msg_1").result()
        await post.look()
        assert post.row.state == "delivered"


@pytest.mark.parametrize(
    ("answer", "state", "problem"),
    [
        ((302, {"location": "http://127.0.0.1:1/elsewhere"}), "waiting", "it answered 302"),
        ((307, {"location": "/elsewhere"}), "waiting", "it answered 307"),
        ((410, {}), "given_up", "it answered 410"),
        ((429, {"retry-after": "900"}), "waiting", "it answered 429"),
        ((200, {}), "delivered", None),
    ],
)
async def test_no_redirect_is_followed_and_who_is_gone_is_believed(
    tmp_path: Path, receiver: Receiver, answer: Any, state: str, problem: str | None
) -> None:
    receiver.answers = [answer]
    with posting(tmp_path / "home", receiver) as post:
        post.make()
        await post.look()
        assert [path for path, _, _ in receiver.heard] == ["/hear"]
        assert (post.row.state, post.row.problem) == (state, problem)
        if answer[0] == 429:
            assert post.row.next_ms - post.clock.ms == 900_000


async def test_a_try_whose_process_died_is_made_again(tmp_path: Path, receiver: Receiver) -> None:
    with posting(tmp_path / "home", receiver) as post:
        post.make()
        (due,) = post.store.webhooks.due()
        assert post.store.webhooks.take(due, post.clock.ms + 60_000).result()
        await post.look()
        assert receiver.heard == []
        post.clock.ms += 60_000
        await post.look()
        assert len(receiver.heard) == 1


async def test_a_private_address_is_told_nothing_unless_the_admin_allows_it(
    tmp_path: Path, receiver: Receiver
) -> None:
    with posting(tmp_path / "home", receiver) as post:
        post.settings = replace(post.settings, serving=Serving())
        post.make()
        await post.look()
        assert receiver.heard == []
        assert post.row.problem.startswith("the address is refused: ")

    async def inner(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "127.0.0.1"]

    with pytest.raises(AddressRefused, match="this machine"):
        await post_to("https://rebinding.example.com/", inner)
    for url in ("https://169.254.169.254/latest", "https://[::1]/", "https://2130706433/"):
        with pytest.raises(AddressRefused):
            await post_to(url, inner)


async def post_to(url: str, resolver: Any) -> Any:
    return await post(url, b"{}", {}, deadline_s=5, resolver=resolver)


async def test_one_that_failed_may_go_on_elsewhere_in_that_moment(
    tmp_path: Path, receiver: Receiver
) -> None:
    with posting(tmp_path / "home", receiver) as post:
        post.store.finish(post.request_id).result()  # nothing was ever sent: it failed
        await post.look()
        assert receiver.heard == []
        await post.look()
        ((_, _, body),) = receiver.heard
        assert json.loads(body)["type"] == "generation.failed"


async def test_a_budget_s_mark_is_told_to_whom_the_settings_name(
    tmp_path: Path, receiver: Receiver
) -> None:
    with posting(tmp_path / "home", receiver) as post:
        serving_ = replace(
            post.settings.serving,
            alerts=HookEntry(f"{receiver.url}/alerts", Variable("ALERTS", "gateway.alerts.secret")),
        )
        environ = {"ALERTS": SECRET}
        post.settings = replace(post.settings, serving=serving_, environ=environ)
        cap = Money(PRICE.micros * 2, PRICE.currency)
        post.store.set_budget(Budget("b", "all", "day", cap, "UTC")).result()
        post.make()
        await post.look()
        await post.look()
        ((headers, body),) = [(h, b) for path, h, b in receiver.heard if path == "/alerts"]
        assert is_signed(headers, body)
        told = json.loads(body)
        assert told["type"] == "budget.alert"
        assert (told["data"]["budget"], told["data"]["percent"]) == ("b", 50)


# --- through the gateway -------------------------------------------------------------------------

CONFIG = """
[gateway]
public_url = "https://images.example.com"
webhook_hosts = ["{host}"]
webhook_secret = "${{HOOK_SECRET}}"
"""


def test_a_webhook_outlives_the_server_that_promised_it(tmp_path: Path, receiver: Receiver) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text(CONFIG.format(host=receiver.host))
    extra = {"HOOK_SECRET": SECRET}
    receiver.answers = [(503, {})]
    wish = {"prompt": "a heron", "webhook": {"url": f"{receiver.url}/a?token=t0psecret"}}
    with serving(home, "serve", "--via", "sandbox", extra=extra) as (url, process):
        api = f"{url}/pisang/v1"
        later = {"Prefer": "respond-async"}
        asked = requests.post(f"{api}/generations", json=wish, headers=later, timeout=30)
        request_id = asked.json()["id"]
        until(lambda: len(receiver.heard) == 1)
        process.kill()
    with serving(home, "serve", "--via", "sandbox", extra=extra) as (url, _):
        api = f"{url}/pisang/v1"
        where = f"{api}/requests/{request_id}/webhooks"
        (row,) = requests.get(where, timeout=30).json()["webhooks"]
        assert row["state"] in ("waiting", "delivered"), "its next try may have come round"
        assert "t0psecret" not in json.dumps(row)
        again = requests.post(f"{api}/webhooks/{row['id']}/resend", timeout=30)
        assert again.json()["id"] == row["id"]
        until(lambda: len(receiver.heard) > 1)
        until(lambda: requests.get(where, timeout=30).json()["webhooks"][0]["state"] == "delivered")
        assert requests.get(f"{api}/webhooks?state=given_up", timeout=30).json()["webhooks"] == []
        bad = {"prompt": "x", "webhook": {"url": "https://192.168.0.1/"}}
        refused = requests.post(f"{api}/generations", json=bad, timeout=30)
        assert refused.status_code == 400
        assert "webhook.url" in refused.text
    assert len({headers["webhook-id"] for _, headers, _ in receiver.heard}) == 1
    assert all(is_signed(headers, body) for _, headers, body in receiver.heard)
    (image,) = json.loads(receiver.heard[-1][2])["data"]["images"]
    assert image["url"].startswith("https://images.example.com/pisang/v1/images/")


def test_a_key_s_own_webhook_hears_of_every_wire(tmp_path: Path, receiver: Receiver) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text(CONFIG.format(host=receiver.host))
    boss = json.loads(
        run(home, "key", "create", "--name", "boss", "--role", "admin", "--format", "json").stdout
    )["key"]
    with serving(home, "serve", "--via", "sandbox", extra={"HOOK_SECRET": SECRET}) as (url, _):
        own = "whsec_" + base64.b64encode(b"another secret of thirty bytes!!").decode()
        hook = {"url": f"{receiver.url}/own", "secret": own}
        made = requests.post(
            f"{url}/pisang/v1/keys",
            json={"name": "hooked", "webhook": hook},
            headers={"Authorization": f"Bearer {boss}"},
            timeout=30,
        )
        assert made.json()["webhook"]["signed"] is True
        assert own not in made.text
        key = made.json()["key"]
        body = {"contents": [{"parts": [{"text": "a plum"}]}]}
        path = "/v1beta/models/gemini-3-pro-image:generateContent"
        bought = requests.post(url + path, json=body, headers={"x-goog-api-key": key}, timeout=60)
        until(lambda: len(receiver.heard) == 1)
    ((_, headers, told),) = receiver.heard
    assert is_signed(headers, told, own)
    assert json.loads(told)["data"]["request_id"] == bought.headers["x-pisang-request-id"]
