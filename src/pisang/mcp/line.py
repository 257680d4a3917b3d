"""The server's end of the pipe to the keeper: orders out, events and results in."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pisang.mcp.limits import MOST_LINE_BYTES

_APART: dict[str, Any] = {}
"""Out of reach of what kills a client's processes by their group or session."""
if sys.platform == "win32":
    _APART["creationflags"] = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _APART["start_new_session"] = True

END_WAIT_S = 0.5
"""How long the keeper is waited for when its session ends: one that is not idle goes on alone."""


class KeeperDied(Exception):
    """The keeper ended while somebody waited for it."""


class Refused(Exception):
    """The order came to an error; `told` is it as JSON (`client.shapes.error_json`)."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(told["message"])
        self.told = told


@dataclass(eq=False)
class Call:
    """One order under way. `request_id` is known from its first event on."""

    number: int
    ended: asyncio.Future[Any]
    events: asyncio.Queue[Mapping[str, Any]] = field(default_factory=asyncio.Queue)
    request_id: str | None = None

    async def news(self, within_s: float) -> Mapping[str, Any] | None:
        """The next event, or None: it ended, or nothing happened for so long."""
        hearing = asyncio.ensure_future(self.events.get())
        done, _ = await asyncio.wait(
            {hearing, self.ended}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED
        )
        if hearing in done:
            return hearing.result()
        hearing.cancel()
        return None


class _Keeper:
    """The process, and the two ends of its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise TypeError
        self.process = process
        self.orders: asyncio.StreamWriter = process.stdin
        self.told: asyncio.StreamReader = process.stdout


class Line:
    """Starts the keeper when it is first needed, and again where it died. Use with `async with`."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = dict(spec)
        self._keeper: _Keeper | None = None
        self._reading: asyncio.Task[None] | None = None
        self._calls: dict[int, Call] = {}
        self._numbers = iter(range(1, sys.maxsize))
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Line:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let the keeper end once what it sent is seen through. It isn't waited for: whoever ends
        a client kills what it started, and the keeper is out of his reach."""
        if self._keeper is None:
            return
        self._keeper.orders.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_WAIT_S):
                await self._keeper.process.wait()
        if self._reading is not None:
            self._reading.cancel()

    async def order(self, do: str, words: Mapping[str, Any]) -> Call:
        """Hand an order over. Its outcome is the call's `ended`: a result, or `Refused`, or
        `KeeperDied`."""
        keeper = await self._running()
        call = Call(next(self._numbers), asyncio.get_running_loop().create_future())
        self._calls[call.number] = call
        written = json.dumps({"id": call.number, "do": do, "with": dict(words)})
        with suppress(ConnectionError):  # it died: the reader tells
            keeper.orders.write(written.encode() + b"\n")
            await keeper.orders.drain()
        return call

    async def ask(self, do: str, words: Mapping[str, Any]) -> Any:
        """An order's result. Raises `Refused` or `KeeperDied`."""
        return await (await self.order(do, words)).ended

    async def _running(self) -> _Keeper:
        async with self._starting:
            if self._keeper is None or self._keeper.process.returncode is not None:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "pisang.mcp.keeper", json.dumps(self._spec),
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=MOST_LINE_BYTES,
                    **_APART,
                )  # fmt: skip
                self._keeper = _Keeper(process)
                self._reading = asyncio.create_task(self._read(self._keeper))
            return self._keeper

    async def _read(self, keeper: _Keeper) -> None:
        while line := await keeper.told.readline():
            self._hear(json.loads(line))
        await keeper.process.wait()
        for call in self._calls.values():
            if not call.ended.done():
                call.ended.set_exception(KeeperDied())
                call.ended.exception()  # whoever waited has left: it is no fault
        self._calls.clear()

    def _hear(self, told: Mapping[str, Any]) -> None:
        call = self._calls.get(told["id"])
        if call is None:
            return
        if "event" in told:
            call.request_id = call.request_id or told["event"]["request_id"]
            call.events.put_nowait(told["event"])
            return
        del self._calls[call.number]
        if call.ended.done():
            return
        if "error" in told:
            call.ended.set_exception(Refused(told["error"]))
            call.ended.exception()
        else:
            call.ended.set_result(told["result"])
