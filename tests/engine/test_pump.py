"""An answer's chunks on their way: stored first, tapped second, and nothing left under way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

import pytest

from pisang.engine.intake import Intake
from pisang.engine.pump import AHEAD_BYTES, BESIDE_BYTES, Pump
from pisang.errors import StoreFilled
from pisang.wires.scan import MemorySink


class Stored(Intake):
    """Keeps what it was given; large chunks wait for `go`. Fails at a chunk of `!`."""

    def __init__(self) -> None:
        super().__init__(MemorySink())
        self.chunks: list[bytes] = []
        self.go = threading.Event()

    def take(self, chunk: bytes) -> None:
        if len(chunk) >= BESIDE_BYTES:
            assert self.go.wait(10)
        if chunk.startswith(b"!"):
            raise StoreFilled(path="disk", why="a test")
        self.chunks.append(chunk)


class Tapped:
    """Notes every chunk, and how many were stored by then."""

    full = False

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self.chunks: list[bytes] = []
        self.seen: list[int] = []

    def begin(self, status: int, headers: Mapping[str, str]) -> None: ...

    def push(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self.seen.append(len(self._stored.chunks))

    async def room(self) -> None: ...

    def close(self, *, whole: bool) -> None: ...


def large(first: bytes) -> bytes:
    return first * BESIDE_BYTES


def ignore(_: int) -> None: ...


async def test_every_chunk_is_stored_before_it_is_tapped_and_in_order() -> None:
    stored = Stored()
    tap = Tapped(stored)
    told: list[int] = []
    sent = [b"a", large(b"b"), b"c", large(b"d"), large(b"e"), b"f"]
    async with Pump(stored, tap, told.append, None) as pump:
        for chunk in sent:
            await pump.take(chunk)
        assert tap.chunks == sent[:1], "what is not stored is not told"
        stored.go.set()
    assert stored.chunks == tap.chunks == sent
    assert all(count > place for place, count in enumerate(tap.seen))
    assert told[-1] == sum(map(len, sent))


async def test_a_large_chunk_is_tapped_though_none_follows_it() -> None:
    stored = Stored()
    stored.go.set()
    tap = Tapped(stored)
    async with Pump(stored, tap, ignore, None) as pump:
        await pump.take(large(b"a"))
        async with asyncio.timeout(10):
            while not tap.chunks:
                await asyncio.sleep(0.001)


async def test_no_more_than_so_much_waits_for_the_store() -> None:
    stored = Stored()
    tap = Tapped(stored)
    async with Pump(stored, tap, ignore, None) as pump:
        await pump.take(large(b"a"))
        for _ in range(AHEAD_BYTES // BESIDE_BYTES - 1):
            await pump.take(large(b"b"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pump.take(large(b"c"))
        stored.go.set()
    assert b"".join(tap.chunks) == b"".join(stored.chunks)


async def test_what_the_store_refuses_is_raised_and_nothing_behind_it_is_tapped() -> None:
    stored = Stored()
    tap = Tapped(stored)
    with pytest.raises(StoreFilled):
        async with Pump(stored, tap, ignore, None) as pump:
            await pump.take(large(b"a"))
            await pump.take(large(b"!"))
            await pump.take(large(b"b"))
            stored.go.set()
            raise ConnectionError("the upstream, which failed later")
    assert b"!" not in b"".join(tap.chunks)
    assert not any(chunk.startswith(b"b") for chunk in tap.chunks + stored.chunks)


async def test_who_is_cancelled_waits_for_the_thread_and_for_nothing_else() -> None:
    stored = Stored()
    tap = Tapped(stored)

    async def pumping() -> None:
        async with Pump(stored, tap, ignore, None) as pump:
            await pump.take(large(b"a"))
            await pump.take(large(b"b"))
            await asyncio.sleep(60)

    task = asyncio.create_task(pumping())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done(), "the thread still writes"
    stored.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [chunk[:1] for chunk in stored.chunks] == [b"a"]
