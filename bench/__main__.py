"""`make bench`: every section, a table on the terminal, raw figures in `bench/out/`.

`python -m bench NAME …` runs only those: `downloads`, `starts`, `store_claims`, `batches`,
`gallery`, `gateway`, the last with options of its own (`python -m bench gateway --help`).
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

from bench import downloads, starts
from bench.gateway import run as gateway
from bench.machine import machine
from bench.process import Run

OUT = Path(__file__).parent / "out"
SECTIONS = {"downloads": downloads.measure, "starts": starts.measure}
INSIDE = ("bench.store_claims", "bench.batches", "bench.gallery")
"""Sections that measure inside one process and print JSON."""


def show(rows: list[tuple[str, str, str, Run]]) -> None:
    """Medians per case and client, and Pisang's ratio to each peer."""
    groups: dict[tuple[str, str], dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for section, case, client, one in rows:
        groups[section, case][client].append(one)
    print(
        f"{'':<38}{'client':<14}{'wall s':>9}{'cpu s':>9}{'peak MiB':>10}   wall / cpu / peak of it"
    )
    for (section, case), clients in groups.items():
        ours = figures(clients["pisang"])
        for client, runs in clients.items():
            theirs = figures(runs)
            ratio = "  ".join(f"{a / b:.2f}" for a, b in zip(ours, theirs, strict=True))
            told = "" if client == "pisang" else f"   pisang is {ratio}"
            wall, cpu, peak = theirs
            print(
                f"{section + ' ' + case:<38}{client:<14}{wall:>9.3f}{cpu:>9.3f}{peak:>10.1f}{told}"
            )


def figures(runs: list[Run]) -> tuple[float, float, float]:
    return (
        median(one.wall_s for one in runs),
        median(one.cpu_s for one in runs),
        median(one.peak_mib for one in runs),
    )


def main(only: list[str]) -> None:
    """Run all sections, or those named."""
    OUT.mkdir(exist_ok=True)
    (OUT / "machine.json").write_text(json.dumps(machine(), indent=1) + "\n")
    chosen = [name for name in SECTIONS if not only or name in only]
    if chosen:
        measure_processes(chosen)
    for module in INSIDE:
        if only and module.split(".")[1] not in only:
            continue
        told = subprocess.run([sys.executable, "-m", module], capture_output=True, text=True)
        (OUT / f"{module.split('.')[1]}.json").write_text(told.stdout)
        print(f"\n{module}\n{told.stdout}{told.stderr}")
    if not only or "gateway" in only:
        gateway.main([])


def measure_processes(sections: list[str]) -> None:
    """Sections of whole processes: a table, and a CSV."""
    rows = [
        (section, case, client, one)
        for section in sections
        for case, client, one in SECTIONS[section]()
    ]
    with (OUT / "processes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["section", "case", "client", "wall_s", "cpu_s", "peak_mib"])
        for section, case, client, one in rows:
            writer.writerow([section, case, client, one.wall_s, one.cpu_s, one.peak_mib])
    show(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["gateway"]:
        gateway.main(sys.argv[2:])
    else:
        main(sys.argv[1:])
