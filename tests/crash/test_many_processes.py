"""Eight real processes at once on one home: fair, each purchase once, limits held, the dead found.

Nothing here is told by a clock: who did what in which order stands in the ledger, whose rows are
numbered in the order of their commits.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, Any

import pytest

from pisang.sandbox.pytest_plugin import SandboxServer
from tests.crash.audit import audit, painter, read_ledger
from tests.crash.shell import Shell, finish, start, wait_until

pytestmark = pytest.mark.crash

ROOT = Path(__file__).parents[2]

PROCESSES = 8

HANGS_S = 150
"""Workers that are not through by then are killed, and the test fails."""

FAIR = 4
"""When the first process is through, no other has less than this part of its own share."""


@dataclass
class Worker:
    """The other end of a `tests.crash.worker` process."""

    process: subprocess.Popen[str]
    stderr: IO[str]

    def hear(self, event: str) -> dict[str, Any]:
        """Read on until it says that."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told: dict[str, Any] = json.loads(line)
            if told["event"] == event:
                return told
        raise AssertionError(f"no {event!r} came: {self.complaint()}")

    def go(self) -> None:
        """Let it begin."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it where it stands."""
        self.process.kill()
        self.process.wait()

    def finish(self) -> list[dict[str, Any]]:
        """What it said until its end, which must be a good one."""
        assert self.process.stdout is not None
        told = [json.loads(line) for line in self.process.stdout]
        assert self.process.wait() == 0, self.complaint()
        return told

    def complaint(self) -> str:
        """What it wrote to its standard error."""
        self.stderr.seek(0)
        return self.stderr.read()[-2000:]


@contextmanager
def workers(shell: Shell, tasks: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[list[Worker]]:
    """Processes with a task each, all of them ready to begin; none of them outlives this."""
    started: list[Worker] = []
    hanging = Timer(HANGS_S, kill_all, [started])
    hanging.start()
    try:
        for task, told in tasks:
            arguments = json.dumps({"home": str(shell.home), **told})
            command = [sys.executable, "-m", "tests.crash.worker", task, arguments]
            stderr = TemporaryFile("w+")  # noqa: SIM115 - closed below
            pipes = {"stdin": subprocess.PIPE, "stderr": stderr}
            started.append(Worker(start(command, shell, cwd=ROOT, **pipes), stderr))
        for worker in started:
            worker.hear("ready")
        yield started
    finally:
        hanging.cancel()
        kill_all(started)
        for worker in started:
            worker.process.communicate()
            worker.stderr.close()


def kill_all(crew: Sequence[Worker]) -> None:
    for worker in crew:
        worker.process.kill()


def together(crew: Sequence[Worker]) -> list[list[dict[str, Any]]]:
    """Let all begin, and wait for all; what each said."""
    for worker in crew:
        worker.go()
    return [worker.finish() for worker in crew]


def results(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in told if one["event"] == "result"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "here").mkdir()
    return Shell(tmp_path / "home", tmp_path / "here")


@pytest.fixture
def selling(shell: Shell, pisang_sandbox: SandboxServer) -> Shell:
    """The home with a real server as its upstream."""
    shell.add_upstream(pisang_sandbox)
    return shell


def check_fair(home: Path, share: int) -> None:
    """Each process had its whole share, and nobody had it while another starved."""
    claims: Counter[str] = Counter()
    least_when_first_is_through = 0
    for row in read_ledger(home).attempts:
        claims[row["owner"]] += 1
        if claims[row["owner"]] == share and max(claims.values()) == share:
            least = min(claims.values()) if len(claims) == PROCESSES else 0
            least_when_first_is_through = least_when_first_is_through or least
    print(f"when the first had {share} claims, the last had {least_when_first_is_through}")
    assert list(claims.values()) == [share] * PROCESSES
    assert least_when_first_is_through >= share // FAIR


def test_eight_processes_paint_side_by_side_and_none_starves(shell: Shell) -> None:
    share = 12
    tasks = [
        ("paint", {"upstream": "sandbox", "prompt": f"kite {{}} of {one}", "times": share})
        for one in range(PROCESSES)
    ]
    with workers(shell, tasks) as crew:
        said = together(crew)
    ledger = read_ledger(shell.home)
    assert [len(results(told)) for told in said] == [share] * PROCESSES
    assert ledger.states == {"done": share * PROCESSES}
    ids = [one["request_id"] for told in said for one in results(told)]
    assert sorted(ids) == sorted(row["request_id"] for row in ledger.attempts)
    check_fair(shell.home, share)


def test_claims_alone_are_served_in_turn(shell: Shell) -> None:
    share = 150
    with workers(shell, [("claim", {"times": share})] * PROCESSES) as crew:
        together(crew)
    assert read_ledger(shell.home).states == {"refused": share * PROCESSES}
    check_fair(shell.home, share)


def test_one_key_in_eight_processes_is_one_purchase(
    selling: Shell, pisang_sandbox: SandboxServer
) -> None:
    prompt = "the only kite [[sandbox delay=0.5]]"
    task = {"upstream": "sb", "prompt": prompt, "times": 1, "key": "once"}
    with workers(selling, [("paint", task)] * PROCESSES) as crew:
        said = together(crew)
    assert len({json.dumps(one) for told in said for one in results(told)}) == 1
    assert [len(results(told)) for told in said] == [1] * PROCESSES
    check_books(selling, pisang_sandbox, {"done": 1})


def test_the_buyer_of_a_key_dies_and_nobody_buys_it_again(
    selling: Shell, pisang_sandbox: SandboxServer
) -> None:
    prompt = "a kite whose buyer dies [[sandbox delay=4]]"
    task = {"upstream": "sb", "prompt": prompt, "times": 1, "key": "once"}
    with workers(selling, [("paint", task)] * PROCESSES) as crew:
        buyer, *others = crew
        buyer.go()
        buyer.hear("sent")
        for worker in others:
            worker.go()
        wait_until(lambda: len(pisang_sandbox.book) == 1)
        buyer.kill()
        said = [worker.finish() for worker in others]
    codes = [one["code"] for told in said for one in told if one["event"] == "error"]
    assert codes == ["outcome_unknown"] * len(others)
    check_books(selling, pisang_sandbox, {"unknown": 1})


def test_the_dead_are_recovered_once_and_the_living_are_left_alone(
    selling: Shell, pisang_sandbox: SandboxServer
) -> None:
    painting = [
        ("paint", {"upstream": "sb", "prompt": f"kite {one} [[sandbox delay=6]]", "times": 1})
        for one in range(PROCESSES)
    ]
    with workers(selling, [*painting, ("recover", {}), ("recover", {})]) as crew:
        painters, recoverers = crew[:PROCESSES], crew[PROCESSES:]
        for worker in painters:
            worker.go()
        attempts = [worker.hear("sent")["attempt_id"] for worker in painters]
        wait_until(lambda: len(pisang_sandbox.book) == PROCESSES)
        for worker in painters[:3]:
            worker.kill()
        dead, living = set(attempts[:3]), set(attempts[3:])
        owners = {row["id"]: row["owner"] for row in read_ledger(selling.home).attempts}
        recovered = [one["attempts"] for told in together(recoverers) for one in told]
        # The two who looked at once shared the dead between them; each was given to one.
        assert sorted(id for ids in recovered for id in ids) == sorted(dead)
        for row in read_ledger(selling.home).attempts:
            assert row["state"] == ("unknown" if row["id"] in dead else "sent")
            assert (row["owner"] == owners[row["id"]]) == (row["id"] in living)
        said = [worker.finish() for worker in painters[3:]]
    assert [len(results(told)) for told in said] == [1] * 5
    check_books(selling, pisang_sandbox, {"done": 5, "unknown": 3})


def check_books(shell: Shell, server: SandboxServer, states: dict[str, int]) -> None:
    """What the ledger says is what the server charged; each charge belongs to one attempt."""
    ledger = audit(shell.home, server.book, [], painter(server.base_url))
    assert ledger.states == states
    assert len(server.book) == sum(states.values())


def test_an_upstreams_limits_hold_over_all_processes(shell: Shell, tmp_path: Path) -> None:
    most, interval_ms, share = 3, 40, 3
    prompt = "kite {{}} of {} [[sandbox delay=0.1]]"
    with watched_sandbox(shell, tmp_path) as (server, log):
        shell.add_upstream(server)
        limits = f"[upstreams.sb.limits]\nconcurrency = {most}\ninterval_ms = {interval_ms}\n"
        config = shell.home / "config.toml"
        config.write_text(config.read_text() + limits)
        tasks = [
            ("paint", {"upstream": "sb", "prompt": prompt.format(one), "times": share})
            for one in range(PROCESSES)
        ]
        with workers(shell, tasks) as crew:
            together(crew)
        calls = [json.loads(line) for line in log.read_text().splitlines()]
        check_books(shell, server, {"done": share * PROCESSES})
    calls = calls[: share * PROCESSES]  # then came the auditor's
    assert max(call["live"] for call in calls) == most
    starts = [row["sent_ms"] for row in read_ledger(shell.home).attempts]
    assert min(later - earlier for earlier, later in pairwise(starts)) >= interval_ms
    # As the server saw it: one call may have been long on its way, but not all of them.
    span_ms = (calls[-1]["at_ns"] - calls[0]["at_ns"]) / 1e6
    assert span_ms >= (len(calls) - 1) * interval_ms / 2


@contextmanager
def watched_sandbox(shell: Shell, folder: Path) -> Iterator[tuple[SandboxServer, Path]]:
    """A sandbox server, and the log of how many calls it had at once."""
    log, book = folder / "calls.jsonl", folder / "book.jsonl"
    words = [str(log), "--port", "0", "--format", "json", "--book", str(book)]
    process = start([sys.executable, "-m", "tests.crash.watched", *words], shell, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield SandboxServer(json.loads(process.stdout.readline())["url"], "", book), log
    finally:
        process.terminate()
        finish(process)
