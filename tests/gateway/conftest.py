"""What the gateway's tests share: a gateway in a process of its own, over a sandbox in another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.buckets import environ_for
from tests.ledgers import environ_of

ROOT = Path(__file__).parents[2]


def environ(home: Path) -> dict[str, str]:
    """An environment with nothing of this machine's in it but what Python needs."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    null = "keyring.backends.null.Keyring"
    told = {"PISANG_HOME": str(home), "PYTHON_KEYRING_BACKEND": null, "LANG": "C.UTF-8"}
    return {**kept, **told, **environ_for(home), **environ_of(home)}


def run(
    home: Path, *words: str, stdin: str = "", extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command line in that home, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "pisang", *words],
        input=stdin,
        capture_output=True,
        text=True,
        env={**environ(home), **(extra or {})},
        cwd=home.parent,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@contextmanager
def serving(
    home: Path, *words: str, extra: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of ours while it runs: its URL and its process."""
    running = subprocess.Popen(
        [sys.executable, "-m", "pisang", *words, "--port", "0", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environ(home), **(extra or {})},
        cwd=home.parent,
    )
    try:
        assert running.stdout is not None
        assert running.stderr is not None
        line = running.stdout.readline()
        assert line, running.stderr.read()
        yield json.loads(line)["url"], running
    finally:
        running.terminate()
        running.communicate(timeout=30)


@contextmanager
def hurrying(home: Path, extra: Mapping[str, str]) -> Iterator[str]:
    """The gateway of `clients/hurried.py` while it runs: its URL."""
    words = [sys.executable, "-m", "tests.gateway.clients.hurried"]
    environment = {**environ(home), **extra}
    running = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
    try:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())["url"]
    finally:
        running.terminate()
        running.communicate(timeout=30)


@dataclass(frozen=True)
class Stage:
    """A gateway over one upstream: its URL, its home, and the upstream's book."""

    url: str
    home: Path
    book: Path
    upstream: str

    @property
    def charges(self) -> list[dict[str, Any]]:
        """What the upstream charged so far."""
        lines = self.book.read_text().splitlines() if self.book.exists() else []
        return [json.loads(line) for line in lines]

    def pisang(self, *words: str) -> Any:
        """What the command line says of that home, as JSON."""
        return json.loads(run(self.home, *words, "--format", "json").stdout)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The gateway over a sandbox behind a real port, with prices."""
    folder = tmp_path_factory.mktemp("gateway")
    home, book = folder / "home", folder / "book.jsonl"
    with serving(folder / "upstream", "sandbox", "--book", str(book)) as (upstream, _):
        run(
            home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", upstream,
            "--auth", "bearer", "--key-stdin", stdin="sk-made-up\n",
        )  # fmt: skip
        run(home, "upstream", "price", "relay", "--model", "gemini-3-pro-image", "0.134USD")
        run(home, "upstream", "price", "relay", "--model", "gemini-3.1-flash-image", "0.067USD")
        with serving(home, "serve") as (url, _):
            yield Stage(url, home, book, upstream)
