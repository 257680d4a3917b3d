"""One case, one contender, one round: the load is run, the kernel is asked what it took."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from http.client import HTTPConnection

from bench.gateway.cases import BESIDE, Case
from bench.gateway.contenders import PATH, ROOT, Server
from bench.gateway.load import Order, Tally
from bench.gateway.processes import Peak, cpu_s, settled_cpu_s

HEAD_START_S = 1.0
MILLION = 1_000_000
WARM = {"8kb": 40}
_orders = itertools.count(1)


@dataclass(frozen=True)
class Figures:
    """What one round of one case took of one contender."""

    case: str
    contender: str
    turn: int
    calls: int
    wrong: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    most_waiting: int
    latencies_s: tuple[float, ...]


def order(case: Case, server: Server, whole: bool = False) -> Order:
    """The case as the load's order; its prompts are like none before."""
    return Order(
        host="127.0.0.1",
        port=server.port,
        path=PATH,
        wanted=case.wanted,
        headers=server.headers,
        size=case.noise,
        at_once=case.at_once,
        calls=case.calls,
        seconds=case.seconds,
        first_tag=next(_orders) * MILLION,
        least=case.least,
        whole=whole,
    )


def begin(asked: Order) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bench.gateway.load"]
    process = subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(asked)))
    process.stdin.close()
    process.stdin = None
    return process


def ended(process: subprocess.Popen[str]) -> Tally:
    told, _ = process.communicate()
    if process.returncode:
        raise SystemExit("the load generator failed")
    return Tally(**json.loads(told))


@contextmanager
def beside(server: Server) -> Iterator[None]:
    """While four callers fetch large pictures from it; what they leave is over at the end."""
    process = begin(order(BESIDE, server))
    time.sleep(HEAD_START_S)
    try:
        yield
    finally:
        process.kill()
        process.communicate()
        if server.pid:
            settled_cpu_s(server.pid)


def warm_up(case: Case, server: Server) -> None:
    """A few calls that don't count, the first answer looked at whole. Raises `SystemExit` where an
    answer is not what the upstream gave."""
    few = Case(case.name, case.size, min(case.at_once, 2), calls=WARM.get(case.size, 4))
    tally = ended(begin(order(few, server, whole=True)))
    if tally.wrong:
        raise SystemExit(f"{server.name}, {case.name}: {tally.wrong[0]}")


def measure(case: Case, server: Server, turn: int, upstream: int) -> Figures:
    """Run one round. The CPU of a call is not told where other calls run beside it."""
    watched = Peak(server.pid) if server.pid else None
    with beside(server) if case.beside else nullcontext(), watched or nullcontext():
        most_waiting(upstream)
        before = cpu_s(server.pid) if server.pid else 0.0
        tally = ended(begin(order(case, server)))
        after = settled_cpu_s(server.pid) if server.pid and not case.beside else before
    for one in tally.wrong[:3]:
        print(f"! {server.name}, {case.name}: {one}", file=sys.stderr)
    return Figures(
        case=case.name,
        contender=server.name,
        turn=turn,
        calls=len(tally.latencies_s),
        wrong=len(tally.wrong),
        wall_s=tally.wall_s,
        cpu_s=after - before,
        peak_mib=watched.mib if watched else 0.0,
        most_waiting=most_waiting(upstream),
        latencies_s=tuple(tally.latencies_s),
    )


def most_waiting(upstream: int) -> int:
    """The most calls that waited for the upstream at once since it was asked last."""
    connection = HTTPConnection("127.0.0.1", upstream, timeout=10)
    connection.request("GET", "/waiting")
    most: int = json.loads(connection.getresponse().read())["most"]
    connection.close()
    return most
