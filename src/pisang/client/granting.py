"""Keys for a gateway's callers, made from their user's words."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pisang.client.budgeting import local_zone
from pisang.client.config_checks import PERIODS, check_zone
from pisang.client.results import iso_time
from pisang.client.settings import Settings
from pisang.domain.access import (
    ALPHABET,
    ID_LETTERS,
    GatewayKey,
    Period,
    Role,
    Team,
    cap_of_caller,
    digest_of,
    id_in,
    write_text,
)
from pisang.domain.ledger import Budget, Hook, Quota
from pisang.domain.model import SIZES, canonical_size
from pisang.domain.money import Money, parse_money
from pisang.domain.request import JSON
from pisang.domain.secret import Secret
from pisang.engine.ledgering import Ledgering
from pisang.errors import OptionInvalid
from pisang.store.store import Store
from pisang.transport.guard import printable

SECRET_BYTES = 32
LONGEST_NAME = 80
MOST_DAYS = 36_500

_UNITS_S: Mapping[str, int] = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a key is to be for, in its user's words; what is None or empty is not limited. `caps`
    are its budgets by period, besides the one of `budget` and `per`."""

    name: str
    role: str = "use"
    team: str | None = None
    models: str | None = None
    max_size: str | None = None
    rpm: int | None = None
    concurrency: int | None = None
    budget: str | None = None
    per: str = "month"
    caps: Mapping[str, str] = field(default_factory=dict)
    time_zone: str | None = None
    expires: str | None = None
    hook: Hook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be otherwise with a key, in its user's words; what is None stays as it is, and
    what `clear` names is limited no more. A cap of None is taken away."""

    name: str | None = None
    role: str | None = None
    team: str | None = None
    models: str | None = None
    max_size: str | None = None
    rpm: int | None = None
    concurrency: int | None = None
    expires: str | None = None
    caps: Mapping[str, str | None] = field(default_factory=dict)
    time_zone: str | None = None
    hook: Hook | None = None
    clear: frozenset[str] = frozenset()


CLEARABLE = ("team", "models", "max_size", "rpm", "concurrency", "expires", "webhook")
"""What a key can be without."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A key that was made. `text` is shown once and kept nowhere."""

    key: GatewayKey
    text: Secret
    caps: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """A key as it is to be, with caps that are set and ids of those that go."""

    key: GatewayKey
    caps: tuple[Budget, ...] = ()
    dropped: tuple[str, ...] = ()


def fresh_text() -> Secret:
    """The text of a key that there is not yet."""
    key_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_LETTERS))
    return write_text(key_id, secrets.token_bytes(SECRET_BYTES))


def make_key(grant: Grant, settings: Settings, now_ms: int) -> Granted:
    """A fresh key of that kind, not written down yet. Raises `OptionInvalid`."""
    text = fresh_text()
    key_id = id_in(text) or ""
    key = GatewayKey(
        id=key_id,
        name=check_name("--name", grant.name),
        digest=digest_of(text),
        created_ms=now_ms,
        role=_role(grant.role),
        team=check_name("--team", grant.team) if grant.team is not None else None,
        models=_words(grant.models or ""),
        max_size=_size(grant.max_size) if grant.max_size is not None else None,
        quota=Quota(_count("--rpm", grant.rpm), _count("--concurrency", grant.concurrency)),
        expires_ms=now_ms + _duration_ms(grant.expires) if grant.expires is not None else None,
        hook=grant.hook,
    )
    said = dict(grant.caps)
    if grant.budget is not None:
        said[grant.per] = grant.budget
    return Granted(key, text, caps_of(f"key:{key_id}", said, grant.time_zone, settings))


def change_key(key: GatewayKey, change: Change, settings: Settings, now_ms: int) -> Changed:
    """The key as it is to be, not written down yet. Raises `OptionInvalid`, for one that the
    settings declare too."""
    refuse_declared(key)
    unknown = change.clear - set(CLEARABLE)
    if unknown:
        why = f"choose one of {', '.join(CLEARABLE)}"
        raise OptionInvalid(option="--clear", value=min(unknown), why=why)
    changed = replace(
        key,
        **{name: value for name, value in _changes(change, now_ms).items() if value is not None},
        quota=Quota(
            _count("--rpm", change.rpm) or key.quota.rpm,
            _count("--concurrency", change.concurrency) or key.quota.concurrency,
        ),
    )
    scope = f"key:{key.id}"
    caps = {period: cap for period, cap in change.caps.items() if cap is not None}
    gone = [_period(period) for period, cap in change.caps.items() if cap is None]
    return Changed(
        _cleared(changed, change.clear),
        caps_of(scope, caps, change.time_zone, settings),
        tuple(f"{scope}:{period}" for period in gone),
    )


def _changes(change: Change, now_ms: int) -> dict[str, Any]:
    said = change
    return {
        "name": said.name if said.name is None else check_name("--name", said.name),
        "role": said.role if said.role is None else _role(said.role),
        "team": said.team if said.team is None else check_name("--team", said.team),
        "models": None if said.models is None else _words(said.models),
        "max_size": None if said.max_size is None else _size(said.max_size),
        "expires_ms": None if said.expires is None else now_ms + _duration_ms(said.expires),
        "hook": said.hook,
    }


def _cleared(key: GatewayKey, names: frozenset[str]) -> GatewayKey:
    """The key without what those names limit."""
    rpm, concurrency = key.quota.rpm, key.quota.concurrency
    without: dict[str, dict[str, Any]] = {
        "team": {"team": None, "team_hook": None},
        "models": {"models": ()},
        "max_size": {"max_size": None},
        "rpm": {"quota": Quota(None, None if "concurrency" in names else concurrency)},
        "concurrency": {"quota": Quota(None if "rpm" in names else rpm, None)},
        "expires": {"expires_ms": None},
        "webhook": {"hook": None},
    }
    for name in names:
        key = replace(key, **without[name])
    return key


def refuse_declared(one: GatewayKey | Team) -> None:
    """Raises `OptionInvalid` for what the settings declare: that is changed there."""
    if one.declared:
        why = "config.toml declares it: change it there"
        option = "team" if isinstance(one, Team) else "key"
        raise OptionInvalid(option=option, value=one.name, why=why)


def write_key(store: Store, granted: Granted) -> None:
    """Write a key down, its caps first: it is never taken without. Blocks."""
    write_caps(store, granted.caps)
    store.gateway_keys.put(granted.key).result()


def write_change(store: Store, changed: Changed) -> None:
    """Write down how a key is to be: caps that are set before those that go. Blocks."""
    write_caps(store, changed.caps, changed.dropped)
    store.gateway_keys.edit(changed.key).result()


def write_caps(store: Store, caps: Iterable[Budget], dropped: Iterable[str] = ()) -> None:
    """Set caps, then take others away. Blocks."""
    for cap in caps:
        store.set_budget(cap).result()
    for cap_id in dropped:
        store.remove_budget(cap_id).result()


def key_json(key: GatewayKey, now_ms: int) -> dict[str, JSON]:
    """A key for programs, without its text."""
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "team": key.team,
        "state": key.standing(now_ms),
        "models": list(key.models),
        "max_size": key.max_size,
        "rpm": key.quota.rpm,
        "concurrency": key.quota.concurrency,
        "created_at": iso_time(key.created_ms),
        "expires_at": iso_time(key.expires_ms) if key.expires_ms is not None else None,
        "revoked_at": iso_time(key.revoked_ms) if key.revoked_ms is not None else None,
        "declared": key.declared,
        "webhook": hook_json(key.hook),
    }


def hook_json(hook: Hook | None) -> JSON:
    """Who is told, without what may be a right: neither secret nor query."""
    if hook is None:
        return None
    return {"url": printable(hook.url), "signed": hook.secret is not None}


def caps_of(
    scope: str, said: Mapping[str, str], time_zone: str | None, settings: Settings
) -> tuple[Budget, ...]:
    """Caps of a key or team, each in the ledger's currency where a rate says what it is worth
    there. Raises `OptionInvalid`."""
    zone = _zone(time_zone, settings)
    money = Ledgering(settings.currency, settings.rates)
    caps: list[Budget] = []
    for word, text in said.items():
        period = _period(word)
        try:
            cap: Money = parse_money(text, settings.currency)
        except ValueError as error:
            raise OptionInvalid(option="--budget", value=text, why=str(error)) from error
        caps.append(cap_of_caller(scope, period, money.convert(cap) or cap, zone))
    return tuple(caps)


def _zone(time_zone: str | None, settings: Settings) -> str:
    if time_zone is None:
        return local_zone(settings.environ.get("TZ"))
    try:
        return check_zone(time_zone)
    except ValueError as error:
        raise OptionInvalid(option="--time-zone", value=time_zone, why=str(error)) from error


def _period(word: str) -> Period:
    if word not in PERIODS:
        why = f"choose one of {', '.join(PERIODS)}"
        raise OptionInvalid(option="--per", value=word, why=why)
    return cast("Period", word)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def check_name(option: str, text: str) -> str:
    """The name of a key or a team. Raises `OptionInvalid`."""
    name = text.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        why = f"it takes 1 to {LONGEST_NAME} characters on one line"
        raise OptionInvalid(option=option, value=text[:LONGEST_NAME], why=why)
    return name


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError as error:
        why = f"choose one of {', '.join(Role)}"
        raise OptionInvalid(option="--role", value=word, why=why) from error


def _size(word: str) -> str:
    size = canonical_size(word)
    if size is None:
        why = f"choose one of {', '.join(SIZES)}"
        raise OptionInvalid(option="--max-size", value=word, why=why)
    return size


def _count(option: str, count: int | None) -> int | None:
    if count is not None and count < 1:
        raise OptionInvalid(option=option, value=count, why="at least 1")
    return count


def _duration_ms(text: str) -> int:
    """The milliseconds in `90d`, `12h`, `2w`, `30m`."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit()) or unit not in _UNITS_S:
        raise OptionInvalid(option="--expires", value=text, why="write it like 90d, 12h or 2w")
    seconds = int(number[:9]) * _UNITS_S[unit]
    if len(number) > 9 or not 0 < seconds <= MOST_DAYS * 86_400:
        why = f"at least a minute and at most {MOST_DAYS:,} days"
        raise OptionInvalid(option="--expires", value=text[:40], why=why)
    return seconds * 1000
