"""`/upstreams`: whom images are bought from, for an administrator. Changes hold from the next call
on, and stand in `config.toml`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from starlette.responses import JSONResponse, Response

from pisang.client.shapes import error_json
from pisang.client.upstream_edit import (
    change_entry,
    end_of_key,
    find_entry,
    make_entry,
    remove_entry,
    save_entry,
)
from pisang.client.upstreams import describe, resolve
from pisang.domain.request import JSON
from pisang.engine.probe import Probe
from pisang.errors import ConfigError
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.granted import (
    Tested,
    Upstream,
    UpstreamGone,
    Upstreams,
    UpstreamWish,
)
from pisang.gateway.management.saying import body_of, read_said
from pisang.gateway.management.shapes import MISSING

router = APIRouter(tags=["upstreams"])

Name = Annotated[str, InPath(max_length=40, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]

_SHOWN = ("name", "preset", "wire", "base_url", "auth", "models", "default")


@router.get("/upstreams", responses={200: {"model": Upstreams}}, response_class=Response)
async def list_(desk: At) -> Response:
    """The upstreams that `via` may name, and how each is."""
    told = await desk.ask(lambda: [_told(name, desk) for name in desk.settings.upstreams])
    return JSONResponse({"upstreams": told})


@router.get(
    "/upstreams/{name}", responses={200: {"model": Upstream}, **MISSING}, response_class=Response
)
async def show(name: Name, desk: At) -> Response:
    """One of them."""
    find_entry(name, desk.settings)
    return JSONResponse(await desk.ask(lambda: _told(name, desk)))


@router.put(
    "/upstreams/{name}",
    responses={200: {"model": Upstream}},
    response_class=Response,
    openapi_extra=body_of(UpstreamWish),
)
async def put(name: Name, desk: At) -> Response:
    """Add an upstream, or say it anew. Its key is kept, and never told again but for its end.

    One that is pointed at another address forgets the key it had.
    """
    said = (await read_said(desk, UpstreamWish)).model_dump(exclude_unset=True)
    return await _save(name, said, desk, anew=True)


@router.patch(
    "/upstreams/{name}",
    responses={200: {"model": Upstream}, **MISSING},
    response_class=Response,
    openapi_extra=body_of(UpstreamWish),
)
async def change(name: Name, desk: At) -> Response:
    """Change what is given of an upstream; null takes a setting away."""
    said = (await read_said(desk, UpstreamWish)).model_dump(exclude_unset=True)
    return await _save(name, said, desk, anew=False)


async def _save(name: str, said: dict[str, JSON], desk: Desk, *, anew: bool) -> Response:
    key = said.pop("key", None)
    limits = said.get("limits")
    if limits is not None:
        said["limits"] = {one: value for one, value in limits.items() if value is not None}
    make = make_entry if anew else change_entry

    def write() -> None:
        save_entry(make(name, said, desk.settings), key, desk.settings)

    await desk.ask(write)
    await desk.reload()
    return JSONResponse(await desk.ask(lambda: _told(name, desk)))


@router.delete(
    "/upstreams/{name}",
    responses={200: {"model": UpstreamGone}, **MISSING},
    response_class=Response,
)
async def delete(name: Name, desk: At) -> Response:
    """Forget an upstream, and its key. What is under way there is seen through."""
    await desk.ask(lambda: remove_entry(name, desk.settings))
    await desk.reload()
    return JSONResponse({"removed": name})


@router.post(
    "/upstreams/{name}/test",
    responses={200: {"model": Tested}, **MISSING},
    response_class=Response,
)
async def test(name: Name, desk: At) -> Response:
    """One free call: is it there, is the key good? Never a billable one."""
    find_entry(name, desk.settings)
    try:
        upstream = await desk.ask(lambda: resolve(desk.settings, name))
        found = await desk.engine.probe(upstream)
    except ConfigError as error:
        found = Probe(name, 0, False, error=error)
    return JSONResponse(
        {
            "upstream": name,
            "ok": found.error is None,
            "key_tested": found.key_tested,
            "elapsed_ms": found.elapsed_ms,
            "models": list(found.models),
            "error": error_json(found.error, desk.language) if found.error else None,
        }
    )


def _told(name: str, desk: Desk) -> dict[str, JSON]:
    settings = desk.settings
    facts = describe(name, settings)
    entry = settings.upstreams[name]
    limits = entry.limits
    standing = desk.service.router.standings().get(name)
    return {
        **{one: facts[one] for one in _SHOWN},
        "key": end_of_key(name, settings),
        "priority": entry.priority,
        "weight": entry.weight,
        "limits": None
        if limits is None
        else {
            "concurrency": limits.concurrency,
            "interval_ms": limits.interval_ms,
            "rpm": limits.rpm,
        },
        "standing": standing.value if standing is not None else "open",
    }
