"""X2, X4, X6: the one fetcher, with a resolver that lies and local servers as the public net."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Sequence

import pytest

from pisang.domain.content import content_of
from pisang.errors import AddressRefused, UpstreamFault
from pisang.transport.base import Failure
from pisang.transport.fetch import MAX_REDIRECTS, Resolver, fetch, fetch_into, look_up
from pisang.transport.http import HttpTransport
from pisang.wires.scan import MemorySink
from tests.transport.certificates import authority_file, server_tls
from tests.transport.faults import Line, Script, Site, answering, hear, post, serve

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)
CA = {"SSL_CERT_FILE": authority_file()}


class Names:
    """A resolver by table. What it was asked is kept; a list of answers is given one by one."""

    def __init__(self, **answers: str | list[str]) -> None:
        self._answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answer = self._answers.get(host)
        if answer is None:
            raise OSError("no such name")
        return (answer.pop(0) if isinstance(answer, list) else answer).split()


LOCAL = Names(images_test="127.0.0.1", other_test="127.0.0.1", localhost="127.0.0.1")


def _answer(body: bytes, fields: str = "", status: int = 200) -> bytes:
    head = f"HTTP/1.1 {status} X\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _redirect(location: str, status: int = 302) -> bytes:
    return _answer(b"", f"Location: {location}\r\n", status)


async def _fetched(url: str, **options: object) -> tuple[int, bytes]:
    usual: dict[str, object] = {
        "resolver": LOCAL,
        "max_bytes": 1_000_000,
        "deadline_s": 5.0,
        "environ": {},
    }
    body = b""
    async with fetch(url, **(usual | options)) as stream:  # type: ignore[arg-type]
        async for chunk in stream:
            body += chunk
        return stream.status, body


def _here(site: Site, host: str = "images.test", path: str = "/a.png") -> tuple[str, str]:
    """(the URL of that site under a public name, what allows it)."""
    return f"http://{host}:{site.port}{path}", f"{host}:{site.port}"


async def test_a_picture_is_fetched_without_a_key_and_under_its_own_name() -> None:
    async with serve(answering(_answer(PNG))) as site:
        url, allowed = _here(site, path="/a.png?sig=1%2F2")
        assert await _fetched(url, allow_hosts=[allowed]) == (200, PNG)
        assert site.requests[0][0].startswith(b"GET /a.png?sig=1%2F2 HTTP/1.1\r\n")
        assert site.head() == {
            "host": allowed,
            "user-agent": "pisang",
            "accept": "image/*, */*;q=0.5",
            "accept-encoding": "identity",
        }


async def test_over_tls_the_certificate_is_checked_for_the_name_and_not_the_address() -> None:
    names = Names(images_example_test="127.0.0.1", wrong_example_test="127.0.0.1")
    async with serve(answering(_answer(PNG)), server_tls()) as site:
        for host, whole in (("images.example.test", True), ("wrong.example.test", False)):
            allowed = f"{host}:{site.port}"
            get = _fetched(
                f"https://{allowed}/a.png", resolver=names, allow_hosts=[allowed], environ=CA
            )
            if whole:
                assert await get == (200, PNG)
            else:
                with pytest.raises(Failure, match="certificate"):
                    await get


@pytest.mark.parametrize(
    "addresses",
    [
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "169.254.169.254",
        "93.184.216.34 127.0.0.1",
        "93.184.216.34 2606:2800:220:1::1 fe80::1",
        "::ffff:93.184.216.34",
    ],
)
async def test_one_forbidden_record_among_many_refuses_the_name(addresses: str) -> None:
    names = Names(public_test=addresses)
    with pytest.raises(AddressRefused):
        await _fetched("https://public.test/", resolver=names)
    assert names.asked == ["public.test"]


async def test_a_name_is_looked_up_once_so_a_second_answer_is_never_used() -> None:
    """X2: rebinding. The name would be this machine's the second time it is asked."""
    async with serve(answering(_answer(b"inside"))) as site:
        names = Names(rebind_test=["127.0.0.2", "127.0.0.1"])
        allowed = f"rebind.test:{site.port}"
        with pytest.raises(Failure) as failed:
            # 127.0.0.2 was checked, and nobody listens there: the connection goes nowhere else.
            await _fetched(f"http://{allowed}/", resolver=names, allow_hosts=[allowed])
        assert not failed.value.sent
        assert names.asked == ["rebind.test"]
        assert site.connections == 0


async def test_the_second_of_two_checked_addresses_is_tried_when_the_first_is_dead() -> None:
    async with serve(answering(_answer(PNG))) as site:
        names = Names(two_test="127.0.0.2 127.0.0.1")
        allowed = f"two.test:{site.port}"
        assert await _fetched(f"http://{allowed}/", resolver=names, allow_hosts=[allowed]) == (
            200,
            PNG,
        )


@pytest.mark.parametrize("answer", ["", " ".join(f"93.184.216.{n}" for n in range(40))])
async def test_a_name_with_no_address_or_too_many_is_not_fetched(answer: str) -> None:
    with pytest.raises(Failure) as failed:
        await _fetched("https://public.test/", resolver=Names(public_test=answer))
    assert str(failed.value.ended) == "not_connected"


async def test_a_name_that_is_not_there_is_not_connected() -> None:
    with pytest.raises(Failure) as failed:
        await _fetched("https://nowhere.test/")
    assert (str(failed.value.ended), failed.value.sent) == ("not_connected", False)


async def test_a_resolver_that_hangs_is_ended_by_the_deadline() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(Failure):
        await _fetched("https://public.test/", resolver=never, deadline_s=0.1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_good_place_is_followed(status: int) -> None:
    async with serve(answering(_answer(PNG))) as second:
        there, allow_there = _here(second, "other.test", "/b.png")
        async with serve(answering(_redirect(there, status))) as first:
            here, allow_here = _here(first)
            got = await _fetched(here, allow_hosts=[allow_here, allow_there])
            assert got == (200, PNG)
            assert first.requests[0][0].startswith(b"GET ")
            assert "referer" not in second.head()


async def test_a_relative_redirect_is_followed() -> None:
    async def script(line: Line) -> None:
        head, _ = await line.request()
        here = head.startswith(b"GET /pictures/b.png ")
        await line.say(_answer(PNG) if here else _redirect("/pictures/b.png"))

    async with serve(script) as site:
        url, allowed = _here(site)
        assert await _fetched(url, allow_hosts=[allowed]) == (200, PNG)


FORBIDDEN_HOPS = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://[::1]/",
    "https://2130706433/",
    "https://169.254.169.254/latest/meta-data/",
    "https://me:word@images.test/",
    "file:///etc/passwd",
    "gopher://images.test/",
    "javascript:alert(1)",
    "https://private.test/",
    "//private.test:{port}/",
    "http://[::1/",
    "\\\\private.test\\x",
]


@pytest.mark.parametrize("location", FORBIDDEN_HOPS)
async def test_each_hop_is_checked_like_the_first(location: str) -> None:
    names = Names(images_test="127.0.0.1", private_test="10.0.0.1")
    async with serve(answering(_answer(b"inside"))) as inside:
        redirect = _redirect(location.format(port=inside.port))
        async with serve(answering(redirect)) as site:
            url, allowed = _here(site)
            with pytest.raises(AddressRefused):
                await _fetched(url, resolver=names, allow_hosts=[allowed])
            assert inside.connections == 0


async def test_a_redirect_from_https_to_http_is_refused_even_to_an_allowed_host() -> None:
    names = Names(images_example_test="127.0.0.1", images_test="127.0.0.1")
    async with serve(answering(_answer(b"inside"))) as plain:
        there, allow_there = _here(plain)
        async with serve(answering(_redirect(there)), server_tls()) as site:
            allow_here = f"images.example.test:{site.port}"
            with pytest.raises(AddressRefused, match="https to http"):
                await _fetched(
                    f"https://{allow_here}/",
                    resolver=names,
                    allow_http=True,
                    allow_hosts=[allow_here, allow_there],
                    environ=CA,
                )
            assert plain.connections == 0


def _hops(count: int) -> Script:
    """Redirects so many times, then answers."""

    async def script(line: Line) -> None:
        await line.request()
        done = len(line.site.requests) > count
        await line.say(_answer(PNG) if done else _redirect("/again"))

    return script


@pytest.mark.parametrize("hops", [1, MAX_REDIRECTS, MAX_REDIRECTS + 1, 11])
async def test_so_many_redirects_and_no_more(hops: int) -> None:
    async with serve(_hops(hops)) as site:
        url, allowed = _here(site)
        get = _fetched(url, allow_hosts=[allowed])
        if hops <= MAX_REDIRECTS:
            assert await get == (200, PNG)
        else:
            with pytest.raises(AddressRefused, match="redirects more than"):
                await get
            assert len(site.requests) == MAX_REDIRECTS + 1


async def test_a_redirect_without_a_place_is_the_answer() -> None:
    async with serve(answering(_answer(b"", status=302))) as site:
        url, allowed = _here(site)
        assert await _fetched(url, allow_hosts=[allowed]) == (302, b"")


async def _endless(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await line.say(b"a" * 65536)


async def _slow(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 200 OK\r\n\r\n")
    await line.drip(b"a" * 1000, 0.01)


BODIES = {
    "endless": (_endless, "too_large"),
    "slow": (_slow, "timeout"),
    "a bomb": (
        answering(_answer(gzip.compress(bytes(5_000_000)), "Content-Encoding: gzip\r\n")),
        "too_large",
    ),
    "coded twice": (answering(_answer(b"x", "Content-Encoding: gzip, br\r\n")), "malformed"),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_size_time_and_compression_are_capped(kind: str) -> None:
    script, ended = BODIES[kind]
    async with serve(script) as site:
        url, allowed = _here(site)
        with pytest.raises(Failure) as failed:
            await _fetched(url, allow_hosts=[allowed], deadline_s=0.5)
    assert str(failed.value.ended) == ended


async def test_the_deadline_spans_all_hops() -> None:
    async def slow_hop(line: Line) -> None:
        await line.request()
        await asyncio.sleep(0.1)
        await line.say(_redirect("/again"))

    async with serve(slow_hop) as site:
        url, allowed = _here(site)
        with pytest.raises(Failure) as failed:
            await _fetched(url, allow_hosts=[allowed], deadline_s=0.25)
        assert str(failed.value.ended) == "timeout"
        assert len(site.requests) < MAX_REDIRECTS


async def test_no_proxy_is_used() -> None:
    """A proxy looks names up for itself, and would connect to where nobody has checked."""
    async with serve(answering(_answer(PNG))) as site, serve(answering(_answer(b"no"))) as proxy:
        url, allowed = _here(site)
        environ = {"ALL_PROXY": proxy.url, "http_proxy": proxy.url}
        assert await _fetched(url, allow_hosts=[allowed], environ=environ) == (200, PNG)
        assert proxy.connections == 0


async def test_pinned_connections_know_no_other_name() -> None:
    transport = HttpTransport(environ={}, addresses={"a.test": ("127.0.0.1",)})
    heard = await hear(transport, post("http://localhost:1/"))
    assert heard.fate == ("not_connected", False)
    assert "resolved" in str(heard.failure)
    await transport.close()


async def test_the_systems_resolver_gives_each_address_once() -> None:
    found = await look_up("localhost", 443)
    assert set(found) <= {"127.0.0.1", "::1"}
    assert len(found) == len(set(found))


async def _into(url: str, resolver: Resolver = LOCAL, allow: str = "") -> tuple[MemorySink, str]:
    sink = MemorySink()
    content = await fetch_into(url, sink, resolver=resolver, allow_hosts=[allow], environ={})
    return sink, content.sha256


async def test_a_link_of_a_reply_goes_into_the_sink() -> None:
    async with serve(answering(_answer(PNG))) as site:
        url, allowed = _here(site)
        sink, sha256 = await _into(url, allow=allowed)
        assert sha256 == content_of(PNG).sha256
        assert b"".join(sink.read(content_of(PNG))) == PNG


@pytest.mark.parametrize("status", [204, 301, 403, 404, 500])
async def test_a_link_that_brings_no_picture_is_a_fault_of_its_host(status: int) -> None:
    async with serve(answering(_answer(b"", status=status))) as site:
        url, allowed = _here(site)
        with pytest.raises(UpstreamFault, match=str(status)):
            await _into(f"{url}?sig=canary", allow=allowed)


async def test_a_link_cut_short_is_a_fault_without_its_query(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
    async with serve(answering(cut)) as site:
        url, allowed = _here(site)
        with pytest.raises(UpstreamFault, match="cut short") as failed:
            await _into(f"{url}?sig=canary", allow=allowed)
    assert "canary" not in repr(failed.value) + failed.value.message() + caplog.text


async def test_a_link_into_ones_own_network_is_refused() -> None:
    with pytest.raises(AddressRefused):
        await _into("https://images.test/a.png")
