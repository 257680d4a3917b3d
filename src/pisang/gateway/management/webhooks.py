"""`/webhooks`: who was told of what, and telling it again."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from pisang.domain.ledger import Telling
from pisang.domain.request import JSON
from pisang.errors import NotFound
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.granted import Webhook, Webhooks
from pisang.gateway.management.shapes import MISSING
from pisang.gateway.webhooks import telling_json
from pisang.transport.guard import printable

router = APIRouter(tags=["webhooks"])


@router.get("/webhooks", responses={200: {"model": Webhooks}}, response_class=Response)
async def list_(
    desk: At,
    state: Annotated[Literal["waiting", "delivered", "given_up"], Query()] = "given_up",
) -> Response:
    """The newest that are in a state, those of your own requests; an admin sees all."""
    rows = await desk.ask(lambda: desk.store.webhooks.of_state(state, desk.sees))
    return JSONResponse({"webhooks": [_told(row) for row in rows]})


@router.get(
    "/requests/{request_id}/webhooks",
    responses={200: {"model": Webhooks}, **MISSING},
    response_class=Response,
)
async def of_request(request_id: str, desk: At) -> Response:
    """Who is told that this request is over, and how far that is."""
    row = await desk.request(request_id)
    rows = await desk.ask(lambda: desk.store.webhooks.of_request(row.id))
    return JSONResponse({"webhooks": [_told(one) for one in rows]})


@router.post(
    "/webhooks/{hook_id}/resend",
    responses={200: {"model": Webhook}, **MISSING},
    response_class=Response,
)
async def resend(hook_id: str, desk: At) -> Response:
    """Tell it again, from the first try on, as its request stands now. Its `webhook-id` stays."""
    await _find(hook_id, desk)
    await desk.ask(lambda: desk.store.webhooks.again(hook_id).result())
    return JSONResponse(_told(await _find(hook_id, desk)))


async def _find(hook_id: str, desk: Desk) -> Telling:
    """That telling of his. Raises `NotFound`."""
    telling = await desk.ask(lambda: desk.store.webhooks.get(hook_id))
    if desk.sees is not None:
        try:
            if telling.request_id is None:
                raise NotFound(what="webhook", id=hook_id)
            await desk.request(telling.request_id)
        except NotFound:
            raise NotFound(what="webhook", id=hook_id) from None
    return telling


def _told(telling: Telling) -> dict[str, JSON]:
    return dict(telling_json(telling, printable(telling.hook.url)))
