"""Which URLs may be fetched, and which addresses may be connected to. Rules only: no socket.

For URLs that somebody else chose (a link in a reply). What an upstream's own configuration names
is the user's choice and is not guarded. Parsing is strict where servers and libraries are known
to read one URL in two ways: what is not plainly a public https address is refused.

Sources: IANA special-purpose address registries (IPv4 2025-10-09, IPv6 2025-10-09); RFC 6890,
RFC 4380 (Teredo), RFC 3056 (6to4), RFC 6052 and 8215 (NAT64), RFC 5214 (ISATAP); WHATWG URL,
"ends in a number" (2026-10); the clouds' own pages for their metadata addresses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from pisang.errors import AddressRefused
from pisang.transport.urls import MAX_HOST_LENGTH, ascii_host, percent_encoded

MAX_URL_LENGTH = 8192

_PORTS = {"https": 443, "http": 80}

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.S)
_NEVER = re.compile(r"[\x00-\x20\x7f-\xa0\ud800-\udfff\\]")
"""Blanks, controls, what is no text, and the backslash: each is read in more than one way."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]@%]+))(?::(?P<port>[1-9][0-9]{0,4}))?"
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_OWN_NETWORK = (
    ("127.0.0.0/8", "this machine"),
    ("::1/128", "this machine"),
    ("10.0.0.0/8", "in a private network"),
    ("172.16.0.0/12", "in a private network"),
    ("192.168.0.0/16", "in a private network"),
    ("fc00::/7", "in a private network"),
    ("100.64.0.0/10", "in a carrier's or overlay's inner network"),
)
"""Where an allowed host may be after all: a gateway in one's own house serves its own links."""

_NEVER_FETCHED = (
    ("168.63.129.16/32", "a cloud's metadata service"),  # Azure
    ("100.100.100.200/32", "a cloud's metadata service"),  # Alibaba
    ("fd00:ec2::/32", "a cloud's metadata service"),  # Amazon
    ("fd20:ce::/32", "a cloud's metadata service"),  # Google
    ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
    ("192.0.0.0/24", "reserved"),  # with 192.0.0.192, Oracle's metadata
    ("0.0.0.0/8", "unspecified"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "a 6to4 relay"),
    ("198.18.0.0/15", "for benchmarks (a proxy in fake-IP mode answers so too)"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::ffff:0:0/96", "an IPv4 address in IPv6 form"),
    ("::ffff:0:0:0/96", "an IPv4 address in IPv6 form"),
    ("64:ff9b::/96", "a NAT64 form"),
    ("64:ff9b:1::/48", "a NAT64 form"),
    ("2001::/32", "a Teredo form"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "for documentation"),
    ("2002::/16", "a 6to4 form"),
    ("3fff::/20", "for documentation"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
"""Where nothing is fetched from, allowed or not. (`::1` lies in the range of IPv4-compatible
addresses, so that range has no row: it is outside of `_PUBLIC_IPV6`.)"""

_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_ISATAP = (0x00005EFE, 0x02005EFE)


def _networks(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[Network, str], ...]:
    return tuple((ipaddress.ip_network(text), why) for text, why in rows)


_NEVER_NETWORKS = _networks(_NEVER_FETCHED)
_OWN_NETWORKS = _networks(_OWN_NETWORK)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed: what to connect to and what to ask there.

    `host` is ASCII and lower case; `address` is set where the host is an address itself;
    `allowed` says that the caller named this host. `rest` is path and query, ASCII.
    """

    scheme: str
    host: str
    port: int
    rest: str
    address: Address | None = None
    allowed: bool = False

    @property
    def url(self) -> str:
        """The URL to ask for."""
        host = f"[{self.host}]" if isinstance(self.address, ipaddress.IPv6Address) else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.rest}"


def check_url(url: str, *, allow_http: bool = False, allow_hosts: Collection[str] = ()) -> Target:
    """The target of a URL; its host's addresses are still to be checked, each one.

    `allow_hosts` holds `host` or `host:port`, lower case: for these any port (or that port) is
    taken, and an address in one's own network. Raises `AddressRefused`.
    """
    try:
        return _target(url, allow_http, allow_hosts)
    except _Refusal as refusal:
        raise AddressRefused(url=printable(url), why=str(refusal)) from None


def check_address(target: Target, address: str) -> Address:
    """That address, when a connection to it may be made for that target; else `AddressRefused`."""
    try:
        parsed = ipaddress.ip_address(address)
        why = "no plain address" if "%" in address else _why_not(parsed, target.allowed)
    except ValueError:
        raise AddressRefused(url=printable(target.url), why="its name gives no address") from None
    if why:
        raise AddressRefused(url=printable(target.url), why=f"its address {parsed} is {why}")
    return parsed


def printable(url: str) -> str:
    """A URL as it may be shown: without user, query and fragment (keys ride there), and short."""
    head = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, mark, rest = head.partition("://")
    authority, slash, path = rest.partition("/")
    shown = f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"
    return ascii(shown[:120])[1:-1][:120]


class _Refusal(Exception):
    """Why a URL is refused, in words."""


def _target(url: str, allow_http: bool, allow_hosts: Collection[str]) -> Target:
    if len(url) > MAX_URL_LENGTH or _NEVER.search(url):
        raise _Refusal("it is too long, or holds blanks, control characters or backslashes")
    match = _URL.fullmatch(url)
    authority = _AUTHORITY.fullmatch(match["authority"]) if match else None
    scheme = match["scheme"].lower() if match else ""
    if scheme not in _PORTS:
        raise _Refusal("only https links are fetched")
    if match is None or authority is None:
        raise _Refusal("what stands for its host is not a plain host name and port")
    host, address = _host(authority)
    port = int(authority["port"] or _PORTS[scheme])
    name = f"[{host}]" if authority["ipv6"] else host
    allowed = name in allow_hosts or f"{name}:{port}" in allow_hosts
    if scheme == "http" and not (allow_http or allowed):
        raise _Refusal("only https links are fetched")
    if port != _PORTS[scheme] and not allowed:
        raise _Refusal(f"port {port} is not the usual one")
    if address is None and "." not in host and not allowed:
        raise _Refusal("its host is a name of the local network")
    rest = percent_encoded(match["rest"].partition("#")[0])
    rest = rest if rest.startswith("/") else f"/{rest}"
    return Target(scheme, host, port, rest, address, allowed)


def _host(authority: re.Match[str]) -> tuple[str, Address | None]:
    """The host in ASCII, and the address that it is, if it is one."""
    try:
        if authority["ipv6"]:
            ipv6 = ipaddress.IPv6Address(authority["ipv6"])
            return str(ipv6), ipv6
        name = ascii_host(authority["name"])
        labels = name.split(".")
        if len(name) > MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
            raise _Refusal("its host name is not a plain one")
        if _NUMBER.fullmatch(labels[-1]):
            ipv4 = ipaddress.IPv4Address(name)
            return str(ipv4), ipv4
    except ValueError:
        raise _Refusal("its host is not an address in its usual form") from None
    return name, None


def _why_not(address: Address, allowed: bool) -> str:
    """Why that address is not connected to; empty when it may be."""
    why = _found(address, _NEVER_NETWORKS)
    own = _found(address, _OWN_NETWORKS)
    if why or own:
        return why or ("" if allowed else own)
    if isinstance(address, ipaddress.IPv6Address):
        if address not in _PUBLIC_IPV6:
            return "not a public address"
        if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
            return "an ISATAP form"
    return ""


def _found(address: Address, networks: tuple[tuple[Network, str], ...]) -> str:
    return next((why for network, why in networks if address in network), "")
