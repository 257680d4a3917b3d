"""Stopping: what was sent is seen through, whoever waits is answered or cut, nothing more is sent.

The port is closed before (`cli.serve`), so that a new server may start on the same home and port at
once. From then on nothing is sent: what waited for its turn ends free, as `Stopping` (503). Clients
have 30 s: an answer that comes is given, else the connection is cut, once the ledger says that
nobody waits any more: the client's own retry joins its twin at the new server. Attempts go on to
their own time limits, or to `timeout_s`; what is given up then is settled as a cut answer would be,
`unknown` mostly, and named.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Collection, Iterable
from contextlib import suppress

from pisang.domain.attempt import State
from pisang.domain.ledger import AttemptRow
from pisang.domain.money import Money
from pisang.engine.engine import Engine
from pisang.errors import Language, PisangError
from pisang.gateway.calls import CallRecord
from pisang.gateway.logs import tell
from pisang.gateway.routes import PREFIX

CLIENTS_S = 30.0
"""How long clients may wait for their answers once the server stops."""

SETTLING_S = 10.0
"""How long what was given up may take to be settled; then it is the next start's to do."""

LINGER_S = 2.0
"""How long the calls that were cut may take to end by themselves."""

_ENDLESS = re.compile(rf"{PREFIX}/(batches/[^/]+/)?events")
"""What has no end of its own, or none that comes while nothing is sent."""

_TICK_S = 0.05
_NEVER_S = float("inf")


class Stop:
    """One server's stopping. Made when it begins; `hasten` gives up what is still under way."""

    def __init__(
        self,
        engine: Engine,
        present: Collection[CallRecord],
        *,
        timeout_s: float | None = None,
        language: Language = "en",
    ) -> None:
        self._engine = engine
        self._present = present
        self._language = language
        now = time.monotonic()
        self._clients_until = now + CLIENTS_S
        self._attempts_until = _NEVER_S if timeout_s is None else now + timeout_s
        self._given_up: tuple[str, ...] = ()
        self._over_at = _NEVER_S
        engine.stop()
        for call in tuple(present):
            if _ENDLESS.fullmatch(call.path):
                call.cut_off()

    def hasten(self) -> None:
        """Give up now what is still under way."""
        self._attempts_until = 0.0

    async def see_through(self) -> tuple[AttemptRow, ...]:
        """Until all is over. The attempts that were given up and whose outcome is unknown now."""
        await self._tell_begun()
        while self._engine.under_way or (self._present and time.monotonic() < self._over_at):
            now = time.monotonic()
            if now >= self._attempts_until and self._engine.under_way and not self._given_up:
                await self._give_up()
            if now >= self._clients_until:
                await self._cut_clients()
            if self._given_up and now >= self._attempts_until + SETTLING_S:
                break
            await asyncio.sleep(_TICK_S)
        return await self._tell_over()

    async def _give_up(self) -> None:
        """End what is under way: its clients are told what is known then."""
        self._given_up = self._engine.under_way
        self._attempts_until = time.monotonic()
        self._clients_until = min(self._clients_until, self._attempts_until + LINGER_S)
        await self._engine.give_up()

    async def _cut_clients(self) -> None:
        """Cut whoever waits still; who can't even be cut (a client that doesn't read) is let go."""
        self._clients_until = _NEVER_S
        waiting = tuple(self._present)
        if waiting:
            tell(logging.INFO, "clients_cut", clients=len(waiting))
        for call in waiting:
            call.cut_off()
        tasks = [call.task for call in waiting if call.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=LINGER_S)
        for call in tuple(self._present):
            if call.task is not None:
                call.task.cancel()
        self._over_at = time.monotonic() + LINGER_S

    async def _tell_begun(self) -> None:
        under_way = self._engine.under_way
        rows = await self._rows(under_way, State.SENT)
        stake = _sum(rows)
        if rows:
            en = "What was sent is seen through to its end; a second signal gives it up."
            zh = "已发送的请求会等到结果；再次发送信号则放弃等待。"
        else:
            en, zh = "Nothing is under way.", "没有进行中的请求。"
        tell(
            logging.WARNING if rows else logging.INFO,
            "stopping",
            message=zh if self._language == "zh" else en,
            attempts=len(rows),
            at_stake=stake,
            clients=len(self._present),
        )

    async def _tell_over(self) -> tuple[AttemptRow, ...]:
        left = await self._rows(self._given_up, State.SENT, State.UNKNOWN)
        en = "It was given up: whether it was made and charged is unknown."
        zh = "已放弃等待：是否出图、是否扣费均未知。"
        for row in left:
            tell(
                logging.ERROR,
                "given_up",
                message=zh if self._language == "zh" else en,
                attempt_id=row.id,
                request_id=row.request_id,
                upstream=row.upstream,
                model=row.model,
                at_stake=_sum([row]),
                next=f"pisang unknown look {row.id}",
            )
        tell(logging.INFO, "stopped", unknown=len(left))
        return left

    async def _rows(self, request_ids: Iterable[str], *states: State) -> tuple[AttemptRow, ...]:
        rows: list[AttemptRow] = []
        for request_id in request_ids:
            with suppress(PisangError):
                row = await asyncio.to_thread(self._engine.store.request, request_id)
                rows += [one for one in row.attempts if one.state in states]
        return tuple(rows)


def _sum(rows: Iterable[AttemptRow]) -> str | None:
    """What is at stake in all, a sum for each currency; None where no amount is known."""
    sums: dict[str, Money] = {}
    for row in rows:
        amount = row.cost or row.price
        if amount is not None and not row.free:
            before = sums.get(amount.currency)
            sums[amount.currency] = amount if before is None else before + amount
    return " + ".join(map(str, sums.values())) or None
