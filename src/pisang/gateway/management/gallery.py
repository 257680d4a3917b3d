"""`/gallery`, `/previews/{sha256}`: the images one by one, as a page of them is laid out."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from pisang.client.costs import parse_since, parse_until
from pisang.client.results import iso_time
from pisang.domain.model import canonical_ratio
from pisang.domain.request import JSON
from pisang.errors import OptionInvalid
from pisang.gateway.management.answers import image_url
from pisang.gateway.management.desk import At
from pisang.gateway.management.previews import PREVIEW_PX
from pisang.gateway.management.saying import body_of, read_said
from pisang.gateway.management.shapes import MISSING, Gallery, Marked, Marks, Sought, Tile
from pisang.store.gallery import COUNTED, Shown, Wanted
from pisang.store.history import NEVER_MS
from pisang.store.image_marks import Marking

router = APIRouter(tags=["gallery"])

_SLACK = 0.03
"""A picture is of a ratio if its own is within that of it."""


@router.get("/gallery", responses={200: {"model": Gallery}, **MISSING}, response_class=Response)
async def gallery(desk: At, sought: Annotated[Sought, Query()]) -> Response:
    """The images, those of the newest request first; drafts are left out, and what lies in the
    trash unless `trash` asks for it. The ratio is that of the pixels that came."""
    if sought.before is not None:
        await desk.request(sought.before)
    page = await desk.ask(lambda: desk.store.gallery(_wanted(sought, desk.sees)))
    tiles = [_tile(one) for one in page.images]
    total = None if page.total is None else min(page.total, COUNTED)
    told = {"images": tiles, "next": page.next, "total": total, "total_capped": page.capped}
    return JSONResponse(told)


@router.put(
    "/gallery/marks",
    responses={200: {"model": Marked}},
    response_class=Response,
    openapi_extra=body_of(Marks),
)
async def mark(desk: At) -> Response:
    """Make images of yours favourites, or put them into the trash and take them out again. An
    image that is not there, or not yours, is passed over."""
    wish = await read_said(desk, Marks)
    names = [(one.request_id, one.sha256) for one in wish.images]
    marking = Marking(wish.favourite, wish.trashed)
    done = desk.store.image_marks.put(names, marking, desk.sees)
    return JSONResponse({"changed": await asyncio.wrap_future(done)})


@router.get(
    "/gallery/{sha256}", responses={200: {"model": Tile}, **MISSING}, response_class=Response
)
async def one(sha256: str, desk: At) -> Response:
    """One image of yours with the newest wish that made it."""
    return JSONResponse(_tile(await desk.ask(lambda: desk.store.shown(sha256, desk.sees))))


def _wanted(sought: Sought, scope: str | None) -> Wanted:
    now = datetime.now().astimezone()
    any_shape = Wanted().proportions
    return Wanted(
        query=sought.query,
        limit=sought.limit,
        before=sought.before,
        model=sought.model,
        upstream=sought.upstream,
        image_size=sought.size,
        proportions=_proportions(sought.ratio) if sought.ratio else any_shape,
        since_ms=parse_since(sought.since, now, "since") if sought.since else 0,
        favourite=sought.favourite,
        trash=sought.trash,
        until_ms=parse_until(sought.until, now, "until") if sought.until else NEVER_MS,
        scope=scope,
    )


def _proportions(ratio: str) -> tuple[float, float]:
    """Width over height, from and to."""
    known = canonical_ratio(ratio)
    if known is None:
        raise OptionInvalid(option="ratio", value=ratio, why="give one such as 16:9")
    wide, high = map(int, known.split(":"))
    return wide / high * (1 - _SLACK), wide / high * (1 + _SLACK)


def _tile(shown: Shown) -> dict[str, JSON]:
    image = shown.image
    return {
        "sha256": image.sha256,
        "request_id": image.request_id,
        "url": image_url(image.sha256),
        "mime": image.mime,
        "width": image.width,
        "height": image.height,
        "bytes": image.bytes,
        "parent": image.parent,
        "prompt": shown.prompt,
        "model": shown.model,
        "upstream": shown.upstream,
        "image_size": shown.image_size,
        "created_at": iso_time(shown.asked_ms),
        "favourite": shown.favourite,
        "trashed_at": None if shown.trashed_ms is None else iso_time(shown.trashed_ms),
    }


@router.get(
    "/previews/{sha256}",
    responses={200: {"content": {"image/jpeg": {}}}, **MISSING},
    response_class=Response,
)
async def preview(sha256: str, request: Request, desk: At) -> Response:
    """A small JPEG of an image of yours, no side over 512 pixels. It never changes."""
    await desk.image(sha256)
    headers = {
        "etag": f'"{sha256}-{PREVIEW_PX}"',
        "cache-control": "private, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    drawn = await desk.works.previews.draw(sha256, desk.store)
    return Response(drawn, headers=headers, media_type="image/jpeg")
