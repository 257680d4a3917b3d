"""Questions on a terminal: one of a list, a line, a secret. All on standard error, never piped.

Whoever is not attended is never asked: a command then takes the same from its options.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pisang.cli.callers import agent_in
from pisang.cli.screen import Screen
from pisang.cli.table import align
from pisang.errors import Cancelled
from pisang.errors.chinese import in_chinese

Answer = TypeVar("Answer")


def may_ask(screen: Screen) -> bool:
    """Whether somebody sits there who can answer: a terminal for both ways, no agent, and a result
    that is for eyes."""
    return (
        screen.format == "human"
        and sys.stdin.isatty()
        and sys.stderr.isatty()
        and agent_in(os.environ) is None
    )


@dataclass(frozen=True, slots=True)
class Guide:
    """Asks until the answer will do. The end of the input (Ctrl-D) is `Cancelled`."""

    screen: Screen

    def choose(self, question: str, rows: Sequence[Sequence[str]], first: int = 0) -> int:
        """Which of the rows, from 0, by its number or its first cell; nothing typed means
        `first`."""
        names = [row[0] for row in rows]
        for line in align([(f"  {at}", *row) for at, row in enumerate(rows, 1)]):
            self.screen.note(line)

        def read(word: str) -> int:
            if word in names:
                return names.index(word)
            if word.isdecimal() and 1 <= int(word) <= len(rows):
                return int(word) - 1
            raise ValueError(f"choose 1 to {len(rows)}")

        return self.line(question, read, default=str(first + 1))

    def line(self, question: str, check: Callable[[str], Answer], default: str = "") -> Answer:
        """A line as `check` reads it; its `ValueError` is said and the question asked again."""
        shown = f" [{default}]" if default else ""
        while True:
            word = self._read(f"{question}{shown}{self._colon}") or default
            try:
                return check(word)
            except ValueError as error:
                self.complain(str(error))

    def secret(self, question: str, check: Callable[[str], Answer]) -> Answer:
        """A line that is not shown, as `check` reads it."""
        from getpass import getpass

        while True:
            try:
                typed = getpass(f"{question}{self._colon}", sys.stderr)
            except EOFError:
                raise Cancelled() from None
            try:
                return check(typed)
            except ValueError as error:
                self.complain(str(error))

    def complain(self, why: str) -> None:
        """Say what was wrong with an answer."""
        self.screen.note(f"  {self.screen.pick(why, in_chinese(why))}")

    @property
    def _colon(self) -> str:
        return self.screen.pick(": ", "：")

    def _read(self, prompt: str) -> str:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        typed = sys.stdin.readline()
        if not typed:
            sys.stderr.write("\n")
            raise Cancelled()
        return typed.strip()
