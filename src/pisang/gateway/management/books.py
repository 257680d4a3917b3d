"""`/usage`, `/models`: what was spent, and what may be asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from pisang.client.costs import costs_csv, parse_since, parse_until, read_costs
from pisang.client.records import model_json
from pisang.gateway.management.desk import At
from pisang.gateway.management.shapes import Models, Responses, Usage
from pisang.store.spending import Grouping

router = APIRouter(tags=["books"])

_USAGE: Responses = {200: {"model": Usage, "content": {"text/csv": {}}}}


@router.get("/usage", responses=_USAGE, response_class=Response)
async def usage(
    request: Request,
    desk: At,
    by: Annotated[Grouping, Query()] = "upstream",
    since: Annotated[str, Query(max_length=40)] = "month",
    until: Annotated[str | None, Query(max_length=40)] = None,
    format: Annotated[Literal["json", "csv"] | None, Query()] = None,
) -> Response:
    """What was spent, and what is at stake, in days of the gateway's clock.

    `since` and `until` are `7d`, `24h`, `today`, `month`, `year`, `all`, `2026-11`, `2026-11-01`.
    As CSV with `format=csv` or `Accept: text/csv`.
    """
    now = datetime.now().astimezone()
    since_ms = parse_since(since, now, "since")
    until_ms = parse_until(until, now, "until") if until else None
    report = await read_costs(desk.engine, by, since_ms, until_ms, desk.sees)
    accepts_csv = request.headers.get("accept", "").startswith("text/csv")
    if format == "csv" or (format is None and accepts_csv):
        headers = {"content-disposition": 'attachment; filename="usage.csv"'}
        return Response(costs_csv(report), headers=headers, media_type="text/csv; charset=utf-8")
    return JSONResponse(report.to_json())


@router.get("/models", responses={200: {"model": Models}}, response_class=Response)
async def models(desk: At) -> Response:
    """The models with their ratios, sizes, list prices and limits."""
    catalogue = desk.engine.catalogue
    told = [model_json(one) for one in catalogue.models]
    return JSONResponse({"date": catalogue.date, "models": told})
