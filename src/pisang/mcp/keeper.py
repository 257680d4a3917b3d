"""The process that owns a session's purchases. It outlives the server, and the agent's client.

Reads orders and writes what becomes of them, a line of JSON each (`line.Line` is the other end):

    {"id": 1, "do": "paint", "with": {…}}     {"id": 1, "event": {…}} …
    {"id": 2, "do": "look", "with": {…}}      {"id": 1, "result": {…}} or {"id": 1, "error": {…}}

When its input ends, nothing more is sent; what was sent is seen through, kept and written to its
files, and then it ends. Killed, it leaves what any killed process leaves: rows in the ledger that
the next one settles.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pisang.client.async_client import AsyncClient
from pisang.client.loading import load_settings
from pisang.client.shapes import error_json
from pisang.client.wishes import check_money
from pisang.engine.events import Event
from pisang.errors import PisangError, RateUnknown, Unexpected
from pisang.mcp.limits import MOST_LINE_BYTES
from pisang.mcp.purse import Purse
from pisang.mcp.roots import Roots
from pisang.mcp.session import Session


async def keep(spec: dict[str, Any]) -> None:
    """Serve one session until its input ends and nothing of it is under way."""
    async with AsyncExitStack() as stack:
        try:
            session: Session | PisangError = await _open(spec, stack)
        except PisangError as error:  # told to whoever orders something
            session = error
        await _Keeper(session).serve(await _lines_in())


async def _open(spec: dict[str, Any], stack: AsyncExitStack) -> Session:
    settings = load_settings()
    client = AsyncClient(spec["via"], settings=settings, face="mcp")
    await stack.enter_async_context(client)
    said = check_money(spec["max_cost"])
    cap = await client.counted(said)
    if said is not None and cap is None:
        raise RateUnknown(price=said, cap=settings.currency, currency=said.currency)
    roots = Roots.of(Path(spec["out"]), tuple(Path(one) for one in spec["roots"]))
    return Session(client, roots, Purse(cap))


class _Keeper:
    """`session` may be the error that kept it from being opened."""

    def __init__(self, session: Session | PisangError) -> None:
        self._session = session
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def serve(self, orders: asyncio.StreamReader) -> None:
        with suppress(NotImplementedError):  # Windows has no handlers of signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._over.set)
        ended = asyncio.ensure_future(self._over.wait())
        while not ended.done():
            line = asyncio.ensure_future(orders.readline())
            await asyncio.wait({line, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not line.done() or not line.result():
                line.cancel()
                break
            task = asyncio.create_task(self._do(json.loads(line.result())))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        ended.cancel()
        if isinstance(self._session, Session):
            self._session.stop()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._session.finish()

    async def _do(self, order: dict[str, Any]) -> None:
        number, words = order["id"], order["with"]

        def hear(event: Event) -> None:
            _tell({"id": number, "event": asdict(event)})

        try:
            if isinstance(self._session, PisangError):
                raise self._session
            result = await self._session.carry_out(order["do"], words, hear)
            _tell({"id": number, "result": result})
        except PisangError as error:
            _tell({"id": number, "error": error_json(error)})
        except Exception as error:  # noqa: BLE001 - the outermost of this process
            _tell({"id": number, "error": error_json(Unexpected(what=type(error).__name__))})


def _tell(told: dict[str, Any]) -> None:
    """Where nobody listens any more, the ledger knows it."""
    with suppress(BrokenPipeError, ValueError):
        sys.stdout.write(json.dumps(told, ensure_ascii=True) + "\n")
        sys.stdout.flush()


async def _lines_in() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=MOST_LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


if __name__ == "__main__":
    asyncio.run(keep(json.loads(sys.argv[1])))
