"""Its own user's way into a gateway that was started for him: `pisang studio` (`gateway.session`).

He is who started this very process, so what lets him in is good in this process alone: a ticket in
the address that his browser is opened with, once and for five minutes, and the session that it is
changed for. Where callers have keys he needs none: it is his home.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable

from pisang.errors import TicketSpent
from pisang.gateway.cookies import KEPT_S, SESSION_COOKIE, is_genuine, sign

LIFE_S = 300.0

_NAME = "owner"


class Entrance:
    """Tickets of one process, and the sessions that were given for them."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._secret = secrets.token_bytes(32)
        self._tickets: dict[str, float] = {}
        self._lock = threading.Lock()
        self.cookie = f"{SESSION_COOKIE}_{secrets.token_hex(4)}"
        """Another name than other gateways' have: a browser keeps one cookie of a name for all
        ports of this machine."""

    def write_ticket(self) -> str:
        """A ticket that lets its bearer in, once, within `LIFE_S`."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._tickets[ticket] = self._clock_s() + LIFE_S
        return ticket

    def take(self, ticket: str) -> None:
        """Let its bearer in. Raises `TicketSpent` where it is none of ours, was used, or is too
        old."""
        known = None
        with self._lock:
            for one in self._tickets:
                if hmac.compare_digest(one.encode(), ticket.encode("utf-8", "replace")):
                    known = one
            until = self._tickets.pop(known, 0.0) if known is not None else 0.0
        if self._clock_s() >= until:
            raise TicketSpent

    def write_cookie(self, now_s: int) -> tuple[str, int]:
        """What a browser keeps of the session, and for how many seconds."""
        until = now_s + KEPT_S
        return f"{_NAME}.{until}.{sign(self._secret, _NAME, until)}", KEPT_S

    def knows(self, sessions: tuple[str, ...], now_s: int) -> bool:
        """Whether one of a browser's sessions was given here."""
        return any(is_genuine(one, self._secret, now_s) for one in sessions)
