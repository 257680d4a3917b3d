"""No sentence without its Chinese: every one that stands in the source is looked for."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import pisang as package
from pisang.cli.commands import COMMANDS, root
from pisang.cli.frame import Group, Row
from pisang.cli.help_zh import HELP
from pisang.cli.pages import fold, paragraphs
from pisang.cli.table import width_of
from pisang.errors.chinese import Phrases
from pisang.errors.phrases import TABLE
from pisang.errors.phrases.calls import PHRASES as CALLS
from pisang.errors.phrases.commands import PHRASES as COMMANDS_SAID
from pisang.errors.phrases.serving import PHRASES as SERVING
from pisang.errors.phrases.settings import PHRASES as SETTINGS
from pisang.errors.phrases.storage import PHRASES as STORAGE
from pisang.errors.phrases.system import PHRASES as SYSTEM
from pisang.errors.phrases.upstreams import PHRASES as UPSTREAMS
from pisang.errors.phrases.warnings import PHRASES as WARNINGS
from pisang.errors.phrases.wires import PHRASES as WIRES
from tests.cli.conftest import Pisang

SOURCES = Path(package.__file__).parent

SILENT = (
    "errors/",  # the tables themselves, and templates that stand in both languages
    "cli/help_zh.py",
    "gateway/management/books.py", "gateway/management/docs.py", "gateway/management/app.py",
    "gateway/management/generations.py", "gateway/management/images.py",
    "gateway/management/archive.py",
    "gateway/management/requests.py", "gateway/management/shapes.py",  # the API's description
    "gateway/metrics.py", "gateway/levels.py",  # what Prometheus reads is English everywhere
    "gateway/management/granted.py", "gateway/management/batched.py",
    "gateway/management/batches.py",
    "gateway/webhooks.py",  # it tells programs and the log
    "cli/skill/text.py",  # the skill is read by models
    "studio/app.py",  # headers
    "mcp/server.py", "mcp/telling.py",  # read by models, whose tools are described in English
    "gateway/upkeep.py",  # it writes to the log, whose language is English
    "sandbox/faults.py", "sandbox/generating.py", "sandbox/listing.py", "sandbox/making.py",
    "sandbox/rules.py", "sandbox/app.py", "sandbox/pytest_plugin.py",  # they imitate upstreams
    "pixels/paint.py", "pixels/palette.py", "pixels/pieces.py", "pixels/selftest.py",
    "pixels/retouch.py",
)  # fmt: skip
"""Where no sentence is meant for a user, or each stands in both languages."""

UNSAID = frozenset({
    "module 'pisang' has no attribute {}",
    "a listener failed and is not called again",
    "not copied: it belongs to a running event loop",
    "no sheet of {} pictures as {}",
    "{} names no query", "two queries are named {}",
    # amounts, kinds and units, said in Chinese where they are shown
    "(play money)", "(at stake)", "whole answers", "idempotency keys",
    "{} ms", "{} min {} s", "{} min", "{} h {} min", "{} of {}",
    # others' words, looked for in what they say
    "API key not valid", "you will not be charged", "known file format", "is not a known",
    "end of", "read error", "unable to call",
    # libpq's words
    "password authentication failed|no password supplied",
    "no pg_hba\\.conf entry|role .* does not exist", "database .* does not exist",
    "too many clients|too many connections|remaining connection slots",
    "the database system is|terminating connection",
    "Connection refused|No such file or directory",
    "could not translate host name|Name or service not known",
    "timeout expired|timed out|Connection timed out",
    "No route to host|Network is unreachable",
    # to programs, whose language is English
    "private, max-age=31536000, immutable", "sandbox; default-src 'none'",
    "as this gateway's upstreams make it",
    "gateway/routes.py and the application differ in {}",
    "At stake: {}.", "no type", "{} bytes of {}, not all of them text: {}",
    # commands and names
    "`pisang mcp`", "`pisang sandbox`", "`pisang serve`", "`pisang studio`",
    "the application was not opened",
    "live {}", "paid {}", "a small red square on white",
    "a kitten in a garden, oil painting", "Its config.json (default: {}).",
    "gcloud auth application-default login", "error {}",
    "echo 'eval \"$(pisang completion bash)\"' >> ~/.bashrc",
    "echo 'eval \"$(pisang completion zsh)\"' >> ~/.zshrc",
})  # fmt: skip
"""What no user reads as a sentence of ours."""

CHINESE = re.compile("[\u3000-\u9fff\uff00-\uffef]")
PROSE = re.compile(r"(?<![\w./-])[a-z]{2,}'?[a-z]*[,:;]? (?:[a-z]|\{\})|\{\}[,:;]? [a-z]{2}")
NO_PROSE = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|PRAGMA|BEGIN|WITH|VACUUM|FROM|WHERE|AND|"
    r"ORDER|ATTACH|RELEASE|SAVEPOINT|ROLLBACK|pisang|pip|export|sudo|unset|#)\b|#|.*\b20\d\d\)"
)
"""SQL, commands, comments of files that we write, and sources with their date."""

COMMAND = re.compile("`[^`]*`|--[a-z-]+|pisang( [a-z-]+)+|pip install|chmod")


def template_of(node: ast.AST) -> str | None:
    """A literal, or an f-string with `{}` for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        pieces = (one.value if isinstance(one, ast.Constant) else "{}" for one in node.values)
        return "".join(map(str, pieces))
    return None


def children(node: ast.AST) -> list[ast.AST]:
    """What stands side by side in a call, a tuple, a list or on both sides of an `else`."""
    if isinstance(node, ast.Call):
        return list(node.args)
    if isinstance(node, ast.Tuple | ast.List):
        return list(node.elts)
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else []


def skipped(tree: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, patterns, examples, and what stands beside its own Chinese."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            yield from (one.value for one in body if isinstance(one, ast.Expr))
        if isinstance(node, ast.JoinedStr):
            yield from node.values
        if isinstance(node, ast.FormattedValue) and node.format_spec:
            yield node.format_spec
        if isinstance(node, ast.Assign) and [name_of(one) for one in node.targets] == ["en"]:
            yield from ast.walk(node.value)
        if isinstance(node, ast.Dict) and any(
            CHINESE.search(template_of(one) or "") for one in node.values
        ):
            yield from (one for one in node.keys if one)
        if isinstance(node, ast.Call) and name_of(node.func) in ("compile", "_words", "search"):
            yield from ast.walk(node)
        beside = children(node)
        if any(CHINESE.search(template_of(one) or "") for one in beside):
            for one in beside:
                yield from ast.walk(one)


def name_of(node: ast.AST) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


def sentences(source: Path) -> Iterator[tuple[int, str]]:
    """Line and template of each sentence in a module."""
    tree = ast.parse(source.read_text("utf-8"))
    left_out = set(map(id, skipped(tree)))
    for node in ast.walk(tree):
        said = None if id(node) in left_out else template_of(node)
        if said and "\n" not in said and PROSE.search(said) and not NO_PROSE.match(said):
            yield getattr(node, "lineno", 0), said


def all_sentences() -> Iterator[tuple[str, str]]:
    for source in sorted(SOURCES.rglob("*.py")):
        name = source.relative_to(SOURCES).as_posix()
        if not name.startswith(SILENT):
            yield from ((f"{name}:{line}", said) for line, said in sentences(source))


def test_every_sentence_of_the_source_has_its_chinese() -> None:
    phrases = Phrases({**TABLE, **HELP})
    found = list(all_sentences())
    assert len(found) > 400
    missing = [
        f"{place} {said!r} -> {phrases.say(said)}"
        for place, said in found
        if said not in UNSAID and not is_chinese(phrases.say(said))
    ]
    assert not missing, "add to pisang/errors/phrases (or cli/help_zh.py):\n" + "\n".join(missing)


def is_chinese(said: str) -> bool:
    """Whether a sentence has Chinese in it and, but for commands, no English."""
    return CHINESE.search(said) is not None and not PROSE.search(COMMAND.sub("", said))


def help_texts(command: Any, name: str) -> Iterator[str]:
    """What Typer writes on the page of a command, and of each under it."""
    context = command.make_context(name, [], resilient_parsing=True)
    yield command.help
    yield from (param.help for param in command.get_params(context) if param.help)
    for below in command.list_commands(context) if hasattr(command, "rows") else ():
        yield from help_texts(command.get_command(context, below), below)


def summaries(rows: dict[str, Row | Group]) -> Iterator[str]:
    """The lines of a list of commands."""
    for row in rows.values():
        yield row.summary
        if isinstance(row, Group):
            yield from summaries(dict(row.rows))


def test_every_help_page_has_its_chinese_and_no_entry_is_left_over() -> None:
    texts = [*help_texts(root(), "pisang"), *summaries(COMMANDS)]
    keys = {one for text in texts for one in paragraphs(text)}
    assert len(keys) > 100
    assert not keys - set(HELP), "add to pisang/cli/help_zh.py"
    assert not set(HELP) - keys, "no help page says this any more"


def holes(text: str) -> set[int]:
    """The numbers of a template's holes."""
    names = [name for _text, name, _spec, _how in Formatter().parse(text) if name is not None]
    return {int(name or at) for at, name in enumerate(names)}


def test_every_entry_is_chinese_and_names_only_what_the_english_names() -> None:
    for english, chinese in TABLE.items():
        assert CHINESE.search(chinese), english
        assert holes(chinese) <= set(range(english.count("{}"))), english
        assert "{}" not in chinese or not re.search(r"\{\d\}", chinese), english


def test_every_entry_is_said_somewhere() -> None:
    said = "\n".join(
        text
        for source in SOURCES.rglob("*.py")
        if not source.is_relative_to(SOURCES / "errors/phrases")
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if (text := template_of(node)) is not None
    )
    parsers = {key for key in COMMANDS_SAID if key[0].isupper()}
    ours = set(TABLE) - set(SYSTEM) - parsers - {"{} (play money)"}
    assert not [key for key in ours if key.removeprefix("{}: ") not in said]


def test_no_sentence_has_two_entries() -> None:
    tables = [SYSTEM, SETTINGS, CALLS, WIRES, STORAGE, WARNINGS, UPSTREAMS, COMMANDS_SAID, SERVING]
    keys = [key for table in tables for key in table]
    assert set(keys) == set(TABLE)
    assert not [key for key, count in Counter(keys).items() if count > 1]


@pytest.mark.parametrize("columns", [10, 20, 48, 78])
def test_a_folded_text_keeps_its_words_and_its_columns(columns: int) -> None:
    text = "图片保存到 ./pisang-out/，可用 --out 另行指定；退出码：0 成功（默认 90s）。"
    lines = list(fold(text, columns))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(line) <= columns + 2 or " " not in line for line in lines)
    assert not any(line[0] in "，。；：）" for line in lines)


@pytest.mark.parametrize("words", [(), ("generate",), ("upstream",), ("doctor",)])
def test_a_help_page_in_chinese_says_nothing_in_english(
    pisang: Pisang, words: tuple[str, ...]
) -> None:
    page = pisang(*words, "--help", PISANG_LANG="zh").out
    assert page.startswith("用法：pisang")
    before = page.partition("示例：")[0]
    assert not PROSE.search(COMMAND.sub("", before)), before
    assert "Examples" not in page
    assert all(width_of(line) <= 80 for line in before.splitlines())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("upstream", "--bogus"), "错误：没有选项 --bogus。"),
        (("generate", "--ope"), "错误：没有选项 --ope（相近的有："),
        (("generat",), "错误：没有命令 'generat'：是不是想用 generate？"),
        (("upstream", "add"), "错误：缺少参数 'NAME'。"),
        (("generate", "x", "--mode", "round"), "错误：'--mode' 的值无效："),
        (("generate", "x", "--n", "two"), "错误：'--n' / '-n' 的值无效：'two' 不是整数。"),
        (
            ("sandbox", "--port", "70000"),
            "错误：'--port' 的值无效：70000 不是 0 到 65535 之间的数。",
        ),
        (("generate", "x", "--model"), "错误：选项 '--model' 需要一个值。"),
        (("generate", "x", "y"), "错误：多余的参数（y）。"),
        (("generate", "x", "--resize", "big"), "请写成 1920x1080 的形式"),
        (("show", "zz"), "错误：没有找到"),
    ],
)
def test_a_wrong_word_is_told_in_chinese(
    pisang: Pisang, words: tuple[str, ...], sentence: str
) -> None:
    said = pisang(*words, PISANG_LANG="zh")
    assert said.code == 2
    assert said.err.startswith("错误：")
    assert sentence in said.err


def test_the_language_is_the_variable_s_then_the_file_s_then_the_locale_s(
    pisang: Pisang, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def speaks(**environ: str) -> str:
        return "zh" if pisang("generat", **environ).err.startswith("错误") else "en"

    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert speaks() == "zh"
    home.mkdir()
    (home / "config.toml").write_text('language = "en"\n')
    assert speaks() == "en"
    assert speaks(PISANG_LANG="zh") == "zh"
    (home / "config.toml").write_text('language = "zh"\n[broken\n')
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert speaks() == "zh"
    (home / "config.toml").write_text('[upstreams.a]\nlanguage = "zh"\n')
    assert speaks() == "en"
