"""Whoever started a server on his own machine, and is let in by it without a key (`pisang studio`).

His browser is opened at an address with a ticket in its fragment, which no server and no log sees;
the page gives it back once, within minutes, for a session like any other's. It is of a key that is
nowhere but in this process, so it ends with the process.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from pisang.domain.access import GatewayKey, Role

TICKET_S = 300


def _make_key() -> GatewayKey:
    return GatewayKey(
        f"own{secrets.token_hex(6)}", "", secrets.token_bytes(32), created_ms=0, role=Role.ADMIN
    )


@dataclass
class Owner:
    """The owner of one server: his ticket, good for once, and the key that his session is of."""

    made_s: int
    key: GatewayKey = field(default_factory=_make_key, repr=False)
    ticket: str | None = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def take(self, ticket: str, now_s: int) -> bool:
        """Whether that is his ticket, still good; it is not any more."""
        if self.ticket is None or now_s >= self.made_s + TICKET_S:
            return False
        if not secrets.compare_digest(ticket.encode(), self.ticket.encode()):
            return False
        self.ticket = None
        return True
