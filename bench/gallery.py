"""The gallery's questions over 100,000 images, inside the process; prints one JSON object.

`python -m bench.gallery [--images N]`. Each figure is a page of 200 with its count, asked nine
times (PostgreSQL plans without the values from the sixth time on): the median and the slowest, in
ms. With `PISANG_LEDGER` the ledger is in that PostgreSQL database, which should be empty.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.store_claims import ids, now_ms
from pisang.domain.secret import Secret
from pisang.store.gallery import Wanted
from pisang.store.search import sketch
from pisang.store.storage import Storage
from pisang.store.store import Store

WORDS = [
    "red",
    "blue",
    "heron",
    "kite",
    "boat",
    "lamp",
    "river",
    "mountain",
    "fox",
    "水",
    "山",
    "花",
    "猫",
    "夜",
    "灯",
    "海",
    "oil",
    "ink",
    "paper",
]
SHAPES = ((1024, 1024), (1376, 768), (768, 1376), (1264, 848), (5504, 3072))
MINUTE_MS = 60_000
OTHER = "another-key"

REQUESTS = "id created_ms scope face prompt glyphs model n spec fingerprint state"
ATTEMPTS = (
    "id request_id ordinal upstream wire kind model image_size state charged created_ms deadline_ms"
)
IMAGES = (
    "attempt_id ordinal request_id sha256 mime width height bytes draft created_ms "
    "asked_ms scope model upstream image_size favourite_ms trashed_ms"
)


def rows(count: int, now: int) -> Iterator[tuple[tuple[Any, ...], ...]]:
    """A request, its attempt and its image, newest first; one in 12,500 is unlike the others."""
    chance = random.Random(1)
    for i in range(count):
        rare = i % 12_500 == 3
        prompt = " ".join([*chance.choices(WORDS, k=12), str(i)])
        prompt += " zebra 独角兽" if i % 20_011 == 7 else ""
        at, scope = now - i * MINUTE_MS, "local" if i % 3 else OTHER
        model = (
            "rare-model" if rare else ("nano-banana-pro", "nano-banana-2")[chance.random() < 0.4]
        )
        upstream, size = ("rare-relay" if rare else "relay"), chance.choice(("1K", "2K", "4K"))
        width, height = (1000, 4000) if rare else chance.choice(SHAPES)
        request, attempt = f"req_{i:022d}", f"att_{i:022d}"
        yield (
            (request, at, scope, "cli", prompt, sketch(prompt), model, 1, "{}", f"{i}", "done"),
            (attempt, request, 0, upstream, "gemini", "relay", model, size, "done", "yes", at, 1),
            (
                attempt, 0, request, f"{i:064x}", "image/png", width, height, 10**6, 0, at + 9000,
                at, scope, model, upstream, size, at if i % 977 == 0 else None,
                at if i % 1999 == 5 else None,
            ),
        )  # fmt: skip


def seed(home: Path, ledger: str | None, count: int) -> None:
    """Write them down past the store, which would take a commit for each."""
    requests, attempts, images = zip(*rows(count, now_ms()), strict=True)
    tables = (("requests", REQUESTS, requests), ("attempts", ATTEMPTS, attempts))
    for name, columns, values in (*tables, ("images", IMAGES, images)):
        write(home, ledger, name, columns.split(), values)


def write(
    home: Path, ledger: str | None, table: str, columns: Sequence[str], values: Iterable[Any]
) -> None:
    names = ", ".join(columns)
    if ledger is None:
        holes = ", ".join("?" * len(columns))
        with closing(sqlite3.connect(home / "ledger.db")) as connection, connection:
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({holes})", values)
        return
    import psycopg

    with psycopg.connect(ledger) as connection:
        with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy:
            for one in values:
                copy.write_row(one)
        connection.commit()
        connection.autocommit = True
        connection.execute(f"ANALYZE {table}".encode())


def cases(count: int) -> dict[str, Wanted]:
    """What is asked."""
    page = Wanted(limit=200)
    rare, nothing = (0.24, 0.26), (7.0, 8.0)
    return {
        "first page": page,
        f"page {count // 200}": replace(page, before=f"req_{count - 400:022d}"),
        "own of another key": replace(page, scope=OTHER),
        "own of nobody": replace(page, scope="nobody"),
        "common word": replace(page, query="heron"),
        "rare word": replace(page, query="zebra"),
        "no such word": replace(page, query="aardvark"),
        "common Chinese": replace(page, query="水"),
        "rare Chinese": replace(page, query="独角兽"),
        "two words": replace(page, query="heron kite"),
        "model": replace(page, model="nano-banana-2"),
        "rare model": replace(page, model="rare-model"),
        "rare upstream": replace(page, upstream="rare-relay"),
        "size": replace(page, image_size="4K"),
        "ratio": replace(page, proportions=(1.72, 1.83)),
        "rare ratio": replace(page, proportions=rare),
        "no such ratio": replace(page, proportions=nothing),
        "since yesterday": replace(page, since_ms=now_ms() - 1440 * MINUTE_MS),
        "favourites": replace(page, favourite=True),
        "trash": replace(page, trash=True),
        "common word, rare model": replace(page, query="heron", model="rare-model"),
        "common Chinese, no such ratio": replace(page, query="水", proportions=nothing),
    }


def ask(store: Store, wanted: Wanted) -> dict[str, object]:
    took = []
    for _ in range(9):
        began = time.perf_counter()
        page = store.gallery(wanted)
        took.append(1000 * (time.perf_counter() - began))
    told = {"ms": round(median(took), 1), "slowest_ms": round(max(took), 1)}
    return {**told, "images": len(page.images), "total": page.total}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100_000)
    count = parser.parse_args().images
    ledger = os.environ.get("PISANG_LEDGER")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        storage = Storage(ledger=Secret(ledger)) if ledger else None
        store = Store.open(home, clock_ms=now_ms, new_id=ids(), storage=storage)
        seed(home, ledger, count)
        found = {name: ask(store, wanted) for name, wanted in cases(count).items()}
        store.close()
    json.dump({"ledger": "postgres" if ledger else "sqlite", "images": count, **found}, sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
