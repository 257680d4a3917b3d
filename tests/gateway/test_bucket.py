"""A gateway whose images are in a bucket: one that is away for a while costs nobody an image."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.buckets import Door, Moto, doored, environ_at
from tests.gateway.conftest import hurrying, run, serving

MODEL = "gemini-3.1-flash-image"


@pytest.fixture
def door(moto: Moto) -> Iterator[Door]:
    with doored(moto) as opened:
        yield opened


def ask(url: str, prompt: str) -> Any:
    """One picture, as the answer's JSON."""
    wish = {
        "contents": [{"parts": [{"text": prompt}]}],
        "generationConfig": {"imageConfig": {"imageSize": "512"}},
    }
    return post(f"{url}/v1beta/models/{MODEL}:generateContent", wish)


def ask_as_openai_s(url: str, prompt: str) -> Any:
    """The same in another dialect: such an answer is told once all of it is kept."""
    wish = {"model": MODEL, "prompt": prompt, "response_format": "b64_json"}
    return post(f"{url}/v1/images/generations", wish)


def post(url: str, wish: Any) -> Any:
    headers = {"content-type": "application/json"}
    call = urllib.request.Request(url, json.dumps(wish).encode(), headers)
    with urllib.request.urlopen(call, timeout=120) as answer:
        return json.load(answer)


def pictures(answer: Any) -> int:
    parts = answer["candidates"][0]["content"]["parts"]
    return sum("inlineData" in part and not part.get("thought") for part in parts)


def test_an_outage_under_way_and_one_before_are_waited_out_and_all_is_bought_once(
    moto: Moto, door: Door, tmp_path: Path
) -> None:
    home, book = tmp_path / "home", tmp_path / "book.jsonl"
    bucket = moto.bucket()
    environ = environ_at(door.url, bucket)
    with serving(tmp_path / "upstream", "sandbox", "--book", str(book)) as (upstream, _):
        run(
            home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", upstream,
            "--auth", "bearer", "--key-stdin", stdin="sk-made-up\n",
        )  # fmt: skip
        with serving(home, "serve", extra=environ) as (url, _):
            assert pictures(ask(url, "a kite")) == 1
            for mood in ("refuse", "reset"):
                # The bucket goes away while the upstream paints, and comes back later.
                threading.Timer(0.5, door.set, [mood]).start()
                threading.Timer(4.0, door.set, ["good"]).start()
                assert pictures(ask(url, f"a kite [[sandbox delay=1.5]] {mood}")) == 1
    bought = [json.loads(line) for line in book.read_text().splitlines()]
    assert len(bought) == 3
    told = run(home, "doctor", "--deep", "--format", "json", extra=environ)
    found = {one["name"]: one for one in json.loads(told.stdout)["checks"]}
    assert f"s3://{bucket}/pisang" in found["images"]["message"]
    assert "there and as written" in found["contents"]["message"]
    assert not list((home / "images").rglob("*/*"))
    assert not list((home / "incoming").iterdir())


def test_who_was_told_that_the_outcome_is_unknown_and_asks_again_is_given_it_and_pays_once(
    moto: Moto, door: Door, tmp_path: Path
) -> None:
    """He sends no key; the bucket is away for longer than it is waited for."""
    home, book = tmp_path / "home", tmp_path / "book.jsonl"
    prompt = "a kite [[sandbox delay=1]]"
    with serving(tmp_path / "upstream", "sandbox", "--book", str(book)) as (upstream, _):
        run(
            home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", upstream,
            "--auth", "bearer", "--key-stdin", stdin="sk-made-up\n",
        )  # fmt: skip
        environ = {**environ_at(door.url, moto.bucket()), "HURRIED_PAUSE_S": "60"}
        with hurrying(home, environ) as url:
            assert pictures(ask(url, "another")) == 1
            threading.Timer(0.4, door.set, ["refuse"]).start()
            with pytest.raises(HTTPError) as told:
                ask_as_openai_s(url, prompt)
            told.value.close()
            assert told.value.code == 424
            threading.Timer(2.0, door.set, ["good"]).start()
            assert len(ask_as_openai_s(url, prompt)["data"]) == 1
    assert len(book.read_text().splitlines()) == 2
