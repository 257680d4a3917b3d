"""A failing disk, system call by system call: a clean error or success, and nothing is lost.

SQLite's own loop: the k-th write, sync, open, link of a purchase (or of a recovery) fails, once or
from then on, or is where the process is killed; for every k (a drawn few of them in each run, all
with PISANG_CRASH=long). Whatever the command says, it says no lie about money, and an ordinary
process finds everything in order afterwards.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest

from pisang.engine.engine import Engine
from pisang.sandbox.book import Charge
from pisang.sandbox.pytest_plugin import SandboxServer
from tests.crash.audit import audit, hash_of, painter
from tests.crash.faults import KILL, Fault, Struck, need_strace, strike
from tests.crash.shell import Said, Shell

pytestmark = pytest.mark.crash

LONG = os.environ.get("PISANG_CRASH") == "long"
LANES = 3

KINDS = {
    "fsync,fdatasync": ("EIO", KILL),
    "write": ("EIO", "ENOSPC"),
    "pwrite64": ("EIO", "ENOSPC", KILL),
    "link,rename": ("EIO", "ENOSPC", KILL),
    "openat": ("EIO", "ENOSPC"),
    "mkdir,unlink,ftruncate": ("EIO", KILL),
}
"""System calls that change a disk, and how they end."""

UNEXPECTED = 1
"""The exit code for what Pisang has no words for."""

UNKNOWN = 7
"""The exit code for what may have been paid for nothing."""

KEPT = Fault("link,rename", KILL, 1)
"""Dies with its answer stored and nothing in its place yet: there is something to recover."""


@dataclass(frozen=True)
class Bench:
    """Where faults are tried: each gets a copy of a home that is `new` (an upstream and no ledger
    yet), `used`, or `dead`, in which a purchase died."""

    folder: Path
    server: SandboxServer
    untouched: dict[str, Struck] = field(default_factory=dict)
    count: Iterator[int] = field(default_factory=count)

    def shell(self, name: str, template: str) -> Shell:
        """A copy of a template."""
        shutil.copytree(self.folder / template, self.folder / name)
        return self.at(name)

    def at(self, name: str) -> Shell:
        return Shell(self.folder / name / "home", self.folder / name / "here")

    def prepare(self) -> None:
        """Make the templates."""
        self.at("new").add_upstream(self.server)
        self.shell("used", "new").data("history")
        died = self.buy(KEPT.calls, KEPT, "dead")
        assert died.said.code < 0
        for act in ACTS:
            struck = act(self, ",".join(KINDS), None, f"{act.__name__}-untouched")
            assert struck.said.code == 0
            self.untouched[act.__name__] = struck

    def found(self, calls: str, fault: Fault | None, name: str) -> Struck:
        """The first purchase, which makes the ledger, under a fault."""
        return self.buy(calls, fault, name, "new")

    def buy(self, calls: str, fault: Fault | None, name: str, template: str = "used") -> Struck:
        """A purchase under a fault."""
        shell = self.shell(name, template)
        words = ("generate", f"a kite of {name}", "--format", "json")
        return strike(shell, calls, fault, words, shell.folder / "trace")

    def recover(self, calls: str, fault: Fault | None, name: str) -> Struck:
        """The recovery of the purchase that died, under a fault."""
        shell = self.shell(name, "dead")
        return strike(shell, calls, fault, ("unknown", "list", *JSON), shell.folder / "trace")

    def charges(self, name: str) -> list[Charge]:
        """What was charged for the prompt of that home."""
        mine = hash_of(f"a kite of {name}".encode())
        return [one for one in self.server.book if one.prompt_sha256 == mine]


JSON = ("--format", "json")

Act = Callable[[Bench, str, Fault | None, str], Struck]

ACTS: dict[Act, int] = {Bench.found: 1, Bench.buy: 2, Bench.recover: 1}
"""How many points of failure are drawn for each kind of call and error."""


def strike_once(bench: Bench, act: Act, fault: Fault) -> Struck:
    """A fault that came about: which thread makes a call differs from run to run, and with it
    how many calls one thread makes."""
    struck = try_fault(bench, act, fault)
    while not struck.hit and fault.nth > 1:
        fault = replace(fault, nth=fault.nth // 2)
        struck = try_fault(bench, act, fault)
    return struck


def try_fault(bench: Bench, act: Act, fault: Fault) -> Struck:
    """An act under a fault on a home of its own, then the recovery and the audit."""
    name = f"{act.__name__}-{fault.name}-{next(bench.count)}"
    struck = act(bench, fault.calls, fault, name)
    charges = bench.charges(name if act is not Bench.recover else "dead")
    check_said(fault, struck.said)
    if act is not Bench.recover:
        check_told_of_money(fault, struck.said, charges)
    home = bench.at(name).home
    asyncio.run(recover_and_check(home))
    audit(home, charges, struck.said.images, painter(bench.server.base_url))
    return struck


def check_said(fault: Fault, said: Said) -> None:
    """One sentence that says what is wrong, and no traceback; or success; or a death as told."""
    context = f"{fault}: exit {said.code}\n{said.err}"
    assert "Traceback" not in said.err, context
    if said.code < 0:
        assert fault.error == KILL, context
        return
    assert said.code != UNEXPECTED, context
    # Where not even standard error can be written to, the exit code is all there is.
    assert said.code == 0 or said.err.startswith("error: ") or fault.calls == "write", context
    assert said.code != 0 or said.json is not None, context


def check_told_of_money(fault: Fault, said: Said, charges: list[Charge]) -> None:
    """What was charged is given, or said to be at stake; never said to be free."""
    error = (said.json or {}).get("error")
    if not charges or said.code < 0 or error is None or said.images:
        return
    context = f"{fault}: exit {said.code}\n{said.err}"
    assert error["charged"] != "no" or error["code"] == "output_unwritable", context
    assert said.code in (UNKNOWN, 2), context


async def recover_and_check(home: Path) -> None:
    """What any later command does first, and then `doctor`'s own questions."""
    async with await Engine.open(home) as engine:
        findings = await asyncio.to_thread(engine.store.check, deep=True)
    assert [one.message for one in findings if one.level == "error"] == []


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, pisang_sandbox_server: SandboxServer) -> Bench:
    need_strace()
    bench = Bench(tmp_path_factory.mktemp("disk"), pisang_sandbox_server)
    bench.prepare()
    return bench


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("calls", KINDS)
def test_whichever_call_fails_nothing_is_lost_and_the_error_is_a_sentence(
    bench: Bench, calls: str, act: Act
) -> None:
    faults = list(draw(calls, bench.untouched[act.__name__].most(calls), ACTS[act]))
    with ThreadPoolExecutor(LANES) as lanes:
        ended = list(lanes.map(lambda fault: strike_once(bench, act, fault), faults))
    codes = Counter(struck.said.code for struck in ended)
    print(f"{act.__name__} under {len(faults)} faults of {calls}: exit codes {dict(codes)}")
    assert all(struck.hit for struck in ended)


def draw(calls: str, most: int, few: int) -> Iterator[Fault]:
    """Some of the points of failure, or all."""
    dice = random.Random()
    for error in KINDS[calls]:
        points = range(1, most + 1) if LONG else dice.sample(range(1, most + 1), min(few, most))
        for nth in points:
            modes = (False, True) if LONG else (dice.random() < 0.4,)
            for for_ever in modes if error != KILL else (False,):
                yield Fault(calls, error, nth, for_ever)
