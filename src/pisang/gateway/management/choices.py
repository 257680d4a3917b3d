"""`/choices`: what a caller may ask for, upstream by upstream: models, shapes, sizes, prices."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from pisang.client.wishes import MAX_N
from pisang.domain.catalogue import Catalogue, resolve
from pisang.domain.model import Model
from pisang.domain.request import JSON, Request, Text
from pisang.domain.upstream import Upstream
from pisang.errors import PisangError
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.shapes import Choices
from pisang.policy.plan import plan
from pisang.policy.price import price

router = APIRouter(tags=["generations"])


@router.get("/choices", responses={200: {"model": Choices}}, response_class=Response)
async def choices(desk: At) -> Response:
    """The upstreams that `via` may name, the default one first, and each one's models with what
    they can make and what it costs there. `why`: what keeps this key from a model."""
    return JSONResponse(await desk.ask(lambda: _choices(desk)))


def _choices(desk: Desk) -> dict[str, JSON]:
    try:
        known = desk.service.router.known()
    except PisangError:
        known = ()  # none is set up: there is nothing to choose
    upstreams: list[JSON] = [_upstream(one, desk) for one in known]
    return {"max_n": MAX_N, "default": known[0].name if known else "", "upstreams": upstreams}


def _upstream(upstream: Upstream, desk: Desk) -> dict[str, JSON]:
    catalogue = desk.engine.catalogue
    standing = desk.service.router.standings().get(upstream.name)
    ids = upstream.models or _listed(upstream, catalogue)
    default = upstream.default_model
    return {
        "name": upstream.name,
        "standing": standing.value if standing is not None else "open",
        "default_model": resolve(default, upstream, catalogue).model_id if default else None,
        "default_aspect_ratio": upstream.default_aspect_ratio,
        "default_image_size": upstream.default_image_size,
        "models": [_model(one, upstream, desk) for one in ids],
    }


def _listed(upstream: Upstream, catalogue: Catalogue) -> tuple[str, ...]:
    """The models of the catalogue that its wire speaks of, where it names none itself."""
    fits = [one for one in catalogue.models if not one.wires or upstream.wire in one.wires]
    return tuple(resolve(one.id, upstream, catalogue).model_id for one in fits)


def _model(model_id: str, upstream: Upstream, desk: Desk) -> dict[str, JSON]:
    model = desk.engine.catalogue.find(model_id, upstream.wire)
    sizes = model.sizes if model is not None else ()
    return {
        "id": model_id,
        "name": model.name if model is not None else model_id,
        "aspect_ratios": list(model.ratios) if model is not None else [],
        "image_sizes": list(sizes),
        "default_size": model.default_size if model is not None else None,
        "max_references": model.max_references if model is not None else None,
        "prices": {size: _price(model_id, size, upstream, model) for size in sizes},
        "pixels": _pixels(model_id, model),
        "why": _why(model_id, upstream, desk),
    }


def _price(model_id: str, size: str, upstream: Upstream, model: Model | None) -> JSON:
    money = price(model_id, size, upstream, model).money
    return None if money is None else {"amount": money.amount, "currency": money.currency}


def _pixels(model_id: str, model: Model | None) -> dict[str, JSON]:
    if model is None:
        return {}
    table = model.tables[model.table_for(model_id)]
    return {f"{ratio}@{size}": list(pixels) for (ratio, size), pixels in table.items()}


def _why(model_id: str, upstream: Upstream, desk: Desk) -> str | None:
    """What keeps this caller from it, in the smallest size there is; None where nothing does."""
    catalogue = desk.engine.catalogue
    model = catalogue.find(model_id, upstream.wire)
    size = model.sizes[0] if model is not None and model.sizes else None
    request = Request((Text("a"),), model=model_id, image_size=size)
    try:
        desk.caller.check(plan(request, upstream, catalogue), catalogue)
    except PisangError as error:
        return error.message(desk.language)
    return None
