"""Help pages in the user's language: Typer writes them in English, and this says them in Chinese.

English goes to Typer's own formatter untouched. For Chinese the headings, the texts and the help
of each option are looked up (`help_zh`) and folded by columns, not by blanks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from typer import Context
from typer._click.formatting import HelpFormatter

from pisang.client.language import spoken_language

if TYPE_CHECKING:
    from pisang.errors.chinese import Phrases

_HEADINGS = {"Arguments": "参数", "Options": "选项", "Commands": "命令"}
_USAGE = {"[OPTIONS]": "[选项]", "COMMAND [ARGS]...": "命令 [参数]..."}
_EXTRAS = {"required": "必填", "default: ": "默认：", "env var: ": "环境变量："}


class Page(Context):
    """A command's context whose help is in the user's language."""

    def make_formatter(self) -> HelpFormatter:
        """Typer's formatter, or the Chinese one."""
        if spoken_language(os.environ) == "zh":
            self.formatter_class = ChineseFormatter
        return super().make_formatter()


class ChineseFormatter(HelpFormatter):
    """Writes a help page in Chinese, whatever English it is given."""

    def __init__(self, *given: Any, **named: Any) -> None:
        from pisang.cli.help_zh import HELP
        from pisang.errors.chinese import Phrases

        super().__init__(*given, **named)
        self._phrases: Phrases = Phrases(HELP)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The line of how it is called."""
        for english, chinese in _USAGE.items():
            args = args.replace(english, chinese)
        super().write_usage(prog, args, "用法：")

    def write_heading(self, heading: str) -> None:
        """What stands over a list."""
        self.write(f"{'':{self.current_indent}}{_HEADINGS.get(heading, heading)}：\n")

    def write_text(self, text: str) -> None:
        """A text of paragraphs; one that begins with a backspace keeps its lines."""
        if text.startswith("\b"):
            super().write_text(text.replace("Examples:", "示例：", 1))
            return
        indent = " " * self.current_indent
        folded = (
            "\n".join(f"{indent}{line}" for line in fold(one, self.width - len(indent)))
            for one in self._paragraphs(text)
        )
        self.write("\n\n".join(folded) + "\n")

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Options, arguments or commands, each with its help beside it."""
        first = min(max(len(name) for name, _help in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for name, said in rows:
            lines = list(fold(self._help(said), max(self.width - first - 2, 10)))
            if lines and len(name) <= first - col_spacing:
                self.write(f"{indent}{name:{first}}{lines.pop(0)}\n")
            else:
                self.write(f"{indent}{name}\n")
            for line in lines:
                self.write(f"{indent}{'':{first}}{line}\n")

    def _paragraphs(self, text: str) -> list[str]:
        return [self._phrases.say(one) for one in paragraphs(text)]

    def _help(self, said: str) -> str:
        """An option's help, and what Typer puts in brackets behind it."""
        text, bracket, extras = said.partition("[") if said[:1] == "[" else said.partition("  [")
        text = "".join(self._paragraphs(text))
        for english, chinese in _EXTRAS.items():
            extras = extras.replace(english, chinese)
        return f"{text}{bracket}{extras}"


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a help text, each as one line: the keys of `help_zh`."""
    return [" ".join(one.split()) for one in re.split(r"\n\s*\n", text) if one.strip()]


_PIECE = re.compile(
    r"[^\s\u3000-\u9fff\uff00-\uffef]+[\uff0c\u3002\uff1a\uff1b\uff09\u3001\uff1f]*"
    r"|[\u3000-\u9fff\uff00-\uffef][\uff0c\u3002\uff1a\uff1b\uff09\u3001\uff1f]*|\s+"
)
"""What a line may be broken behind: a Latin word, one Chinese character, blanks; a mark that
closes stays with what it closes."""


def fold(text: str, columns: int) -> Iterator[str]:
    """The lines of a text, none wider than so many columns where it can be broken so."""
    from pisang.cli.table import width_of

    line = ""
    for piece in _PIECE.findall(text):
        if line.strip() and width_of(f"{line}{piece}".rstrip()) > columns:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    if line.strip():
        yield line.rstrip()
