"""Finding what is in the ledger by what a user types, and asking for it again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from pisang.client.costs import parse_since
from pisang.client.files import reason_of
from pisang.client.references import LAST
from pisang.client.settings import Settings
from pisang.client.upstreams import resolve
from pisang.domain.attempt import State
from pisang.domain.ledger import AttemptRow, RequestRow
from pisang.domain.request import JSON
from pisang.domain.serial import request_from_json
from pisang.engine.order import Order
from pisang.errors import (
    Ambiguous,
    NotFound,
    OptionInvalid,
    ReferenceUnreadable,
    UpstreamUnknown,
)
from pisang.store.history import Asked

if TYPE_CHECKING:
    from pisang.engine.engine import Engine
    from pisang.store.store import Store

MOST_STEPS = 100
"""How far back a chain of edits is followed."""


def find_request(word: str, store: Store, folder: Path) -> RequestRow:
    """The request that a word names: an id or its beginning, an image's hash or its beginning, a
    file that was written out, or `last` of this folder. Raises `NotFound` or `Ambiguous`."""
    if word == LAST:
        image = store.last_image(str(folder))
        if image is None:
            raise NotFound(what="request in this folder yet, to be", id=LAST)
        return store.request(image.request_id)
    if word.startswith("req_"):
        return store.request(word)
    file = Path(folder / word)
    if _is_file(file):
        return _request_of(file, word, store)
    return store.request(store.image(word).request_id)


def find_newest(word: str | None, store: Store, folder: Path) -> RequestRow:
    """As `find_request`, but no word (or `last`) is the newest request of this folder whatever
    became of it: it may have no image yet. Raises `NotFound` or `Ambiguous`."""
    if word not in (None, LAST):
        return find_request(str(word), store, folder)
    newest = store.newest_request(str(folder))
    if newest is None:
        raise NotFound(what="request in this folder yet, to be", id=LAST)
    return store.request(newest)


def asked(
    query: str | None, limit: int, state: str | None, tag: str | None, since: str | None
) -> Asked:
    """The question to the ledger, of words. Raises `OptionInvalid`."""
    known = {one.value: one for one in State}
    if state is not None and state not in known:
        why = f"the states are {', '.join(known)}"
        raise OptionInvalid(option="--state", value=state, why=why)
    since_ms = parse_since(since, datetime.now().astimezone()) if since else 0
    return Asked(query, limit, state=known.get(state or ""), tag=tag, since_ms=since_ms)


LATELY = 20
"""Among how many of the newest with its words the request that wrote a file is looked for."""


def find_writer(path: Path, prompt: str, store: Store, folder: Path) -> str | None:
    """The id of the newest request of this folder with that prompt that wrote its image there;
    None where none of the newest did."""
    for row in store.history(Asked(prompt, LATELY)):
        if row.folder == str(folder) and row.prompt == prompt:
            written = (one.result for one in store.outgoing(row.id))
            if any(isinstance(one, dict) and str(path) in _paths(one) for one in written):
                return row.id
    return None


def _paths(report: dict[str, JSON]) -> list[JSON]:
    paths = report["paths"]
    return paths if isinstance(paths, list) else []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a word can be no path at all
        return False


def _request_of(file: Path, word: str, store: Store) -> RequestRow:
    """The request that made the file's very bytes. Raises `NotFound` or `ReferenceUnreadable`."""
    try:
        with file.open("rb") as opened:
            sha256 = file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ReferenceUnreadable(reference=word, why=reason_of(error)) from error
    try:
        return store.request(store.image(sha256).request_id)
    except NotFound:
        raise NotFound(what="request here that made the bytes of", id=word) from None


def ancestors(parent: str | None, store: Store) -> tuple[RequestRow, ...]:
    """The requests behind an image, from the one that made it back to the first; as far as they
    are known still."""
    found: list[RequestRow] = []
    while parent is not None and len(found) < MOST_STEPS:
        try:
            row = store.request(store.image(parent).request_id)
        except (NotFound, Ambiguous):
            break
        found.append(row)
        parent = row.parent
    return tuple(found)


async def find_unknown(prefix: str, engine: Engine) -> AttemptRow:
    """The unknown attempt with that id or beginning of it, or of that request.

    Raises `NotFound` or `Ambiguous`.
    """
    rows = await asyncio.to_thread(engine.store.unknowns)
    found = [
        row for row in rows if prefix and (row.id.startswith(prefix) or row.request_id == prefix)
    ]
    if not found:
        raise NotFound(what="attempt with an unknown outcome and id", id=prefix)
    if len(found) > 1:
        raise Ambiguous(what="unknown attempt", id=prefix, count=len(found))
    return found[0]


async def again(row: AttemptRow, engine: Engine, settings: Settings, face: str) -> Order:
    """The order that asks once more for one attempt's image, at the same upstream.

    It has a key, the same each time: who was killed before the purchase was noted, and two who
    ask at once, find the one purchase.
    """
    asked = await asyncio.to_thread(engine.store.request, row.request_id)
    request = await asyncio.to_thread(request_from_json, asked.spec, engine.store.content)
    try:
        upstream = resolve(settings, row.upstream)
    except UpstreamUnknown as error:
        error.hint = f"pisang upstream add {row.upstream}"
        raise
    return Order(
        request=replace(request, n=1),
        upstream=upstream,
        face=face,
        folder=asked.folder,
        parent=asked.parent,
        tags=(*asked.tags, f"rebuy:{row.id}"),
        idempotency_key=f"rebuy:{row.id}",
        fingerprint=f"rebuy:{row.id}",
        scope=asked.scope,
    )
