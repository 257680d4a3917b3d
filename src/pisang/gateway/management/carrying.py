"""Paid work carried out for a caller who waits for it, or who comes back for it.

As on the hot routes: who leaves loses nothing, who waits is kept alive, and where the status was
spent an error cuts the connection (`gateway.serving`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pisang.client.async_client import told
from pisang.client.results import result_of
from pisang.engine.events import Event, Listener
from pisang.engine.order import Order, Ran
from pisang.errors import PisangError, Unexpected
from pisang.gateway.lines import find_line
from pisang.gateway.management.answers import (
    error_answer,
    json_bytes,
    progress_json,
    result_answer,
)
from pisang.gateway.management.desk import Desk
from pisang.gateway.routes import PREFIX
from pisang.gateway.telling import Teller
from pisang.gateway.visits import Departure
from pisang.wires.base import WireAnswer

Carry = Callable[[Listener], Awaitable[Ran]]


async def carry_out(orders: Sequence[Order], desk: Desk, listen: Listener) -> Ran:
    """What became of a wish, at the first of its upstreams that can grant it."""
    return await desk.service.router.carry_out(orders, desk.engine.run, listen)


class Work:
    """Something paid that is under way for one caller, and whether he is still there."""

    def __init__(self, carry: Carry, desk: Desk) -> None:
        self.desk = desk
        self.request_id: str | None = None
        self._begun = asyncio.Event()
        self._delivered: bool | None = None
        self.task: asyncio.Task[Ran] = asyncio.ensure_future(_run(carry, self._hear))
        self.task.add_done_callback(self._end)

    async def begin(self) -> str:
        """Its request's id, once it stands in the ledger. Raises what stopped it before."""
        begun = asyncio.ensure_future(self._begun.wait())
        await asyncio.wait({begun, self.task}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if self.request_id is None:
            self.request_id = self.outcome().row.id
        return self.request_id

    def outcome(self) -> Ran:
        """How it ended. Raises its error; a fault of ours as one that may have cost something."""
        fault = self.task.exception()
        if fault is not None and not isinstance(fault, PisangError):
            raise Unexpected(what=type(fault).__name__, request_id=self.request_id) from fault
        return self.task.result()

    def release(self, *, delivered: bool) -> Future[None] | None:
        """Nobody waits for it any more; `delivered`: he was told it whole. Done once committed."""
        self._delivered = delivered
        if self.request_id is None:
            return None
        return self.desk.store.detach(self.request_id, delivered=delivered)

    def _hear(self, event: Event) -> None:
        self.desk.service.news.tell(event, self.desk.caller.scope)
        if event.kind != "begun" or event.request_id == self.request_id:
            return
        before, self.request_id = self.request_id, event.request_id
        if before is not None:  # that one is over, and this one goes on at another upstream
            self.desk.works.end(before)
            self.desk.store.detach(before, delivered=True)
            self.desk.store.webhooks.drop(before)
        self.desk.works.begin(event.request_id, self.task)
        self._begun.set()
        if self._delivered is not None:
            self.release(delivered=self._delivered)

    def _end(self, task: asyncio.Task[Ran]) -> None:
        error = None if task.cancelled() else task.exception()
        if self.request_id is not None:
            self.desk.works.end(self.request_id, error)


async def _run(carry: Carry, listen: Listener) -> Ran:
    return await carry(listen)


async def promise(work: Work) -> Response:
    """202 with the id to come back with, once the request stands in the ledger."""
    request_id = await work.begin()
    result = await work.desk.result(request_id)
    body = progress_json(result, under_way=not work.task.done(), language=work.desk.language)
    headers = {
        "location": f"{PREFIX}/generations/{request_id}",
        "preference-applied": "respond-async",
        "x-pisang-request-id": request_id,
    }
    release = BackgroundTask(work.release, delivered=True)
    return Response(json_bytes(body), 202, headers, "application/json", release)


class Awaited(Response):
    """The answer once the work is done, to a caller who waits and is kept alive."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait with him, and tell him; where he leaves, whoever asks the same is told."""
        departure = Departure(receive)
        teller = Teller(send, lambda: departure.happened, find_line(scope))
        whole = False
        try:
            await self._wait(teller, departure)
            if not departure.happened:
                answer = await self._answer(teller)
                with suppress(ConnectionError):
                    whole = await teller.tell(answer, self._work.desk.store)
        finally:
            delivered = whole and not departure.happened
            released = self._work.release(delivered=delivered)
            if released is not None and not delivered:  # before the connection ends
                with suppress(PisangError):
                    await asyncio.wrap_future(released)
            await departure.close()

    async def _wait(self, teller: Teller, departure: Departure) -> None:
        service, task = self._work.desk.service, self._work.task
        pause_s = service.first_keepalive_s
        while not task.done() and not departure.happened:
            await departure.wait(task, timeout_s=pause_s)
            if not task.done() and not departure.happened:
                self._name(teller)
                await teller.keep_alive(sse=False)
                pause_s = service.next_keepalive_s

    async def _answer(self, teller: Teller) -> WireAnswer:
        self._name(teller)
        desk = self._work.desk
        try:
            ran = self._work.outcome()
            if ran.joined:
                teller.headers["x-pisang-attached"] = ran.row.id
            found = await desk.ask(lambda: result_of(ran, desk.store))
            return result_answer(told(found), desk.language)
        except PisangError as error:
            return error_answer(error, desk.language)

    def _name(self, teller: Teller) -> None:
        if self._work.request_id is not None:
            teller.headers["x-pisang-request-id"] = self._work.request_id
