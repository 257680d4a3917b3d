"""Which public clients there are, where each one's packages are kept, and how it is run.

Packages of other versions than the project's own live in `.venv-clients/` beside the code, made
once from the registry; `PISANG_CLIENTS` names another folder. What can't be made is not tested,
and that is said.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("PISANG_CLIENTS") or HERE.parents[2] / ".venv-clients")
NODE_PACKAGES = ("@google/genai@3.1.0", "openai@7.57.0")
MAKING_S = 240


class CannotRun(Exception):
    """Why a client can't be run here."""


@dataclass(frozen=True)
class Client:
    """One client. `packages` is None where the tests' own environment holds what it needs."""

    name: str
    family: str
    script: str
    packages: str | None = None
    mode: str = ""
    retries: int = 0
    """How often it is told to send again, for clients that do only when told."""

    mends_cuts: bool = False
    """Whether it sends again by itself when an answer that had begun is cut."""


CLIENTS = (
    Client("google-genai 3 (Python)", "google", "google_genai.py"),
    Client("google-genai 3 async (Python)", "google", "google_genai.py", mode="async"),
    Client("google-genai 2 (Python)", "google", "google_genai.py", "google-genai==2.34.0"),
    Client("google-genai 1 (Python)", "google", "google_genai.py", "google-genai==1.75.0"),
    Client("@google/genai (Node)", "google", "google_genai.mjs"),
    Client("openai (Python)", "openai", "openai_sdk.py", mends_cuts=True),
    Client("openai (Node)", "openai", "openai_sdk.mjs"),
    Client("requests", "http", "plain_http.py"),
    Client("curl", "http", "plain_http.py", mode="curl"),
    Client("fetch (Node)", "http", "fetch.mjs"),
)


def start(client: Client, job: dict[str, Any]) -> subprocess.Popen[str]:
    """The client's process, told its cases. Raises `CannotRun`."""
    running = subprocess.Popen(
        command(client),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environ(client),
        start_new_session=True,
    )
    assert running.stdin is not None
    running.stdin.write(json.dumps(job))
    running.stdin.close()
    running.stdin = None
    return running


def kill(running: subprocess.Popen[str]) -> None:
    """SIGKILL, to the process and to what it started."""
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate(timeout=30)


def run(client: Client, url: str, cases: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the client says of each case, by its name. Raises `CannotRun`."""
    running = start(client, {"url": url, "key": "sk-made-up", "cases": list(cases)})
    said, wrong = running.communicate(timeout=240)
    assert running.returncode == 0, f"{client.name}: {wrong}"
    told = [json.loads(line) for line in said.splitlines()]
    return {one.pop("name"): one for one in told}


def command(client: Client) -> list[str]:
    """What to run. Makes the client's packages first, where they are not there yet."""
    script = str(HERE / client.script)
    if client.script.endswith(".mjs"):
        return [_node(), script]
    if client.mode == "curl" and shutil.which("curl") is None:
        raise CannotRun("curl is not installed")
    return [_python(client.packages) if client.packages else sys.executable, script]


def _environ(client: Client) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    node = {"CLIENT_FOLDER": str(FOLDER / "node")}
    return {**kept, **node, "CLIENT_MODE": client.mode, "LANG": "C.UTF-8", "PYTHONUTF8": "1"}


@contextmanager
def making(folder: Path) -> Iterator[bool]:
    """Whether the folder is still to be made; by one process at a time, and marked once it is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = not (folder / "made").exists()
        yield wanted
        if wanted:
            (folder / "made").touch()


def _python(packages: str) -> str:
    folder = FOLDER / packages.replace("==", "-")
    python = folder / "bin" / "python"
    with making(folder) as wanted:
        if wanted:
            _make([sys.executable, "-m", "venv", str(folder)])
            _make([str(python), "-m", "pip", "install", "-q", packages])
    return str(python)


def _node() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise CannotRun("Node is not installed")
    folder = FOLDER / "node"
    with making(folder) as wanted:
        if wanted:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text('{"private": true}')
            _make([npm, "install", "--silent", "--no-audit", "--no-fund", *NODE_PACKAGES], folder)
    return node


def _make(words: list[str], folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, timeout=MAKING_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(f"{words[-1]} can't be had: {error}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise CannotRun(f"{words[-1]} can't be had: {last}")
