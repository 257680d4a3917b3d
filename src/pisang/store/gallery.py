"""The images as a gallery shows them: one row each, newest wish first."""

from __future__ import annotations

from dataclasses import dataclass

from pisang.domain.ledger import ImageRow
from pisang.errors import NotFound
from pisang.store.history import NEVER_MS, QUERY_CAP
from pisang.store.ledger import Row, Tx
from pisang.store.rows import image_row
from pisang.store.search import like, sketch

PAGE = 500
"""The most images of one answer."""

_NARROWEST, _WIDEST = 0.0, 1e9


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which images: of requests whose prompt holds `query`, asked in that time span; of that model,
    upstream and size; whose width over height lies within `proportions`; of that scope. They begin
    with the first of the request after `before`."""

    query: str = ""
    limit: int = 200
    before: str | None = None
    model: str | None = None
    upstream: str | None = None
    image_size: str | None = None
    proportions: tuple[float, float] = (_NARROWEST, _WIDEST)
    since_ms: int = 0
    until_ms: int = NEVER_MS
    scope: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One image, and the wish that it was made for."""

    image: ImageRow
    prompt: str
    model: str
    upstream: str
    image_size: str | None
    asked_ms: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them, a request's never parted. `next` is the `before` of the page after; `total` is
    counted for the first page only."""

    images: tuple[Shown, ...]
    next: str | None
    total: int | None


def gallery(tx: Tx, wanted: Wanted) -> Page:
    """The images that are wanted. Raises `NotFound` for `before`."""
    query = wanted.query[:QUERY_CAP]
    if "\0" in query:
        return Page((), None, 0)  # LIKE ends at it, and would find everything
    low, high = wanted.proportions
    where: dict[str, object] = {
        "pattern": like(query),
        "glyphs": sketch(query),
        "scope": wanted.scope,
        "model": wanted.model,
        "upstream": wanted.upstream,
        "image_size": wanted.image_size,
        "sha256": wanted.sha256,
        "low": low,
        "high": high,
        "since_ms": wanted.since_ms,
        "before_ms": wanted.until_ms,
        "before_id": "",
    }
    total = None
    if wanted.before is None:
        total = int(tx.all("gallery_count", **where)[0]["images"])
    else:
        before = tx.one("request_by_id", id=wanted.before)
        if before is None:
            raise NotFound(what="request", id=wanted.before)
        where |= {"before_ms": before["created_ms"], "before_id": before["id"]}
    limit = max(1, min(wanted.limit, PAGE))
    rows = tx.all("gallery", limit=limit + 1, **where)
    if len(rows) <= limit:
        return Page(tuple(map(_shown, rows)), None, total)
    return _cut(tx, rows, limit, where, total)


def _cut(tx: Tx, rows: list[Row], limit: int, where: dict[str, object], total: int | None) -> Page:
    """The page ends with a request's last image. One request that is longer than a page is told
    whole."""
    last = rows[limit]["request_id"]
    whole = [row for row in rows[:limit] if row["request_id"] != last]
    if not whole:
        rows = tx.all("gallery", limit=limit + PAGE, **where)
        whole = [row for row in rows if row["request_id"] == last]
    return Page(tuple(map(_shown, whole)), whole[-1]["request_id"], total)


def _shown(row: Row) -> Shown:
    return Shown(
        image=image_row(row),
        prompt=row["prompt"],
        model=row["model"],
        upstream=row["upstream"],
        image_size=row["image_size"],
        asked_ms=row["asked_ms"],
    )
