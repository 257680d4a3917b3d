"""N1-N4, N9, W8: for each fault of the network, how the exchange ended and whether it was sent."""

from __future__ import annotations

import asyncio
import socket

import pytest

from pisang.errors import NotFound
from pisang.transport.http import HttpTransport
from tests.transport.faults import OK, Line, Script, answering, body_of, hear, post, serve

CUT, TIMEOUT, MALFORMED = ("cut", True), ("timeout", True), ("malformed", True)
NOT_CONNECTED = ("not_connected", False)

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def _reset_at_once(line: Line) -> None:
    line.reset()


async def _reset_after_request(line: Line) -> None:
    await line.request()
    line.reset()


async def _close_after_request(line: Line) -> None:
    await line.request()
    line.close()


async def _half_close(line: Line) -> None:
    await line.request()
    await line.say(HEAD + b"Content-Length: 9\r\n\r\nabc")
    line.writer.write_eof()
    await line.hold()


async def _reset_in_body(line: Line) -> None:
    await line.request()
    await line.say(HEAD + b"Content-Length: 9\r\n\r\nabc")
    await asyncio.sleep(0.05)
    line.reset()


async def _garbage_between_chunks(line: Line) -> None:
    await line.request()
    await line.say(CHUNKED + b"5\r\nabcde\r\n")
    await asyncio.sleep(0.05)
    await line.say(b"ZZ\r\nabc")
    await line.hold()


async def _garbage_between_chunks_then_close(line: Line) -> None:
    await line.request()
    await line.say(CHUNKED + b"5\r\nabcde\r\n")
    await asyncio.sleep(0.05)
    await line.say(b"ZZ\r\nabc")
    line.close()


async def _longer(line: Line) -> None:
    await line.request()
    await line.say(HEAD + b"Content-Length: 3\r\n\r\n")
    await asyncio.sleep(0.05)
    await line.say(b"abcdef")
    line.close()


FAULTS: dict[str, tuple[Script, tuple[str, bool]]] = {
    "reset at once": (_reset_at_once, CUT),
    "reset after the request": (_reset_after_request, CUT),
    "closed after the request": (_close_after_request, CUT),
    "half-closed inside the body": (_half_close, CUT),
    "reset inside the body": (_reset_in_body, CUT),
    "cut inside the status line": (answering(b"HTTP/1.1 2"), CUT),
    "cut inside the header": (answering(HEAD + b"Content-Le"), CUT),
    "cut inside the body": (answering(HEAD + b"Content-Length: 9\r\n\r\nabc"), CUT),
    "cut inside a chunk": (answering(CHUNKED + b"5\r\nabc"), CUT),
    "cut before the last chunk": (answering(CHUNKED + b"3\r\nabc\r\n"), CUT),
    "longer than Content-Length says": (_longer, ("whole", True)),
    "longer than Content-Length says, in one packet": (
        answering(HEAD + b"Content-Length: 3\r\n\r\nabcdef"),
        MALFORMED,  # the client gives the head up with the rest (decision 0003)
    ),
    "two lengths": (
        answering(HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        MALFORMED,
    ),
    "length and chunks": (
        answering(HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        MALFORMED,
    ),
    "negative length": (answering(HEAD + b"Content-Length: -3\r\n\r\nabc"), MALFORMED),
    "garbage for the first chunk": (answering(CHUNKED + b"ZZ\r\nabc"), MALFORMED),
    "garbage between chunks": (_garbage_between_chunks, MALFORMED),
    "garbage between chunks, closed": (_garbage_between_chunks_then_close, MALFORMED),
    "not HTTP": (answering(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), MALFORMED),
    "HTTP/9.9": (answering(b"HTTP/9.9 200 OK\r\n\r\n"), MALFORMED),
    "status of two digits": (answering(b"HTTP/1.1 20 OK\r\n\r\n"), MALFORMED),
    "huge header line": (answering(HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n"), MALFORMED),
    "huge reason": (answering(b"HTTP/1.1 200 " + b"a" * 100_000 + b"\r\n\r\n"), MALFORMED),
    "huge trailer": (answering(CHUNKED + b"0\r\nT: " + b"a" * 100_000 + b"\r\n\r\n"), MALFORMED),
    "ten thousand headers": (
        answering(HEAD + b"".join(b"X%d: a\r\n" % n for n in range(10_000)) + b"\r\n"),
        MALFORMED,
    ),
    "NUL in a header": (answering(HEAD + b"X: a\0b\r\n\r\n"), MALFORMED),
    "bare CR in a header": (answering(HEAD + b"X: a\rY: b\r\n\r\n"), MALFORMED),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_after_connecting_says_how_it_ended_and_counts_as_sent(
    transport: HttpTransport, fault: str
) -> None:
    script, fate = FAULTS[fault]
    async with serve(script) as site:
        heard = await hear(transport, post(f"{site.url}/x"))
        assert heard.fate == fate, heard.failure
        assert site.connections == 1, "a paid call goes out once"


async def test_a_refused_connection_is_proof_that_nothing_was_sent(
    transport: HttpTransport,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    heard = await hear(transport, post(f"http://127.0.0.1:{port}/x"))
    assert heard.fate == NOT_CONNECTED
    assert "Connection refused" in str(heard.failure)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70 + ".invalid"])
async def test_a_name_that_does_not_resolve_is_proof_that_nothing_was_sent(
    transport: HttpTransport, host: str
) -> None:
    heard = await hear(transport, post(f"http://{host}/x"))
    assert heard.fate == NOT_CONNECTED
    assert "resolved" in str(heard.failure) or "URL" in str(heard.failure)


async def test_a_connect_that_nobody_takes_ends_at_its_limit_unsent(
    transport: HttpTransport,
) -> None:
    with socket.socket() as full, socket.socket() as one, socket.socket() as two:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filler in (one, two):
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        await asyncio.sleep(0.05)
        url = f"http://127.0.0.1:{full.getsockname()[1]}/x"
        heard = await hear(transport, post(url, connect_s=0.2))
    assert heard.fate == NOT_CONNECTED
    assert "too long" in str(heard.failure)


async def test_a_tls_handshake_that_never_comes_ends_at_its_limit_unsent(
    transport: HttpTransport,
) -> None:
    async with serve(lambda line: line.hold()) as site:
        url = site.url.replace("http:", "https:")
        heard = await hear(transport, post(f"{url}/x", connect_s=0.2))
    assert heard.fate == NOT_CONNECTED


async def test_a_server_without_tls_is_not_connected(transport: HttpTransport) -> None:
    async with serve(lambda line: line.say(b"HTTP/1.1 400 No\r\n\r\n")) as site:
        url = site.url.replace("http:", "https:")
        heard = await hear(transport, post(f"{url}/x"))
    assert heard.fate == NOT_CONNECTED
    assert "TLS" in str(heard.failure)


async def test_a_deadline_that_is_over_ends_the_call_unsent(transport: HttpTransport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        heard = await hear(transport, post(url, deadline_s=0.0))
    assert heard.fate == ("timeout", False)


async def test_silence_after_the_request_ends_at_the_deadline(transport: HttpTransport) -> None:
    async def hole(line: Line) -> None:
        await line.request()
        await line.hold()

    async with serve(hole) as site:
        heard = await hear(transport, post(f"{site.url}/x", deadline_s=0.2))
    assert heard.fate == TIMEOUT


async def test_a_drip_is_ended_by_the_deadline_though_it_is_never_silent(
    transport: HttpTransport,
) -> None:
    async def drip(line: Line) -> None:
        await line.request()
        await line.say(HEAD + b"Content-Length: 1000\r\n\r\n")
        await line.drip(b"a" * 1000, 0.02)

    async with serve(drip) as site:
        heard = await hear(transport, post(f"{site.url}/x", deadline_s=0.4, idle_s=0.3))
    assert heard.fate == TIMEOUT
    assert heard.status == 200
    assert heard.body
    assert "0.4" in str(heard.failure)


async def test_a_drip_inside_the_header_is_ended_by_the_deadline(transport: HttpTransport) -> None:
    async def drip(line: Line) -> None:
        await line.request()
        await line.drip(HEAD * 100, 0.02)

    async with serve(drip) as site:
        heard = await hear(transport, post(f"{site.url}/x", deadline_s=0.3))
    assert heard.fate == TIMEOUT
    assert heard.status is None


async def test_silence_between_two_bytes_of_a_body_ends_at_the_idle_limit(
    transport: HttpTransport,
) -> None:
    async def stall(line: Line) -> None:
        await line.request()
        await line.say(HEAD + b"Content-Length: 9\r\n\r\nabc")
        await line.hold()

    async with serve(stall) as site:
        heard = await hear(transport, post(f"{site.url}/x", idle_s=0.1))
    assert heard.fate == TIMEOUT
    assert heard.body == b"abc"
    assert "0.1" in str(heard.failure)


async def test_silence_before_the_first_byte_of_a_body_is_not_idle(
    transport: HttpTransport,
) -> None:
    """A relay sends its header at once and the picture after minutes."""

    async def early_head(line: Line) -> None:
        await line.request()
        await line.say(HEAD + b"Content-Length: 2\r\n\r\n")
        await asyncio.sleep(0.3)
        await line.say(b"ok")

    async with serve(early_head) as site:
        heard = await hear(transport, post(f"{site.url}/x", idle_s=0.1))
    assert heard.fate == ("whole", True)


async def test_a_server_that_takes_no_body_is_ended_by_the_deadline(
    transport: HttpTransport,
) -> None:
    async with serve(lambda line: line.hold()) as site:
        call = post(f"{site.url}/x", b"a" * 8_000_000, deadline_s=0.4)
        heard = await hear(transport, call)
    assert heard.fate == TIMEOUT


@pytest.mark.parametrize("reset", [True, False])
async def test_an_answer_cut_at_any_byte_is_cut_and_what_came_is_kept(
    transport: HttpTransport, reset: bool
) -> None:
    answer = HEAD + b"Content-Type: image/png\r\nContent-Length: 40\r\n\r\n" + b"p" * 40
    start = len(answer) - 40

    def script_at(offset: int) -> Script:
        async def script(line: Line) -> None:
            await line.request()
            await line.say(answer[:offset])
            if reset:
                await asyncio.sleep(0.001)
                line.reset()
            else:
                line.close()

        return script

    for offset in range(len(answer)):
        async with serve(script_at(offset)) as site:
            heard = await hear(transport, post(f"{site.url}/x"))
            assert heard.fate == CUT, (offset, heard.failure)
            assert heard.status == (200 if offset >= start else None)
            if not reset:  # an RST may take what was not read yet with it
                assert heard.body == answer[start:offset]
            assert site.connections == 1


async def test_a_request_cut_at_any_byte_counts_as_sent(transport: HttpTransport) -> None:
    def script_at(offset: int) -> Script:
        async def script(line: Line) -> None:
            await line.reader.readexactly(offset)
            line.reset()

        return script

    for offset in range(0, 200, 5):
        async with serve(script_at(offset)) as site:
            heard = await hear(transport, post(f"{site.url}/x", b"b" * 400))
            assert heard.fate == CUT, (offset, heard.failure)
            assert site.connections == 1


async def test_an_early_refusal_is_heard_though_the_body_was_not_taken(
    transport: HttpTransport,
) -> None:
    async def too_large(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        await line.say(b"HTTP/1.1 413 No\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        await line.hold()

    async with serve(too_large) as site:
        heard = await hear(transport, post(f"{site.url}/x", b"a" * 20_000_000))
    assert (heard.status, heard.body, heard.failure) == (413, b"big", None)


async def test_a_body_that_cannot_be_read_fails_before_anything_is_sent(
    transport: HttpTransport,
) -> None:
    async def gone() -> object:
        raise FileNotFoundError(2, "No such file", "/secret/place")
        yield b""

    async with serve(answering(OK)) as site:
        heard = await hear(transport, post(f"{site.url}/x", body=gone, length=10))
        assert heard.fate == NOT_CONNECTED
        assert "No such file" in str(heard.failure)
        assert "/secret/place" not in str(heard.failure)
        assert site.connections == 0


async def test_a_body_that_our_own_store_refuses_fails_with_its_sentence_unsent(
    transport: HttpTransport,
) -> None:
    async def corrupt() -> object:
        raise NotFound(what="image", id="abc")
        yield b""

    heard = await hear(transport, post("http://127.0.0.1:1/", body=corrupt, length=10))
    assert heard.fate == NOT_CONNECTED
    assert str(heard.failure) == NotFound(what="image", id="abc").message()


@pytest.mark.parametrize(("data", "length"), [(b"", 3), (b"abc", 0)])
async def test_a_body_that_contradicts_its_length_at_once_is_not_sent(
    transport: HttpTransport, data: bytes, length: int
) -> None:
    async with serve(answering(OK)) as site:
        heard = await hear(transport, post(site.url, body=body_of(data), length=length))
        assert heard.failure is not None
        assert site.requests == []


@pytest.mark.parametrize(("length", "fate"), [(4, CUT), (6, CUT), (400_000, CUT)])
async def test_a_body_of_another_length_than_announced_is_never_passed_off_as_whole(
    transport: HttpTransport, length: int, fate: tuple[str, bool]
) -> None:
    async def read(line: Line) -> None:
        await line.request()
        await line.hold()

    async with serve(read) as site:
        call = post(f"{site.url}/x", body=body_of(b"hello", 2), length=length)
        heard = await hear(transport, call)
        assert heard.fate == fate
        assert all(len(body) != 5 for _, body in site.requests)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), NotFound(what="a", id="b")])
async def test_a_body_that_breaks_off_midway_counts_as_sent(
    transport: HttpTransport, error: Exception
) -> None:
    async def broken() -> object:
        yield b"a" * 70_000
        yield b""
        raise error

    async def read(line: Line) -> None:
        await line.request()
        await line.hold()

    async with serve(read) as site:
        heard = await hear(transport, post(f"{site.url}/x", body=broken, length=200_000))
    assert heard.fate == CUT
    assert "request" in str(heard.failure)
