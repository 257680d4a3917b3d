"""The docs say what the code does: generated pages are fresh, examples run, nothing is left out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pisang.domain.version import VERSION
from pisang.errors import leaves
from tools import docs
from tools.sources import ROOT

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SDK_EXAMPLES = [
    code for language, code in FENCE.findall((ROOT / "docs/sdk.md").read_text("utf-8"))
    if language == "python"
]  # fmt: skip


@pytest.mark.parametrize("name", ["docs/errors.md", "docs/models.md", "docs/sandbox.md"])
def test_a_generated_page_is_what_the_code_gives(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == docs.PAGES[name](), "run: make fix"


def test_every_command_and_flag_stands_in_the_page_of_commands() -> None:
    page = (ROOT / "docs/commands.md").read_text("utf-8")
    told = docs.commands()
    missing = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", told)) - set(
        re.findall(r"(?<![\w-])--?[a-z][\w-]*", page)
    )
    assert not missing, "run: make fix"
    assert re.findall(r"^## .*", page, re.MULTILINE) == re.findall(r"^## .*", told, re.MULTILINE)


def test_every_error_code_is_documented() -> None:
    page = (ROOT / "docs/errors.md").read_text("utf-8")
    for leaf in leaves():
        assert leaf.en == "{what}" or f"| `{leaf.code}` |" in page


@pytest.mark.parametrize("code", SDK_EXAMPLES)
def test_every_example_of_the_sdk_page_runs(code: str, tmp_path: Path) -> None:
    env = {"PISANG_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_the_version_is_the_same_everywhere() -> None:
    import tomllib

    import pisang

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert pisang.__version__ == VERSION == project["version"]


def test_every_link_of_a_page_leads_to_a_file() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
