"""Which proxy a call goes through, as users have them set for curl.

An upstream's own `proxy` wins over everything (`direct` means none). Else the environment:
`https_proxy` / `http_proxy` by the URL's scheme, then `all_proxy`, each in lower or upper case,
lower case first; `no_proxy` lists what is reached directly (names with their subdomains,
addresses, CIDR blocks, `*`). Source: curl's manual, "Environment" and `--noproxy` (8.16, 2026-09).
Two differences, both for safety: this machine itself is never reached through a proxy of the
environment (as Go's net/http does), and `HTTP_PROXY` is not believed where `REQUEST_METHOD` is
set, since a CGI caller can set it (CVE-2016-5385).
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from pisang.domain.secret import Secret
from pisang.errors import OptionInvalid

_BLANK = re.compile(r"[\s\x00-\x20\x7f]")

DIRECT = "direct"
"""As an upstream's proxy: none, whatever the environment says."""

_PORTS = {
    "http": 80,
    "https": 443,
    "socks4": 1080,
    "socks4a": 1080,
    "socks5": 1080,
    "socks5h": 1080,
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy. Its name and password print as dots."""

    scheme: str
    host: str
    port: int
    user: Secret | None = None
    password: Secret | None = None

    @property
    def url(self) -> str:
        """Where it is, without name and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def socks(self) -> bool:
        """Whether it speaks SOCKS and not HTTP."""
        return self.scheme.startswith("socks")

    @property
    def authorization(self) -> Secret | None:
        """The value of `Proxy-Authorization`, where there is a name (RFC 7617)."""
        if self.user is None:
            return None
        password = self.password.reveal() if self.password else ""
        pair = f"{self.user.reveal()}:{password}".encode()
        return Secret("Basic " + base64.b64encode(pair).decode("ascii"))


def choose_proxy(url: str, own: str | None, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for a call to that URL; None for none.

    Raises `OptionInvalid` where what is set is no proxy address; its text says which setting.
    """
    if own:
        return None if own == DIRECT else _parse(own, "the upstream's proxy")
    target = urlsplit(url)
    name, value = _from_environment(target.scheme, environ)
    host = (target.hostname or "").rstrip(".")
    if not value or _is_this_machine(host) or _is_excepted(host, _no_proxy(environ)):
        return None
    return _parse(value, name)


def _from_environment(scheme: str, environ: Mapping[str, str]) -> tuple[str, str]:
    for lower in (f"{scheme}_proxy", "all_proxy"):
        for name in (lower, lower.upper()):
            if name == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
                continue
            if value := environ.get(name, "").strip():
                return name, value
    return "", ""


def _no_proxy(environ: Mapping[str, str]) -> list[str]:
    text = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return text.replace(",", " ").lower().split()


def _is_this_machine(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _is_excepted(host: str, entries: list[str]) -> bool:
    address = _address(host)
    if entries == ["*"]:
        return True
    if address is None:
        names = (entry.strip(".") for entry in entries)
        return any(name and (host == name or host.endswith(f".{name}")) for name in names)
    return any(_covers(entry.strip("[]"), address) for entry in entries)


def _covers(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _parse(text: str, setting: str) -> Proxy:
    try:
        if _BLANK.search(text):
            raise ValueError
        parts = urlsplit(text if "://" in text else f"http://{text}")
        usual = _PORTS[parts.scheme]
        port = parts.port or usual
    except (ValueError, KeyError):
        raise _malformed(setting, text) from None
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _malformed(setting, text)
    return Proxy(parts.scheme, parts.hostname, port, *_credentials(parts))


def _credentials(parts: SplitResult) -> tuple[Secret | None, Secret | None]:
    if parts.username is None:
        return None, None
    password = None if parts.password is None else Secret(unquote(parts.password))
    return Secret(unquote(parts.username)), password


def _malformed(setting: str, text: str) -> OptionInvalid:
    """Leaves out what stands before the host: it may be a password."""
    why = f"write it as http://host:port, or with one of {', '.join(_PORTS)}"
    return OptionInvalid(option=setting, value=text.rpartition("@")[2], why=why)
