"""`/unknowns`: attempts of which nobody knows whether they were made or billed, and the exits."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from pisang.client.finding import again
from pisang.client.looking import look as look_at
from pisang.client.records import looked_json, unknown_json
from pisang.domain.attempt import State
from pisang.domain.ledger import AttemptRow
from pisang.engine.events import Listener
from pisang.engine.order import Ran
from pisang.gateway.management.answers import images_json
from pisang.gateway.management.asking import check_key
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.generations import PAID, answer
from pisang.gateway.management.shapes import MISSING, Looked, Unknowns, WrittenOff

router = APIRouter(tags=["unknowns"])


@router.get("/unknowns", responses={200: {"model": Unknowns}}, response_class=Response)
async def list_(desk: At) -> Response:
    """All of them, oldest first, with the amount at stake. Each counts as spent until resolved."""
    rows = await desk.ask(lambda: desk.store.owned.unknowns(desk.sees))
    return JSONResponse({"unknown": [unknown_json(row) for row in rows]})


@router.post(
    "/unknowns/{attempt_id}/look",
    responses={200: {"model": Looked}, **MISSING},
    response_class=Response,
)
async def look(attempt_id: str, desk: At) -> Response:
    """Try for free what may still be had: a picture that the answer named by a link, and the
    seller's own log. Nothing is bought, and nothing decided."""
    row = await desk.unknown(attempt_id)
    looked = await look_at(row, desk.engine, desk.settings)
    images = images_json(looked.result.finals) if looked.result else []
    return JSONResponse({**looked_json(looked, desk.language), "images": images})


@router.post("/unknowns/{attempt_id}/rebuy", responses=PAID | MISSING, response_class=Response)
async def rebuy(attempt_id: str, desk: At) -> Response:
    """Buy it again from the same upstream, on the record: it may then have been paid for twice.

    Asked again while it is under way, it is joined, not bought a third time. Answers as
    `POST /generations` does.
    """
    row = await desk.unknown(attempt_id)

    async def carry(listen: Listener) -> Ran:
        return await _buy_again(row, desk, listen)

    return await answer(carry, desk)


async def _buy_again(row: AttemptRow, desk: Desk, listen: Listener) -> Ran:
    order = await again(row, desk.engine, desk.settings, "gateway")
    check_key(order, desk)
    once = replace(
        order,
        idempotency_key=f"rebuy:{row.id}",
        quota=desk.caller.quota,
        hook=desk.caller.hook(desk.visit),
    )
    ran = await desk.service.router.run_one(once, desk.engine.run, listen)
    if ran.row.state is State.DONE and not ran.replayed:
        await desk.engine.resolve(row.id, State.REBOUGHT)
    return ran


@router.post(
    "/unknowns/{attempt_id}/write-off",
    responses={200: {"model": WrittenOff}, **MISSING},
    response_class=Response,
)
async def write_off(attempt_id: str, desk: At) -> Response:
    """Give it up. Its price goes on counting as spent; it is listed no more."""
    row = await desk.unknown(attempt_id)
    await desk.engine.resolve(row.id, State.WRITTEN_OFF)
    return JSONResponse({"id": row.id, "state": State.WRITTEN_OFF.value})
