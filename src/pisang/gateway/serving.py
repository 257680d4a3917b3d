"""A paid call on a hot route: admitted, read, carried out, answered, whoever leaves when.

The engine owns what was sent. A caller who leaves loses nothing: the outcome is stored, and his
next equal call is given it (DESIGN §5, twins). A caller who waits is kept alive from 45 s on with
line breaks, which every client passes over (`wires/gemini.md` §5.1, measured); the status is spent
then, so an error cuts the connection, and the caller's own retry is told it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from pisang.domain.catalogue import Catalogue
from pisang.domain.ledger import Join
from pisang.domain.request import Request
from pisang.domain.upstream import Upstream
from pisang.engine.beside import beside
from pisang.engine.engine import Engine
from pisang.engine.events import Event, Listener
from pisang.engine.ids import new_id
from pisang.engine.lineage import TURN_WIRES
from pisang.engine.order import Order, Ran
from pisang.engine.outcome import last_attempts
from pisang.engine.replay import replay
from pisang.errors import KeyRestricted, OptionInvalid, OutcomeUnknown, PisangError, UsageError
from pisang.gateway.access import Caller
from pisang.gateway.calls import note_error
from pisang.gateway.files import names_files, take_in
from pisang.gateway.intake import Asked, read_asked
from pisang.gateway.links import address, check_linked
from pisang.gateway.news import News
from pisang.gateway.recall import recall
from pisang.gateway.relay import Relay, skip
from pisang.gateway.replies import JSON_TYPE, encode, is_plain, speaks_for_itself
from pisang.gateway.routing import Router
from pisang.gateway.telling import Teller
from pisang.gateway.visits import Departure, Gone, Visit, base_of
from pisang.policy.plan import plan
from pisang.wires.base import Wire, WireAnswer
from pisang.wires.table import wire

FIRST_KEEPALIVE_S = 45.0
"""nginx gives up after 60 s without a byte, Node's fetch after 300 s. `[gateway] keepalive_s`."""

NEXT_KEEPALIVE_S = 15.0


@dataclass(frozen=True, slots=True)
class Service:
    """What serving needs: the engine, the way to upstreams, how often a waiter hears something.

    `timeout_s` is how long an upstream may take, in place of the size's own limit.
    """

    engine: Engine
    router: Router
    first_keepalive_s: float = FIRST_KEEPALIVE_S
    next_keepalive_s: float = NEXT_KEEPALIVE_S
    timeout_s: float | None = None
    news: News = field(default_factory=News)


async def serve(service: Service, visit: Visit, caller: Caller, spoken: Wire) -> None:
    """Carry a paid call out and answer it, in the dialect that it came in."""
    call_id = new_id("call")
    store = service.engine.store
    sink = store.spool(call_id)
    try:
        asked = await read_asked(visit, spoken, sink)
        check_linked(asked.ask)
        if sink.pieces:
            await beside(store, store.adopt, call_id)
        else:
            store.let_go(call_id)
        if names_files(asked):
            asked = await beside(store, take_in, asked, visit, caller, store)
        orders = orders_for(service, visit, caller, asked)
        if spoken.name not in TURN_WIRES:
            orders = await beside(store, _recall_all, orders, service.engine)
    except Gone:
        store.let_go(call_id)
        return
    except PisangError as error:
        store.let_go(call_id)
        note_error(error)
        await Teller(visit.send).tell(spoken.encode_error(error), store)
        return
    await _Serving(service, visit, caller, spoken, asked).run(orders)


def orders_for(service: Service, visit: Visit, caller: Caller, asked: Asked) -> tuple[Order, ...]:
    """The order for each upstream that could serve it, in the order to try. Raises `PisangError`
    leaves for a call that no upstream of ours can serve."""
    headers = visit.headers
    request = asked.ask.request
    key = headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= 255:
        raise OptionInvalid(option="Idempotency-Key", value=key[:40], why="1 to 255 characters")
    upstreams = service.router.upstreams(request.model, headers.get("x-pisang-upstream"))
    upstreams = _permitted(caller, request, upstreams, service.engine.catalogue)
    common = Order(
        request=request,
        upstream=upstreams[0],
        idempotency_key=key,
        retry_unknown=is_set(headers, "x-pisang-retry-unknown"),
        timeout_s=service.timeout_s,
        face="gateway",
        scope=caller.scope,
        route=visit.path,
        fingerprint=asked.fingerprint,
        join=_join(headers),
        new=is_set(headers, "x-pisang-new"),
        quota=caller.quota,
        warnings=asked.ask.warnings,
        hook=caller.hook(visit),
    )
    return tuple(
        replace(
            common,
            upstream=upstream,
            elsewhere=upstream is not upstreams[-1],
            quota=caller.quota if upstream is upstreams[0] else None,  # it is one request still
        )
        for upstream in upstreams
    )


def _permitted(
    caller: Caller, request: Request, upstreams: tuple[Upstream, ...], catalogue: Catalogue
) -> tuple[Upstream, ...]:
    """The upstreams at which the caller's key is for this. Raises `KeyRestricted`: at none."""
    if not caller.restricted:
        return upstreams
    kept: list[Upstream] = []
    refusal: KeyRestricted | None = None
    for upstream in upstreams:
        try:
            caller.check(plan(request, upstream, catalogue), catalogue)
        except KeyRestricted as error:
            refusal = refusal or error
            continue
        except UsageError:
            pass  # nothing can be sent there, and the engine says why
        kept.append(upstream)
    if refusal is not None and not kept:
        raise refusal
    return tuple(kept)


def _recall_all(orders: tuple[Order, ...], engine: Engine) -> tuple[Order, ...]:
    return tuple(_recalled(order, engine) for order in orders)


def _recalled(order: Order, engine: Engine) -> Order:
    """The order of a dialect without signatures, its earlier turns as its upstream takes them."""
    if not order.request.history:
        return order
    request, moved = recall(
        order.request, order.upstream, engine.catalogue, engine.store, order.scope
    )
    return replace(order, request=request, warnings=(*order.warnings, *moved))


def _join(headers: Mapping[str, str]) -> Join:
    """A client that counts its own retries (openai's SDKs do) joins whatever there is."""
    count = headers.get("x-stainless-retry-count", "")
    return "any" if count.isdigit() and int(count) > 0 else "unsure"


def is_set(headers: Mapping[str, str], name: str) -> bool:
    """Whether a header says yes."""
    return headers.get(name, "").strip().lower() in ("1", "true", "yes")


class _Serving:
    """One call being served."""

    def __init__(
        self, service: Service, visit: Visit, caller: Caller, wire: Wire, asked: Asked
    ) -> None:
        self._service = service
        self._store = service.engine.store
        self._wire = wire
        self._ask = asked.ask
        self._address = partial(address, base_of(visit), caller.key)
        self._teller = Teller(visit.send, lambda: self._departure.happened, visit.line)
        # At once: the same client may ask again before there is a next byte to fail on.
        self._departure = Departure(
            visit.receive, lambda: self._leave(delivered=self._teller.ended)
        )
        self._relay = Relay(sse=asked.ask.stream)
        self._relayed = is_plain(asked.ask)
        self._cut_shows = visit.cut_shows
        self._request_id: str | None = None
        self._left = False
        self._owed = False
        self._scope = ""

    async def run(self, orders: tuple[Order, ...]) -> None:
        """Carry it out and answer it, whoever leaves."""
        self._scope = orders[0].scope
        carrying = asyncio.ensure_future(self._carry_out(orders))
        carrying.add_done_callback(lambda _: self._relay.end())
        try:
            await self._wait(carrying)
            whole = False
            if not self._departure.happened:
                live = self._relay.live.done()
                whole = await (self._tell_live(carrying) if live else self._tell(carrying))
            if self._departure.happened:
                carrying.add_done_callback(_look_away)
            left = self._leave(delivered=whole)
            if left is not None and not whole:  # he may ask another process of this home
                with suppress(PisangError):  # a disk that takes nothing: recovery will
                    await asyncio.wrap_future(left)
        except asyncio.CancelledError:
            self._leave(delivered=self._teller.ended)
            raise
        finally:
            await self._departure.close()

    async def _tell(self, carrying: asyncio.Future[Ran]) -> bool:
        """Answer at once; whether all of it went out. What is small enough to be held still is
        given from memory, the rest from the store."""
        answer = self._held(carrying)
        if answer is None:
            answer = await beside(self._store, self._answer, carrying)
        return await self._teller.tell(answer, self._store)

    def _held(self, carrying: asyncio.Future[Ran]) -> WireAnswer | None:
        """The upstream's own bytes, where they are the answer and all of them are here."""
        if not self._relay.held or carrying.exception() is not None:
            return None
        ran = carrying.result()
        if ran.replayed or not speaks_for_itself(ran):
            return None
        self._note(ran)
        kind = self._relay.headers.get("content-type", JSON_TYPE)
        return WireAnswer(200, tuple(self._relay.rest()), {"content-type": kind})

    async def _tell_live(self, carrying: asyncio.Future[Ran]) -> bool:
        """Pass the upstream's bytes on while they arrive, the last of them once the outcome is
        committed; whether all of it went out."""
        self._teller.begin_live(self._relay.headers)
        async for chunk in self._relay.chunks():
            await self._teller.push(chunk)
            if self._departure.happened:
                return False
        await self._departure.wait(carrying)
        if self._departure.happened:
            return False
        answer = self._answer(carrying)
        if answer.status == 200 and self._relay.whole:
            rest = self._relay.rest() or self._left_over(carrying.result())
            return await self._teller.finish_live(rest)
        if not self._teller.spent or (answer.status != 200 and self._relay.between_events):
            return await self._teller.tell(answer, self._store)
        if self._ask.stream and not self._cut_shows:
            await self._break_off(answer)
        return False  # the connection is cut: an equal call is given what there is

    async def _break_off(self, answer: WireAnswer) -> None:
        """Make a stream that ends in the middle of an event, where a cut would pass for its end,
        one that nobody can read as whole: the event is ended, and is none; then the error."""
        await self._teller.push(b"\n\n")
        if answer.status != 200:
            await self._teller.tell(answer, self._store)

    def _left_over(self, ran: Ran) -> Iterable[bytes]:
        """What a caller who fell behind was not given yet, from the store."""
        body = replay(self._store, last_attempts(ran.row)[0].id)
        return skip(body, self._relay.sent) if body is not None else ()

    async def _carry_out(self, orders: tuple[Order, ...]) -> Ran:
        def go_on() -> None:  # that request is over, and the next one goes on
            self._detach(delivered=True)
            if orders[0].hook is not None and self._request_id is not None:
                self._store.webhooks.drop(self._request_id)

        return await self._service.router.carry_out(orders, self._run, self._hear, go_on)

    async def _run(self, order: Order, listen: Listener) -> Ran:
        """Carry one order out, its own bytes tapped where they will be the answer."""
        if not self._relayed or wire(order.upstream.wire) is not self._wire:
            self._relay.begin(0, {})  # what an upstream before it said is not the answer
            return await self._service.engine.run(order, listen)
        order, tap = replace(order, stream=self._ask.stream), self._relay
        return await self._service.engine.run(order, listen, tap)

    def _hear(self, event: Event) -> None:
        self._service.news.tell(event, self._scope)
        if event.kind == "begun":
            self._request_id = event.request_id
            self._teller.headers["x-pisang-request-id"] = event.request_id
            if self._left:
                self._detach(delivered=False)
        elif event.warnings:  # what is relayed can't wait for the rest of them
            self._teller.headers["x-pisang-warning"] = ", ".join(event.warnings)

    async def _wait(self, carrying: asyncio.Future[Ran]) -> None:
        """Until the outcome is there or the caller has left; he hears a line break meanwhile."""
        pause_s = self._service.first_keepalive_s
        live = self._relay.live
        while True:
            await self._departure.wait(carrying, live, timeout_s=pause_s)
            if carrying.done() or live.done() or self._departure.happened:
                return
            await self._teller.keep_alive(sse=self._ask.stream)
            pause_s = self._service.next_keepalive_s

    def _answer(self, carrying: asyncio.Future[Ran]) -> WireAnswer:
        try:
            ran = carrying.result()
            self._note(ran)
            return encode(ran, self._ask, self._wire, self._store, self._address)
        except PisangError as error:
            self._owed = isinstance(error, OutcomeUnknown)
            return self._wire.encode_error(error, self._ask)

    def _note(self, ran: Ran) -> None:
        """What the headers say of an outcome."""
        if ran.joined:
            self._teller.headers["x-pisang-attached"] = ran.row.id
        if ran.warnings:
            codes = dict.fromkeys(warn.code for warn in ran.warnings)
            self._teller.headers["x-pisang-warning"] = ", ".join(codes)

    def _leave(self, *, delivered: bool) -> Future[None] | None:
        """Nobody waits any more. Where it was not delivered, whoever asks the same joins it, once
        that is committed; so does he who was told that the outcome can't be known yet."""
        self._left = True
        self._relay.leave()
        return self._detach(delivered=delivered and not self._owed)

    def _detach(self, *, delivered: bool) -> Future[None] | None:
        if self._request_id is None:
            return None
        return self._store.detach(self._request_id, delivered=delivered)


def _look_away(carrying: asyncio.Future[Ran]) -> None:
    """Nobody is there to be told: the ledger knows."""
    if not carrying.cancelled():
        carrying.exception()
