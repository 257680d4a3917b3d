"""`pisang skill`: teach an agent to use this command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.errors import OptionInvalid

EXAMPLES = """\
pisang skill install
pisang skill install --claude --project
pisang skill install --path ~/my-agent/skills
pisang skill install --as ikunimage --force
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Install(Told):
    """The arguments of `skill install`."""

    claude: Annotated[bool, typer.Option("--claude", help="For Claude Code.")] = False
    codex: Annotated[bool, typer.Option("--codex", help="For Codex.")] = False
    agents: Annotated[
        bool, typer.Option("--agents", help="For agents that read .agents/skills.")
    ] = False
    path: Annotated[
        str | None,
        typer.Option("--path", metavar="DIR", help="Into another folder of skills."),
    ] = None
    project: Annotated[
        bool, typer.Option("--project/--user", help="For this folder only, or for you everywhere.")
    ] = False
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="Under another name, such as ikunimage.")
    ] = "pisang"
    force: Annotated[
        bool, typer.Option("--force", help="Move aside what lies there and is not ours.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Told):
    """The arguments of `skill show`."""

    file: Annotated[
        str, typer.Argument(metavar="FILE", help="One of its files (default: SKILL.md).")
    ] = "SKILL.md"


@command(examples=EXAMPLES)
def install(asked: Install) -> int:
    """Write the skill that teaches an agent to use this command, as this version has it.

    Without an option it goes to every agent whose folder is there (~/.claude, ~/.codex, ~/.agents).
    Run it again after an upgrade. A skill that is not ours is never overwritten.
    """
    from pisang.cli.skill import places

    screen = Screen.of(asked.format)
    name = places.check_name(asked.name)
    chosen = [one for one in places.AGENTS if getattr(asked, one)]
    if chosen and asked.path is not None:
        raise OptionInvalid(option="--path", value=asked.path, why=f"--{chosen[0]} is given too")
    done = [
        places.install(folder, name, force=asked.force or name != "pisang")
        for folder in places.folders(chosen, asked.path, project=asked.project)
    ]
    rows = [{"path": str(one.folder), "before": str(one.before) if one.before else None}
            for one in done]  # fmt: skip
    screen.data({"installed": rows})
    for one in done:
        screen.bare(str(one.folder))
        screen.line(f"{screen.lead('installed', '已安装')}{one.folder}")
        if one.before is not None:
            said = screen.pick(
                f"What was there is kept: mv {one.before} {one.folder} takes it back.",
                f"原有内容已保留，可恢复：mv {one.before} {one.folder}",
            )
            screen.note(said)
    return 0


@command(examples="pisang skill show\npisang skill show references/requests.md")
def show(asked: Show) -> int:
    """Print the skill as `pisang skill install` would write it."""
    from pisang.cli.skill.text import skill_files

    files = skill_files()
    if asked.file not in files:
        why = f"there are {', '.join(files)}"
        raise OptionInvalid(option="FILE", value=asked.file, why=why)
    screen = Screen.of(asked.format)
    screen.data({"file": asked.file, "text": files[asked.file]})
    if screen.format != "json":
        print(files[asked.file], end="")  # noqa: T201 - the file itself, not a line about it
    return 0
