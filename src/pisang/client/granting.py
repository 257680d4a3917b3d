"""Keys for a gateway's callers, made from their user's words."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pisang.client.budgeting import local_zone
from pisang.client.config_checks import PERIODS
from pisang.client.results import iso_time
from pisang.client.settings import Settings
from pisang.domain.access import (
    ALPHABET,
    ID_LETTERS,
    GatewayKey,
    Role,
    cap_of_caller,
    digest_of,
    write_text,
)
from pisang.domain.ledger import Budget, Quota
from pisang.domain.model import SIZES, canonical_size
from pisang.domain.money import Money, parse_money
from pisang.domain.request import JSON
from pisang.domain.secret import Secret
from pisang.engine.engine import Ledgering
from pisang.errors import OptionInvalid
from pisang.store.store import Store

SECRET_BYTES = 32
LONGEST_NAME = 80
MOST_DAYS = 36_500

_UNITS_S: Mapping[str, int] = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a key is to be for, in its user's words; what is None or empty is not limited."""

    name: str
    role: str = "use"
    team: str | None = None
    models: str | None = None
    max_size: str | None = None
    rpm: int | None = None
    concurrency: int | None = None
    budget: str | None = None
    per: str = "month"
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """A key that was made. `text` is shown once and kept nowhere."""

    key: GatewayKey
    text: Secret
    budget: Budget | None


def make_key(grant: Grant, settings: Settings, now_ms: int) -> Granted:
    """A fresh key of that kind, not written down yet. Raises `OptionInvalid`."""
    key_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_LETTERS))
    text = write_text(key_id, secrets.token_bytes(SECRET_BYTES))
    key = GatewayKey(
        id=key_id,
        name=_name("--name", grant.name),
        digest=digest_of(text),
        created_ms=now_ms,
        role=_role(grant.role),
        team=_name("--team", grant.team) if grant.team is not None else None,
        models=tuple(word.strip() for word in (grant.models or "").split(",") if word.strip()),
        max_size=_size(grant.max_size) if grant.max_size is not None else None,
        quota=Quota(_count("--rpm", grant.rpm), _count("--concurrency", grant.concurrency)),
        expires_ms=now_ms + _duration_ms(grant.expires) if grant.expires is not None else None,
    )
    budget = _cap(key_id, grant, settings) if grant.budget is not None else None
    return Granted(key, text, budget)


def write_key(store: Store, granted: Granted) -> None:
    """Write a key down, its cap first: it is never taken without. Blocks."""
    if granted.budget is not None:
        store.set_budget(granted.budget).result()
    store.gateway_keys.put(granted.key).result()


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
    }


def _name(option: str, text: str) -> str:
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


def _cap(key_id: str, grant: Grant, settings: Settings) -> Budget:
    """The key's own cap, in the ledger's currency where a rate says what it is worth there."""
    if grant.per not in PERIODS:
        why = f"choose one of {', '.join(PERIODS)}"
        raise OptionInvalid(option="--per", value=grant.per, why=why)
    try:
        cap: Money = parse_money(grant.budget or "", settings.currency)
    except ValueError as error:
        raise OptionInvalid(option="--budget", value=grant.budget, why=str(error)) from error
    counted = Ledgering(settings.currency, settings.rates).convert(cap) or cap
    period = cast("Literal['day', 'month', 'total']", grant.per)
    return cap_of_caller(f"key:{key_id}", period, counted, local_zone(settings.environ.get("TZ")))
