"""Which upstream is asked first, and which next: an order over candidates.

Lower `priority` first; within one, a random order in which a candidate of twice the weight comes
first twice as often (Efraimidis and Spirakis 2006: sort by draw^(1/weight)). The draws are given,
so the order is a pure function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pisang.errors import (
    Charged,
    KeyInvalid,
    KeyLimited,
    KeyMissing,
    PermissionDenied,
    PisangError,
    Retry,
)
from pisang.policy.health import Standing


@dataclass(frozen=True, slots=True)
class Candidate:
    """An upstream that could serve a request. `weight` 0 means: only when nobody else can."""

    name: str
    priority: int = 0
    weight: int = 1
    standing: Standing = Standing.OPEN


def order(candidates: Sequence[Candidate], draws: Sequence[float]) -> tuple[str, ...]:
    """The names in the order to try, given one draw from [0, 1) for each candidate.

    A candidate to be probed stands before its equals, so that it is found out; ejected ones are
    left out, unless all are: then all are tried, for a guess is better than nothing.
    """
    usable = [pair for pair in zip(candidates, draws, strict=True) if _is_in(pair[0])]
    chosen = usable or list(zip(candidates, draws, strict=True))
    return tuple(candidate.name for candidate, _ in sorted(chosen, key=_rank))


def may_go_elsewhere(error: PisangError) -> bool:
    """Whether another upstream may be asked after this error: only when it was free.

    A request that is itself wrong is wrong everywhere, and so is a caller who asks for too much;
    a key of ours that one upstream does not take is no fault of the request's.
    """
    if error.charged is not Charged.NO or isinstance(error, KeyLimited):
        return False
    return error.retry is not Retry.NEVER or isinstance(error, _OURS)


_OURS = (KeyMissing, KeyInvalid, PermissionDenied)


def _is_in(candidate: Candidate) -> bool:
    return candidate.standing is not Standing.EJECTED


def _rank(pair: tuple[Candidate, float]) -> tuple[int, bool, float]:
    candidate, draw = pair
    luck = draw ** (1 / candidate.weight) if candidate.weight > 0 else -1.0
    return candidate.priority, candidate.standing is not Standing.PROBE, -luck
