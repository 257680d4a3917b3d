"""Nothing is left out of the docs: the lists come from the code, and what is missing is named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from pisang.client.presets import PRESETS
from pisang.domain.catalogue import load
from pisang.errors import leaves as error_leaves
from tools.pages import pages, prose, read, spans
from tools.sources import ROOT

from .parsing import flags, leaves, unknown_word

ALL = "\n".join(read(page) for page in pages())
SETTINGS = "docs/settings.md"
GETTERS = {"text", "texts", "checked", "integer", "boolean", "money", "decimal", "table"}
VARIABLE = re.compile(r"PISANG_[A-Z_]+")
NO_VARIABLES = {"PISANG_DOMAIN"}


def test_every_command_has_a_section_and_every_flag_stands_in_it() -> None:
    told = dict(
        re.findall(r"^## pisang ?(.*?)\n(.*?)(?=^## |\Z)", read("docs/commands.md"), re.M | re.S)
    )
    for words, command in leaves():
        assert words in told, f"docs/commands.md lacks `pisang {words}`"
        missing = flags(command) - set(re.findall(r"--[a-z][\w-]*", told[words]))
        assert not missing, f"docs/commands.md lacks {missing} of `pisang {words}`"


def test_every_error_code_is_told() -> None:
    codes = {leaf.code for leaf in error_leaves() if leaf.en != "{what}"}
    missing = {code for code in codes if f"`{code}`" not in ALL}
    assert not missing


def test_every_model_is_told() -> None:
    page = read("docs/models.md")
    missing = {model.id for model in load().models if f"`{model.id}`" not in page}
    assert not missing


def test_every_preset_has_a_page_and_a_first_command_in_both_readmes() -> None:
    for name in PRESETS:
        assert f"docs/upstreams/{name}.md" in pages(), f"docs/upstreams/{name}.md is missing"
        for front in ("README.md", "README.zh-CN.md"):
            assert f"docs/upstreams/{name}.md" in read(front), f"{front} lacks {name}"


def calls(folder: str) -> Iterator[ast.Call]:
    for path in sorted((ROOT / "src/pisang" / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def keys_in_code() -> set[str]:
    """The names that the reading of the settings files asks for."""
    found = set()
    for call in calls("client"):
        reads = isinstance(call.func, ast.Attribute) and call.func.attr in GETTERS
        named = call.args[:1] if reads else []
        named += [one.value for one in call.keywords if one.arg == "upstream_key"]
        found |= {
            one.value for one in named
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        }  # fmt: skip
    return {name for name in found if re.fullmatch(r"[a-z_]+", name)}


def test_every_key_of_the_settings_files_is_told() -> None:
    keys = keys_in_code()
    assert {"default_upstream", "naming", "size_key", "cap", "upstream"} <= keys
    page = read(SETTINGS)
    missing = {key for key in keys if not re.search(rf"\b{key}\b", page)}
    assert not missing, f"{SETTINGS} lacks {missing}"


def variables_in_code() -> set[str]:
    found = set()
    for path in sorted((ROOT / "src/pisang").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {node.value} if VARIABLE.fullmatch(node.value) else set()
    return found


def test_every_variable_is_told_and_no_other() -> None:
    variables = variables_in_code() | {name for row in PRESETS.values() for name in row.key_envs}
    assert {"PISANG_HOME", "PISANG_LANG", "IKUN_API_KEY"} <= variables
    page = read(SETTINGS)
    missing = {name for name in variables if f"`{name}`" not in page}
    assert not missing, f"{SETTINGS} lacks {missing}"
    invented = set(VARIABLE.findall(ALL)) - variables - NO_VARIABLES
    assert not invented, f"the docs name variables that nothing reads: {invented}"


@pytest.mark.parametrize("page", pages())
def test_every_command_that_prose_mentions_exists(page: str) -> None:
    for span in spans(page):
        if span.startswith("pisang ") and not span.startswith("pisang import pisang"):
            wrong = unknown_word(span)
            assert wrong is None, f"{page}: `{span}`: there is no {wrong}"


@pytest.mark.parametrize("page", [page for page in pages() if "zh" in page])
def test_chinese_and_latin_words_stand_apart(page: str) -> None:
    """A blank between Chinese and Latin words or numbers, none beside full-width punctuation."""
    for line in prose(page).splitlines():
        plain = re.sub(r"`[^`]*`|\]\([^)]*\)|<[^>]*>|\*\*", "", line)
        glued = re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", plain)
        assert not glued, f"{page}: {line}"
        assert not re.search(r"[\u4e00-\u9fff][,;:?!](?:\s|$)", plain), f"{page}: {line}"
