"""Disks that are full, read-only, failing or not ours: one clear sentence, and nothing is lost.

The answer of a paid call needs room, so three times the worst of it must be free before anything
is sent. A disk that fills up, or fails, after that costs nobody an image.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pisang.sandbox.pytest_plugin import SandboxServer
from tests.crash.audit import audit, painter
from tests.crash.disks import need_mounts, remount, tmpfs
from tests.crash.faults import Fault, need_strace, strike
from tests.crash.shell import Said, Shell, finish, start, wait_until

pytestmark = pytest.mark.crash

SET_UP = 3
"""The exit code for what must be set right first."""

UNKNOWN = 7

ROOM_MB = 256
"""A disk with little more than the room that is wanted before paying."""

JSON = ("--format", "json")


@pytest.fixture
def small(tmp_path: Path, pisang_sandbox: SandboxServer) -> Iterator[Shell]:
    """A home on a small disk of its own, with an upstream."""
    need_mounts()
    with tmpfs(tmp_path / "disk", ROOM_MB) as disk:
        shell = Shell(disk / "home", tmp_path / "here")
        shell.add_upstream(pisang_sandbox)
        yield shell


@contextmanager
def filled(disk: Path, leave_mb: int = 0) -> Iterator[None]:
    """The disk has so much room left, for a while."""
    filler = disk / "filler"
    room = shutil.disk_usage(disk).free - leave_mb * 1024 * 1024
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room)
    yield
    filler.unlink()


def says_one_sentence(said: Said, code: int, *words: str) -> bool:
    """Whether it ended so, saying that, on one line and without a traceback."""
    lines = [line for line in said.err.splitlines() if not line.startswith(("Next", "At stake"))]
    assert said.code == code, said.err
    assert len(lines) == 1 and lines[0].startswith("error: "), said.err
    assert all(word in lines[0] for word in words), said.err
    return True


# --- a full disk ---------------------------------------------------------------------------------


def test_too_little_room_is_said_before_anything_is_paid(
    small: Shell, pisang_sandbox: SandboxServer
) -> None:
    with filled(small.home.parent, leave_mb=100):
        said = small.run("generate", "a kite", *JSON)
        assert says_one_sentence(said, SET_UP, "free", "nothing was sent")
        assert said.json["error"]["charged"] == "no"
        rows = small.data("history")["requests"]
        assert [(row["prompt"], row["state"]) for row in rows] == [("a kite", "failed")]
    assert pisang_sandbox.book == ()
    assert len(small.run("generate", "a kite", *JSON).images) == 1  # there is room again


def test_a_disk_without_a_single_byte_left_is_read_and_cleared(
    small: Shell, pisang_sandbox: SandboxServer
) -> None:
    kept = small.run("generate", "a kite", *JSON).images
    with filled(small.home.parent):
        assert says_one_sentence(small.run("generate", "a boat"), SET_UP)
        assert [row["prompt"] for row in small.data("history")["requests"]] == ["a kite"]
        assert small.data("unknown", "list") == {"unknown": []}
        assert small.run("gc", "--dry-run").code == 0
    assert small.run("gc").code == 0
    assert len(pisang_sandbox.book) == 1
    check(small, pisang_sandbox, kept, {"done": 1})


def test_a_disk_that_fills_up_under_an_answer_leaves_it_unknown(
    small: Shell, pisang_sandbox: SandboxServer
) -> None:
    process = small.start("generate", "a kite [[sandbox delay=1.5]]", *JSON)
    wait_until(lambda: len(pisang_sandbox.book) == 1)
    with filled(small.home.parent):
        said = finish(process)
        assert says_one_sentence(said, UNKNOWN, "filled up", "may have been charged")
        error = said.json["error"]
        assert (error["charged"], error["at_stake"]) == ("unknown", "0.045 USD")
        assert error["request_id"]
    check(small, pisang_sandbox, [], {"unknown": 1})


def check(
    shell: Shell, server: SandboxServer, acknowledged: list[str], states: dict[str, int]
) -> None:
    """Any command recovers, and the audit holds."""
    shell.data("unknown", "list")
    ledger = audit(shell.home, server.book, acknowledged, painter(server.base_url))
    assert ledger.states == states


# --- a failing disk ------------------------------------------------------------------------------


def test_after_a_failed_fsync_nothing_is_bought_until_doctor_has_looked(
    tmp_path: Path, pisang_sandbox: SandboxServer
) -> None:
    need_strace()
    shell = Shell(tmp_path / "home", tmp_path / "here")
    shell.add_upstream(pisang_sandbox)
    shell.data("history")  # makes the ledger, so that the first sync is the answer's
    fault = Fault("fsync", "EIO", 1)
    words = ("generate", "a kite", *JSON)
    struck = strike(shell, fault.calls, fault, words, tmp_path / "trace")
    assert says_one_sentence(struck.said, UNKNOWN, "nothing more is bought until `pisang doctor`")
    assert len(pisang_sandbox.book) == 1
    assert says_one_sentence(shell.run("generate", "a boat"), SET_UP, "`pisang doctor`")
    assert len(pisang_sandbox.book) == 1
    assert shell.run("doctor").code == 0
    bought = shell.run("generate", "a hill", *JSON)
    check(shell, pisang_sandbox, bought.images, {"done": 2, "failed": 1})


# --- a home that is none -------------------------------------------------------------------------

COMMANDS = (
    ("generate", "a kite", "--via", "sandbox"),
    ("history",),
    ("unknown", "list"),
    ("gc",),
)


def is_a_file(home: Path) -> None:
    home.write_text("not a folder")


def is_in_a_file(home: Path) -> None:
    home.parent.rmdir()
    home.parent.write_text("not a folder")


def has_a_ledger_of_another_program(home: Path) -> None:
    home.mkdir()
    (home / "ledger.db").write_text("Dear diary, today I wrote no database.\n" * 100)


def has_a_folder_for_a_ledger(home: Path) -> None:
    (home / "ledger.db").mkdir(parents=True)


@pytest.mark.parametrize(
    "spoil", [is_a_file, is_in_a_file, has_a_ledger_of_another_program, has_a_folder_for_a_ledger]
)
def test_a_home_that_is_none_is_said_in_one_sentence(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    (tmp_path / "place").mkdir()
    shell = Shell(tmp_path / "place" / "home", tmp_path / "here")
    spoil(shell.home)
    for words in COMMANDS:
        assert says_one_sentence(shell.run(*words), SET_UP, str(tmp_path / "place"))


def test_a_read_only_disk_is_said_in_one_sentence(small: Shell) -> None:
    disk = small.home.parent
    small.run("generate", "a kite")
    remount(disk, read_only=True)
    try:
        for words in COMMANDS:
            assert says_one_sentence(small.run(*words), SET_UP, "read-only")
        empty = Shell(disk / "nowhere", small.folder)
        assert says_one_sentence(empty.run("history"), SET_UP, "read-only")
    finally:
        remount(disk, read_only=False)
    assert small.run("history").code == 0


RIGHTS = "-dac_override,-dac_read_search,-fowner"
"""What lets root read and write whatever he likes."""


@pytest.fixture
def bound() -> tuple[str, ...]:
    """How a command is run by somebody whom rights bind: as it is, or by a root without his."""
    if os.geteuid() != 0:
        return ()
    words = ("setpriv", f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}")
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"]).returncode != 0:
        pytest.skip("root's rights can't be taken away here: it needs setpriv")
    return words


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_home_without_rights_is_said_in_one_sentence(
    tmp_path: Path, bound: tuple[str, ...], mode: int
) -> None:
    shell = Shell(tmp_path / "home", tmp_path / "here")
    shell.folder.mkdir()
    shell.home.mkdir()
    shell.home.chmod(mode)
    for words in COMMANDS:
        said = finish(start([*bound, sys.executable, "-m", "pisang", *words], shell))
        assert says_one_sentence(said, SET_UP, str(shell.home))
    shell.home.chmod(0o755)
