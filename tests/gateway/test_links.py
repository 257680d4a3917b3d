"""`response_format: url`: an address that needs no key, of one image, for an hour."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import openai
import pytest
import requests

from pisang.domain.access import GatewayKey, digest_of, write_text
from pisang.gateway.links import PARAMETER, VALID_S, address, is_signed
from tests.gateway.conftest import Stage
from tests.gateway.guarded import FLASH, Guarded, guarding

NOW_S = int(time.time())
KEY = GatewayKey("0" * 12, "own", digest_of(write_text("0" * 12, bytes(32))), created_ms=0)
IMAGE = "ab" * 32


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as made:
        yield made


def made(guarded: Guarded, whose: str, **more: object) -> requests.Response:
    wish = {"model": FLASH, "prompt": f"{whose}'s plum", "response_format": "url", **more}
    return guarded.ask(whose, "POST", "/v1/images/generations", json=wish)


def test_an_address_is_given_in_place_of_the_picture_and_needs_no_key(guarded: Guarded) -> None:
    before = time.time()
    told = made(guarded, "own", n=2).json()
    assert before - 2 < told["created"] < time.time() + 2
    assert [set(one) for one in told["data"]] == [{"url", "media_type"}] * 2
    for one in told["data"]:
        assert one["url"].startswith(f"{guarded.url}/pisang/v1/images/")
        given = requests.get(one["url"], timeout=30)
        assert given.status_code == 200
        assert given.headers["content-type"] == one["media_type"] == "image/jpeg"
        assert given.content.startswith(b"\xff\xd8\xff")


def test_an_address_is_for_that_image_and_for_reading_it(guarded: Guarded) -> None:
    first, second = (made(guarded, "own").json()["data"][0]["url"] for _ in range(2))
    right = urlsplit(first).query
    for path in (urlsplit(second).path, "/pisang/v1/requests", "/metrics", "/v1/models"):
        assert requests.get(f"{guarded.url}{path}?{right}", timeout=30).status_code == 401, path
    for wrong in (first[:-1], f"{first}0", first.replace("link=", "link=x"), f"{first}.é"):
        assert requests.get(wrong, timeout=30).status_code == 401, wrong
    assert requests.delete(first, timeout=30).status_code == 403
    assert requests.post(first, timeout=30).status_code == 403


def test_an_address_ends_with_the_key_that_asked_for_it(guarded: Guarded) -> None:
    key = guarded.pisang("key", "create", "--name", "leaving")
    guarded.keys["leaving"] = key
    url = made(guarded, "leaving").json()["data"][0]["url"]
    assert requests.get(url, timeout=30).status_code == 200
    guarded.pisang("key", "revoke", key["id"])
    assert requests.get(url, timeout=30).status_code == 401


def test_an_address_ends_after_an_hour_and_is_no_other_key_s() -> None:
    parts = urlsplit(address("https://images.example.com", KEY, IMAGE))
    word = parts.query.removeprefix(f"{PARAMETER}=")
    assert is_signed(word, parts.path, KEY, NOW_S)
    assert is_signed(word, parts.path, KEY, NOW_S + VALID_S - 1)
    assert not is_signed(word, parts.path, KEY, int(time.time()) + VALID_S)
    assert not is_signed(word, parts.path, replace(KEY, digest=bytes(32)), NOW_S)
    key_id, until, signature = word.split(".")
    assert not is_signed(f"{key_id}.{int(until) + 1}.{signature}", parts.path, KEY, NOW_S)
    for odd in ("", ".", "..", f"{key_id}.{'9' * 5000}.{signature}", f"{key_id}.².{signature}"):
        assert not is_signed(odd, parts.path, KEY, NOW_S), odd


def test_what_is_written_in_another_type_has_no_address_and_nothing_is_bought(
    guarded: Guarded,
) -> None:
    before = guarded.charges
    refused = made(guarded, "own", output_format="webp")
    assert refused.status_code == 400
    assert "response_format 'url' is not valid: with output_format" in refused.text
    assert guarded.charges == before


def test_without_keys_the_address_is_a_path_of_this_machine(stage: Stage) -> None:
    client = openai.OpenAI(api_key="any", base_url=f"{stage.url}/v1")
    told = client.images.generate(model=FLASH, prompt="a linked plum", response_format="url")
    assert told.data is not None
    url = told.data[0].url
    assert url is not None
    assert not urlsplit(url).query
    assert requests.get(url, timeout=30).content.startswith(b"\xff\xd8\xff")
    assert told.data[0].b64_json is None
