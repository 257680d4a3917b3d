"""What the operator of a gateway sees: each call counted and logged once, at its end.

The one place that reads `CallRecord`s. Hears of attempts from the router, which every paid call
takes, hot or managed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from pisang.domain.attempt import Charged, State
from pisang.domain.catalogue import Catalogue
from pisang.domain.ledger import AttemptRow
from pisang.engine.events import ENDED, Event
from pisang.engine.order import Order, Ran
from pisang.errors import PisangError
from pisang.gateway.calls import CallRecord, enter, present
from pisang.gateway.logs import log, tell
from pisang.gateway.metrics import Metrics

_KINDS = (
    ("/pisang/v1/", "manage"),
    ("/docs", "manage"),
    ("/openapi.json", "manage"),
    ("/healthz", "probe"),
    ("/readyz", "probe"),
    ("/metrics", "probe"),
)
"""Beginnings of paths, and what such calls are counted as; the others are `paid` or `other`."""

_QUIET = frozenset({"probe"})
"""What is logged at `debug` only: it is asked every few seconds."""


_REMEMBERED = 100


class Operations:
    """Counts and logs. `present` are the calls being served now; `warning` is what its operator
    should see to, and keeps nothing from working."""

    def __init__(self, catalogue: Catalogue, listed: Callable[[], frozenset[str]]) -> None:
        self._catalogue = catalogue
        self._listed = listed
        self._ids: dict[str, str] = {}
        self.metrics = Metrics(self._known_model)
        self.present: set[CallRecord] = set()
        self.warning: PisangError | None = None

    def _known_model(self, word: str) -> str | None:
        known = self._ids.get(word)
        if known is None:
            model = self._catalogue.find(word)
            if model is None:
                return word if word in self._listed() else None
            known = model.id
            if len(self._ids) < _REMEMBERED:  # a caller may spell it in many ways
                self._ids[word] = known
        return known

    # --- calls ------------------------------------------------------------------------------------

    def begin(self, call: CallRecord) -> None:
        """A call has come in; what is done from here on in its context is done for it."""
        self.present.add(call)
        enter(call)

    def end(self, call: CallRecord) -> None:
        """It is over."""
        self.present.discard(call)
        call.ended_s = time.monotonic()
        kind = _kind(call)
        self.metrics.call_ended(call, kind)
        level = logging.DEBUG if kind in _QUIET else logging.INFO
        if log.isEnabledFor(level):
            tell(level, "call", **_facts(call, kind))

    # --- attempts ---------------------------------------------------------------------------------

    def planned(self, order: Order) -> None:
        """An upstream is about to be asked."""
        call = present()
        if call is not None:
            call.begin(order)

    def heard(self, order: Order, event: Event) -> None:
        """A step of an attempt."""
        call = present()
        if call is not None:
            call.hear(event)
        if event.kind in ENDED:
            self.metrics.attempt_ended(order.upstream.name, event.kind)

    def ran(
        self, order: Order, ran: Ran | None, error: PisangError | None, ended: frozenset[str]
    ) -> None:
        """What became of an order; `ended` are the attempts that were made for it."""
        call = present()
        if call is not None:
            call.end(ran, error)
        for attempt in ran.row.attempts if ran is not None else ():
            if attempt.id in ended:
                self._settled(attempt)
        over = ran is not None or error is not None
        if call is not None and call not in self.present and over:
            request_id = ran.row.id if ran is not None else call.request_id
            outcome = error.code if error is not None else "ok"
            tell(logging.INFO, "unattended", request_id=request_id, outcome=outcome)

    def _settled(self, attempt: AttemptRow) -> None:
        if attempt.charged is Charged.YES and attempt.cost is not None and not attempt.free:
            self.metrics.spent(attempt.upstream, attempt.cost)
        if attempt.state is State.UNKNOWN:
            stake = attempt.cost or attempt.price
            tell(
                logging.WARNING,
                "unknown",
                attempt_id=attempt.id,
                request_id=attempt.request_id,
                upstream=attempt.upstream,
                at_stake=None if stake is None or attempt.free else str(stake),
            )


def _kind(call: CallRecord) -> str:
    if call.wire:
        return "paid"
    return next((kind for start, kind in _KINDS if call.path.startswith(start)), "other")


def _facts(call: CallRecord, kind: str) -> dict[str, object]:
    """The line of one call: no key, no query string, no prompt, no payload."""
    facts: dict[str, object] = {
        "method": call.method,
        "path": call.path if kind != "other" else call.path[:200],
        "status": call.status,
        "ms": round(call.seconds * 1000),
        "key_id": call.key_id or None,
    }
    if not call.wire:
        return facts
    cost = call.cost
    return {
        "request_id": call.request_id or None,
        "wire": call.wire,
        "model": call.model or None,
        "upstream": call.upstream or None,
        "outcome": call.outcome,
        **facts,
        "charged": call.charged,
        "cost": None if cost is None else str(cost),
        "attached": call.attached or None,
        "bytes_in": call.bytes_in,
        "bytes_out": call.bytes_out,
        "phases_ms": {name: round(value * 1000) for name, value in call.phases().items()},
    }
