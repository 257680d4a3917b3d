"""S2, S4: bodies without end, and callers without haste, over raw sockets."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import pytest
import requests

from pisang.cli.serving import HEADER_TIMEOUT_S
from pisang.gateway.visits import GRACE_S, MIN_BYTES_PER_S
from tests.gateway.conftest import ROOT, environ, run, serving
from tests.gateway.rows.sockets import PAINT, Said, ask, connect, head, peak_kib, read, send

MIB = 1024 * 1024
JSON = "Content-Type: application/json"
FORM = "Content-Type: multipart/form-data; boundary=XX"
CHUNKED = "Transfer-Encoding: chunked"
ROOM_KIB = 50 * 1024
"""As much as a flood may cost in memory."""


def configure(home: Path) -> None:
    run(
        home, "upstream", "add", "relay", "--wire", "gemini", "--auth", "none",
        "--base-url", "http://127.0.0.1:9",
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A gateway that has answered once: its URL and its process."""
    home = tmp_path_factory.mktemp("flooded") / "home"
    configure(home)
    with serving(home, "serve") as (url, running):
        assert requests.post(url + PAINT, data=b"{}", timeout=30).status_code == 400
        yield url, running.pid


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


PART = b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n'
FILE = b'--XX\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
LETTERS = b"a" * (64 * 1024)
PACKED = gzip.compress(b'{"a":"' + bytes(100 * MIB) + b'"}', 1)

FLOODS: dict[str, tuple[int, bytes, Iterator[bytes] | list[bytes]]] = {
    "10 GB announced": (413, head(PAINT, JSON, "Content-Length: 10000000000"), [b'{"a":"']),
    "more than a number announced": (
        400, head(PAINT, JSON, f"Content-Length: {'9' * 400}"), [b"{"],
    ),
    "a string without end": (
        413, head(PAINT, JSON, CHUNKED), [chunk(b'{"a":"'), *repeat(chunk(LETTERS), 4096)],
    ),
    "fields without end": (
        400, head(PAINT, JSON, CHUNKED),
        [chunk(b"{"), *repeat(chunk(b'"a":"b",' * 8192), 4096)],
    ),
    "depth without end": (400, head(PAINT, JSON, CHUNKED), repeat(chunk(b"[" * 65536), 4096)),
    "blanks without end": (400, head(PAINT, JSON, CHUNKED), repeat(chunk(b" " * 65536), 4096)),
    "a million parts": (
        400, head("/v1/images/edits", FORM, CHUNKED), repeat(chunk(PART * 1000), 1000),
    ),
    "a value without end": (
        400, head("/v1/images/edits", FORM, CHUNKED),
        [chunk(PART[:-3]), *repeat(chunk(LETTERS), 4096)],
    ),
    "a part's headers without end": (
        400, head("/v1/images/edits", FORM, CHUNKED),
        [chunk(b"--XX\r\nX: "), *repeat(chunk(LETTERS), 4096)],
    ),
    "a file without end": (
        413, head("/v1/images/edits", FORM, CHUNKED),
        [chunk(FILE), *repeat(chunk(LETTERS), 4096)],
    ),
    "a wish without end": (
        400, head("/pisang/v1/generations", JSON, CHUNKED),
        [chunk(b"{"), *repeat(chunk(b'"a":"b",' * 8192), 4096)],
    ),
    "a description of a file without end": (
        413, head("/upload/v1beta/files", JSON, CHUNKED, "X-Goog-Upload-Command: start"),
        repeat(chunk(LETTERS), 4096),
    ),
    "a hundred megabytes in a hundred kilobytes": (
        400, head(PAINT, JSON, "Content-Encoding: gzip", f"Content-Length: {len(PACKED)}"),
        [PACKED],
    ),
    "10 GB announced by one who waits to be asked for them": (
        413, head(PAINT, JSON, "Content-Length: 10000000000", "Expect: 100-continue"), [],
    ),
    "headers without end": (431, b"GET /healthz HTTP/1.1\r\n", repeat(b"a: b\r\n" * 1000, 1000)),
    "an address without end": (431, b"GET /healthz?", repeat(LETTERS, 4096)),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOODS)
def test_s2_what_has_no_end_is_refused_early_and_takes_no_room(
    server: tuple[str, int], name: str
) -> None:
    url, pid = server
    status, start, rest = FLOODS[name]
    before = peak_kib(pid)
    with connect(url) as connection:
        sent = send(connection, [start, *rest])
        said = read(connection)
    assert said.status == status, said.raw[:300]
    assert sent < 140 * MIB, "it is not read to its end"
    assert peak_kib(pid) - before < ROOM_KIB


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -5",),
        ("Content-Length: +5",),
        ("Content-Length: 5, 6",),
        ("Content-Length: 0x5",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: cow",),
        ("Transfer-Encoding : chunked",),
    ],
)
def test_s2_a_body_of_two_lengths_or_none_is_refused_and_nothing_behind_it_is_a_request(
    server: tuple[str, int], fields: tuple[str, ...]
) -> None:
    smuggled = head("/healthz", method="GET")
    said = ask(server[0], head(PAINT, JSON, *fields), b"0\r\n\r\n", smuggled)
    assert said.status == 400
    assert b"200 OK" not in said.raw


def test_s2_chunked_wins_over_a_length_beside_it_and_the_connection_ends(
    server: tuple[str, int],
) -> None:
    smuggled = head("/healthz", method="GET")
    both = head(PAINT, JSON, "Content-Length: 5", CHUNKED)
    with connect(server[0]) as connection:
        send(connection, [both, b"0\r\n\r\n", smuggled])
        said = read(connection)
        more = read(connection)
    assert said.status == 400
    assert said.head["connection"] == "close"
    assert (more.raw, more.closed) == (b"", True)


def test_s2_a_hundred_thousand_fields_are_told_what_is_wrong_and_hold_nobody_up(
    server: tuple[str, int],
) -> None:
    """What takes long to read is read beside the loop."""
    url, pid = server
    before = peak_kib(pid)
    fields = json.dumps({f"f{number}": number for number in range(100_000)})
    items = '{"contents":[' + '{"parts":[]},' * 100_000 + "{}]}"
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(requests.post, url + PAINT, data=items, timeout=60)
        healthy = 0
        while not slow.done():
            assert requests.get(f"{url}/healthz", timeout=30).status_code == 200
            healthy += 1
        assert slow.result().status_code == 400
    assert healthy > 1
    many = requests.post(url + PAINT, data=fields, timeout=60)
    assert many.status_code == 400
    assert many.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert len(many.content) < 4096
    assert peak_kib(pid) - before < 3 * ROOM_KIB


# --- S4 ------------------------------------------------------------------------------------------


def test_s4_the_limits_are_those_that_are_promised() -> None:
    assert HEADER_TIMEOUT_S <= 10
    assert (GRACE_S, MIN_BYTES_PER_S) == (20, 1024)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("impatient") / "home"
    configure(home)
    words = [sys.executable, "-m", "tests.gateway.rows.impatient"]
    running = subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env=environ(home), cwd=ROOT
    )
    try:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())["url"]
    finally:
        running.terminate()
        running.communicate(timeout=30)


def drip(url: str, start: bytes, drop: bytes, pause_s: float = 0.2) -> Said:
    """The head at once, then a drop now and then, for as long as the server listens."""
    with connect(url) as connection:
        over = threading.Event()

        def drop_on() -> None:
            for _ in range(200):
                if over.wait(pause_s) or not send(connection, [drop]):
                    return

        send(connection, [start])
        dropping = threading.Thread(target=drop_on)
        dropping.start()
        said = read(connection)
        ended = said.closed or read(connection).closed
        over.set()
        dropping.join()
        return Said(said.raw, ended)


LONG = "Content-Length: 100000"
SLOW: dict[str, tuple[int, bytes, bytes]] = {
    "a connection that says nothing": (0, b"", b""),
    "a first line": (0, b"GET /hea", b"l"),
    "headers": (0, b"GET /healthz HTTP/1.1\r\n", b"a: b\r\n"),
    "JSON": (408, head(PAINT, JSON, LONG), b" "),
    "JSON that stops": (408, head(PAINT, JSON, LONG) + b"{", b""),
    "chunks": (408, head(PAINT, JSON, CHUNKED), chunk(b" ")),
    "a form": (408, head("/v1/images/edits", FORM, LONG) + PART, b"-"),
    "a wish": (408, head("/pisang/v1/generations", JSON, LONG), b" "),
    "a description": (
        408, head("/upload/v1beta/files", JSON, LONG, "X-Goog-Upload-Command: start"), b" ",
    ),
}  # fmt: skip


def test_s4_whoever_takes_his_time_to_ask_is_cut_and_told_why_where_that_can_be_told(
    impatient: str,
) -> None:
    with ThreadPoolExecutor(len(SLOW)) as pool:
        told = pool.map(lambda one: drip(impatient, one[1], one[2]), SLOW.values())
        for name, said in zip(SLOW, told, strict=True):
            assert said.status == SLOW[name][0], (name, said)
            assert said.closed, name
            if said.status:
                assert "1 KB/s" in said.body.decode(), name


def test_s4_a_body_at_two_kilobytes_a_second_is_read_to_its_end(impatient: str) -> None:
    """It takes twice as long as the patience for one that makes up for nothing."""
    data = b'{"contents":[]' + b" " * 11_000 + b"}"
    with connect(impatient) as connection:
        send(connection, [head(PAINT, JSON, f"Content-Length: {len(data)}")])
        for start in range(0, len(data), 500):
            send(connection, [data[start : start + 500]])
            time.sleep(0.24)
        assert read(connection).status == 400


def test_s4_beside_a_thousand_idle_connections_others_are_served(server: tuple[str, int]) -> None:
    with ExitStack() as stack:
        for number in range(1000):
            idle = stack.enter_context(connect(server[0]))
            send(idle, [b"" if number % 2 else head(PAINT, JSON, LONG) + b"{"])
        for _ in range(20):
            assert requests.get(f"{server[0]}/healthz", timeout=30).status_code == 200
            assert ask(server[0], head("/v1beta/models", method="GET")).status == 200


# --- S12 -----------------------------------------------------------------------------------------


def test_s12_sigterm_is_heard_while_a_thousand_connections_close(tmp_path: Path) -> None:
    """asyncio's own way of hearing it loses it then. (A server that stays fails the fixture.)"""
    configure(tmp_path / "home")
    with serving(tmp_path / "home", "serve") as (url, running):
        with ExitStack() as stack:
            for _ in range(1000):
                send(stack.enter_context(connect(url)), [head(PAINT, JSON, LONG) + b"{"])
        running.terminate()
        assert running.wait(timeout=30) == 0
