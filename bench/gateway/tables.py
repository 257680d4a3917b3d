"""Figures as a table: medians over rounds, ratios, percentiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from bench.gateway.measure import Figures

MS = 1000


@dataclass(frozen=True)
class Row:
    """One case of one contender over all rounds."""

    case: str
    contender: str
    calls: int
    wrong: int
    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    peak_mib: float
    most_waiting: int


def percentile(ordered: list[float], part: float) -> float:
    """The nearest-rank percentile of sorted values."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def summed(case: str, contender: str, figures: Iterable[Figures]) -> Row:
    """Rates and CPU are medians of the rounds; percentiles are over all calls; the peak is the
    highest."""
    rounds = list(figures)
    taken = sorted(taken for one in rounds for taken in one.latencies_s)
    return Row(
        case=case,
        contender=contender,
        calls=sum(one.calls for one in rounds),
        wrong=sum(one.wrong for one in rounds),
        rate=median(one.calls / one.wall_s for one in rounds),
        p50_ms=percentile(taken, 0.50) * MS,
        p95_ms=percentile(taken, 0.95) * MS,
        p99_ms=percentile(taken, 0.99) * MS,
        cpu_ms=median(one.cpu_s / max(1, one.calls) for one in rounds) * MS,
        peak_mib=max(one.peak_mib for one in rounds),
        most_waiting=max(one.most_waiting for one in rounds),
    )


def rows_of(figures: list[Figures]) -> dict[tuple[str, str], Row]:
    """A row per case and contender, in the order measured."""
    keys = dict.fromkeys((one.case, one.contender) for one in figures)
    return {
        (case, who): summed(case, who, (f for f in figures if (f.case, f.contender) == (case, who)))
        for case, who in keys
    }


def show(rows: Mapping[tuple[str, str], Row]) -> None:
    """The table on the terminal; beside each peer what Pisang is of it (rate, CPU a call)."""
    print(
        f"\n{'':<19}{'':<9}{'calls':>7}{'calls/s':>9}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}"
        f"{'CPU ms':>9}{'peak MiB':>10}   pisang is, of it: rate, CPU"
    )
    for (case, who), row in rows.items():
        wrong = f"  ! {row.wrong} wrong" if row.wrong else ""
        print(
            f"{case:<19}{who:<9}{row.calls:>7}{row.rate:>9.1f}{row.p50_ms:>10.2f}"
            f"{row.p95_ms:>10.2f}{row.p99_ms:>10.2f}{row.cpu_ms:>9.2f}{row.peak_mib:>10.1f}"
            f"   {ratio(row, rows.get((case, 'pisang')))}{wrong}"
        )


def ratio(row: Row, ours: Row | None) -> str:
    """`8.31  0.052`: our rate and our CPU a call, of that row's; empty for our own."""
    if ours is None or row is ours or not row.rate:
        return ""
    cpu = f"  {ours.cpu_ms / row.cpu_ms:.3f}" if row.cpu_ms and ours.cpu_ms else ""
    return f"{ours.rate / row.rate:.2f}{cpu}"
