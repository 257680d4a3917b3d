"""A gateway whose images are in a bucket: one that is away for a while costs nobody an image."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.buckets import Door, Moto, doored, environ_at
from tests.gateway.conftest import run, serving

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
    call = urllib.request.Request(
        f"{url}/v1beta/models/{MODEL}:generateContent",
        json.dumps(wish).encode(),
        {"content-type": "application/json", "x-goog-api-key": "none"},
    )
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
