"""What `config.toml` says of the gateway: who may call it from where, and who hears of what.

A secret is never written there: where one belongs stands `${NAME}`, the variable that holds it,
read when the gateway opens and when it reads its settings again. Other commands need none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

from pisang.client.config_checks import (
    PERIODS,
    check_name,
    check_origin,
    check_public_url,
    check_reference,
    check_zone,
)
from pisang.client.schema import Table, seconds
from pisang.client.settings import HookEntry, KeyEntry, Serving, TeamEntry, Variable
from pisang.domain.access import Role
from pisang.domain.model import SIZES, canonical_size
from pisang.domain.money import Money
from pisang.errors import AddressRefused
from pisang.transport.guard import check_url

_T = TypeVar("_T")


def read_serving(top: Table) -> Serving:
    """The table `[gateway]`."""
    table = top.table("gateway")
    if table is None:
        return Serving()
    serving = Serving(
        keepalive_s=table.number("keepalive_s", seconds) or Serving().keepalive_s,
        cors_origins=_each(table, "cors_origins", check_origin),
        public_url=table.checked("public_url", check_public_url),
        webhook_hosts=_each(table, "webhook_hosts", _check_host),
        webhook_secret=read_variable(table, "webhook_secret"),
        alerts=_hook(table, "alerts"),
    )
    table.done()
    return serving


def read_keys(top: Table) -> dict[str, KeyEntry]:
    """The tables `[keys.NAME]`."""
    return _named(top, "keys", _key)


def read_teams(top: Table) -> dict[str, TeamEntry]:
    """The tables `[teams.NAME]`."""
    return _named(top, "teams", _team)


def _named(top: Table, section: str, read: Callable[[str, Table], _T]) -> dict[str, _T]:
    table = top.table(section)
    if table is None:
        return {}
    found: dict[str, _T] = {}
    for name in table.names():
        try:
            check_name(name)
        except ValueError as error:
            raise table.wrong(name, str(error)) from error
        one = table.table(name)
        if one is not None:
            found[name] = read(name, one)
            one.done()
    return found


def _key(name: str, table: Table) -> KeyEntry:
    text = read_variable(table, "key")
    if text is None:
        raise table.wrong("key", "it is missing")
    return KeyEntry(
        name=name,
        text=text,
        role=table.text("role", choices=tuple(Role)) or Role.USE.value,
        team=table.checked("team", check_name),
        models=table.texts("models") or (),
        max_size=table.checked("max_size", _check_size),
        rpm=table.integer("rpm", least=1),
        concurrency=table.integer("concurrency", least=1),
        expires_ms=table.checked("expires", _check_moment),
        caps=_caps(table),
        time_zone=table.checked("time_zone", check_zone),
        webhook=_hook(table, "webhook"),
    )


def _team(name: str, table: Table) -> TeamEntry:
    zone = table.checked("time_zone", check_zone)
    return TeamEntry(name=name, caps=_caps(table), time_zone=zone, webhook=_hook(table, "webhook"))


def _caps(top: Table) -> Mapping[str, Money]:
    table = top.table("budgets")
    if table is None:
        return {}
    caps = {period: cap for period in PERIODS if (cap := table.money(period)) is not None}
    table.done()
    return caps


def _hook(top: Table, name: str) -> HookEntry | None:
    table = top.table(name)
    if table is None:
        return None
    url = table.checked("url", _check_address, shown=False)
    if url is None:
        raise table.wrong("url", "it is missing")
    hook = HookEntry(url, read_variable(table, "secret"))
    table.done()
    return hook


def read_variable(table: Table, name: str) -> Variable | None:
    found = table.checked(name, check_reference, shown=False)
    return None if found is None else Variable(found, table.place(name))


def _each(table: Table, name: str, check: Callable[[str], str]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(map(check, table.texts(name) or ())))
    except ValueError as error:
        raise table.wrong(name, str(error)) from error


def _check_address(text: str) -> str:
    """An address that may be told something; whether it may be reached is seen when it is."""
    try:
        check_url(text, allow_http=True, allow_hosts=[urlsplit(text).netloc.lower()])
    except AddressRefused as error:
        raise ValueError(str(error.fields["why"])) from None
    except ValueError:
        raise ValueError("it is not a URL") from None
    return text


def _check_host(text: str) -> str:
    host = text.strip().lower()
    if not host or "/" in host or "@" in host:
        raise ValueError("it wants a host, or a host and port, like hooks.internal:8443")
    return host


def _check_size(text: str) -> str:
    size = canonical_size(text)
    if size is None:
        raise ValueError(f"choose one of {', '.join(SIZES)}")
    return size


def _check_moment(text: str) -> int:
    """A day or a moment, in milliseconds since the epoch; days begin in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("write it like 2027-06-30 or 2027-06-30T12:00Z") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
