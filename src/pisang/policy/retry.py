"""When a failed attempt may be sent again by itself, and how long to wait first.

A paid call is sent again only with proof that the last one was free (DESIGN §5): gRPC's "never
left the machine" and documented refusals. The arithmetic is the AWS SDKs' standard mode in its
2026 form (botocore 1.44.5): at most 3 attempts; full jitter up to base · 2ⁿ, at most 20 s, base
50 ms ordinarily and 1 s when told to slow down; a bucket of 500 tokens from which a retry takes
14, or 5 after a throttle, so that a failing upstream is not hammered by many.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pisang.errors import Charged, Overloaded, PisangError, RateLimited, Retry

MAX_ATTEMPTS = 3
MAX_BACKOFF_S = 20.0
MAX_WAIT_S = 60.0
"""The longest delay that an upstream's own word (Retry-After, RetryInfo) makes us wait out.

One that asks for more is not asked again: whoever called should hear of it now."""

BASE_S = 0.05
THROTTLED_BASE_S = 1.0
JOB_TRIES = 8
JOB_THROTTLED_TRIES = 30
JOB_BASE_S = 1.0
JOB_MAX_DELAY_S = 60.0
"""A job of a batch waits in the ledger, not in a flow, and nobody waits for it: it is tried for
about two minutes, or half an hour where its upstream asks for patience."""

COST = 14
THROTTLED_COST = 5
CAPACITY = 500

_THROTTLES = (RateLimited, Overloaded)
_RETRIED = frozenset({Retry.SAME, Retry.LATER})


@dataclass(frozen=True, slots=True)
class Bucket:
    """What retries may still be spent: a value, so that a flow can carry it."""

    tokens: int = CAPACITY

    def take(self, cost: int) -> Bucket | None:
        """The bucket after a retry of that cost, or None when it holds too little."""
        return replace(self, tokens=self.tokens - cost) if self.tokens >= cost else None

    def refill(self, tokens: int = 1) -> Bucket:
        """The bucket after a success: one token, or what the retry that succeeded had cost."""
        return replace(self, tokens=min(self.tokens + tokens, CAPACITY))


FRESH_BUCKET = Bucket()


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Stop (`delay_s` is None), or wait and send again.

    With `jitter` the driver draws uniformly between nothing and `delay_s`; without, `delay_s` is
    the upstream's own word and is waited out. `bucket` is what is left of the retry budget once
    `cost` was taken.
    """

    delay_s: float | None
    jitter: bool
    bucket: Bucket
    cost: int = 0


@dataclass(slots=True)
class Allowance:
    """What retries one upstream may still spend: a bucket that all its attempts in this process
    share, so that many calls to a failing upstream don't each bring their own retries."""

    bucket: Bucket = field(default=FRESH_BUCKET)

    def decide(self, error: PisangError, attempt_no: int) -> RetryDecision:
        """`next_delay`, at this bucket's cost."""
        decision = next_delay(error, attempt_no, self.bucket)
        self.bucket = decision.bucket
        return decision

    def succeeded(self, retry_cost: int = 0) -> None:
        """An attempt succeeded: what its retry had cost comes back, or one token where it was
        the first."""
        self.bucket = self.bucket.refill(retry_cost or 1)


def next_delay(error: PisangError, attempt_no: int, bucket: Bucket) -> RetryDecision:
    """What to do after attempt `attempt_no` (from 1) of a request ended in that error."""
    stop = RetryDecision(None, False, bucket)
    if error.charged is not Charged.NO or error.retry not in _RETRIED:
        return stop
    if attempt_no >= MAX_ATTEMPTS:
        return stop
    throttled = isinstance(error, _THROTTLES)
    cost = THROTTLED_COST if throttled else COST
    left = bucket.take(cost)
    if left is None:
        return stop
    told = error.retry_after_s
    if told is not None:
        return stop if told > MAX_WAIT_S else RetryDecision(max(told, 0.0), False, left, cost)
    base = THROTTLED_BASE_S if throttled else BASE_S
    return RetryDecision(min(base * 2 ** (attempt_no - 1), MAX_BACKOFF_S), True, left, cost)


def again_after_s(error: PisangError, tries: int, upstreams: int) -> float | None:
    """How long a job waits after its so manieth try (from 1) ended in that error, of so many
    upstreams that may be asked; None: it has failed. The driver draws from the later half of it."""
    if error.charged is not Charged.NO:
        return None
    if error.retry is Retry.ELSEWHERE:
        return 0.0 if tries < upstreams else None
    throttled = isinstance(error, _THROTTLES)
    if error.retry not in _RETRIED or tries >= (JOB_THROTTLED_TRIES if throttled else JOB_TRIES):
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s * 2  # of which the later half is drawn
    return min(JOB_BASE_S * (1 << min(tries, 10)), JOB_MAX_DELAY_S)
