"""One attempt as a generator of effects: claim, exchange, keep, settle (DESIGN §3, §5).

Pure: no clock, no dice, no disk, no loop. It yields what it wants done and receives the answer,
so that asyncio drives it in life and the simulator crashes it at every step. The order of its
effects *is* the promise: the row says `sent` before a byte leaves, the bytes are durable before
the row says `done`, and nothing after a written byte is ever tried again by itself.

    make_one ──► Claim (until a slot is free) ──► Exchange ──► conclude
    conclude ──► judge (pure) ──► Fetch (pictures named by URL) ──► Keep ──► Settle
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pisang.domain.answer import Answer, Ended, Made
from pisang.domain.attempt import Charged, State
from pisang.domain.catalogue import Model
from pisang.domain.content import Content
from pisang.domain.image import read_facts
from pisang.domain.ledger import Claimed, Hold, Intent, Settlement
from pisang.domain.measure import compare, mark_drafts
from pisang.domain.money import Money
from pisang.domain.request import Link, Request
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.engine.effects import (
    Claim,
    Decline,
    Exchange,
    Fetch,
    Flow,
    Keep,
    NewId,
    Now,
    Settle,
    Sleep,
)
from pisang.engine.verdict import Verdict, error_fields, judge, settlement_of
from pisang.errors import Cancelled, OutcomeUnknown, PisangError
from pisang.policy.charge import clean
from pisang.policy.retry import Allowance
from pisang.wires.base import Wire, WireRequest

SANDBOX_MARK = "x-pisang-sandbox"
"""The header that the sandbox puts on every answer but a CDN's page (`sandbox.generating`)."""

HOLD_CAP_S = 2.0
"""The longest nap while an upstream's slots are full: another process may free one any time.
`store.claim.HOLD_CAP_MS` counts on it."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Everything one attempt needs to know, planned and priced. `request.n` is 1.

    `price` is the worst case in the upstream's currency, `held` the same in the ledger's, `basis`
    whence it is. `warnings` are the plan's, and travel with the outcome. `retries` is what the
    upstream's attempts may spend on being sent again, all together. `batch_id` is the batch that
    it is a job of.
    """

    request: Request
    request_id: str
    ordinal: int
    upstream: Upstream
    wire: Wire
    model_id: str
    model: Model | None
    price: Money | None
    held: Money | None
    basis: str
    time_limit_s: float
    max_cost: Money | None = None
    warnings: tuple[Warn, ...] = ()
    retries: Allowance = field(default_factory=Allowance, repr=False, compare=False)
    stream: bool = False
    batch_id: str | None = None

    @property
    def free(self) -> bool:
        """Whether its money is the sandbox's play money, which counts toward no budget."""
        return self.upstream.kind == "sandbox"


@dataclass(frozen=True, slots=True)
class Concluded:
    """How one attempt ended. `error` is None when an image was made."""

    attempt_id: str
    state: State
    made: tuple[Made, ...]
    error: PisangError | None
    warnings: tuple[Warn, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """An attempt that can be claimed: what will be sent then, and what the wire warns of."""

    intent: Intent
    request: WireRequest
    warnings: tuple[Warn, ...]


def make_one(errand: Errand, first: Ready | None = None) -> Flow[Concluded]:
    """One image: attempts until one ends in something that must not be tried again.

    Each paid send has an id and a row of its own; `first` is one that was made ready before. Only
    what is known to have cost nothing is sent again (`policy.retry`), after a jittered delay. A
    wish that the wire can't carry raises its `UsageError` before anything is claimed.
    """
    tries, cost = 0, 0
    while True:
        tries += 1
        ready = first or (yield from make_ready(errand))
        first = None
        claimed = yield from claim(ready.intent)
        warnings = _merge(errand.warnings, ready.warnings, claimed.warnings)
        told = replace(errand, warnings=warnings)
        concluded = yield from send(told, ready.intent.attempt_id, ready.request)
        if concluded.error is None:
            errand.retries.succeeded(cost)
            return concluded
        decision = errand.retries.decide(concluded.error, tries)
        if decision.delay_s is None:
            return concluded
        cost = decision.cost
        yield Sleep(decision.delay_s, jitter=decision.jitter)


def send(errand: Errand, attempt_id: str, request: WireRequest) -> Flow[Concluded]:
    """What is paid for, once it is claimed: the exchange, and what came of it.

    The disk may fail under it. The row says `sent` then, and a recovery will read what did come;
    until then whoever asked is told by `OutcomeUnknown` what is at stake.
    """
    try:
        answer: Answer = yield Exchange(
            attempt_id, errand.upstream, request, deadline_s=errand.time_limit_s
        )
        return (yield from conclude(errand, attempt_id, answer))
    except PisangError as error:
        raise OutcomeUnknown(
            upstream=errand.upstream.name,
            why=f"what came of it can't be kept yet ({error.message().rstrip('.')})",
            at_stake=str(errand.price or "an unknown amount"),
            request_id=errand.request_id,
            hint="pisang doctor",
        ) from error


def make_ready(errand: Errand) -> Flow[Ready]:
    """The next attempt, encoded. Raises the `UsageError` of a wish that the wire can't carry."""
    attempt_id: str = yield NewId("att")
    log_id = yield from make_log_id(errand, attempt_id)
    request, warnings = errand.wire.encode_request(
        with_log_id(errand.request, log_id), errand.upstream, stream=errand.stream
    )
    return Ready(_intent(errand, attempt_id, log_id), request, warnings)


def _intent(errand: Errand, attempt_id: str, log_id: str | None) -> Intent:
    return Intent(
        attempt_id=attempt_id,
        request_id=errand.request_id,
        ordinal=errand.ordinal,
        upstream=errand.upstream.name,
        wire=errand.wire.name,
        kind=errand.upstream.kind,
        model=errand.model_id,
        price=errand.price,
        held=errand.held,
        basis=errand.basis,
        limits=errand.upstream.limits,
        max_cost=errand.max_cost,
        deadline_ms=int(errand.time_limit_s * 1000),
        log_id=log_id,
        free=errand.free,
        image_size=errand.request.image_size,
        batch_id=errand.batch_id,
    )


def claim(intent: Intent) -> Flow[Claimed]:
    """Ask for the slot until it is given. Refusals (budget, disk) come out as their errors."""
    while True:
        try:
            answer: Claimed | Hold = yield Claim(intent)
        except PisangError as error:
            yield from decline(intent, error)
            raise
        if isinstance(answer, Claimed):
            return answer
        yield Sleep(min(answer.delay_ms / 1000, HOLD_CAP_S))


def decline(intent: Intent, error: PisangError) -> Flow[None]:
    """Leave a row that says why nothing was sent and that no money moved."""
    now: int = yield Now()
    yield Decline(intent, never_sent(intent, now, error))


def never_sent(intent: Intent, at_ms: int, error: PisangError | None = None) -> Settlement:
    """The end of an attempt that was stopped before a byte left: failed, and free."""
    told = error or Cancelled()
    return Settlement(
        attempt_id=intent.attempt_id,
        state=State.FAILED,
        charged=Charged.NO,
        at_ms=at_ms,
        error_code=told.code,
        error_fields=error_fields(told),
    )


def make_log_id(errand: Errand, attempt_id: str) -> Flow[str | None]:
    """The upstream's handle for a call that is about to be made: it is ours before it is sent.

    Only the crawl wire has one (`X-TT-LOGID`, in the form that its document prints: 32 hex digits
    and the unix seconds); the digits are a hash of the attempt's id.
    """
    if errand.wire.name != "crawl":
        return None
    now: int = yield Now()
    digits = hashlib.sha256(attempt_id.encode()).hexdigest()[:32]
    return f"nanobanana_{digits}_{now // 1000}"


def with_log_id(request: Request, log_id: str | None) -> Request:
    """The request with its log id where the crawl wire looks for it."""
    if log_id is None:
        return request
    extra = {**request.extra, "crawl": {**request.extra.get("crawl", {}), "logid": log_id}}
    return replace(request, extra=extra)


def conclude(
    errand: Errand, attempt_id: str, answer: Answer, fetched: tuple[Content, ...] = ()
) -> Flow[Concluded]:
    """What came is judged, kept and settled. Recovery runs this same half on a stored answer;
    `fetched` is what had already been had of its links: they may have expired since."""
    verdict = judge(errand.wire, errand.upstream, errand.model_id, answer)
    if verdict.links:
        verdict = yield from fetch_links(errand, attempt_id, verdict, _whole(fetched))
    return (yield from settle(errand, attempt_id, answer, verdict))


def look_again(errand: Errand, attempt_id: str, answer: Answer) -> Flow[Concluded | None]:
    """What the stored answer of an `unknown` attempt still holds: pictures that it names by URL.

    None where it names none: then there is nothing to try. One that can be had now is kept and
    the attempt is `done`; where none can, nothing is written and the error says why.
    """
    verdict = judge(errand.wire, errand.upstream, errand.model_id, answer)
    if not verdict.links:
        return None
    verdict = yield from fetch_links(errand, attempt_id, verdict)
    if not verdict.made:
        return Concluded(attempt_id, State.UNKNOWN, (), verdict.error, ())
    found = replace(verdict, warnings=(*verdict.warnings, FOUND_LATER))
    return (yield from settle(errand, attempt_id, answer, found))


def settle(errand: Errand, attempt_id: str, answer: Answer, verdict: Verdict) -> Flow[Concluded]:
    """Keep what came, then write the outcome."""
    made = mark_drafts(verdict.made, errand.request.image_size)
    warnings = _merge(errand.warnings, verdict.warnings, measured(errand, made, answer))
    if answer.status is not None:
        yield Keep(attempt_id, answer, tuple(one.content for one in made))
    now: int = yield Now()
    settlement = settlement_of(
        verdict,
        attempt_id=attempt_id,
        at_ms=now,
        price=errand.price,
        basis=errand.basis,
        model=errand.model,
        answer=answer,
        upstream=errand.upstream,
    )
    yield Settle(
        replace(settlement, images=made, requested=requested(errand.request), warnings=warnings)
    )
    return Concluded(attempt_id, settlement.state, made, verdict.error, warnings)


def measured(errand: Errand, made: tuple[Made, ...], answer: Answer) -> tuple[Warn, ...]:
    """What differs between the images and the wish, each said once; drafts are not held to it.

    What the sandbox painted is always said to be: also when it is reached as any other server.
    """
    found: list[Warn] = []
    for one in made:
        if not one.draft:
            found.extend(compare(one, errand.request, errand.model))
    if made and (errand.free or SANDBOX_MARK in answer.headers):
        found.append(Warn("sandbox", "This picture was painted by the sandbox, not by a model."))
    return tuple(found)


def requested(request: Request) -> Mapping[str, str]:
    """The shape that was asked for, as the ledger keeps it beside what came."""
    asked = {"aspect_ratio": request.aspect_ratio, "image_size": request.image_size}
    return {name: value for name, value in asked.items() if value}


def _merge(*groups: tuple[Warn, ...]) -> tuple[Warn, ...]:
    """All warnings in order, each sentence once."""
    return tuple(dict.fromkeys(warn for group in groups for warn in group))


FOUND_LATER = Warn(
    "found_later", "The picture behind the answer's link was had when it was looked for again."
)

RECOVERED = Warn("recovered", "The image was found after the process that asked for it had died.")

INTERRUPTED = Answer(ended=Ended.CUT, sent=True, reason="the process that sent it died")
"""Stands for an answer of which nothing but finished contents was found."""


def fetch_links(
    errand: Errand, attempt_id: str, verdict: Verdict, had: tuple[Made, ...] = ()
) -> Flow[Verdict]:
    """The verdict once its pictures named by URL have been fetched.

    They are paid for and expire, so they are fetched at once, each whatever became of the others;
    a warning names those that can't be had. Where no picture came at all the outcome is `unknown`:
    `unknown look` can try the stored links again. `had` is what a process that died had fetched.
    """
    fetched: list[Made] = []
    lost: list[tuple[Link, str]] = []
    for link in verdict.links if len(had) < len(verdict.links) else ():
        one = yield from _fetch(errand, attempt_id, link)
        if isinstance(one, Made):
            fetched.append(one)
        else:
            lost.append((link, one))
    now_had = {one.content for one in fetched}
    before = tuple(one for one in had if one.content not in now_had)
    made = (*verdict.made, *before, *fetched)
    if not made:
        why = f"it answered with a link, and {lost[0][1]}"
        error = OutcomeUnknown(upstream=errand.upstream.name, why=why)
        return replace(verdict, links=(), error=error)
    missing = lost[len(before) :]  # each had before stands for one that can't be had any more
    told = (*verdict.warnings, *(_missing(link, why, errand.upstream) for link, why in missing))
    return replace(verdict, made=made, links=(), warnings=told)


def _fetch(errand: Errand, attempt_id: str, link: Link) -> Flow[Made | str]:
    """The whole picture behind a link, or why there is none."""
    try:
        content: Content = yield Fetch(attempt_id, errand.upstream, link.uri)
    except PisangError as error:
        return f"fetching that failed ({error.code})"
    facts = read_facts(content)
    if facts is None or not facts.complete:
        return "there was no whole image behind it"
    return Made(content, facts, link.mime)


def _missing(link: Link, why: str, upstream: Upstream) -> Warn:
    """Names the link without its query, which may be a key to it; the stored answer has it all."""
    place = clean(_QUERY.sub("", link.uri), upstream)
    return Warn("picture_missing", f"One of its pictures is missing: {place} ({why}).")


_QUERY = re.compile(r"(?<=://)[^/@]*@|[?#].*", re.DOTALL)


def conclude_orphan(
    attempt_id: str, upstream: str, price: Money | None, basis: str, found: tuple[Content, ...]
) -> Flow[Concluded]:
    """An attempt whose process died before its answer was whole: what of it is on disk decides.

    A whole image there was paid for and is `done`; anything less is `unknown` at its full price.
    """
    made = _whole(found)
    warnings: tuple[Warn, ...] = ()
    error = None
    if made:
        warnings = (RECOVERED,)
        yield Keep(attempt_id, INTERRUPTED, tuple(one.content for one in made))
    else:
        error = OutcomeUnknown(
            upstream=upstream, why="the process that sent it died before the answer was whole"
        )
    now: int = yield Now()
    state = State.DONE if made else State.UNKNOWN
    yield Settle(
        Settlement(
            attempt_id=attempt_id,
            state=state,
            charged=Charged.YES if made else Charged.UNKNOWN,
            at_ms=now,
            cost=price,
            basis=basis if price else "none",
            images=mark_drafts(made, None),
            error_code=error.code if error else None,
            error_fields=error_fields(error),
            warnings=warnings,
        )
    )
    return Concluded(attempt_id, state, made, error, warnings)


def _whole(contents: tuple[Content, ...]) -> tuple[Made, ...]:
    """The whole images among contents."""
    read = ((content, read_facts(content)) for content in contents)
    return tuple(Made(one, facts) for one, facts in read if facts is not None and facts.complete)
