"""The keeper: whoever ends the command line, what is paid for is finished, kept and given."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pisang.cli.watching import PATIENCE_S, patience_of
from tests.cli.conftest import Said, Server

GENERATE = ("generate", "--via", "local", "--format", "json")


@dataclass(frozen=True)
class Shell:
    """A user's shell: a folder, an environment, commands in processes of their own."""

    folder: Path
    environ: Mapping[str, str]
    server: Server
    charged_before: int

    def start(self, *words: str, **more: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pisang", *words],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,  # type: ignore[call-overload]
        )

    def run(self, *words: str) -> Said:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return Said(process.returncode, out, err)

    @property
    def bought(self) -> int:
        """How many pictures the upstream charged for since this shell was opened."""
        return len(self.server.charges) - self.charged_before

    def until_sent(self, word: str) -> str:
        """The id of the request with that word in its prompt, once it is under way."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            said = self.run("history", word, "--format", "json")
            found = said.json["requests"]
            if found and found[0]["state"] == "sent":
                return found[0]["id"]
        raise AssertionError(f"{word} was never sent")


@pytest.fixture
def shell(local: Server, environ: dict[str, str], folder: Path) -> Shell:
    whole = {**os.environ, **environ}
    whole.pop("PISANG_KEEPER", None)
    return Shell(folder, whole, local, len(local.charges))


def keeper_of(name: str) -> int:
    """The pid of the keeper of the command with that word in its arguments: a session's own."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name in words and "pisang" in words and parent != os.getpid():
            return int(entry.name)
    raise AssertionError(f"nobody keeps {name}")


def kill_alone(process: subprocess.Popen[str]) -> None:
    process.kill()


def kill_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)


def hang_up(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("kill", [kill_alone, kill_group, hang_up])
def test_a_killed_caller_loses_nothing(
    shell: Shell, kill: Callable[[subprocess.Popen[str]], None]
) -> None:
    word = f"heron-{kill.__name__}"
    asked = shell.start(
        *GENERATE, f"{word} [[sandbox delay=8]]", "-o", "heron.jpg", start_new_session=True
    )
    request_id = shell.until_sent(word)
    kill(asked)
    asked.communicate(timeout=30)
    assert asked.returncode < 0
    waited = shell.run("wait", request_id, "--format", "json")
    assert waited.code == 0, waited.err
    assert waited.json["images"][0]["path"] == str(shell.folder / "heron.jpg")
    assert (shell.folder / "heron.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert shell.bought == 1


def test_a_killed_keeper_leaves_an_unknown_with_what_is_at_stake(shell: Shell) -> None:
    asked = shell.start(*GENERATE, "bittern [[sandbox delay=30]]", "-o", "bittern.jpg")
    request_id = shell.until_sent("bittern")
    os.kill(keeper_of("bittern.jpg"), signal.SIGKILL)
    out, err = asked.communicate(timeout=30)
    assert asked.returncode == 7, err
    error = json.loads(out)["error"]
    assert (error["code"], error["request_id"]) == ("outcome_unknown", request_id)
    assert error["at_stake"] == "0.067 USD"
    look = error["hint"].split()[1:]
    looked = shell.run(*look, "--format", "json")
    assert (looked.code, looked.json["at_stake"]) == (0, "0.067 USD")
    assert not (shell.folder / "bittern.jpg").exists()


def test_a_keeper_killed_before_anything_was_written_down_cost_nothing(shell: Shell) -> None:
    script = (
        "import os, pisang.cli.keeper as keeper\n"
        "from pisang.cli.entry import main\n"
        "keeper.perform = lambda *_: os.kill(os.getpid(), 9)\n"
        "main(['generate', 'egret', '--via', 'local'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=shell.folder,
        env=shell.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert "before anything was sent" in done.stderr
    assert shell.bought == 0


def test_detached_it_returns_at_once_and_is_waited_for(shell: Shell) -> None:
    left = shell.run(*GENERATE, "stork [[sandbox delay=2]]", "-o", "stork.png", "--detach")
    assert left.code == 0, left.err
    assert left.json["next"] == f"pisang wait {left.json['request_id']}"
    assert not (shell.folder / "stork.png").exists()
    waited = shell.run(*left.json["next"].split()[1:])
    assert waited.code == 0, waited.err
    assert str(shell.folder / "stork.png") in waited.out
    assert (shell.folder / "stork.png").read_bytes()[:4] == b"\x89PNG"
    assert shell.bought == 1


def test_the_keeper_holds_no_pipe_of_its_caller(shell: Shell) -> None:
    """An agent's shell reads until the pipes are closed, not until the command has ended."""
    left = shell.run(*GENERATE, "dunlin [[sandbox delay=40]]", "-o", "dunlin.png", "--detach")
    assert shell.run("wait", "--for", "0.1", "--format", "json").code == 9
    os.kill(keeper_of("dunlin.png"), signal.SIGKILL)
    assert shell.run("wait", left.json["request_id"]).code == 7


def test_a_caller_in_a_hurry_leaves_with_nine(shell: Shell) -> None:
    words = (*GENERATE, "crane [[sandbox delay=4]]", "--for", "500ms")
    assert shell.run(*words).code == 2
    left = shell.run(*words[:-1], "1s")
    assert (left.code, left.json["state"]) == (9, "sent")
    assert "error" not in left.err
    assert shell.run("wait", "--format", "quiet").code == 0
    assert shell.bought == 1


def test_waiting_twice_gives_the_same_and_buys_nothing(shell: Shell) -> None:
    made = shell.run(*GENERATE, "ibis", "-o", "ibis.jpg")
    assert made.code == 0, made.err
    again = shell.run("wait", "--format", "json")
    assert again.json["images"] == made.json["images"]
    (shell.folder / "ibis.jpg").unlink()
    home = shell.run("wait", "--format", "json")
    assert home.json["images"][0]["sha256"] == made.json["images"][0]["sha256"]
    assert Path(home.json["images"][0]["path"]).is_file()
    assert shell.bought == 1


def test_a_failure_is_told_by_the_keeper_as_it_would_be_without_one(shell: Shell) -> None:
    words = ("generate", "spoonbill [[sandbox finish=IMAGE_SAFETY]]", "--via", "local")
    told = shell.run(*words)
    assert told.code == 4
    assert "declined to make this picture" in told.err
    alone = shell.run(*words, "--format", "json")
    assert alone.json["error"]["code"] == "refused"


def test_files_a_dead_process_was_to_write_are_written_by_wait(shell: Shell) -> None:
    script = (
        "import os\n"
        "from pisang.client.async_client import AsyncClient\n"
        "from pisang.cli.entry import main\n"
        "async def die(self, result, delivery): os._exit(9)\n"
        "AsyncClient.deliver = die\n"
        "main(['generate', 'avocet', '--via', 'local', '-o', 'avocet.webp'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=shell.folder,
        env={**shell.environ, "PISANG_KEEPER": "off"},
        check=False,
        timeout=30,
    )
    assert done.returncode == 9
    assert not (shell.folder / "avocet.webp").exists()
    waited = shell.run("wait", "--format", "json")
    assert waited.code == 0, waited.err
    assert waited.json["images"][0]["mime"] == "image/webp"
    assert (shell.folder / "avocet.webp").read_bytes()[:4] == b"RIFF"
    assert shell.bought == 1


def test_a_killed_caller_who_asks_the_same_again_is_given_what_he_paid_for(shell: Shell) -> None:
    words = (*GENERATE, "whimbrel [[sandbox delay=3]]")
    asked = shell.start(*words)
    request_id = shell.until_sent("whimbrel")
    asked.kill()
    asked.communicate(timeout=30)
    again = shell.run(*words)
    assert (again.code, again.json["request_id"]) == (0, request_id), again.err
    assert "joined" in [warning["code"] for warning in again.json["warnings"]]
    assert len(list((shell.folder / "pisang-out").iterdir())) == 1
    assert shell.bought == 1
    another = shell.run(*words)  # he was told: the same words buy another picture now
    assert another.json["request_id"] != request_id
    assert shell.bought == 2


def test_a_killed_caller_who_named_the_file_is_led_to_what_was_written_there(shell: Shell) -> None:
    words = (*GENERATE, "dunlin [[sandbox delay=2]]", "--out", "dunlin.jpg")
    asked = shell.start(*words)
    request_id = shell.until_sent("dunlin")
    asked.kill()
    asked.communicate(timeout=30)
    assert shell.run("wait", request_id).code == 0
    again = shell.run(*words)
    assert (again.code, again.json["error"]["code"]) == (2, "output_exists"), again.err
    hint = again.json["error"]["hint"]
    assert hint == f"pisang wait {request_id}"
    had = shell.run(*hint.split()[1:], "--format", "json")
    assert had.json["images"][0]["path"] == str(shell.folder / "dunlin.jpg")
    other = shell.run(*GENERATE, "a dunlin at dusk", "--out", "dunlin.jpg")
    assert (other.code, other.json["error"]["hint"]) == (2, None)
    assert shell.bought == 1


def test_new_buys_another_whatever_came_before(shell: Shell) -> None:
    words = (*GENERATE, "knot [[sandbox delay=3]]")
    asked = shell.start(*words)
    shell.until_sent("knot")
    asked.kill()
    asked.communicate(timeout=30)
    assert shell.run(*words, "--new").code == 0
    assert shell.bought == 2


def test_a_detached_request_is_no_twin_of_the_next(shell: Shell) -> None:
    words = (*GENERATE, "ruff", "--detach")
    first, second = shell.run(*words), shell.run(*words)
    assert first.json["request_id"] != second.json["request_id"]
    for left in (first, second):
        assert shell.run("wait", left.json["request_id"]).code == 0
    assert shell.bought == 2


def test_an_unknown_outcome_that_was_told_does_not_stand_in_the_way(shell: Shell) -> None:
    words = (*GENERATE, "turnstone [[sandbox html=524]]")
    first, second = shell.run(*words), shell.run(*words)
    assert (first.code, second.code) == (7, 7)
    assert first.json["error"]["request_id"] != second.json["error"]["request_id"]


def test_waiting_for_nothing_says_so(shell: Shell) -> None:
    said = shell.run("wait")
    assert said.code == 2
    assert "There is no request" in said.err


# --- Ctrl-C --------------------------------------------------------------------------------------


class Terminal:
    """A command on a terminal of its own, to press keys at."""

    def __init__(self, shell: Shell, *words: str) -> None:
        self.shown = ""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(shell.folder)
            whole = {**shell.environ, "TERM": "xterm", "PISANG_PREVIEW": "off"}
            os.execve(sys.executable, [sys.executable, "-m", "pisang", *words], whole)

    def until(self, text: str) -> None:
        """Read until that is shown."""
        deadline = time.monotonic() + 30
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not self._read():
                raise AssertionError(self.shown)

    def interrupt(self) -> None:
        os.write(self._terminal, b"\x03")

    def end(self) -> int:
        """The exit code, everything read."""
        while self._read():
            pass
        _, status = os.waitpid(self._pid, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], 30)
        try:
            piece = os.read(self._terminal, 65536) if ready else b""
        except OSError:  # Linux's word for the end of a terminal
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)


@pytest.fixture
def terminal(shell: Shell) -> Iterator[Callable[..., Terminal]]:
    return lambda *words: Terminal(shell, *words)


def test_ctrl_c_says_what_is_at_stake_and_the_second_one_leaves(
    shell: Shell, terminal: Callable[..., Terminal]
) -> None:
    asked = terminal("generate", "curlew [[sandbox delay=5]]", "--via", "local", "-o", "c.jpg")
    request_id = shell.until_sent("curlew")
    asked.interrupt()
    asked.until("Ctrl-C again")
    assert "0.067 USD" in asked.shown
    asked.interrupt()
    assert asked.end() == 9, asked.shown
    assert f"pisang wait {request_id}" in asked.shown
    waited = shell.run("wait", request_id)
    assert waited.code == 0, waited.err
    assert (shell.folder / "c.jpg").exists()
    assert shell.bought == 1


def test_ctrl_c_stops_what_was_not_sent_yet(
    shell: Shell, home: Path, terminal: Callable[..., Terminal]
) -> None:
    config = home / "config.toml"
    limited = "[upstreams.local.limits]\nconcurrency = 1\n"
    config.write_text(f"{config.read_text()}{limited}")
    words = ("generate", "godwit [[sandbox delay=3]]", "--via", "local", "-n", "3", "-o", "g.jpg")
    asked = terminal(*words)
    shell.until_sent("godwit")
    asked.interrupt()
    assert asked.end() == 8, asked.shown
    assert "1 of 3 images came" in asked.shown
    assert shell.bought == 1


# --- how long ------------------------------------------------------------------------------------


def test_an_agent_waits_ninety_seconds_unless_it_says_otherwise() -> None:
    agent = {"CLAUDECODE": "1"}
    assert patience_of(None, agent, detach=False).for_s == PATIENCE_S
    assert patience_of(600.0, agent, detach=False).for_s == 600.0
