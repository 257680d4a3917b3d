"""A batch: many requests that are written down before anybody works on them (DESIGN §8).

All times are milliseconds since the epoch, UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pisang.domain.attempt import State
from pisang.domain.ids import make_id
from pisang.domain.ledger import RequestRow
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.domain.warning import Warn


class BatchState(StrEnum):
    """Where a batch is. Whether it is over is told by its jobs."""

    FILLING = "filling"
    """Its jobs are being written down: nobody works on it yet."""
    OPEN = "open"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """A batch's own limits, over all processes, beside those of its upstreams. None: no limit.

    `max_cost` counts what is under way and what is unknown at its worst. Of the batches that have
    jobs to do those of the highest `priority` are served, in turn.
    """

    concurrency: int | None = None
    interval_ms: int = 0
    max_cost: Money | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. `source` is the file it was read from, or what else made it; `options` is what
    its face has to know to go on with it. Neither holds a secret."""

    id: str
    created_ms: int
    name: str = ""
    source: str = ""
    scope: str = "local"
    folder: str | None = None
    out: str | None = None
    options: JSON = None
    state: BatchState = BatchState.FILLING
    limits: BatchLimits = field(default_factory=BatchLimits)


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a job's order its request does not tell: see `engine.order.Order`. `extras` are its
    face's own. No key is among them."""

    max_cost: Money | None = None
    timeout_s: float | None = None
    strict: bool = False
    warnings: tuple[Warn, ...] = ()
    extras: JSON = None


@dataclass(frozen=True, slots=True)
class Job:
    """One row of a batch. `via` names the upstreams that may be asked, in order; it is not begun
    before `due_ms`."""

    number: int
    via: tuple[str, ...]
    due_ms: int = 0
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as the ledger knows it, with its request.

    `state` is its request's, but `planned` while it waits to be tried again. `due_ms` is None once
    it is taken or over; `ended` is its place in the order in which the jobs of the batch came to
    their end, None while it has not. `tries` is how often it was taken up since it was asked for.
    """

    batch_id: str
    job: Job
    state: State
    due_ms: int | None
    ended: int | None
    tries: int
    request: RequestRow


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How a batch stands. `states` counts its jobs (`waiting` and `taken` those that are not over);
    `spent` and `at_stake` are sums, one a currency, play money apart; `unpriced` attempts may have
    cost what nobody knows. `failures` counts jobs that are over without an image by the code of
    their error. `per_minute` is the pace of the last minute, in images."""

    batch: Batch
    total: int
    waiting: int
    taken: int
    states: Mapping[State, int]
    spent: tuple[Money, ...] = ()
    at_stake: tuple[Money, ...] = ()
    play: tuple[Money, ...] = ()
    unpriced: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    started_ms: int | None = None
    ended_ms: int | None = None
    per_minute: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself: every job is over, or the batch is
        cancelled and none is under way."""
        if self.batch.state is BatchState.FILLING or self.taken:
            return False
        return self.waiting == 0 or self.batch.state is BatchState.CANCELLED


def request_id_of(batch: Batch, number: int) -> str:
    """The id of the request that a row of a batch is: the same whenever it is written down, and
    in the order of the rows."""
    digest = hashlib.sha256(f"{batch.id}:{number}".encode()).digest()
    return make_id("req", batch.created_ms, (number % 2**32) << 48 | int.from_bytes(digest[:6]))
