"""Every example of the READMEs and the docs runs, and shows what the page shows."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.pages import Block, blocks, commands, pages
from tools.stage import KEY, Stage, matches

from .parsing import complaint

GENERATED = {"docs/commands.md", "docs/errors.md", "docs/models.md"}
RUN = [page for page in pages() if page not in GENERATED and "/transcripts/" not in page]


@pytest.mark.parametrize("page", RUN)
def test_the_examples_of_a_page_run_in_order(page: str, raise_stage: Callable[..., Stage]) -> None:
    stage = raise_stage(language="zh" if page.endswith(".zh-CN.md") else "en")
    for block in blocks(page):
        if block.note("fresh stage") is not None:
            stage = raise_stage(language=stage.language)
        run_block(block, stage)


def run_block(block: Block, stage: Stage) -> None:
    """Do what the block says. What is not run must say why, and be understood all the same."""
    _give(block, stage)
    names = (block.note("with") or "").split()
    before = dict(stage.environ)
    stage.environ |= dict.fromkeys(names, KEY)
    _run(block, stage)
    for name in names:
        stage.environ.pop(name)
    stage.environ |= {name: before[name] for name in names if name in before}


def _run(block: Block, stage: Stage) -> None:
    why = block.note("not run")
    assert why is None or why, f"{block.place}: say why it is not run"
    name = block.note("file")
    if name:
        _write(name, block, stage)
    elif block.language == "console":
        _understood(block) if why else _console(block, stage)
    elif block.language == "python":
        if why:
            compile(textwrap.dedent(block.text), block.place, "exec")
        else:
            _python(block, stage)
    elif block.language in ("bash", "sh", "shell"):
        pytest.fail(f"{block.place}: write commands as ```console blocks, with `$ `")


def _give(block: Block, stage: Stage) -> None:
    """The files that a reader would have: a picture, or a file that holds a key."""
    for name in (block.note("given") or "").split():
        path = stage.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text(f"{KEY}\n")
        else:
            said = stage.run(f"pisang generate {path.stem} --via sandbox -s 512 -o {name}")
            assert said.code == 0, said.text


def _write(name: str, block: Block, stage: Stage) -> None:
    home = stage.environ["PISANG_HOME"]
    path = stage.folder / name.replace("$PISANG_HOME", home).replace("~/.pisang", home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(stage.localise(textwrap.dedent(block.text)), "utf-8")


def _understood(block: Block) -> None:
    for command in commands(block):
        wrong = complaint(command.line)
        assert wrong is None, f"{block.place}: `{command.line}`: {wrong}"


def _console(block: Block, stage: Stage) -> None:
    told = list(commands(block))
    assert told, f"{block.place}: no line begins with `$ `"
    last = int(block.note("exit") or 0)
    for at, command in enumerate(told):
        said = stage.run(command.line)
        following = told[at + 1].line if at + 1 < len(told) else ""
        if following != "echo $?":  # the page itself says the code then
            wanted = last if at == len(told) - 1 else 0
            assert said.code == wanted, f"{block.place}: `{command.line}`: {said.code}\n{said.text}"
        shown = stage.localise(command.shown)
        if shown and not matches(shown, said.text, stage.root):
            pytest.fail(f"{block.place}: `{command.line}` says\n{said.text}\nnot\n{shown}")


def _python(block: Block, stage: Stage) -> None:
    text = stage.localise(textwrap.dedent(block.text))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's packages, and their own business
            stage.execute(compile(text, block.place, "exec"))
    except Exception as error:
        error.add_note(f"in {block.place}")
        raise


def test_a_block_that_shows_something_else_is_found(
    raise_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = raise_stage()
    said = stage.run("pisang try --format quiet")
    assert matches("…/pisang-out/20261122_120000_….jpg", said.text, stage.root)
    assert not matches("…/pisang-out/20261122_120000_….png", said.text, stage.root)
    block = Block("x.md", 1, "console", "$ pisang try --format quiet\nnothing\n", ())
    with pytest.raises(pytest.fail.Exception, match="says"):
        run_block(block, stage)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("pisang upstream add google", None),
        ("pisang generate x --no-such-flag", "--no-such-flag"),
        ("KEY=x pisang upstream ad google | cat", "'ad'"),
        ("pisang unknown rebuy", "ID"),
        ("make no-such-target", "no-such-target"),
        ("pip install 'pisang[server]' && pisang sandbox --port x", "--port"),
    ],
)
def test_a_command_line_that_is_only_shown_is_parsed(line: str, wrong: str | None) -> None:
    said = complaint(line)
    assert (wrong in said) if wrong and said else said == wrong
