"""How things stand at the moment that somebody reads the metrics."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable

from pisang.errors import PisangError
from pisang.gateway.calls import CallRecord
from pisang.gateway.logs import lines_dropped
from pisang.gateway.metrics import Level
from pisang.gateway.routing import Router
from pisang.policy.health import Standing
from pisang.store.store import Store

_STAGES = ("reading", "turn", "upstream", "answering")


def of_process(present: Iterable[CallRecord], router: Router) -> list[Level]:
    """What this process is at. Called on its loop."""
    stages = Counter(call.stage for call in present if call.wire)
    return [
        Level(
            "pisang_requests_in_flight",
            "Paid calls with a client, by stage: reading, turn (the queue), upstream, answering.",
            ("stage",),
            {(stage,): stages[stage] for stage in _STAGES},
        ),
        Level(
            "pisang_upstream_ejected",
            "1 while an upstream is left alone after failures, as this process sees it.",
            ("upstream",),
            {
                (name,): float(standing is not Standing.OPEN)
                for name, standing in router.standings().items()
            },
        ),
        _one("pisang_log_lines_dropped", "Log lines let go: nobody read them.", lines_dropped()),
    ]


def of_home(store: Store) -> list[Level]:
    """What the ledger and the disk say. Blocks: call it in a thread."""
    try:
        store.may_buy()
        healthy = 1.0
    except PisangError:
        healthy = 0.0
    levels = [_one("pisang_store_healthy", "1 while the store may be bought into.", healthy)]
    try:
        levels.append(_free(store))
        levels += _ledger(store)
    except (PisangError, OSError):
        pass  # what can't be read is left out: `pisang_store_healthy` tells why
    return levels


def _free(store: Store) -> Level:
    free = shutil.disk_usage(store.home.root).free
    return _one("pisang_home_free_bytes", "Room on the disk that the home is on.", free)


def _ledger(store: Store) -> list[Level]:
    stakes = store.spending.stakes()
    unknown = Counter[str]()
    for one in stakes:
        unknown[one.upstream] += one.attempts
    return [
        Level(
            "pisang_unknown_attempts",
            "Attempts whose outcome nobody knows, until somebody resolves them.",
            ("upstream",),
            {(name,): number for name, number in unknown.items()},
        ),
        Level(
            "pisang_unknown_at_stake_micros",
            "What may have been paid for them, in millionths of the currency.",
            ("upstream", "currency"),
            {(one.upstream, one.currency): one.at_stake_micros for one in stakes if one.currency},
        ),
        Level(
            "pisang_attempts_open",
            "Attempts that are not ended, over all processes of the home.",
            ("upstream", "state"),
            {labels: float(number) for labels, number in store.spending.live().items()},
        ),
    ]


def _one(name: str, what: str, value: float) -> Level:
    return Level(name, what, (), {(): value})
