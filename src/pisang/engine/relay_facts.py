"""What relays of the new-api family tell for free: prices, a token's balance, its models, its log.

`GET /api/pricing` (no key): `data[]` with `model_name`, `quota_type` (1: a price a call,
`model_price`, in the relay's dollars; 0: by tokens), `billing_mode`, `enable_groups`; and
`group_ratio`, the factor of each group. `GET /api/usage/token/` and `GET /api/log/token` take the
token as a bearer's, the latter in older versions as `?key=`; quota is counted in units of which
`quota_per_unit` of `GET /api/status` (500,000 by default) make a dollar. `GET /v1/models` lists
what the token may call. (QuantumNous/new-api: controller/pricing.go, token.go, log.go,
middleware/auth.go, November 2026.) Relays leave any of it out, so every part may be missing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from pisang.domain.answer import Answer, Ended
from pisang.domain.catalogue import Catalogue
from pisang.domain.money import MICROS, MOST, Money
from pisang.domain.request import JSON
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.probe import ask_free, model_ids
from pisang.engine.reach import Reach, address
from pisang.errors import KeyInvalid, OptionInvalid, PisangError, WireError
from pisang.policy.billing import Kind, LogRow
from pisang.policy.charge import clean
from pisang.wires.base import WireRequest
from pisang.wires.strictjson import loads

DEADLINE_S = 15.0
UNIT = 500_000
"""Quota that makes one of the relay's dollars, where it does not say otherwise."""

CURRENCY = "USD"

_CALLS = {
    "status": "/api/status",
    "prices": "/api/pricing",
    "balance": "/api/usage/token/",  # without the slash it redirects, and nobody follows
    "models": "/v1/models",
    "log": "/api/log/token",
}
_KINDS = {2: Kind.BILLED, 5: Kind.ERROR, 6: Kind.REFUND}


@dataclass(frozen=True, slots=True)
class Published:
    """A relay's price list, as far as it is about images. `sure` are prices of one image of any
    size by model id; `unsure` says by model why there is none: `tokens`, `group:` and the
    groups' factors, or `closed:` and the groups that it is open to."""

    sure: Mapping[str, Money] = field(default_factory=dict)
    unsure: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Balance:
    """What a token has `left` (None: it is not limited) and has `used`."""

    left: Money | None
    used: Money


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """Everything that was told; a part that was not had is None, and `failures` says why.

    `image_models` are those of `models` that are known to make images. `key_error` is there where
    the relay does not take the key.
    """

    prices: Published | None = None
    balance: Balance | None = None
    models: tuple[str, ...] | None = None
    image_models: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    key_error: PisangError | None = None


@dataclass(frozen=True, slots=True)
class TokenLog:
    """A token's log, newest first as a rule; `unit` is the quota that makes a dollar. `why` says
    why there are no rows, where the log was not had."""

    rows: tuple[LogRow, ...] = ()
    unit: Decimal = Decimal(UNIT)
    why: str | None = None

    def money(self, quota: int) -> Money:
        """What a quota is worth."""
        return _money(Decimal(quota) / self.unit) or Money(0, CURRENCY)


@dataclass(frozen=True, slots=True)
class _Told:
    """One answer: what it says, or why it says nothing. `refused`: the key was not taken."""

    body: Mapping[str, JSON] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    why: str | None = None
    refused: bool = False


async def read_facts(
    upstream: Upstream, reach: Reach, catalogue: Catalogue, *, group: str | None = None
) -> RelayFacts:
    """Everything that the relay tells, asked for at once. `group` is the token's, where prices
    depend on it. Raises `OptionInvalid` for a group that the relay does not have."""
    names = ("status", "prices", "balance", "models")
    answers = await asyncio.gather(*(_ask(upstream, reach, name) for name in names))
    status, prices, balance, models = answers
    found = {"prices": prices, "balance": balance, "models": models}
    ids = models.models if models.why is None else None
    return RelayFacts(
        prices=_published(prices.body, upstream, catalogue, group) if not prices.why else None,
        balance=_balance(balance.body, _unit(status)) if not balance.why else None,
        models=ids,
        image_models=tuple(one for one in ids or () if catalogue.find(one, upstream.wire)),
        failures={name: told.why for name, told in found.items() if told.why},
        key_error=KeyInvalid(upstream=upstream.name) if models.refused else None,
    )


async def read_log(upstream: Upstream, reach: Reach) -> TokenLog:
    """The token's log. The key goes into the URL only where the header alone gave no row: older
    relays look for it there, and take no header."""
    status, told = await asyncio.gather(
        _ask(upstream, reach, "status"), _ask(upstream, reach, "log")
    )
    rows = _log_rows(told.body)
    if told.why is None and not rows:
        older = await _ask(upstream, reach, "log", in_query=True)
        rows = _log_rows(older.body)
    return TokenLog(rows, _unit(status), told.why)


_NEEDS_KEY = frozenset({"balance", "models", "log"})


async def _ask(upstream: Upstream, reach: Reach, name: str, *, in_query: bool = False) -> _Told:
    """One free call. The key goes only where it is needed."""
    keyed = name in _NEEDS_KEY
    if keyed and not upstream.key:
        return _Told(why="it wants a key, and none is set")
    auth = Auth.BEARER if keyed and not in_query else Auth.NONE
    request = WireRequest("GET", _CALLS[name], body=())
    call = address(replace(upstream, auth=auth), request, deadline_s=DEADLINE_S)
    if in_query and upstream.key:
        call = replace(call, secret_query={"key": upstream.key})
    answer = await ask_free(call, upstream, reach)
    return _read(answer, upstream)


def _read(answer: Answer, upstream: Upstream) -> _Told:
    if answer.ended is not Ended.WHOLE or answer.status is None:
        return _Told(why=clean(answer.reason, upstream) or "no whole answer came")
    if answer.status in (401, 403):
        return _Told(why=f"it does not let this key see it (HTTP {answer.status})", refused=True)
    if not 200 <= answer.status < 300:
        return _Told(why=f"it does not publish that (HTTP {answer.status})")
    try:
        body = loads(answer.skeleton, answer.spans)
    except WireError:
        return _Told(why="it does not publish that (it answers with a page)")
    if not isinstance(body, dict):
        return _Told(why="it answers in a form that is not known here")
    if body.get("success") is False or body.get("code") is False:
        said = clean(str(body.get("message") or ""), upstream)
        return _Told(why=f"it says no ({said})" if said else "it says no")
    return _Told(body, model_ids(answer))


# --- reading what was told -----------------------------------------------------------------------


def _published(
    body: Mapping[str, JSON], upstream: Upstream, catalogue: Catalogue, group: str | None
) -> Published:
    told = body.get("group_ratio")
    ratios = {
        name: ratio
        for name, one in (told.items() if isinstance(told, dict) else ())
        if (ratio := _decimal(one)) is not None
    }
    if group is not None and group not in ratios:
        why = f"the relay publishes these: {', '.join(ratios)}" if ratios else "it publishes none"
        raise OptionInvalid(option="--group", value=group, why=why)
    sure: dict[str, Money] = {}
    unsure: dict[str, str] = {}
    for row in _rows(body):
        name = row.get("model_name")
        if not isinstance(name, str) or not _about_images(name, upstream, catalogue):
            continue
        price = _price(row, ratios, group)
        if isinstance(price, Money):
            sure[name] = price
        else:
            unsure[name] = price
    return Published(sure, unsure)


def _about_images(name: str, upstream: Upstream, catalogue: Catalogue) -> bool:
    own = {*upstream.models, *(key.partition("@")[0] for key in upstream.prices)}
    return name in own or catalogue.find(name, upstream.wire) is not None


def _price(
    row: Mapping[str, JSON], ratios: Mapping[str, Decimal], group: str | None
) -> Money | str:
    """The price of one call, or why there is none."""
    price = _decimal(row.get("model_price"))
    if row.get("quota_type") != 1 or row.get("billing_mode") or price is None:
        return "tokens"
    enabled = row.get("enable_groups")
    names = [one for one in enabled if isinstance(one, str)] if isinstance(enabled, list) else []
    open_to = (
        ratios if not names or "all" in names else {n: ratios[n] for n in names if n in ratios}
    )
    if group is not None and group not in open_to:
        return "closed:" + ", ".join(open_to)
    chosen = open_to if group is None else {group: open_to[group]}
    if len(set(chosen.values())) != 1:
        factors = (f"{name} ×{ratio.normalize():f}" for name, ratio in open_to.items())
        return "group:" + ", ".join(factors)
    money = _money(price * next(iter(chosen.values())))
    return "tokens" if money is None else money


def _balance(body: Mapping[str, JSON], unit: Decimal) -> Balance | None:
    data = body.get("data")
    if not isinstance(data, dict):
        return None
    free = bool(data.get("unlimited_quota"))
    used, left = _decimal(data.get("total_used")), data.get("total_available")
    if isinstance(left, int | float) and left < 0:
        left = 0  # overdrawn
    available = _decimal(left)
    if used is None or (available is None and not free):
        return None
    nothing = Money(0, CURRENCY)
    return Balance(
        left=None if free or available is None else _money(available / unit) or nothing,
        used=_money(used / unit) or nothing,
    )


def _unit(status: _Told) -> Decimal:
    data = status.body.get("data")
    told = _decimal(data.get("quota_per_unit")) if isinstance(data, dict) else None
    return told if told else Decimal(UNIT)


def _log_rows(body: Mapping[str, JSON]) -> tuple[LogRow, ...]:
    return tuple(
        LogRow(
            at_s=at_s,
            kind=_KINDS.get(_whole(row.get("type")) or 0, Kind.OTHER),
            model=_text(row.get("model_name")),
            quota=max(_whole(row.get("quota")) or 0, 0),
            took_s=max(_whole(row.get("use_time")) or 0, 0),
            request_id=_text(row.get("request_id")),
        )
        for row in _rows(body)
        if (at_s := _whole(row.get("created_at"))) is not None
    )


def _rows(body: Mapping[str, JSON]) -> Iterator[Mapping[str, JSON]]:
    rows = body.get("data")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            yield row


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: JSON) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _decimal(value: JSON) -> Decimal | None:
    """A number that is none below zero; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None


def _money(amount: Decimal) -> Money | None:
    """The amount in the relay's dollars, rounded up; None beyond any price."""
    if not 0 <= amount <= MOST:
        return None
    return Money(math.ceil(amount * MICROS), CURRENCY)
