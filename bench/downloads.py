"""A 48 MB and a 3 MB answer to disk: Pisang, Google's SDK, and curl as the floor."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.process import Run, run

ROUNDS = 5
SIZES = ("48mb", "3mb")
PEERS = Path(__file__).parent / "peers"


@contextmanager
def server(folder: Path) -> Iterator[dict[str, Any]]:
    """The answering server while it runs: its port, and the hash of each picture.

    It is a process of its own, and the pictures are never in this one: what a process is at when
    it starts another counts toward the other's peak.
    """
    port_file = folder / "port"
    process = subprocess.Popen([sys.executable, "-m", "bench.answers", str(port_file)])
    try:
        while not port_file.exists() or not port_file.read_text():
            time.sleep(0.05)
        yield json.loads(port_file.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def commands(base_url: str, model: str, path: Path, calls: int = 1) -> dict[str, list[str]]:
    url = f"{base_url}/v1beta/models/{model}:generateContent"
    words = [base_url, model, str(path), str(calls)]
    found = {
        "pisang": [sys.executable, str(PEERS / "pisang_sdk.py"), *words],
        "google-genai": [sys.executable, str(PEERS / "google_sdk.py"), *words],
    }
    if shutil.which("curl") and calls == 1:
        found["curl"] = ["curl", "-s", "-d", "{}", "-o", str(path), url]
    return found


def measure() -> Iterator[tuple[str, str, Run]]:
    """(size, client, run), the clients in turn so that drift of the machine hits them alike."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(folder) as serving:
            base_url = f"http://127.0.0.1:{serving['port']}"
            env = {**os.environ, "PISANG_HOME": str(folder / "home"), "BENCH_KEY": "bench"}
            add = ["upstream", "add", "bench", "--wire", "gemini", "--base-url", base_url]
            added = run([sys.executable, "-m", "pisang", *add, "--auth", "none"], env)
            assert added.exit_code == 0, added.output
            for size in SIZES:
                model, expected = f"picture-{size}", serving["digests"][size]
                for turn in range(ROUNDS + 1):
                    for client, command in commands(base_url, model, folder / "out").items():
                        one = run(command, env)
                        assert one.exit_code == 0, f"{client} failed"
                        if client != "curl":
                            assert digest(folder / "out") == expected, client
                        if turn:  # the first is a warm-up
                            yield named(size), client, one
                yield from measure_inside(base_url, size, folder / "out", env)


def measure_inside(
    base_url: str, size: str, path: Path, env: Mapping[str, str]
) -> Iterator[tuple[str, str, Run]]:
    """The calls of one process after its first: what a picture costs without the start.

    The peak is the whole process's.
    """
    for client, command in commands(base_url, f"picture-{size}", path, ROUNDS + 1).items():
        whole = run(command, env)
        for wall_s, cpu_s in json.loads(whole.output)[1:]:
            yield f"{named(size)}, in one process", client, Run(wall_s, cpu_s, whole.peak_mib)


def named(size: str) -> str:
    """`48 MB` for `48mb`."""
    return f"{size[:-2]} {size[-2:].upper()}"


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
