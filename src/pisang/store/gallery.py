"""The images as a gallery shows them: one row each, newest wish first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pisang.domain.ledger import ImageRow
from pisang.errors import NotFound
from pisang.store.history import NEVER_MS, QUERY_CAP
from pisang.store.ledger import Row, Tx
from pisang.store.rows import image_row
from pisang.store.search import like, sketch

PAGE = 500
"""The most images of one answer."""

COUNTED = 10_000
"""How far they are counted: nobody reads on to the end of more, and counting would take longer than
looking."""

_NARROWEST, _WIDEST = 0.0, 1e9


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which images: of requests whose prompt holds `query`, asked in that time span; of that model,
    upstream and size; whose width over height lies within `proportions`; of that scope; with
    `favourite` only these, with `trash` what lies there and else what does not. They begin with the
    first of the request after `before`."""

    query: str = ""
    limit: int = 200
    before: str | None = None
    model: str | None = None
    upstream: str | None = None
    image_size: str | None = None
    proportions: tuple[float, float] = (_NARROWEST, _WIDEST)
    since_ms: int = 0
    until_ms: int = NEVER_MS
    favourite: bool = False
    trash: bool = False
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One image, the wish that it was made for, and how it is marked."""

    image: ImageRow
    prompt: str
    model: str
    upstream: str
    image_size: str | None
    asked_ms: int
    favourite: bool
    trashed_ms: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them, a request's never parted. `next` is the `before` of the page after; `total` is
    counted for the first page only, and `capped` where there are more than `COUNTED`."""

    images: tuple[Shown, ...]
    next: str | None
    total: int | None

    @property
    def capped(self) -> bool:
        """Whether there are more than were counted."""
        return self.total is not None and self.total > COUNTED


def gallery(tx: Tx, wanted: Wanted) -> Page:
    """The images that are wanted. Raises `NotFound` for `before`."""
    query = wanted.query[:QUERY_CAP]
    if "\0" in query:
        return Page((), None, 0)  # LIKE ends at it, and would find everything
    walk, where = _walk(wanted, query)
    if wanted.before is not None:
        before = tx.one("request_by_id", id=wanted.before)
        if before is None:
            raise NotFound(what="request", id=wanted.before)
        where |= {"before_ms": before["created_ms"], "before_id": before["id"]}
    limit = max(1, min(wanted.limit, PAGE))
    rows = tx.all(walk, limit=limit + 1, **where)
    total = None
    if wanted.before is None:
        total = len(rows) if len(rows) <= limit else _count(tx, walk, where)
    if len(rows) <= limit:
        return Page(_in_order(rows), None, total)
    return _cut(tx, walk, rows, limit, where, total)


def find_shown(tx: Tx, sha256: str, scope: str | None) -> Shown:
    """The image of that hash with the newest wish that made it. Raises `NotFound`."""
    row = tx.one("gallery_one", sha256=sha256, scope=scope)
    if row is None:
        raise NotFound(what="image", id=sha256)
    return _shown(row)


def _walk(wanted: Wanted, query: str) -> tuple[str, dict[str, object]]:
    """The query that tells them soonest, and its values."""
    low, high = wanted.proportions
    where: dict[str, object] = {
        "scope": wanted.scope,
        "model": wanted.model,
        "upstream": wanted.upstream,
        "image_size": wanted.image_size,
        "low": low,
        "high": high,
        "since_ms": wanted.since_ms,
        "before_ms": wanted.until_ms,
        "before_id": "",
    }
    if not (query or wanted.favourite or wanted.trash):
        return "gallery_newest", where
    where |= {"pattern": like(query), "glyphs": sketch(query)}
    if wanted.trash:
        return "gallery_trash", {**where, "favourite": int(wanted.favourite)}
    return ("gallery_favourites" if wanted.favourite else "gallery_found"), where


def _count(tx: Tx, walk: str, where: dict[str, object]) -> int:
    return int(tx.all(_COUNTS[walk], limit=COUNTED + 1, **where)[0]["images"])


_COUNTS: Mapping[str, str] = {
    "gallery_newest": "gallery_newest_count",
    "gallery_found": "gallery_found_count",
    "gallery_favourites": "gallery_favourites_count",
    "gallery_trash": "gallery_trash_count",
}


def _cut(
    tx: Tx, walk: str, rows: list[Row], limit: int, where: dict[str, object], total: int | None
) -> Page:
    """The page ends with a request's last image. One request that is longer than a page is told
    whole."""
    last = rows[limit]["request_id"]
    whole = [row for row in rows[:limit] if row["request_id"] != last]
    if not whole:
        rows = tx.all(walk, limit=limit + PAGE, **where)
        whole = [row for row in rows if row["request_id"] == last]
    return Page(_in_order(whole), whole[-1]["request_id"], total)


def _in_order(rows: list[Row]) -> tuple[Shown, ...]:
    """As they came, and those of one request as they were made."""
    place = {row["request_id"]: number for number, row in reversed([*enumerate(rows)])}
    made = ("created_ms", "attempt_id", "ordinal")
    rows = sorted(rows, key=lambda row: (place[row["request_id"]], *map(row.__getitem__, made)))
    return tuple(map(_shown, rows))


def _shown(row: Row) -> Shown:
    return Shown(
        image=image_row(row),
        prompt=row["prompt"],
        model=row["model"],
        upstream=row["upstream"],
        image_size=row["image_size"],
        asked_ms=row["asked_ms"],
        favourite=row["favourite_ms"] is not None,
        trashed_ms=row["trashed_ms"],
    )
