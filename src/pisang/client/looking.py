"""Looking at an attempt whose outcome is unknown: what can be known of it for free."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pisang.client.billing import Billing, ask_billing
from pisang.client.results import Result, result_of
from pisang.client.settings import Settings
from pisang.client.upstreams import resolve
from pisang.domain.attempt import State
from pisang.domain.ledger import AttemptRow
from pisang.domain.upstream import Upstream
from pisang.engine.outcome import summary
from pisang.errors import PisangError

if TYPE_CHECKING:
    from pisang.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Looked:
    """An attempt as it stands after the look.

    `result` is its request's when a picture was had, and the attempt is `done`. `error` says why
    what was tried gave nothing. Both None: there was nothing to try. `billing` is what the seller
    says of the money, where a picture was not had.
    """

    row: AttemptRow
    result: Result | None = None
    error: PisangError | None = None
    billing: Billing | None = None


async def look(row: AttemptRow, engine: Engine, settings: Settings) -> Looked:
    """Try what the stored answer still offers, then ask the seller whether it was billed. Nothing
    is bought, and nothing is decided that is not certain."""
    upstream = _upstream(row, settings)
    looked = await _try_links(row, upstream, engine)
    if looked.result is not None:
        return looked
    billing = await ask_billing(row, upstream, engine)
    if billing is not None and billing.noted:
        row = replace(row, cost=billing.amount, basis="upstream")
    return replace(looked, row=row, billing=billing)


async def _try_links(row: AttemptRow, upstream: Upstream | None, engine: Engine) -> Looked:
    try:
        concluded = await engine.look(row, upstream)
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
