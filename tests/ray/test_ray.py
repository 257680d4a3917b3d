"""Batches on a Ray cluster: spread over its nodes, each row bought once, whoever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pisang
from pisang.errors import RowsWrong
from pisang.sandbox.pytest_plugin import SandboxServer
from tests.ledgers import ledger_of, start_cluster

pytestmark = pytest.mark.filterwarnings("ignore")


def sold(server: SandboxServer) -> Counter[str]:
    return Counter(charge.prompt_sha256 for charge in server.book)


def test_a_dataset_of_a_thousand_rows_becomes_its_pictures(
    cluster: Any, home: Path, pisang_sandbox: SandboxServer
) -> None:
    import ray

    from pisang.ray import generate

    wishes = ray.data.from_items([{"prompt": f"heron {n}", "sku": n} for n in range(1000)])
    begun = time.monotonic()
    made = generate(wishes, image_size="512", concurrency=32)
    print(f"\n1,000 rows in {time.monotonic() - begun:.1f} s")
    assert made.count() == 1000
    rows = made.select_columns(["sku", "row", "state", "sha256"]).take_all()
    assert [row["sku"] + 1 for row in rows] == [row["row"] for row in rows]
    assert {row["state"] for row in rows} == {"done"}
    (first,) = made.take(1)
    assert first["width"] == 512 and first["picture"][:2] == b"\xff\xd8"
    assert first["cost"] == "0.067 USD"
    assert len(sold(pisang_sandbox)) == 1000 and set(sold(pisang_sandbox).values()) == {1}
    again = generate(wishes, image_size="512", concurrency=32)
    assert again.count() == 1000 and len(pisang_sandbox.book) == 1000


@pytest.fixture(params=["file", "postgres"])
def ledger(
    request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The ledger of all nodes: a file in the home, or a database that they know by a setting."""
    if request.param == "file":
        yield "file"
        return
    made, folder = start_cluster()
    try:
        told = ledger_of(home, made.url)
        assert told is not None
        monkeypatch.setenv("PISANG_LEDGER", told.reveal())
        yield "postgres"
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def placed(ray: Any) -> set[str]:
    """The nodes whose worker is there."""
    actors = ray._private.state.actors().values()
    return {actor["Address"]["NodeID"] for actor in actors if actor["State"] == "ALIVE"}


def test_a_node_that_is_killed_costs_nobody_a_picture_twice(
    ledger: str, cluster: Any, home: Path, pisang_sandbox: SandboxServer
) -> None:
    import ray

    from pisang.ray import generate

    prompts = [f"kite {n} [[sandbox delay=0.5]]" for n in range(120)]
    batch = generate(prompts, image_size="512", concurrency=12)
    told = [next(batch)]
    while len(placed(ray)) < 2:  # a node takes some seconds to begin its worker
        told.append(next(batch))
    told += [next(batch) for _ in range(12)]
    (second,) = cluster.worker_nodes
    cluster.remove_node(second, allow_graceful=False)
    killed = time.monotonic()
    told += list(batch)
    took_s = time.monotonic() - killed
    states = Counter(row.result.state.value for row in told)
    print(f"\n{ledger}: {states}, {took_s:.1f} s after the kill")
    assert sorted(row.row for row in told) == list(range(1, 121))
    assert set(states) <= {"done", "unknown"} and states["unknown"] <= 12
    bought = sold(pisang_sandbox)
    assert set(bought.values()) == {1}
    assert states["done"] <= len(bought) <= states["done"] + states["unknown"]
    assert batch.wait().over
    if states["unknown"]:
        assert batch.retry(unknown=True) == states["unknown"]
        assert {row.result.state.value for row in batch} == {"done"}


def test_failures_several_pictures_and_equal_rows_have_their_rows(
    cluster: Any, home: Path, pisang_sandbox: SandboxServer
) -> None:
    import ray

    from pisang.ray import generate

    wishes = ray.data.from_items([
        {"prompt": "a wren", "n": 2}, {"prompt": "no [[sandbox finish=IMAGE_SAFETY]]", "n": 1},
        {"prompt": "a wren", "n": 2},
    ])  # fmt: skip
    rows = generate(wishes, image_size="512", workers=1).take_all()
    rows.sort(key=lambda row: (row["row"], row["index"]))  # Ray keeps no order unless told to
    assert [(row["row"], row["index"], row["state"]) for row in rows] == [
        (1, 0, "done"), (1, 1, "done"), (2, 0, "refused"), (3, 0, "done"), (3, 1, "done"),
    ]  # fmt: skip
    assert rows[2]["picture"] is None and rows[2]["error"]
    assert rows[0]["sha256"] == rows[3]["sha256"] != rows[1]["sha256"]
    with pytest.raises(RowsWrong):
        generate([{"prompt": ""}])


def test_a_node_with_another_ledger_is_named(
    cluster: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pisang.ray import generate, workers

    monkeypatch.setattr(workers, "home_of", lambda settings: str(tmp_path / "elsewhere"))
    batch = generate(["x"], image_size="512")
    with pytest.raises(pisang.PisangError, match="another ledger"):
        list(batch)


def test_stopped_it_sees_through_what_was_sent(
    cluster: Any, home: Path, pisang_sandbox: SandboxServer
) -> None:
    from pisang.ray import generate

    batch = generate([f"{n} [[sandbox delay=1]]" for n in range(20)], concurrency=2)
    next(batch)
    assert batch.client is not None
    batch.client.close()
    with pisang.Client() as client:
        states = client.batches()[0].states
        assert states.get("unknown", 0) == 0 and states["done"] == len(pisang_sandbox.book) < 20


def test_the_command_on_a_cluster_is_stopped_and_resumed(
    cluster: Any, home: Path, tmp_path: Path, pisang_sandbox: SandboxServer
) -> None:
    """The cluster outlives the command: its workers end with it, and what they sent is kept."""
    (tmp_path / "list.csv").write_text(
        "prompt,size\n" + "".join(f"tern {n} [[sandbox delay=0.4]],512\n" for n in range(40))
    )
    environ = {**os.environ, "RAY_ADDRESS": cluster.address}

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pisang", "batch", *words, "--on", "ray"]
        return subprocess.Popen(
            [*command, "--format", "json"], env=environ, text=True, stdout=subprocess.PIPE
        )

    running = start("run", "list.csv", "--out", "out", "--concurrency", "4")
    results = tmp_path / "out" / "results.jsonl"
    until = time.monotonic() + 60
    while not results.exists() or len(results.read_text().splitlines()) < 5:
        assert time.monotonic() < until and running.poll() is None
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130, out
    stopped = json.loads(out)["rows"]
    assert stopped["waiting"] and not stopped.get("unknown") and not stopped["under_way"]
    out, _ = start("resume").communicate(timeout=120)
    told = json.loads(out)
    assert told["rows"]["done"] == 40 and told["over"], told
    assert set(sold(pisang_sandbox).values()) == {1} and len(pisang_sandbox.book) == 40
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert sorted(line["row"] for line in lines) == list(range(2, 42))
    assert all(Path(line["images"][0]["path"]).is_file() for line in lines)
