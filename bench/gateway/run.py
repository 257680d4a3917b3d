"""A run: the cases, the contenders in turn, tables, and the files that are kept."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.downloads import server as answering
from bench.gateway import peers, records
from bench.gateway.cases import CASES, Case
from bench.gateway.contenders import CONTENDERS, ROOT, Ground, Server
from bench.gateway.goals import Results, Start, judged
from bench.gateway.measure import Figures, measure, warm_up
from bench.gateway.processes import resident_mib
from bench.gateway.tables import rows_of, show
from bench.machine import filesystem, machine

OUT = ROOT / "bench" / "out"
FILES = 65_536


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench gateway", description=__doc__)
    add = parser.add_argument
    contenders, cases = list(CONTENDERS), list(CASES)
    add("--quick", action="store_true", help="one short round of each case, servers started once")
    add("--only", type=listed, default=contenders, metavar="NAME,…", help=", ".join(contenders))
    add("--cases", type=listed, default=cases, metavar="NAME,…", help=", ".join(cases))
    source = os.environ.get("PYTHONPATH", str(ROOT / "src"))
    add("--src", default=source, metavar="PATH", help="Pisang's source (default: %(default)s)")
    add("--out", type=Path, default=OUT, metavar="DIR", help="where raw figures and homes go")
    add("--write", action="store_true", help="into bench/results/ and docs/performance.md too")
    asked = parser.parse_args(words)
    for name in {*asked.only} - {*contenders} | {*asked.cases} - {*cases}:
        parser.error(f"there is no {name}")
    if asked.write and (asked.quick or (asked.only, asked.cases) != (contenders, cases)):
        parser.error("--write is for whole runs: no --quick, --only or --cases")
    return asked


def listed(words: str) -> list[str]:
    return words.split(",")


def main(words: list[str] | None = None) -> None:
    """Measure, print, keep."""
    asked = arguments(words)
    allow_files()
    asked.out.mkdir(parents=True, exist_ok=True)
    ground_told = description(asked.out, asked.only)
    cases = [CASES[name].hurried() if asked.quick else CASES[name] for name in asked.cases]
    figures: list[Figures] = []
    starts: list[Start] = []
    homes = TemporaryDirectory(prefix="gateway-", dir=asked.out)
    with homes as name, answering(Path(name)) as upstream:
        ground = Ground(upstream["port"], Path(name).resolve(), asked.src)
        for group in [cases] if asked.quick else [[case] for case in cases]:
            measure_group(group, asked.only, ground, figures, starts)
    found = Results(rows_of(figures), starts)
    show(found.rows)
    records.show_starts(found)
    records.show_goals(judged(found), asked.quick)
    records.keep(asked.out, figures, starts, ground_told)
    if asked.write:
        records.publish(asked.out, found, ground_told)


def description(folder: Path, names: list[str]) -> dict[str, str]:
    """The machine, the disk and the peers' versions."""
    versions = {name: peers.version(name) for name in peers.PACKAGES if name in names}
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = {**machine(), "disk": filesystem(folder), "open files": str(files), **versions}
    print(json.dumps(told, indent=1), file=sys.stderr)
    return told


def measure_group(
    cases: list[Case],
    names: list[str],
    ground: Ground,
    figures: list[Figures],
    starts: list[Start],
) -> None:
    """Those cases over servers started anew. What is found is added to the two lists."""
    taking_part = [name for name in names if any(takes_part(name, case) for case in cases)]
    with ExitStack() as stack:
        servers = [stack.enter_context(CONTENDERS[name](ground)) for name in taking_part]
        for server in servers:
            if server.pid:
                starts.append(Start(server.name, server.boot_s, resident_mib(server.pid)))
        for case in cases:
            print(f"{case.name} …", file=sys.stderr, flush=True)
            figures += measure_case(case, servers, ground)


def takes_part(name: str, case: Case) -> bool:
    return not case.only or name in case.only


def measure_case(case: Case, servers: list[Server], ground: Ground) -> list[Figures]:
    """All rounds of a case, the contenders in turn: drift of the machine hits them alike."""
    taking_part = [server for server in servers if takes_part(server.name, case)]
    for server in taking_part:
        warm_up(case, server)
    return [
        measure(case, server, turn, ground.upstream)
        for turn in range(case.rounds)
        for server in taking_part
    ]


def allow_files() -> None:
    """As many open files as the system lets us and our servers have: 5,000 calls that wait are
    20,000 sockets and files of theirs. Only root may go beyond what was granted."""
    _, granted = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= granted < FILES:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
            return
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, granted))
