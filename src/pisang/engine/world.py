"""The real world that answers a flow's effects: the store, the transports, the clock, the dice.

One handler an effect. Nothing here decides anything about money or images: that is the flow's.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pisang.domain.answer import Answer, Ended
from pisang.domain.attempt import State
from pisang.domain.content import Content
from pisang.domain.ledger import Begun, Claimed, Hold, Intent, RequestRow, Wish
from pisang.engine.beside import beside, bring
from pisang.engine.effects import (
    Claim,
    Decline,
    Effect,
    Exchange,
    Fetch,
    Flow,
    Keep,
    NewId,
    Now,
    Result,
    Settle,
    Sleep,
)
from pisang.engine.events import Event, Listener, NoTap, Tap, ignore
from pisang.engine.flow import never_sent
from pisang.engine.ids import new_id
from pisang.engine.intake import Intake
from pisang.engine.pump import Pump
from pisang.engine.reach import Reach
from pisang.engine.redaction import redact
from pisang.engine.waiting import Waiting
from pisang.errors import Cancelled, PisangError, WireError
from pisang.store.store import Store
from pisang.transport.base import Failure


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _claimed(before: str | None, effect: Effect, answer: object) -> str | None:
    """The attempt that is claimed and not settled, once an effect was answered."""
    if isinstance(effect, Claim) and isinstance(answer, Claimed):
        return effect.intent.attempt_id
    return None if isinstance(effect, Settle) else before


Usual = dict[tuple[str, str, str | None], tuple[float | None, float]]
"""How long an image of that upstream, model and size usually takes, and when that was asked."""

USUAL_S = 60.0
"""How long such a figure is believed."""


@dataclass(frozen=True, slots=True)
class Common:
    """What the worlds of one engine share: the threads that take large answers in (None: the
    loop's own), who waits for a slot, and what is usual."""

    intakes: Executor | None = None
    waiting: Waiting = field(default_factory=Waiting)
    usual: Usual = field(default_factory=dict)


class World:
    """Performs effects for one request; `listen` hears of each step.

    Once `stop` is set nothing more is claimed: a flow that asks, or waits to ask, is given
    `Cancelled`. What was claimed before goes on to its end. `row` is the request once it is over,
    where that was in the commit of its only attempt's outcome.
    """

    def __init__(
        self,
        store: Store,
        reach: Reach,
        listen: Listener,
        request_id: str,
        stop: asyncio.Event | None = None,
        tap: Tap | None = None,
        common: Common | None = None,
    ) -> None:
        common = common or Common()
        self._waiting = common.waiting
        self._usual = common.usual
        self._intakes = common.intakes
        self._tap = tap or NoTap()
        self._stop = stop or asyncio.Event()
        self._store = store
        self._reach = reach
        self._listen = listen
        self.request_id = request_id
        self._claimed: tuple[Intent, Claimed | Hold] | None = None
        self._alone = False
        self.row: RequestRow | None = None
        self._handlers: dict[type[Effect], Callable[[Any], Awaitable[object]]] = {
            Claim: self._claim,
            Decline: self._decline,
            Exchange: self._exchange,
            Fetch: self._fetch,
            Keep: self._keep,
            Settle: self._settle,
            Sleep: self._sleep,
            Now: self._now,
            NewId: self._new_id,
        }

    async def drive(self, flow: Flow[Result]) -> Result:
        """Run a flow to its end and give its result; errors of ours are thrown into it.

        When something ends it over an attempt that is claimed and not settled, that attempt is
        the next recovery's.
        """
        answer: object = None
        failed: PisangError | None = None
        claimed: str | None = None
        asked: Intent | None = None
        try:
            while True:
                effect = flow.throw(failed) if failed else flow.send(answer)
                failed = None
                asked = effect.intent if isinstance(effect, Claim) else asked
                try:
                    answer = await self._handlers[type(effect)](effect)
                except PisangError as error:
                    failed = error
                else:
                    claimed = _claimed(claimed, effect, answer)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        except BaseException:
            if claimed is not None:
                self._store.abandon(claimed)
            raise
        finally:
            if asked is not None:
                self._waiting.leave(asked.upstream, asked.attempt_id)

    async def begin(
        self, wish: Wish, intent: Intent | None, *, retry_unknown: bool, new: bool
    ) -> Begun:
        """What the ledger says to a wish. Where it is new and `intent` can be claimed, that is in
        the same commit, and the flow that asks for it is given it without another; the request is
        over, then, with the first attempt that must not be followed by one.

        A claim that is refused is not even asked for: the flow hears of it in its turn.
        """
        begin = partial(self._store.begin, wish, retry_unknown=retry_unknown, new=new)
        if intent is None or self._stop.is_set():
            return self._note(await asyncio.wrap_future(begin()))
        # Asked before the commit: nothing may come between that and the send.
        await self._usual_s(intent)
        beginning = asyncio.wrap_future(begin(intent=intent))
        try:
            begun = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            if isinstance((await beginning).claimed, Claimed):
                await asyncio.wrap_future(self._store.settle(never_sent(intent, now_ms())))
            raise
        except PisangError:
            begun = await asyncio.wrap_future(begin())
        if begun.claimed is not None:
            self._alone = True
            self._claimed = (intent, begun.claimed)
        return self._note(begun)

    async def claim_first(self, intent: Intent, *, alone: bool) -> Hold | None:
        """Claim the first attempt of a request that stands in the ledger, for the flow that asks
        for it next; None once it is. `alone`: nothing of the request follows it."""
        await self._usual_s(intent)
        answer = await self._commit_claim(intent)
        if isinstance(answer, Hold):
            return answer
        self._alone, self._claimed = alone, (intent, answer)
        return None

    def _note(self, begun: Begun) -> Begun:
        self.request_id = begun.request_id
        return begun

    async def give_back(self) -> None:
        """Undo a claim that came with the request and that no flow was given: nothing was sent,
        and the row must not say that it may have been."""
        claimed, self._claimed = self._claimed, None
        if claimed is not None and isinstance(claimed[1], Claimed):
            await asyncio.wrap_future(self._store.settle(never_sent(claimed[0], now_ms())))

    def tell_begun(self) -> None:
        """The request is in the ledger: from here on its id finds it, whoever asks."""
        self._tell("begun", "")

    def _tell(self, kind: str, attempt_id: str, size: int = 0, message: str = "") -> None:
        self._say(Event(kind, self.request_id, attempt_id, size, now_ms(), message))

    def _say(self, event: Event) -> None:
        """Tell the listener. One that fails is not told again, and takes no paid image with it:
        its fault goes to the event loop's exception handler."""
        try:
            self._listen(event)
        except Exception as error:  # noqa: BLE001 - the caller's own code, not ours
            self._listen = ignore
            told = {"message": "a listener failed and is not called again", "exception": error}
            asyncio.get_running_loop().call_exception_handler(told)

    async def _claim(self, effect: Claim) -> Claimed | Hold:
        usual_s = await self._usual_s(effect.intent)
        answer = self._claimed_with_begin(effect.intent) or await self._commit_claim(effect.intent)
        if isinstance(answer, Hold):
            self._tell_queued(effect.intent, answer)
        else:
            self._waiting.leave(effect.intent.upstream, effect.intent.attempt_id)
            self._tell_claimed(effect.intent, usual_s, answer)
        return answer

    def _claimed_with_begin(self, intent: Intent) -> Claimed | Hold | None:
        """The answer that came with the request's own commit, once."""
        claimed, self._claimed = self._claimed, None
        return claimed[1] if claimed is not None and claimed[0] == intent else None

    async def _usual_s(self, intent: Intent) -> float | None:
        """How long such an image usually takes, where somebody listens."""
        if self._listen is ignore:
            return None
        asked = (intent.upstream, intent.model, intent.image_size)
        usual_s, at = self._usual.get(asked, (None, -USUAL_S))
        if time.monotonic() >= at + USUAL_S:
            with suppress(PisangError):  # a figure to look at: it stops no image
                usual_s = await asyncio.to_thread(self._store.usual_s, *asked)
            self._usual[asked] = (usual_s, time.monotonic())
        return usual_s

    def _tell_queued(self, intent: Intent, hold: Hold) -> None:
        place = self._waiting.place(intent.upstream, intent.attempt_id)
        at_ms = now_ms()
        self._say(
            Event("queued", self.request_id, intent.attempt_id, 0, at_ms, hold.reason, place=place)
        )

    def _tell_claimed(self, intent: Intent, usual_s: float | None, claimed: Claimed) -> None:
        self._say(
            Event(
                "claimed",
                self.request_id,
                intent.attempt_id,
                0,
                now_ms(),
                at_stake=None if intent.price is None or intent.free else str(intent.price),
                usual_s=usual_s,
                limit_s=intent.deadline_ms / 1000,
                warnings=tuple(warn.code for warn in claimed.warnings),
            )
        )

    async def _commit_claim(self, intent: Intent) -> Claimed | Hold:
        """The claim's answer. Cancelled in the middle of its commit, it is undone: nothing was
        sent, and the row must not say that it may have been."""
        if self._stop.is_set():
            raise Cancelled()
        claiming = asyncio.wrap_future(self._store.claim(intent, now_ms()))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            if isinstance(await claiming, Claimed):
                await asyncio.wrap_future(self._store.settle(never_sent(intent, now_ms())))
            raise

    async def _decline(self, effect: Decline) -> None:
        await asyncio.wrap_future(self._store.decline(effect.intent, effect.settlement))
        self._tell("failed", effect.intent.attempt_id)

    async def _exchange(self, effect: Exchange) -> Answer:
        """Send, and pump what comes to the store. The order on each chunk is: store, tap, tell."""
        started = time.monotonic()
        try:
            armed = await self._reach.armed(effect.upstream)
            await bring(self._store, effect.request.body)
            call = self._reach.call(replace(effect, upstream=armed), self._store)
        except PisangError as error:
            return Answer(ended=Ended.NOT_CONNECTED, sent=False, reason=error.message())
        intake = Intake(self._store.incoming(effect.attempt_id))
        tell = partial(self._tell, "received", effect.attempt_id)
        ended, sent, reason = Ended.WHOLE, True, ""
        status: int | None = None
        headers: dict[str, str] = {}
        try:
            self._tell("sent", effect.attempt_id)
            async with self._reach.transport(effect.upstream).exchange(call) as stream:
                status, headers = stream.status, dict(stream.headers)
                self._tap.begin(status, headers)
                async with Pump(intake, self._tap, tell, self._intakes) as pump:
                    async for chunk in stream:
                        await pump.take(chunk)
        except Failure as failure:
            ended, reason = failure.ended, failure.reason
            sent = failure.sent or status is not None
        except WireError as error:
            ended, reason = Ended.MALFORMED, str(error.fields.get("why", ""))
        except PisangError as error:
            # The disk failed under a body that is paid for: what came is kept as it is.
            ended, reason = Ended.CUT, error.message()
        came = intake.answer(
            ended=ended,
            sent=sent,
            status=status,
            headers=headers,
            elapsed_ms=int((time.monotonic() - started) * 1000),
            reason=reason,
        )
        answer = redact(came, armed.key)
        # What was dotted out is not given out as it came either.
        self._tap.close(whole=ended is Ended.WHOLE and answer is came)
        return answer

    async def _fetch(self, effect: Fetch) -> Content:
        return await self._reach.fetch(
            effect.uri, self._store.incoming(effect.attempt_id), effect.upstream
        )

    async def _keep(self, effect: Keep) -> None:
        keep = partial(self._store.keep, effect.attempt_id, effect.answer, effect.contents)
        if effect.contents or effect.answer.spans:
            await beside(self._store, keep)
        else:
            keep()
        self._tell("kept", effect.attempt_id)

    async def _settle(self, effect: Settle) -> None:
        over = self._alone and effect.settlement.state is not State.FAILED  # which may be followed
        finish = self.request_id if over else None
        self.row = await asyncio.wrap_future(self._store.settle(effect.settlement, finish=finish))
        if effect.settlement.state is State.DONE:  # there is a figure now, where there was none
            for asked in [one for one, (usual_s, _) in self._usual.items() if usual_s is None]:
                del self._usual[asked]
        self._tell(effect.settlement.state.value, effect.settlement.attempt_id)

    async def _sleep(self, effect: Sleep) -> None:
        share = random.random() if effect.jitter else 1.0  # noqa: S311 - jitter, not a secret
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), effect.delay_s * share)
            raise Cancelled()

    async def _now(self, effect: Now) -> int:
        return now_ms()

    async def _new_id(self, effect: NewId) -> str:
        return new_id(effect.prefix)
