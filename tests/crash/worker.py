"""One of several processes on one home: `python -m tests.crash.worker TASK ARGUMENTS…`.

It opens the home, says `ready`, waits for a line, does its task, and says in JSON, a line each,
what came of it. `Worker` is the other end of those pipes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pisang.client.async_client import AsyncClient
from pisang.domain.attempt import Charged, State
from pisang.domain.catalogue import load
from pisang.domain.ledger import Intent, Settlement, Wish
from pisang.engine.engine import Engine
from pisang.engine.ids import new_id
from pisang.engine.ledgering import Ledgering
from pisang.engine.world import now_ms
from pisang.errors import PisangError
from pisang.store.store import Store


def say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


async def go() -> None:
    """Say that all is set, and wait to be told to begin."""
    say(event="ready")
    await asyncio.to_thread(sys.stdin.readline)


async def paint(home: Path, upstream: str, prompt: str, times: int, key: str = "") -> None:
    """Ask for so many images, one after the other, through the SDK."""
    async with AsyncClient(upstream, home=home, image_size="512") as client:
        await client.history(limit=1)  # opens the home
        await go()
        for number in range(times):
            try:
                result = await client.generate(
                    prompt.format(number),
                    idempotency_key=key or None,
                    on_event=lambda event: say(event=event.kind, attempt_id=event.attempt_id),
                )
            except PisangError as error:
                say(event="error", code=error.code, request_id=error.request_id)
            else:
                say(
                    event="result",
                    request_id=result.request_id,
                    images=[image.sha256 for image in result.images],
                )


async def claim(home: Path, times: int) -> None:
    """Claim and settle so many times, as fast as it goes: nothing is sent."""
    store = Store.open(home, clock_ms=now_ms, new_id=new_id)
    request_id = new_id("req")
    wish = Wish(request_id, now_ms(), "claims", "m", {}, new_id("print"), n=times)
    store.begin(wish).result()
    await go()
    for ordinal in range(times):
        attempt_id = new_id("att")
        intent = Intent(attempt_id, request_id, ordinal, "nobody", "gemini", "relay", "m", None)
        store.claim(intent, now_ms()).result()
        store.settle(Settlement(attempt_id, State.REFUSED, Charged.NO, now_ms())).result()
    store.finish(request_id).result()
    store.close()


async def recover(home: Path) -> None:
    """Recover what dead processes left, and say what it was."""
    store = Store.open(home, clock_ms=now_ms, new_id=new_id)
    await go()
    async with Engine(store, load(), Ledgering()) as engine:
        settled = await engine.recover()
    say(event="recovered", attempts=[one.attempt_id for one in settled])


TASKS: dict[str, Callable[..., Awaitable[None]]] = {
    "paint": paint,
    "claim": claim,
    "recover": recover,
}


def main(task: str, told: str) -> None:
    arguments: dict[str, Any] = json.loads(told)
    home = Path(arguments.pop("home"))
    asyncio.run(TASKS[task](home, **arguments))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
