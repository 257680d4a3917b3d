"""A batch read from a call, and checked whole before anything is written down."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from pydantic import ValidationError

from pisang.client.wishes import check_money
from pisang.domain.batch import BatchLimits
from pisang.domain.fingerprint import fingerprint, span_hash
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.engine.ids import new_id
from pisang.engine.order import Order
from pisang.errors import ConfigError, OptionInvalid, PisangError
from pisang.gateway.batching import Given, Row
from pisang.gateway.intake import scan_body
from pisang.gateway.management.asking import Wanted, as_option, check, compose, take_pictures
from pisang.gateway.management.batched import BatchWish
from pisang.gateway.management.desk import Desk
from pisang.gateway.serving import is_set
from pisang.gateway.visits import Gone
from pisang.policy.plan import plan
from pisang.wires import strictjson

TOLD = 10
"""How many mistakes are told at once."""

Orders = tuple[Order, ...]
"""The order of one row for each upstream that could serve it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A batch that is asked for, every row of it checked, and what makes another call the same."""

    wish: BatchWish
    fingerprint: str
    rows: tuple[Orders, ...]
    max_cost: Money | None


async def read_batch(desk: Desk) -> Asked:
    """The whole call, in constant memory but for its rows. Raises `OptionInvalid` that names every
    row which is wrong (the first ten), `KeyRestricted`, `RequestTooLarge`, and `Gone`."""
    call_id = new_id("call")
    try:
        skeleton, spans = await scan_body(desk.visit, desk.store.spool(call_id))
        wish = await asyncio.to_thread(lambda: _check(strictjson.loads(skeleton, spans)))
        await asyncio.to_thread(desk.store.adopt, call_id)
    except (PisangError, Gone):
        desk.store.let_go(call_id)
        raise
    same = fingerprint(desk.visit.path, False, skeleton, tuple(map(span_hash, spans)))
    max_cost = check_money(wish.max_cost)
    return Asked(wish, same, await _compose_all(wish, same, desk), max_cost)


def _check(value: JSON) -> BatchWish:
    try:
        return BatchWish.model_validate(value)
    except ValidationError as error:
        raise as_option(error.errors(include_url=False, include_context=False)[-1]) from None


async def _compose_all(wish: BatchWish, same: str, desk: Desk) -> tuple[Orders, ...]:
    rows: list[Orders] = []
    wrong: list[str] = []
    for number, row in enumerate(wish.rows, 1):
        try:
            asked = check({**wish.defaults, **row})
            image, references = await take_pictures(asked, desk)
            orders = await compose(Wanted(asked, same, image, references), desk, key=None)
            rows.append(orders)
        except ConfigError:
            raise  # no fault of the row's
        except PisangError as error:
            wrong.append(f"row {number}: {error.message().rstrip('.')}")
            if len(wrong) == TOLD:
                break
    if wrong:
        raise OptionInvalid(option="rows", value="", why="; ".join(wrong))
    return tuple(rows)


def plan_json(asked: Asked, desk: Desk) -> dict[str, JSON]:
    """What it would be, at its worst."""
    catalogue = desk.engine.catalogue
    price: Counter[str] = Counter()
    unpriced = 0
    for order, *_ in asked.rows:
        worst = plan(order.request, order.upstream, catalogue).price.money
        if worst is None:
            unpriced += order.request.n
        else:
            price[worst.currency] += worst.micros * order.request.n
    return {
        "rows": len(asked.rows),
        "images": sum(order.request.n for order, *_ in asked.rows),
        "price": [str(Money(micros, currency)) for currency, micros in price.items()],
        "unpriced": unpriced,
    }


def given(asked: Asked, desk: Desk) -> Given:
    """The batch as it is to be written down. Raises `OptionInvalid`."""
    wish, headers = asked.wish, desk.visit.headers
    return Given(
        scope=desk.caller.scope,
        source="api",
        fingerprint=asked.fingerprint,
        rows=[Row(orders) for orders in asked.rows],
        name=wish.name,
        key=headers.get("idempotency-key"),
        new=is_set(headers, "x-pisang-new"),
        limits=BatchLimits(
            concurrency=wish.concurrency,
            interval_ms=round(wish.every_s * 1000),
            max_cost=asked.max_cost,
            priority=wish.priority,
        ),
        quota=desk.caller.quota,
    )
