"""The studio before 100,000 images in a real Chromium; prints one JSON object.

`python -m bench.studio [--images N]`. A real gateway paints a few dozen pictures; their rows are
then copied, with other prompts and times, until there are enough: the pages, the queries, the
previews and the network are those of a home of that size, its files are few.

Measured: bytes of the first visit, time to the gallery's first paint (cold, the server just
started), the longest of all frames while 200 screens are scrolled, and how long answers to a
search take, at the API and on the screen.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import tempfile
import time
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.machine import machine
from pisang.store.search import sketch
from tests.gateway.conftest import run, serving

PAINTED = 48
WORDS = (
    "red", "blue", "heron", "kite", "boat", "lamp", "river", "mountain", "fox", "oil", "ink",
    "paper", "glass", "灯塔", *"水山花猫夜海",
)  # fmt: skip
SEARCHES = ("heron", "雾中的灯塔", "灯塔", "picture 77777", "nothing like it", "o")
SCREENS = 200
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")

_FRAMES = """
async (screens) => {
  const view = document.querySelector('studio-app').shadowRoot.querySelector('studio-view');
  const scroller = view.shadowRoot.querySelector('.scroller');
  const gaps = []; let last = performance.now(); let on = true; const tops = new Set();
  const tick = (now) => { gaps.push(now - last); last = now; if (on) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  for (let n = 0; n < screens; n += 1) {
    for (let part = 0; part < 4; part += 1) {
      scroller.scrollTop += scroller.clientHeight / 4;
      await new Promise((go) => setTimeout(go, 25));
    }
    tops.add(Math.round(scroller.scrollTop));
  }
  on = false;
  gaps.sort((a, b) => a - b);
  const p99_ms = gaps[Math.floor(gaps.length * 0.99)];
  return {worst_ms: gaps.at(-1), p99_ms, frames: gaps.length, screens: tops.size};
}
"""


_DRAWN = """
() => {
  const view = document.querySelector('studio-app').shadowRoot.querySelector('studio-view');
  const gallery = view.shadowRoot.querySelector('image-gallery').shadowRoot;
  const images = [...gallery.querySelectorAll('img')];
  return images.length && images.every((one) => one.complete);
}
"""


def seed(home: Path, count: int) -> None:
    """Copy what was painted until there are so many images."""
    dice = random.Random(7)
    with closing(sqlite3.connect(next(home.glob("*.db")))) as db:
        db.row_factory = sqlite3.Row
        made = [
            [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY created_ms")]
            for table in ("requests", "attempts", "images")
        ]
        sets = list(zip(*made, strict=True))
        for number in range(count - len(sets)):
            request, attempt, image = (dict(row) for row in dice.choice(sets))
            ids = {"request_id": f"req_s{number:025d}", "attempt_id": f"att_s{number:025d}"}
            prompt = " ".join(dice.choices(WORDS, k=12)) + f" picture {number}"
            if number % 5000 == 0:
                prompt += " 雾中的灯塔"
            ms = request["created_ms"] - (number + 1) * 60_000
            request |= {
                "id": ids["request_id"], "created_ms": ms, "prompt": prompt,
                "glyphs": sketch(prompt), "idempotency_key": None,
            }  # fmt: skip
            attempt |= {
                "id": ids["attempt_id"], "request_id": ids["request_id"], "created_ms": ms,
                "sent_ms": ms, "ended_ms": ms + 9000,
            }  # fmt: skip
            image |= ids | {"created_ms": ms, "asked_ms": ms}
            for table, row in (("requests", request), ("attempts", attempt), ("images", image)):
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
        db.commit()


def paint(url: str) -> None:
    """A few dozen pictures of several shapes."""
    for number in range(PAINTED):
        wish = {
            "prompt": f"{WORDS[number % len(WORDS)]} {number}", "image_size": "1K",
            "aspect_ratio": ("1:1", "16:9", "9:16", "4:3", "3:2")[number % 5],
        }  # fmt: skip
        body = json.dumps(wish).encode()
        request = urllib.request.Request(f"{url}/pisang/v1/generations", body)
        request.add_header("content-type", "application/json")
        urllib.request.urlopen(request).read()


def searched(url: str, words: str) -> float:
    """How many milliseconds an answer to those words takes, the median of five."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        query = urllib.parse.urlencode({"query": words, "limit": 200})
        urllib.request.urlopen(f"{url}/pisang/v1/gallery?{query}").read()
        took.append((time.perf_counter() - began) * 1000)
    return round(median(took), 1)


def look(page: Page, url: str) -> dict[str, Any]:
    """What somebody meets who opens it for the first time."""
    sizes: list[int] = []
    page.on(
        "response",
        lambda one: (
            sizes.append(one.request.sizes()["responseBodySize"])
            if "/previews/" not in one.url and "/events" not in one.url
            else None
        ),
    )
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("image-gallery img").first.wait_for()
    page.wait_for_function(_DRAWN)
    whole_s, first_visit = time.perf_counter() - began, sum(sizes)
    paints = page.evaluate(
        "performance.getEntriesByType('paint').map(one => [one.name, one.startTime])"
    )
    frames = page.evaluate(_FRAMES, SCREENS)
    shown = []
    for words in SEARCHES[:3]:
        began = time.perf_counter()
        with page.expect_response(lambda one: "/gallery?" in one.url):
            page.get_by_role("searchbox").fill(words)
        shown.append(round((time.perf_counter() - began) * 1000))
    return {
        "first_visit_bytes": first_visit, "first_screen_with_previews_s": round(whole_s, 2),
        "paints_ms": {name: round(at) for name, at in paints}, "scroll": frames,
        "typed_to_answer_ms": shown,
    }  # fmt: skip


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100_000)
    count = parser.parse_args().images
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        with serving(Path(name) / "upstream", "sandbox") as (upstream, _):
            run(
                home,
                "upstream",
                "add",
                "relay",
                "--wire",
                "gemini",
                "--base-url",
                upstream,
                "--auth",
                "none",
            )
            with serving(home, "serve") as (url, _):
                paint(url)
            seed(home, count)
            with serving(home, "serve") as (url, _), sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
                page = browser.new_page(viewport={"width": 1280, "height": 860})
                told = look(page, url)
                browser.close()
                told["search_ms"] = {words: searched(url, words) for words in SEARCHES}
    print(json.dumps({"images": count, **told, "machine": machine()}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
