"""What a face orders (`Order`), and what it is given (`Ran`)."""

from __future__ import annotations

from dataclasses import dataclass

from pisang.domain.ledger import Hook, Join, Quota, RequestRow
from pisang.domain.money import Money
from pisang.domain.request import JSON, Request
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import PisangError


@dataclass(frozen=True, slots=True)
class Order:
    """One wish for one upstream. The pictures it names are in the store already.

    `idempotency_key` makes running it again safe; without one it is always a new purchase.
    `retry_unknown` buys again what is `unknown` under that key; `max_cost` bounds all attempts
    together; `timeout_s` replaces the size's own time limit; `parent` is the SHA-256 of the image
    it edits; `folder` is where it was asked, for `last`; `strict` turns a shape that was not met
    into an error (the image is kept all the same); `outgoing` is what the face will do with the
    images once they are safe, kept in the ledger's outbox. A gateway says where it was asked
    (`route`), what makes two calls the same (`fingerprint`), whether it may `join` a twin,
    whether it is `new` whatever came before, what its `scope` may ask for (`quota`), and whether it
    can be had `elsewhere`: then a free failure is told at once, and nothing is sent a second time.
    `stream` asks the upstream for events. `hook` is who is told when it is over. `batch_id` is the
    batch that it is a job of.
    """

    request: Request
    upstream: Upstream
    idempotency_key: str | None = None
    retry_unknown: bool = False
    max_cost: Money | None = None
    timeout_s: float | None = None
    face: str = "sdk"
    folder: str | None = None
    parent: str | None = None
    tags: tuple[str, ...] = ()
    scope: str = "local"
    strict: bool = False
    outgoing: JSON = None
    route: str = ""
    fingerprint: str | None = None
    join: Join = "no"
    new: bool = False
    quota: Quota | None = None
    elsewhere: bool = False
    stream: bool = False
    warnings: tuple[Warn, ...] = ()
    hook: Hook | None = None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """How an order ended. `row` is the ledger's truth; `error` is None when every image came.

    `errors` are those of the single attempts that ended without an image; `error` is what the
    whole amounts to (`OutcomeUnknown` before `Partial` before the first of them).
    """

    row: RequestRow
    error: PisangError | None = None
    errors: tuple[PisangError, ...] = ()
    warnings: tuple[Warn, ...] = ()
    replayed: bool = False
    joined: bool = False
