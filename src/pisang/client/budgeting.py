"""Caps, the ledger's currency and rates, as a user's words for them; written to `config.toml`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pisang.client.config_checks import check_currency, check_scope, check_zone
from pisang.client.config_money import put_currency, put_rate
from pisang.client.schema import positive_decimal
from pisang.client.settings import Settings
from pisang.domain.ledger import Budget
from pisang.domain.money import parse_money
from pisang.errors import OptionInvalid, UpstreamUnknown

_ZONES = "zoneinfo/"
"""What stands in the path of a system's time zones before a zone's name."""


def read_cap(
    settings: Settings, scope: str, cap: str, period: str, time_zone: str | None = None
) -> Budget:
    """The cap that these words mean; one of that scope and period keeps its id.

    Raises `OptionInvalid` for words that mean none, `UpstreamUnknown` for an upstream that is not
    configured.
    """
    try:
        check_scope(scope)
        zone = check_zone(time_zone) if time_zone else local_zone(settings.environ.get("TZ"))
    except ValueError as error:
        option, value = ("--time-zone", time_zone) if time_zone else ("SCOPE", scope)
        raise OptionInvalid(option=option, value=value, why=str(error)) from error
    try:
        money = parse_money(cap, settings.currency)
    except ValueError as error:
        raise OptionInvalid(option="CAP", value=cap, why=str(error)) from error
    kind, _, name = scope.partition(":")
    if kind == "upstream" and name not in settings.upstreams and name != "sandbox":
        names = ", ".join(settings.upstreams)
        choices = f"configured are {names}" if names else "none is configured yet"
        raise UpstreamUnknown(name=name, choices=choices)
    there = (one.id for one in settings.budgets or () if (one.scope, one.period) == (scope, period))
    return Budget(
        id=next(there, f"{scope.replace(':', '-')}-{period}"),
        scope=scope,
        period=cast("Literal['day', 'month', 'total']", period),
        cap=money,
        time_zone=zone,
    )


def set_rate(settings: Settings, currency: str, rate: str | None) -> None:
    """Set what one unit of a currency is worth in the ledger's; None takes it back. Raises
    `OptionInvalid`."""
    code = _currency("CURRENCY", currency)
    if code == settings.currency:
        raise OptionInvalid(option="CURRENCY", value=currency, why="it is the ledger's own")
    try:
        worth = positive_decimal(rate) if rate is not None else None
    except ValueError as error:
        raise OptionInvalid(option="RATE", value=rate, why=str(error)) from error
    put_rate(settings.home, code, worth)


def set_currency(settings: Settings, currency: str) -> None:
    """Set the ledger's one currency. Raises `OptionInvalid` while rates into the old one stand."""
    code = _currency("CODE", currency)
    if code == settings.currency:
        return
    if settings.rates:
        first = next(iter(settings.rates))
        why = f"rates are set in {settings.currency}: take them back first"
        hint = f"pisang budget rate {first} --remove"
        raise OptionInvalid(option="CODE", value=currency, why=why, hint=hint)
    put_currency(settings.home, code)


def local_zone(named: str | None, link: Path = Path("/etc/localtime")) -> str:
    """The name of this machine's time zone: `TZ`, else what the system's link names, else UTC."""
    words = (named or "").lstrip(":"), os.path.realpath(link).rpartition(_ZONES)[2]
    return next((word for word in words if _is_zone(word)), "UTC")


def _is_zone(word: str) -> bool:
    try:
        return bool(word) and bool(ZoneInfo(word))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _currency(option: str, word: str) -> str:
    try:
        if word.isalpha():
            return check_currency(word)
        raise ValueError
    except ValueError as error:
        why = "a currency is three letters, such as CNY"
        raise OptionInvalid(option=option, value=word, why=why) from error
