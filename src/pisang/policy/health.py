"""When an upstream is left alone for a while: ejection and return, as arithmetic.

Envoy's outlier detection with its own defaults (outlier_detection.proto, November 2026): five
failures in a row eject, for 30 s times the number of ejections so far, at most 300 s; then one
call is let through as a probe, and its outcome decides. Times are milliseconds, given by whoever
asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from pisang.errors import (
    BalanceExhausted,
    KeyInvalid,
    OutcomeUnknown,
    Overloaded,
    PermissionDenied,
    PisangError,
    QuotaExhausted,
    RateLimited,
    Unreachable,
    UpstreamFault,
)

CONSECUTIVE_FAILURES = 5
BASE_EJECTION_MS = 30_000
MAX_EJECTION_MS = 300_000

PACE_REST_MS = 60_000
"""How long a key is left alone that asked too fast, where its upstream doesn't say: the limits of
this field are counted by the minute."""

SPENT_REST_MS = 600_000
"""The same for one that is used up or not taken: somebody has to see to it."""

_SPENT = (QuotaExhausted, BalanceExhausted, KeyInvalid, PermissionDenied)
_FAILURES = (Unreachable, Overloaded, UpstreamFault, OutcomeUnknown)


class Standing(StrEnum):
    """Whether an upstream may be called now."""

    OPEN = "open"
    PROBE = "probe"  # one call may go, and nothing else until it is known how it went
    EJECTED = "ejected"


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of an upstream's health. `ejected_until_ms` is None when it is in use."""

    failures: int = 0
    ejections: int = 0
    ejected_until_ms: int | None = None
    probing: bool = False


def is_failure(error: PisangError | None) -> bool:
    """Whether an outcome speaks against the upstream; a refusal, a limit or a bad key does not."""
    return isinstance(error, _FAILURES)


def rest_ms(error: PisangError | None) -> int | None:
    """How long the key that met this is left alone while there are others; None: not at all."""
    if not isinstance(error, (RateLimited, *_SPENT)):
        return None
    if error.retry_after_s is not None:
        return int(error.retry_after_s * 1000)
    return SPENT_REST_MS if isinstance(error, _SPENT) else PACE_REST_MS


def standing(health: Health, now_ms: int) -> Standing:
    """Whether a call may go to this upstream at that time."""
    if health.ejected_until_ms is None:
        return Standing.OPEN
    if health.probing or now_ms < health.ejected_until_ms:
        return Standing.EJECTED
    return Standing.PROBE


def probed(health: Health) -> Health:
    """The health once the one probe has been sent."""
    return replace(health, probing=True)


def unprobed(health: Health) -> Health:
    """The health after a probe that told nothing (it was never sent): another may go."""
    return replace(health, probing=False)


def failed(health: Health, now_ms: int) -> Health:
    """The health after a failure: the fifth in a row, or a failed probe, ejects."""
    failures = health.failures + 1
    if not health.probing and failures < CONSECUTIVE_FAILURES:
        return replace(health, failures=failures)
    if health.ejected_until_ms is not None and not health.probing:
        return replace(health, failures=failures)  # a call that began before the ejection
    ejections = health.ejections + 1
    until_ms = now_ms + min(BASE_EJECTION_MS * ejections, MAX_EJECTION_MS)
    return Health(failures=failures, ejections=ejections, ejected_until_ms=until_ms)


def succeeded(health: Health) -> Health:
    """The health after a success: in use again, and one ejection forgiven."""
    return Health(ejections=max(health.ejections - 1, 0))
