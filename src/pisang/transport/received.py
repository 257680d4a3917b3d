"""A body as it comes in, under the caps of its call: bytes, silence, deadline, compression."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

from pisang.domain.answer import Ended
from pisang.transport.base import Failure, Outgoing
from pisang.transport.content_coding import Coding, coding_of


class IncomingBody:
    """Iterates body bytes and raises `Failure` (`sent=True`) for whatever ends them early.

    `read` gives the next received bytes, `b""` at the end. The caps hold for what was received
    and for what it decodes to. Silence is counted from the first byte of the body on: a gateway
    may send its header at once and then paint for minutes.
    """

    __slots__ = (
        "_body_bytes",
        "_call",
        "_coding",
        "_deadline",
        "_headers",
        "_pieces",
        "_read",
        "_received",
    )

    def __init__(
        self,
        call: Outgoing,
        headers: Mapping[str, str],
        deadline: float,
        read: Callable[[], Awaitable[bytes]],
    ) -> None:
        self._call = call
        self._headers = headers
        self._deadline = deadline
        self._read = read
        self._coding: Coding | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._received = 0
        self._body_bytes = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        coding = self._coding or self._begin()
        while True:
            for piece in self._pieces:
                self._body_bytes += len(piece)
                self._check(self._body_bytes)
                return piece
            data = await self._next()
            if not data:
                coding.finish()
                raise StopAsyncIteration
            self._received += len(data)
            self._check(self._received)
            self._pieces = coding.feed(data)

    def _begin(self) -> Coding:
        """Refuse what the header alone condemns. Here, so that the status is known by now."""
        announced = self._headers.get("content-length", "")
        if announced.isdecimal():
            self._check(int(announced))
        self._coding = coding_of(self._headers.get("content-encoding", ""))
        return self._coding

    async def _next(self) -> bytes:
        until = self._deadline
        if self._received:
            until = min(until, asyncio.get_running_loop().time() + self._call.idle_s)
        try:
            async with asyncio.timeout_at(until):
                return await self._read()
        except TimeoutError:
            pass
        raise late(self._call, sent=True, idle=until < self._deadline)

    def _check(self, size: int) -> None:
        if size > self._call.max_bytes:
            raise Failure(
                Ended.TOO_LARGE,
                sent=True,
                reason=f"more than {self._call.max_bytes:,} bytes",
            )


class Received:
    """A `Stream`: status, header, and a body under the caps of its call.

    Where the body was decoded on its way, the two fields that spoke of its coded form are gone.
    """

    __slots__ = ("_body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: IncomingBody) -> None:
        coded = headers.get("content-encoding", "identity").lower() != "identity"
        self.status = status
        self.headers: Mapping[str, str] = (
            {name: value for name, value in headers.items() if name not in _CODED}
            if coded
            else headers
        )
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body


_CODED = frozenset({"content-encoding", "content-length"})


def late(call: Outgoing, *, sent: bool, idle: bool = False) -> Failure:
    """The failure of a call whose time is over."""
    what = f"nothing came for {call.idle_s:g} s" if idle else f"no end within {call.deadline_s:g} s"
    return Failure(Ended.TIMEOUT, sent=sent, reason=what)
