"""Large answers on the wire they came on: relayed while they arrive, byte for byte, a step behind
the store."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import requests

from pisang.gateway.relay import LAG_BYTES, LIVE_BYTES, Relay, skip
from tests.gateway.conftest import Stage

PRO = "gemini-3-pro-image"


def ask(text: str, size: str) -> dict[str, object]:
    config = {"responseModalities": ["IMAGE"], "imageConfig": {"imageSize": size}}
    return {"contents": [{"parts": [{"text": text}]}], "generationConfig": config}


def generate(base: str, text: str, method: str = "generateContent", **headers: str):
    url = f"{base}/v1beta/models/{PRO}:{method}"
    return requests.post(url, json=ask(text, "4K"), timeout=60, headers=headers)


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_the_caller_gets_the_upstream_s_own_bytes_and_the_store_has_them(stage: Stage, method: str):
    answer = generate(stage.url, f"a wide river {method}", method)
    assert answer.status_code == 200
    assert len(answer.content) > LIVE_BYTES
    row = stage.pisang("show", answer.headers["x-pisang-request-id"])
    assert row["state"] == "done"
    again = generate(stage.url, "k", method, **{"Idempotency-Key": f"river {method}"})
    twice = generate(stage.url, "k", method, **{"Idempotency-Key": f"river {method}"})
    assert again.content == twice.content  # once relayed, once from the store


def cut(stage: Stage, text: str, method: str = "generateContent") -> None:
    """A call whose upstream breaks off: its caller is cut too, or told the true status where that
    came before anything was relayed."""
    with suppress(requests.RequestException):
        assert generate(stage.url, text, method).status_code == 424


def test_a_body_that_is_cut_reaches_the_caller_cut_and_his_retry_is_told(stage: Stage):
    before = len(stage.charges)
    cut(stage, "a broken bridge [[sandbox cut=0.4]]")
    again = generate(stage.url, "a broken bridge [[sandbox cut=0.4]]")
    assert again.status_code == 424
    assert "0.134 USD" in again.text
    assert len(stage.charges) == before + 1


def test_a_picture_that_came_whole_before_the_cut_is_given_to_the_retry(stage: Stage):
    before = len(stage.charges)
    text = "a picture, then a cut [[sandbox cut=0.97]]"
    try:
        again = generate(stage.url, text)  # its end came before anything was relayed
    except requests.RequestException:
        again = generate(stage.url, text)
    assert again.status_code == 200
    parts = again.json()["candidates"][0]["content"]["parts"]
    assert any("inlineData" in part for part in parts)
    assert len(stage.charges) == before + 1


def test_a_stream_that_is_cut_inside_an_event_is_cut(stage: Stage):
    text, method = "a cut stream [[sandbox cut=0.4]]", "streamGenerateContent?alt=sse"
    cut(stage, text, method)
    assert generate(stage.url, text, method).status_code == 424


def test_a_caller_who_does_not_read_holds_nothing_up(stage: Stage):
    parts = urlsplit(stage.url)
    body = requests.Request("POST", stage.url, json=ask("a lazy reader", "4K")).prepare().body
    head = (
        f"POST /v1beta/models/{PRO}:generateContent HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port)) as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(head.encode() + body)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = stage.pisang("history", "a lazy reader")["requests"]
            if found and found[0]["state"] == "done":
                break
        assert found[0]["state"] == "done"
    assert generate(stage.url, "somebody else").status_code == 200


# --- the relay alone -----------------------------------------------------------------------------


@pytest.fixture
async def relay() -> Relay:
    one = Relay(sse=False)
    one.begin(200, {"content-type": "application/json"})
    return one


async def read(relay: Relay) -> bytes:
    relay.end()
    return b"".join([chunk async for chunk in relay.chunks()])


async def test_the_last_chunk_is_held_back(relay: Relay):
    for chunk in (b"{" + bytes(LIVE_BYTES), b"more", b"}"):
        relay.push(chunk)
    assert relay.live.done()
    chunks = relay.chunks()
    assert len(await anext(chunks)) == LIVE_BYTES + 1
    assert await anext(chunks) == b"more"
    relay.end()
    assert [chunk async for chunk in chunks] == []
    assert relay.rest() == [b"}"]


async def test_a_small_answer_is_not_begun(relay: Relay):
    relay.push(b"{}")
    assert not relay.live.done()


async def test_what_is_no_answer_is_not_begun(relay: Relay):
    relay.push(b"<html>" + bytes(LIVE_BYTES))
    assert not relay.live.done()
    relay.begin(503, {})
    relay.push(b"{" + bytes(LIVE_BYTES))
    assert not relay.live.done()


async def test_a_reader_who_falls_behind_is_given_the_rest_from_the_store():
    relay = Relay(sse=False, patience_s=0.01)
    relay.begin(200, {})
    body = b"{" + bytes(range(256)) * 40_000
    chunks = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    for chunk in chunks[:4]:
        relay.push(chunk)
    reading = relay.chunks()
    first = await anext(reading)
    for chunk in chunks[4:]:
        relay.push(chunk)
        if relay.full:
            await relay.room()
    assert len(body) > LAG_BYTES
    assert relay.fell_behind
    rest = b"".join([chunk async for chunk in reading]) + b"".join(relay.rest())
    assert first + rest + b"".join(skip(chunks, relay.sent)) == body


async def test_a_reader_who_catches_up_in_time_is_given_all_from_memory(relay: Relay):
    chunk = b"{" + bytes(LAG_BYTES // 2)
    given: list[bytes] = []

    async def reads() -> None:
        given.extend([one async for one in relay.chunks()])

    reading = asyncio.create_task(reads())
    for _ in range(9):
        relay.push(chunk)
        if relay.full:
            await relay.room()
    relay.close(whole=True)
    relay.end()
    await reading
    assert not relay.fell_behind
    assert given + relay.rest() == [chunk] * 9


async def test_nothing_waits_for_a_reader_who_left():
    relay = Relay(sse=False, patience_s=3600)
    relay.begin(200, {})
    relay.push(b"{" + bytes(LAG_BYTES))
    waiting = asyncio.create_task(relay.room())
    await asyncio.sleep(0)
    relay.leave()
    await waiting
    relay.push(b"more")
    assert not relay.full
