"""`/gallery/archive`: many images as one ZIP file, written while it is read.

An image is stored in it as it is (pictures don't get smaller), and read piece by piece from
wherever it lies: however large the file is, it takes no more memory.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response, StreamingResponse

from pisang.client.naming import DEFAULT_TEMPLATE, render
from pisang.client.results import iso_time
from pisang.domain.image import extension
from pisang.domain.ledger import ImageRow, RequestRow
from pisang.domain.request import JSON
from pisang.errors import NotFound
from pisang.gateway.management.answers import json_bytes
from pisang.gateway.management.desk import At, Desk
from pisang.gateway.management.saying import body_of, read_said
from pisang.gateway.management.shapes import MISSING, Archive, Picked
from pisang.gateway.routes import PREFIX

router = APIRouter(tags=["gallery"])

LIFE_S = 600

TOLD = "metadata.jsonl"


@router.post(
    "/gallery/archive",
    responses={200: {"model": Archive}, **MISSING},
    response_class=Response,
    openapi_extra=body_of(Picked),
)
async def ask(desk: At) -> Response:
    """An address that gives these images of yours as one ZIP file, to you alone, for ten minutes.
    An image that is not there, or not yours, is passed over."""
    wish = await read_said(desk, Picked)
    names = [(one.request_id, one.sha256) for one in wish.images]
    noted = desk.store.archives.put(
        secrets.token_urlsafe(24),
        names,
        scope=desk.caller.scope,
        sees=desk.sees,
        life_ms=LIFE_S * 1000,
    )
    made = await asyncio.wrap_future(noted)
    told = {"url": f"{PREFIX}/gallery/archive/{made.id}", "bytes": made.bytes}
    return JSONResponse({**told, "expires_at": iso_time(made.until_ms)})


@router.get(
    "/gallery/archive/{ticket}",
    responses={200: {"content": {"application/zip": {}}}, **MISSING},
    response_class=Response,
)
async def fetch(ticket: str, desk: At) -> Response:
    """The file: each image as it came, and `metadata.jsonl` with what each was made by. What
    was deleted by then is not in it; an image whose bytes alone are gone is told there."""
    images = await desk.ask(lambda: desk.store.archives.images(ticket, desk.caller.scope))
    name = time.strftime("pisang_%Y%m%d_%H%M%S.zip")
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(write_zip(images, desk), headers=headers, media_type="application/zip")


def write_zip(images: Sequence[tuple[str, str]], desk: Desk) -> Iterator[bytes]:
    """The bytes of the file. Blocks."""
    sink = _Sink()
    names = _Names()
    told: list[bytes] = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for row, image in desk.store.archives.rows(images, desk.sees):
            name = names.take(row, image)
            try:
                content = desk.store.content(image.sha256)
            except NotFound:
                told.append(json_bytes(_facts(None, row, image)) + b"\n")
                continue
            told.append(json_bytes(_facts(name, row, image)) + b"\n")
            with archive.open(_entry(name, row.created_ms, content.size), "w") as file:
                for chunk in desk.store.read(content):
                    file.write(chunk)
                    yield sink.take()
        archive.writestr(_entry(TOLD, int(time.time() * 1000), 0), b"".join(told))
    yield sink.take()


def _entry(name: str, at_ms: int, size: int) -> zipfile.ZipInfo:
    """An entry's head; by its size it is known at once whether it needs ZIP64."""
    at = time.localtime(at_ms / 1000)
    entry = zipfile.ZipInfo(name, (max(at.tm_year, 1980), *at[1:6]))
    entry.external_attr = 0o644 << 16
    entry.file_size = size
    return entry


def _facts(name: str | None, row: RequestRow, image: ImageRow) -> dict[str, JSON]:
    """What an image was made by, as a line of the file says it."""
    attempt = next((one for one in row.attempts if one.id == image.attempt_id), None)
    cost = attempt.cost if attempt is not None and not attempt.free else None
    return {
        "file": name,
        "prompt": row.prompt,
        "model": row.model if attempt is None else attempt.model,
        "upstream": None if attempt is None else attempt.upstream,
        "width": image.width,
        "height": image.height,
        "bytes": image.bytes,
        "mime": image.mime,
        "cost": None if cost is None else {"amount": str(cost.amount), "currency": cost.currency},
        "created_at": iso_time(row.created_ms),
        "request_id": row.id,
        "sha256": image.sha256,
    }


class _Names:
    """Names as the command line gives them, each once, also where case tells nothing apart."""

    def __init__(self) -> None:
        self._taken = {TOLD}

    def take(self, row: RequestRow, image: ImageRow) -> str:
        """The name of that image's file."""
        at = datetime.fromtimestamp(row.created_ms / 1000).astimezone()
        stem = render(DEFAULT_TEMPLATE, at=at, prompt=row.prompt, model=row.model)
        kind = extension(image.mime)
        name, number = f"{stem}.{kind}", 1
        while name.lower() in self._taken:
            number += 1
            name = f"{stem}_{number}.{kind}"
        self._taken.add(name.lower())
        return name


class _Sink:
    """What a ZIP file is written to: a stream that can't go back, taken away as it fills."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        """Take these bytes."""
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """They are where they are to be."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken
