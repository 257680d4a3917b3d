"""Addresses of images that need no key: for callers of OpenAI's wire who ask for `url`.

Whoever fetches such an address (a browser, a library's own download) sends no key along, so the
address is itself the right to that one image, for an hour, as OpenAI's own are. It is signed with
what is kept of the caller's key: a server of the same home can check it, and it ends with the key.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from pisang.domain.access import GatewayKey
from pisang.domain.answer import Reply
from pisang.domain.request import Image, Link, Part
from pisang.engine.world import now_ms
from pisang.errors import OptionInvalid
from pisang.gateway.routes import PREFIX
from pisang.wires.base import Ask

PARAMETER = "link"
VALID_S = 3600


def check_linked(ask: Ask) -> None:
    """Raises `OptionInvalid` for what can't be had by address: a picture that is written in
    another type is written for one answer, and is no image of the ledger."""
    if ask.options.get("response_format") == "url" and "output_format" in ask.options:
        why = "with output_format the pictures are in the answer itself: leave one of the two out"
        raise OptionInvalid(option="response_format", value="url", why=why)


def link(reply: Reply, ask: Ask, address: Callable[[str], str]) -> Reply:
    """The reply with addresses in place of its pictures, where the caller asked for these."""
    if ask.options.get("response_format") != "url":
        return reply
    return replace(reply, parts=tuple(_linked(part, address) for part in reply.parts))


def _linked(part: Part, address: Callable[[str], str]) -> Part:
    if not isinstance(part, Image) or part.thought:
        return part
    return Link(address(part.content.sha256), part.mime)


def address(base: str, key: GatewayKey | None, image: str) -> str:
    """Where an image of the key's owner is, `base` before its path, for `VALID_S` from now on.
    Without a key nobody needs one: the path is enough."""
    path = f"{PREFIX}/images/{image}"
    if key is None:
        return base + path
    until = now_ms() // 1000 + VALID_S
    return f"{base}{path}?{PARAMETER}={key.id}.{until}.{_signature(key, path, until)}"


def key_in(word: str) -> str:
    """The id of the key that a signed address is by."""
    return word.partition(".")[0]


def is_signed(word: str, path: str, key: GatewayKey, now_s: int) -> bool:
    """Whether that key's owner was given the path, and its time is not over."""
    _, until, signature = (*word.split(".", 2), "", "")[:3]
    if not (until.isascii() and until.isdigit() and len(until) < 12):
        return False
    expected = _signature(key, path, int(until))
    genuine = hmac.compare_digest(signature.encode(), expected.encode())
    return genuine and now_s < int(until)


def _signature(key: GatewayKey, path: str, until: int) -> str:
    return hmac.new(key.digest, f"{path}\n{until}".encode(), sha256).hexdigest()
