"""URLs that must never be connected to: forbidden addresses in every spelling that some library,
browser or resolver is known to understand."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

IPV4 = (
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "100.64.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
)

IPV6 = (
    "::",
    "::1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "ff02::1",
    "2001:db8::1",
    "2001:10::1",
    "3fff::1",
    "100::1",
    "5f00::1",
    "4000::1",
)


def _octets(ip: str) -> list[int]:
    return [int(part) for part in ip.split(".")]


def _groups(ip: str) -> str:
    a, b, c, d = _octets(ip)
    return f"{a:02x}{b:02x}:{c:02x}{d:02x}"


def _number(ip: str) -> int:
    return int(ipaddress.IPv4Address(ip))


def _wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in text)


def _circled(text: str) -> str:
    rings = "⓪①②③④⑤⑥⑦⑧⑨"
    return "".join(rings[int(char)] if char.isdigit() else char for char in text)


def _shortened(ip: str) -> str:
    a, b, c, d = _octets(ip)
    return f"{a}.{(b << 16) + (c << 8) + d}"


def _teredo(ip: str) -> str:
    """The client's address is hidden bit by bit (RFC 4380 §4)."""
    hidden = _groups(str(ipaddress.IPv4Address(_number(ip) ^ 0xFFFFFFFF)))
    return f"[2001:0:4136:e378:8000:63bf:{hidden}]"


ENCODINGS: dict[str, Callable[[str], str]] = {
    "dotted": lambda ip: ip,
    "one number": lambda ip: str(_number(ip)),
    "one hex number": lambda ip: hex(_number(ip)),
    "one octal number": lambda ip: f"0{_number(ip):o}",
    "hex parts": lambda ip: ".".join(map(hex, _octets(ip))),
    "octal parts": lambda ip: ".".join(f"0{part:o}" for part in _octets(ip)),
    "leading zeros": lambda ip: ".".join(f"{part:04d}" for part in _octets(ip)),
    "two parts": _shortened,
    "one part hex": lambda ip: ".".join([hex(_octets(ip)[0]), *ip.split(".")[1:]]),
    "overflowing": lambda ip: ".".join(str(part + 256) for part in _octets(ip)),
    "trailing dot": lambda ip: f"{ip}.",
    "full-width": _wide,
    "circled": _circled,
    "ideographic dots": lambda ip: ip.replace(".", "。"),
    "half-width dots": lambda ip: ip.replace(".", "｡"),
    "percent-encoded": lambda ip: "".join(f"%{ord(char):02x}" for char in ip),
    "percent-encoded dots": lambda ip: ip.replace(".", "%2e"),
    "soft hyphen": lambda ip: ip[:2] + "\u00ad" + ip[2:],
    "mapped": lambda ip: f"[::ffff:{ip}]",
    "mapped in hex": lambda ip: f"[::ffff:{_groups(ip)}]",
    "mapped, written out": lambda ip: f"[0:0:0:0:0:ffff:{_groups(ip)}]",
    "translated": lambda ip: f"[::ffff:0:{ip}]",
    "compatible": lambda ip: f"[::{_groups(ip)}]",
    "6to4": lambda ip: f"[2002:{_groups(ip)}::1]",
    "NAT64": lambda ip: f"[64:ff9b::{ip}]",
    "local NAT64": lambda ip: f"[64:ff9b:1::{ip}]",
    "Teredo": _teredo,
    "ISATAP": lambda ip: f"[2a00:1450:4001:81b:0:5efe:{_groups(ip)}]",
    "ISATAP, global bit": lambda ip: f"[2a00:1450:4001:81b:200:5efe:{_groups(ip)}]",
    "behind a user": lambda ip: f"images.example.com@{ip}",
    "behind a user and password": lambda ip: f"images.example.com:443@{ip}",
    "before a fragment": lambda ip: f"{ip}#@images.example.com",
    "before a backslash": lambda ip: f"{ip}\\@images.example.com",
    "after a tab": lambda ip: f"\t{ip}",
    "with a line break": lambda ip: f"{ip}\r\nHost: a",
    "with a port": lambda ip: f"{ip}:443",
    "in brackets": lambda ip: f"[{ip}]",
}


def hostile_urls() -> dict[str, list[str]]:
    """Every forbidden address in every encoding, over https, by encoding."""
    urls = {
        name: [f"https://{encode(ip)}/a.png" for ip in IPV4] for name, encode in ENCODINGS.items()
    }
    forms: dict[str, Callable[[str], str]] = {
        "IPv6": lambda ip: f"[{ip}]",
        "IPv6 written out": lambda ip: f"[{ipaddress.IPv6Address(ip).exploded.upper()}]",
        "IPv6 with a zone": lambda ip: f"[{ip}%25eth0]",
        "IPv6 with a bare zone": lambda ip: f"[{ip}%eth0]",
        "IPv6 without brackets": lambda ip: ip,
    }
    return urls | {
        name: [f"https://{form(ip)}/a.png" for ip in IPV6] for name, form in forms.items()
    }
