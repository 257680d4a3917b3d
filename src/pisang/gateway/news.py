"""What happens to requests under way, for whoever listens now. The last steps are kept, so that a
listener who was cut off can go on where he was."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pisang.engine.events import Event

BACKLOG = 256
"""Events that a listener may be behind; one that reads slower is let go."""

RECEIVED_EVERY_MS = 500
"""How often a listener hears of the bytes of one attempt."""

QUEUED_EVERY_MS = 5_000
"""How often he hears that one still waits at the same place."""

KEPT = 256
"""Steps that are kept for those who come back. Bytes that are received are no step."""


@dataclass(frozen=True, slots=True)
class Item:
    """An event with its id, under which a listener can say what he heard last; without one where
    it is not kept."""

    event: Event
    scope: str
    id: str | None = None


class Subscription:
    """One listener's queue. `lost`: he fell behind, and what waits for him is the last."""

    def __init__(self, scope: str | None, request_id: str | None = None) -> None:
        self.scope = scope
        self.lost = False
        self._request_id = request_id
        self._waiting: asyncio.Queue[Item] = asyncio.Queue(BACKLOG)
        self._told: dict[str, tuple[int, int | None]] = {}

    def offer(self, item: Item) -> None:
        """Take an event, where this one may hear it, and wants to."""
        event = item.event
        if self.lost or self.scope not in (None, item.scope) or self._is_often(event):
            return
        if self._request_id not in (None, event.request_id):
            return
        try:
            self._waiting.put_nowait(item)
        except asyncio.QueueFull:
            self.lost = True

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.lost and self._waiting.empty()

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be read."""
        return self._waiting.empty()

    async def next(self) -> Item:
        """The next event, whenever it comes. May be cancelled: no event goes with it."""
        return await self._waiting.get()

    def _is_often(self, event: Event) -> bool:
        every_ms = _EVERY_MS.get(event.kind)
        if every_ms is None:
            self._told.pop(event.attempt_id, None)
            return False
        last = self._told.get(event.attempt_id)
        same = last is not None and last[1] == event.place
        if last is not None and same and event.at_ms - last[0] < every_ms:
            return True
        self._told[event.attempt_id] = (event.at_ms, event.place)
        return False


_EVERY_MS = {"received": RECEIVED_EVERY_MS, "queued": QUEUED_EVERY_MS}


class News:
    """Tells events to subscriptions. Without any, telling costs a look at an empty set, and a place
    among those that are kept."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._kept: deque[Item] = deque(maxlen=KEPT)
        self._boot = secrets.token_hex(4)
        self._count = 0

    def tell(self, event: Event, scope: str) -> None:
        """An event of a request of that scope."""
        if event.kind in _EVERY_MS:
            if not self._subscriptions:
                return  # most often: a body's chunks, and nobody listens
            item = Item(event, scope)
        else:
            self._count += 1
            item = Item(event, scope, f"{self._boot}-{self._count}")
            self._kept.append(item)
        for subscription in self._subscriptions:
            subscription.offer(item)

    @contextmanager
    def listen(
        self, scope: str | None, *, request_id: str | None = None, after: str = ""
    ) -> Iterator[Subscription]:
        """What happens from now on to requests of that scope (None: of all), or to one of them;
        first what came `after` an event that was heard, as far as that is kept."""
        subscription = Subscription(scope, request_id)
        for item in self._since(after):
            subscription.offer(item)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def _since(self, heard: str) -> list[Item]:
        """What is kept of what came after that event of this server's."""
        boot, _, number = heard.partition("-")
        if boot != self._boot or not (number.isascii() and number.isdigit()):
            return []
        missed = self._count - int(number[:18])
        return list(self._kept)[-missed:] if missed > 0 else []
