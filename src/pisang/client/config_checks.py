"""What the settings may hold: names, variables, currencies, scopes, origins. Each check gives the
value, or raises `ValueError` with what is wrong."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pisang.domain.money import parse_money

PERIODS = ("day", "month", "total")

_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_REFERENCE = re.compile(r"^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$")
_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,39}$")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s@]+")


def check_name(text: str) -> str:
    """An upstream's name; `ValueError` when it is none."""
    if not _NAME.match(text):
        raise ValueError("a name is up to 40 of a-z, 0-9, dot, dash and underscore")
    return text


def check_variable(text: str) -> str:
    """A variable's name; `ValueError`, which does not repeat it, for what may be a key."""
    if not _VARIABLE.match(text):
        raise ValueError("it takes the name of a variable, never the key itself")
    return text


def check_currency(text: str) -> str:
    """A currency's three capital letters; `ValueError` otherwise."""
    return parse_money(f"0{text}").currency


def check_zone(text: str) -> str:
    """A time zone's name; `ValueError` when there is none of that name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("there is no such time zone: write it like Asia/Shanghai") from error
    return text


def check_scope(text: str) -> str:
    """What a budget counts; `ValueError` for what it can't."""
    if text != "all" and not text.startswith(("upstream:", "key:", "team:")):
        raise ValueError("a scope is all, upstream:NAME, key:ID or team:NAME")
    return text


def check_reference(text: str) -> str:
    """The variable that `${NAME}` names; `ValueError`, which does not repeat what may be a key."""
    found = _REFERENCE.match(text)
    if found is None:
        raise ValueError("secrets are not kept here: write ${NAME}, the variable that holds it")
    return found[1]


def check_origin(text: str) -> str:
    """An origin as a browser tells it, or `*`; `ValueError` for what no page has."""
    origin = text.strip().lower()
    if origin == "*" or _ORIGIN.fullmatch(origin):
        return origin
    raise ValueError("an origin is scheme, host and port alone, like https://studio.example.com")


def check_public_url(text: str) -> str:
    """An http address without query, as callers are told it; `ValueError` otherwise."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("it is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("write it like https://images.example.com")
    if parts.query or parts.fragment:
        raise ValueError("write it like https://images.example.com")
    return text.rstrip("/")
