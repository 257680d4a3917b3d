"""`pisang doctor`: is everything here that should be, and is it well? Offline by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.cli.checks import Check

EXAMPLES = """\
pisang doctor
pisang doctor --live
pisang doctor --live --pay --yes
pisang doctor --deep
pisang doctor --format json
"""

_MARKS = {"good": "✓", "note": "·", "look": "!", "bad": "✗"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor(Told):
    """The arguments of `doctor`."""

    live: Annotated[
        bool,
        typer.Option("--live", help="Ask each upstream too: one free call each."),
    ] = False
    pay: Annotated[
        bool, typer.Option("--pay", help="With --live: buy one image, the cheapest, from each.")
    ] = False
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before paying.")] = False
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read and hash every content that is kept in a bucket too."),
    ] = False


@command(examples=EXAMPLES)
def doctor(asked: Doctor) -> int:
    """Check Python, the optional parts, the home and its disk, the ledger and every image's bytes,
    the settings, proxies, the clock, and whether each upstream has a key. Nothing is sent without
    `--live`. Behind each finding stands what to do.

    Exit code 0 when nothing must be put right, 3 otherwise.
    """
    from pisang.cli.checks import all_checks
    from pisang.errors import OptionInvalid

    if asked.pay and not asked.live:
        raise OptionInvalid(option="--pay", value="", why="it goes with --live")
    screen = Screen.of(asked.format)
    found = all_checks(deep=asked.deep)
    if asked.live:
        found += _live(asked, screen)
    bad = [one for one in found if one.state == "bad"]
    screen.data({"ok": not bad, "checks": [_row(one) for one in found]})
    for one in found:
        _tell(one, screen)
    for one in bad:
        screen.bare(one.name)
    return 3 if bad else 0


def _live(asked: Doctor, screen: Screen) -> list[Check]:
    from pisang.cli.live import live_checks, paid_checks
    from pisang.client.loading import load_settings
    from pisang.errors import SettingsMalformed

    try:
        settings = load_settings()
    except SettingsMalformed:  # told already
        return []
    return [
        *live_checks(settings),
        *(paid_checks(settings, screen, yes=asked.yes) if asked.pay else ()),
    ]


def _row(one: Check) -> dict[str, str | None]:
    return {"name": one.name, "state": one.state, "message": one.message, "todo": one.todo}


def _tell(one: Check, screen: Screen) -> None:
    from pisang.errors.chinese import in_chinese

    message = screen.pick(one.message, in_chinese(one.message))
    screen.line(f"{_MARKS[one.state]} {one.name}: {message}")
    if one.todo:
        screen.line(f"    → {one.todo}")
