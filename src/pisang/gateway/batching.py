"""Batches that callers of a gateway give: written down once, however often they are sent.

The id of a batch is a function of what was given and by whom. So whoever sends the same again, to
whatever process, meets the batch that is there, and what it lacks of its rows is written down.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from pisang.client.wishes import check_key
from pisang.domain.batch import Batch, BatchLimits, BatchState, Job
from pisang.domain.ids import make_id
from pisang.domain.ledger import Quota, Wish
from pisang.domain.request import JSON
from pisang.engine.ids import new_id
from pisang.engine.order import Order
from pisang.engine.world import now_ms
from pisang.errors import Ambiguous, IdempotencyMismatch, NotFound
from pisang.jobs.writing import job_of
from pisang.store.store import Store

TWIN_MS = 3_600_000
"""A batch that is given again within this is the same one: clients send again what was cut."""

CHUNK = 500
"""Rows of one commit."""

_PREFIX = "bat"
_SAME = "fingerprint"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its order for each upstream that could serve it, and what its face keeps of it."""

    orders: tuple[Order, ...]
    extras: JSON = None


@dataclass(frozen=True, slots=True)
class Given:
    """A batch as a caller gave it, every row of it checked. `key` makes giving it again safe for
    ever, `new` makes it another whatever there is; `facts` is what its face keeps of it."""

    scope: str
    source: str
    fingerprint: str
    rows: Sequence[Row]
    name: str = ""
    key: str | None = None
    new: bool = False
    limits: BatchLimits = field(default_factory=BatchLimits)
    quota: Quota | None = None
    facts: Mapping[str, JSON] = field(default_factory=dict)


async def write_down(store: Store, given: Given) -> tuple[Batch, bool]:
    """The batch in the ledger, open, and whether it was there before: given again, with the same
    key or within the hour, it is the same one. Raises `IdempotencyMismatch`, `OptionInvalid`."""
    batch, known = await _begin(store, given)
    jobs = [_job(number, row) for number, row in enumerate(given.rows, 1)]
    for start in range(0, len(jobs), CHUNK):
        if batch.state is not BatchState.FILLING:
            return batch, True
        await asyncio.wrap_future(store.batches.add_jobs(batch, jobs[start : start + CHUNK]))
        batch = await asyncio.to_thread(store.batches.get, batch.id, given.scope)
    await asyncio.wrap_future(store.batches.open(batch.id))
    return replace(batch, state=BatchState.OPEN), known


def find(store: Store, batch_id: str, scope: str | None) -> Batch | None:
    """The batch of exactly that id; None where that scope sees none. Blocks."""
    try:
        found = store.batches.get(batch_id, scope)
    except (NotFound, Ambiguous):
        return None
    return found if found.id == batch_id else None


def _job(number: int, row: Row) -> tuple[Job, Wish]:
    job, wish = job_of(number, row.orders)
    return replace(job, terms=replace(job.terms, extras=row.extras)), wish


async def _begin(store: Store, given: Given) -> tuple[Batch, bool]:
    """The batch of that id as it stands in the ledger, written down where it was not."""
    made_ms = now_ms()
    key = check_key(given.key)
    ids = (new_id(_PREFIX),) if given.new and key is None else _ids(given, key, made_ms)
    for batch_id in ids:
        found = await asyncio.to_thread(find, store, batch_id, given.scope)
        if found is None or (key is None and made_ms - found.created_ms > TWIN_MS):
            continue
        if key is None and found.source != given.source:  # deleted: it is as if it never was
            ids = (new_id(_PREFIX),)
            continue
        if found.options[_SAME] != given.fingerprint:
            raise IdempotencyMismatch(key=key or "")
        return found, True
    batch = Batch(
        ids[0],
        made_ms,
        name=given.name,
        source=given.source,
        scope=given.scope,
        options={**given.facts, _SAME: given.fingerprint},
        limits=_within(given.limits, given.quota),
    )
    await asyncio.wrap_future(store.batches.add(batch))
    return await asyncio.to_thread(partial(store.batches.get, batch.id, given.scope)), False


def _ids(given: Given, key: str | None, at_ms: int) -> tuple[str, ...]:
    """The ids that a batch given now has, or may have had within the hour before."""
    if key is not None:
        return (_id(0, given.scope, "key", key),)
    hour_ms = at_ms - at_ms % TWIN_MS
    same = (given.scope, "same", given.fingerprint)
    return tuple(_id(ms, *same) for ms in (hour_ms, hour_ms - TWIN_MS))


def _id(at_ms: int, *words: str) -> str:
    digest = hashlib.sha256("\0".join(words).encode()).digest()
    return make_id(_PREFIX, at_ms, int.from_bytes(digest[:10]))


def _within(limits: BatchLimits, quota: Quota | None) -> BatchLimits:
    """No more at once, and no faster, than the caller's key may ask for."""
    most = quota.concurrency if quota is not None else None
    rpm = quota.rpm if quota is not None else None
    at_once = [one for one in (limits.concurrency, most) if one is not None]
    return replace(
        limits,
        concurrency=min(at_once, default=None),
        interval_ms=max(limits.interval_ms, 60_000 // rpm) if rpm else limits.interval_ms,
    )
