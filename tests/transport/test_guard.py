"""X1, X5: what may be fetched, by table and by property. Everything here is pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from pisang.errors import AddressRefused
from pisang.transport.guard import Target, check_address, check_url, printable
from tests.transport.hostile import ENCODINGS, IPV4, IPV6, hostile_urls

HOSTILE = hostile_urls()


def _reached(url: str, **allowed: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a connection would be made to, where the URL alone says it."""
    target = check_url(url, **allowed)  # type: ignore[arg-type]
    return check_address(target, str(target.address)) if target.address else None


def _is_refused(url: str) -> bool:
    try:
        _reached(url)
    except AddressRefused:
        return True
    return False


def test_there_are_hundreds_of_hostile_urls() -> None:
    assert len({url for urls in HOSTILE.values() for url in urls}) > 600


@pytest.mark.parametrize("encoding", HOSTILE)
def test_a_hostile_url_is_refused_before_anything_is_looked_up(encoding: str) -> None:
    assert [url for url in HOSTILE[encoding] if not _is_refused(url)] == []


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "224.0.0.0/3"]
    ),
    st.integers(0, 2**32),
    st.sampled_from(sorted(ENCODINGS)),
    st.sampled_from(["https", "HTTPS", "http"]),
)
def test_no_encoding_of_any_forbidden_address_passes(
    network: str, offset: int, encoding: str, scheme: str
) -> None:
    inside = ipaddress.IPv4Network(network)
    ip = str(inside[offset % inside.num_addresses])
    with pytest.raises(AddressRefused):
        _reached(f"{scheme}://{ENCODINGS[encoding](ip)}/", allow_http=True)


NAMED = Target("https", "images.example.com", 443, "/")


@pytest.mark.parametrize("address", [*IPV4, *IPV6, "::ffff:8.8.8.8", "2002:808:808::1", "nonsense"])
def test_a_name_that_gives_a_forbidden_address_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(NAMED, address)


@pytest.mark.parametrize("address", ["2001:4860:4860::8888%eth0", "8.8.8.8%1", "", " 8.8.8.8"])
def test_an_address_with_more_than_an_address_in_it_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(NAMED, address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "2a00::1"])
def test_a_public_address_passes(address: str) -> None:
    assert str(check_address(NAMED, address)) == address


@settings(max_examples=300)
@given(st.ip_addresses())
def test_whatever_passes_is_global_by_the_standard_librarys_own_table(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    try:
        check_address(NAMED, str(address))
    except AddressRefused:
        return
    assert address.is_global
    assert not address.is_multicast


REFUSED = {
    "http": "http://images.example.com/a.png",
    "ftp": "ftp://images.example.com/a.png",
    "file": "file:///etc/passwd",
    "gopher": "gopher://images.example.com:70/_x",
    "data": "data:image/png;base64,AAAA",
    "javascript": "javascript:alert(1)",
    "no scheme": "//images.example.com/a.png",
    "no slashes": "https:images.example.com/a.png",
    "one slash": "https:/images.example.com/a.png",
    "relative": "a.png",
    "empty": "",
    "no host": "https:///a.png",
    "only a port": "https://:443/",
    "userinfo": "https://me@images.example.com/",
    "empty userinfo": "https://@images.example.com/",
    "port 22": "https://images.example.com:22/",
    "port 80 over https": "https://images.example.com:80/",
    "port 0": "https://images.example.com:0/",
    "port 65536": "https://images.example.com:65536/",
    "port 00443": "https://images.example.com:00443/",
    "port with a sign": "https://images.example.com:+443/",
    "port in full-width digits": "https://images.example.com:４４３/",
    "empty port": "https://images.example.com:/",
    "two ports": "https://images.example.com:443:443/",
    "local name": "https://localhost/",
    "bare metadata name": "https://metadata/",
    "bare container name": "https://kubernetes:443/",
    "trailing dot": "https://images.example.com./",
    "two dots": "https://images..example.com/",
    "leading dot": "https://.example.com/",
    "leading hyphen": "https://-a.example.com/",
    "blank": "https://images.example.com /",
    "leading blank": " https://images.example.com/",
    "tab inside": "https://images.exam\tple.com/",
    "line break inside": "https://images.example.com/\r\nX: y",
    "NUL": "https://images.example.com/\0",
    "non-breaking blank": "https://images.example.com/\u00a0",
    "lone surrogate": "https://images.example.com/\ud800",
    "backslashes": "https:\\\\images.example.com\\a.png",
    "backslash in the path": "https://images.example.com/\\@127.0.0.1/",
    "percent in the host": "https://images%2eexample.com/",
    "slash by normalisation": "https://images.example.com℀127.0.0.1/",
    "label of 64": f"https://{'a' * 64}.example.com/",
    "host of 254": f"https://{'a.' * 126}com/",
    "wide host of 300": f"https://{'图' * 300}.com/",
    "hex last label": "https://images.0x7f/",
    "bare 0x": "https://images.0x/",
    "number last label": "https://images.example.1/",
    "five parts": "https://1.2.3.4.5/",
    "broken brackets": "https://[::1/",
    "junk after brackets": "https://[2a00::1]x/",
    "name in brackets": "https://[images.example.com]/",
    "too long": "https://images.example.com/" + "a" * 8192,
    "bad punycode": "https://xn--\u00e9.example.com/",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_plainly_a_public_https_link_is_refused(kind: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        check_url(REFUSED[kind])
    assert refused.value.fields["why"]


PASSED = {
    "https://images.example.com": "https://images.example.com/",
    "HTTPS://Images.Example.COM/A.png": "https://images.example.com/A.png",
    "https://images.example.com:443/a": "https://images.example.com/a",
    "https://a_b.example.com/": "https://a_b.example.com/",
    "https://images.example.com?sig=a%2Bb": "https://images.example.com/?sig=a%2Bb",
    "https://images.example.com/a?b=c&d=%2F/../#frag": (
        "https://images.example.com/a?b=c&d=%2F/../"
    ),
    "https://images.example.com/猫.png": "https://images.example.com/%E7%8C%AB.png",
    "https://images.example.com/a|b[c]": "https://images.example.com/a%7Cb%5Bc%5D",
    "https://图片.example.com/": "https://xn--wcsw84d.example.com/",
    "https://ｉmages.example.com/": "https://images.example.com/",
    "https://8.8.8.8/a": "https://8.8.8.8/a",
    "https://[2001:4860:4860::8888]/a": "https://[2001:4860:4860::8888]/a",
    "https://1.example.com/": "https://1.example.com/",
    "https://xn--wcsw84d.example.com/": "https://xn--wcsw84d.example.com/",
}


@pytest.mark.parametrize("url", PASSED)
def test_a_plain_link_passes_and_is_asked_for_in_one_form(url: str) -> None:
    target = check_url(url)
    assert target.url == PASSED[url]
    assert check_url(target.url) == target


PIECES = st.sampled_from(
    ["https://", "http://", "a.test", "127.0.0.1", "[::1]", "@", ":", "443", "/", "\\", "#", "?",
     "%2e", ".", "。", "0x7f", "０", "\t", "xn--", "é", "..", "[", "]", "%", "user", "\ud800"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=8).map("".join)))
def test_any_text_is_a_target_or_a_refusal_and_every_parser_agrees_on_it(text: str) -> None:
    try:
        target = check_url(text, allow_http=True)
    except AddressRefused as refused:
        refused.message().encode()
        return
    parts, client = urlsplit(target.url), URL(target.url)
    assert (parts.hostname, parts.port or target.port) == (target.host, target.port)
    assert (client.raw_host, client.port) == (target.host, target.port)
    assert parts.username is None and client.user is None
    assert target.url.isascii()
    assert check_url(target.url, allow_http=True) == target


def test_http_is_opted_into() -> None:
    assert check_url("http://a.test/", allow_http=True).port == 80
    with pytest.raises(AddressRefused):
        check_url("http://a.test:443/", allow_http=True)


ALLOWED = {
    "nas.home": "http://nas.home:3000/a.png",
    "nas.home:3000": "http://nas.home:3000/a.png",
    "nas": "http://nas/a.png",
    "192.168.1.5": "http://192.168.1.5:3000/a.png",
    "192.168.1.5:3000": "http://192.168.1.5:3000/a.png",
    "[fd12::1]": "http://[fd12::1]:3000/a.png",
    "[fd12::1]:3000": "http://[fd12::1]:3000/a.png",
}


@pytest.mark.parametrize("entry", ALLOWED)
def test_an_allowed_host_may_have_any_port_plain_http_and_a_private_address(entry: str) -> None:
    target = check_url(ALLOWED[entry], allow_hosts=[entry])
    assert target.url == ALLOWED[entry]
    for address in ("192.168.1.5", "127.0.0.1", "100.64.0.9", "fd12::1", "::1"):
        check_address(target, address)


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://nas.home:3001/", "nas.home:3000"),
        ("http://nas.home.evil.com:3000/", "nas.home:3000"),
        ("http://evil-nas.home:3000/", "nas.home:3000"),
        ("https://a.test:3000/", "b.test"),
        ("https://me@nas.home/", "nas.home"),
        ("ftp://nas.home/", "nas.home"),
    ],
)
def test_an_allowed_host_allows_itself_only(url: str, entry: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, allow_hosts=[entry])


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "0.0.0.0"]
)
def test_not_even_an_allowed_host_may_be_a_metadata_service(address: str) -> None:
    target = check_url("https://nas.home/", allow_hosts=["nas.home"])
    with pytest.raises(AddressRefused):
        check_address(target, address)


def test_a_refusal_shows_neither_user_nor_query_nor_controls() -> None:
    url = "https://me:canary@127.0.0.1/a\x1b[31m?sig=canary#canary"
    with pytest.raises(AddressRefused) as refused:
        check_url(url)
    assert "canary" not in refused.value.message()
    assert "\x1b" not in refused.value.message()


@given(st.text(max_size=300))
def test_what_is_printed_is_short_plain_and_without_a_query(url: str) -> None:
    shown = printable(url)
    assert shown.isascii() and shown.isprintable()
    assert len(shown) <= 120
    assert "?" not in shown and "#" not in shown
