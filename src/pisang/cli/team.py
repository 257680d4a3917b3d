"""`pisang team`: keys of a gateway's callers that share a cap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pisang.cli.budget import standing_lines
from pisang.cli.frame import command
from pisang.cli.key import read_keys, with_store
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import align

if TYPE_CHECKING:
    from pisang.domain.access import GatewayKey


@command(examples="pisang key create --name alice --team red\npisang budget set team:red 200USD")
def list_(asked: Told) -> int:
    """Every team: its keys that are taken, and how its caps stand.

    A key joins one when it is made (`pisang key create --team`); `pisang budget set team:NAME` caps
    what they spend together.
    """
    from pisang.client.costs import standing_json

    screen = Screen.of(asked.format)
    keys, standings, teams = with_store(
        lambda store: (*read_keys(store), store.gateway_keys.teams())
    )
    declared = {team.name: team.declared for team in teams}
    capped = [one for one in standings if one.budget.scope.startswith("team:")]
    named = {key.team for key in keys if key.team}
    names = sorted(named | declared.keys() | {one.budget.scope.partition(":")[2] for one in capped})
    rows = []
    for name in names:
        own = [one for one in capped if one.budget.scope == f"team:{name}"]
        members = [{"id": key.id, "name": key.name} for key in _taken(keys, name)]
        rows.append(
            {
                "name": name,
                "declared": declared.get(name, False),
                "keys": members,
                "budgets": list(map(standing_json, own)),
            }
        )
        screen.bare(name)
    screen.data({"teams": rows})
    for line in align([_cells(name, _taken(keys, name), screen) for name in names]):
        screen.line(line)
    for line in standing_lines(capped, screen):
        screen.line(line)
    if not names:
        hint = "pisang key create --name NAME --team TEAM"
        screen.note(screen.pick(f"There is no team: {hint}", f"还没有团队：{hint}"))
    return 0


def _taken(keys: Sequence[GatewayKey], team: str) -> list[GatewayKey]:
    """The keys of a team that a gateway takes."""
    from pisang.engine.world import now_ms

    return [key for key in keys if key.team == team and key.standing(now_ms()) == "live"]


def _cells(name: str, keys: Sequence[GatewayKey], screen: Screen) -> tuple[str, ...]:
    many = "key" if len(keys) == 1 else "keys"
    count = screen.pick(f"{len(keys)} {many}", f"{len(keys)} 个密钥")
    return name, count, screen.pick(", ", "，").join(key.name for key in keys)
