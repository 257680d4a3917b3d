"""The skill's files, filled in from what is installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import resources

from pisang.cli.commands import COMMANDS
from pisang.domain.catalogue import load
from pisang.domain.model import Model
from pisang.domain.version import VERSION

NAME = "pisang"
MARK = "generated-by: pisang skill install"
"""Stands in a SKILL.md that was made here; one without it is somebody's own."""

_FILES: Mapping[str, str] = {
    "SKILL.md": "SKILL.md",
    "references/models.md": "models.md",
    "references/requests.md": "requests.md",
    "scripts/pisang_run.py": "pisang_run.py",
}
"""Where a file goes in the skill's folder, and its template here."""

_EXITS: Mapping[int, str] = {
    0: "the picture is there",
    1: "unexpected: report it to the user as it stands",
    2: "the words are wrong (a ratio, size, file or option): mend them and ask again; free",
    3: "set-up: an upstream, key or right is missing: the user runs `pisang setup`",
    4: "refused by the provider's policy: reword it once, gently, or tell the user",
    5: "no picture and nothing unknown (busy, unreachable, only words): may be tried again later",
    6: "a budget, the balance or a cap: ask the user",
    7: "**outcome unknown**, maybe charged: do not repeat it; tell the user the amount",
    8: "partial: some pictures came, or one is not what was asked for",
    9: "still being made: `pisang wait`",
    130: "cancelled",
}


def skill_files(name: str = NAME) -> dict[str, str]:
    """The whole skill: texts by their path in its folder, which must be called `name`."""
    words: Mapping[str, Callable[[], str]] = {
        "name": lambda: name,
        "version": lambda: VERSION,
        "date": lambda: load().date,
        "shapes": _shapes,
        "exit_codes": _exit_codes,
        "batch": _batch,
        "models": _models,
        "pixels": _pixels,
    }
    here = resources.files(__package__)
    return {
        path: re.sub(
            r"\{\{(\w+)\}\}",
            lambda found: words[found[1]](),
            here.joinpath(template).read_text("utf-8"),
        )
        for path, template in _FILES.items()
    }


def _shapes() -> str:
    """Ratios and sizes that every current model knows, and what only some know."""
    current = [model for model in load().models if len(model.sizes) > 1]
    common = [one for one in current[0].ratios if all(one in model.ratios for model in current)]
    sizes = max((model.sizes for model in current), key=len)
    return (
        f"`--aspect-ratio` (`-r`): {', '.join(common)}. `--image-size` (`-s`): {', '.join(sizes)}; "
        "not every model has every size, and a wrong one is refused before anything is paid."
    )


def _batch() -> str:
    """What this version has for many at once."""
    if "batch" not in COMMANDS:
        return ""
    return "For more prompts than that: a file, one a line, and `pisang batch run FILE`."


def _exit_codes() -> str:
    rows = [f"| {code} | {meaning} |" for code, meaning in _EXITS.items()]
    return "\n".join(["| code | what it means for you |", "|---|---|", *rows])


def _models() -> str:
    rows = ["| model | ids | ratios | sizes | list price |", "|---|---|---|---|---|"]
    for model in load().models:
        ids = ", ".join(f"`{one}`" for one in (model.id, *(old.id for old in model.retired)))
        prices = ", ".join(f"{size} {row.price}" for size, row in model.prices.items()) or "—"
        rows.append(
            f"| {model.name} | {ids} | {', '.join(model.ratios)} "
            f"| {', '.join(model.sizes)} | {prices} |"
        )
    return "\n".join(rows) + "\n"


def _pixels() -> str:
    return "\n".join(_pixels_of(model) for model in load().models if model.tables)


def _pixels_of(model: Model) -> str:
    table = next(iter(model.tables.values()))
    rows = [f"## {model.name}, pixels", "", f"| ratio | {' | '.join(model.sizes)} |"]
    rows.append("|---|" + "---|" * len(model.sizes))
    for ratio in model.ratios:
        shapes = [table.get((ratio, size)) for size in model.sizes]
        cells = [f"{shape[0]}×{shape[1]}" if shape else "—" for shape in shapes]
        rows.append(f"| {ratio} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"
