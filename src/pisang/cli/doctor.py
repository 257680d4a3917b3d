"""`pisang doctor`: is everything here that should be, and is it well? Offline and free."""

from __future__ import annotations

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen


@command(examples="pisang doctor\npisang doctor --format json")
def doctor(asked: Told) -> int:
    """Check Python, the optional parts, the home and its disk, the ledger and every image's bytes,
    the settings, and whether each upstream has a key. Nothing is sent.

    Exit code 0 when all is well, 3 when something must be put right.
    """
    from pisang.cli.checks import all_checks

    screen = Screen.of(asked.format)
    found = all_checks()
    bad = [one for one in found if one.state == "bad"]
    screen.data(
        {
            "ok": not bad,
            "checks": [
                {"name": one.name, "state": one.state, "message": one.message} for one in found
            ],
        }
    )
    for one in found:
        mark = {"good": "✓", "note": "·", "bad": "✗"}[one.state]
        screen.line(f"{mark} {one.name}: {one.message}")
    for one in bad:
        screen.bare(one.name)
    return 3 if bad else 0
