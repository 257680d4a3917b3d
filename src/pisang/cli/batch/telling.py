"""How a batch stands, for eyes and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pisang.cli.screen import Screen
from pisang.cli.words import STATES_ZH
from pisang.client.results import iso_time
from pisang.domain.attempt import State
from pisang.domain.batch import BatchState, BatchStatus
from pisang.domain.money import Money
from pisang.domain.request import JSON

_BAR = 20
_FAILED = (State.REFUSED, State.FAILED, State.UNKNOWN)


def status_json(status: BatchStatus) -> dict[str, JSON]:
    """The shape that scripts rely on."""
    batch = status.batch
    return {
        "batch_id": batch.id,
        "name": batch.name,
        "source": batch.source,
        "state": state_word(status),
        "over": status.over,
        "created_at": iso_time(batch.created_ms),
        "out": batch.out,
        "rows": {
            "total": status.total,
            "waiting": status.waiting,
            "under_way": status.taken,
            **{state.value: count for state, count in status.states.items()},
        },
        "cost": {
            "spent": [str(one) for one in status.spent],
            "at_stake": [str(one) for one in status.at_stake],
            "play_money": [str(one) for one in status.play],
            "unpriced": status.unpriced,
        },
        "failures": dict(status.failures),
        "per_minute": status.per_minute,
        "eta_s": eta_s(status),
    }


def state_word(status: BatchStatus) -> str:
    """`filling`, `running`, `stopped` (waits to be resumed), `cancelled` or `over`."""
    if status.batch.state is BatchState.CANCELLED and not status.taken:
        return "cancelled"
    if status.over:
        return "over"
    if status.batch.state is BatchState.FILLING:
        return "filling"
    return "running" if status.taken else "stopped"


def eta_s(status: BatchStatus) -> float | None:
    """How long the rest may take at the last minute's pace; None where there is none."""
    left = status.waiting + status.taken
    if status.over or not status.per_minute or not left:
        return None
    return round(left / status.per_minute * 60, 1)


def line_of(status: BatchStatus, screen: Screen) -> str:
    """One line: how many are over, pace, cost, what went wrong, how long still."""
    over = status.total - status.waiting - status.taken
    filled = round(_BAR * over / status.total) if status.total else 0
    pick = screen.pick
    parts = [
        f"{'━' * filled}{'─' * (_BAR - filled)} "
        + pick(f"{over:,} of {status.total:,}", f"{over:,} / {status.total:,}")
    ]
    if status.taken:
        parts.append(pick(f"{status.taken} under way", f"{status.taken} 个进行中"))
    if status.per_minute:
        parts.append(pick(f"{status.per_minute} a minute", f"每分钟 {status.per_minute} 张"))
    money = _sums(status.spent) or (_sums(status.play) and _sums(status.play) + _play(screen))
    if money:
        parts.append(money)
    parts += failures_of(status, screen)
    left_s = eta_s(status)
    if left_s is not None:
        parts.append(pick(f"about {_long(left_s)} left", f"还需约 {_long(left_s)}"))
    return " · ".join(parts)


def failures_of(status: BatchStatus, screen: Screen) -> list[str]:
    """What went wrong, by kind, with what is at stake."""
    told = []
    for state in _FAILED:
        count = status.states.get(state, 0)
        if count and not (state is State.FAILED and status.waiting and not status.over):
            told.append(
                screen.pick(f"{count} {state.value}", f"{count} 个{STATES_ZH[state.value]}")
            )
    if status.at_stake:
        stake = _sums(status.at_stake)
        told.append(screen.pick(f"{stake} at stake", f"{stake} 待确认"))
    return told


def _sums(amounts: Sequence[Money]) -> str:
    return " + ".join(map(str, amounts))


def _play(screen: Screen) -> str:
    return screen.pick(" (play money)", "（模拟金额）")


def _long(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    if minutes < 2:
        return f"{math.ceil(seconds)} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def exit_code(status: BatchStatus) -> int:
    """0: all came; 8: some did. Where none did, that of the gravest: 7, 4 or 5."""
    if not status.over:
        return 9
    states = {state for state, count in status.states.items() if count}
    if status.batch.state is BatchState.CANCELLED:
        return 130
    if states <= {State.DONE}:
        return 0
    if State.DONE in states:
        return 8
    if State.UNKNOWN in states:
        return 7
    return 4 if State.REFUSED in states else 5
