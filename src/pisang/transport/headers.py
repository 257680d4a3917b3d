"""Header fields in both directions: what we send is checked, what we get is made plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pisang.domain.answer import Ended
from pisang.transport.base import Failure, Outgoing

MAX_HEADERS = 100
"""Apache takes 100 lines, nginx's and aiohttp's own limits lie between 100 and 128."""

MAX_HEADER_BYTES = 16 * 1024
"""For one line; Google's longest seen is under 1 KiB, a CDN's policy header can be 8."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""Control characters but for the tab, and what is no text at all."""

_OURS = frozenset({"accept-encoding", "content-length", "host", "transfer-encoding", "connection"})
"""Fields that decide how the exchange is framed: nobody else sets them."""

_DROPPED = frozenset({"set-cookie", "set-cookie2"})
"""Cookies are kept by nobody here, so they are in no row and no relayed answer either."""


def outgoing_headers(call: Outgoing) -> dict[str, str]:
    """The fields to send, secrets revealed, names in lower case.

    Raises `Failure` (not sent) for a name or value that would break out of its line.
    """
    fields = {"user-agent": "pisang", "accept": "*/*"}
    for name, value in call.headers.items():
        fields[_name(name)] = _value(name, value)
    for name, secret in call.secrets.items():
        fields[_name(name)] = _value(name, secret.reveal())
    for name in _OURS:
        fields.pop(name, None)
    fields["accept-encoding"] = "identity"
    if call.body is not None:
        fields["content-length"] = str(call.length)
    return fields


def incoming_headers(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Lower-case names, values as UTF-8 or else Latin-1, repeated fields joined (RFC 9110 §5.3)."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = _text(raw_name).lower()
        if name in _DROPPED:
            continue
        value = _CONTROL.sub(" ", _text(raw_value)).strip()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def _name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise refused(f"the header name {name[:40]!r} is not one")
    return name.lower()


def _value(name: str, value: str) -> str:
    if _CONTROL.search(value):
        raise refused(f"the value of header {name!r} holds a line break or control character")
    return value.strip()


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def refused(reason: str) -> Failure:
    """The failure of a call that is turned down here, before a connection is made."""
    return Failure(Ended.NOT_CONNECTED, sent=False, reason=reason)
