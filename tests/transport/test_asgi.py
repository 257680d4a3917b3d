"""The exchange with an application in this process: the same promises, without a socket."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable

import pytest

from pisang.domain.answer import Ended
from pisang.domain.secret import Secret
from pisang.transport.asgi import Application, AsgiTransport, Message, Scope
from pisang.transport.base import Failure
from tests.transport.faults import body_of, hear, post

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"X-A", b"b")]}


def _part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _says(*messages: Message) -> Application:
    """An application that reads its request and sends these messages."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        for message in messages:
            await send(message)

    return app


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    more = True
    while more:
        message = await receive()
        more = message["more_body"]
        await send(_part(message["body"], more))


async def test_a_body_goes_in_and_comes_out_as_it_is_sent() -> None:
    data = bytes(range(256)) * 2000
    heard = await hear(AsgiTransport(_echo), post("http://sandbox/x", data))
    assert (heard.status, heard.headers, heard.body) == (200, {"x-a": "b"}, data)
    assert heard.failure is None


async def test_the_application_sees_the_call_as_asgi_says_it() -> None:
    seen: Scope = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope)
        await send(START)
        await send(_part(b"", False))

    call = post(
        "http://sandbox/v1/models/a%2Fb:generateContent?alt=sse",
        headers={"Content-Type": "application/json"},
        secrets={"X-Goog-Api-Key": Secret("k")},
        secret_query={"key": Secret("s&t")},
    )
    heard = await hear(AsgiTransport(app), call)
    assert heard.failure is None
    assert seen["type"] == "http"
    assert seen["method"] == "POST"
    assert seen["path"] == "/v1/models/a/b:generateContent"
    assert seen["raw_path"] == b"/v1/models/a%2Fb:generateContent"
    assert seen["query_string"] == b"alt=sse&key=s%26t"
    assert dict(seen["headers"]) == {
        b"host": b"sandbox",
        b"user-agent": b"pisang",
        b"accept": b"*/*",
        b"content-type": b"application/json",
        b"x-goog-api-key": b"k",
        b"accept-encoding": b"identity",
        b"content-length": b"5",
    }


async def test_a_call_without_a_body_gives_the_application_an_empty_one() -> None:
    heard = await hear(AsgiTransport(_echo), post("http://sandbox/", body=None, length=0))
    assert (heard.status, heard.body, heard.failure) == (200, b"", None)


async def _raises(scope: Scope, receive: Receive, send: Send) -> None:
    raise ZeroDivisionError("with canary inside")


async def _raises_in_body(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send(_part(b"abc"))
    raise ZeroDivisionError("with canary inside")


async def _hangs(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def _hangs_in_body(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send(_part(b"abc"))
    await asyncio.Event().wait()


async def _cancels_itself(scope: Scope, receive: Receive, send: Send) -> None:
    raise asyncio.CancelledError


FAULTS: dict[str, tuple[Application, str]] = {
    "raises": (_raises, "cut"),
    "raises inside the body": (_raises_in_body, "cut"),
    "is cancelled": (_cancels_itself, "cut"),
    "answers nothing": (_says(), "cut"),
    "stops inside the body": (_says(START, _part(b"abc")), "cut"),
    "sends a body without a head": (_says(_part(b"abc", False)), "malformed"),
    "sends two heads": (_says(START, START), "malformed"),
    "hangs": (_hangs, "timeout"),
    "hangs inside the body": (_hangs_in_body, "timeout"),
    "sends too much": (_says(START, *[_part(b"a" * 1000)] * 20, _part(b"", False)), "too_large"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_of_the_application_ends_the_call_as_sent(fault: str) -> None:
    app, ended = FAULTS[fault]
    heard = await hear(AsgiTransport(app), post("http://s/", deadline_s=0.3, max_bytes=10_000))
    assert heard.fate == (ended, True)
    assert "canary" not in str(heard.failure)
    if "body" in fault and ended in ("cut", "timeout"):
        assert (heard.status, heard.body) == (200, b"abc")


async def test_a_body_that_cannot_be_read_never_reaches_the_application() -> None:
    async def gone() -> object:
        raise FileNotFoundError(2, "No such file")
        yield b""

    heard = await hear(AsgiTransport(_raises), post("http://s/", body=gone, length=3))
    assert heard.fate == ("not_connected", False)


async def test_a_body_shorter_than_announced_breaks_inside_the_application() -> None:
    call = post("http://s/", body=body_of(b"abc"), length=9)
    heard = await hear(AsgiTransport(_says(START, _part(b"ok", False))), call)
    assert heard.fate == ("cut", True)


async def test_reading_after_the_end_gives_nothing_more() -> None:
    transport = AsgiTransport(_echo)
    async with transport.exchange(post("http://s/")) as stream:
        assert b"".join([chunk async for chunk in stream]) == b"hello"
        assert [chunk async for chunk in stream] == []


async def test_the_next_chunk_is_made_only_when_the_one_before_was_taken() -> None:
    made = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal made
        await send(START)
        for _ in range(100):
            made += 1
            await send(_part(bytes(1000)))
        await send(_part(b"", False))

    async with AsgiTransport(app).exchange(post("http://s/")) as stream:
        taken = 0
        async for _ in stream:
            taken += 1
            await asyncio.sleep(0)
            assert made <= taken + 2
    assert made == 100


async def test_an_answer_of_48_mb_is_never_held_whole() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        for _ in range(48):
            await send(_part(bytes(1 << 20)))
        await send(_part(b"", False))

    tracemalloc.start()
    size = 0
    async with AsgiTransport(app).exchange(post("http://s/")) as stream:
        async for chunk in stream:
            size += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 48 << 20
    assert peak < 8 << 20


async def test_leaving_early_ends_the_application() -> None:
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send(START)
            while True:
                await send(_part(b"abc"))
        finally:
            ended.set()

    async with AsgiTransport(app).exchange(post("http://s/")) as stream:
        assert await anext(aiter(stream)) == b"abc"
    assert ended.is_set()


async def test_an_application_that_shields_itself_hears_that_the_caller_left() -> None:
    heard: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def inner() -> None:
            while (await receive()).get("more_body"):
                pass
            heard.append((await receive())["type"])
            try:
                await send(_part(b"late"))
            except OSError:
                heard.append("refused")

        tasks.append(asyncio.ensure_future(inner()))
        await send(START)
        await asyncio.shield(tasks[0])

    async with AsgiTransport(app).exchange(post("http://s/")):
        await asyncio.sleep(0.01)
    await asyncio.wait_for(tasks[0], 5)
    assert heard == ["http.disconnect", "refused"]


async def test_what_an_application_does_after_its_answer_is_waited_for() -> None:
    done = False

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal done
        await send(START)
        await send(_part(b"ok", False))
        await asyncio.sleep(0.05)
        done = True

    assert (await hear(AsgiTransport(app), post("http://s/"))).body == b"ok"
    assert done


async def test_an_application_that_never_returns_is_ended_at_the_deadline() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(_part(b"ok", False))
        await asyncio.Event().wait()

    heard = await hear(AsgiTransport(app), post("http://s/", deadline_s=0.2))
    assert (heard.body, heard.failure) == (b"ok", None)


async def test_a_wrong_header_is_refused_before_the_application_is_called() -> None:
    with pytest.raises(Failure) as failed:
        async with AsgiTransport(_raises).exchange(post("http://s/", headers={"x": "a\nb"})):
            pass
    assert not failed.value.sent


async def test_closing_is_allowed_and_does_nothing() -> None:
    transport = AsgiTransport(_echo)
    await transport.close()
    assert (await hear(transport, post("http://s/"))).body == b"hello"


async def test_closing_cuts_the_answers_that_are_awaited() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(_part(b"some"))
        await asyncio.Event().wait()

    transport = AsgiTransport(app)
    hearing = asyncio.ensure_future(hear(transport, post("http://sandbox/x")))
    await asyncio.sleep(0.05)
    await transport.close()
    heard = await hearing
    assert heard.body == b"some"
    assert heard.failure is not None
    assert (heard.failure.ended, heard.failure.sent) == (Ended.CUT, True)
