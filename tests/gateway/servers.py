"""`pisang serve` as a process that a test may signal and whose log it reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gateway.conftest import ROOT, environ, run, serving

PATIENCE_S = 30.0


def until(true: Callable[[], Any]) -> Any:
    """What it says once it says something. Fails where it never does."""
    for _ in range(int(PATIENCE_S / 0.05)):
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came true")


@dataclass(frozen=True)
class Server:
    """One process: where it is, and what it logs."""

    url: str
    running: subprocess.Popen[str]
    errors: Path

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of that event so far."""
        told = [json.loads(line) for line in self.errors.read_text().splitlines()]
        return [line for line in told if line["event"] == event]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path) as answer:
            text: str = answer.read().decode()
            return text

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.running.send_signal(number)

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        return self.running.wait(60)


@dataclass
class Home:
    """One home over an upstream with a book, and the servers that were started on it."""

    folder: Path
    upstream: str
    book: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    _charged: int = 0

    @property
    def path(self) -> Path:
        return self.folder / "home"

    @property
    def config(self) -> Path:
        return self.path / "config.toml"

    @property
    def charges(self) -> int:
        """How many pictures the upstream charged since this home was made."""
        return self._lines() - self._charged

    def _lines(self) -> int:
        return len(self.book.read_text().splitlines()) if self.book.exists() else 0

    def start(
        self,
        *words: str,
        port: str = "0",
        module: str = "pisang",
        stdin: int | None = None,
        **extra: str,
    ) -> Server:
        """A server on this home, once it takes connections."""
        errors = self.folder / f"errors-{len(self.started)}"
        environment = {**environ(self.path), **extra}
        environment["PYTHONPATH"] = f"{environment.get('PYTHONPATH', '')}{os.pathsep}{ROOT}"
        with errors.open("w") as stream:
            running = subprocess.Popen(
                [sys.executable, "-m", module, "serve", "--port", port, "--format", "json", *words],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env=environment,
                cwd=self.folder,
            )
        self.started.append(running)
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line, errors.read_text()
        return Server(json.loads(line)["url"], running, errors)


@dataclass(frozen=True)
class Street:
    """One upstream, and what the settings of a home over it are."""

    upstream: str
    book: Path
    config: str
    keys: str

    @contextmanager
    def home(self, folder: Path) -> Iterator[Home]:
        """A new home; its servers are ended with it."""
        made = Home(folder, self.upstream, self.book)
        made.path.mkdir(mode=0o700)
        made.config.write_text(self.config)
        keys = made.path / "keys.toml"
        keys.touch(0o600)
        keys.write_text(self.keys)
        made._charged = made._lines()
        try:
            yield made
        finally:
            for running in made.started:
                running.kill()
                running.communicate()


@contextmanager
def street(folder: Path, model: str, key: str = "sk-made-up") -> Iterator[Street]:
    """An upstream named `relay`, with a price for the model, while it runs."""
    home, book = folder / "template", folder / "book.jsonl"
    with serving(folder / "upstream", "sandbox", "--book", str(book)) as (upstream, _):
        run(
            home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", upstream,
            "--auth", "bearer", "--key-stdin", stdin=f"{key}\n",
        )  # fmt: skip
        run(home, "upstream", "price", "relay", "--model", model, "0.134USD")
        yield Street(
            upstream, book, (home / "config.toml").read_text(), (home / "keys.toml").read_text()
        )
