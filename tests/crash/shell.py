"""A user's shell for these tests: one home, one folder, `pisang` as a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pisang.sandbox.pytest_plugin import SandboxServer
from tests.ledgers import environ_of

ENDS_S = 60
"""A command that takes longer than this hangs: it is killed, and the test fails."""

PRICE_MICROS = 45_000
"""What the sandbox charges for the pictures of these tests, and what the user told Pisang."""

SETTINGS = """
default_upstream = "sb"
image_size = "512"
model = "gemini-3.1-flash-image"

[budgets.cap]
cap = "1000USD"
period = "total"

[upstreams.sb.prices]
"gemini-3.1-flash-image" = "0.045USD"
"""


@dataclass(frozen=True)
class Said:
    """How a command ended: exit code (negative: the signal), and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output; None where it is missing or cut."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None

    @property
    def images(self) -> list[str]:
        """The hashes of the images that it told its caller of: these are acknowledged."""
        return [one["sha256"] for one in (self.json or {}).get("images", ())]


@dataclass(frozen=True)
class Shell:
    """Runs `pisang` in `folder` with `PISANG_HOME` in `home`, and little else of an environment."""

    home: Path
    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """What makes a process what a user's would be: nothing of the test run's own. It owns what
        it pays for itself: what a keeper outlives is tested where the keeper is."""
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return kept | {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PISANG_HOME": str(self.home),
            "PISANG_KEEPER": "off",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            **environ_of(self.home),
            **self.extra,
        }

    def start(self, *words: object, **more: Any) -> subprocess.Popen[str]:
        """`pisang` with these words, its output in pipes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return start([sys.executable, "-m", "pisang", *map(str, words)], self, **more)

    def run(self, *words: object, **more: Any) -> Said:
        """`pisang` with these words, to its end."""
        return finish(self.start(*words, **more))

    def data(self, *words: object) -> Any:
        """The JSON that a command gives, which must succeed."""
        said = self.run(*words, "--format", "json")
        assert said.code == 0, said.err
        return said.json

    def add_upstream(self, server: SandboxServer) -> None:
        """The sandbox as an upstream named `sb`, as a user adds one, with prices and a budget."""
        words = ("--wire", "gemini", "--base-url", server.base_url, "--auth", "none")
        said = self.run("upstream", "add", "sb", *words)
        assert said.code == 0, said.err
        config = self.home / "config.toml"
        lead, tables = SETTINGS.split("\n\n", 1)
        config.write_text(f"{lead}\n{config.read_text()}\n{tables}")


def start(command: Sequence[str], shell: Shell, **more: Any) -> subprocess.Popen[str]:
    """A process in the shell's folder and environment."""
    return subprocess.Popen(
        command,
        cwd=more.pop("cwd", shell.folder),
        env=shell.environ,
        text=True,
        stdin=more.pop("stdin", subprocess.DEVNULL),
        stdout=subprocess.PIPE,
        stderr=more.pop("stderr", subprocess.PIPE),
        **more,
    )


def finish(process: subprocess.Popen[str]) -> Said:
    """Wait for its end; kill it, and fail, when it hangs."""
    try:
        out, err = process.communicate(timeout=ENDS_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGCONT)
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args!r} hangs: {out[-500:]} {err[-500:]}") from None
    return Said(process.returncode, out, err)


def wait_until(true: Callable[[], bool]) -> None:
    """Until it is true; an error when that takes too long."""
    until = time.monotonic() + ENDS_S
    while not true():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.02)
