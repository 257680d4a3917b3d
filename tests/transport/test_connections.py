"""N9: what a connection was before it was asked, and what it must not bring to the next call."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from pisang.transport import connections
from pisang.transport.http import HttpTransport
from tests.transport.faults import OK, Line, answering, hear, post, serve

HEAD = b"HTTP/1.1 200 OK\r\n"


async def _speak_first(line: Line) -> None:
    await line.say(b"SSH-2.0-OpenSSH_9.9\r\n")
    await line.hold()


async def _broken_chunks(line: Line) -> None:
    await line.request()
    await line.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
    await asyncio.sleep(0.05)
    await line.say(b"ZZ\r\nabc")
    await line.hold()


async def test_a_server_that_speaks_first_is_never_asked(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says could not be told from the answer."""
    note = connections._mark_fresh

    async def wait_for_what_it_says(*given: object) -> None:
        await asyncio.sleep(0.05)
        await note(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(connections, "_mark_fresh", wait_for_what_it_says)
    async with serve(_speak_first) as site:
        heard = await hear(transport, post(f"{site.url}/x"))
        assert heard.fate == ("not_connected", False)
        assert site.connections == 1
        assert site.requests == []


async def test_the_mark_of_being_sent_is_set_before_the_first_byte_is_written(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All proof of "not sent" rests on this order, which is the client's to change."""
    heard_by_server, heard_at_mark = bytearray(), []
    mark = connections._mark_sent

    async def look_first(*given: object) -> None:
        await asyncio.sleep(0.05)
        heard_at_mark.append(bytes(heard_by_server))
        await mark(*given)  # type: ignore[arg-type]

    async def listen(line: Line) -> None:
        heard_by_server.extend(await line.reader.read(65536))
        await line.say(OK)

    monkeypatch.setattr(connections, "_mark_sent", look_first)
    async with serve(listen) as site:
        assert (await hear(transport, post(f"{site.url}/x"))).body == b"ok"
    assert heard_at_mark == [b""]
    assert heard_by_server.startswith(b"POST /x")


async def test_an_answer_to_nobody_is_not_given_to_the_next_request(
    transport: HttpTransport,
) -> None:
    """N9: the server answers twice; the second answer arrives while the connection is idle."""

    async def stutter(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await asyncio.sleep(0.05)
        await line.say(HEAD + b"Content-Length: 5\r\n\r\nSTALE")
        await line.request()
        await line.say(OK)

    async with serve(stutter) as site:
        first = await hear(transport, post(f"{site.url}/x"))
        await asyncio.sleep(0.15)
        second = await hear(transport, post(f"{site.url}/x"))
        assert (first.body, second.body) == (b"ok", b"ok")
        assert site.connections == 2


async def test_however_many_idle_connections_are_spoilt_a_fresh_one_is_asked(
    transport: HttpTransport,
) -> None:
    async def spoil(line: Line) -> None:
        await line.request()
        await asyncio.sleep(0.05)
        await line.say(OK)
        await asyncio.sleep(0.05)
        await line.say(HEAD + b"Content-Length: 5\r\n\r\nSTALE")
        await line.hold()

    async with serve(spoil) as site:
        calls = [hear(transport, post(f"{site.url}/x")) for _ in range(7)]
        assert {heard.body for heard in await asyncio.gather(*calls)} == {b"ok"}
        await asyncio.sleep(0.15)
        assert (await hear(transport, post(f"{site.url}/x"))).body == b"ok"
        assert (site.connections, len(site.requests)) == (8, 8)


async def test_a_body_is_ended_by_a_connection_that_was_lost_before_anybody_looked() -> None:
    async with serve(_broken_chunks) as site, aiohttp.ClientSession() as session:
        response = await session.post(site.url)
        await asyncio.sleep(0.15)
        with connections.end_with_connection(response), pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(response.read(), 2)


async def test_two_answers_at_once_close_the_connection(transport: HttpTransport) -> None:
    async with serve(_twice) as site:
        for _ in range(2):
            assert (await hear(transport, post(f"{site.url}/x"))).body == b"ok"
        assert site.connections == 2


async def _twice(line: Line) -> None:
    while True:
        await line.request()
        await line.say(OK + HEAD + b"Content-Length: 5\r\n\r\nSTALE")


async def test_a_connection_dropped_while_idle_counts_as_sent_when_it_was_not_seen(
    transport: HttpTransport,
) -> None:
    """The server closes at the moment the next request comes: nobody can prove it unread."""

    async def drop(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await line.reader.read(1)
        line.reset()

    async with serve(drop) as site:
        assert (await hear(transport, post(f"{site.url}/x"))).body == b"ok"
        heard = await hear(transport, post(f"{site.url}/x"))
        assert heard.fate == ("cut", True)
        assert site.connections == 1, "and it is not sent again"


async def test_a_connection_seen_closed_while_idle_is_replaced(transport: HttpTransport) -> None:
    async with serve(answering(OK)) as site:
        for _ in range(3):
            assert (await hear(transport, post(f"{site.url}/x"))).body == b"ok"
            await asyncio.sleep(0.02)
        assert site.connections == 3
