"""The exchange over the network when nothing goes wrong, and what it must not give away."""

from __future__ import annotations

import asyncio
import gc
import logging
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.secret import Secret
from pisang.transport import connections
from pisang.transport.base import Failure, Outgoing
from pisang.transport.headers import incoming_headers, outgoing_headers
from pisang.transport.http import HttpTransport
from tests.transport.certificates import authority_file, server_tls
from tests.transport.faults import OK, Heard, Line, answering, body_of, hear, post, serve

CANARY = "canary-4f1d9a"


async def _echo(line: Line) -> None:
    """Answers each request with its own body, for as long as the connection lives."""
    while True:
        _, body = await line.request()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        await line.say(head.encode() + body)


async def test_a_body_arrives_whole_in_both_directions(transport: HttpTransport) -> None:
    data = bytes(range(256)) * 20_000
    async with serve(_echo) as site:
        heard = await hear(transport, post(f"{site.url}/x", data))
        assert heard.body == data
        head = site.head()
        assert head["content-length"] == str(len(data))
        assert "transfer-encoding" not in head


async def test_a_call_without_a_body_sends_none(transport: HttpTransport) -> None:
    async with serve(_echo) as site:
        heard = await hear(transport, Outgoing(method="GET", url=f"{site.url}/v1/models"))
        assert heard.status == 200
        assert site.requests[0][0].startswith(b"GET /v1/models HTTP/1.1\r\n")
        assert "content-length" not in site.head()


async def test_an_empty_body_is_announced_as_empty(transport: HttpTransport) -> None:
    async with serve(_echo) as site:
        assert (await hear(transport, post(f"{site.url}/x", b""))).status == 200
        assert site.head()["content-length"] == "0"


async def test_only_our_own_fields_and_those_asked_for_are_sent(transport: HttpTransport) -> None:
    async with serve(_echo) as site:
        call = post(
            f"{site.url}/x",
            headers={"Content-Type": "application/json", "Accept-Encoding": "br", "Host": "evil"},
            secrets={"X-Goog-Api-Key": Secret(CANARY)},
        )
        await hear(transport, call)
        assert site.head() == {
            "host": f"127.0.0.1:{site.port}",
            "user-agent": "pisang",
            "accept": "*/*",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "content-length": "5",
            "x-goog-api-key": CANARY,
        }


async def test_a_secret_query_is_added_to_the_query_that_is_there(transport: HttpTransport) -> None:
    async with serve(_echo) as site:
        call = post(f"{site.url}/x?alt=sse#part", secret_query={"key": Secret("a&b=c d")})
        await hear(transport, call)
        assert site.requests[0][0].startswith(b"POST /x?alt=sse&key=a%26b%3Dc+d HTTP/1.1\r\n")


async def test_a_path_is_sent_as_it_was_written(transport: HttpTransport) -> None:
    async with serve(_echo) as site:
        await hear(transport, post(f"{site.url}/a%2Fb/../c d/猫:x?sig=1%2F2%7e&e=%C3%a9&q=é"))
        line = site.requests[0][0].partition(b"\r\n")[0]
        assert line == (b"POST /a%2Fb/../c%20d/%E7%8C%AB:x?sig=1%2F2%7e&e=%C3%a9&q=%C3%A9 HTTP/1.1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(
    transport: HttpTransport, status: int
) -> None:
    async with serve(_echo) as elsewhere:
        answer = (
            f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url}/y\r\nContent-Length: 0\r\n\r\n"
        )
        async with serve(answering(answer.encode())) as site:
            heard = await hear(transport, post(f"{site.url}/x", secrets={"k": Secret(CANARY)}))
            assert heard.status == status
            assert heard.headers["location"] == f"{elsewhere.url}/y"
            assert elsewhere.connections == 0


async def test_headers_come_in_lower_case_as_text(transport: HttpTransport) -> None:
    raw = (
        b"HTTP/1.1 429 Slow\r\nRetry-After: -1\r\nX-Name: \xe4\xb8\xad\r\nX-Old: caf\xe9\r\n"
        b"Via: a\r\nvia: b\r\nSet-Cookie: session=1\r\nContent-Length: 0\r\n\r\n"
    )
    async with serve(answering(raw)) as site:
        heard = await hear(transport, post(f"{site.url}/x"))
        assert heard.headers == {
            "retry-after": "-1",
            "x-name": "中",
            "x-old": "café",
            "via": "a, b",
            "content-length": "0",
        }
        await hear(transport, post(f"{site.url}/x"))
        assert "cookie" not in site.head()


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40)), max_size=10))
def test_whatever_stands_in_a_header_becomes_plain_text(raw: list[tuple[bytes, bytes]]) -> None:
    for name, value in incoming_headers(raw).items():
        (name + value).encode()  # no surrogates
        assert not set(value) & set("\r\n\0")
        assert name == name.lower()


@settings(max_examples=200)
@given(st.text(max_size=30))
def test_no_value_breaks_out_of_its_line(value: str) -> None:
    call = post("http://a/", headers={"x-label": value}, secrets={"x-key": Secret(value)})
    try:
        fields = outgoing_headers(call)
    except Failure as failure:
        assert not failure.sent
        return
    assert not set(fields["x-label"] + fields["x-key"]) & set("\r\n\0")


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {"x": "a\r\nInjected: b"}},
        {"headers": {"x": "a\0"}},
        {"headers": {"x y": "a"}},
        {"headers": {"x:": "a"}},
        {"headers": {"": "a"}},
        {"headers": {"x\r\nInjected": "a"}},
        {"headers": {"x": "\ud800"}},
        {"secrets": {"authorization": Secret(f"Bearer {CANARY}\n")}},
    ],
)
async def test_a_field_that_would_inject_another_is_refused_before_sending(
    transport: HttpTransport, fields: dict[str, object]
) -> None:
    async with serve(_echo) as site:
        heard = await hear(transport, post(f"{site.url}/x", **fields))
        assert heard.fate == ("not_connected", False)
        assert CANARY not in str(heard.failure)
        assert site.connections == 0


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://a/", "http://", "http:///x", "http://[::1", "file:///etc/passwd", "//a/b"],
)
async def test_what_is_no_web_address_is_refused_before_sending(
    transport: HttpTransport, url: str
) -> None:
    assert (await hear(transport, post(url))).fate == ("not_connected", False)


async def test_a_user_name_in_the_url_is_refused_and_not_repeated(
    transport: HttpTransport,
) -> None:
    heard = await hear(transport, post(f"http://me:{CANARY}@127.0.0.1:1/"))
    assert heard.fate == ("not_connected", False)
    assert CANARY not in repr(heard.failure)


async def test_a_connection_is_used_again_while_it_is_fresh(transport: HttpTransport) -> None:
    async with serve(_echo) as site:
        for _ in range(3):
            await hear(transport, post(f"{site.url}/x"))
        assert (site.connections, len(site.requests)) == (1, 3)


async def test_a_connection_idle_for_longer_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "IDLE_CONNECTION_S", 0.05)
    transport = HttpTransport(environ={})
    async with serve(_echo) as site:
        await hear(transport, post(f"{site.url}/x"))
        await asyncio.sleep(0.1)
        await hear(transport, post(f"{site.url}/x"))
        assert site.connections == 2
    await transport.close()


def test_two_seconds_is_what_a_connection_may_be_idle() -> None:
    assert connections.IDLE_CONNECTION_S == 2.0


async def test_a_connection_that_serves_many_calls_keeps_none_of_them(
    transport: HttpTransport,
) -> None:
    async def late_body(line: Line) -> None:
        while True:
            await line.request()
            await line.say(OK[:-2])
            await asyncio.sleep(0.002)
            await line.say(OK[-2:])

    async with serve(late_body) as site:
        for _ in range(30):
            assert (await hear(transport, post(f"{site.url}/x"))).body == b"ok"
        assert site.connections == 1
        gc.collect()
        bodies = [thing for thing in gc.get_objects() if isinstance(thing, aiohttp.StreamReader)]
        assert len(bodies) < 5


async def test_leaving_early_closes_the_connection(transport: HttpTransport) -> None:
    left = asyncio.Event()

    async def endless(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                await line.say(b"a" * 65536)
        except OSError:
            left.set()

    async with serve(endless) as site:
        async with transport.exchange(post(f"{site.url}/x")) as stream:
            assert await anext(aiter(stream))
        await asyncio.wait_for(left.wait(), 5)


async def test_reading_on_after_leaving_fails(transport: HttpTransport) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"

    async def script(line: Line) -> None:
        await line.request()
        await line.say(raw)
        await line.hold()

    async with serve(script) as site:
        async with transport.exchange(post(f"{site.url}/x")) as stream:
            pass
        with pytest.raises(Failure):
            [chunk async for chunk in stream]


async def test_a_cancelled_call_leaves_no_connection(transport: HttpTransport) -> None:
    asked = asyncio.Event()

    async def hole(line: Line) -> None:
        await line.request()
        asked.set()
        await line.reader.read()
        asked.clear()

    async with serve(hole) as site:
        task = asyncio.ensure_future(hear(transport, post(f"{site.url}/x", deadline_s=60)))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while asked.is_set():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("size", "announced"), [(1001, True), (1001, False), (5_000_000, False)])
async def test_an_answer_above_the_cap_is_cut_off(
    transport: HttpTransport, size: int, announced: bool
) -> None:
    length = f"Content-Length: {size}\r\n" if announced else ""
    raw = f"HTTP/1.1 200 OK\r\n{length}\r\n".encode() + b"a" * size
    async with serve(answering(raw)) as site:
        heard = await hear(transport, post(f"{site.url}/x", max_bytes=1000))
        assert heard.fate == ("too_large", True)
        assert heard.status == 200
        assert len(heard.body) <= 1000


async def test_an_answer_exactly_at_the_cap_is_whole(transport: HttpTransport) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"a" * 1000
    async with serve(answering(raw)) as site:
        heard = await hear(transport, post(f"{site.url}/x", max_bytes=1000))
    assert len(heard.body) == 1000
    assert heard.failure is None


async def test_a_post_on_a_connection_that_breaks_is_never_sent_again(
    transport: HttpTransport,
) -> None:
    async def once(line: Line) -> None:
        await line.request()
        if len(line.site.requests) == 1:
            await line.say(OK)
            await line.request()
        line.reset()

    async with serve(once) as site:
        assert (await hear(transport, post(f"{site.url}/x"))).body == b"ok"
        assert (await hear(transport, post(f"{site.url}/x"))).fate == ("cut", True)
        assert len(site.requests) == 2


def test_one_transport_serves_several_loops_one_after_another() -> None:
    transport = HttpTransport(environ={})

    async def one() -> Heard:
        async with serve(_echo) as site:
            try:
                return await hear(transport, post(f"{site.url}/x"))
            finally:
                await transport.close()

    assert [asyncio.run(one()).body for _ in range(3)] == [b"hello"] * 3


def test_closing_clears_what_a_loop_that_is_gone_has_left() -> None:
    async def leave_open(transport: HttpTransport) -> None:
        async with serve(answering(OK)) as site:
            await hear(transport, post(f"{site.url}/x"))

    transport = HttpTransport(environ={})
    asyncio.run(leave_open(transport))
    asyncio.run(transport.close())
    transport = HttpTransport(environ={})
    gc.collect()  # an unclosed session would warn, and warnings are errors here


# --- secrets ------------------------------------------------------------------------------------


def _everything_said(error: BaseException) -> str:
    """The text of an exception and of all that hangs on it."""
    said, todo = [], [error]
    while todo:
        one = todo.pop()
        said += [str(one), repr(one), repr(one.args), repr(vars(one))]
        todo += [other for other in (one.__cause__, one.__context__) if other is not None]
    return "\n".join(said)


async def _cut(line: Line) -> None:
    await line.request()
    line.reset()


async def _cut_in_body(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    line.close()


SECRETIVE = {
    "cut": _cut,
    "cut in the body": _cut_in_body,
    "malformed": answering(b"nonsense\r\n\r\n"),
    "silent": lambda line: line.hold(),
    "huge header": answering(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("fault", SECRETIVE)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_failure_and_no_log_names_a_secret(
    fault: str, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy = f"http://proxy-user:{CANARY}@127.0.0.1:1"
    async with serve(SECRETIVE[fault]) as site:
        for own_proxy in (None, proxy):
            call = post(
                f"{scheme}://127.0.0.1:{site.port}/x?note={CANARY}",
                secrets={"x-goog-api-key": Secret(CANARY)},
                secret_query={"ak": Secret(CANARY)},
                deadline_s=0.3,
                connect_s=0.2,
                proxy=own_proxy,
            )
            transport = HttpTransport(environ={})
            heard = await hear(transport, call)
            await transport.close()
            assert heard.failure is not None
            assert CANARY not in _everything_said(heard.failure)
            assert CANARY not in repr(call.secrets) + repr(call.secret_query)
    gc.collect()
    assert CANARY not in caplog.text


# --- TLS ----------------------------------------------------------------------------------------


async def test_a_trusted_certificate_is_taken() -> None:
    transport = HttpTransport(environ={"SSL_CERT_FILE": authority_file()})
    async with serve(_echo, server_tls()) as site:
        url = site.url.replace("127.0.0.1", "localhost")
        assert (await hear(transport, post(f"{url}/x"))).body == b"hello"
    await transport.close()


async def test_a_certificate_nobody_vouches_for_is_not_connected(transport: HttpTransport) -> None:
    async with serve(_echo, server_tls()) as site:
        url = site.url.replace("127.0.0.1", "localhost")
        heard = await hear(transport, post(f"{url}/x"))
        assert heard.fate == ("not_connected", False)
        assert "certificate is not trusted" in str(heard.failure)
        assert site.requests == []


async def test_a_certificate_for_another_name_is_not_connected() -> None:
    transport = HttpTransport(environ={"SSL_CERT_FILE": authority_file()})
    async with serve(_echo, server_tls()) as site:
        heard = await hear(transport, post(f"{site.url}/x"))  # by address, not by name
        assert heard.fate == ("not_connected", False)
        assert "127.0.0.1" in str(heard.failure)
    await transport.close()


@pytest.mark.parametrize("name", ["absent.pem", "test_http.py"])
async def test_an_unreadable_certificate_file_is_said_before_sending(name: str) -> None:
    transport = HttpTransport(environ={"SSL_CERT_FILE": str(Path(__file__).with_name(name))})
    heard = await hear(transport, post("https://127.0.0.1:1/"))
    assert heard.fate == ("not_connected", False)
    assert "SSL_CERT_FILE" in str(heard.failure)
    await transport.close()


async def test_an_answer_cut_inside_tls_is_cut() -> None:
    transport = HttpTransport(environ={"SSL_CERT_FILE": authority_file()})
    async with serve(_cut_in_body, server_tls()) as site:
        url = site.url.replace("127.0.0.1", "localhost")
        heard = await hear(transport, post(f"{url}/x"))
        assert heard.fate == ("cut", True)
        assert heard.body == b"abc"
    await transport.close()


async def test_a_body_is_made_anew_for_each_call() -> None:
    made = 0

    def factory() -> object:
        nonlocal made
        made += 1
        return body_of(b"hello")()

    transport = HttpTransport(environ={})
    async with serve(_echo) as site:
        call = post(f"{site.url}/x", body=factory)
        assert [(await hear(transport, call)).body for _ in range(2)] == [b"hello"] * 2
    assert made == 2
    await transport.close()
