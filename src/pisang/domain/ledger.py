"""What the ledger is told and what it tells: the values between engine and store.

All times are milliseconds since the epoch, UTC. All ids are given, never made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pisang.domain.answer import Made, Usage
from pisang.domain.attempt import Charged, State
from pisang.domain.content import Content
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.domain.secret import Secret
from pisang.domain.upstream import Limits
from pisang.domain.warning import Warn

Join = Literal["no", "lost", "unsure", "any"]
"""Which equal wish of the last hour one without a key joins: none; one that nobody waits for and
whose outcome nobody was told whole (`lost`); also one whose outcome is unknown (`unsure`); or any
at all, for a client that says it is trying again."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one caller of a gateway may ask for: so many requests a minute, so many at once,
    over all processes. None means no limit."""

    rpm: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """Who is told when a request is over: an address, which may be a right in itself, and what the
    telling is signed with. `id` is the telling's own, the same however often it is tried; `base`
    stands before the addresses of images in it."""

    url: str = field(repr=False)
    secret: Secret | None = None
    id: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request about to be written down.

    `scope` is whose it is (`local`, or a gateway key's id); idempotency keys and fingerprints
    never meet across scopes. `spec` is the whole request as JSON without pictures
    (`domain.serial`). `references` are every content it needs, so that `gc` keeps them. `parent`
    is the image it edits. `folder` is where it was asked, for `last`. `outgoing` is what will be
    done with its images once they are safe, as JSON that only the face understands. `route` is
    where a gateway's caller asked, and `join` whether the wish may be found to be an earlier one's
    twin where it has no key. `quota` is what its scope may ask for, where that is limited. `hook`
    is who is told when it is over.
    """

    id: str
    created_ms: int
    prompt: str
    model: str
    spec: JSON
    fingerprint: str
    scope: str = "local"
    face: str = "sdk"
    idempotency_key: str | None = None
    references: tuple[Content, ...] = ()
    parent: str | None = None
    folder: str | None = None
    tags: tuple[str, ...] = ()
    n: int = 1
    outgoing: JSON = None
    route: str = ""
    join: Join = "no"
    quota: Quota | None = None
    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be done with a request's images, as its face wrote it down in `spec`.

    `result` is what it came to, once done. `alive` tells whether the process that is to do it
    still runs, `mine` whether it is this one.
    """

    spec: JSON
    done_ms: int | None
    result: JSON
    alive: bool
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """What the ledger said to a wish.

    `new`: go on. `replay`: it is done or refused: give the stored outcome. `running`: another
    task owns it: wait. `unknown`: an attempt's outcome is unknown. `request_id` is the request
    that stands for this wish, which is an older one unless `verdict` is `new`. `joined`: it is a
    twin's, found without a key. `claimed` is the answer to a claim that was asked for with it.
    """

    verdict: Literal["new", "replay", "running", "unknown"]
    request_id: str
    joined: bool = False
    claimed: Claimed | Hold | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """One paid send about to happen.

    `price` is the worst case in the upstream's currency, `held` the same in the ledger's one
    currency (what budgets count); None when not known. `basis` says whence the price is, as in
    `Settlement`.

    `limits` are the upstream's; `max_cost` bounds the request. `free` marks the sandbox, whose
    money counts toward no budget. `deadline_ms` is how long it may take. `batch_id` is the batch
    whose limits it keeps too; it lets calls that somebody waits for go first.
    """

    attempt_id: str
    request_id: str
    ordinal: int
    upstream: str
    wire: str
    kind: str
    model: str
    price: Money | None
    held: Money | None = None
    basis: str = "none"
    limits: Limits = field(default_factory=Limits)
    max_cost: Money | None = None
    deadline_ms: int = 600_000
    log_id: str | None = None
    free: bool = False
    image_size: str | None = None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """Reserved, slotted and written as `sent`, committed. Send now. `warnings` are of budgets
    that are nearly used up."""

    at_ms: int
    warnings: tuple[Warn, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Not yet: the upstream's limits are full, or (`of_batch`) the batch's own. Ask again after
    `delay_ms`."""

    delay_ms: int
    reason: str
    of_batch: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ended, in one transaction with its images and its money.

    `cost` is what moved or may have (None: nothing, or not known). `basis` says whence it is
    (`catalogue`, `user`, `upstream`, `none`). `state` must be allowed by `attempt.NEXT`.
    """

    attempt_id: str
    state: State
    charged: Charged
    at_ms: int
    cost: Money | None = None
    basis: str = "none"
    images: tuple[Made, ...] = ()
    requested: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    finish_reason: str | None = None
    message: str | None = None
    usage: Usage | None = None
    error_code: str | None = None
    error_fields: Mapping[str, JSON] = field(default_factory=dict)
    status: int | None = None
    excerpt: str = ""
    upstream_request_id: str | None = None
    response_id: str | None = None
    warnings: tuple[Warn, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One kept image as the ledger knows it. `parent` is the image it was edited from."""

    sha256: str
    request_id: str
    attempt_id: str
    ordinal: int
    mime: str
    width: int
    height: int
    bytes: int
    draft: bool
    declared: str | None
    parent: str | None
    created_ms: int


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt as the ledger knows it."""

    id: str
    request_id: str
    ordinal: int
    upstream: str
    wire: str
    kind: str
    model: str
    state: State
    charged: Charged
    price: Money | None
    cost: Money | None
    basis: str
    free: bool
    owner: str | None
    created_ms: int
    sent_ms: int | None
    ended_ms: int | None
    deadline_ms: int
    log_id: str | None
    status: int | None
    error_code: str | None
    error_fields: Mapping[str, JSON]
    message: str | None
    excerpt: str
    finish_reason: str | None
    text: str
    usage: Usage | None
    upstream_request_id: str | None
    response_id: str | None
    warnings: tuple[Warn, ...]


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request with its attempts and images."""

    id: str
    created_ms: int
    scope: str
    face: str
    prompt: str
    model: str
    n: int
    spec: JSON
    parent: str | None
    folder: str | None
    tags: tuple[str, ...]
    idempotency_key: str | None
    state: State
    attempts: tuple[AttemptRow, ...]
    images: tuple[ImageRow, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """A cap. `scope` is what it counts (`all`, `upstream:NAME`, `key:ID`,
    `team:NAME`); `period` its window."""

    id: str
    scope: str
    period: Literal["day", "month", "total"]
    cap: Money
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Telling:
    """A webhook as the ledger knows it. `body` is what is told; None: its request, as it stands
    then, whose state is `request_state`. `next_ms` is when it is tried, while it is `waiting`;
    `status` and `problem` are how the last of its `tries` ended."""

    hook: Hook
    request_id: str | None
    body: JSON
    state: Literal["waiting", "delivered", "given_up"]
    tries: int
    next_ms: int
    created_ms: int
    ended_ms: int | None
    status: int | None
    problem: str | None
    request_state: State | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A budget that passed a mark of its cap in a window, spent or held, for the first time.
    `percent` 100 is also said of a purchase that it refused."""

    budget: Budget
    window: str
    percent: int
    used: Money
    at_ms: int
