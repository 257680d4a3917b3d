"""N7: compression that nobody asked for. Understood once, within caps, and refused otherwise."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Ended
from pisang.transport.base import Failure
from pisang.transport.content_coding import PIECE_BYTES, RATIO_FREE_BYTES, coding_of
from pisang.transport.http import HttpTransport
from tests.transport.faults import answering, hear, post, serve


def _bare_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(data) + coder.flush()


CODERS = {
    "gzip": gzip.compress,
    "X-GZip": gzip.compress,
    "deflate": zlib.compress,
    "identity, gzip": gzip.compress,
    "": bytes,
    "identity": bytes,
}


def _decode(encoding: str, chunks: list[bytes]) -> bytes:
    coding = coding_of(encoding)
    pieces = [piece for chunk in chunks if chunk for piece in coding.feed(chunk)]
    coding.finish()
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)
    return b"".join(pieces)


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(min_size=1, max_size=2000),
    encoding=st.sampled_from(sorted(CODERS)),
    step=st.integers(1, 50),
)
def test_what_was_coded_comes_back_under_any_chunking(
    data: bytes, encoding: str, step: int
) -> None:
    coded = CODERS[encoding](data)
    chunks = [coded[start : start + step] for start in range(0, len(coded), step)]
    assert _decode(encoding, chunks) == data


def test_bare_deflate_is_understood_too() -> None:
    assert _decode("deflate", [_bare_deflate(b"picture" * 100)]) == b"picture" * 100


@pytest.mark.parametrize("size", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, RATIO_FREE_BYTES])
def test_not_a_byte_is_left_inside_at_the_edge_of_a_piece(size: int) -> None:
    data = b"a" * size
    assert _decode("gzip", [gzip.compress(data)]) == data


@pytest.mark.parametrize(
    ("encoding", "coded", "ended"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)[:-1], Ended.CUT),
        ("gzip", gzip.compress(b"hello", mtime=0)[:5], Ended.CUT),
        ("gzip", b"this is no gzip", Ended.MALFORMED),
        ("gzip", gzip.compress(b"a", mtime=0) + b"more", Ended.MALFORMED),
        ("gzip", gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0), Ended.MALFORMED),
        ("deflate", b"\x78\x9cnonsense", Ended.MALFORMED),
        ("gzip", gzip.compress(b"\0" * 2 * RATIO_FREE_BYTES, mtime=0), Ended.TOO_LARGE),
        ("gzip, gzip", b"", Ended.MALFORMED),
        ("deflate, gzip", b"", Ended.MALFORMED),
        ("gzip, br", b"", Ended.MALFORMED),
        ("br", b"", Ended.MALFORMED),
        ("zstd", b"", Ended.MALFORMED),
        ("compress", b"", Ended.MALFORMED),
        ("aws-chunked", b"", Ended.MALFORMED),
    ],
)
def test_what_is_not_understood_or_not_whole_is_said(
    encoding: str, coded: bytes, ended: Ended
) -> None:
    with pytest.raises(Failure) as failed:
        _decode(encoding, [coded])
    assert failed.value.ended is ended
    assert failed.value.sent


def test_bytes_after_the_end_are_seen_when_they_come_later() -> None:
    with pytest.raises(Failure):
        _decode("gzip", [gzip.compress(b"a"), b"more"])


def test_an_empty_body_needs_no_coding() -> None:
    assert _decode("gzip", []) == b""


def _coded(encoding: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_a_body_decoded_on_its_way_is_told_without_its_coding(
    transport: HttpTransport,
) -> None:
    async with serve(answering(_coded("gzip", gzip.compress(b"hello")))) as site:
        heard = await hear(transport, post(f"{site.url}/x"))
    assert (heard.body, heard.headers, heard.failure) == (b"hello", {}, None)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
async def test_a_refused_coding_still_tells_the_status(
    transport: HttpTransport, encoding: str
) -> None:
    async with serve(answering(_coded(encoding, b"abc"))) as site:
        heard = await hear(transport, post(f"{site.url}/x"))
    assert (heard.status, heard.fate) == (200, ("malformed", True))


async def test_the_cap_holds_for_decoded_bytes(transport: HttpTransport) -> None:
    body = gzip.compress(bytes(range(256)) * 40)
    async with serve(answering(_coded("gzip", body))) as site:
        heard = await hear(transport, post(f"{site.url}/x", max_bytes=5000))
    assert heard.fate == ("too_large", True)
    assert len(heard.body) <= 5000


CAP = 4 * 1024 * 1024

CLIENT = f"""
import asyncio, json, resource, sys, tracemalloc
sys.path.insert(0, {sys.path[0]!r})
from pisang.transport.base import Failure, Outgoing
from pisang.transport.http import HttpTransport

async def main(url):
    transport = HttpTransport(environ={{}})
    size, ended = 0, "whole"
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        async with transport.exchange(Outgoing("GET", url, max_bytes={CAP})) as stream:
            async for chunk in stream:
                size += len(chunk)
    except Failure as failure:
        ended = str(failure.ended)
    peak = tracemalloc.get_traced_memory()[1]
    rise = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    await transport.close()
    print(json.dumps({{"ended": ended, "size": size, "peak": peak, "rise": rise}}))

asyncio.run(main(sys.argv[1]))
"""


def _bomb(mib: int) -> bytes:
    coder = zlib.compressobj(6, wbits=31)
    zeros = bytes(1 << 20)
    return b"".join(coder.compress(zeros) for _ in range(mib)) + coder.flush()


def _hex(mib: int) -> bytes:
    return os.urandom(mib << 19).hex().encode()


BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "all zeros": ("gzip", lambda: _bomb(32), "too_large"),
    # Not dense enough for the ratio: the cap on bytes must catch it.
    "half as large": ("gzip", lambda: gzip.compress(_hex(8), 1), "too_large"),
    "a bomb in a bomb": ("gzip, gzip", lambda: gzip.compress(_bomb(32)), "malformed"),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_costs_little_memory(bomb: str) -> None:
    encoding, make, ended = BOMBS[bomb]
    body = make()
    async with serve(answering(_coded(encoding, body))) as site:
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, site.url, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await client.communicate()
    told = json.loads(out)
    assert told["ended"] == ended
    assert told["size"] <= CAP
    assert told["peak"] <= CAP
    assert told["rise"] <= 3 * CAP
