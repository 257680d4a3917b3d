"""Who is asking: this process as the ledger's jobs know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pisang.store.ledger import Lives


@dataclass(frozen=True, slots=True)
class Process:
    """`owner` stands in the rows that this process answers for; `lives` tells who else still
    runs; `clock_ms` is the time, in milliseconds since the epoch."""

    owner: str
    lives: Lives
    clock_ms: Callable[[], int]

    def alive(self, owner: str) -> bool:
        """Whether another owner's process may still run."""
        return self.lives.alive(owner)

    def works_on(self, owner: str | None) -> bool:
        """Whether rows of that owner are still being worked on, by us or another."""
        return owner is not None and (owner == self.owner or self.alive(owner))
