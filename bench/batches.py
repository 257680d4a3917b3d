"""Batches over a loopback upstream: rate, memory, size, status, resume; prints one JSON object.

`python -m bench.batches [--rows N] [--workers N] [--status-rows N]`. Workers are real processes
(`pisang worker`), everything on: fsync, stored answers, limits in the claim. With `PISANG_LEDGER`
the ledger is in that PostgreSQL database, which should be empty.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.gateway.processes import cpu_s, resident_mib
from bench.machine import machine
from pisang.domain.attempt import Charged, State
from pisang.domain.batch import Batch, BatchLimits, Job
from pisang.domain.fingerprint import request_fingerprint
from pisang.domain.ledger import Intent, Settlement, Wish
from pisang.domain.money import Money
from pisang.domain.request import Request, Text
from pisang.domain.secret import Secret
from pisang.domain.serial import request_to_json
from pisang.engine.ids import new_id
from pisang.engine.world import now_ms
from pisang.store.storage import Storage
from pisang.store.store import Store

CONFIG = """
default_upstream = "loop"

[upstreams.loop]
wire = "gemini"
base_url = "http://127.0.0.1:{port}"
auth = "none"
"""


@contextmanager
def upstream() -> Iterator[int]:
    """The port of a server that answers with a picture of 8 kB, each another."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "port.json"
        server = subprocess.Popen([sys.executable, "-m", "bench.answers", str(told)])
        while not told.exists() or not told.read_text():
            time.sleep(0.05)
        try:
            yield json.loads(told.read_text())["port"]
        finally:
            server.kill()
            server.wait()


def open_store(home: Path) -> Store:
    ledger = os.environ.get("PISANG_LEDGER")
    storage = Storage(ledger=Secret(ledger)) if ledger else None
    return Store.open(home, clock_ms=now_ms, new_id=new_id, storage=storage)


def wish(number: int, model: str) -> Wish:
    words = f"row bench-{number:012d}"
    request = Request((Text(words),), model)
    return Wish(
        "", now_ms(), words, model, request_to_json(request), request_fingerprint(request, "loop")
    )


def write_down(store: Store, rows: int, model: str, **limits: Any) -> Batch:
    batch = Batch(new_id("bat"), now_ms(), limits=BatchLimits(**limits))
    store.batches.add(batch).result()
    for start in range(0, rows, 500):
        some = range(start, min(start + 500, rows))
        store.batches.add_jobs(
            batch, [(Job(number, ("loop",)), wish(number, model)) for number in some]
        ).result()
    store.batches.open(batch.id).result()
    return batch


def start(home: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "pisang", "worker", *words],
        env={**os.environ, "PISANG_HOME": str(home)},
        stderr=subprocess.DEVNULL,
    )


def see_through(store: Store, batch: Batch, workers: list[subprocess.Popen[bytes]]) -> list[float]:
    """Until the batch is over. The memory of one worker, each half second, in MiB; last the CPU
    seconds of all of them."""
    memory = []
    while not store.batches.is_over(batch.id):
        time.sleep(0.5)
        memory.append(resident_mib(workers[0].pid))
        assert all(one.poll() is None for one in workers), "a worker ended"
    memory.append(sum(cpu_s(one.pid) for one in workers))
    for one in workers:
        one.send_signal(signal.SIGTERM)
        one.wait()
    return memory


def measure_rate(home: Path, rows: int, workers: int) -> dict[str, object]:
    """`rows` answers without a delay."""
    store = open_store(home)
    began = time.perf_counter()
    batch = write_down(store, rows, "picture-8kb")
    written_s = time.perf_counter() - began
    *memory, used_s = see_through(store, batch, [start(home) for _ in range(workers)])
    status = store.batches.status(batch.id)
    assert status.states == {State.DONE: rows}, status
    took_s = ((status.ended_ms or 0) - (status.started_ms or 0)) / 1000
    used = sum(one.stat().st_size for one in home.rglob("*") if one.is_file())
    store.close()
    half = len(memory) // 2
    return {
        "rows": rows,
        "workers": workers,
        "written_down_per_s": round(rows / written_s),
        "rows_per_s": round(rows / took_s),
        "cpu_ms_per_row": round(1000 * used_s / rows, 2),
        "memory_mib": [round(one, 1) for one in (memory[0], memory[half], memory[-1])],
        "home_kib_per_row": round(used / 1024 / rows, 1),
    }


def measure_waits(home: Path) -> dict[str, object]:
    """200 rows of a second each, 50 at once: 4 s at best."""
    store = open_store(home)
    batch = write_down(store, 200, "picture-8kb-after-1s", concurrency=50)
    see_through(store, batch, [start(home)])
    status = store.batches.status(batch.id)
    store.close()
    took_s = ((status.ended_ms or 0) - (status.started_ms or 0)) / 1000
    return {"rows": 200, "took_s": took_s, "of_ideal": round(took_s / 4, 3)}


def measure_large(home: Path, rows: int) -> dict[str, object]:
    """A batch of so many rows, most of them over: its status, a page, and how soon a worker that
    starts sends its first."""
    store = open_store(home)
    batch = write_down(store, rows, "picture-8kb", priority=1)
    left = 500
    while (taken := store.batches.take(min(500, rows - left)).result()) and rows > left:
        rows -= len(taken)
        claims = [_claim(store, batch, request_id) for request_id in taken]
        for done in [store.settle(_settlement(one.result())) for one in claims]:
            done.result()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        status = store.batches.status(batch.id)
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    store.batches.ended(batch.id, after=status.total // 2, limit=100)
    page_s = time.perf_counter() - began
    before, asked_ms = status.states[State.REFUSED], now_ms()
    worker = start(home)
    while store.batches.status(batch.id).states[State.REFUSED] == before and not (
        store.batches.status(batch.id).states.get(State.DONE)
    ):
        time.sleep(0.02)
    begun_ms = min(
        row.request.attempts[0].sent_ms or 0
        for row in store.batches.jobs(batch.id, states=[State.DONE])
    )
    see_through(store, batch, [worker])
    store.close()
    return {
        "rows": status.total,
        "status_s": round(median(times), 3),
        "page_of_100_s": round(page_s, 3),
        "resume_begins_s": (begun_ms - asked_ms) / 1000,
    }


def _claim(store: Store, batch: Batch, request_id: str) -> Any:
    from concurrent.futures import Future

    intent = Intent(
        new_id("att"), request_id, 0, "loop", "gemini", "relay", "m", Money(1000, "USD"),
        batch_id=batch.id,
    )  # fmt: skip
    claiming = store.claim(intent, now_ms())
    told: Future[str] = Future()
    claiming.add_done_callback(lambda _: told.set_result(intent.attempt_id))
    return told


def _settlement(attempt_id: str) -> Settlement:
    return Settlement(attempt_id, State.REFUSED, Charged.YES, now_ms(), cost=Money(1000, "USD"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--status-rows", type=int, default=100_000)
    asked = parser.parse_args()
    with upstream() as port, tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "config.toml").write_text(CONFIG.format(port=port))
        found: dict[str, object] = {"machine": machine()}
        if asked.rows:
            found["rate"] = measure_rate(home, asked.rows, asked.workers)
            found["waits"] = measure_waits(home)
        if asked.status_rows:
            found["large"] = measure_large(home, asked.status_rows)
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
