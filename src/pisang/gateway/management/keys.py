"""`/keys`: who may ask, made and changed and taken back by an administrator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from pisang.client.costs import cost_json, parse_since, standing_json
from pisang.client.granting import (
    Change,
    Grant,
    change_key,
    key_json,
    make_key,
    refuse_declared,
    write_change,
    write_key,
)
from pisang.domain.access import GatewayKey
from pisang.domain.request import JSON
from pisang.engine.world import now_ms
from pisang.errors import NotFound
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.granted import Key, KeyChange, KeyMade, Keys, KeyWish
from pisang.gateway.management.saying import as_fields, body_of, hook_of, read_said
from pisang.gateway.management.shapes import MISSING
from pisang.gateway.routes import PREFIX
from pisang.store.store import Store

router = APIRouter(tags=["keys"])


@router.get("/keys", responses={200: {"model": Keys}}, response_class=Response)
async def list_(desk: At) -> Response:
    """Every key, revoked ones too: what it may, what it spent this month, how its caps stand."""
    keys = await desk.ask(desk.store.gateway_keys.all)
    tell = await desk.ask(lambda: teller(desk.store))
    return JSONResponse({"keys": [tell(key) for key in keys]})


@router.post(
    "/keys",
    status_code=201,
    responses={201: {"model": KeyMade}},
    response_class=Response,
    openapi_extra=body_of(KeyWish),
)
async def create(desk: At) -> Response:
    """Make a key. Its text is in this answer and nowhere else; it is taken at once."""
    wish = await read_said(desk, KeyWish)
    with as_fields():
        grant = Grant(
            name=wish.name,
            role=wish.role,
            team=wish.team,
            models=",".join(wish.models) or None,
            max_size=wish.max_size,
            rpm=wish.rpm,
            concurrency=wish.concurrency,
            caps={str(period): cap for period, cap in wish.budgets.items()},
            time_zone=wish.time_zone,
            expires=wish.expires,
            hook=hook_of(wish.webhook, desk),
        )
        granted = make_key(grant, desk.settings, now_ms())
        await desk.ask(lambda: write_key(desk.store, granted))
    told = await _tell(granted.key, desk)
    headers = {"location": f"{PREFIX}/keys/{granted.key.id}", "cache-control": "no-store"}
    return JSONResponse({**told, "key": granted.text.reveal()}, 201, headers)


@router.get("/keys/{key_id}", responses={200: {"model": Key}, **MISSING}, response_class=Response)
async def show(key_id: str, desk: At) -> Response:
    """One key."""
    return JSONResponse(await _tell(await _find(key_id, desk), desk))


@router.patch(
    "/keys/{key_id}",
    responses={200: {"model": Key}, **MISSING},
    response_class=Response,
    openapi_extra=body_of(KeyChange),
)
async def change(key_id: str, desk: At) -> Response:
    """Change what a key may; its text stays. Every gateway on this home goes by it within a second.

    One that `config.toml` declares is changed there.
    """
    said = await read_said(desk, KeyChange)
    key = await _find(key_id, desk)
    with as_fields():
        changed = change_key(key, _change(said, desk), desk.settings, now_ms())
        await desk.ask(lambda: write_change(desk.store, changed))
    return JSONResponse(await _tell(await _find(key_id, desk), desk))


def _change(said: KeyChange, desk: Desk) -> Change:
    given = {name: getattr(said, name) for name in said.model_fields_set}
    gone = {name for name in _LIMITS if name in given and given[name] is None}
    models = given.get("models")
    return Change(
        name=given.get("name"),
        role=given.get("role"),
        team=given.get("team"),
        models=",".join(models) if models else None,
        max_size=given.get("max_size"),
        rpm=given.get("rpm"),
        concurrency=given.get("concurrency"),
        expires=given.get("expires"),
        caps={str(period): cap for period, cap in said.budgets.items()},
        time_zone=said.time_zone,
        hook=hook_of(said.webhook, desk),
        clear=frozenset(gone | ({"models"} if models == [] else set())),
    )


_LIMITS = ("team", "models", "max_size", "rpm", "concurrency", "expires", "webhook")


@router.delete(
    "/keys/{key_id}", responses={200: {"model": Key}, **MISSING}, response_class=Response
)
async def revoke(key_id: str, desk: At) -> Response:
    """Take a key back for good; what it asked for before is seen through. One that `config.toml`
    declares is taken out there."""
    key = await _find(key_id, desk)
    refuse_declared(key)
    await desk.ask(lambda: desk.store.gateway_keys.revoke(key.id).result())
    return JSONResponse(await _tell(await _find(key_id, desk), desk))


async def _find(key_id: str, desk: Desk) -> GatewayKey:
    key = await desk.ask(lambda: desk.store.gateway_keys.get(key_id))
    if key is None:
        raise NotFound(what="key", id=key_id[:80], hint="pisang key list")
    return key


async def _tell(key: GatewayKey, desk: Desk) -> dict[str, JSON]:
    return await desk.ask(lambda: teller(desk.store, key.id)(key))


def teller(store: Store, key_id: str | None = None) -> Callable[[GatewayKey], dict[str, JSON]]:
    """Tells keys (or that one) with what they spent this month and how their caps stand."""
    since_ms = parse_since("month", datetime.now().astimezone())
    costs = store.spending.costs("key", since_ms, scope=key_id)
    standings = store.spending.standings(key_id)

    def tell(key: GatewayKey) -> dict[str, JSON]:
        own = [standing_json(one) for one in standings if one.budget.scope == f"key:{key.id}"]
        used = [cost_json(one) for one in costs if one.name == key.id]
        return {**key_json(key, now_ms()), "budgets": own, "this_month": used}

    return tell
