"""What a gateway writes down of its calls, and that no secret of anybody's is ever in it."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pisang.gateway.logs import LogWriter, set_up, tell
from tests.gateway.conftest import run, serving
from tests.gateway.servers import Home, Server, Street, street
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


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("street"), PRO, UPSTREAM_KEY) as found:
        yield found


@pytest.fixture
def den(over: Street, tmp_path: Path) -> Iterator[Home]:
    """A home with a canary in every slot."""
    with over.home(tmp_path) as home:
        with home.config.open("a") as config:
            config.write(
                '[upstreams.behind]\nwire = "gemini"\nbase_url = "http://relay.invalid"\n'
                f'auth = "none"\nproxy = "http://me:{PROXY_PASSWORD}@127.0.0.1:9"\n'
            )
        yield home


def end(server: Server) -> str:
    """Stop it; all that it wrote on standard error."""
    server.signal()
    assert server.ended() == 0
    return server.errors.read_text()


def curse(url: str) -> list[bytes]:
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
            request = urllib.request.Request(url + path, data, {**headers, **named})
            try:
                with urllib.request.urlopen(request) as answer:
                    answer.read()  # a picture, and what a model says, are the caller's own
            except urllib.error.HTTPError as error:
                answers.append(error.read())
    return answers


def test_no_secret_and_no_prompt_is_in_a_log_line_a_metric_or_an_error(den: Home) -> None:
    server = den.start("--log-level", "debug", PYTHONASYNCIODEBUG="1")
    answers = curse(server.url)
    assert len(answers) > 8
    metrics = server.get("/metrics")
    written = end(server)
    assert written.count('"event": "call"') >= 24
    assert CANARY not in written
    assert CANARY not in metrics
    for secret in (UPSTREAM_KEY, PROXY_PASSWORD, *CALLER_KEYS, "CANARY-cookie"):
        for body in answers:
            assert secret.encode() not in body
        for path in den.path.rglob("*"):
            if path.is_file() and path.name not in ("keys.toml", "config.toml"):
                assert secret.encode() not in path.read_bytes(), path


def test_a_caller_is_named_by_the_id_of_his_key_and_never_by_the_key(den: Home) -> None:
    words = ("key", "create", "--name", "app", "--role", "admin", "--format", "json")
    made = json.loads(run(den.path, *words).stdout)
    server = den.start("--log-level", "debug")
    secret, wrong = made["key"], made["key"][:-4] + "0000"
    for key in (secret, wrong):
        for path, headers in (
            (f"/v1beta/models?key={key}", {}),
            (f"/gpt/openapi/online/multimodal/crawl?ak={key}", {}),
            ("/v1/models", {"authorization": f"Bearer {key}"}),
            ("/pisang/v1/keys", {"authorization": f"Bearer {key}"}),
            ("/metrics", {"x-goog-api-key": key}),
        ):
            with suppress(urllib.error.HTTPError):
                request = urllib.request.Request(server.url + path, headers=headers)
                urllib.request.urlopen(request).read()
    written = end(server)
    lines_of_his = [line for line in map(json.loads, written.splitlines()) if "key_id" in line]
    assert {line["key_id"] for line in lines_of_his} == {made["id"]}
    assert len(lines_of_his) == 5
    hidden = secret.rpartition("_")[2]
    assert hidden not in written
    for path in den.path.rglob("*"):
        if path.is_file():
            assert hidden.encode() not in path.read_bytes(), path


def test_a_call_is_one_line_that_says_what_became_of_it(den: Home) -> None:
    server = den.start()
    assert ask(server.url, "a lake") == 200
    assert ask(server.url, "a lake [[sandbox html=524]]") == 424
    called = [
        line for line in map(json.loads, end(server).splitlines()) if line.get("wire") == "gemini"
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
