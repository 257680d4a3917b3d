"""Whether a command line that can't be run here would at least be understood."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from typer.exceptions import Exit, TyperException

from pisang.cli.commands import root
from tools.sources import ROOT

PARSER = root()

_TARGETS = frozenset(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def leaves(command: Any = PARSER, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command, the groups among them, with its words (`upstream add`)."""
    yield " ".join(path), command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from leaves(command.get_command(None, name), (*path, name))


def flags(command: Any) -> set[str]:
    """The long options of a command, `--help` among them."""
    params = command.get_params(command.context_class(command))
    every = {word for param in params for word in (*param.opts, *param.secondary_opts)}
    return {word for word in every if word.startswith("--")}


def complaint(line: str) -> str | None:
    """What is wrong with a line that is only shown; None for a good one. Everything that it calls
    of `pisang` and `make` is looked at."""
    said = (_of_call(words) for words in _calls(line))
    return next((one for one in said if one), None)


def _calls(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    skipped = False
    for word in (*lexer, ";"):
        if set(word) <= set("|&;"):
            yield words
            words = []
        elif set(word) <= set("<>"):
            skipped = True
        elif skipped:
            skipped = False
        elif words or "=" not in word:
            words.append(word)


def _of_call(words: list[str]) -> str | None:
    if words[:1] == ["make"]:
        missing = [one for one in words[1:] if "=" not in one and one not in _TARGETS]
        return f"there is no target {missing[0]}" if missing else None
    if not words or words[0].rpartition("/")[2] != "pisang":
        return None
    command, rest = walk(words[1:])
    if hasattr(command, "get_command") and rest and not rest[0].startswith("-"):
        return f"there is no command {rest[0]!r}"
    try:
        command.make_context("pisang", rest, resilient_parsing=False)
    except Exit:
        return None
    except TyperException as error:
        return " ".join(error.format_message().split())
    return None


def walk(words: list[str]) -> tuple[Any, list[str]]:
    """The command that those words name, and what is left of them."""
    command = PARSER
    while words and hasattr(command, "get_command"):
        inner = command.get_command(None, words[0])
        if inner is None:
            break
        command, words = inner, words[1:]
    return command, words


def unknown_word(span: str) -> str | None:
    """The first word of a mention in prose (`pisang upstream add NAME --wire …`) that is no
    command or option; None where all are."""
    words = re.sub(r"[\[\]|…]", " ", span).split()[1:]
    command, rest = walk(words)
    if hasattr(command, "list_commands") and rest and re.fullmatch(r"[a-z][a-z-]*", rest[0]):
        return rest[0]
    if hasattr(command, "list_commands"):
        return None
    known = {o for param in command.get_params(command.context_class(command)) for o in param.opts}
    given = (word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word))
    return next((word for word in given if word not in known | {"--help"}), None)
