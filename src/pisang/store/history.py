"""What the faces ask of the ledger. Every answer is bounded."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pisang.domain.attempt import State
from pisang.domain.ledger import AttemptRow, ImageRow, RequestRow
from pisang.errors import Ambiguous, NotFound
from pisang.store.ledger import Row, Tx
from pisang.store.rows import attempt_row, image_row, request_row
from pisang.store.search import after_prefix, like, sketch

PAGE = 1000
"""The most requests of one answer."""

QUERY_CAP = 1000
"""A query is looked for by its first so many characters."""

NEVER_MS = 2**62


@dataclass(frozen=True, slots=True)
class Asked:
    """Which requests: all that hold `query` in their prompt, in that state, at that upstream, of
    that scope, with that tag, asked since a time, older than the request `before`; newest first, at
    most `limit`."""

    query: str | None = None
    limit: int = 20
    before: str | None = None
    state: State | None = None
    upstream: str | None = None
    scope: str | None = None
    tag: str | None = None
    since_ms: int = 0


def history(tx: Tx, asked: Asked) -> list[RequestRow]:
    """The requests that are asked for, newest first. Raises `NotFound` for `before`."""
    before_ms, before_id = NEVER_MS, ""
    if asked.before is not None:
        before = tx.one("request_by_id", id=asked.before)
        if before is None:
            raise NotFound(what="request", id=asked.before)
        before_ms, before_id = before["created_ms"], before["id"]
    where: dict[str, object] = {
        "before_ms": before_ms,
        "before_id": before_id,
        "upstream": asked.upstream,
        "scope": asked.scope,
        "tag": asked.tag,
        "since_ms": asked.since_ms,
        "limit": max(0, min(asked.limit, PAGE)),
    }
    state = None if asked.state is None else asked.state.value
    query = (asked.query or "")[:QUERY_CAP]
    if "\0" in query:
        return []  # LIKE ends at it, and would find everything
    if query:
        pattern, glyphs = like(query), sketch(query)
        rows = tx.all("history_search", pattern=pattern, glyphs=glyphs, state=state, **where)
    elif state is not None:
        rows = tx.all("history_in_state", state=state, **where)
    else:
        rows = tx.all("history_newest", **where)
    return load(tx, [row["id"] for row in rows])


def load(tx: Tx, ids: Sequence[str]) -> list[RequestRow]:
    """Requests with their attempts and images, in the order of their ids given."""
    wanted = json.dumps(list(ids))
    attempts: dict[str, list[AttemptRow]] = defaultdict(list)
    for row in tx.all("attempts_by_requests", ids=wanted):
        attempts[row["request_id"]].append(attempt_row(row))
    images: dict[str, list[ImageRow]] = defaultdict(list)
    for row in tx.all("images_by_requests", ids=wanted):
        images[row["request_id"]].append(image_row(row))
    found = {
        row["id"]: request_row(row, tuple(attempts[row["id"]]), tuple(images[row["id"]]))
        for row in tx.all("requests_by_ids", ids=wanted)
    }
    return [found[id] for id in ids if id in found]


def find_request(tx: Tx, prefix: str) -> str:
    """The id of the one request that is, or begins with, `prefix`.

    Raises `NotFound`, and `Ambiguous` when several begin so.
    """
    ids = request_ids(tx, prefix)
    if not ids:
        raise NotFound(what="request", id=prefix)
    if len(ids) > 1:
        raise Ambiguous(what="request", id=prefix, count=_count(ids, 10))
    return ids[0]


def request_ids(tx: Tx, prefix: str) -> list[str]:
    """The request of that id, or a few that begin with it."""
    if not prefix:
        return []
    exact = tx.one("request_by_id", id=prefix)
    if exact is not None:
        return [prefix]
    rows = tx.all("request_ids_by_prefix", low=prefix, high=after_prefix(prefix))
    return [row["id"] for row in rows]


def find_image(tx: Tx, name: str) -> ImageRow:
    """The image named by the beginning of its SHA-256, or by its request.

    Of a request it is the first that is no draft. Raises `NotFound`, `Ambiguous`.
    """
    rows = tx.all("images_by_sha256", low=name, high=after_prefix(name)) if name else []
    hashes = {row["sha256"] for row in rows}
    if len(hashes) == 1:
        return image_row(rows[0])
    if hashes:
        raise Ambiguous(what="image", id=name, count=_count(hashes, 50))
    ids = request_ids(tx, name)
    if len(ids) > 1:
        raise Ambiguous(what="request", id=name, count=_count(ids, 10))
    images = load(tx, ids)[0].images if ids else ()
    for image in sorted(images, key=lambda image: image.draft):
        return image
    raise NotFound(what="image", id=name)


def children(tx: Tx, hashes: Sequence[str]) -> list[RequestRow]:
    """The requests that edit an image with one of these hashes, oldest first; at most `PAGE`."""
    rows = tx.all("requests_by_parents", parents=json.dumps(list(hashes)), limit=PAGE)
    return load(tx, [row["id"] for row in rows])


def last_image(tx: Tx, folder: str, scope: str) -> ImageRow | None:
    """The image of the newest wish asked in that folder which made one."""
    row = tx.one("image_last", folder=folder, scope=scope)
    return None if row is None else image_row(row)


def attempts(rows: Iterable[Row]) -> list[AttemptRow]:
    """Rows as attempts."""
    return [attempt_row(row) for row in rows]


def _count(found: Sequence[str] | set[str], cap: int) -> str:
    """How many, in words where it was not counted to the end."""
    return f"{len(found)}" if len(found) < cap else f"{cap} or more"
