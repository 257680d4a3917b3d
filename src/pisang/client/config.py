"""Reading the two settings files, strictly.

`$PISANG_HOME/config.toml` is its user's own. The folder's `pisang.toml` may have come with somebody
else's project, so it may say how pictures look and are named, and no more: no address, no key, no
upstream of its own making, and no folder outside itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Literal, cast

from pisang.client.addresses import check_proxy, clean_base_url
from pisang.client.config_checks import (
    PERIODS,
    check_currency,
    check_name,
    check_reference,
    check_scope,
    check_variable,
    check_zone,
)
from pisang.client.config_gateway import read_keys, read_serving, read_teams
from pisang.client.naming import check_template
from pisang.client.presets import PRESETS, WIRES
from pisang.client.schema import Table, days, gigabytes, parse_document, seconds
from pisang.client.settings import (
    HOME_FILE,
    Defaults,
    Entry,
    KeyEntry,
    Serving,
    Storing,
    TeamEntry,
)
from pisang.client.storing import read_storing
from pisang.domain.ledger import Budget
from pisang.domain.money import Money
from pisang.domain.retention import Retention
from pisang.domain.upstream import Auth, Limits, Quirks
from pisang.errors import Language

KINDS = ("google", "vertex", "relay", "crawl", "openai", "pisang", "sandbox")


@dataclass(frozen=True, slots=True)
class Config:
    """What the home's `config.toml` says."""

    defaults: Defaults
    language: Language | None = None
    currency: str = "USD"
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    upstreams: Mapping[str, Entry] = field(default_factory=dict, repr=False)
    retention: Retention = field(default_factory=Retention)
    serving: Serving = field(default_factory=Serving)
    keys: Mapping[str, KeyEntry] = field(default_factory=dict, repr=False)
    teams: Mapping[str, TeamEntry] = field(default_factory=dict, repr=False)
    storing: Storing = field(default_factory=Storing)


def parse_folder(text: str, path: Path) -> Defaults:
    """What a folder's `pisang.toml` says. Raises `SettingsMalformed`."""
    table = parse_document(text, path)
    defaults = _defaults(table, upstream_key="upstream")
    table.done()
    out = PurePath(defaults.out or ".")
    if out.is_absolute() or ".." in out.parts or out.parts[:1] == ("~",):
        raise table.wrong("out", f"{defaults.out!r} is outside this folder")
    return defaults


def parse_config(text: str, path: Path) -> Config:
    """What the home's `config.toml` says. Raises `SettingsMalformed`."""
    table = parse_document(text, path)
    config = Config(
        defaults=_defaults(table, upstream_key="default_upstream"),
        language=cast("Language | None", table.text("language", choices=("en", "zh"))),
        currency=table.checked("currency", check_currency) or "USD",
        rates=_rates(table),
        budgets=_budgets(table),
        upstreams=_upstreams(table),
        retention=_retention(table),
        serving=read_serving(table),
        keys=read_keys(table),
        teams=read_teams(table),
        storing=read_storing(table),
    )
    table.done()
    return config


def parse_upstreams(text: str, path: Path) -> dict[str, Entry]:
    """The upstreams that a file shares, and it may hold nothing else. Raises
    `SettingsMalformed`."""
    table = parse_document(text, path)
    found = _upstreams(table)
    table.done()
    return found


def parse_entry(name: str, values: Mapping[str, object]) -> Entry:
    """An upstream as somebody says it who writes no file. Raises `SettingsMalformed`, which names
    the setting as the file would have it."""
    table = Table(values, Path(HOME_FILE), "", ("upstreams", name))
    return _upstream(name, table)


def _defaults(table: Table, *, upstream_key: str) -> Defaults:
    return Defaults(
        upstream=table.text(upstream_key),
        model=table.text("model"),
        aspect_ratio=table.text("aspect_ratio"),
        image_size=table.text("image_size"),
        style=table.text("style"),
        out=table.text("out"),
        naming=table.checked("naming", check_template),
        max_cost=table.money("max_cost"),
        timeout_s=table.number("timeout_s", seconds),
    )


def _rates(top: Table) -> dict[str, Decimal]:
    table = top.table("rates")
    if table is None:
        return {}
    found: dict[str, Decimal] = {}
    for name in table.names():
        try:
            currency = check_currency(name)
        except ValueError as error:
            raise table.wrong(name, f"{name!r} is not a currency") from error
        rate = table.decimal(name)
        if rate is not None:
            found[currency] = rate
    return found


def _budgets(top: Table) -> tuple[Budget, ...]:
    table = top.table("budgets")
    if table is None:
        return ()
    return tuple(_budget(name, one) for name in table.names() if (one := table.table(name)))


def _budget(name: str, table: Table) -> Budget:
    cap = table.money("cap")
    if cap is None:
        raise table.wrong("cap", 'a budget needs one, such as "5USD"')
    period = table.text("period", choices=PERIODS) or "month"
    scope = table.checked("scope", check_scope) or "all"
    zone = table.checked("time_zone", check_zone) or "UTC"
    table.done()
    return Budget(name, scope, cast("Literal['day', 'month', 'total']", period), cap, zone)


def _retention(top: Table) -> Retention:
    table = top.table("retention")
    if table is None:
        return Retention()
    usual = Retention()
    answers, signatures = table.number("answers_days", days), table.number("signatures_days", days)
    retention = Retention(
        answers_days=usual.answers_days if answers is None else answers,
        signatures_days=usual.signatures_days if signatures is None else signatures,
        images_days=table.number("images_days", days),
        images_bytes=table.number("images_gb", gigabytes),
    )
    table.done()
    return retention


def _upstreams(top: Table) -> dict[str, Entry]:
    table = top.table("upstreams")
    if table is None:
        return {}
    found: dict[str, Entry] = {}
    for name in table.names():
        try:
            check_name(name)
        except ValueError as error:
            raise table.wrong(name, str(error)) from error
        one = table.table(name)
        if one is not None:
            found[name] = _upstream(name, one)
    return found


def _upstream(name: str, table: Table) -> Entry:
    preset = table.text("preset", choices=PRESETS)
    networks = PRESETS[preset].networks if preset else {}
    entry = Entry(
        name=name,
        preset=preset,
        network=table.text("network", choices=networks or ("(this preset has none)",)),
        wire=table.text("wire", choices=WIRES),
        base_url=table.checked("base_url", lambda text: clean_base_url(text)[0], shown=False),
        auth=table.checked("auth", _check_auth, shown=False),
        kind=table.text("kind", choices=KINDS),
        key_env=_key_env(table),
        more_key_envs=_variables(table, "more_key_envs"),
        models=table.texts("models"),
        default_model=table.text("default_model"),
        default_aspect_ratio=table.text("default_aspect_ratio"),
        default_image_size=table.text("default_image_size"),
        proxy=table.checked("proxy", check_proxy, shown=False),
        priority=table.integer("priority"),
        weight=table.integer("weight"),
        limits=_limits(table),
        quirks=_quirks(table),
        prices=_prices(table, "prices"),
        published=_prices(table, "published"),
        published_on=table.text("published_on"),
    )
    table.done()
    if preset is None and (entry.wire is None or entry.base_url is None):
        raise table.wrong("wire" if entry.wire is None else "base_url", "it is missing")
    return entry


def _key_env(table: Table) -> str | None:
    """The variable that holds the key: `key_env = "NAME"`, or the same as `key = "${NAME}"`."""
    named = table.checked("key_env", check_variable, shown=False)
    written = table.checked("key", check_reference, shown=False)
    if named and written:
        raise table.wrong("key", "key_env is given too")
    return named or written


def _variables(table: Table, name: str) -> tuple[str, ...] | None:
    """The names of variables; one that is none is not repeated, for it may be a key."""
    try:
        return tuple(map(check_variable, table.texts(name) or ())) or None
    except ValueError as error:
        raise table.wrong(name, str(error)) from None


def _check_auth(text: str) -> Auth:
    try:
        return Auth(text)
    except ValueError as error:
        raise ValueError(f"choose one of {', '.join(Auth)}") from error


def _limits(top: Table) -> Limits | None:
    table = top.table("limits")
    if table is None:
        return None
    limits = Limits(
        concurrency=table.integer("concurrency", least=1),
        interval_ms=table.integer("interval_ms") or 0,
        rpm=table.integer("rpm", least=1),
    )
    table.done()
    return limits


def _quirks(top: Table) -> Quirks | None:
    table = top.table("quirks")
    if table is None:
        return None
    usual = Quirks()
    references = table.boolean("references")
    suffix = table.boolean("size_suffix")
    quirks = Quirks(
        size_key=table.text("size_key") or usual.size_key,
        references=usual.references if references is None else references,
        size_suffix=usual.size_suffix if suffix is None else suffix,
        max_tokens=table.integer("max_tokens", least=1) or usual.max_tokens,
    )
    table.done()
    return quirks


def _prices(top: Table, section: str) -> dict[str, Money]:
    table = top.table(section)
    if table is None:
        return {}
    return {name: price for name in table.names() if (price := table.money(name))}
