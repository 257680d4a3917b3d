"""`/events`: what happens to a caller's requests, as it happens (server-sent events)."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pisang.client.results import iso_time
from pisang.domain.request import JSON
from pisang.engine.events import Event
from pisang.gateway.management.answers import json_bytes
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.news import Subscription
from pisang.gateway.visits import Departure

router = APIRouter(tags=["events"])

HEARTBEAT_S = 15.0

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep them back
    (b"x-content-type-options", b"nosniff"),
]


@router.get(
    "/events", responses={200: {"content": {"text/event-stream": {}}}}, response_class=Response
)
async def events(desk: At) -> Response:
    """Each step of your requests from now on: `begun`, `queued`, `claimed`, `sent`, `received`
    (twice a second at most), `kept`, and how each attempt ended.

    What happened before, and while you were away, is in `/requests`. A client that reads too
    slowly is let go, and connects again.
    """
    return Stream(desk)


class Stream(Response):
    """The events of one caller, until he leaves."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell them as they come, and a comment now and then where none does."""
        departure = Departure(receive)
        try:
            with self._desk.service.news.listen(self._desk.sees) as subscription:
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                await _push(send, b"retry: 3000\n\n")
                while not departure.happened and not subscription.over:
                    frame = await _next(subscription, departure)
                    if frame is not None:
                        await _push(send, frame)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await departure.close()


async def _next(subscription: Subscription, departure: Departure) -> bytes | None:
    """The next frame; None where the caller left first."""
    coming = asyncio.ensure_future(subscription.next())
    try:
        await departure.wait(coming, timeout_s=HEARTBEAT_S)
        if departure.happened:
            return None
        return _frame(coming.result()) if coming.done() else b": still here\n\n"
    finally:
        coming.cancel()


def _frame(event: Event) -> bytes:
    return b"data: " + json_bytes(_event_json(event)) + b"\n\n"


def _event_json(event: Event) -> dict[str, JSON]:
    facts = {
        "kind": event.kind,
        "request_id": event.request_id,
        "attempt_id": event.attempt_id or None,
        "at": iso_time(event.at_ms),
        "bytes": event.bytes or None,
        "message": event.message or None,
        "at_stake": event.at_stake,
        "usual_s": event.usual_s,
        "limit_s": event.limit_s,
    }
    return {name: value for name, value in facts.items() if value is not None}


async def _push(send: Send, frame: bytes) -> None:
    await send({"type": "http.response.body", "body": frame, "more_body": True})
