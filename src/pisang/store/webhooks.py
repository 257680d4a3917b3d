"""Who is to be told what, durably: each telling is a row before it is tried, and stays one.

A row is written in the commit that writes its request down. Whoever serves this home tries what is
due: a try belongs to the process that moved the row's time on, and where that process dies, the
time it moved it to comes round. So each is told at least once, and rarely twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from pisang.domain.attempt import State
from pisang.domain.ledger import Hook, Telling
from pisang.domain.request import JSON
from pisang.domain.secret import Secret
from pisang.errors import NotFound
from pisang.store.ledger import Readers, Row, Tx, Writer
from pisang.store.rows import dump

MOST_DUE = 100
MOST_LISTED = 200


class Webhooks:
    """Every telling of this home."""

    def __init__(self, readers: Readers, writer: Writer, clock_ms: Callable[[], int]) -> None:
        self._readers = readers
        self._writer = writer
        self._clock_ms = clock_ms

    def due(self) -> list[Telling]:
        """What may be tried now: nobody works on its request any more."""
        with self._readers.read() as tx:
            rows = tx.all("webhooks_due", now_ms=self._clock_ms(), most=MOST_DUE)
            return [_telling(row, State(row["request_state"] or State.DONE)) for row in rows]

    def take(self, telling: Telling, until_ms: int) -> Future[bool]:
        """Make one try of it ours, until that time; whether nobody else was first."""
        return self._writer.submit(
            lambda tx: (
                tx.count(
                    "webhook_take", id=telling.hook.id, until_ms=until_ms, seen_ms=telling.next_ms
                )
                > 0
            )
        )

    def end(
        self,
        telling: Telling,
        *,
        status: int | None = None,
        problem: str | None = None,
        again_ms: int | None = None,
    ) -> Future[None]:
        """Write down how a try ended: delivered where there is no problem, else tried `again_ms`,
        or given up."""
        state = "delivered" if problem is None else "given_up" if again_ms is None else "waiting"
        now_ms = self._clock_ms()
        return self._writer.submit(
            lambda tx: tx.run(
                "webhook_tell",
                id=telling.hook.id,
                state=state,
                status=status,
                problem=problem,
                next_ms=again_ms if again_ms is not None else now_ms,
                ended_ms=None if state == "waiting" else now_ms,
            )
        )

    def put(self, hook: Hook, body: JSON) -> Future[None]:
        """Write down that somebody is to be told something that is about no request."""
        now_ms = self._clock_ms()
        return self._writer.submit(lambda tx: put(tx, hook, None, now_ms, body))

    def again(self, hook_id: str) -> Future[None]:
        """Begin anew with one. Raises `NotFound`."""
        now_ms = self._clock_ms()

        def work(tx: Tx) -> None:
            if not tx.count("webhook_again", id=hook_id, now_ms=now_ms):
                raise NotFound(what="webhook", id=hook_id)

        return self._writer.submit(work)

    def drop(self, request_id: str) -> Future[None]:
        """What was asked for goes on in another request: nobody is told of this one."""
        return self._writer.submit(lambda tx: tx.run("webhook_drop", request_id=request_id))

    def get(self, hook_id: str) -> Telling:
        """One of them. Raises `NotFound`."""
        with self._readers.read() as tx:
            row = tx.one("webhook_by_id", id=hook_id)
        if row is None:
            raise NotFound(what="webhook", id=hook_id)
        return _telling(row)

    def of_request(self, request_id: str) -> list[Telling]:
        """Those of a request, oldest first."""
        with self._readers.read() as tx:
            return [_telling(row) for row in tx.all("webhooks_of_request", request_id=request_id)]

    def of_state(self, state: str, scope: str | None = None) -> list[Telling]:
        """The newest in a state, of one scope or of all."""
        with self._readers.read() as tx:
            rows = tx.all("webhooks_of_state", state=state, scope=scope, most=MOST_LISTED)
            return [_telling(row) for row in rows]


def put(tx: Tx, hook: Hook, request_id: str | None, now_ms: int, body: JSON = None) -> None:
    """Write a telling down, unless its request and address have one."""
    tx.run(
        "webhook_put",
        id=hook.id,
        request_id=request_id,
        url=hook.url,
        secret=hook.secret.reveal() if hook.secret else None,
        base=hook.base,
        body=None if body is None else dump(body),
        next_ms=now_ms,
    )


def dump_hook(hook: Hook | None) -> str | None:
    """Where a key's or a team's requests are told, as its row keeps it."""
    if hook is None:
        return None
    return dump({"url": hook.url, "secret": hook.secret.reveal() if hook.secret else None})


def load_hook(text: str | None) -> Hook | None:
    """What `dump_hook` wrote."""
    if text is None:
        return None
    said = json.loads(text)
    return Hook(said["url"], Secret(said["secret"]) if said["secret"] else None)


def _telling(row: Row, request_state: State | None = None) -> Telling:
    secret = row["secret"]
    hook = Hook(row["url"], Secret(secret) if secret else None)
    return Telling(
        hook=replace(hook, id=row["id"], base=row["base"]),
        request_id=row["request_id"],
        body=None if row["body"] is None else json.loads(row["body"]),
        state=row["state"],
        tries=row["tries"],
        next_ms=row["next_ms"],
        created_ms=row["created_ms"],
        ended_ms=row["ended_ms"],
        status=row["status"],
        problem=row["problem"],
        request_state=request_state,
    )
