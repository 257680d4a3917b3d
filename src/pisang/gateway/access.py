"""Who may ask: a caller is known by his key, or, on a gateway without keys, by nothing."""

from __future__ import annotations

from dataclasses import dataclass

from pisang.gateway.visits import Visit

OPEN_SCOPE = "local"
"""Whose requests are those of a gateway without keys: its user's own, as on the command line."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may ask. `scope` is whose his requests are: keys never meet (DESIGN §5)."""

    scope: str
    name: str


class Access:
    """Admits callers."""

    async def admit(self, visit: Visit) -> Caller:
        """Who calls. Raises `KeyInvalid`."""
        return Caller(OPEN_SCOPE, "")
