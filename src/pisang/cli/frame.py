"""Commands as tables and dataclasses: groups that load a command when it is called, options as one
frozen value.

`@command(examples=…)` turns `run(options: SomeDataclass) -> int` into what Typer reads: one
parameter a field. So a command takes one argument however many options it has, and commands share
options by inheriting them.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from pisang.cli.coerce import lighten
from pisang.cli.pages import Page

Options = TypeVar("Options")

_PLAIN: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,  # rich would cost `--help` a tenth of a second
    "pretty_exceptions_enable": False,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One command: where its function is (`module:name`), and one line about it."""

    place: str
    summary: str


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Commands under one word."""

    summary: str
    rows: Mapping[str, Row]


def command(*, examples: str = "") -> Callable[[Callable[[Options], int]], Callable[..., int]]:
    """Make a Typer callback of a function that takes one dataclass and gives an exit code."""

    def dress(run: Callable[[Options], int]) -> Callable[..., int]:
        (shape,) = (v for k, v in typing.get_type_hints(run).items() if k != "return")
        hints = typing.get_type_hints(shape, include_extras=True)
        parameters = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty
                if field.default is dataclasses.MISSING
                else field.default,
                annotation=hints[field.name],
            )
            for field in dataclasses.fields(shape)
        ]

        def call(**given: Any) -> int:
            return run(shape(**given))

        call.__doc__ = run.__doc__
        call.__annotations__ = {**hints, "return": int}
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.examples = examples  # type: ignore[attr-defined]
        return call

    return dress


class Light(TyperCommand):
    """A command whose words are read by hand."""

    context_class = Page

    def get_params(self, ctx: Any) -> Any:
        """Its options and arguments, the help option among them."""
        return lighten(super().get_params(ctx))


def build(name: str, function: Callable[..., int]) -> Any:
    """The parser of one command."""
    app = typer.Typer(**_PLAIN)
    app.command(name, cls=Light, epilog=_epilog(getattr(function, "examples", "")))(function)
    return get_command(app)


class Lazy(TyperGroup):
    """A group that knows its commands by name and line, and loads one at a time."""

    context_class = Page
    rows: Mapping[str, Row | Group] = {}

    def get_params(self, ctx: Any) -> Any:
        """Its options and arguments, the help option among them."""
        return lighten(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the table's order."""
        return list(self.rows)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The parser of one, its module imported now; None where there is none."""
        row = self.rows.get(cmd_name)
        if row is None:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name, row)
        return self.commands[cmd_name]

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What a shell may go on with."""
        return _begun(self.rows, incomplete) or super().shell_complete(ctx, incomplete)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called; a usage error names the nearest."""
        if args and args[0] not in self.rows and not args[0].startswith("-"):
            ctx.fail(_no_such(args[0], self.rows))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list on its help page."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.summary) for name, row in self.rows.items()])


def build_group(
    rows: Mapping[str, Row | Group], summary: str, callback: Callable[..., None], epilog: str = ""
) -> Any:
    """The parser of a group; its commands' modules are imported when one is called."""
    shape = type("Lazy", (Lazy,), {"rows": rows})
    app = typer.Typer(cls=shape, invoke_without_command=True, epilog=_epilog(epilog), **_PLAIN)
    app.callback(help=summary)(callback)
    return get_command(app)


def _load(name: str, row: Row | Group) -> Any:
    if isinstance(row, Group):
        return build_group(row.rows, row.summary, _help_alone)
    module, _, attribute = row.place.partition(":")
    return build(name, getattr(import_module(module), attribute))


def _begun(rows: Mapping[str, Row | Group], incomplete: str) -> list[Any]:
    """The commands that begin so, as a shell completes them: none of them is loaded for it."""
    from typer._click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in rows if name.startswith(incomplete)]


def _help_alone(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _no_such(word: str, rows: Mapping[str, Row | Group]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, rows, 1, 0.5)
    better = f"did you mean {near[0]}?" if near else f"there are {', '.join(rows)}."
    return f"There is no command {word!r}: {better}"


def _epilog(examples: str) -> str | None:
    """Examples at the end of a help page, one a line; click would fold them otherwise."""
    if not examples:
        return None
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines())
