"""Who is asking: this process as the ledger's jobs know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """`owner` stands in the rows that this process answers for; `alive` tells whether another
    owner's process still runs; `clock_ms` is the time, in milliseconds since the epoch."""

    owner: str
    alive: Callable[[str], bool]
    clock_ms: Callable[[], int]

    def works_on(self, owner: str | None) -> bool:
        """Whether rows of that owner are still being worked on, by us or another."""
        return owner is not None and (owner == self.owner or self.alive(owner))
