"""`python -m bench.gateway`: the cases, the contenders in turn, one table."""

from __future__ import annotations

import argparse
import os
import resource
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.downloads import server as answering
from bench.gateway.cases import CASES, Case
from bench.gateway.contenders import CONTENDERS, ROOT, Ground, Server
from bench.gateway.measure import Figures, measure, warm_up
from bench.gateway.processes import resident_mib
from bench.gateway.tables import rows_of, show

OUT = ROOT / "bench" / "out"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench.gateway", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="one short round of each case: a first look")
    add(
        "--only",
        type=listed,
        default=list(CONTENDERS),
        metavar="NAME,…",
        help=", ".join(CONTENDERS),
    )
    add("--cases", type=listed, default=list(CASES), metavar="NAME,…", help=", ".join(CASES))
    source = os.environ.get("PYTHONPATH", str(ROOT / "src"))
    add("--src", default=source, metavar="PATH", help="Pisang's source (default: %(default)s)")
    return parser.parse_args(words)


def listed(words: str) -> list[str]:
    return words.split(",")


def main(words: list[str] | None = None) -> None:
    asked = arguments(words)
    allow_files()
    OUT.mkdir(exist_ok=True)
    cases = [CASES[name].hurried() if asked.quick else CASES[name] for name in asked.cases]
    with TemporaryDirectory(prefix="gateway-", dir=OUT) as name, answering(Path(name)) as upstream:
        ground = Ground(upstream["port"], Path(name), asked.src)
        figures: list[Figures] = []
        for group in [cases] if asked.quick else [[case] for case in cases]:
            figures += measure_group(group, asked.only, ground)
    show(rows_of(figures))


def measure_group(cases: list[Case], names: list[str], ground: Ground) -> list[Figures]:
    """Those cases, each contender's server started anew, the contenders in turn in every round."""
    figures: list[Figures] = []
    with ExitStack() as stack:
        servers = [stack.enter_context(CONTENDERS[name](ground)) for name in names]
        for server in servers:
            if server.pid:
                idle = resident_mib(server.pid)
                print(f"{server.name}: first answer {server.boot_s:.2f} s, idle {idle:.0f} MiB")
        for case in cases:
            figures += measure_case(case, servers, ground)
    return figures


def measure_case(case: Case, servers: list[Server], ground: Ground) -> list[Figures]:
    """All rounds of a case over the servers that take part in it."""
    taking_part = [one for one in servers if not case.only or one.name in case.only]
    for server in taking_part:
        warm_up(case, server)
    print(f"{case.name} …", file=sys.stderr, flush=True)
    return [
        measure(case, server, turn, ground.upstream)
        for turn in range(case.rounds)
        for server in taking_part
    ]


def allow_files() -> None:
    """As many open files as the system lets us have: 5,000 calls are 10,000 sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
