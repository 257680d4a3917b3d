"""Work on a client carried out and told, in whichever process that is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from pisang.cli.crash import unexpected
from pisang.cli.screen import Screen
from pisang.client.async_client import AsyncClient
from pisang.client.export import Exported
from pisang.engine.events import Event, Listener
from pisang.errors import PisangError


@dataclass(frozen=True, slots=True)
class Report:
    """How the work ended: its exit code, and the files that could be shown."""

    code: int
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done: `ask` does it on the client that `open` makes, telling its events to a
    listener; `tell` prints what came of it."""

    open: Callable[[], AsyncClient]
    ask: Callable[[AsyncClient, Listener], Awaitable[Exported]]
    tell: Callable[[Exported], Report]


class Front(Protocol):
    """Whoever called: hears events, is given the last word, and may leave."""

    def hear(self, event: Event) -> None: ...

    def attend(self, leave: Callable[[], None], stop: Callable[[], None]) -> None: ...

    def give(self, say: Callable[[], Report]) -> tuple[Report, bool]: ...


def perform(work: Work, front: Front, screen: Screen) -> Report:
    """Do it to its end, and tell it.

    Whether the outcome was told to somebody stands in the ledger afterwards: the same command,
    given again by a caller who was killed, finds what it bought the first time.
    """
    return asyncio.run(_perform(work, front, screen))


async def _perform(work: Work, front: Front, screen: Screen) -> Report:
    client = work.open()
    async with client:
        watched = _Watched(client, front)
        front.attend(watched.leave, client.stop)
        try:
            say = partial(work.tell, await work.ask(client, watched.hear))
        except PisangError as error:
            say = partial(_fail, screen, error)
        except Exception as error:  # noqa: BLE001 - the outermost of a keeper's process
            say = partial(_fail, screen, unexpected(error))
        report, told = front.give(say)
        await watched.end(told=told)
    return report


def _fail(screen: Screen, error: PisangError) -> Report:
    return Report(screen.fail(error))


class _Watched:
    """The request that a front waits for, once it is known which."""

    def __init__(self, client: AsyncClient, front: Front) -> None:
        self._client = client
        self._front = front
        self._request_id: str | None = None
        self._left = False
        self._leaving: list[asyncio.Task[None]] = []

    def hear(self, event: Event) -> None:
        if self._request_id is None:
            self._request_id = event.request_id
            if self._left:
                self.leave()
        self._front.hear(event)

    def leave(self) -> None:
        """The front has left: whoever asks the same finds this request."""
        self._left = True
        if self._request_id is not None:
            releasing = self._client.release(self._request_id, told=False)
            self._leaving.append(asyncio.ensure_future(releasing))

    async def end(self, *, told: bool) -> None:
        """The outcome was told, or there was nobody to tell. Where a failing disk can't take that
        down, the same command finds this request once more: nothing is lost by it."""
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if self._request_id is not None:
            with suppress(PisangError):
                await self._client.release(self._request_id, told=told)
