"""A browser's session: signed in with a key once, known by a cookie from then on, and what that
cookie is not good for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.gateway.guarded import FLASH, WRONG, Guarded, guarding

SESSION = "/pisang/v1/session"
PAGE = {"X-Pisang-Studio": "1"}


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
    assert "Secure" not in cookie
    assert gateway.text("own") not in told.text
    after = browser.get(gateway.url + SESSION, timeout=30).json()
    assert (after["signed_in"], after["role"]) == (True, "use")
    assert browser.get(f"{gateway.url}/pisang/v1/requests", timeout=30).status_code == 200


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
    assert browser.post(place, json=wish, timeout=30).status_code == 401
    assert browser.delete(gateway.url + SESSION, timeout=30).status_code == 401
    other = {"Content-Type": "text/plain", "Origin": "https://elsewhere.example"}
    forged = browser.post(place, data='{"prompt": "a fig"}', headers=other, timeout=30)
    assert forged.status_code == 401
    assert gateway.charges == before
    assert browser.post(place, json=wish, headers=PAGE, timeout=60).status_code == 200


def test_the_cookie_is_no_key_of_the_other_wires(gateway):
    headers = {"Cookie": f"pisang_key={gateway.text('own')}", **PAGE}
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


def test_choices_tell_the_upstreams_own_prices_and_what_a_key_may_not(gateway):
    told = sign_in(gateway, "small").get(f"{gateway.url}/pisang/v1/choices", timeout=30).json()
    (upstream,) = told["upstreams"]
    models = {one["id"]: one for one in upstream["models"]}
    flash, pro = models[FLASH], models["gemini-3-pro-image"]
    assert told["default"] == upstream["name"] == "relay"
    assert flash["prices"]["2K"] == {"amount": "0.067", "currency": "USD"}
    assert flash["pixels"]["16:9@1K"] == [1376, 768]
    assert flash["why"] is None
    assert "nano-banana-2" in pro["why"]


def test_the_gallery_shows_ones_own_images_page_by_page(gateway):
    for prompt in ("雪山 one", "a pear", "雪山 two"):
        assert gateway.paint("other", prompt).status_code == 200
    browser = sign_in(gateway, "other")

    def look(**words: object) -> dict:
        answer = browser.get(f"{gateway.url}/pisang/v1/gallery", params=words, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = look(limit=2)
    assert [one["prompt"] for one in first["images"]] == ["雪山 two", "a pear"]
    assert first["total"] == 3
    rest = look(limit=2, before=first["next"])
    assert [one["prompt"] for one in rest["images"]] == ["雪山 one"]
    assert (rest["next"], rest["total"]) == (None, None)
    assert look(query="雪山")["total"] == 2
    assert look(ratio="1:1")["total"] == 3
    assert look(ratio="16:9")["total"] == look(size="4K")["total"] == 0
    assert look(model=FLASH, upstream="relay", since="today")["total"] == 3
    assert look(until="2020-01-01")["total"] == 0


def test_a_preview_is_small_kept_for_ever_and_nobody_elses(gateway):
    mine = sign_in(gateway, "other")
    image = mine.get(f"{gateway.url}/pisang/v1/gallery", timeout=30).json()["images"][0]
    place = f"{gateway.url}/pisang/v1/previews/{image['sha256']}"
    drawn = mine.get(place, timeout=30)
    assert drawn.content.startswith(b"\xff\xd8")
    assert len(drawn.content) <= 60_000
    assert "immutable" in drawn.headers["cache-control"]
    again = mine.get(place, headers={"If-None-Match": drawn.headers["etag"]}, timeout=30)
    assert (again.status_code, again.content) == (304, b"")
    assert sign_in(gateway, "own").get(place, timeout=30).status_code == 404


def test_an_image_is_saved_as_it_came_or_in_another_format(gateway):
    mine = sign_in(gateway, "other")
    image = mine.get(f"{gateway.url}/pisang/v1/gallery", timeout=30).json()["images"][0]
    saved = mine.get(f"{gateway.url}{image['url']}", params={"download": "1"}, timeout=30)
    assert saved.headers["content-disposition"].startswith("attachment")
    assert len(saved.content) == image["bytes"]
    converted = mine.get(f"{gateway.url}{image['url']}", params={"as": "png"}, timeout=30)
    assert converted.content.startswith(b"\x89PNG")
    assert converted.headers["content-disposition"].endswith('.png"')
    wrong = mine.get(f"{gateway.url}{image['url']}", params={"as": "exe"}, timeout=30)
    assert wrong.status_code == 400
