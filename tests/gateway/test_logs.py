"""What a gateway writes down of its calls, and that no secret of anybody's is ever in it."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pisang.gateway.logs import LogWriter, set_up, tell
from tests.gateway.conftest import environ, run, serving
from tests.gateway.test_metrics import PRO, ask

CANARY = "CANARY"
UPSTREAM_KEY = "sk-CANARY-upstream-71"
PROXY_PASSWORD = "CANARY-proxy-5c"
CALLER_KEYS = ("CANARY-query-0a", "CANARY-ak-1b", "CANARY-bearer-2c", "CANARY-google-3d")


@pytest.fixture
def quiet() -> Iterator[None]:
    """The process's own logging, put back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("pisang")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level, ours.level = before


class Blocked(io.StringIO):
    """A stream whose reader went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_holds_its_facts_and_leaves_out_what_is_not_known(quiet: None) -> None:
    stream = io.StringIO()
    writer = set_up("json", "info", stream)
    tell(logging.INFO, "call", status=200, cost=None, path="/v1/猫")
    tell(logging.DEBUG, "call", status=201)
    logging.getLogger("pisang.upkeep").info("retention: %s", "nothing let go")
    writer.finish()
    first, second = lines(stream)
    assert first.pop("timestamp").endswith("Z")
    assert first == {"level": "info", "event": "call", "status": 200, "path": "/v1/猫"}
    assert second["event"] == "retention: nothing let go"


def test_what_others_log_is_told_without_their_words(quiet: None) -> None:
    stream = io.StringIO()
    writer = set_up("json", "debug", stream)
    try:
        raise ValueError(f"https://relay.example/?key={UPSTREAM_KEY}")
    except ValueError as error:
        logging.getLogger("asyncio").error("Task failed: %r", error, exc_info=error)
    logging.getLogger("aiohttp.client").warning("odd header: Bearer %s", UPSTREAM_KEY)
    writer.finish()
    assert CANARY not in stream.getvalue()
    first, second = lines(stream)
    assert first["exception"] == "ValueError"
    assert "test_logs.py" in first["where"][-1]
    assert second["logger"] == "aiohttp.client"


def test_eyes_get_a_line_that_steers_no_terminal(quiet: None) -> None:
    stream = io.StringIO()
    writer = set_up("console", "info", stream)
    tell(logging.INFO, "call", path="/\x1b]0;owned\x07\r\nforged")
    writer.finish()
    assert "call" in stream.getvalue()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", stream.getvalue())
    assert stream.getvalue().count("\n") == 1


def test_nobody_waits_for_a_reader_who_left(quiet: None) -> None:
    writer = LogWriter(Blocked(), "json")
    record = logging.LogRecord("pisang", logging.INFO, "", 0, "call", None, None)
    for _ in range(3):
        writer.emit(record)
    writer.finish()
    assert writer.dropped == 3


# --- a real server --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Den:
    """A gateway with a canary in every slot, over an upstream; and where its words go."""

    url: str
    home: Path
    errors: Path
    running: subprocess.Popen[str]

    def end(self) -> str:
        """Stop it; all that it wrote on standard error."""
        self.running.send_signal(signal.SIGTERM)
        assert self.running.wait(30) == 0
        return self.errors.read_text()


@pytest.fixture
def den(tmp_path: Path) -> Iterator[Den]:
    home, errors = tmp_path / "home", tmp_path / "errors"
    with serving(tmp_path / "upstream", "sandbox") as (upstream, _):
        run(
            home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", upstream,
            "--auth", "bearer", "--key-stdin", stdin=f"{UPSTREAM_KEY}\n",
        )  # fmt: skip
        with (home / "config.toml").open("a") as config:
            config.write(
                '[upstreams.behind]\nwire = "gemini"\nbase_url = "http://relay.invalid"\n'
                f'auth = "none"\nproxy = "http://me:{PROXY_PASSWORD}@127.0.0.1:9"\n'
            )
        words = ["serve", "--port", "0", "--format", "json", "--log-level", "debug"]
        with errors.open("w") as stream:
            running = subprocess.Popen(
                [sys.executable, "-m", "pisang", *words],
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env={**environ(home), "PYTHONASYNCIODEBUG": "1"},
                cwd=tmp_path,
            )
        try:
            assert running.stdout is not None
            yield Den(json.loads(running.stdout.readline())["url"], home, errors, running)
        finally:
            running.kill()
            running.communicate()


def curse(den: Den) -> list[bytes]:
    """Calls with a canary wherever a caller can put one, good and bad; their answers."""
    query, ak, bearer, google = CALLER_KEYS
    picture = base64.b64encode(b"CANARY-picture").decode()
    bodies: list[Any] = [
        {"contents": [{"parts": [{"text": "CANARY-prompt"}]}]},
        {"contents": [{"parts": [{"text": "CANARY-prompt [[sandbox status=503]]"}]}]},
        {"contents": [{"parts": [{"text": "CANARY-prompt [[sandbox html=524]]"}]}]},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": picture}}]}]},
        {"messages": [{"role": "user", "content": f"data:image/png;base64,{picture}"}]},
        "CANARY-no-json",
    ]
    paths = [
        f"/v1beta/models/{PRO}:generateContent?key={query}",
        f"/gpt/openapi/online/multimodal/crawl?ak={ak}",
        "/v1/images/generations",
        "/v1/chat/completions",
    ]
    headers = {
        "authorization": f"Bearer {bearer}",
        "x-goog-api-key": google,
        "cookie": "session=CANARY-cookie",
        "content-type": "application/json",
    }
    answers: list[bytes] = []
    for path in paths:
        for body in bodies:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            named = {"x-pisang-upstream": "behind"} if body == bodies[1] else {}
            request = urllib.request.Request(den.url + path, data, {**headers, **named})
            try:
                with urllib.request.urlopen(request) as answer:
                    answer.read()  # a picture, and what a model says, are the caller's own
            except urllib.error.HTTPError as error:
                answers.append(error.read())
    return answers


def test_no_secret_and_no_prompt_is_in_a_log_line_a_metric_or_an_error(den: Den) -> None:
    answers = curse(den)
    assert len(answers) > 8
    with urllib.request.urlopen(f"{den.url}/metrics") as told:
        metrics = told.read()
    written = den.end()
    assert written.count('"event": "call"') >= 24
    assert CANARY not in written
    assert CANARY.encode() not in metrics
    for secret in (UPSTREAM_KEY, PROXY_PASSWORD, *CALLER_KEYS, "CANARY-cookie"):
        for body in answers:
            assert secret.encode() not in body
        for path in den.home.rglob("*"):
            if path.is_file() and path.name not in ("keys.toml", "config.toml"):
                assert secret.encode() not in path.read_bytes(), path


def test_a_call_is_one_line_that_says_what_became_of_it(den: Den) -> None:
    assert ask(den.url, "a lake") == 200
    assert ask(den.url, "a lake [[sandbox html=524]]") == 424
    called = [
        line for line in map(json.loads, den.end().splitlines()) if line.get("wire") == "gemini"
    ]
    good, odd = called
    assert good["outcome"] == "ok"
    assert good["status"] == 200
    assert good["request_id"].startswith("req_")
    assert good["upstream"] == "relay"
    assert good["path"] == f"/v1beta/models/{PRO}:generateContent"
    assert set(good["phases_ms"]) == {"intake", "claim", "first_byte", "body", "settle", "answer"}
    assert (odd["outcome"], odd["charged"], odd["status"]) == ("outcome_unknown", "unknown", 424)


def test_a_server_whose_words_nobody_reads_goes_on_serving(tmp_path: Path) -> None:
    """A pipe holds 64 KiB: a server that waited for its reader would stand still here."""
    with serving(tmp_path / "home", "serve", "--log-level", "debug") as (url, running):
        assert running.stderr is not None
        os.set_blocking(running.stderr.fileno(), True)
        for number in range(600):
            address = f"{url}/v1beta/models/{'x' * 100}-{number}"
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(address)
        with urllib.request.urlopen(f"{url}/healthz") as answer:
            assert answer.status == 200
