"""A batch read from a call, and checked whole before anything is written down."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from pisang.client.batches import rows_wrong
from pisang.client.tables import Wrong
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
from pisang.gateway.management.listed import (
    Line,
    Listed,
    name_of,
    of_values,
    options_of,
    read_lines,
    read_whole,
)
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
    row which is wrong (the first ten), of a list `RowsWrong` (the first fifty), `KeyRestricted`,
    `RequestTooLarge`, and `Gone`."""
    name = name_of(desk.visit)
    if name is not None:
        data = await read_whole(desk.visit)
        template = desk.visit.query.get("prompt")
        found = await asyncio.to_thread(read_lines, name, data, template)
        same = _of_list(hashlib.sha256(data).hexdigest(), desk)
        return await _read_list(found, same, desk)
    call_id = new_id("call")
    try:
        skeleton, spans = await scan_body(desk.visit, desk.store.spool(call_id))
        value = await asyncio.to_thread(strictjson.loads, skeleton, spans)
        wish = None if isinstance(value, list) else await asyncio.to_thread(_check, value)
        await asyncio.to_thread(desk.store.adopt, call_id)
    except (PisangError, Gone):
        desk.store.let_go(call_id)
        raise
    same = fingerprint(desk.visit.path, False, skeleton, tuple(map(span_hash, spans)))
    if wish is None:
        return await _read_list(of_values(value), _of_list(same, desk), desk)
    return await _read_wish(wish, same, desk)


def _check(value: JSON) -> BatchWish:
    try:
        return BatchWish.model_validate(value)
    except ValidationError as error:
        raise as_option(error.errors(include_url=False, include_context=False)[-1]) from None


async def _read_wish(wish: BatchWish, same: str, desk: Desk) -> Asked:
    lines = tuple(Line(number, row) for number, row in enumerate(wish.rows, 1))
    rows, wrong = await _compose_all(lines, wish.defaults, same, desk, TOLD)
    if wrong:
        told = "; ".join(f"row {one.line}: {one.why}" for one in wrong)
        raise OptionInvalid(option="rows", value="", why=told)
    return Asked(wish, same, rows, check_money(wish.max_cost))


async def _read_list(found: Listed, same: str, desk: Desk) -> Asked:
    options = options_of(desk.visit.query)
    wish = _check({**options, "rows": [{} for _ in (*found.lines, *found.wrong)]})
    rows, wrong = await _compose_all(found.lines, wish.defaults, same, desk)
    if wrong or found.wrong:
        raise rows_wrong("list", (*wrong, *found.wrong))
    return Asked(wish, same, rows, check_money(wish.max_cost))


def _of_list(same: str, desk: Desk) -> str:
    """What makes a list the same: its options stand in the query."""
    query = {name: told for name, told in desk.visit.query.items() if name != "dry_run"}
    return fingerprint(desk.visit.path, False, {"list": same, "query": query})


async def _compose_all(
    lines: Sequence[Line], defaults: JSON, same: str, desk: Desk, enough: int | None = None
) -> tuple[tuple[Orders, ...], list[Wrong]]:
    """The orders of rows, and what is wrong with the first that are, `enough` of them at most."""
    rows: list[Orders] = []
    wrong: list[Wrong] = []
    for one in lines:
        try:
            asked = check({**defaults, **one.wish})
            image, references = await take_pictures(asked, desk)
            rows.append(await compose(Wanted(asked, same, image, references), desk, key=None))
        except ConfigError:
            raise  # no fault of the row's
        except PisangError as error:
            wrong.append(Wrong(one.line, error.message().rstrip(".")))
            if len(wrong) == enough:
                break
    return tuple(rows), wrong


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
