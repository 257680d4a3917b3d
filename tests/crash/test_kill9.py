"""Real `kill -9` of `pisang generate`, at every moment of its life, against a real upstream.

Wishes are asked of a `pisang sandbox` server over HTTP, a few side by side on one home. Each is
killed at a drawn moment; now and then its user asks again with the same idempotency key, and is
killed again. Every process recovers what the ones before it left, so kills fall into recovery too.
Then one ordinary command, and the audit against the server's book.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock

import pytest

from pisang.sandbox.pytest_plugin import SandboxServer
from tests.crash.audit import Ledger, audit, hash_of, painter
from tests.crash.shell import Said, Shell, finish, wait_until

pytestmark = pytest.mark.crash

KILLS = 2_000 if os.environ.get("PISANG_CRASH") == "long" else 100
LANES = 3
"""Wishes side by side."""

MANNERS = {
    "": 0.0,
    "[[sandbox delay=0.3]]": 0.3,
    "[[sandbox drip=0.6]]": 0.6,
    "[[sandbox drip=0.5 signature=600000]]": 0.5,
    "[[sandbox cut=0.8 drip=0.2]]": 0.2,
    "[[sandbox drip=0.3 drafts=1]]": 0.3,
    "[[sandbox finish=IMAGE_SAFETY]]": 0.0,
}
"""How the upstream answers, and by how many seconds that makes a life longer."""


SHARES = ((0.0, 1.1), (0.7, 1.1))
"""The shares of a life within which a kill is drawn: all of it, or its end, where most happens.
Who outlives his own shows how long a life is by now."""


@dataclass
class Ring:
    """Wishes in lanes on one home, and what became of the processes that asked them."""

    shell: Shell
    seed: int
    kills: int = 0
    killed: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    codes: Counter[int] = field(default_factory=Counter)
    life_s: float = 0.0
    lock: Lock = field(default_factory=Lock)

    def measure(self) -> None:
        """How long a whole life takes here, with as many side by side as there will be."""
        with ThreadPoolExecutor(LANES) as lanes:
            list(lanes.map(lambda number: self.ask(f"a whole life {number}"), range(LANES)))

    def run(self, kills: int) -> None:
        """Until so many processes were killed before their end."""
        self.measure()
        wishes = count()

        def lane(number: int) -> None:
            dice = random.Random(f"{self.seed} {number}")
            while self.kills < kills:
                manner = dice.choice(list(MANNERS))
                prompt = f"a kite over hill {next(wishes)} {manner}".strip()
                share = dice.uniform(*dice.choice(SHARES))
                while self.ask(prompt, share) and dice.random() < 0.4:
                    share = dice.uniform(*dice.choice(SHARES))  # its user asks again

        with ThreadPoolExecutor(LANES) as lanes:
            list(lanes.map(lane, range(LANES)))

    def ask(self, prompt: str, share: float | None = None) -> bool:
        """Ask once, and kill the process after that share of a life; whether it was there to kill.

        Who lives and buys shows how long a life is by now: other work on the machine changes it.
        """
        stretch_s = MANNERS.get(manner_of(prompt), 0.0)
        words = ("generate", prompt, "--idempotency-key", hash_of(prompt.encode()))
        began = time.monotonic()
        process = self.shell.start(*words, "--format", "json")
        if share is not None:
            kill_after(process, share * (self.life_s + stretch_s), signal.SIGKILL)
        said = finish(process)
        if said.code == 0 and "replayed" not in said.out:
            self.life_s = time.monotonic() - began - stretch_s
        return self.note(prompt, said)

    def note(self, prompt: str, said: Said) -> bool:
        """What a process said before its end counts, killed or not; whether it was killed."""
        assert "Traceback" not in said.err or said.code < 0, said.err
        with self.lock:
            self.acknowledged.update(said.images)
            self.codes[said.code] += 1
            if said.code < 0:
                self.kills += 1
                self.killed.add(prompt)
        return said.code < 0


def manner_of(prompt: str) -> str:
    """The directive in a prompt."""
    _, bracket, rest = prompt.partition("[[")
    return bracket + rest


def kill_after(process: subprocess.Popen[str], life_s: float, kill_with: signal.Signals) -> None:
    """Send the signal when that time is over, unless the process ends before."""
    try:
        process.wait(life_s)
    except subprocess.TimeoutExpired:
        process.send_signal(kill_with)


@pytest.fixture
def shell(tmp_path: Path, pisang_sandbox: SandboxServer) -> Shell:
    shell = Shell(tmp_path / "home", tmp_path / "here")
    shell.add_upstream(pisang_sandbox)
    return shell


def recover_and_audit(ring: Ring, server: SandboxServer) -> Ledger:
    """Any command recovers; then everything must be as it must be, also for who looks for it."""
    listed = {one["id"] for one in ring.shell.data("unknown", "list")["unknown"]}
    ledger = audit(ring.shell.home, server.book, ring.acknowledged, painter(server.base_url))
    assert listed == {row["id"] for row in ledger.attempts if row["state"] == "unknown"}
    for path in (ring.shell.folder / "pisang-out").glob("*.jpg"):
        whole = path.read_bytes()
        assert any(len(whole) == row["bytes"] for row in ledger.images), f"{path} is half written"
    return ledger


def test_a_hundred_kills_lose_nothing_and_buy_nothing_twice(
    shell: Shell, pisang_sandbox: SandboxServer
) -> None:
    ring = Ring(shell, seed=random.randrange(1 << 32))
    print(f"seed {ring.seed}")
    ring.run(KILLS)
    ledger = recover_and_audit(ring, pisang_sandbox)
    print(f"{ring.kills} kills; exit codes {dict(ring.codes)}; attempts {dict(ledger.states)}")
    # The kills fell before the claim, while the answer was awaited, and after it had come.
    ends = {row["prompt"]: row["state"] for row in ledger.attempts}
    fell = Counter(ends.get(prompt, "unclaimed") for prompt in ring.killed)
    assert min(fell["unclaimed"], fell["unknown"], fell["done"]) > 0, fell
    check_that_asking_again_buys_nothing_that_is_unknown(ring, ledger, pisang_sandbox)


def check_that_asking_again_buys_nothing_that_is_unknown(
    ring: Ring, ledger: Ledger, server: SandboxServer
) -> None:
    """The user of a killed call sends the same again: told, or given what was bought, not sold."""
    charged = len(server.book)
    for state, code in (("done", 0), ("unknown", 7)):
        row = next(row for row in ledger.attempts if row["request_state"] == state)
        words = ("--idempotency-key", row["idempotency_key"], "--format", "json")
        said = ring.shell.run("generate", row["prompt"], *words)
        assert said.code == code, said.err
    assert len(server.book) == charged


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_end_is_recovered_like_a_killed_one(
    shell: Shell, pisang_sandbox: SandboxServer, ending: signal.Signals
) -> None:
    words = ("generate", "a lamp [[sandbox delay=4]]", "--format", "json")
    process = shell.start(*words, preexec_fn=heed_interrupts)
    wait_until(lambda: len(pisang_sandbox.book) == 1)
    process.send_signal(ending)
    assert finish(process).code != 0
    ring = Ring(shell, seed=0)
    assert recover_and_audit(ring, pisang_sandbox).states == {"unknown": 1}


def test_a_stopped_process_is_nobodys_to_recover_and_goes_on(
    shell: Shell, pisang_sandbox: SandboxServer
) -> None:
    ring = Ring(shell, seed=0)
    ring.measure()
    for number, share in enumerate((0.4, 0.6, 0.8, 1.0, 1.2)):
        prompt = f"a boat {number} [[sandbox drip=0.5]]"
        process = shell.start("generate", prompt, "--format", "json")
        kill_after(process, share * ring.life_s, signal.SIGSTOP)
        # Another command meanwhile; it may have to wait for a lock that the stopped one holds.
        other = shell.start("unknown", "list", "--format", "json")
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        assert finish(other).json == {"unknown": []}
        assert not ring.note(prompt, finish(process))
    assert ring.codes == {0: LANES + 5}
    assert recover_and_audit(ring, pisang_sandbox).states == {"done": LANES + 5}


def heed_interrupts() -> None:
    """In the child: Ctrl-C ends it, also where the test run itself was started to ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
