"""What a face hears while a request is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

ENDED = frozenset({"done", "refused", "failed", "unknown"})
"""The kinds of event that end an attempt."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of one attempt.

    `kind` is `begun` (the request is in the ledger; no attempt yet), `queued` (the upstream's
    limits are full; `message` says which, `place` is its place among those of this process that
    wait, by when they came), `claimed` (`at_stake` is its worst price in words, where
    it is known; `usual_s` how long such an image usually takes, None where none was made yet;
    `limit_s` how long it may; `warnings` the codes of what the claim itself warns of), `sent`,
    `received` (`bytes` so far), `kept`, or the state the attempt was settled in (`done`, `refused`,
    `failed`, `unknown`).
    """

    kind: str
    request_id: str
    attempt_id: str
    bytes: int
    at_ms: int
    message: str = ""
    at_stake: str | None = None
    usual_s: float | None = None
    limit_s: float | None = None
    warnings: tuple[str, ...] = ()
    place: int | None = None


class Tap(Protocol):
    """Is handed an answer's own bytes as they arrive, each chunk once the store has it.

    Called on the engine's loop. `begin` comes with each answer's head: a request may have several,
    the last of which counts. `close` comes with each one's end, and tells whether the body came
    whole. Nothing waits but `room`, which is asked where a push left it `full`, and must end soon:
    the rest of a paid body waits for it.
    """

    @property
    def full(self) -> bool: ...

    def begin(self, status: int, headers: Mapping[str, str]) -> None: ...

    def push(self, chunk: bytes) -> None: ...

    async def room(self) -> None: ...

    def close(self, *, whole: bool) -> None: ...


class NoTap:
    """The tap of a caller who waits for the outcome."""

    full = False

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Nothing."""

    def push(self, chunk: bytes) -> None:
        """Nothing."""

    async def room(self) -> None:
        """At once."""

    def close(self, *, whole: bool) -> None:
        """Nothing."""


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener of a caller who does not listen."""
