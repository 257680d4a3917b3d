"""`/teams`: keys that share a cap."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from pisang.client.costs import standing_json
from pisang.client.granting import caps_of, check_name, hook_json, refuse_declared, write_caps
from pisang.domain.access import Team as TeamRow
from pisang.domain.access import is_cap_of_caller
from pisang.domain.request import JSON
from pisang.engine.world import now_ms
from pisang.errors import NotFound
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.granted import Team, TeamGone, Teams, TeamWish
from pisang.gateway.management.saying import as_fields, body_of, hook_of, read_said
from pisang.gateway.management.shapes import MISSING
from pisang.store.store import Store

router = APIRouter(tags=["teams"])


@router.get("/teams", responses={200: {"model": Teams}}, response_class=Response)
async def list_(desk: At) -> Response:
    """Every team: its keys that are taken, and how its caps stand. A key names its own."""
    return JSONResponse({"teams": await desk.ask(lambda: read_teams(desk.store))})


@router.get("/teams/{name}", responses={200: {"model": Team}, **MISSING}, response_class=Response)
async def show(name: str, desk: At) -> Response:
    """One team."""
    return JSONResponse(await _find(name, desk))


@router.put(
    "/teams/{name}",
    responses={200: {"model": Team}},
    response_class=Response,
    openapi_extra=body_of(TeamWish),
)
async def put(name: str, desk: At) -> Response:
    """Make a team, or say anew what its keys may spend together and who is told. One that
    `config.toml` declares is changed there."""
    wish = await read_said(desk, TeamWish)
    with as_fields():
        name = check_name("name", name)
        said = {str(period): cap for period, cap in wish.budgets.items()}
        caps = caps_of(f"team:{name}", said, wish.time_zone, desk.settings)
        team = TeamRow(name, now_ms(), hook_of(wish.webhook, desk))

    def write() -> None:
        for old in desk.store.gateway_keys.teams():
            if old.name == name:
                refuse_declared(old)
        kept = {cap.id for cap in caps}
        write_caps(desk.store, caps, _caps_of(name, desk.store) - kept)
        desk.store.gateway_keys.put_team(team).result()

    await desk.ask(write)
    return JSONResponse(await _find(name, desk))


@router.delete(
    "/teams/{name}", responses={200: {"model": TeamGone}, **MISSING}, response_class=Response
)
async def delete(name: str, desk: At) -> Response:
    """Take a team away, and revoke every key of it. One that `config.toml` declares, or that has a
    key which it declares, is taken out there."""
    await _find(name, desk)

    def remove() -> list[str]:
        keys = desk.store.gateway_keys
        for team in keys.teams():
            if team.name == name:
                refuse_declared(team)
        members = [key for key in keys.all() if key.team == name and key.revoked_ms is None]
        for key in members:
            refuse_declared(key)
        for key in members:
            keys.revoke(key.id).result()
        write_caps(desk.store, (), _caps_of(name, desk.store))
        keys.drop_team(name).result()
        return [key.id for key in members]

    return JSONResponse({"name": name, "revoked": await desk.ask(remove)})


async def _find(name: str, desk: Desk) -> dict[str, JSON]:
    for team in await desk.ask(lambda: read_teams(desk.store)):
        if team["name"] == name:
            return team
    raise NotFound(what="team", id=name[:80], hint="pisang team list")


def read_teams(store: Store) -> list[dict[str, JSON]]:
    """Every team: those that were written down, and those that only keys or caps name."""
    written = {team.name: team for team in store.gateway_keys.teams()}
    keys = [key for key in store.gateway_keys.all() if key.standing(now_ms()) == "live"]
    capped = [one for one in store.spending.standings() if one.budget.scope.startswith("team:")]
    names = {key.team for key in keys if key.team} | written.keys()
    names |= {one.budget.scope.partition(":")[2] for one in capped}
    told: list[dict[str, JSON]] = []
    for name in sorted(names):
        team = written.get(name)
        own = [standing_json(one) for one in capped if one.budget.scope == f"team:{name}"]
        told.append(
            {
                "name": name,
                "declared": team is not None and team.declared,
                "keys": [{"id": key.id, "name": key.name} for key in keys if key.team == name],
                "budgets": own,
                "webhook": hook_json(team.hook) if team is not None else None,
            }
        )
    return told


def _caps_of(name: str, store: Store) -> set[str]:
    scope = f"team:{name}"
    return {one.id for one in store.budgets() if one.scope == scope and is_cap_of_caller(one)}
