"""The plugin: what Claude Code's reference asks of its manifests (code.claude.com, 2026-10).

`claude plugin validate plugin` and `claude plugin validate .` pass too (2.1, seen 2026-12-01).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pisang.cli.skill.text import skill_files
from pisang.client.presets import PRESETS
from pisang.domain.version import VERSION
from tests.cli.conftest import Pisang
from tools.sources import ROOT

PLUGIN = ROOT / "plugin"
TYPES = {"string", "number", "boolean", "directory", "file"}
FIELDS = {"type", "title", "description", "required", "default", "options", "multiple", "sensitive"}


@pytest.fixture
def manifest() -> Any:
    return json.loads((PLUGIN / ".claude-plugin" / "plugin.json").read_text("utf-8"))


def test_the_manifest_keeps_to_the_rules(manifest: Any) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", manifest["name"])
    assert manifest["version"] == VERSION
    for name, option in manifest["userConfig"].items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert option["type"] in TYPES and set(option) <= FIELDS
        assert option["title"] and option["description"]


def test_every_key_is_sensitive_and_nothing_else_is(manifest: Any) -> None:
    for name, option in manifest["userConfig"].items():
        assert bool(option.get("sensitive")) == name.endswith(("_key", "_ak"))


def test_the_server_is_this_version_s_and_its_words_are_understood(
    manifest: Any, pisang: Pisang
) -> None:
    server = manifest["mcpServers"]["pisang"]
    assert server["args"][:2] == ["--from", f"pisang[mcp]=={VERSION}"]
    said = " ".join([*server["args"], *server["env"].values()])
    assert set(re.findall(r"\$\{user_config\.(\w+)\}", said)) == set(manifest["userConfig"])
    known = {name for preset in PRESETS.values() for name in preset.key_envs}
    keys = {name for name, value in server["env"].items() if value.endswith(("_key}", "_ak}"))}
    assert keys <= known
    assert pisang(*server["args"][3:4], "--help").code == 0


def test_the_skill_inside_is_what_this_version_writes() -> None:
    """Else run: make fix"""
    inside = PLUGIN / "skills" / "pisang"
    files = {path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()}
    assert files == set(skill_files())
    for path, text in skill_files().items():
        assert (inside / path).read_text("utf-8") == text, path


def test_the_marketplace_leads_to_it(manifest: Any) -> None:
    market = json.loads((ROOT / ".claude-plugin" / "marketplace.json").read_text("utf-8"))
    (listed,) = market["plugins"]
    assert market["owner"]["name"] and listed["name"] == manifest["name"]
    assert (ROOT / listed["source"] / ".claude-plugin" / "plugin.json").is_file()
