"""The gallery of a gateway: pages of images, marks, previews, what is saved of it."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
import requests

from pisang.gateway.management import previews
from tests.buckets import environ_at
from tests.gateway.conftest import serving
from tests.gateway.guarded import FLASH, Guarded, guarding
from tests.store.kit import open_store

SESSION = "/pisang/v1/session"
GALLERY = "/pisang/v1/gallery"
MARKS = f"{GALLERY}/marks"
ARCHIVE = f"{GALLERY}/archive"
JPEG = b"\xff\xd8" + bytes(100) + b"\xff\xd9"
PAGE = {"X-Pisang-Studio": "1"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("gallery")) as gateway:
        yield gateway


def sign_in(gateway: Guarded, whose: str) -> requests.Session:
    """A browser that is signed in with that one's key."""
    browser = requests.Session()
    body = {"key": gateway.text(whose)}
    told = browser.post(gateway.url + SESSION, json=body, headers=PAGE, timeout=30)
    assert told.status_code == 200, told.text
    return browser


def painted(gateway: Guarded, whose: str, prompt: str) -> dict[str, Any]:
    """An image of that one's, as the gallery tells it."""
    assert gateway.paint(whose, prompt).status_code == 200
    return look(gateway, whose, query=prompt)["images"][0]


def look(gateway: Guarded, whose: str, **words: object) -> dict[str, Any]:
    answer = gateway.ask(whose, "GET", GALLERY, params=words)
    assert answer.status_code == 200, answer.text
    return answer.json()


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
        assert gateway.paint("single", prompt).status_code == 200
    browser = sign_in(gateway, "single")

    def look(**words: object) -> dict:
        answer = browser.get(f"{gateway.url}/pisang/v1/gallery", params=words, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = look(limit=2)
    assert [one["prompt"] for one in first["images"]] == ["雪山 two", "a pear"]
    assert (first["total"], first["total_capped"]) == (3, False)
    rest = look(limit=2, before=first["next"])
    assert [one["prompt"] for one in rest["images"]] == ["雪山 one"]
    assert (rest["next"], rest["total"]) == (None, None)
    assert look(query="雪山")["total"] == 2
    assert look(ratio="1:1")["total"] == 3
    assert look(ratio="16:9")["total"] == look(size="4K")["total"] == 0
    assert look(model=FLASH, upstream="relay", since="today")["total"] == 3
    assert look(until="2020-01-01")["total"] == 0


def test_a_preview_is_small_kept_for_ever_and_nobody_elses(gateway):
    mine, image = sign_in(gateway, "small"), painted(gateway, "small", "a small plum")
    place = f"{gateway.url}/pisang/v1/previews/{image['sha256']}"
    drawn = mine.get(place, timeout=30)
    assert drawn.content.startswith(b"\xff\xd8")
    assert len(drawn.content) <= 60_000
    assert "immutable" in drawn.headers["cache-control"]
    again = mine.get(place, headers={"If-None-Match": drawn.headers["etag"]}, timeout=30)
    assert (again.status_code, again.content) == (304, b"")
    assert sign_in(gateway, "own").get(place, timeout=30).status_code == 404


def test_an_image_is_saved_as_it_came_or_in_another_format(gateway):
    mine, image = sign_in(gateway, "small"), painted(gateway, "small", "a small plum")
    saved = mine.get(f"{gateway.url}{image['url']}", params={"download": "1"}, timeout=30)
    assert saved.headers["content-disposition"].startswith("attachment")
    assert len(saved.content) == image["bytes"]
    converted = mine.get(f"{gateway.url}{image['url']}", params={"as": "png"}, timeout=30)
    assert converted.content.startswith(b"\x89PNG")
    assert converted.headers["content-disposition"].endswith('.png"')
    wrong = mine.get(f"{gateway.url}{image['url']}", params={"as": "exe"}, timeout=30)
    assert wrong.status_code == 400


def mark(gateway: Guarded, whose: str, images: list[dict[str, Any]], **marks: bool) -> int:
    names = [{"request_id": one["request_id"], "sha256": one["sha256"]} for one in images]
    answer = gateway.ask(whose, "PUT", MARKS, json={"images": names, **marks})
    assert answer.status_code == 200, answer.text
    return answer.json()["changed"]


def test_a_favourite_is_one_until_it_is_none(gateway):
    image = painted(gateway, "other", "a favourite plum")
    assert (image["favourite"], image["trashed_at"]) == (False, None)
    assert mark(gateway, "other", [image], favourite=True) == 1
    assert mark(gateway, "other", [image], favourite=True) == 0
    told = look(gateway, "other", favourite="true")
    assert [one["sha256"] for one in told["images"]] == [image["sha256"]]
    assert (told["images"][0]["favourite"], told["total"]) == (True, 1)
    assert mark(gateway, "other", [image], favourite=False) == 1
    assert look(gateway, "other", favourite="true")["images"] == []


def test_what_is_trashed_is_shown_there_alone_and_comes_back(gateway):
    image = painted(gateway, "other", "a rotten plum")
    total = look(gateway, "other")["total"]
    assert mark(gateway, "other", [image], trashed=True, favourite=True) == 1
    assert look(gateway, "other", query="rotten")["images"] == []
    assert look(gateway, "other")["total"] == total - 1
    assert look(gateway, "other", favourite="true")["images"] == []
    (there,) = look(gateway, "other", trash="true")["images"]
    assert there["trashed_at"] is not None
    assert look(gateway, "other", trash="true", query="plum")["total"] == 1
    assert gateway.ask("other", "GET", f"{GALLERY}/{image['sha256']}").json() == there
    assert gateway.ask("other", "GET", image["url"]).status_code == 200
    listed = gateway.ask("other", "GET", "/pisang/v1/requests").json()["requests"]
    assert image["request_id"] in [one["id"] for one in listed]
    assert mark(gateway, "other", [image], trashed=False) == 1
    (back,) = look(gateway, "other", query="rotten")["images"]
    assert (back["favourite"], back["trashed_at"]) == (True, None)


def test_nobody_marks_what_is_another_s_but_an_admin(gateway):
    images = [painted(gateway, "capped", "a plum of mine")]
    assert mark(gateway, "own", images, trashed=True) == 0
    assert mark(gateway, "admin", images, trashed=True) == 1
    assert (
        mark(gateway, "admin", [{"request_id": "req_none", "sha256": "0" * 64}], trashed=True) == 0
    )
    body = {"images": images[:1]}
    assert gateway.ask("reader", "PUT", MARKS, json=body).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"images": []},
        {"images": [{"request_id": "r", "sha256": "x"}]},
        {"images": [{"request_id": "a/b", "sha256": "0" * 64}]},
        {"images": [{"request_id": "r", "sha256": "0" * 64}], "favourite": "yes"},
        {"images": [{"request_id": "r", "sha256": "0" * 64}] * 501},
        {"images": [{"request_id": "r", "sha256": "0" * 64}], "favorite": True},
    ],
)
def test_marks_that_are_none_are_told_in_a_sentence(gateway, body):
    answer = gateway.ask("own", "PUT", MARKS, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "option_invalid"


def pack(gateway: Guarded, whose: str, images: list[dict[str, Any]]) -> requests.Response:
    names = [{"request_id": one["request_id"], "sha256": one["sha256"]} for one in images]
    return gateway.ask(whose, "POST", ARCHIVE, json={"images": names})


def test_images_are_fetched_as_one_file_with_what_made_them(gateway):
    images = [painted(gateway, "own", "苍鹭: a heron!") for _ in range(2)]
    told = pack(gateway, "own", [*images, images[0]])
    assert told.status_code == 200, told.text
    assert told.json()["bytes"] == sum(one["bytes"] for one in images)
    for _ in range(2):
        file = gateway.ask("own", "GET", told.json()["url"])
        assert file.headers["content-type"] == "application/zip"
        assert file.headers["content-disposition"].startswith('attachment; filename="pisang_')
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.testzip() is None
        *names, last = archive.namelist()
        assert last == "metadata.jsonl"
        lines = [json.loads(line) for line in archive.read(last).splitlines()]
        assert [line["file"] for line in lines] == names
        assert len(set(names)) == 2
        for line, image in zip(lines, images, strict=True):
            assert line["file"].partition("_苍鹭-a-heron")[2] in (
                ".jpg",
                ".jpeg",
                "_2.jpg",
                "_2.jpeg",
            )
            assert sha256(archive.read(line["file"])).hexdigest() == image["sha256"]
            assert line["prompt"] == "苍鹭: a heron!"
            assert (line["model"], line["upstream"]) == (FLASH, "relay")
            assert line["cost"] == {"amount": "0.067", "currency": "USD"}
            assert (line["width"], line["request_id"]) == (image["width"], image["request_id"])


def test_an_archive_is_for_who_asked_for_it_alone(gateway):
    image = painted(gateway, "own", "a plum to pack")
    place = pack(gateway, "own", [image]).json()["url"]
    assert gateway.ask("other", "GET", place).status_code == 404
    assert gateway.ask("admin", "GET", place).status_code == 404
    assert gateway.ask("none", "GET", place).status_code == 401
    assert gateway.ask("own", "GET", f"{place}x").status_code == 404
    assert pack(gateway, "other", [image]).status_code == 404
    assert pack(gateway, "admin", [image]).status_code == 200
    assert pack(gateway, "reader", [image]).status_code == 403


def test_what_is_deleted_meanwhile_is_not_in_the_file(gateway):
    images = [painted(gateway, "own", f"plum {number} to pack") for number in range(2)]
    place = pack(gateway, "own", images).json()["url"]
    gone = f"/pisang/v1/requests/{images[0]['request_id']}"
    assert gateway.ask("own", "DELETE", gone).status_code == 200
    with zipfile.ZipFile(io.BytesIO(gateway.ask("own", "GET", place).content)) as archive:
        assert len(archive.namelist()) == 2


def test_a_preview_is_drawn_once_and_outlives_its_server(gateway):
    image = painted(gateway, "own", "a plum to draw")
    path = f"/pisang/v1/previews/{image['sha256']}"
    drawn = gateway.ask("own", "GET", path).content
    kept = gateway.home / "previews" / image["sha256"][:2] / f"{image['sha256']}-512.jpg"
    assert kept.read_bytes() == drawn
    kept.write_bytes(b"\xff\xd8 of this home \xff\xd9")
    with serving(gateway.home, "serve") as (url, _):
        headers = {"Authorization": f"Bearer {gateway.text('own')}"}
        again = requests.get(url + path, headers=headers, timeout=30)
        assert again.content == kept.read_bytes()


async def test_no_more_than_two_are_drawn_at_once_and_each_once(tmp_path, monkeypatch):
    store = open_store(tmp_path / "home")
    now, most, drawn = 0, 0, []
    lock = threading.Lock()

    def draw(path: Any, px: int, most_bytes: int) -> bytes:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            drawn.append(path)
        time.sleep(0.05)
        with lock:
            now -= 1
        return JPEG

    monkeypatch.setattr("pisang.pixels.convert.preview", draw)
    monkeypatch.setattr(store, "path", lambda sha256: sha256)
    hashes = [f"{number:064x}" for number in range(5)]
    drawer = previews.Previews()
    found = await asyncio.gather(*(drawer.draw(one, store) for one in hashes * 3))
    assert set(found) == {JPEG}
    assert sorted(drawn) == hashes
    assert most == 2
    store.close()


def test_an_image_in_a_bucket_has_a_preview_and_goes_into_an_archive(moto, tmp_path):
    home, extra = tmp_path / "home", environ_at(moto.url, moto.bucket())
    with serving(home, "serve", "--via", "sandbox", extra=extra) as (url, _):
        wish = {"prompt": "a plum far away", "model": FLASH}
        made = requests.post(f"{url}/pisang/v1/generations", json=wish, timeout=60).json()
        image = {"request_id": made["request_id"], "sha256": made["images"][0]["sha256"]}
        shutil.rmtree(home / "cache")
        drawn = requests.get(f"{url}/pisang/v1/previews/{image['sha256']}", timeout=60)
        assert drawn.content.startswith(b"\xff\xd8")
        shutil.rmtree(home / "cache")
        told = requests.post(url + ARCHIVE, json={"images": [image]}, timeout=60).json()
        file = requests.get(url + told["url"], timeout=60).content
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            first = archive.read(archive.namelist()[0])
        assert sha256(first).hexdigest() == image["sha256"]
