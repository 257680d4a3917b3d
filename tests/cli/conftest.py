"""What the command line's tests share: a call of it in this process, and one in a process."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pisang.cli.entry import run

CANARIES = {
    "GEMINI_API_KEY": "CANARY-gemini-4f1d",
    "MY_KEY": "CANARY-mine-9a3c",
}


@dataclass(frozen=True)
class Said:
    """What one call came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def environ(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with nothing of this machine's in it but what Python needs."""
    for name in list(os.environ):
        if name.startswith(("PISANG_", "GEMINI", "GOOGLE", "IKUN", "OPENROUTER", "LC_", "LANG")):
            monkeypatch.delenv(name)
    ours = {
        "PISANG_HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    return ours


Pisang = Callable[..., Said]


@pytest.fixture
def pisang(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Pisang:
    """The command line, called in this process, without a keeper:
    `pisang("generate", "x", stdin=b"…", VAR="…")`."""

    def call(*words: str, stdin: bytes = b"", **extra: str) -> Said:
        with monkeypatch.context() as patch:
            patch.setenv("PISANG_KEEPER", "off")  # this process has threads: it must not fork
            for name, value in extra.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            capsys.readouterr()
            code = run(list(words))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


def process(
    *words: str,
    home: Path,
    folder: Path,
    stdin: bytes = b"",
    extra: Mapping[str, str] | None = None,
) -> Said:
    """The command line in a process of its own, its environment told whole."""
    done = subprocess.run(
        [sys.executable, "-m", "pisang", *words],
        input=stdin,
        capture_output=True,
        cwd=folder,
        timeout=60,
        env={
            "PATH": os.environ["PATH"],
            "PISANG_HOME": str(home),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            **(extra or {}),
        },
        check=False,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class Server:
    """A running `pisang sandbox`, its address and the file of what it charged."""

    url: str
    book: Path

    @property
    def charges(self) -> list[dict[str, Any]]:
        """What was charged so far."""
        lines = self.book.read_text().splitlines() if self.book.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The sandbox behind a real port, as a user would start it."""
    folder = tmp_path_factory.mktemp("server")
    book = folder / "book.jsonl"
    words = ["sandbox", "--port", "0", "--book", str(book), "--format", "json"]
    running = subprocess.Popen(
        [sys.executable, "-m", "pisang", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PISANG_HOME": str(folder / "home")},
    )
    try:
        assert running.stdout is not None
        assert running.stderr is not None
        line = running.stdout.readline()
        assert line, running.stderr.read()
        yield Server(json.loads(line)["url"], book)
    finally:
        running.terminate()
        _, said = running.communicate(timeout=10)
    assert running.returncode == 0
    assert said == ""


@pytest.fixture
def local(pisang: Pisang, server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """That server as the upstream `local`, a relay with a price, its key in a variable."""
    monkeypatch.setenv("MY_KEY", CANARIES["MY_KEY"])
    added = pisang(
        "upstream", "add", "local", "--wire", "gemini", "--base-url", server.url,
        "--auth", "bearer", "--key-env", "MY_KEY",
    )  # fmt: skip
    assert added.code == 0, added.err
    with (home / "config.toml").open("a") as config:
        config.write('[upstreams.local.prices]\n"gemini-3.1-flash-image" = "0.067USD"\n')
    return server
