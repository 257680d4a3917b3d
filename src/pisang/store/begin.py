"""A wish is written down, or found to be one that stands already (DESIGN §5, idempotency)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pisang.domain.attempt import Charged, State, request_state
from pisang.domain.ledger import Begun, Join, Wish
from pisang.errors import IdempotencyMismatch, NotFound
from pisang.store import gateway_keys, outbox, webhooks
from pisang.store.following import owes
from pisang.store.ledger import Row, Tx
from pisang.store.process import Process
from pisang.store.rows import dump
from pisang.store.search import sketch
from pisang.store.settle import resolve

KEY_LIFE_MS = 7 * 86_400_000
"""How long an idempotency key stands for its request once nothing of it is open."""

TWIN_LIFE_MS = 3_600_000
"""How long a request without a key can be joined by its twin (DESIGN §5)."""

Verdict = Literal["new", "replay", "running", "unknown"]

_OPEN = frozenset({State.PLANNED, State.SENT})
_REPLAYED = frozenset({State.DONE, State.REFUSED, State.WRITTEN_OFF})


def begin(
    tx: Tx, process: Process, wish: Wish, *, retry_unknown: bool = False, new: bool = False
) -> Begun:
    """What the ledger says to a wish; the request is ours to carry out when it says `new`.

    Raises `IdempotencyMismatch` when the key was used for something else, `KeyLimited` when its
    scope may begin no more now.
    """
    begun = _begun(tx, process, wish, retry_unknown=retry_unknown, new=new)
    if wish.route:  # in this commit, or two who try again at once would join one twin
        tx.run("request_attach", id=begun.request_id, owner=process.owner)
    if wish.outgoing is not None:
        outbox.put(tx, process, begun.request_id, wish.outgoing, wish.created_ms)
    if wish.hook is not None:
        webhooks.put(tx, wish.hook, begun.request_id, wish.created_ms)
    return begun


def _begun(tx: Tx, process: Process, wish: Wish, *, retry_unknown: bool, new: bool) -> Begun:
    if wish.idempotency_key is not None and not new:
        standing = _standing(tx, process, wish, retry_unknown=retry_unknown)
        if standing is not None:
            return standing
    elif wish.join != "no" and not new:
        twin = _twin(tx, process, wish)
        if twin is not None:
            return twin
    gateway_keys.admit(tx, process, wish)
    insert(tx, wish, process.owner)
    return Begun("new", wish.id)


def finish(tx: Tx, process: Process, request_id: str) -> None:
    """This process is through with the request: nothing more of it will be sent unasked."""
    tx.run("request_release", id=request_id, owner=process.owner)
    tx.run("request_abandon", id=request_id)


def detach(tx: Tx, request_id: str, *, delivered: bool) -> None:
    """No client waits for the request's answer any more."""
    tx.run("request_detach", id=request_id, delivered=int(delivered))


def under_way(tx: Tx, process: Process, request_id: str) -> bool:
    """Whether somebody works on the request: an attempt is open, or its process may start one
    more. Raises `NotFound`."""
    row = tx.one("request_by_id", id=request_id)
    if row is None:
        raise NotFound(what="request", id=request_id)
    return _is_open(process, row, tx.all("attempt_states", request_id=request_id))


def _is_open(process: Process, row: Row, attempts: list[Row]) -> bool:
    if any(State(attempt["state"]) in _OPEN for attempt in attempts):
        return True
    # Between two attempts, or before the first.
    return owes(row["n"], attempts) and process.works_on(row["owner"])


def _standing(tx: Tx, process: Process, wish: Wish, *, retry_unknown: bool) -> Begun | None:
    row = tx.one("key_find", scope=wish.scope, key=wish.idempotency_key)
    if row is None or _expired(row, wish.created_ms):
        return None
    if row["fingerprint"] != wish.fingerprint:
        raise IdempotencyMismatch(key=wish.idempotency_key)
    request_id: str = row["request_id"]
    verdict = _verdict(tx, process, row, retry_unknown=retry_unknown)
    if verdict == "unknown" and retry_unknown:
        _rebuy(tx, request_id, wish.created_ms)
        verdict = "new"
    if verdict == "new":
        gateway_keys.admit(tx, process, wish)
        tx.run("request_take", id=request_id, owner=process.owner)
    return Begun(verdict, request_id)


def _twin(tx: Tx, process: Process, wish: Wish) -> Begun | None:
    """The twin that a wish without a key joins: the oldest that fits, so that two clients who lost
    two purchases find one each."""
    rows = tx.all(
        "twins",
        scope=wish.scope,
        route=wish.route,
        fingerprint=wish.fingerprint,
        since=wish.created_ms - TWIN_LIFE_MS,
    )
    for row in rows:
        verdict = _verdict(tx, process, row, retry_unknown=False)
        if verdict != "new" and (_is_lost(process, row) or wish.join in _JOINED[verdict]):
            return Begun(verdict, row["request_id"], joined=True)
    return None


_JOINED: Mapping[Verdict, frozenset[Join]] = {
    "unknown": frozenset({"unsure", "any"}),
    "running": frozenset({"any"}),
    "replay": frozenset({"any"}),
}
"""Who joins a twin in that state that is not lost."""


def _is_lost(process: Process, row: Row) -> bool:
    """Whether nobody waits for the answer, and nobody was given it to its last byte."""
    return row["delivered"] != 1 and not process.works_on(row["client_owner"])


def _expired(row: Row, now_ms: int) -> bool:
    """Whether the key is free again. What is open or unknown keeps its key however old it is."""
    if State(row["state"]) in _OPEN | {State.UNKNOWN}:
        return False
    created_ms: int = row["created_ms"]
    return now_ms - created_ms > KEY_LIFE_MS


def _verdict(tx: Tx, process: Process, row: Row, *, retry_unknown: bool) -> Verdict:
    attempts = tx.all("attempt_states", request_id=row["request_id"])
    if _is_open(process, row, attempts):
        return "running"
    state = request_state(State(attempt["state"]) for attempt in attempts)
    if state is State.UNKNOWN:
        return "unknown"
    if state is State.WRITTEN_OFF and retry_unknown:
        return "new"
    if len({one["ordinal"] for one in attempts}) < row["n"]:
        return "new"  # its process died before the rest was sent: that much is still owed
    return "replay" if state in _REPLAYED else "new"


def _rebuy(tx: Tx, request_id: str, now_ms: int) -> None:
    """Note that what is unknown is bought again, because somebody said so."""
    for attempt in tx.all("attempt_states", request_id=request_id):
        if attempt["state"] == State.UNKNOWN:
            resolve(tx, attempt["id"], State.REBOUGHT, Charged.UNKNOWN, at_ms=now_ms)


def insert(tx: Tx, wish: Wish, owner: str | None) -> None:
    """Write a wish down as a request of that owner's, or of nobody's yet."""
    tx.run(
        "request_insert",
        id=wish.id,
        created_ms=wish.created_ms,
        scope=wish.scope,
        face=wish.face,
        prompt=wish.prompt,
        glyphs=sketch(wish.prompt),
        model=wish.model,
        n=wish.n,
        spec=dump(wish.spec),
        fingerprint=wish.fingerprint,
        idempotency_key=wish.idempotency_key,
        parent=wish.parent,
        folder=wish.folder,
        tags=dump(list(wish.tags)),
        route=wish.route,
        owner=owner,
    )
    for content in wish.references:
        tx.run("ref_insert", request_id=wish.id, sha256=content.sha256)
    if wish.idempotency_key is not None:
        tx.run(
            "key_put",
            scope=wish.scope,
            key=wish.idempotency_key,
            request_id=wish.id,
            fingerprint=wish.fingerprint,
            created_ms=wish.created_ms,
        )
