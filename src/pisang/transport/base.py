"""The shape of one exchange: a call goes out, a stream of bytes comes back, or a `Failure`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from pisang.domain.answer import Ended
from pisang.domain.secret import Secret

DEFAULT_MAX_BYTES = 512 * 1024 * 1024
"""An answer beyond this is cut off: eleven 4K pictures, above the largest seen (48 MB)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP call as it will be sent.

    `body` gives the bytes anew each time it is called; `length` is how many they are. `secrets`
    are header values that print as dots; `secret_query` likewise rides in the URL and is in no
    printed form of it. `deadline_s` bounds the whole exchange, `idle_s` each silence once the
    first byte of the answer came, `connect_s` DNS, connect and TLS together.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], AsyncIterator[bytes]] | None = None
    length: int = 0
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    secret_query: Mapping[str, Secret] = field(default_factory=dict)
    deadline_s: float = 600.0
    idle_s: float = 120.0
    connect_s: float = 15.0
    max_bytes: int = DEFAULT_MAX_BYTES
    proxy: str | None = field(default=None, repr=False)


class Failure(Exception):
    """An exchange that did not come to its end: how (`ended`), and whether a byte was written.

    `sent` is false only with proof. `reason` is a short sentence without secrets or URLs' queries.
    """

    def __init__(self, ended: Ended, *, sent: bool, reason: str) -> None:
        super().__init__(reason)
        self.ended = ended
        self.sent = sent
        self.reason = reason


class Stream(Protocol):
    """An answer whose head has come. Iterating gives body bytes and may raise `Failure`."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names; values without CR, LF or NUL."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Transport(Protocol):
    """Something that exchanges. Entering may raise `Failure`; leaving closes the connection."""

    def exchange(self, call: Outgoing) -> AbstractAsyncContextManager[Stream]: ...

    async def close(self) -> None: ...
