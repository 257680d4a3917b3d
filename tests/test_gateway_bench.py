"""The gateway's bench: its load counts no wrong answer as right, and a short run leaves figures."""

from __future__ import annotations

import asyncio
import base64
import csv
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.answers import HEAD, noise, opening
from bench.gateway.load import Load, Order, Tally

ROOT = Path(__file__).parents[1]
SIZE = 8_000
OTHER = b"9" * 12


def answer(tag: bytes) -> bytes:
    """The body that the upstream gives for a prompt with that tag."""
    return HEAD[0] + base64.b64encode(opening(tag) + noise(SIZE)) + HEAD[1]


def spoiled(body: bytes) -> bytes:
    """The same with one letter of the picture changed."""
    half = len(body) // 2
    return body[:half] + (b"B" if body[half : half + 1] == b"A" else b"A") + body[half + 1 :]


def in_chunks(body: bytes, size: int) -> bytes:
    """HTTP/1.1 with chunks of that size."""
    parts = (body[at : at + size] for at in range(0, len(body), size))
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


def with_length(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


@asynccontextmanager
async def answering(give: dict[bytes, bytes], piece: int = 1 << 20) -> AsyncIterator[int]:
    """A server that gives each tag's answer in pieces of so many bytes: its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(1 << 16):
            whole = next(said for tag, said in give.items() if tag in asked)
            for at in range(0, len(whole), piece):
                writer.write(whole[at : at + piece])
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def load(port: int, calls: int = 1) -> Tally:
    order = Order(
        host="127.0.0.1",
        port=port,
        path="/",
        wanted="picture-8kb",
        headers={},
        size=SIZE,
        at_once=1,
        calls=calls,
        seconds=0,
        first_tag=1,
        whole=True,
    )
    return await Load(order).run()


TAG = b"%012d" % 1
NEXT = b"%012d" % 2


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("chunk", [5, 4093, 1 << 20])
async def test_answers_in_chunks_are_counted_however_they_arrive(chunk: int, piece: int) -> None:
    give = {tag: in_chunks(answer(tag), chunk) for tag in (TAG, NEXT)}
    async with answering(give, piece) as port:
        tally = await load(port, calls=2)
    assert (len(tally.latencies_s), tally.wrong) == (2, [])


async def test_answers_with_a_length_are_counted() -> None:
    async with answering({tag: with_length(answer(tag)) for tag in (TAG, NEXT)}) as port:
        tally = await load(port, calls=2)
    assert (len(tally.latencies_s), tally.wrong) == (2, [])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (with_length(b"no", 503), "status 503"),
        (with_length(answer(TAG)[:500]), "500 bytes"),
        (with_length(answer(OTHER)), "not the picture of"),
        (with_length(spoiled(answer(TAG))), "another picture"),
    ],
)
async def test_an_answer_that_is_not_the_asked_one_is_wrong(given: bytes, why: str) -> None:
    async with answering({TAG: given}) as port:
        tally = await load(port)
    assert tally.latencies_s == []
    assert [one[: len(why)] for one in tally.wrong] == [why]


def test_a_short_run_over_the_bare_relay_leaves_its_figures(tmp_path: Path) -> None:
    words = ["--quick", "--only", "floor", "--cases", "small-16", "--out", str(tmp_path)]
    told = subprocess.run(
        [sys.executable, "-m", "bench", "gateway", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    [row] = csv.DictReader((tmp_path / "gateway.csv").read_text().splitlines())
    assert (row["contender"], row["wrong"]) == ("floor", "0")
    assert int(row["calls"]) >= 16
    assert "not measured" in told.stdout, "goals without figures must say so"
