"""What the gateway is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from bench.gateway.tables import Row

BIG, SMALL, WAITING = "48mb-8", "small-16", "wait-5000"


@dataclass(frozen=True)
class Start:
    """One start of a server: seconds until its first answer, MiB when idle after it."""

    contender: str
    boot_s: float
    idle_mib: float


@dataclass(frozen=True)
class Results:
    """All that a run measured."""

    rows: Mapping[tuple[str, str], Row]
    starts: list[Start]

    def of(self, case: str, contender: str) -> Row:
        return self.rows[case, contender]

    def boot_s(self, contender: str) -> float:
        return median(one.boot_s for one in self.starts if one.contender == contender)

    def idle_mib(self, contender: str) -> float:
        return median(one.idle_mib for one in self.starts if one.contender == contender)


@dataclass(frozen=True)
class Goal:
    """A figure and its limit."""

    name: str
    wanted: str
    figure: Callable[[Results], float]
    met: Callable[[float], bool]
    form: str = "{:.2f}"


@dataclass(frozen=True)
class Verdict:
    """A goal's figure as text, and `met`, `MISSED` or `not measured`."""

    name: str
    wanted: str
    figure: str
    said: str


def rate_of(case: str, other: str) -> Callable[[Results], float]:
    """Pisang's calls a second, of another's."""
    return lambda found: found.of(case, "pisang").rate / found.of(case, other).rate


def cpu_of(case: str, other: str) -> Callable[[Results], float]:
    """Pisang's CPU a call, of another's."""
    return lambda found: found.of(case, "pisang").cpu_ms / found.of(case, other).cpu_ms


def added_ms(found: Results) -> float:
    """What a small call takes longer than without a gateway, median."""
    return found.of("small-1", "pisang").p50_ms - found.of("small-1", "direct").p50_ms


def peak_mib(found: Results) -> float:
    """The most memory in any case but that of the 5,000."""
    ours = [row for (case, who), row in found.rows.items() if who == "pisang" and case != WAITING]
    return max(row.peak_mib for row in ours)


ROOMY = "{:.0f} MiB"
TIMES = "{:.1f}×"


def wrong(found: Results) -> float:
    """Answers of ours that were wrong or did not come, in all cases."""
    return sum(row.wrong for (_, who), row in found.rows.items() if who == "pisang")


def waiting(found: Results) -> float:
    """How many of the 5,000 were seen waiting at the upstream at the same time."""
    return found.of(WAITING, "pisang").most_waiting


def waiting_mib(found: Results) -> float:
    """The most memory with 5,000 callers waiting."""
    return found.of(WAITING, "pisang").peak_mib


def at_least(limit: float) -> Callable[[float], bool]:
    return lambda figure: figure >= limit


def at_most(limit: float) -> Callable[[float], bool]:
    return lambda figure: figure <= limit


def boot_s(found: Results) -> float:
    return found.boot_s("pisang")


GOALS = (
    Goal("rate at 48 MB × 8, of LiteLLM's", "≥ 15×", rate_of(BIG, "litellm"), at_least(15), TIMES),
    Goal("CPU a call, likewise", "≤ 0.05", cpu_of(BIG, "litellm"), at_most(0.05), "{:.3f}"),
    Goal(
        "rate of small × 16, of LiteLLM's", "≥ 10×", rate_of(SMALL, "litellm"), at_least(10), TIMES
    ),
    Goal("rate at 48 MB × 8, of the relay's", "≥ 0.6", rate_of(BIG, "floor"), at_least(0.6)),
    Goal("rate of small × 16, of the relay's", "≥ 0.6", rate_of(SMALL, "floor"), at_least(0.6)),
    Goal("peak memory, all processes", "≤ 250 MiB", peak_mib, at_most(250), ROOMY),
    Goal("added to a small call, p50", "≤ 3 ms", added_ms, at_most(3), "{:.1f} ms"),
    Goal("first answer after the start", "≤ 2 s", boot_s, at_most(2), "{:.2f} s"),
    Goal("of 5,000 calls, waiting at once", "5,000", waiting, at_least(5000), "{:,.0f}"),
    Goal("peak memory with them", "≤ 450 MiB", waiting_mib, at_most(450), ROOMY),
    Goal("answers wrong or missing", "0", wrong, at_most(0), "{:.0f}"),
)


def judged(found: Results) -> list[Verdict]:
    """Every goal with its figure."""
    return [judge(goal, found) for goal in GOALS]


def judge(goal: Goal, found: Results) -> Verdict:
    try:
        figure = goal.figure(found)
    except (KeyError, ValueError):  # a case or a contender that did not take part
        return Verdict(goal.name, goal.wanted, "", "not measured")
    said = "met" if goal.met(figure) else "MISSED"
    return Verdict(goal.name, goal.wanted, goal.form.format(figure), said)
