"""`/generations`: ask for images, now or for later; see where one stands."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from pisang.engine.ids import new_id
from pisang.gateway.management.answers import progress_json
from pisang.gateway.management.asking import compose, read_wanted
from pisang.gateway.management.carrying import Awaited, Carry, Work, carry_out, promise
from pisang.gateway.management.desk import At, Desk, pause
from pisang.gateway.management.shapes import (
    MISSING,
    SCHEMAS,
    Failed,
    Progress,
    Responses,
    Result,
)
from pisang.gateway.visits import Visit

router = APIRouter(tags=["generations"])

MAX_WAIT_S = 50
"""nginx gives up after 60 s without a byte."""

LOOK_EVERY_S = 0.5

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{SCHEMAS}Generation"}}},
    }
}

_ACCEPTED: dict[str, Any] = {
    "model": Progress,
    "description": "Under way (`Prefer: respond-async`).",
}
PAID: Responses = {
    200: {"model": Result},
    202: {"model": Progress, "description": "Under way (`Prefer: respond-async`)."},
    424: {"model": Failed, "description": "It may have been paid for; see `error.at_stake`."},
    "default": {"model": Failed, "description": "See docs/errors.md: each error has its status."},
}


@router.post("/generations", responses=PAID, openapi_extra=_BODY, response_class=Response)
async def generate(desk: At) -> Response:
    """Make images, or change one.

    The answer comes when they are made, kept alive with line breaks where that takes minutes;
    with `Prefer: respond-async` an id comes at once. `Idempotency-Key` makes a repeat safe;
    `X-Pisang-Retry-Unknown: 1` buys again what is unknown under it, `X-Pisang-New: 1` buys anew
    what would be joined. Who is cut and asks the same again is given what he asked for.
    """
    wanted = await read_wanted(desk)
    key = desk.visit.headers.get("idempotency-key")
    if key is None and wants_later(desk.visit):
        key = new_id("key")  # so that it has one id, whichever upstream makes it in the end
    orders = await compose(wanted, desk, key=key)
    return await answer(partial(carry_out, orders, desk), desk)


async def answer(carry: Carry, desk: Desk) -> Response:
    """Start paid work, and answer as its caller prefers."""
    work = Work(carry, desk)
    return await promise(work) if wants_later(desk.visit) else Awaited(work)


def wants_later(visit: Visit) -> bool:
    """Whether he prefers an id now to images later (RFC 7240)."""
    said = visit.headers.get("prefer", "").lower()
    return any(one.split(";")[0].strip() == "respond-async" for one in said.split(","))


@router.get(
    "/generations/{request_id}",
    responses={200: {"model": Progress}, **MISSING},
    response_class=Response,
)
async def see(
    request_id: str,
    desk: At,
    wait_s: Annotated[
        float, Query(ge=0, le=MAX_WAIT_S, description="Wait so long for its end.")
    ] = 0,
) -> Response:
    """Where a generation stands; its result, or its error, once it is over."""
    await desk.request(request_id)
    until = monotonic() + wait_s
    under_way = await desk.under_way(request_id)
    while under_way and monotonic() < until:
        await pause(request_id, desk, min(LOOK_EVERY_S, until - monotonic()))
        under_way = await desk.under_way(request_id)
    result = await desk.result(request_id)
    stopped = desk.works.error(request_id)
    told = progress_json(result, under_way=under_way, language=desk.language, stopped=stopped)
    return JSONResponse(told)
