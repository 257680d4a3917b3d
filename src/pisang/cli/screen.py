"""What a command says, and where: results on standard output, everything else on standard error.

`human` is for eyes; `json` is one object a command; `quiet` is only what a shell wants to go on
with (paths, ids). Colour and progress only where a terminal is.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, get_args

from pisang.cli.callers import agent_in
from pisang.cli.words import say_amount, say_warning

if TYPE_CHECKING:
    from pisang.domain.warning import Warn
    from pisang.errors import Language, PisangError

Format = Literal["human", "json", "quiet"]
FORMATS: tuple[Format, ...] = get_args(Format)


def format_in(words: Sequence[str]) -> str | None:
    """The format that a command line asks for, read without its parser."""
    for at, word in enumerate(words):
        if word == "--":
            return None
        if word.startswith("--format="):
            return word.partition("=")[2]
        if word == "--format" and at + 1 < len(words):
            return words[at + 1]
    return None


@dataclass(frozen=True, slots=True)
class Screen:
    """The two streams of one command, in one format and one language. `links`: standard output is
    a terminal that somebody reads, and that takes a link (asked once: what a keeper says is
    repeated there by another process)."""

    format: Format
    language: Language
    links: bool = False

    @classmethod
    def of(cls, asked: str | None) -> Screen:
        """The screen for an asked format (else `PISANG_FORMAT`, else human); a bad one is human."""
        from pisang.client.language import spoken_language

        word = asked or os.environ.get("PISANG_FORMAT")
        chosen: Format = next((one for one in FORMATS if one == word), "human")
        return cls(chosen, spoken_language(os.environ), _takes_links())

    @property
    def live(self) -> bool:
        """Whether somebody watches: a terminal to draw progress on."""
        return self.format == "human" and sys.stderr.isatty()

    def pick(self, en: str, zh: str) -> str:
        """The sentence in the user's language."""
        return zh if self.language == "zh" else en

    def lead(self, en: str, zh: str) -> str:
        """What stands before a line, with the colon of the user's language."""
        return f"{zh}：" if self.language == "zh" else f"{en}: "

    def data(self, value: Any) -> None:
        """The one JSON object of this command (only in that format)."""
        if self.format == "json":
            _write(sys.stdout, _dump(value))

    def line(self, text: str = "") -> None:
        """A line of the result for eyes."""
        if self.format == "human":
            _show(sys.stdout, text)

    def file(self, path: Path, facts: str = "", lead: str = "") -> None:
        """A line of the result about a file. Where somebody reads it on a terminal, the path is a
        link to it (OSC 8; a terminal that knows no links shows just the path)."""
        if self.format == "human":
            words = [_UNSHOWN.sub("\ufffd", word) for word in (lead, str(path), facts)]
            if self.links:
                words[1] = f"\x1b]8;;{path.absolute().as_uri()}\x1b\\{words[1]}\x1b]8;;\x1b\\"
            _write(sys.stdout, "".join(words))

    def bare(self, text: str) -> None:
        """A line of the result in the quiet format."""
        if self.format == "quiet":
            _write(sys.stdout, text)

    def repeat(self, stream: TextIO, text: str) -> None:
        """What another process of ours would have written there."""
        if text:
            _write(stream, text.removesuffix("\n"))

    def note(self, text: str) -> None:
        """Something said beside the result."""
        if self.format != "quiet":
            _show(sys.stderr, text)

    def warn(self, warnings: Iterable[Warn]) -> None:
        """Warnings, a sentence a line; they are in the JSON too."""
        if self.format == "human":
            for warning in warnings:
                said = self.lead("warning", "警告")
                _show(sys.stderr, f"{said}{say_warning(warning, self.language)}")

    def fail(self, error: PisangError) -> int:
        """Say an error, in the shape that the format wants; its exit code."""
        self.say(error)
        if self.format == "json":
            from pisang.client.shapes import error_json

            _write(sys.stdout, _dump({"error": error_json(error, self.language)}))
        return error.exit_code

    def say(self, error: PisangError) -> None:
        """An error's sentence and the next command, on standard error."""
        _show(sys.stderr, f"{self.lead('error', '错误')}{error.message(self.language)}")
        if error.at_stake and "{at_stake}" not in error.en:
            stake = self.lead("At stake", "涉及金额")
            _write(sys.stderr, f"{stake}{say_amount(error.at_stake, self.language)}")
        theirs = error.upstream_request_id
        if theirs and theirs not in (error.upstream_message or ""):
            said = self.lead("The upstream's request id", "上游请求 ID")
            _show(sys.stderr, f"{said}{theirs}")
        step = error.next_step()
        if step:
            _show(sys.stderr, f"{self.lead('Next', '下一步')}{step}")


_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _takes_links() -> bool:
    plain = os.environ.get("TERM", "") in ("", "dumb", "linux")
    return sys.stdout.isatty() and not plain and agent_in(os.environ) is None


def _show(stream: Any, text: str) -> None:
    """A line for eyes. What would steer the terminal (a model may say anything) is made visible."""
    _write(stream, _UNSHOWN.sub("\ufffd", text))


def _write(stream: Any, text: str) -> None:
    """A line, at once. Raises `OutputUnwritable` (a full disk), `BrokenPipeError` (no reader)."""
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from pisang.client.files import reason_of
        from pisang.errors import OutputUnwritable

        name = "standard error" if stream is sys.stderr else "standard output"
        raise OutputUnwritable(path=name, why=reason_of(error)) from error


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # A file name that is no UTF-8 holds surrogates, which only an escape can carry.
    return json.dumps(value) if any("\ud800" <= c <= "\udfff" for c in text) else text
