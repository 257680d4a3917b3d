"""What happens to requests under way, for whoever listens now: nothing is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pisang.engine.events import Event

BACKLOG = 256
"""Events that a listener may be behind; one that reads slower is let go."""

RECEIVED_EVERY_MS = 500
"""How often a listener hears of the bytes of one attempt."""


class Subscription:
    """One listener's queue. `lost`: he fell behind, and what waits for him is the last."""

    def __init__(self, scope: str | None) -> None:
        self.scope = scope
        self.lost = False
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(BACKLOG)
        self._received: dict[str, int] = {}

    def offer(self, event: Event, scope: str) -> None:
        """Take an event of a request of that scope, where this one may hear it."""
        if self.lost or self.scope not in (None, scope) or self._is_often(event):
            return
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.lost = True

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.lost and self._waiting.empty()

    async def next(self) -> Event:
        """The next event, whenever it comes. May be cancelled: no event goes with it."""
        return await self._waiting.get()

    def _is_often(self, event: Event) -> bool:
        if event.kind != "received":
            self._received.pop(event.attempt_id, None)
            return False
        last = self._received.get(event.attempt_id)
        if last is not None and event.at_ms - last < RECEIVED_EVERY_MS:
            return True
        self._received[event.attempt_id] = event.at_ms
        return False


class News:
    """Tells events to subscriptions. Without any, telling costs a look at an empty set."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def tell(self, event: Event, scope: str) -> None:
        """An event of a request of that scope."""
        for subscription in self._subscriptions:
            subscription.offer(event, scope)

    @contextmanager
    def listen(self, scope: str | None) -> Iterator[Subscription]:
        """What happens from now on to requests of that scope (None: of all)."""
        subscription = Subscription(scope)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
