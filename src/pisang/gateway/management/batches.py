"""`/batches`: many wishes at once, done beside all else; how they stand, row by row."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from pisang.client.results import iso_time, result_of
from pisang.client.shapes import error_json
from pisang.domain.attempt import State
from pisang.domain.batch import Batch, BatchStatus, JobRow
from pisang.domain.request import JSON
from pisang.engine.outcome import summary
from pisang.errors import NotFound
from pisang.gateway.batching import find, write_down
from pisang.gateway.management import batched, shapes
from pisang.gateway.management.answers import json_bytes, row_json
from pisang.gateway.management.batching import given, plan_json, read_batch
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.events import HEADERS, HEARTBEAT_S, push
from pisang.gateway.management.shapes import MISSING, SCHEMAS, Failed
from pisang.gateway.routes import PREFIX
from pisang.gateway.routing import as_told
from pisang.gateway.visits import Departure

router = APIRouter(tags=["batches"])

LOOK_S = 1.0
"""How often a listener is told how a batch stands."""

MAX_LIMIT = 200

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": f"{SCHEMAS}BatchWish"}},
            "text/csv": {"schema": {"type": "string"}},
            "application/jsonl": {"schema": {"type": "string"}},
        },
    }
}

_STATUS = {200: {"model": batched.BatchStatus}, **MISSING}


@router.post(
    "/batches",
    responses={
        200: {
            "model": batched.BatchPlan,
            "description": "With `dry_run`; or it was there already.",
        },
        201: {"model": batched.BatchStatus},
        422: {"model": Failed, "description": "The key was used for another batch."},
        "default": {"model": Failed, "description": "See docs/errors.md."},
    },
    openapi_extra=_BODY,
    response_class=Response,
)
async def create(desk: At, dry_run: bool = False) -> Response:
    """Write a batch down: all rows are checked first, and what is wrong is told row by row. The
    gateway, and every `pisang worker` on its ledger, then makes them, live calls before it.

    Given again with the same `Idempotency-Key`, or equal within the hour, it is the same batch
    (`X-Pisang-Attached`); `X-Pisang-New: 1` makes another. `dry_run` says what it would be.

    The body may be a list too: CSV, JSON lines, or a JSON list of rows. What holds for all of it
    stands in the query then: `name`, `concurrency`, `every_s`, `max_cost`, `priority`, `model`,
    `aspect_ratio`, `image_size`, `via`, `system`, and for CSV `prompt`, a template with
    `{column}` in it.
    """
    asked = await read_batch(desk)
    if dry_run:
        return JSONResponse(plan_json(asked, desk))
    batch, known = await write_down(desk.store, given(asked, desk))
    headers = {"location": f"{PREFIX}/batches/{batch.id}"}
    if known:
        headers["x-pisang-attached"] = batch.id
    return JSONResponse(await _told(batch, desk), 200 if known else 201, headers)


@router.get(
    "/batches", responses={200: {"model": batched.Batches}, **MISSING}, response_class=Response
)
async def list_(
    desk: At,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
    before: Annotated[
        str | None, Query(max_length=64, description="The `next` of the page before.")
    ] = None,
) -> Response:
    """Batches, newest first."""
    first = await _batch(before, desk) if before is not None else None
    batches = desk.store.batches
    found = await desk.ask(lambda: batches.newest(desk.sees, limit=limit + 1, before=first))
    told = [await _told(one, desk) for one in found[:limit]]
    following = found[limit - 1].id if len(found) > limit else None
    return JSONResponse({"batches": told, "next": following})


@router.get("/batches/{batch_id}", responses=_STATUS, response_class=Response)
async def show(batch_id: str, desk: At) -> Response:
    """How it stands: rows by state, cost, what is at stake, how long it may take still."""
    return JSONResponse(await _told(await _batch(batch_id, desk), desk))


@router.get(
    "/batches/{batch_id}/rows",
    responses={200: {"model": batched.BatchRows}, **MISSING},
    response_class=Response,
)
async def rows(
    batch_id: str,
    desk: At,
    state: Annotated[list[shapes.State] | None, Query(description="Only of these.")] = None,
    after: Annotated[int, Query(ge=0, le=2**31, description="The `next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
) -> Response:
    """Its rows in their order, with their images."""
    batch = await _batch(batch_id, desk)
    states = None if state is None else [State(one) for one in state]

    def read() -> list[JobRow]:
        return desk.store.batches.jobs(batch.id, after=after, states=states, limit=limit + 1)

    found = await desk.ask(read)
    shown = found[:limit]
    told = await desk.ask(lambda: [_row_json(one, desk) for one in shown])
    following = shown[-1].job.number if len(found) > limit else None
    return JSONResponse({"rows": told, "next": following})


@router.post("/batches/{batch_id}/cancel", responses=_STATUS, response_class=Response)
async def cancel(batch_id: str, desk: At) -> Response:
    """Let nothing more of it begin. What was sent was paid for: it is seen through, and kept."""
    batch = await _batch(batch_id, desk)
    await asyncio.wrap_future(desk.store.batches.cancel(batch.id))
    return JSONResponse(await _told(batch, desk))


@router.post("/batches/{batch_id}/resume", responses=_STATUS, response_class=Response)
async def resume(batch_id: str, desk: At) -> Response:
    """Go on with one that was cancelled."""
    batch = await _batch(batch_id, desk)
    await asyncio.wrap_future(desk.store.batches.open(batch.id))
    return JSONResponse(await _told(batch, desk))


@router.post(
    "/batches/{batch_id}/retry",
    responses={200: {"model": batched.Again}, **MISSING},
    response_class=Response,
)
async def retry(
    batch_id: str,
    desk: At,
    unknown: Annotated[
        bool, Query(description="Also buy again what may have been paid for already.")
    ] = False,
) -> Response:
    """Put its failed rows back into the line."""
    batch = await _batch(batch_id, desk)
    again = await asyncio.wrap_future(desk.store.batches.retry(batch.id, unknown=unknown))
    return JSONResponse({"id": batch.id, "rows": again})


@router.get(
    "/batches/{batch_id}/events",
    responses={200: {"content": {"text/event-stream": {}}}, **MISSING},
    response_class=Response,
)
async def events(batch_id: str, desk: At) -> Response:
    """How it stands whenever that changes, once a second at most (`progress`), until it is over;
    the last event is `over`."""
    return _Progress(desk, await _batch(batch_id, desk))


class _Progress(Response):
    """How one batch stands, for as long as its caller listens."""

    def __init__(self, desk: Desk, batch: Batch) -> None:
        super().__init__()
        self._desk = desk
        self._batch = batch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell it as it changes, and a comment now and then where it does not."""
        departure = Departure(receive)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._tell(departure, send)
            if not departure.happened:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await departure.close()

    async def _tell(self, departure: Departure, send: Send) -> None:
        told: dict[str, JSON] = {}
        told_s = monotonic()
        while not departure.happened and await self._desk.still_may():
            now = await _told(self._batch, self._desk)
            if now["over"]:
                await push(send, b"event: over\ndata: " + json_bytes(now) + b"\n\n")
                return
            if now != told:
                await push(send, b"event: progress\ndata: " + json_bytes(now) + b"\n\n")
                told, told_s = now, monotonic()
            elif monotonic() - told_s >= HEARTBEAT_S:
                await push(send, b": still here\n\n")
                told_s = monotonic()
            await departure.wait(timeout_s=LOOK_S)


async def _batch(batch_id: str, desk: Desk) -> Batch:
    """That batch of his. Raises `NotFound`."""
    found = await desk.ask(lambda: find(desk.store, batch_id, desk.sees))
    if found is None:
        raise NotFound(what="batch", id=batch_id)
    return found


async def _told(batch: Batch, desk: Desk) -> dict[str, JSON]:
    return _status_json(await desk.ask(lambda: desk.store.batches.status(batch.id)))


def _status_json(status: BatchStatus) -> dict[str, JSON]:
    batch, limits = status.batch, status.batch.limits
    left, over = status.waiting + status.taken, status.over
    rate = status.per_minute
    return {
        "id": batch.id,
        "name": batch.name,
        "state": batch.state.value,
        "over": over,
        "created_at": iso_time(batch.created_ms),
        "started_at": iso_time(status.started_ms) if status.started_ms else None,
        "ended_at": iso_time(status.ended_ms) if over and status.ended_ms else None,
        "rows": {
            "total": status.total,
            "waiting": status.waiting,
            "taken": status.taken,
            "states": {state.value: count for state, count in status.states.items()},
        },
        "cost": {
            "spent": [str(one) for one in status.spent],
            "at_stake": [str(one) for one in status.at_stake],
            "play_money": [str(one) for one in status.play],
            "unpriced": status.unpriced,
        },
        "failures": dict(status.failures),
        "images_per_minute": rate,
        "eta_s": None if over or not rate else round(left / rate * 60, 1),
        "limits": {
            "concurrency": limits.concurrency,
            "every_s": limits.interval_ms / 1000,
            "max_cost": str(limits.max_cost) if limits.max_cost else None,
            "priority": limits.priority,
        },
    }


def _row_json(row: JobRow, desk: Desk) -> dict[str, JSON]:
    result = result_of(summary(row.request), desk.store)
    told = row_json(result)
    over = row.ended is not None
    error = as_told(result.error) if over and result.error and not result.images else None
    return {
        "row": row.job.number,
        "request_id": row.request.id,
        "state": row.state.value,
        "over": over,
        "tries": row.tries,
        **{name: told[name] for name in ("prompt", "model", "upstream", "images", "cost")},
        "error": error_json(error, desk.language) if error else None,
    }
