"""Claims a second and a search of the history, inside the process; prints one JSON object.

`python -m bench.store_claims [--processes N] [--requests N]`. Every claim is a paid send written
down for good (fsync on), each for a request of its own, under a budget that applies. With
`PISANG_LEDGER` the ledger is in that PostgreSQL database, which should be empty.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from typing import Any

from pisang.domain.ledger import Budget, Intent, Wish
from pisang.domain.money import Money
from pisang.domain.secret import Secret
from pisang.store.storage import Storage
from pisang.store.store import Asked, Store

PRICE = Money(1000, "USD")
WORDS = (
    "一只可爱的小猫咪坐在花园里油画风格海边日落城市夜景赛博朋克山水国画"
    "春夏秋冬红橙黄绿蓝紫机器人宇航员咖啡店雨天街道"
)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def ids() -> Callable[[str], str]:
    count = itertools.count()
    lead = f"{time.time_ns():020d}{os.getpid():08d}"
    return lambda prefix: f"{prefix}_{lead}{next(count):012d}"


def wish(new_id: Callable[[str], str], prompt: str = "a cat", at_ms: int = 0) -> Wish:
    return Wish(new_id("req"), at_ms or now_ms(), prompt, "model", {"parts": []}, "fingerprint")


def intent(new_id: Callable[[str], str], request_id: str) -> Intent:
    return Intent(
        new_id("att"), request_id, 0, "upstream", "gemini", "google", "model", PRICE, held=PRICE
    )


def one_process(at_once: int, count: int = 4000) -> float:
    """Claims a second of one process, the begins left out."""
    with tempfile.TemporaryDirectory() as root:
        store, new_id = open_store(Path(root))
        requests = [
            one.result().request_id for one in [store.begin(wish(new_id)) for _ in range(count)]
        ]
        began = time.perf_counter()
        waiting: list[Future[Any]] = []
        for request_id in requests:
            waiting.append(store.claim(intent(new_id, request_id), now_ms()))
            if len(waiting) == at_once:
                waiting.pop(0).result()
        for answer in waiting:
            answer.result()
        took = time.perf_counter() - began
        store.close()
    return count / took


def open_store(root: Path) -> tuple[Store, Callable[[str], str]]:
    """A home's store, with a cap that applies."""
    new_id = ids()
    url = os.environ.get("PISANG_LEDGER")
    storage = Storage(ledger=Secret(url) if url else None)
    store = Store.open(root, clock_ms=now_ms, new_id=new_id, storage=storage)
    store.set_budget(Budget("all", "all", "month", Money(10**15, "USD"))).result()
    return store, new_id


def contend(root: Path, gate: Barrier, told: Any, seconds: float, at_once: int) -> None:
    """One of many processes: claim for so long; how many, and the longest wait."""
    store, new_id = open_store(root)
    begun = [store.begin(wish(new_id)) for _ in range(int(2500 * seconds))]
    requests = iter([one.result().request_id for one in begun])
    gate.wait()
    until = time.perf_counter() + seconds
    waiting: list[tuple[float, Future[Any]]] = []
    waited: list[float] = []
    while time.perf_counter() < until:
        waiting.append((time.perf_counter(), store.claim(intent(new_id, next(requests)), now_ms())))
        if len(waiting) == at_once:
            asked, answer = waiting.pop(0)
            answer.result()
            waited.append(time.perf_counter() - asked)
    told.put((len(waited), max(waited)))
    for _, answer in waiting:
        answer.result()
    store.close()


def many_processes(count: int, at_once: int, seconds: float = 3.0) -> dict[str, float]:
    """Claims a second of all together, and how evenly they were served."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as root:
        open_store(Path(root))[0].close()
        gate, told = context.Barrier(count), context.Queue()
        workers = [
            context.Process(target=contend, args=(Path(root), gate, told, seconds, at_once))
            for _ in range(count)
        ]
        for worker in workers:
            worker.start()
        figures = [told.get() for _ in workers]
        for worker in workers:
            worker.join()
    served = [figure[0] for figure in figures]
    return {
        "processes": count,
        "claims_per_s": round(sum(served) / seconds),
        "least_served": min(served),
        "most_served": max(served),
        "longest_wait_ms": round(1000 * max(figure[1] for figure in figures)),
    }


def search(count: int) -> dict[str, float]:
    """Milliseconds of a history search over so many requests (median of 9, and the worst)."""
    dice = random.Random(1)
    figures: dict[str, float] = {"requests": count}
    with tempfile.TemporaryDirectory() as root:
        store, new_id = open_store(Path(root))
        tails = ("", " in the style of Van Gogh, highly detailed")
        for first in range(0, count, 5000):
            batch = [
                store.begin(
                    wish(
                        new_id,
                        "".join(dice.choices(WORDS, k=dice.randint(15, 90))) + dice.choice(tails),
                        1_700_000_000_000 + 60_000 * number,
                    )
                )
                for number in range(first, min(first + 5000, count))
            ]
            for begun in batch:
                begun.result()
        queries = {
            "found": "小猫",
            "chinese_miss": "龙凤",
            "half_miss": "猫凤",
            "latin_miss": "gogz",
        }
        for name, query in queries.items():
            took = []
            for _ in range(9):
                began = time.perf_counter()
                store.history(Asked(query=query, limit=20))
                took.append(1000 * (time.perf_counter() - began))
            figures[f"{name}_ms"] = round(median(took), 1)
            figures[f"{name}_worst_ms"] = round(max(took), 1)
        store.close()
    return figures


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--requests", type=int, default=100_000)
    given = parser.parse_args(arguments)
    print(
        json.dumps(
            {
                "ledger": "postgres" if os.environ.get("PISANG_LEDGER") else "sqlite",
                "sqlite": sqlite3.sqlite_version,
                "claims_per_s": {str(n): round(one_process(n)) for n in (1, 16, 64, 256)},
                "together": many_processes(given.processes, 64),
                "history": search(given.requests),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
