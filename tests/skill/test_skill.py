"""The skill: valid, true of what is installed, and every command in it runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pisang.cli.skill.places import AGENTS
from pisang.cli.skill.text import skill_files
from pisang.domain.catalogue import load
from tests.cli.conftest import Pisang
from tools.sources import ROOT
from tools.stage import KEY, Stage, sandbox_server

KEYS = ("IKUN_API_KEY", "PISANG_CRAWL_AK")
FILES = skill_files()
_ROW = re.compile(r"^\| (?P<said>[^|]+) \| `(?P<command>[^`]+)` \|$", re.M)
REQUESTS = [(row["said"], row["command"]) for row in _ROW.finditer(FILES["references/requests.md"])]


def command_lines(text: str) -> list[str]:
    """The lines of the text's console blocks."""
    found = re.findall(r"^```bash\n(.*?)^```$", text, re.M | re.S)
    return [line for block in found for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A user's folder with the files that he names, the sandbox behind every upstream."""
    root = tmp_path_factory.mktemp("skill")
    with sandbox_server(root) as url:
        stage = Stage(root / "stage", url)
        stage.environ |= dict.fromkeys(KEYS, KEY)
        stage.environ["PISANG_UPSTREAM"] = "ikuncode"
        for line in ("upstream add ikuncode", "upstream price ikuncode --size 1K 0.15USD"):
            said = stage.run(f"pisang {line}")
            assert said.code == 0, said.text
        for name in ("photo.jpg", "logo.png"):
            said = stage.run(f"pisang generate {name} --via sandbox -s 1K -o {name}")
            assert said.code == 0, said.text
        yield stage
        stage.close()


def run(stage: Stage, line: str) -> tuple[int, str]:
    """Run a command as an agent's shell would; variables before it are set for it alone."""
    words = shlex.split(line)
    assigned = [word for word in words if re.match(r"PISANG_\w+=", word)]
    said = stage.piped(line) if assigned or "--detach" in words else stage.run(line)
    return said.code, said.text


def test_every_command_of_the_skill_runs(stage: Stage) -> None:
    lines = command_lines(FILES["SKILL.md"])
    assert len(lines) >= 8
    for line in lines:
        code, said = run(stage, line)
        assert code == 0, (line, code, said)


def test_there_are_thirty_requests_in_both_languages() -> None:
    assert len(REQUESTS) == 30
    chinese = [said for said, _ in REQUESTS if re.search("[\u4e00-\u9fff]", said)]
    assert len(chinese) >= 10 and len(REQUESTS) - len(chinese) >= 10


@pytest.mark.parametrize(("said", "command"), REQUESTS, ids=[said for said, _ in REQUESTS])
def test_what_a_user_says_leads_to_a_command_that_runs(
    said: str, command: str, stage: Stage
) -> None:
    code, told = run(stage, command)
    assert code == 0, (said, code, told)


def test_what_is_said_of_shapes_is_what_the_request_asks_for(stage: Stage) -> None:
    by_words = {
        "横屏": "16:9", "竖屏": "9:16", "16:9": "16:9", "square": "1:1", "wide banner": "21:9",
    }  # fmt: skip
    for said, command in REQUESTS:
        for word, ratio in by_words.items():
            if word in said:
                assert f"--aspect-ratio {ratio}" in command, said


def test_the_reference_validator_takes_it(tmp_path: Path, pisang: Pisang) -> None:
    assert pisang("skill", "install", "--path", str(tmp_path)).code == 0
    validator = Path(sys.executable).with_name("agentskills")
    done = subprocess.run(
        [validator, "validate", str(tmp_path / "pisang")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["pisang", "ikunimage"])
def test_the_rules_of_the_specification_hold(name: str) -> None:
    """agentskills.io/specification (2026-07): names, lengths, levels."""
    files = skill_files(name)
    head, _, body = files["SKILL.md"].removeprefix("---\n").partition("\n---\n")
    assert f"name: {name}\n" in head
    description = " ".join(re.findall(r"^  (\S.*)$", head.partition("license:")[0], re.M))
    assert 1 <= len(description) <= 1024
    assert "Use when" in description and "时使用" in description
    assert len(files["SKILL.md"].splitlines()) < 500
    assert "{{" not in "".join(files.values())
    named = set(re.findall(r"\b((?:references|scripts)/[\w.]+\w)", body))
    assert named == set(files) - {"SKILL.md"}
    assert all(path.count("/") <= 1 for path in files)


def test_it_says_what_the_catalogue_says() -> None:
    models = FILES["references/models.md"]
    for model in load().models:
        assert f"`{model.id}`" in models
        assert all(size in models for size in model.sizes)


def test_it_names_every_exit_code_of_the_readme() -> None:
    told = set(re.findall(r"^\| (\d+) \|", FILES["SKILL.md"], re.M))
    readme = (ROOT / "README.md").read_text("utf-8")
    assert told == set(re.findall(r"\| (\d+) \|", readme.partition("| code | meaning |")[2]))


def test_it_goes_where_agents_look(
    pisang: Pisang, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    everywhere = pisang("skill", "install", "--format", "json")
    assert everywhere.json["installed"] == [
        {"path": str(tmp_path / "user" / ".agents" / "skills" / "pisang"), "before": None}
    ]
    here = pisang("skill", "install", "--claude", "--codex", "--project", "--format", "json")
    assert [one["path"] for one in here.json["installed"]] == [
        str(folder / AGENTS[agent] / "skills" / "pisang") for agent in ("claude", "codex")
    ]
    both = pisang("skill", "install", "--claude", "--path", "x")
    assert both.code == 2 and "--claude is given too" in both.err


def test_a_skill_of_ours_is_renewed_and_another_s_is_left_alone(
    pisang: Pisang, tmp_path: Path
) -> None:
    words = ("skill", "install", "--path", str(tmp_path))
    assert pisang(*words).code == pisang(*words).code == 0
    own = tmp_path / "pisang" / "SKILL.md"
    own.write_text("---\nname: pisang\n---\nmine")
    refused = pisang(*words)
    assert refused.code == 2 and own.read_text().endswith("mine")
    forced = pisang(*words, "--force", "--format", "json")
    before = Path(forced.json["installed"][0]["before"])
    assert (before / "SKILL.md").read_text().endswith("mine")
    assert "generated-by" in own.read_text()


def test_ikunimage_s_name_is_taken_over_with_a_word_about_it(
    pisang: Pisang, tmp_path: Path
) -> None:
    theirs = tmp_path / "ikunimage"
    (theirs / "scripts").mkdir(parents=True)
    (theirs / "SKILL.md").write_text("---\nname: ikunimage\n---\ntheirs")
    taken = pisang("skill", "install", "--path", str(tmp_path), "--as", "ikunimage")
    assert taken.code == 0 and "takes it back" in taken.err + taken.out
    assert "name: ikunimage\n" in (theirs / "SKILL.md").read_text()
    (before,) = tmp_path.glob("ikunimage.before-*")
    assert (before / "scripts").is_dir()


@pytest.mark.parametrize("name", ["Pisang", "a--b", "-a", "claude-images", "x" * 65, "../x"])
def test_a_name_that_no_agent_takes_is_refused(name: str, pisang: Pisang, tmp_path: Path) -> None:
    skills = tmp_path / "skills"
    refused = pisang("skill", "install", "--path", str(skills), f"--as={name}")
    assert refused.code == 2 and not skills.exists()


def test_an_agent_is_given_a_preview_and_a_person_is_not(pisang: Pisang) -> None:
    words = ("generate", "a heron", "--via", "sandbox", "-s", "4K", "--format", "json")
    person, agent = pisang(*words), pisang(*words, CLAUDECODE="1")
    assert "preview" not in person.json["images"][0]
    path = Path(agent.json["images"][0]["preview"])
    assert path.read_bytes()[:3] == b"\xff\xd8\xff" and path.stat().st_size <= 200_000
    said = pisang("generate", "a heron", "--via", "sandbox", CLAUDECODE="1")
    assert "preview: " in said.out + said.err


def test_the_script_runs_through_uv_where_nothing_is_installed(tmp_path: Path) -> None:
    uv = shutil.which(
        "uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    )
    assert uv is not None
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    script = tmp_path / "pisang_run.py"
    script.write_text(FILES["scripts/pisang_run.py"])
    words = ["generate", "a kite", "--via", "sandbox", "-s", "512", "--format", "json"]
    done = subprocess.run(
        [uv, "run", "--no-project", "--find-links", str(tmp_path), "--python", sys.executable,
         str(script), *words],
        cwd=tmp_path, capture_output=True, text=True, timeout=240,
        env={**os.environ, "PISANG_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-800:]
    assert Path(json.loads(done.stdout)["images"][0]["path"]).is_file()
