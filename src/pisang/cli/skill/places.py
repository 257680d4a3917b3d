"""Where agents look for skills, and a skill put there without anybody's file being lost."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pisang.cli.skill.text import MARK, skill_files
from pisang.client.files import reason_of
from pisang.errors import OptionInvalid, OutputExists, OutputUnwritable

AGENTS: Mapping[str, str] = {"claude": ".claude", "codex": ".codex", "agents": ".agents"}
"""The folder that each agent keeps in a home and in a project; skills lie in `skills/` below it.
`.agents` is what agents of any vendor may read (agentskills.io, 2026)."""

_NAME = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_FORBIDDEN = ("anthropic", "claude")


@dataclass(frozen=True, slots=True)
class Installed:
    """A skill that was put in `folder`; what lay there before lies in `before` now."""

    folder: Path
    before: Path | None = None


def check_name(name: str) -> str:
    """A skill's name as the specification has it. Raises `OptionInvalid`."""
    if not _NAME.fullmatch(name) or any(word in name for word in _FORBIDDEN):
        why = "a skill's name is 1 to 64 of a-z, 0-9 and single hyphens, and no vendor's"
        raise OptionInvalid(option="--as", value=name, why=why)
    return name


def folders(agents: list[str], path: str | None, *, project: bool) -> list[Path]:
    """The skills' folders to install into: those of the agents named; of those that are there
    where none is; `.agents` where none of them is."""
    if path is not None:
        return [Path(path).expanduser()]
    base = Path.cwd() if project else Path.home()
    chosen = agents or [one for one in AGENTS if (base / AGENTS[one]).is_dir()] or ["agents"]
    return [base / AGENTS[one] / "skills" for one in chosen]


def install(folder: Path, name: str, *, force: bool) -> Installed:
    """Put the skill into `folder/name`. A skill of ours is renewed; what is somebody's own is
    moved aside with `force`, and left alone without.

    Raises `OutputExists`, `OutputUnwritable`.
    """
    target = folder / name
    before = None
    try:
        if os.path.lexists(target) and not _is_ours(target):
            if not force:
                raise OutputExists(path=str(target))
            at = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
            before = target.with_name(f"{name}.before-{at}")
            target.rename(before)
        for path, text in skill_files(name).items():
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    except OSError as error:
        raise OutputUnwritable(path=str(target), why=reason_of(error)) from error
    return Installed(target, before)


def _is_ours(folder: Path) -> bool:
    skill = folder / "SKILL.md"
    return skill.is_file() and MARK in skill.read_text("utf-8", "replace")
