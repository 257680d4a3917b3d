"""Looking at an attempt whose outcome is unknown: what can be known of it for free."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pisang.client.results import Result, result_of
from pisang.client.settings import Settings
from pisang.client.upstreams import resolve
from pisang.domain.attempt import State
from pisang.domain.ledger import AttemptRow
from pisang.domain.upstream import Upstream
from pisang.engine.engine import summary
from pisang.errors import PisangError

if TYPE_CHECKING:
    from pisang.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Looked:
    """An attempt as it stands after the look.

    `result` is its request's when a picture was had, and the attempt is `done`. `error` says why
    what was tried gave nothing. Both None: there was nothing to try.
    """

    row: AttemptRow
    result: Result | None = None
    error: PisangError | None = None


async def look(row: AttemptRow, engine: Engine, settings: Settings) -> Looked:
    """Try what the stored answer still offers. Nothing is bought; no call but to its own links."""
    try:
        concluded = await engine.look(row, _upstream(row, settings))
    except PisangError as error:  # contents that retention let go, a disk that is full
        return Looked(row, error=error)
    if concluded is None:
        return Looked(row)
    if concluded.state is not State.DONE:
        return Looked(row, error=concluded.error)
    request = await asyncio.to_thread(engine.store.request, row.request_id)
    now = next(one for one in request.attempts if one.id == row.id)
    return Looked(now, result_of(summary(request), engine.store))


def _upstream(row: AttemptRow, settings: Settings) -> Upstream | None:
    try:
        return resolve(settings, row.upstream)
    except PisangError:  # it is configured no more
        return None
