"""Every command, where it is, and one line about it."""

from __future__ import annotations

from typing import Any

import typer

from pisang.cli.frame import Group, Row, build_group

COMMANDS: dict[str, Row | Group] = {
    "try": Row("pisang.cli.trial:try_it", "Paint one picture offline; how to use a real key."),
    "generate": Row("pisang.cli.generate:generate", "Make images from words."),
    "edit": Row("pisang.cli.edit:edit", "Change an image: a file, an id, or `last`."),
    "wait": Row("pisang.cli.wait:wait", "The images of a request that is under way."),
    "setup": Row("pisang.cli.setup:setup", "From a key to a first image: choose, check, default."),
    "history": Row("pisang.cli.history:history", "What was asked for, newest first."),
    "show": Row("pisang.cli.show:show", "One request or image: attempts, cost, lineage."),
    "models": Row("pisang.cli.models:models", "Models, their ratios, sizes, prices, sources."),
    "cost": Row("pisang.cli.cost:cost", "What was spent, and what may have been."),
    "budget": Group(
        "Caps on what is spent, and what currencies are worth.",
        {
            "set": Row("pisang.cli.budget:set_", "Set a cap: a day, a month, or in all."),
            "list": Row("pisang.cli.budget:list_", "Every cap: spent, held, left."),
            "remove": Row("pisang.cli.budget:remove", "Take a cap away."),
            "rate": Row("pisang.cli.budget:rate", "What another currency is worth."),
            "currency": Row("pisang.cli.budget:currency", "The currency that caps count in."),
        },
    ),
    "unknown": Group(
        "Attempts that may have been billed for nothing, and what to do.",
        {
            "list": Row("pisang.cli.unknown:list_", "All of them, with the amount at stake."),
            "look": Row("pisang.cli.unknown:look", "Everything that is known of one."),
            "rebuy": Row("pisang.cli.unknown:rebuy", "Buy it again, on the record."),
            "write-off": Row("pisang.cli.unknown:write_off", "Give it up: it counts as spent."),
        },
    ),
    "upstream": Group(
        "The gateways that images are bought from.",
        {
            "add": Row("pisang.cli.upstream:add", "Add one, by preset or by hand."),
            "list": Row("pisang.cli.upstream:list_", "Those configured, and the presets."),
            "test": Row("pisang.cli.upstream:test", "One free call: is it there, is the key good?"),
            "key": Row("pisang.cli.upstream:key", "Replace its key."),
            "price": Row("pisang.cli.prices:price", "What an image costs there: list, set."),
            "sync": Row("pisang.cli.prices:sync", "Read the prices that a relay publishes."),
            "default": Row("pisang.cli.upstream:default", "Which is used when none is named."),
            "export": Row("pisang.cli.importing:export", "Write them as TOML, without keys."),
            "import": Row("pisang.cli.importing:import_", "Add those of such a file."),
            "remove": Row("pisang.cli.upstream:remove", "Forget one, and its key."),
        },
    ),
    "import": Group(
        "Take over what other tools were set up with.",
        {"ikunimage": Row("pisang.cli.importing:ikunimage", "IKunImage's key, for its relay.")},
    ),
    "batch": Group(
        "Many pictures from a list, each bought once.",
        {
            "run": Row("pisang.cli.batch.commands:run", "Make every picture of a list."),
            "resume": Row("pisang.cli.batch.commands:resume", "Go on with one, to its end."),
            "status": Row("pisang.cli.batch.commands:status", "How one stands."),
            "list": Row("pisang.cli.batch.commands:list_", "Batches, newest first."),
            "retry": Row("pisang.cli.batch.commands:retry", "Try its failed rows again."),
            "cancel": Row("pisang.cli.batch.commands:cancel", "Begin nothing more of one."),
            "export": Row("pisang.cli.batch.commands:export", "Every row's outcome, as JSONL."),
        },
    ),
    "skill": Group(
        "The skill that teaches an agent to use this command.",
        {
            "install": Row("pisang.cli.skill.commands:install", "Write it where agents look."),
            "show": Row("pisang.cli.skill.commands:show", "Print it."),
        },
    ),
    "mcp": Row("pisang.cli.mcp:mcp", "Tools for agents, by the Model Context Protocol."),
    "serve": Row("pisang.cli.serve:serve", "A gateway for every client, over your upstreams."),
    "studio": Row("pisang.cli.studio:studio", "The studio in your browser: compose, watch, keep."),
    "worker": Row("pisang.cli.worker:worker", "Do the jobs of batches, beside whoever else does."),
    "key": Group(
        "Keys for callers of your gateway.",
        {
            "create": Row("pisang.cli.key:create", "Make one: role, models, size, pace, budget."),
            "list": Row("pisang.cli.key:list_", "Every key: what it may, what it spent."),
            "edit": Row("pisang.cli.key:edit", "Change what one may: models, pace, budget, time."),
            "text": Row("pisang.cli.key:text", "A fresh text, for a key that settings declare."),
            "revoke": Row("pisang.cli.key:revoke", "Take one back, at once and for good."),
        },
    ),
    "team": Group(
        "Keys that share a cap.",
        {"list": Row("pisang.cli.team:list_", "Every team: its keys, and how its caps stand.")},
    ),
    "sandbox": Row("pisang.cli.sandbox:sandbox", "Serve the offline painter to other programs."),
    "doctor": Row("pisang.cli.doctor:doctor", "Check the home, settings, keys and parts; offline."),
    "store": Group(
        "Backups of all that is kept here, and moving it.",
        {
            "backup": Row("pisang.cli.store:backup", "Save the ledger and the images, while used."),
            "restore": Row("pisang.cli.store:restore", "Make a home again from a backup."),
            "verify": Row("pisang.cli.store:verify", "Restore a backup for a trial; is it good?"),
            "move": Row("pisang.cli.moving:move", "Into a database and a bucket, nothing lost."),
        },
    ),
    "gc": Row("pisang.cli.gc:gc", "Remove what retention no longer keeps."),
    "completion": Row("pisang.cli.completion:completion", "Complete words in bash, zsh or fish."),
}

SUMMARY = """\
Make, edit and keep images from the Nano Banana models, over any gateway.

What was paid for is never lost, and never bought twice unasked.
"""

EXAMPLES = """\
pisang try
pisang generate "一只可爱的小猫咪坐在花园里，油画风格" --aspect-ratio 16:9 --image-size 2K
pisang edit last "把背景换成海边日落"
pisang setup
"""


def root() -> Any:
    """The parser of the whole command line."""
    return build_group(COMMANDS, SUMMARY, _root, EXAMPLES)


def _version(wanted: bool) -> None:
    if wanted:
        import pisang

        typer.echo(f"pisang {pisang.__version__}")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
