"""`pisang completion`: the script that makes a shell complete our commands, options and names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen


class ShellName(StrEnum):
    """A shell that we know how to complete in."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


INSTALLING = {
    ShellName.BASH: "echo 'eval \"$(pisang completion bash)\"' >> ~/.bashrc",
    ShellName.ZSH: "echo 'eval \"$(pisang completion zsh)\"' >> ~/.zshrc",
    ShellName.FISH: "pisang completion fish > ~/.config/fish/completions/pisang.fish",
}
"""What makes it last, by shell."""

EXAMPLES = """\
eval "$(pisang completion bash)"
pisang completion fish > ~/.config/fish/completions/pisang.fish
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion(Told):
    """The arguments of `completion`."""

    shell: Annotated[ShellName, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]


@command(examples=EXAMPLES)
def completion(asked: Completion) -> int:
    """Print the script that completes commands, options, upstreams, models, ratios, sizes and ids.

    The script goes to standard output, how to install it for good to standard error.
    """
    import sys

    from pisang.cli.shells import script

    screen = Screen.of(asked.format)
    text = script(asked.shell.value)
    screen.data({"shell": asked.shell.value, "script": text})
    screen.line(text)
    screen.bare(text)
    if sys.stdout.isatty():
        lead = screen.pick("To have it in each new shell", "在每个新 shell 中生效")
        screen.note(f"# {lead}: {INSTALLING[asked.shell]}")
    return 0


def answer(instruction: str) -> int:
    """Answer a shell that asks what may come next; the exit code, which fish reads.

    What can't be completed is answered with nothing: a shell has no place for an error.
    """
    from typer.exceptions import Exit, TyperException

    from pisang.cli.commands import root
    from pisang.cli.shells import respond
    from pisang.errors import PisangError

    try:
        respond(root(), instruction)
    except (TyperException, PisangError, Exit):
        return 1
    except SystemExit as said:
        return said.code if isinstance(said.code, int) else 1
    return 0
