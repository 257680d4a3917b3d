"""`/requests`: what was asked for, its stored answers, calling it off, deleting it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response, StreamingResponse

from pisang.client.costs import parse_since
from pisang.client.records import attempt_json
from pisang.client.results import iso_time, result_of
from pisang.domain.answer import Answer
from pisang.domain.attempt import State
from pisang.domain.ledger import RequestRow
from pisang.engine.outcome import last_attempts, summary
from pisang.engine.replay import replay
from pisang.errors import Charged, NotFound, Running
from pisang.gateway.management.answers import result_json, row_json, spoken
from pisang.gateway.management.desk import At, Desk, pause
from pisang.gateway.management.shapes import (
    MISSING,
    Cancelled,
    Deleted,
    Failed,
    History,
    Story,
)
from pisang.gateway.management.shapes import State as StateName
from pisang.store.history import Asked

router = APIRouter(tags=["requests"])

MAX_LIMIT = 200

_JSON, _SSE, _BYTES = _TYPES = ("application/json", "text/event-stream", "application/octet-stream")
"""What a stored answer is told to be; nothing that a browser would run."""

CANCEL_S = 0.5
"""What is called off ends within a moment; what was sent before goes on."""


@router.get("/requests", responses={200: {"model": History}, **MISSING}, response_class=Response)
async def history(
    desk: At,
    query: Annotated[str, Query(max_length=1000, description="Words that the prompt has.")] = "",
    state: Annotated[StateName | None, Query()] = None,
    tag: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[
        str | None, Query(max_length=40, description="7d, today, 2026-11, 2026-11-01T10:00Z.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
    before: Annotated[
        str | None, Query(max_length=64, description="The `next` of the page before.")
    ] = None,
) -> Response:
    """What was asked for, newest first."""
    if before is not None:
        await desk.request(before)
    now = datetime.now().astimezone()
    asked = Asked(
        query=query or None,
        limit=limit + 1,
        before=before,
        state=State(state) if state else None,
        scope=desk.sees,
        tag=tag,
        since_ms=parse_since(since, now, "since") if since else 0,
    )
    rows = await desk.ask(lambda: desk.store.history(asked))
    shown = rows[:limit]
    told = await desk.ask(lambda: [row_json(result_of(summary(row), desk.store)) for row in shown])
    following = shown[-1].id if len(rows) > limit else None
    return JSONResponse({"requests": told, "next": following})


@router.get(
    "/requests/{request_id}", responses={200: {"model": Story}, **MISSING}, response_class=Response
)
async def show(request_id: str, desk: At) -> Response:
    """One request with its attempts, what each cost and how it ended."""
    result = await desk.result(request_id)
    return JSONResponse(
        {
            **result_json(result, desk.language),
            "prompt": result.prompt,
            "created_at": iso_time(result.created_ms),
            "tags": list(result.tags),
            "attempts": [
                {**attempt_json(one), "message": spoken(one.message or "", desk.language) or None}
                for one in result.attempts
            ],
        }
    )


@router.get(
    "/requests/{request_id}/response",
    responses={200: {"content": {name: {} for name in _TYPES}}, **MISSING},
    response_class=Response,
)
async def response(
    request_id: str,
    desk: At,
    attempt: Annotated[str | None, Query(max_length=64, description="Of that attempt.")] = None,
) -> Response:
    """The stored answer as the upstream sent it, byte for byte, in its own wire.

    Without `attempt`, that of the first image which has one.
    """
    row = await desk.request(request_id)
    attempt_id, answer = await desk.ask(lambda: _find_answer(row, attempt, desk))
    body = replay(desk.store, attempt_id)
    headers = {
        "x-pisang-attempt": attempt_id,
        "x-pisang-upstream-status": str(answer.status or 0),
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private, no-cache",
    }
    return StreamingResponse(body or (), headers=headers, media_type=_type_of(answer))


def _find_answer(row: RequestRow, attempt: str | None, desk: Desk) -> tuple[str, Answer]:
    told = [one.id for one in (last_attempts(row) if attempt is None else row.attempts)]
    for attempt_id in told:
        if attempt in (None, attempt_id):
            answer = desk.store.answer(attempt_id)
            if answer is not None:
                return attempt_id, answer
    raise NotFound(what="stored answer of request", id=row.id)


def _type_of(answer: Answer) -> str:
    """What the bytes are, whatever their header said: a page of a proxy is not shown as one."""
    start = answer.skeleton.lstrip(b"\xef\xbb\xbf \t\r\n")[:6]
    if start[:1] in (b"{", b"["):
        return _JSON
    return _SSE if start.startswith((b"data:", b"event:", b"id:", b":")) else _BYTES


@router.post(
    "/requests/{request_id}/cancel",
    responses={200: {"model": Cancelled}, **MISSING},
    response_class=Response,
)
async def cancel(request_id: str, desk: At) -> Response:
    """Send nothing more of it: what waits for its turn ends free. What was sent was paid for: it
    is seen through, and kept."""
    row = await desk.request(request_id)
    called_off = desk.engine.cancel(request_id)
    if called_off:
        await pause(request_id, desk, CANCEL_S)
        row = await desk.request(request_id)
        called_off = len({one.ordinal for one in row.attempts if one.state in _SENT}) < row.n
    return JSONResponse({"id": row.id, "state": row.state.value, "cancelled": called_off})


_SENT = frozenset({State.SENT, State.DONE, State.REFUSED, State.UNKNOWN})


@router.delete(
    "/requests/{request_id}",
    responses={
        200: {"model": Deleted},
        409: {"model": Failed, "description": "It is still under way."},
        **MISSING,
    },
    response_class=Response,
)
async def delete(request_id: str, desk: At) -> Response:
    """Delete its prompt, images and answers. What was paid stays in the books."""
    await desk.request(request_id)
    try:
        gone = await desk.ask(lambda: desk.store.delete(request_id))
    except Running as error:
        error.charged = Charged.NO  # of deleting it
        raise
    return JSONResponse({"id": request_id, "files": gone.files, "left": gone.left})
