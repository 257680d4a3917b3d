"""Asking whoever can know whether an attempt of unknown outcome was billed; each call is free.

A row a kind of upstream (`_ASKED`). What no certain answer is settles nothing: the verdict is told,
and its user decides.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pisang.domain.attempt import Charged
from pisang.domain.ledger import AttemptRow
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.domain.upstream import Upstream
from pisang.engine.relay_facts import TokenLog, read_log
from pisang.policy.billing import LATE_S, Sent, Verdict, look_up

if TYPE_CHECKING:
    from pisang.engine.engine import Engine

NOBODY = "nobody_knows"
NO_LOG = "no_log"

CERTAIN = frozenset({Verdict.BILLED.value, Verdict.FAILED.value})


@dataclass(frozen=True, slots=True)
class Billing:
    """What could be learnt. `verdict` is a `policy.billing.Verdict`, `no_log` (`why` says why) or
    `nobody_knows`: this kind of upstream tells nobody what one call cost. `amount` is what was
    taken, or may have been; `noted`: it is the attempt's cost in the ledger now."""

    verdict: str
    amount: Money | None = None
    why: str | None = None
    noted: bool = False

    @property
    def certain(self) -> bool:
        """Whether it is about this very call, and no guess."""
        return self.verdict in CERTAIN

    def to_json(self) -> dict[str, JSON]:
        """The shape that scripts rely on."""
        return {
            "verdict": self.verdict,
            "certain": self.certain,
            "amount": str(self.amount) if self.amount else None,
            "why": self.why,
            "noted": self.noted,
        }


async def ask_billing(row: AttemptRow, upstream: Upstream | None, engine: Engine) -> Billing | None:
    """What whoever sold it says; None where nothing was for sale (the sandbox)."""
    ask = _ASKED.get(row.kind)
    if ask is None:
        return None
    if upstream is None:
        return Billing(NO_LOG, why="that upstream is configured no more")
    return await ask(row, upstream, engine)


async def _token_log(row: AttemptRow, upstream: Upstream, engine: Engine) -> Billing:
    log = await read_log(upstream, engine.reach)
    if log.why is not None:
        return Billing(NO_LOG, why=log.why)
    sent = await asyncio.to_thread(_sent, row, engine)
    found = look_up(sent, log.rows, int(time.time()))
    billing = Billing(found.verdict.value, _amount(found.quota, log))
    if found.verdict is not Verdict.BILLED or billing.amount is None:
        return billing
    # A relay's dollar is its own: it does not stand in for a price in another currency.
    if row.price is not None and row.price.currency != billing.amount.currency:
        return billing
    noting = engine.store.spending.note(row.id, billing.amount, "upstream")
    noted = await asyncio.wrap_future(noting)
    return Billing(billing.verdict, billing.amount, noted=noted)


def _sent(row: AttemptRow, engine: Engine) -> Sent:
    near = engine.store.spending.neighbours(row, LATE_S * 1000)
    return Sent(
        sent_s=(row.sent_ms or row.created_ms) // 1000,
        limit_s=row.deadline_ms // 1000,
        model=row.model,
        request_id=row.upstream_request_id,
        others=sum(one.charged is Charged.YES for one in near),
    )


def _amount(quota: int | None, log: TokenLog) -> Money | None:
    return None if quota is None else log.money(quota)


async def _nobody(row: AttemptRow, upstream: Upstream, engine: Engine) -> Billing:
    return Billing(NOBODY)


async def _pisang(row: AttemptRow, upstream: Upstream, engine: Engine) -> Billing:
    # Another Pisang keeps a ledger: once its management API is there, ask it by our idempotency
    # key what became of the request, and whether its own upstream was paid.
    return Billing(NO_LOG, why="that Pisang can't be asked yet")


_Ask = Callable[[AttemptRow, Upstream, "Engine"], Awaitable[Billing]]

_ASKED: Mapping[str, _Ask] = {
    "relay": _token_log,
    "openai": _token_log,
    "pisang": _pisang,
    "google": _nobody,
    "vertex": _nobody,
    "crawl": _nobody,
}
"""By kind. Google's bill is by day and model; the crawl gateway's document names no such call."""
