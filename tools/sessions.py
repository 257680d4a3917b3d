"""Terminal sessions that were really run, written into pages: `python -m tools.sessions`.

A session is a list of lines. Each runs on a stage (a fresh folder and home, `pisang sandbox` in the
place of every upstream), in a process of its own, on a pseudo terminal where a person would sit; what
it showed is written under it. `tests/docs` runs the lines again and compares.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.sources import ROOT
from tools.stage import KEY, Said, Stage, sandbox_server
from tools.terminal import Answers, on_terminal, show

RELAY = "https://api.ikuncode.cc"
"""The host that the stub stands for in what is shown."""

FOLDER, HOME = "~/demo", "~/.pisang"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is typed; what is waited for and answered while it runs; what is shown in the
    answer's place."""

    text: str
    answers: Answers = ()


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says between two lines."""

    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """A page, or the part of one between `<!-- session:begin -->` and `<!-- session:end -->`."""

    page: str
    steps: tuple[Line | Words, ...]
    language: str = "en"
    terminal: bool = True
    head: str = ""


def perform(session: Session, stage: Stage) -> Iterator[tuple[Line | Words, Said]]:
    """Each step with how it went."""
    for step in session.steps:
        if isinstance(step, Words):
            yield step, Said(0, "")
            continue
        answers = [(mark, answer.format(key=KEY)) for mark, answer in step.answers]
        said = stage.typed(step.text, answers) if session.terminal else stage.piped(step.text)
        yield step, Said(said.code, presentable(said.text, stage))


def presentable(text: str, stage: Stage) -> str:
    """The text with this machine's folders and ports as a reader would have his own."""
    for old, new in (
        (str(stage.folder), FOLDER),
        (stage.environ["PISANG_HOME"], HOME),
        (stage.url, RELAY),
    ):
        text = text.replace(old, new)
    return text


def written(session: Session, stage: Stage) -> str:
    """The session as Markdown."""
    parts: list[str] = []
    block: list[str] = []
    for step, said in perform(session, stage):
        if isinstance(step, Words):
            parts += _fenced(block)
            parts.append(step.text)
            block = []
            continue
        block.append(f"$ {step.text}")
        if said.text.strip():
            block.append(said.text.strip("\n"))
    parts += _fenced(block)
    return "\n\n".join(parts)


def _fenced(lines: list[str]) -> list[str]:
    return ["```console\n" + "\n".join(lines) + "\n```"] if lines else []


# --- the sessions -------------------------------------------------------------------------------
