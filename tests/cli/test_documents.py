"""The examples of both reference documents, run whole against `pisang sandbox`.

Nothing is changed in them but host and key. `tests/wires/test_reference.py` compares their bodies
with ours field by field; here they are run, by the programs that they are written for. The
documents lie beside the checkout; without them, or without `jq` or `node`, a test is skipped and
says so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pisang.domain.content import content_of
from pisang.domain.image import read_facts

from .conftest import Server

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
GUIDE, SKILL = REFERENCE / "relay-guide.zh.md", REFERENCE / "crawl-skill.zh.md"
HOSTS = (
    "https://api.ikuncode.cc",
    "https://gpt-i18n.byteintl.net",
    "https://genai-sg-og.tiktok-row.org",
)
KEYS = ("sk-你的IKunCode密钥", "<ak>")
MADE_UP_KEY = "sk-made-up-0001"

pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"NOT RUN: no reference documents in {REFERENCE}"
)


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skips, and says so, where a program that the example uses is not installed."""
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"NOT RUN: no {', '.join(missing)} here")


def example(document: Path, language: str, server: Server) -> str:
    """The first example in that language, with only host and key changed."""
    pattern = rf"^```{language}\n(.*?)^```"
    found = re.search(pattern, document.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    code = found[1]
    for old in HOSTS:
        code = code.replace(old, server.url)
    for old in KEYS:
        code = code.replace(old, MADE_UP_KEY)
    assert MADE_UP_KEY in code
    return code


def run(command: list[str], folder: Path) -> str:
    """What it printed; it must end well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def shape(path: Path) -> tuple[int, int]:
    facts = read_facts(content_of(path.read_bytes()))
    assert facts is not None
    assert facts.complete
    return facts.width, facts.height


@needs("bash", "curl")
def test_the_relay_guides_curl_line_gets_a_picture(server: Server, tmp_path: Path) -> None:
    said = json.loads(run(["bash", "-c", example(GUIDE, "bash", server)], tmp_path))
    (part,) = said["candidates"][0]["content"]["parts"]
    assert part["inlineData"]["mimeType"] == "image/jpeg"


def test_the_relay_guides_python_saves_a_picture_of_its_own_table(
    server: Server, tmp_path: Path
) -> None:
    said = run([sys.executable, "-c", example(GUIDE, "python", server)], tmp_path)
    assert "output.png" in said
    assert shape(tmp_path / "output.png") == (2752, 1536)


@needs("node")
def test_the_relay_guides_node_example_saves_a_picture(server: Server, tmp_path: Path) -> None:
    run(["node", "-e", example(GUIDE, "javascript", server)], tmp_path)
    assert shape(tmp_path / "output.png") == (2752, 1536)


def test_the_crawl_documents_python_saves_a_picture(server: Server, tmp_path: Path) -> None:
    code = example(SKILL, "python", server)
    usage = code[code.index("# result = ") :]
    code += re.sub(r"^# ", "", usage, flags=re.MULTILINE)  # its own usage, which it comments out
    said = run([sys.executable, "-c", code], tmp_path)
    assert "shiba_inu.png" in said
    assert shape(tmp_path / "shiba_inu.png") == (2752, 1536)
    assert (tmp_path / "shiba_inu.png").read_bytes().startswith(b"\x89PNG")


@needs("bash", "curl", "jq", "base64")
def test_the_crawl_documents_curl_line_saves_a_picture(server: Server, tmp_path: Path) -> None:
    run(["bash", "-o", "pipefail", "-c", example(SKILL, "bash", server)], tmp_path)
    assert shape(tmp_path / "output.png") == (2752, 1536)


def test_what_was_made_so_stands_in_the_sandboxs_book(server: Server, tmp_path: Path) -> None:
    before = len(server.charges)
    run([sys.executable, "-c", example(GUIDE, "python", server)], tmp_path)
    (charge,) = server.charges[before:]
    assert (charge["wire"], charge["model"]) == ("gemini", "gemini-3-pro-image-preview")
    assert charge["image_size"] == "2K"
