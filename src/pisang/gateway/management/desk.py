"""Whom a route serves: who asks, what he may see and do, and in which language he reads."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from pisang.client.results import Result, result_of
from pisang.client.settings import Settings
from pisang.domain.ledger import AttemptRow, ImageRow, RequestRow
from pisang.engine.engine import Engine
from pisang.engine.order import Ran
from pisang.engine.outcome import summary
from pisang.engine.world import now_ms
from pisang.errors import Language, NotFound, PisangError
from pisang.gateway.access import Caller
from pisang.gateway.management.previews import Previews
from pisang.gateway.routing import as_told
from pisang.gateway.serving import Service
from pisang.gateway.visits import Visit
from pisang.store.store import Store

Answer = TypeVar("Answer")

REMEMBERED = 1000


class Works:
    """What is being carried out for callers of this API, and how it ended where no row says so:
    a budget that was empty, a wish that was called off before anything was sent."""

    def __init__(self) -> None:
        self.under_way: dict[str, asyncio.Task[Ran]] = {}
        self.previews = Previews()
        self._errors: OrderedDict[str, PisangError] = OrderedDict()

    def begin(self, request_id: str, task: asyncio.Task[Ran]) -> None:
        """A request that the task carries out."""
        self.under_way[request_id] = task
        self._errors.pop(request_id, None)

    def end(self, request_id: str, error: BaseException | None = None) -> None:
        """The task is through with it."""
        self.under_way.pop(request_id, None)
        if isinstance(error, PisangError):
            self._errors[request_id] = error
            while len(self._errors) > REMEMBERED:
                self._errors.popitem(last=False)

    def error(self, request_id: str) -> PisangError | None:
        """What stopped it; None where that is not known here."""
        return self._errors.get(request_id)


SCOPE_KEY = "pisang.desk"
"""Where the ASGI scope carries it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One caller before the gateway. Reads of the ledger are made in threads."""

    service: Service
    current: Callable[[], Settings] = field(repr=False)
    caller: Caller
    visit: Visit
    language: Language
    works: Works = field(repr=False)
    reload: Callable[[], Awaitable[None]] = field(repr=False)

    @property
    def settings(self) -> Settings:
        """The settings that the gateway serves by now."""
        return self.current()

    @property
    def engine(self) -> Engine:
        """The gateway's one engine."""
        return self.service.engine

    @property
    def store(self) -> Store:
        """Its store."""
        return self.service.engine.store

    @property
    def sees(self) -> str | None:
        """The scope whose requests he may see; None: everybody's, for an admin."""
        return self.caller.sees

    async def ask(self, question: Callable[[], Answer]) -> Answer:
        """The answer of a read that blocks."""
        return await asyncio.to_thread(question)

    async def request(self, request_id: str) -> RequestRow:
        """That request of his. Raises `NotFound`."""
        return await self.ask(lambda: self.store.owned.request(request_id, self.sees))

    async def result(self, request_id: str) -> Result:
        """What became of that request of his, so far. Raises `NotFound`."""
        row = await self.request(request_id)
        result = await self.ask(lambda: result_of(summary(row), self.store))
        error = as_told(result.error) if result.error else None
        return replace(result, error=error, failures=tuple(map(as_told, result.failures)))

    async def under_way(self, request_id: str) -> bool:
        """Whether somebody still works on it: between two upstreams too."""
        if request_id in self.works.under_way:
            return True
        return await self.ask(lambda: self.store.under_way(request_id))

    async def still_may(self) -> bool:
        """Whether who was admitted would be admitted as the same now: for those who stay long."""
        return await self.ask(self._still_may)

    def _still_may(self) -> bool:
        keys, key = self.store.gateway_keys, self.caller.key
        if key is None:
            return self.caller.is_owner or not keys.any()
        now = keys.get(key.id)
        return now is not None and now.standing(now_ms()) == "live" and now.role is key.role

    async def image(self, sha256: str) -> ImageRow:
        """That image of his. Raises `NotFound`."""
        return await self.ask(lambda: self.store.owned.image(sha256, self.sees))

    async def unknown(self, attempt_id: str) -> AttemptRow:
        """That attempt of his whose outcome is unknown. Raises `NotFound`."""
        for row in await self.ask(lambda: self.store.owned.unknowns(self.sees)):
            if row.id == attempt_id:
                return row
        raise NotFound(what="attempt with an unknown outcome and id", id=attempt_id)


def desk_of(request: Request) -> Desk:
    """Whoever was admitted; what he may do at this path is `gateway.access`'s table."""
    desk: Desk = request.scope[SCOPE_KEY]
    return desk


At = Annotated[Desk, Depends(desk_of)]


async def pause(request_id: str, desk: Desk, pause_s: float) -> None:
    """A moment, or until the work of this process on it ends."""
    task = desk.works.under_way.get(request_id)
    if task is None:
        await asyncio.sleep(pause_s)
    else:
        await asyncio.wait({task}, timeout=pause_s)
