"""`/events`: what happens to a caller's requests, as it happens (server-sent events)."""

from __future__ import annotations

import asyncio
from time import monotonic

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pisang.client.results import iso_time
from pisang.domain.request import JSON
from pisang.engine.events import Event
from pisang.gateway.management.answers import json_bytes, progress_json
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.shapes import MISSING
from pisang.gateway.news import Item, Subscription
from pisang.gateway.visits import Departure

router = APIRouter(tags=["events"])

HEARTBEAT_S = 15.0

LOOK_S = 1.0
"""How often a listener's key is looked at, and whether his request is over."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep them back
    (b"x-content-type-options", b"nosniff"),
]


@router.get(
    "/events", responses={200: {"content": {"text/event-stream": {}}}}, response_class=Response
)
async def events(desk: At) -> Response:
    """Each step of your requests from now on: `begun`, `queued` (with its place), `claimed`,
    `sent`, `received` (twice a second at most), `kept`, and how each attempt ended.

    With `Last-Event-ID`, as browsers send it, what was missed since comes first, as far as the
    gateway still has it; what happened longer ago is in `/requests`. A client that reads too slowly
    is let go, and connects again. It ends within a second or two once its key is taken back. An
    admin hears of everybody's, and of budgets that pass a mark (`budget`).
    """
    return Stream(desk)


@router.get(
    "/requests/{request_id}/events",
    responses={200: {"content": {"text/event-stream": {}}}, **MISSING},
    response_class=Response,
)
async def events_of_request(request_id: str, desk: At) -> Response:
    """Each step of one request, until it is over; the last event (`over`) says how it stands."""
    row = await desk.request(request_id)
    return Stream(desk, row.id)


class Stream(Response):
    """The events of one caller, or of one request of his, until he leaves."""

    def __init__(self, desk: Desk, request_id: str | None = None) -> None:
        super().__init__()
        self._desk = desk
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell them as they come, and a comment now and then where none does."""
        departure = Departure(receive)
        desk = self._desk
        heard = desk.visit.headers.get("last-event-id", "")
        listening = desk.service.news.listen(desk.sees, request_id=self._request_id, after=heard)
        try:
            with listening as subscription:
                await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                await push(send, b"retry: 3000\n\n")
                await self._tell(subscription, departure, send)
                if not departure.happened:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await departure.close()

    async def _tell(self, subscription: Subscription, departure: Departure, send: Send) -> None:
        told_s, looked_s = monotonic(), monotonic()
        over = self._request_id is not None and not await self._under_way()
        while not departure.happened and not subscription.over:
            if over and subscription.idle:
                await push(send, await self._ending())
                return
            item = await _next(subscription, departure, 0.0 if over else LOOK_S)
            if item is not None:
                await push(send, _frame(item))
                told_s = monotonic()
            elif monotonic() - told_s >= HEARTBEAT_S:
                await push(send, b": still here\n\n")
                told_s = monotonic()
            if monotonic() - looked_s >= LOOK_S:
                looked_s = monotonic()
                if not await self._desk.still_may():
                    return
                over = over or (self._request_id is not None and not await self._under_way())

    async def _under_way(self) -> bool:
        return await self._desk.under_way(self._request_id or "")

    async def _ending(self) -> bytes:
        """How the request stands, as `GET /generations/{id}` tells it."""
        desk = self._desk
        request_id = self._request_id or ""
        result = await desk.result(request_id)
        stopped = desk.works.error(request_id)
        told = progress_json(result, under_way=False, language=desk.language, stopped=stopped)
        return b"event: over\ndata: " + json_bytes(told) + b"\n\n"


async def _next(subscription: Subscription, departure: Departure, timeout_s: float) -> Item | None:
    """The next event; None where there is none by then, or the caller left first."""
    coming = asyncio.ensure_future(subscription.next())
    try:
        await departure.wait(coming, timeout_s=timeout_s)
        return coming.result() if coming.done() and not departure.happened else None
    finally:
        coming.cancel()


def _frame(item: Item) -> bytes:
    lead = b"" if item.id is None else f"id: {item.id}\n".encode()
    return lead + b"data: " + json_bytes(_event_json(item.event)) + b"\n\n"


def _event_json(event: Event) -> dict[str, JSON]:
    facts = {
        "kind": event.kind,
        "request_id": event.request_id or None,
        "attempt_id": event.attempt_id or None,
        "at": iso_time(event.at_ms),
        "bytes": event.bytes or None,
        "message": event.message or None,
        "place": event.place,
        "at_stake": event.at_stake,
        "usual_s": event.usual_s,
        "limit_s": event.limit_s,
    }
    return {name: value for name, value in facts.items() if value is not None}


async def push(send: Send, frame: bytes) -> None:
    await send({"type": "http.response.body", "body": frame, "more_body": True})
