"""Deleting by name: the content goes, the books stay.

What was paid stays in the ledger (budgets and costs must not change by it); prompt, texts, images
and answers go. A file that another request's rows name stays.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pisang.domain.attempt import State
from pisang.errors import NotFound, OptionInvalid, Running
from pisang.store.blobs import Blobs
from pisang.store.gc import unnamed
from pisang.store.history import find_image, find_request, request_ids
from pisang.store.ledger import Readers, Tx, Writer
from pisang.store.previews import Previews

NEVER_MS = float("inf")


@dataclass(frozen=True, slots=True)
class Deleted:
    """What went: a request (then `request_id`) or an image, and how many files.

    `left` files are still named by other requests, or may be wanted by an attempt under way; `gc`
    takes the latter later.
    """

    request_id: str | None
    sha256: str | None
    files: int
    left: int


@dataclass(frozen=True, slots=True)
class _Cut:
    hashes: list[str]
    unnamed: set[str]
    open_since_ms: float


def delete(
    blobs: Blobs, previews: Previews, readers: Readers, writer: Writer, name: str, now_ms: int
) -> Deleted:
    """Delete the request or the image of that name.

    Raises `NotFound`, `Ambiguous`; `Running` and `OptionInvalid` for a request that is still
    under way or `unknown`.
    """
    blobs.prove()
    with readers.read() as tx:
        ids = request_ids(tx, name)
        request_id = find_request(tx, name) if ids else None
        sha256 = None if ids else find_image(tx, name).sha256
    if request_id is not None:
        cut = writer.submit(lambda tx: _delete_request(tx, request_id, now_ms)).result()
    else:
        cut = writer.submit(lambda tx: _delete_image(tx, sha256 or "")).result()
    lying = [one for sha256 in cut.unnamed for one in blobs.lying(sha256)]
    previews.forget(cut.unnamed)
    removed = sum(blobs.remove_now(one, cut.open_since_ms) for one in lying)
    return Deleted(request_id, sha256, removed, len(cut.hashes) - len(cut.unnamed))


def _delete_request(tx: Tx, request_id: str, now_ms: int) -> _Cut:
    states = {row["state"] for row in tx.all("attempt_states", request_id=request_id)}
    if states & {State.PLANNED.value, State.SENT.value}:
        raise Running(request_id=request_id)
    if State.UNKNOWN.value in states:
        why = "its outcome is unknown: see `pisang unknown list` and settle it first"
        raise OptionInvalid(option="request", value=request_id, why=why)
    hashes = [row["sha256"] for row in tx.all("hashes_of_request", id=request_id)]
    for query in _REQUEST_DELETES:
        tx.run(query, id=request_id)
    if not tx.count("request_blank", id=request_id, at_ms=now_ms):
        raise NotFound(what="request", id=request_id)
    return _cut(tx, hashes)


_REQUEST_DELETES = (
    "request_answer_contents_delete",
    "request_answers_delete",
    "request_images_delete",
    "request_refs_delete",
    "request_keys_delete",
    "request_outbox_delete",
    "request_webhooks_delete",
    "attempts_blank",
)


def _delete_image(tx: Tx, sha256: str) -> _Cut:
    rows = tx.all("hashes_of_image_answers", sha256=sha256)
    hashes = sorted({row["sha256"] for row in rows} | {sha256})
    tx.run("image_own_answer_contents_delete", sha256=sha256)
    tx.run("image_own_answers_delete", sha256=sha256)
    tx.run("image_delete", sha256=sha256)
    return _cut(tx, hashes)


def _cut(tx: Tx, hashes: list[str]) -> _Cut:
    """What is left without a name; the parents that are gone are forgotten."""
    tx.run("image_parents_forget", hashes=json.dumps(hashes))
    tx.run("request_parents_forget", hashes=json.dumps(hashes))
    oldest = tx.one("oldest_open")
    since = oldest["at"] if oldest is not None else None
    return _Cut(hashes, unnamed(tx, hashes), NEVER_MS if since is None else since)
