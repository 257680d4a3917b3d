"""The files in `deploy/` say what the program does: options, times, ports, and what systemd hears.

The proxies' configurations are run in `test_proxies.py`. There is no container engine here: of the
container file only what it runs is looked at.
"""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pisang.domain.catalogue import load
from tests.docs.parsing import unknown_word
from tests.gateway.conftest import ROOT, environ

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


def directives(unit: Path) -> list[tuple[str, str]]:
    lines = [line for line in unit.read_text().splitlines() if re.match(r"[A-Z]\w+=", line)]
    return [(line.partition("=")[0], line.partition("=")[2]) for line in lines]


def words_of(unit: Path) -> list[list[str]]:
    """What a unit runs, without the path of the program."""
    told = [shlex.split(value) for name, value in directives(unit) if name == "ExecStart"]
    return [words[1:] for words in told]


def container_words() -> list[str]:
    text = (DEPLOY / "Containerfile").read_text()
    return re.findall(r'"([^"]+)"', text[text.index("\nCMD") :])


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_a_unit_runs_is_understood(unit: Path) -> None:
    for words in words_of(unit):
        assert unknown_word(shlex.join(["pisang", *words])) is None


def test_what_the_container_runs_is_understood() -> None:
    assert unknown_word(shlex.join(["pisang", *container_words()])) is None


def test_nobody_is_cut_off_before_what_was_sent_can_have_ended() -> None:
    longest_s = max(load().time_limits.values())
    unit = dict(directives(DEPLOY / "pisang@.service"))
    (words,) = words_of(DEPLOY / "pisang@.service")
    stop_s = float(option(words, "--stop-timeout"))
    assert longest_s < stop_s < float(unit["TimeoutStopSec"])
    assert float(option(container_words(), "--stop-timeout")) == stop_s
    grace = re.search(r"stop_grace_period: (\d+)m", (DEPLOY / "compose.yaml").read_text())
    assert grace is not None
    assert int(grace[1]) * 60 > stop_s
    assert "STOPSIGNAL SIGTERM" in (DEPLOY / "Containerfile").read_text()
    assert unit["KillSignal"] == "SIGTERM"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("NOT RUN: systemd-analyze is not installed")
    program = shutil.which("true")
    assert program is not None
    for path in (*UNITS, *DEPLOY.glob("*.timer")):
        text = path.read_text().replace("/opt/pisang/bin/pisang", program)
        (tmp_path / path.name.replace("@.", "@8787.")).write_text(text)
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        [analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "pisang" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_service_manager_hears_when_it_is_ready_and_when_it_stops(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(60)
        running = subprocess.Popen(
            [sys.executable, "-m", "pisang", "serve", "--port", "0", "--format", "quiet"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environ(tmp_path / "home"), "NOTIFY_SOCKET": str(address)},
        )
        try:
            assert manager.recv(100) == b"READY=1"
            assert running.stdout is not None
            host, port = running.stdout.readline().strip().removeprefix("http://").split(":")
            socket.create_connection((host, int(port)), 10).close()
            running.send_signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
        finally:
            running.terminate()
            running.communicate(timeout=60)
    assert running.returncode == 0
