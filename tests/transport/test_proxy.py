"""Proxies as users have them: the choice (pure), and what is said to a proxy over the network."""

from __future__ import annotations

import base64
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisang.domain.secret import Secret
from pisang.errors import OptionInvalid
from pisang.transport.http import HttpTransport
from pisang.transport.proxy import DIRECT, choose_proxy
from tests.transport.faults import OK, Line, answering, hear, post, serve

PASSWORD = "canary-p@ss:word"


def _chosen(url: str, own: str | None = None, **environ: str) -> str | None:
    proxy = choose_proxy(url, own, environ)
    return proxy.url if proxy else None


ANY = "http://any:1"

CHOICES = [
    ("https://a.test/", {}, None),
    ("https://a.test/", {"https_proxy": "http://p:3128"}, "http://p:3128"),
    ("https://a.test/", {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
    ("https://a.test/", {"HTTPS_PROXY": "http://U:1", "https_proxy": "http://l:1"}, "http://l:1"),
    ("https://a.test/", {"http_proxy": "http://p:3128"}, None),
    ("http://a.test/", {"http_proxy": "http://p:3128"}, "http://p:3128"),
    ("http://a.test/", {"HTTP_PROXY": "http://p:3128"}, "http://p:3128"),
    ("http://a.test/", {"HTTP_PROXY": "http://p:3128", "REQUEST_METHOD": "GET"}, None),
    ("http://a.test/", {"https_proxy": "http://p:3128"}, None),
    ("https://a.test/", {"ALL_PROXY": ANY}, ANY),
    ("http://a.test/", {"all_proxy": ANY}, ANY),
    ("https://a.test/", {"ALL_PROXY": ANY, "https_proxy": "http://p:3128"}, "http://p:3128"),
    ("https://a.test/", {"https_proxy": ""}, None),
    ("https://a.test/", {"https_proxy": "  "}, None),
    ("https://a.test/", {"https_proxy": "p:3128"}, "http://p:3128"),
    ("https://a.test/", {"https_proxy": "http://p"}, "http://p:80"),
    ("https://a.test/", {"https_proxy": "https://p/"}, "https://p:443"),
    ("https://a.test/", {"https_proxy": "http://[::1]:8080"}, "http://[::1]:8080"),
    ("https://a.test/", {"all_proxy": "socks5h://p"}, "socks5h://p:1080"),
    # no_proxy
    ("https://a.test/", {"ALL_PROXY": ANY, "no_proxy": "*"}, None),
    ("https://a.test/", {"ALL_PROXY": ANY, "no_proxy": "a.test"}, None),
    ("https://a.test/", {"ALL_PROXY": ANY, "NO_PROXY": "x, A.TEST"}, None),
    ("https://a.test/", {"ALL_PROXY": ANY, "NO_PROXY": ".test"}, None),
    ("https://a.test/", {"ALL_PROXY": ANY, "NO_PROXY": "test"}, None),
    ("https://a.test./", {"ALL_PROXY": ANY, "NO_PROXY": "a.test"}, None),
    ("https://ba.test/", {"ALL_PROXY": ANY, "NO_PROXY": "a.test"}, ANY),
    ("https://a.test.evil/", {"ALL_PROXY": ANY, "NO_PROXY": "a.test"}, ANY),
    ("https://a.test/", {"ALL_PROXY": ANY, "NO_PROXY": "b.test c.test"}, ANY),
    ("https://a.test/", {"ALL_PROXY": ANY, "NO_PROXY": ", ,"}, ANY),
    ("https://10.1.2.3/", {"ALL_PROXY": ANY, "NO_PROXY": "10.1.2.3"}, None),
    ("https://10.1.2.3/", {"ALL_PROXY": ANY, "NO_PROXY": "10.0.0.0/8"}, None),
    ("https://10.1.2.3/", {"ALL_PROXY": ANY, "NO_PROXY": "11.0.0.0/8"}, ANY),
    ("https://10.1.2.3/", {"ALL_PROXY": ANY, "NO_PROXY": "2.3"}, ANY),
    ("https://[2001:db8::1]/", {"ALL_PROXY": ANY, "NO_PROXY": "[2001:db8::1]"}, None),
    ("https://[2001:db8::1]/", {"ALL_PROXY": ANY, "NO_PROXY": "2001:db8::/32"}, None),
    ("https://[2001:db8::1]/", {"ALL_PROXY": ANY}, ANY),
    # this machine
    ("http://127.0.0.1:8000/", {"ALL_PROXY": ANY}, None),
    ("http://localhost:8000/", {"ALL_PROXY": ANY}, None),
    ("http://a.localhost:8000/", {"ALL_PROXY": ANY}, None),
    ("http://[::1]:8000/", {"ALL_PROXY": ANY}, None),
]


@pytest.mark.parametrize(("url", "environ", "proxy"), CHOICES)
def test_the_environment_is_read_as_curl_reads_it(
    url: str, environ: dict[str, str], proxy: str | None
) -> None:
    assert _chosen(url, **environ) == proxy


def test_an_upstreams_own_proxy_wins_over_the_environment() -> None:
    environ = {"ALL_PROXY": ANY, "NO_PROXY": "*"}
    assert _chosen("https://a.test/", "http://own:1", **environ) == "http://own:1"
    assert _chosen("http://127.0.0.1/", "http://own:1", **environ) == "http://own:1"
    assert _chosen("https://a.test/", DIRECT, ALL_PROXY=ANY) is None


@pytest.mark.parametrize(
    "text",
    [
        "ftp://p:1",
        "http://",
        "http://:80",
        "http://p:0x50",
        "http://p:99999",
        "http://p/path",
        "http://p?x",
        "http://[::1",
        f"nonsense://me:{PASSWORD}@host",
    ],
)
def test_what_is_no_proxy_is_said_with_its_setting_and_without_its_password(text: str) -> None:
    with pytest.raises(OptionInvalid) as refused:
        choose_proxy("https://a.test/", None, {"HTTPS_PROXY": text})
    assert "HTTPS_PROXY" in refused.value.message()
    assert "canary" not in repr(refused.value) + refused.value.message()


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_for_a_proxy_is_a_choice_or_a_refusal(text: str, no_proxy: str) -> None:
    try:
        choose_proxy("https://a.test/", None, {"all_proxy": text, "no_proxy": no_proxy})
    except OptionInvalid as refused:
        assert refused.message()


def test_a_name_and_password_become_a_header_and_are_printed_nowhere() -> None:
    proxy = choose_proxy("https://a.test/", "http://me:canary%2Dp%40ss%3Aword@p:1", {})
    assert proxy is not None and proxy.authorization is not None
    scheme, _, coded = proxy.authorization.reveal().partition(" ")
    assert (scheme, base64.b64decode(coded)) == ("Basic", f"me:{PASSWORD}".encode())
    assert "canary" not in repr(proxy) + proxy.url


async def test_an_http_call_goes_to_the_proxy_whole_with_its_key(
    transport: HttpTransport,
) -> None:
    async with serve(answering(OK)) as proxy:
        own = proxy.url.replace("//", "//me:word@")
        call = post("http://a.test/x", secrets={"x-key": Secret("k")}, proxy=own)
        assert (await hear(transport, call)).body == b"ok"
        head, body = proxy.requests[0]
        assert head.startswith(b"POST http://a.test/x HTTP/1.1\r\n")
        assert proxy.head()["host"] == "a.test"
        assert proxy.head()["proxy-authorization"] == "Basic bWU6d29yZA=="
        assert body == b"hello"


async def test_an_https_call_tells_the_proxy_the_host_and_no_secret(
    transport: HttpTransport,
) -> None:
    async def tunnel(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 Yes\r\n\r\n")
        await line.hold()

    async with serve(tunnel) as proxy:
        own = proxy.url.replace("//", "//me:word@")
        call = post(
            "https://a.test/path-canary",
            headers={"x-canary": "1"},
            secrets={"x-key": Secret("canary")},
            secret_query={"key": Secret("canary")},
            proxy=own,
            connect_s=0.3,
        )
        heard = await hear(transport, call)
        assert heard.fate == ("not_connected", False), "the TLS inside the tunnel never came"
        assert proxy.requests[0][0].startswith(b"CONNECT a.test:443 HTTP/1.1\r\n")
        assert b"canary" not in proxy.requests[0][0]
        assert proxy.head()["proxy-authorization"] == "Basic bWU6d29yZA=="


@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_tunnel_that_the_proxy_refuses_is_proof_that_nothing_was_sent(
    transport: HttpTransport, status: int
) -> None:
    refusal = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    async with serve(answering(refusal)) as proxy:
        heard = await hear(transport, post("https://a.test/x", proxy=proxy.url))
        assert heard.fate == ("not_connected", False)
        assert str(status) in str(heard.failure)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_proof_that_nothing_was_sent(
    transport: HttpTransport, scheme: str
) -> None:
    heard = await hear(transport, post(f"{scheme}://a.test/x", proxy="http://127.0.0.1:1"))
    assert heard.fate == ("not_connected", False)
    assert "proxy" in str(heard.failure)


async def test_a_proxy_of_the_environment_is_used() -> None:
    async with serve(answering(OK)) as proxy:
        transport = HttpTransport(environ={"http_proxy": proxy.url})
        assert (await hear(transport, post("http://a.test/x"))).body == b"ok"
        await transport.close()


@pytest.mark.parametrize("own", ["socks5://127.0.0.1:1", "socks4a://127.0.0.1:1"])
async def test_socks_without_its_part_says_what_to_install(
    transport: HttpTransport, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp_socks", None)
    monkeypatch.delitem(sys.modules, "pisang.transport.socks", raising=False)
    heard = await hear(transport, post("https://a.test/x", proxy=own))
    assert heard.fate == ("not_connected", False)
    assert "pip install 'pisang[socks]'" in str(heard.failure)


async def _socks5(line: Line) -> None:
    """Enough of RFC 1928 and 1929 to grant one CONNECT by name, and then to be the server."""
    read = line.reader.readexactly
    methods = await read((await read(2))[1])
    wants_name = 2 in methods
    await line.say(b"\x05\x02" if wants_name else b"\x05\x00")
    said = b""
    if wants_name:
        user = await read((await read(2))[1])
        word = await read((await read(1))[0])
        said = user + b":" + word
        await line.say(b"\x01\x00")
    _, _, _, kind = await read(4)
    host = await read((await read(1))[0]) if kind == 3 else await read(4)
    port = int.from_bytes(await read(2), "big")
    line.site.requests.append((said, host + b":%d" % port))
    refused = host == b"refused.test"
    await line.say(b"\x05" + (b"\x05" if refused else b"\x00") + b"\x00\x01" + bytes(6))
    if not refused:
        await line.request()
        await line.say(OK)


async def test_a_socks_proxy_is_told_name_password_and_host(transport: HttpTransport) -> None:
    pytest.importorskip("aiohttp_socks", reason="the optional part for SOCKS is not installed")
    async with serve(_socks5) as proxy:
        own = proxy.url.replace("http://", "socks5h://me:word@")
        heard = await hear(transport, post("http://a.test/x", proxy=own))
        assert heard.body == b"ok", heard.failure
        assert proxy.requests[0] == (b"me:word", b"a.test:80")
        assert proxy.requests[1][0].startswith(b"POST /x HTTP/1.1\r\nHost: a.test\r\n")
        assert b"word" not in proxy.requests[1][0]


@pytest.mark.parametrize("host", ["refused.test", "a.test"])
async def test_a_socks_proxy_that_refuses_or_is_not_there_is_proof_of_nothing_sent(
    transport: HttpTransport, host: str
) -> None:
    pytest.importorskip("aiohttp_socks", reason="the optional part for SOCKS is not installed")
    async with serve(_socks5) as proxy:
        port = proxy.port if host == "refused.test" else 1
        call = post(f"http://{host}/x", proxy=f"socks5h://me:canary@127.0.0.1:{port}")
        heard = await hear(transport, call)
        assert heard.fate == ("not_connected", False)
        assert "proxy" in str(heard.failure)
        assert "canary" not in str(heard.failure)


async def test_a_wrong_proxy_setting_is_said_before_sending(transport: HttpTransport) -> None:
    heard = await hear(transport, post("https://a.test/x", proxy="ftp://p:1"))
    assert heard.fate == ("not_connected", False)
    assert "the upstream's proxy" in str(heard.failure)
