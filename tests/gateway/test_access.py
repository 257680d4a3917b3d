"""Who may ask a gateway: every route by every kind of caller, over real processes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pisang.domain.access import GatewayKey, Role, digest_of, write_text
from pisang.domain.catalogue import load
from pisang.domain.request import Request, Text
from pisang.domain.upstream import Upstream
from pisang.errors import KeyInvalid, KeyRestricted
from pisang.gateway.access import FRESH_S, Access, Caller
from pisang.gateway.routes import role_for
from pisang.gateway.visits import Visit, open_visit
from pisang.policy.plan import plan
from pisang.store.store import Store
from tests.gateway.conftest import environ, run, serving
from tests.gateway.guarded import FLASH, PRO, WRONG, Guarded, guarding
from tests.store.kit import NOW, Clock, open_store

CRAWL = "/gpt/openapi/online/multimodal/crawl"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as made:
        yield made


# --- every route by every caller -----------------------------------------------------------------

GENERATE = {"contents": [{"parts": [{"text": "a plum"}]}]}
CHAT = {"model": FLASH, "messages": [{"role": "user", "content": "a plum"}]}
CRAWLED = {
    "model": "nano-banana2",
    "messages": [{"role": "user", "content": [{"type": "text", "text": "a plum"}]}],
}

PAID: dict[str, tuple[str, Any]] = {
    f"/v1beta/models/{FLASH}:generateContent": ("gemini", GENERATE),
    f"/v1/models/{FLASH}:generateContent": ("gemini", GENERATE),
    f"/v1beta/models/{FLASH}:streamGenerateContent?alt=sse": ("gemini", GENERATE),
    "/v1/images/generations": ("openai", {"model": FLASH, "prompt": "a plum"}),
    "/v1/chat/completions": ("openai", CHAT),
    CRAWL: ("crawl", CRAWLED),
}
READ = {
    "/v1beta/models": "gemini",
    f"/v1beta/models/{FLASH}": "gemini",
    "/v1/models": "openai",
}

STATUS = {"none": 401, "wrong": 401, "revoked": 401}


def said(answer: requests.Response, shape: str) -> str:
    """The error's message, found where that dialect's clients look for it."""
    body = answer.json()
    if shape == "crawl":
        assert body["code"] != 0
        return str(body["msg"])
    if shape == "openai":
        assert set(body["error"]) >= {"message", "type", "param", "code"}
    else:
        assert body["error"]["code"] == answer.status_code
        assert body["error"]["status"].isupper()
    return str(body["error"]["message"])


@pytest.mark.parametrize("path", PAID)
@pytest.mark.parametrize("whose", ["none", "wrong", "revoked", "reader", "own", "admin"])
def test_a_paid_route_is_open_to_who_may_buy(guarded: Guarded, path: str, whose: str) -> None:
    shape, body = PAID[path]
    before = guarded.charges
    answer = guarded.ask(whose, "POST", path, json=body)
    expected = {**STATUS, "reader": 403}.get(whose, 200)
    assert answer.status_code == expected, answer.text[:500]
    assert guarded.charges == before + (expected == 200)
    if expected == 401:
        assert said(answer, shape).startswith("this gateway: the key is invalid or expired.")
    if expected == 403:
        assert said(answer, shape) == (
            "This key is not for making images and reading: it is for reading."
        )


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("whose", ["none", "wrong", "revoked", "reader", "own", "admin"])
def test_a_list_is_open_to_every_key(guarded: Guarded, path: str, whose: str) -> None:
    answer = guarded.ask(whose, "GET", path)
    assert answer.status_code == STATUS.get(whose, 200)
    if answer.status_code == 401:
        said(answer, READ[path])


@pytest.mark.parametrize("whose", ["none", "wrong", "revoked", "reader"])
def test_only_health_is_told_to_anybody(guarded: Guarded, whose: str) -> None:
    assert guarded.ask(whose, "GET", "/healthz").status_code == 200
    assert guarded.ask(whose, "GET", "/readyz").status_code == 200
    assert guarded.ask("none", "GET", "/healthz/").status_code == 401
    assert guarded.ask("none", "GET", "/v1beta/../healthz").status_code in (200, 401)


@pytest.mark.parametrize("whose", ["none", "wrong", "revoked"])
def test_who_has_no_key_is_not_told_what_is_there(guarded: Guarded, whose: str) -> None:
    for path in ("/nothing", "/v1beta/nothing", "/pisang/v1/requests/req_1", "/metrics"):
        assert guarded.ask(whose, "GET", path).status_code == 401, path
        assert guarded.ask(whose, "DELETE", path).status_code == 401, path


def test_the_refusal_is_the_same_byte_for_byte_whatever_is_wrong_with_the_key(
    guarded: Guarded,
) -> None:
    id_, secret = guarded.keys["own"]["id"], guarded.keys["own"]["key"].rpartition("_")[2]
    texts = (
        None,
        WRONG,
        guarded.text("revoked"),
        f"psk_{id_}_{'0' * 64}",
        f"psk_{guarded.keys['other']['id']}_{secret}",
        "sk-made-up",
        "' OR 1=1 --",
    )
    answers = [
        requests.post(
            f"{guarded.url}/v1beta/models/{FLASH}:generateContent",
            json=GENERATE,
            headers={"x-goog-api-key": text} if text else {},
            timeout=30,
        )
        for text in texts
    ]
    assert {one.status_code for one in answers} == {401}
    assert len({one.content for one in answers}) == 1


@pytest.mark.parametrize("place", ["bearer", "x-goog-api-key", "?key=", "?ak="])
def test_a_key_is_taken_wherever_a_wire_s_clients_put_it(guarded: Guarded, place: str) -> None:
    text = guarded.keys["reader"]["key"]
    headers = {"bearer": {"Authorization": f"bearer {text}"}, "x-goog-api-key": {place: text}}
    query = f"{place}{text}" if place.startswith("?") else ""
    url = f"{guarded.url}/v1beta/models{query}"
    assert requests.get(url, headers=headers.get(place, {}), timeout=30).status_code == 200


# --- what a key is for ---------------------------------------------------------------------------


def test_a_key_for_one_model_up_to_a_size_buys_nothing_else(guarded: Guarded) -> None:
    before = guarded.charges
    other = guarded.paint("small", "a fig", model=PRO)
    assert other.status_code == 403
    assert said(other, "gemini") == (
        "This key is not for model gemini-3-pro-image: it is for nano-banana-2."
    )
    larger = guarded.paint("small", "a fig", size="2k")
    assert larger.status_code == 403
    assert said(larger, "gemini") == "This key is not for size 2K: it is for sizes up to 1K."
    openai = guarded.ask(
        "small",
        "POST",
        "/v1/images/generations",
        json={"model": FLASH, "prompt": "a fig", "size": "3840x2160"},
    )
    assert openai.status_code == 403
    assert said(openai, "openai") == "This key is not for size 4K: it is for sizes up to 1K."
    assert guarded.charges == before
    assert guarded.paint("small", "a fig").status_code == 200


def test_a_key_s_cap_is_kept(guarded: Guarded) -> None:
    before = guarded.charges
    first = guarded.paint("poor", "a pear")
    assert first.status_code == 200
    shown = guarded.pisang("show", first.headers["x-pisang-request-id"])
    assert "budget_near" in json.dumps(shown["warnings"])
    second = guarded.paint("poor", "two pears")
    assert second.status_code == 402
    assert guarded.charges == before + 1
    listed = guarded.pisang("key", "list")["keys"]
    (poor,) = [one for one in listed if one["name"] == "poor"]
    assert (poor["budgets"][0]["cap"], poor["budgets"][0]["spent"]) == ("0.10", "0.067")


def test_of_forty_calls_at_once_a_cap_for_ten_lets_ten_through(guarded: Guarded) -> None:
    before = guarded.charges
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: guarded.paint("capped", f"grape {n}"), range(40)))
    codes = sorted(one.status_code for one in answers)
    assert codes == [200] * 10 + [402] * 30
    assert guarded.charges == before + 10


def test_a_key_that_asks_too_fast_is_told_when_to_come_back_and_pays_nothing(
    guarded: Guarded,
) -> None:
    before = guarded.charges
    answers = [guarded.paint("slow", f"plum number {n}") for n in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert answers[2].json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert guarded.charges == before + 2


def test_two_at_once_are_one_too_many_for_a_key_of_one(guarded: Guarded) -> None:
    before = guarded.charges
    with ThreadPoolExecutor(5) as pool:
        asked = [f"slow plum {n} [[sandbox delay=2]]" for n in range(5)]
        answers = list(pool.map(lambda prompt: guarded.paint("single", prompt), asked))
    assert sorted(one.status_code for one in answers) == [200, 429, 429, 429, 429]
    assert guarded.charges == before + 1


# --- keys never meet -----------------------------------------------------------------------------


def test_one_idempotency_key_of_two_callers_is_two(guarded: Guarded) -> None:
    before = guarded.charges
    headers = {"Idempotency-Key": "the-same"}
    mine = guarded.paint("own", "a quince", headers=headers)
    theirs = guarded.paint("other", "something else", headers=headers)
    assert (mine.status_code, theirs.status_code) == (200, 200)
    assert guarded.charges == before + 2
    again = guarded.paint("own", "a quince", headers=headers)
    assert again.content == mine.content
    assert guarded.charges == before + 2


def test_what_one_caller_lost_another_is_not_given(guarded: Guarded) -> None:
    before = guarded.charges
    lost = guarded.paint("own", "a lost plum [[sandbox html=524]]")
    assert lost.status_code == 424
    other = guarded.paint("other", "a lost plum [[sandbox html=524]]")
    assert "x-pisang-attached" not in other.headers
    assert guarded.charges >= before + 1
    found = guarded.paint("own", "a lost plum [[sandbox html=524]]")
    assert found.headers["x-pisang-request-id"] == lost.headers["x-pisang-request-id"]


def test_a_chat_that_goes_on_is_known_to_its_own_caller_only(guarded: Guarded) -> None:
    asked = {"role": "user", "content": "a plum that will be changed"}
    first = guarded.ask(
        "own", "POST", "/v1/chat/completions", json={"model": FLASH, "messages": [asked]}
    )
    told = first.json()["choices"][0]["message"]
    on = {"model": FLASH, "messages": [asked, told, {"role": "user", "content": "redder"}]}
    mine = guarded.ask("own", "POST", "/v1/chat/completions", json=on)
    theirs = guarded.ask("other", "POST", "/v1/chat/completions", json=on)
    assert "history_moved" not in mine.headers["x-pisang-warning"]
    assert "history_moved" in theirs.headers["x-pisang-warning"]


def test_each_request_stands_under_the_id_of_its_key(guarded: Guarded) -> None:
    answer = guarded.paint("other", "a plum of my own")
    with closing(open_store(guarded.home)) as store:
        row = store.request(answer.headers["x-pisang-request-id"])
    assert row.scope == guarded.keys["other"]["id"]


def test_a_revoked_key_is_refused_by_a_gateway_that_runs(guarded: Guarded) -> None:
    made = guarded.pisang("key", "create", "--name", "brief")
    guarded.keys["brief"] = made
    assert guarded.ask("brief", "GET", "/v1beta/models").status_code == 200
    run(guarded.home, "key", "revoke", made["id"])
    until = time.monotonic() + 20
    while guarded.ask("brief", "GET", "/v1beta/models").status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert guarded.ask("brief", "GET", "/v1beta/models").status_code == 401


def test_no_secret_is_in_the_home_or_in_a_list(guarded: Guarded) -> None:
    listed = run(guarded.home, "key", "list", "--format", "json").stdout
    files = [path for path in guarded.home.rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    for made in guarded.keys.values():
        secret = made["key"].rpartition("_")[2]
        assert secret not in listed
        assert secret.encode() not in kept


# --- a gateway without keys ----------------------------------------------------------------------


def test_without_keys_nobody_else_may_ask_and_the_first_key_closes_the_door(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    refused = subprocess.run(
        [sys.executable, "-m", "pisang", "serve", "--host", "0.0.0.0", "--port", "0"],
        capture_output=True,
        text=True,
        env=environ(home),
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2
    assert "other machines may ask only where callers have keys" in refused.stderr
    assert "Next: pisang key create --name NAME" in refused.stderr
    with serving(home, "serve") as (url, _):
        assert requests.get(f"{url}/v1beta/models", timeout=30).status_code == 200
        rebound = {"Host": "evil.example"}
        assert requests.get(f"{url}/v1beta/models", headers=rebound, timeout=30).status_code == 401
        page = {"Origin": "https://evil.example"}
        assert requests.get(f"{url}/v1beta/models", headers=page, timeout=30).status_code == 401
        made = json.loads(run(home, "key", "create", "--name", "a", "--format", "json").stdout)
        until = time.monotonic() + 20
        while requests.get(f"{url}/v1beta/models", timeout=30).status_code == 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        keyed = {"x-goog-api-key": made["key"]}
        assert requests.get(f"{url}/v1beta/models", headers=keyed, timeout=30).status_code == 200


# --- the rules, one by one -----------------------------------------------------------------------


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]),
    st.text(max_size=30).map(lambda text: "/" + text)
    | st.from_regex(re.compile(r"/(healthz|readyz|pisang/v1/[a-z]+)[/.%;?a-z]*"), fullmatch=True),
)
def test_every_path_but_health_needs_a_role_and_changing_needs_more_than_reading(
    method: str, path: str
) -> None:
    role = role_for(method, path, {})
    if path in ("/healthz", "/readyz", "/docs", "/openapi.json") and method == "GET":
        assert role is None
    else:
        assert role is not None or (path, method) in (
            ("/healthz", "HEAD"),
            ("/readyz", "HEAD"),
            ("/openapi.json", "HEAD"),
        )
        assert role is not Role.READ or method in ("GET", "HEAD", "OPTIONS")


TEXT = write_text("aaaaaaaaaaaa", bytes(range(32)))
ALICE = GatewayKey("aaaaaaaaaaaa", "alice", digest_of(TEXT), created_ms=NOW, expires_ms=NOW + 100)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "home")
    yield opened
    opened.close()


def visit(
    text: str | None = None,
    client: str | None = "127.0.0.1",
    path: str = "/v1/models",
    **headers: str,
) -> Visit:
    """A call as the server hands it on."""
    given = {"host": "127.0.0.1:8787", **headers}
    if text is not None:
        given["authorization"] = f"Bearer {text}"
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/models",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": None if client is None else (client, 5),
    }

    async def nothing(*_: object) -> Any:
        return {}

    return open_visit(scope, nothing, nothing)


def test_a_key_that_was_read_is_believed_for_less_than_a_second(store: Store) -> None:
    store.gateway_keys.put(ALICE).result()
    clock = Clock(0)
    access = Access(store.gateway_keys, clock_ms=lambda: NOW, clock_s=lambda: clock.ms / 1000)
    text = TEXT.reveal()
    assert access.admit(visit(text)) == Caller(ALICE.id, "alice", ALICE)
    store.gateway_keys.revoke(ALICE.id).result()
    assert FRESH_S < 1
    clock.ms = int(FRESH_S * 1000)
    with pytest.raises(KeyInvalid):
        access.admit(visit(text))


def test_a_key_expires_to_the_millisecond_even_where_it_was_just_read(store: Store) -> None:
    store.gateway_keys.put(ALICE).result()
    clock = Clock(NOW + 99)
    access = Access(store.gateway_keys, clock_ms=clock, clock_s=lambda: 0.0)
    text = TEXT.reveal()
    assert access.admit(visit(text)).scope == ALICE.id
    clock.ms = NOW + 100
    with pytest.raises(KeyInvalid):
        access.admit(visit(text))


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ({}, True),
        ({"client": "::1"}, True),
        ({"client": None}, True),
        ({"client": "192.0.2.7"}, False),
        ({"host": "localhost:1"}, True),
        ({"host": "[::1]:1"}, True),
        ({"host": "images.localhost"}, True),
        ({"host": "evil.example:8787"}, False),
        ({"host": "[evil"}, False),
        ({"origin": "http://localhost:3000"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "file://"}, True),
        ({"origin": "null"}, False),
        ({"x-forwarded-for": "127.0.0.1"}, True),
        ({"x-forwarded-for": "::1"}, True),
        ({"x-forwarded-for": "127.0.0.1:5000, [::1]:80"}, True),
        ({"x-forwarded-for": "127.0.0.1, 192.0.2.7"}, False),
        ({"x-forwarded-for": "2001:db8::7"}, False),
        ({"x-real-ip": "192.0.2.7"}, False),
        ({"x-forwarded-host": "images.example.com"}, False),
        ({"x-forwarded-host": "localhost:8787"}, True),
        ({"cf-connecting-ip": "garbage"}, False),
        ({"forwarded": "for=127.0.0.1"}, False),
    ],
)
def test_without_keys_only_this_machine_s_own_callers_are_taken(
    store: Store, given: dict[str, Any], local: bool
) -> None:
    access = Access(store.gateway_keys)
    if local:
        assert access.admit(visit("any", **given)) == Caller("local", "")
        return
    with pytest.raises(KeyInvalid) as caught:
        access.admit(visit("any", **given))
    assert caught.value.next_step() == "pisang key create --name NAME"


RELAY = Upstream("relay", "gemini", "http://127.0.0.1:9")
CATALOGUE = load()


@pytest.mark.parametrize(
    ("model", "size", "limits", "what"),
    [
        (FLASH, "1K", {}, None),
        (FLASH, None, {"max_size": "512"}, "size 1K"),
        (FLASH, "4K", {"max_size": "4K"}, None),
        ("nano-banana-2-4k", None, {"max_size": "2K"}, "size 4K"),
        ("flux-dev", "gigantic", {"max_size": "4K"}, "size gigantic"),
        ("flux-dev", None, {"max_size": "1K"}, None),
        ("flux-dev", None, {"models": ("Flux Dev",)}, None),
        ("flux-dev", None, {"models": (FLASH,)}, "model flux-dev"),
        ("Nano Banana 2", None, {"models": (FLASH,)}, None),
        (f"{FLASH}-preview", None, {"models": ("nano-banana-2",)}, None),
        (PRO, None, {"models": ("nano-banana-2", "flux-dev")}, f"model {PRO}"),
    ],
)
def test_a_key_is_for_its_models_by_any_name_and_for_its_sizes_however_they_are_asked_for(
    model: str, size: str | None, limits: dict[str, Any], what: str | None
) -> None:
    caller = Caller(ALICE.id, "alice", replace(ALICE, **limits))
    listing = replace(RELAY, models=("nano-banana-2-4k",)) if model.endswith("-4k") else RELAY
    planned = plan(Request((Text("a plum"),), model, image_size=size), listing, CATALOGUE)
    if what is None:
        caller.check(planned, CATALOGUE)
        Caller("local", "").check(planned, CATALOGUE)
        return
    with pytest.raises(KeyRestricted) as caught:
        caller.check(planned, CATALOGUE)
    assert f"This key is not for {what}: " in str(caught.value)


def test_an_admin_sees_everybody_s_and_others_their_own() -> None:
    assert Caller("local", "").sees is None
    assert Caller(ALICE.id, "", ALICE).sees == ALICE.id
    assert Caller(ALICE.id, "", replace(ALICE, role=Role.READ)).sees == ALICE.id
    assert Caller(ALICE.id, "", replace(ALICE, role=Role.ADMIN)).sees is None
