"""A browser's session: signed in with a key once, known by a cookie from then on, and what that
cookie is not good for."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from pisang.domain.access import GatewayKey, digest_of, write_text
from pisang.errors import ForeignPage, SignInLimited
from pisang.gateway.cookies import KEPT_S, check_page, is_genuine, sign, write_cookie
from pisang.gateway.guesses import MOST, WITHIN_S, Guesses, address_of
from tests.gateway.conftest import Stage, serving
from tests.gateway.guarded import FLASH, WRONG, Guarded, guarding

SESSION = "/pisang/v1/session"
REQUESTS = "/pisang/v1/requests"
PAGE = {"X-Pisang-Studio": "1"}
NOW_S = int(time.time())
KEY = GatewayKey("0" * 12, "own", digest_of(write_text("0" * 12, bytes(32))), created_ms=0)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("session")) as gateway:
        yield gateway


def sign_in(gateway: Guarded, whose: str) -> requests.Session:
    """A browser that is signed in with that one's key."""
    browser = requests.Session()
    body = {"key": gateway.text(whose)}
    told = browser.post(gateway.url + SESSION, json=body, headers=PAGE, timeout=30)
    assert told.status_code == 200, told.text
    return browser


def test_who_signs_in_is_known_by_a_cookie_that_no_script_reads(gateway):
    before = requests.get(gateway.url + SESSION, timeout=30).json()
    assert (before["signed_in"], before["guarded"], before["role"]) == (False, True, "")
    browser = requests.Session()
    told = browser.post(
        gateway.url + SESSION, json={"key": gateway.text("own")}, headers=PAGE, timeout=30
    )
    assert told.json()["name"] == "own"
    cookie = told.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/pisang/v1;" in cookie
    assert f"Max-Age={KEPT_S}" in cookie
    assert gateway.text("own")[-64:] not in cookie
    assert "Secure" not in cookie
    assert gateway.text("own") not in told.text
    after = browser.get(gateway.url + SESSION, timeout=30).json()
    assert (after["signed_in"], after["role"]) == (True, "use")
    assert browser.get(f"{gateway.url}{REQUESTS}", timeout=30).status_code == 200
    assert browser.head(f"{gateway.url}/v1/models", timeout=30).status_code == 401


def test_behind_tls_the_cookie_never_goes_out_without(gateway):
    headers = {**PAGE, "X-Forwarded-Proto": "https"}
    body = {"key": gateway.text("own")}
    told = requests.post(gateway.url + SESSION, json=body, headers=headers, timeout=30)
    assert told.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize("key", [WRONG, "", None, 5])
def test_a_wrong_key_signs_nobody_in_and_is_not_told_again(gateway, key):
    told = requests.post(gateway.url + SESSION, json={"key": key}, headers=PAGE, timeout=30)
    assert told.status_code in (400, 401)
    assert "set-cookie" not in told.headers
    assert WRONG not in told.text


def test_a_revoked_key_signs_nobody_in(gateway):
    body = {"key": gateway.text("revoked")}
    told = requests.post(gateway.url + SESSION, json=body, headers=PAGE, timeout=30)
    assert told.status_code == 401


def test_a_write_counts_only_from_a_page_of_the_studio(gateway):
    browser = sign_in(gateway, "own")
    place, wish = f"{gateway.url}/pisang/v1/generations", {"prompt": "a fig", "model": FLASH}
    before = gateway.charges
    assert browser.post(place, json=wish, timeout=30).status_code == 403
    assert browser.delete(gateway.url + SESSION, timeout=30).status_code == 403
    other = {"Content-Type": "text/plain", "Origin": "https://elsewhere.example"}
    forged = browser.post(place, data='{"prompt": "a fig"}', headers=other, timeout=30)
    assert forged.status_code == 403
    assert forged.json()["error"]["code"] == "foreign_page"
    for told in (
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        asked = browser.post(place, json=wish, headers={**PAGE, **told}, timeout=30)
        assert asked.status_code == 403, told
    assert gateway.charges == before
    own = {**PAGE, "Origin": gateway.url, "Sec-Fetch-Site": "same-origin"}
    assert browser.post(place, json=wish, headers=own, timeout=60).status_code == 200
    assert gateway.charges == before + 1


def test_nobody_is_signed_in_by_a_page_of_another_site(gateway):
    body = {"key": gateway.text("own")}
    for told in ({}, {**PAGE, "Origin": "https://elsewhere.example"}):
        asked = requests.post(gateway.url + SESSION, json=body, headers=told, timeout=30)
        assert asked.status_code == 403
        assert "set-cookie" not in asked.headers


def test_a_page_of_another_site_may_lead_here_and_embed_nothing_of_ours(gateway):
    browser = sign_in(gateway, "own")
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert browser.get(gateway.url + REQUESTS, headers=embedded, timeout=30).status_code == 403
    led = {**embedded, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert browser.get(gateway.url + REQUESTS, headers=led, timeout=30).status_code == 200
    framed = {**led, "Sec-Fetch-Dest": "iframe"}
    assert browser.get(gateway.url + REQUESTS, headers=framed, timeout=30).status_code == 403


@pytest.mark.parametrize(
    ("headers", "fits"),
    [
        ({"host": "a.example", "origin": "http://a.example"}, True),
        ({"host": "a.example", "origin": "https://A.example"}, True),
        ({"host": "a.example", "origin": "https://b.example"}, False),
        ({"host": "a.example:8787", "origin": "http://a.example"}, False),
        ({"host": "a.example", "origin": "http://a.example", "x-forwarded-proto": "https"}, False),
        ({"host": "in:80", "x-forwarded-host": "a.example", "origin": "https://a.example"}, True),
        ({"host": "a.example"}, True),
        ({"origin": "http://"}, False),
    ],
)
def test_the_origin_of_a_write_is_this_very_site(headers, fits):
    asked = {"x-pisang-studio": "1", **headers}
    if fits:
        check_page("POST", asked)
    else:
        with pytest.raises(ForeignPage):
            check_page("POST", asked)


def test_a_key_that_comes_along_counts_and_not_the_cookie(gateway):
    browser = sign_in(gateway, "admin")
    for name, value in (("Authorization", "Bearer {}"), ("X-Goog-Api-Key", "{}")):
        place, headers = gateway.url + REQUESTS, {name: value.format(WRONG)}
        assert browser.get(place, headers=headers, timeout=30).status_code == 401
        headers = {name: value.format(gateway.text("reader"))}
        assert browser.get(gateway.url + SESSION, headers=headers, timeout=30).json()["role"] == (
            "read"
        )
        wish = {"prompt": "a fig"}
        place = f"{gateway.url}/pisang/v1/generations"
        assert browser.post(place, json=wish, headers=headers, timeout=30).status_code == 403


def known(gateway: Guarded, *cookies: str) -> bool:
    header = "; ".join(f"pisang_session={one}" for one in cookies)
    told = requests.get(gateway.url + SESSION, headers={"Cookie": header}, timeout=30)
    return bool(told.json()["signed_in"])


def test_a_cookie_that_we_did_not_write_signs_nobody_in(gateway):
    right = sign_in(gateway, "own").cookies["pisang_session"]
    key_id, until, signature = right.split(".")
    assert known(gateway, right)
    digest = digest_of_text(gateway, "own")
    path = f"/pisang/v1/images/{'ab' * 32}"
    of_link = hmac.new(digest, f"{path}\n{until}".encode(), sha256).hexdigest()
    for wrong in (
        f"{key_id}.{int(until) + 1}.{signature}",
        f"{key_id}.{until}.{of_link}",
        f"{key_id}.{until}.{signature[:-1]}",
        f"{key_id}.{until}.",
        f"{gateway.keys['admin']['id']}.{until}.{signature}",
        gateway.text("own"),
        "",
        "..",
        "a" * 4000,
    ):
        assert not known(gateway, wrong), wrong
        assert known(gateway, wrong, right)
    past = int(time.time()) - 1
    assert not known(gateway, f"{key_id}.{past}.{sign(digest, key_id, past)}")


def digest_of_text(gateway: Guarded, whose: str) -> bytes:
    return sha256(gateway.keys[whose]["key"].encode()).digest()


def test_of_two_peoples_cookies_none_counts(gateway):
    own = sign_in(gateway, "own").cookies["pisang_session"]
    other = sign_in(gateway, "other").cookies["pisang_session"]
    assert known(gateway, own, own)
    assert not known(gateway, own, other)


def test_a_session_ends_with_its_key_at_once(gateway):
    made = gateway.ask("admin", "POST", "/pisang/v1/keys", json={"name": "leaving"}).json()
    gateway.keys["leaving"] = {"id": made["id"], "key": made["key"]}
    browser = sign_in(gateway, "leaving")
    assert browser.get(gateway.url + REQUESTS, timeout=30).status_code == 200
    assert gateway.ask("admin", "DELETE", f"/pisang/v1/keys/{made['id']}").status_code == 200
    assert browser.get(gateway.url + REQUESTS, timeout=30).status_code == 401


def test_a_session_lasts_no_longer_than_its_key_and_is_signed_with_what_is_kept_of_it():
    cookie, kept_s = write_cookie(KEY, NOW_S)
    assert kept_s == KEPT_S
    assert is_genuine(cookie, KEY.digest, NOW_S + KEPT_S - 1)
    assert not is_genuine(cookie, KEY.digest, NOW_S + KEPT_S)
    rotated = digest_of(write_text(KEY.id, bytes([1]) * 32))
    assert not is_genuine(cookie, rotated, NOW_S)
    short = GatewayKey(KEY.id, "own", KEY.digest, created_ms=0, expires_ms=(NOW_S + 60) * 1000)
    cookie, kept_s = write_cookie(short, NOW_S)
    assert kept_s == 60
    assert not is_genuine(cookie, KEY.digest, NOW_S + 60)


def test_a_session_survives_a_restart_of_the_server(gateway):
    cookie = sign_in(gateway, "own").cookies["pisang_session"]
    with serving(gateway.home, "serve") as (url, _):
        headers = {"Cookie": f"pisang_session={cookie}"}
        assert requests.get(url + SESSION, headers=headers, timeout=30).json()["signed_in"]


def test_a_gateway_without_keys_sets_no_cookie(stage: Stage):
    for key in ("psk_x; Domain=example", "x\r\nset-cookie: a=b", WRONG):
        told = requests.post(stage.url + SESSION, json={"key": key}, headers=PAGE, timeout=30)
        assert told.json()["signed_in"] is True
        assert "set-cookie" not in told.headers
    told = requests.delete(stage.url + SESSION, headers=PAGE, timeout=30)
    assert "set-cookie" not in told.headers
    assert requests.get(stage.url + SESSION, timeout=30).json()["guarded"] is False


def test_who_is_wrong_too_often_has_to_wait(tmp_path: Path):
    with guarding(tmp_path) as gateway:
        body = {"key": WRONG}
        place = gateway.url + SESSION
        for _ in range(MOST):
            assert requests.post(place, json=body, headers=PAGE, timeout=30).status_code == 401
        told = requests.post(place, json={"key": gateway.text("own")}, headers=PAGE, timeout=30)
        assert told.status_code == 429
        assert 0 < int(told.headers["retry-after"]) <= WITHIN_S
        elsewhere = {**PAGE, "X-Forwarded-For": "203.0.113.7"}
        told = requests.post(
            place, json={"key": gateway.text("own")}, headers=elsewhere, timeout=30
        )
        assert told.status_code == 200


def test_wrong_keys_are_forgotten_after_a_while_and_so_are_addresses():
    now = [0.0]
    guesses = Guesses(lambda: now[0])
    for _ in range(MOST):
        guesses.check("a")
        guesses.note("a")
    with pytest.raises(SignInLimited):
        guesses.check("a")
    guesses.check("b")
    now[0] = WITHIN_S
    guesses.check("a")
    for one in range(20_000):
        guesses.note(str(one))
    assert len(guesses._wrong) == 10_000


@pytest.mark.parametrize(
    ("client", "said", "counted"),
    [
        ("1.1.1.1", None, "1.1.1.1"),
        ("1.1.1.1", "8.8.8.8", "1.1.1.1"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("2606:4700:1:2:3:4:5:6", None, "2606:4700:1:2::/64"),
        (None, None, ""),
    ],
)
def test_tries_are_counted_by_the_address_that_they_really_come_from(client, said, counted):
    headers = {} if said is None else {"x-forwarded-for": said}
    assert address_of(client, headers) == counted


def test_the_cookie_is_no_key_of_the_other_wires(gateway):
    cookie = sign_in(gateway, "own").cookies["pisang_session"]
    headers = {"Cookie": f"pisang_session={cookie}", **PAGE}
    place = f"{gateway.url}/v1beta/models/{FLASH}:generateContent"
    body = {"contents": [{"parts": [{"text": "a fig"}]}]}
    assert requests.post(place, json=body, headers=headers, timeout=30).status_code == 401
    assert (
        requests.get(f"{gateway.url}/v1beta/models", headers=headers, timeout=30).status_code == 401
    )


def test_who_signs_out_is_not_known_any_more(gateway):
    browser = sign_in(gateway, "admin")
    told = browser.delete(gateway.url + SESSION, headers=PAGE, timeout=30)
    assert told.json()["signed_in"] is False
    assert browser.get(f"{gateway.url}/pisang/v1/keys", timeout=30).status_code == 401
