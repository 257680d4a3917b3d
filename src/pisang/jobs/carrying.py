"""One job: its order put together again from the ledger, and carried out where there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from pisang.domain.batch import JobRow
from pisang.domain.ledger import Hold
from pisang.domain.request import Request
from pisang.domain.serial import request_from_json
from pisang.domain.upstream import Upstream
from pisang.engine.engine import Engine
from pisang.engine.events import Listener
from pisang.engine.order import Order, Ran
from pisang.engine.outcome import summary
from pisang.errors import BudgetExceeded, ConfigError, MoneyError, PisangError, UsageError

Resolve = Callable[[str], Upstream]
"""Gives the upstream of that name with its key. Raises a `ConfigError` where this process has no
such upstream, or no key for it."""


async def carry_out(engine: Engine, resolve: Resolve, row: JobRow, listen: Listener) -> Ran | Hold:
    """What came of a job at the first of its upstreams that has room; `Hold` where none has.

    Raises what stands in the way at all of them and is no fault of the job (`ConfigError`,
    `MoneyError`): nothing was begun then. A job that none of them can be sent has failed.
    """
    holds: list[Hold] = []
    barred: list[PisangError] = []
    unfit: list[PisangError] = []
    for name in in_turn(row.job.via, row.tries):
        try:
            answer = await _ask(engine, resolve(name), row, listen)
        except (ConfigError, MoneyError, UsageError) as error:
            (unfit if is_its_own(error) else barred).append(error)
            continue
        if isinstance(answer, Ran):
            return answer
        holds.append(answer)
        if answer.of_batch:
            break
    if holds:
        return min(holds, key=lambda hold: hold.delay_ms)
    if barred:
        raise barred[0]
    await engine.refuse(row.request, resolve(row.job.via[0]), row.batch_id, unfit[0])
    return summary(engine.store.request(row.request.id))


async def _ask(engine: Engine, upstream: Upstream, row: JobRow, listen: Listener) -> Ran | Hold:
    read = partial(request_from_json, row.request.spec, engine.store.content)
    request = await asyncio.to_thread(read) if _has_pictures(row) else read()
    return await engine.carry_out(order_of(row, request, upstream), row.request, listen)


def _has_pictures(row: JobRow) -> bool:
    """Whether reading the wish means reading files, which the loop must not wait for."""
    spec = row.request.spec
    return bool(spec.get("history")) or any(part["type"] != "text" for part in spec["parts"])


def is_its_own(error: PisangError) -> bool:
    """Whether it is the job's own wish or cap that an upstream can't be asked with."""
    of_cap = isinstance(error, BudgetExceeded) and error.fields.get("budget") == "max_cost"
    return isinstance(error, UsageError) or of_cap


def order_of(row: JobRow, request: Request, upstream: Upstream) -> Order:
    """The order for one of the upstreams that it may be asked of. A free failure ends it: when it
    is tried again is the ledger's to know, not a flow's."""
    asked, terms = row.request, row.job.terms
    return Order(
        request=request,
        upstream=upstream,
        idempotency_key=asked.idempotency_key,
        max_cost=terms.max_cost,
        timeout_s=terms.timeout_s,
        face=asked.face,
        folder=asked.folder,
        parent=asked.parent,
        tags=asked.tags,
        scope=asked.scope,
        strict=terms.strict,
        elsewhere=True,
        warnings=terms.warnings,
        batch_id=row.batch_id,
    )


def in_turn(via: Sequence[str], tries: int) -> tuple[str, ...]:
    """The upstreams in the order to ask them at that try (from 1): after a failure the next one
    is asked first."""
    first = (tries - 1) % len(via)
    return (*via[first:], *via[:first])
