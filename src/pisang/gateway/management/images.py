"""`/images/{sha256}`: the bytes of an image, as they came."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from pisang.domain.content import Content
from pisang.domain.image import extension, sniff_mime
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.shapes import Failed, Responses

router = APIRouter(tags=["images"])

Format = Literal["png", "jpeg", "webp", "avif"]

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `start` up to, not including, `end`."""

    start: int
    end: int


_CONTENT: dict[str, Any] = {"image/*": {}, "application/octet-stream": {}}

_RESPONSES: Responses = {
    200: {"content": _CONTENT},
    206: {"content": _CONTENT, "description": "The range that was asked for."},
    304: {"description": "It is the one that you have."},
    404: {"model": Failed},
    416: {"description": "One range, within its bytes, is given."},
}


@router.head("/images/{sha256}", responses=_RESPONSES, response_class=Response)
@router.get("/images/{sha256}", responses=_RESPONSES, response_class=Response)
async def image(
    sha256: str,
    request: Request,
    desk: At,
    download: Annotated[bool, Query(description="To be saved, not shown.")] = False,
    wanted: Annotated[Format | None, Query(alias="as", description="Converted to that.")] = None,
) -> Response:
    """The bytes of an image of yours. They never change, so they may be kept for ever."""
    await desk.image(sha256)
    if wanted is not None:
        return await _converted(sha256, wanted, desk)
    content = await desk.ask(lambda: desk.store.content(sha256))
    headers = _headers(content, download=download)
    if _has_it(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=_without_length(headers))
    part = _part(request, content.size, headers["etag"])
    if part is None:
        told = {**_without_length(headers), "content-range": f"bytes */{content.size}"}
        return Response(status_code=416, headers=told)
    status = 200 if part == Part(0, content.size) else 206
    if status == 206:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{content.size}"
        headers["content-length"] = str(part.end - part.start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_bytes(content, part, desk), status, headers)


def _headers(content: Content, *, download: bool) -> dict[str, str]:
    """What goes with it. Its type is what its bytes are; nothing of it can run in a browser."""
    mime = sniff_mime(content.head)
    shown = "inline" if mime and not download else "attachment"
    name = f"{content.sha256[:12]}.{extension(mime or '')}"
    return {
        "content-type": mime or "application/octet-stream",
        "content-length": str(content.size),
        "content-disposition": f'{shown}; filename="{name}"',
        "etag": f'"{content.sha256}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }


async def _converted(sha256: str, wanted: Format, desk: Desk) -> Response:
    """It in another format, to be saved; the original stays what it is."""
    mime = f"image/{wanted}"
    name = f"{sha256[:12]}.{extension(mime)}"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    body = await desk.works.previews.draw_as(sha256, mime, desk.store)
    return Response(body, headers=headers, media_type=mime)


def _without_length(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "content-length"}


def _has_it(tags: str, etag: str) -> bool:
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in tags.split(","))


def _part(request: Request, size: int, etag: str) -> Part | None:
    """What of it is asked for; None where that is not there. More than one range is not served,
    and a header that is none is passed over (RFC 9110 §14.2)."""
    said = request.headers.get("range", "").strip()
    newer = request.headers.get("if-range", etag).strip() != etag
    if newer or not said.startswith("bytes="):
        return Part(0, size)
    if "," in said:
        return None
    match = _ONE_RANGE.fullmatch(said)
    if match is None or not (match[1] or match[2]):
        return Part(0, size)
    if not match[1]:
        return Part(max(0, size - int(match[2])), size) if int(match[2]) else None
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    return Part(start, end) if start < end else None


def _bytes(content: Content, part: Part, desk: Desk) -> Iterable[bytes]:
    """All of it is hashed on its way: a damaged picture is cut, never given whole."""
    if part == Part(0, content.size):
        return desk.store.read(content, verify=True)
    return desk.store.part(content, part.start, part.end)
