"""TAB: what bash is given by its own machinery, what zsh and fish are by theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pisang.cli import shells
from pisang.cli.callers import ASKED
from pisang.cli.candidates import models, ratios, sizes, upstreams
from pisang.cli.commands import COMMANDS
from tests.cli.conftest import Pisang

BASH = shutil.which("bash")


@pytest.fixture
def program(environ: dict[str, str], tmp_path: Path) -> Path:
    """A folder with a `pisang` to be found by a shell."""
    place = tmp_path / "bin"
    place.mkdir()
    pisang = place / "pisang"
    pisang.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pisang "$@"\n')
    pisang.chmod(0o755)
    return place


@pytest.fixture
def tab(program: Path, environ: dict[str, str]):
    """What bash offers for a line, through the script that it was given."""
    if BASH is None:
        pytest.skip("bash is not installed: its completion was not tried")

    def offer(line: str) -> list[str]:
        script = (
            f"{shells.script('bash')}\n"
            "COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'\n"
            "_pisang_completion pisang\n"
            "printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        done = subprocess.run(
            [BASH, "--norc", "-c", script, "bash", line],
            capture_output=True,
            text=True,
            env={**environ, "PATH": f"{program}:{os.environ['PATH']}"},
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.split("\n")[:-1]

    return offer


def test_bash_completes_commands_and_those_below(tab) -> None:
    assert tab("pisang ") == list(COMMANDS)
    assert tab("pisang upstream te") == ["test"]


def test_bash_completes_options_and_their_values(tab) -> None:
    assert tab("pisang generate x --image-s") == ["--image-size"]
    assert tab("pisang generate x --format ") == ["human", "json", "quiet"]


def test_bash_cuts_words_at_colons_and_is_given_what_comes_behind(tab) -> None:
    assert tab("pisang generate 一只猫 -r 16:") == ["9"]
    assert tab('pisang generate "一只 猫" --aspect-ratio=21:') == ["9"]


def test_bash_is_left_to_complete_files(tab) -> None:
    assert tab("pisang generate x --out ") == [""]
    assert tab("pisang nonsense x") == [""]


def test_recent_requests_are_offered(tab, pisang: Pisang) -> None:
    made = pisang("generate", "a lake", "--via", "sandbox", "-s", "512", "--format", "json").json
    assert tab("pisang show ") == ["last", made["request_id"]]
    assert tab(f"pisang show {made['request_id'][:12]}") == [made["request_id"]]


def test_a_home_without_a_ledger_is_offered_as_little_and_stays_so(tab, home: Path) -> None:
    assert tab("pisang show ") == ["last"]
    assert not home.exists()


def test_every_script_asks_by_the_one_variable(pisang: Pisang) -> None:
    for shell in ("bash", "zsh", "fish"):
        said = pisang("completion", shell)
        assert said.code == 0
        assert f"{ASKED}=complete_{shell}" in said.out
        assert said.out == pisang("completion", shell, "--format", "quiet").out


def answered(environ: dict[str, str], **asked: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pisang"],
        capture_output=True,
        text=True,
        env={**environ, **asked},
        timeout=60,
        check=False,
    )


def test_zsh_is_answered_by_its_protocol(environ: dict[str, str]) -> None:
    asked = {ASKED: "complete_zsh", "_TYPER_COMPLETE_ARGS": "pisang upstream "}
    said = answered(environ, **asked)
    assert said.stdout.startswith('_arguments \'*: :(("add"')
    assert '"test"' in said.stdout


def test_fish_is_answered_by_its_protocol(environ: dict[str, str]) -> None:
    asked = {ASKED: "complete_fish", "_TYPER_COMPLETE_ARGS": "pisang generate --form"}
    said = answered(environ, **asked, _TYPER_COMPLETE_FISH_ACTION="get-args")
    assert said.stdout.split() == ["--format"]
    assert answered(environ, **asked, _TYPER_COMPLETE_FISH_ACTION="is-args").returncode == 0
    asked["_TYPER_COMPLETE_ARGS"] = "pisang generate x --out "
    assert answered(environ, **asked, _TYPER_COMPLETE_FISH_ACTION="is-args").returncode == 1


@pytest.mark.parametrize("instruction", ["complete_tcsh", "complete", "nonsense"])
def test_a_shell_that_is_not_known_gets_no_traceback(
    environ: dict[str, str], instruction: str
) -> None:
    said = answered(environ, **{ASKED: instruction})
    assert said.returncode in (0, 1)
    assert "Traceback" not in said.stderr
    assert said.stdout == ""


def test_values_are_those_of_the_settings_and_the_catalogue(environ: dict[str, str]) -> None:
    assert "google" in upstreams("")
    assert upstreams("cr") == ["crawl"]
    assert "gemini-3-pro-image" in models("gemini-3-p")
    assert ratios("21") == ["21:9"]
    assert sizes("2k") == ["2K"]


def test_configured_upstreams_are_offered_and_broken_settings_say_nothing(
    environ: dict[str, str], home: Path
) -> None:
    home.mkdir()
    config = home / "config.toml"
    config.write_text('[upstreams.studio-relay]\nwire = "gemini"\n')
    assert upstreams("stu") == ["studio-relay"]
    config.write_text("this is no TOML")
    assert upstreams("stu") == []
    assert upstreams("goo") == ["google"]
