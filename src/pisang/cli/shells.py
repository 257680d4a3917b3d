"""How bash, zsh and fish ask what may come next, and are answered.

Typer's own protocol and scripts, but for two things: no help text beside a word (typer renders it
with rich, which would take longer than all the rest), and bash gets a word whole: it cuts what is
typed at `:` and `=`, and knows no `16:9`.
"""

from __future__ import annotations

import os
from typing import Any

from typer._click.shell_completion import CompletionItem, add_completion_class
from typer._completion_classes import BashComplete, FishComplete, ZshComplete

from pisang.cli.callers import ASKED

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n'
    COMPREPLY=( $( env _TYPER_COMPLETE_ARGS="${COMP_LINE:0:COMP_POINT}" \\
                   _PISANG_WORDBREAKS="$COMP_WORDBREAKS" \\
                   %(autocomplete_var)s=complete_bash "$1" ) )
    return 0
}

complete -o default -F %(complete_func)s %(prog_name)s"""


class Zsh(ZshComplete):
    """zsh, answered with the words alone."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        return _bare(super().get_completions(args, incomplete))


class Fish(FishComplete):
    """fish, answered with the words alone."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        return _bare(super().get_completions(args, incomplete))


class Bash(BashComplete):
    """bash, asked with the line as it stands, answered with what is behind the last word break."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        return ZshComplete.get_completion_args(self)  # type: ignore[arg-type]

    def complete(self) -> str:
        args, incomplete = self.get_completion_args()
        typed = incomplete.partition("=")[2] if incomplete.startswith("-") else incomplete
        breaks = os.environ.get("_PISANG_WORDBREAKS", "")
        known = max((typed.rfind(one) + 1 for one in ":=" if one in breaks), default=0)
        return "\n".join(item.value[known:] for item in self.get_completions(args, incomplete))

    @staticmethod
    def _check_version() -> None:
        """Nothing in the script needs a newer bash than 3.2, which macOS has."""


_SHELLS: dict[str, type[BashComplete | ZshComplete | FishComplete]] = {
    "bash": Bash,
    "zsh": Zsh,
    "fish": Fish,
}


def script(shell: str) -> str:
    """The script that makes `shell` complete our command line."""
    return str(_SHELLS[shell](None, {}, "pisang", ASKED).source()).strip()  # type: ignore[arg-type]


def respond(parser: Any, instruction: str) -> None:
    """Print what the shell asked for by `instruction`, such as `complete_bash`."""
    from typer.completion import shell_complete

    for name, shell in _SHELLS.items():
        add_completion_class(shell, name)
    shell_complete(parser, {}, "pisang", ASKED, instruction)


def _bare(items: list[CompletionItem]) -> list[CompletionItem]:
    return [CompletionItem(item.value, item.type) for item in items]
