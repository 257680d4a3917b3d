"""Who is measured: each one's server, started as its users start it, over the same upstream."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from bench.gateway import peers
from bench.gateway.cases import MODEL
from bench.gateway.load import asking

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 120
PATH = f"/v1beta/models/{MODEL}:generateContent"
MASTER_KEY = "sk-made-up-for-the-bench"


@dataclass
class Server:
    """A contender that serves: where it is, what its callers send, its process."""

    name: str
    port: int
    pid: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    boot_s: float = 0.0
    """From its start until its first answer, a small picture from the upstream."""


@dataclass(frozen=True)
class Ground:
    """What the contenders run on: the upstream's port, a folder on a disk, our source."""

    upstream: int
    folder: Path
    source: str

    @property
    def upstream_url(self) -> str:
        return f"http://127.0.0.1:{self.upstream}"


def environ(**more: str) -> dict[str, str]:
    """Nothing of the user's own but what is needed to find programs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", **more}


@contextmanager
def direct(ground: Ground) -> Iterator[Server]:
    """The upstream itself: what a call takes with nothing between."""
    yield Server("direct", ground.upstream)


@contextmanager
def floor(ground: Ground) -> Iterator[Server]:
    """The bare relay."""
    server = Server("floor", free_port())
    words = [sys.executable, "-m", "bench.gateway.relay", str(server.port), ground.upstream_url]
    with running(server, words, environ(), ROOT, ground.folder):
        yield server


@contextmanager
def pisang(ground: Ground) -> Iterator[Server]:
    """`pisang serve` in an empty home on that disk, its one upstream added as a user adds it, its
    caller with a key. Nothing is switched off."""
    home = Path(tempfile.mkdtemp(prefix="home-", dir=ground.folder))
    env = environ(PISANG_HOME=str(home), PYTHONPATH=ground.source, BENCH_KEY="bench-made-up")
    ours = [sys.executable, "-m", "pisang"]
    add = ["upstream", "add", "bench", "--wire", "gemini", "--base-url", ground.upstream_url]
    try:
        said([*ours, *add, "--auth", "bearer", "--key-env", "BENCH_KEY"], env, ground.folder)
        made = said([*ours, "key", "create", "--name", "bench", "--format", "json"], env, home)
        server = Server("pisang", free_port(), headers={"x-goog-api-key": json.loads(made)["key"]})
        serve = [*ours, "serve", "--port", str(server.port)]
        with running(server, serve, env, home, ground.folder):
            yield server
    finally:
        shutil.rmtree(home)


@contextmanager
def litellm(ground: Ground) -> Iterator[Server]:
    """LiteLLM's proxy by the route that Google's own SDK takes through it (its `/gemini`
    pass-through was slower). As its page on production says: one uvicorn worker, a master key,
    quiet logs; no database, no callbacks, no retries. Its loop stands still while it parses large
    pictures: connections are kept longer than uvicorn's 5 s, or it would cut waiting callers."""
    server = Server("litellm", free_port(), headers={"x-goog-api-key": MASTER_KEY})
    config = ground.folder / "litellm.json"
    config.write_text(json.dumps(litellm_config(ground)))
    env = environ(
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        LITELLM_LOG="ERROR",
        LITELLM_MODE="PRODUCTION",
        LITELLM_MASTER_KEY=MASTER_KEY,
    )
    words = [str(peers.binary("litellm")), "--config", str(config), "--num_workers", "1"]
    words += ["--host", "127.0.0.1", "--port", str(server.port), "--keepalive_timeout", "75"]
    with running(server, words, env, ground.folder, ground.folder):
        yield server


def litellm_config(ground: Ground) -> dict[str, object]:
    """JSON is YAML."""
    where = {"api_base": ground.upstream_url, "api_key": "bench-made-up"}
    params = {"model": f"gemini/{MODEL}", **where}
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": params}],
        "litellm_settings": {"num_retries": 0, "callbacks": [], "set_verbose": False},
        "router_settings": {"num_retries": 0},
    }


CONTENDERS = {
    "direct": direct,
    "floor": floor,
    "pisang": pisang,
    "litellm": litellm,
}


@contextmanager
def running(
    server: Server, words: list[str], env: Mapping[str, str], cwd: Path, logs: Path
) -> Iterator[None]:
    """The server while it runs, from its first answer on; what it says goes to a log."""
    begun = time.perf_counter()
    with (logs / f"{server.name}.log").open("a") as log:
        process = subprocess.Popen(words, env=env, cwd=cwd, stdout=log, stderr=log)
        try:
            while not answers(server):
                if process.poll() is not None or time.perf_counter() - begun > STARTS_WITHIN_S:
                    log.flush()
                    told = Path(log.name).read_text()[-2000:]
                    raise SystemExit(f"{server.name} does not start:\n{told}")
                time.sleep(0.005)
            server.boot_s, server.pid = time.perf_counter() - begun, process.pid
            yield
        finally:
            process.terminate()
            process.wait(60)


def answers(server: Server) -> bool:
    """Whether a small call is answered now."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        body = asking("picture-8kb, the first one")
        headers = {"Content-Type": "application/json", **server.headers}
        connection.request("POST", PATH, body, headers)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def said(words: list[str], env: Mapping[str, str], cwd: Path) -> str:
    """What a command prints, which must succeed."""
    return subprocess.run(
        words, env=env, cwd=cwd, check=True, capture_output=True, text=True
    ).stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
