"""A request's body on its way out: begun before anything is sent, and exactly as long as said."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from pisang.errors import PisangError
from pisang.transport.base import Outgoing
from pisang.transport.headers import refused


class UploadBroken(OSError):
    """The body could not be read to its end, or was not as long as the request's header said."""


class Upload:
    """The chunks of one body, the first of them already read.

    So a file that cannot be read fails before a connection is made, and nothing is paid.
    """

    __slots__ = ("_first", "_length", "_rest")

    def __init__(self, first: bytes, rest: AsyncIterator[bytes], length: int) -> None:
        self._first = first
        self._rest = rest
        self._length = length

    @classmethod
    async def begin(cls, call: Outgoing) -> Upload | None:
        """The body of that call, None where it has none. Raises `Failure` (not sent)."""
        if call.body is None:
            return None
        try:
            rest = aiter(call.body())
            first = await _next(rest)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else "it is gone"
            raise refused(f"the request's body could not be read ({why})") from None
        except PisangError as error:
            raise refused(error.message()) from error
        if not first and call.length:
            raise refused("the request's body is empty")
        return cls(first, rest, call.length) if first else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, once. Raises `UploadBroken` rather than send another number of bytes."""
        left = self._length - len(self._first)
        if left >= 0:
            yield self._first
        while left >= 0:
            try:
                chunk = await _next(self._rest)
            except (OSError, PisangError):
                raise UploadBroken from None
            left -= len(chunk)
            if not chunk:
                break
            if left >= 0:
                yield chunk
        if left:
            raise UploadBroken


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    """The next chunk that is not empty; `b""` after the last."""
    async for chunk in chunks:
        if chunk:
            return chunk
    return b""
