"""What a run leaves: raw figures as CSV, starts and goals on the terminal, the page's tables."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from bench.gateway.contenders import ROOT
from bench.gateway.goals import Results, Start, Verdict, judged
from bench.gateway.measure import Figures
from bench.gateway.tables import Row, summed

FIGURES, STARTS, GROUND = "gateway.csv", "gateway-starts.csv", "gateway.json"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- gateway: begin -->", "<!-- gateway: end -->"
COLUMNS = (
    "case", "contender", "round", "calls", "wrong", "wall_s", "calls_per_s",
    "p50_ms", "p95_ms", "p99_ms", "cpu_s", "cpu_ms_per_call", "peak_mib", "most_waiting",
)  # fmt: skip
NAMES = {
    "small-1": "8 KB, one at a time",
    "small-16": "8 KB, 16 at once",
    "3mb-1": "3 MB, one at a time",
    "3mb-16": "3 MB, 16 at once",
    "24mb-1": "24 MB, one at a time",
    "24mb-8": "24 MB, 8 at once",
    "48mb-1": "48 MB, one at a time",
    "48mb-8": "48 MB, 8 at once",
    "small-beside-48mb": "8 KB, beside four of 48 MB",
    "wait-500": "500 at once, an upstream that takes 10 s",
    "wait-5000": "5,000 at once, an upstream that takes 20 s",
}
SHOWN = ("pisang", "litellm", "floor", "direct")


def keep(folder: Path, figures: list[Figures], starts: list[Start], ground: dict[str, str]) -> None:
    """Write the raw figures, a line per round."""
    (folder / GROUND).write_text(json.dumps(ground, indent=1) + "\n")
    with (folder / FIGURES).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(line(one) for one in figures)
    with (folder / STARTS).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["contender", "boot_s", "idle_mib"])
        writer.writerows(
            (one.contender, f"{one.boot_s:.3f}", f"{one.idle_mib:.1f}") for one in starts
        )


def line(one: Figures) -> list[object]:
    """A round as a line of the CSV."""
    row = summed(one.case, one.contender, [one])
    times = (one.wall_s, row.rate, row.p50_ms, row.p95_ms, row.p99_ms)
    figures = [f"{figure:.3f}" for figure in (*times, one.cpu_s, row.cpu_ms, one.peak_mib)]
    counts = (one.case, one.contender, one.turn, one.calls, one.wrong)
    return [*counts, *figures, one.most_waiting]


def show_starts(found: Results) -> None:
    print()
    for name in dict.fromkeys(one.contender for one in found.starts):
        boot_s, idle_mib = found.boot_s(name), found.idle_mib(name)
        print(f"{name:<9} first answer {boot_s:.2f} s after its start, idle {idle_mib:.0f} MiB")


def show_goals(verdicts: list[Verdict], quick: bool) -> None:
    """The goals; a quick run's figures are a hint only."""
    if quick:
        print("\nA quick run: of 500 and 5,000 waiting calls it makes 100 and 1,000.")
    print(f"\n{'goal':<36}{'wanted':>11}{'measured':>12}")
    for one in verdicts:
        print(f"{one.name:<36}{one.wanted:>11}{one.figure:>12}   {one.said}")


def publish(folder: Path, found: Results, ground: dict[str, str]) -> None:
    """Keep the figures beside the earlier ones, and put the tables into the page."""
    kept = ROOT / "bench" / "results" / ground["date"][:10]
    kept.mkdir(parents=True, exist_ok=True)
    for name in (FIGURES, STARTS, GROUND):
        shutil.copy(folder / name, kept / name)
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{page(found, ground, kept.name)}{END}{after}")


def page(found: Results, ground: dict[str, str], date: str) -> str:
    """The page's part that a run fills."""
    lines = [
        f"One run: {ground['cores']} cores, {ground['disk']}, load {ground['load']} before it, "
        f"LiteLLM {ground['litellm']}. Raw figures and the machine's description are in",
        f"[bench/results/{date}](../bench/results/{date}/).",
        "Where four figures stand: Pisang · LiteLLM · the bare relay · no gateway.",
        "",
        "| pictures | calls a second | p50 ms | p99 ms | CPU ms a call | peak MiB |",
        "|---|---|---|---|---|---|",
        *(table_row(found, case) for case in dict.fromkeys(case for case, _ in found.rows)),
        "",
        *(f"{what}\n" for what in failures(found)),
        "| | Pisang | LiteLLM | the bare relay |",
        "|---|---|---|---|",
        start_row("first answer after the start", found.boot_s, "{:.2f} s"),
        start_row("memory when idle", found.idle_mib, "{:.0f} MiB"),
        "",
        "| goal | | measured | |",
        "|---|---|---|---|",
        *(f"| {one.name} | {one.wanted} | {one.figure} | {told(one)} |" for one in judged(found)),
    ]
    return "\n".join(lines) + "\n"


def failures(found: Results) -> list[str]:
    """What did not come or was not right, which no rate counts."""
    return [
        f"{who} in “{NAMES[case]}”: {row.wrong} answers wrong or missing, {row.calls} right."
        for (case, who), row in found.rows.items()
        if row.wrong
    ]


def table_row(found: Results, case: str) -> str:
    rows = [found.rows[case, name] for name in SHOWN if (case, name) in found.rows]
    cells = [
        cell(rows, lambda row: row.rate, 1),
        cell(rows, lambda row: row.p50_ms, 1),
        cell(rows, lambda row: row.p99_ms, 1),
        cell([row for row in rows if row.cpu_ms], lambda row: row.cpu_ms, 1),
        cell([row for row in rows if row.peak_mib], lambda row: row.peak_mib, 0),
    ]
    return f"| {NAMES[case]} | {' | '.join(cells)} |"


def cell(rows: list[Row], figure: Callable[[Row], float], places: int) -> str:
    return " · ".join(f"{figure(row):,.{places}f}" for row in rows)


def start_row(name: str, figure: Callable[[str], float], form: str) -> str:
    figures = (form.format(figure(who)) for who in ("pisang", "litellm", "floor"))
    return f"| {name} | {' | '.join(figures)} |"


def told(verdict: Verdict) -> str:
    return f"**{verdict.said}**" if verdict.said == "MISSED" else verdict.said
