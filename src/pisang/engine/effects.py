"""What a flow may ask of the world, as values.

A driver answers each; the simulator crashes before, inside and after each.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from pisang.domain.answer import Answer
from pisang.domain.content import Content
from pisang.domain.ledger import Intent, Settlement
from pisang.domain.upstream import Upstream
from pisang.wires.base import WireRequest


@dataclass(frozen=True, slots=True)
class Claim:
    """Reserve, take the slot, write `sent`: one commit. Answer: `Claimed` or `Hold`.

    May raise `BudgetExceeded`, `PriceUnknown`, `StoreFull` and other leaves: nothing was sent.
    """

    intent: Intent


@dataclass(frozen=True, slots=True)
class Decline:
    """Write down an attempt that was not claimed, as `failed` with its reason. Answer: None."""

    intent: Intent
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Exchange:
    """Send once and take the answer in, pumping long strings to `incoming/`. Answer: `Answer`.

    Never raises for what the network does: that is in the answer.
    """

    attempt_id: str
    upstream: Upstream
    request: WireRequest
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch a picture that an answer names by URL, through the guard, into `incoming/`.

    Answer: its `Content`. Raises `AddressRefused` or `Unavailable` leaves.
    """

    attempt_id: str
    upstream: Upstream
    uri: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Make contents durable: fsync, link to their hash, fsync the folder; the answer beside them.

    Answer: None. May raise `StoreSuspect` or `StoreFull`.
    """

    attempt_id: str
    answer: Answer
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class Settle:
    """Outcome, charge and images in one commit, then the incoming names go. Answer: None."""

    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait. Answer: None. With `jitter`, a uniformly drawn share of `delay_s`."""

    delay_s: float
    jitter: bool = False


@dataclass(frozen=True, slots=True)
class Now:
    """The time. Answer: milliseconds since the epoch, an int."""


@dataclass(frozen=True, slots=True)
class NewId:
    """A fresh, time-ordered id with that prefix. Answer: a str."""

    prefix: str


Effect = Claim | Decline | Exchange | Fetch | Keep | Settle | Sleep | Now | NewId

Result = TypeVar("Result")

Flow = Generator[Effect, Any, Result]
"""A flow yields effects, receives their answers, and returns its result."""
