"""The pages of docs/clients that say they are run: each program as printed, against a gateway."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.clients.cases import png
from tests.gateway.clients.roster import FOLDER, CannotRun, Client, command
from tests.gateway.conftest import Stage
from tools.pages import Block, blocks, commands, pages

HOST = "https://images.example.com"
NAME = r"(?<![.\w])(?!response)[a-z]+\.(?:jpg|png|json)\b"
PAGES = [page for page in pages() if page.startswith("docs/clients/")]
RUN = [
    block
    for page in PAGES
    for block in blocks(page)
    if block.language in ("python", "javascript", "console")
]


@pytest.mark.parametrize("block", RUN, ids=lambda block: block.page)
def test_a_page_s_program_makes_its_pictures(block: Block, stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(png(64, 36))
    before = len(stage.charges)
    for words in programs(block, stage, tmp_path):
        done = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, env=environ(), check=False
        )
        assert done.returncode == 0, f"{block.place}: {done.stderr}{done.stdout}"
    named = set(re.findall(NAME, block.text)) - {"photo.png"}
    assert named
    for name in named:
        assert (tmp_path / name).stat().st_size > 500, f"{block.place}: {name}"
    assert len(stage.charges) == before + len(named)


def environ() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def programs(block: Block, stage: Stage, folder: Path) -> list[list[str]]:
    """What to run for a block, its host this gateway's."""
    text = block.text.replace(HOST, stage.url)
    text = text.replace("sk-…", "sk-made-up")
    if block.language == "console":
        lines = [one.line.replace(HOST, stage.url) for one in commands(block)]
        return [["bash", "-c", line.replace("sk-…", "sk-made-up")] for line in lines]
    if block.language == "python":
        return [[sys.executable, "-c", text]]
    try:
        node = command(Client("Node", "google", "google_genai.mjs"))[0]
    except CannotRun as why:
        pytest.skip(f"NOT RUN: {block.place}: {why}")
    (folder / "node_modules").symlink_to(FOLDER / "node" / "node_modules")
    program = folder / "program.mjs"
    program.write_text(text)
    return [[node, str(program)]]


def test_every_page_says_whether_it_is_run() -> None:
    for page in PAGES:
        text = Path(__file__).parents[2].joinpath(page).read_text("utf-8").lower()
        assert "by the tests" in text, page
