"""What is to happen with a request's images once they are safe, and who does it.

An entry is written in the commit that writes the request down, so a process that dies between the
two leaves nobody guessing: the entry stands, and the next who asks for the request takes it over.
"""

from __future__ import annotations

import json

from pisang.domain.ledger import Outgoing
from pisang.domain.request import JSON
from pisang.store.ledger import Row, Tx
from pisang.store.process import Process
from pisang.store.rows import dump


def put(tx: Tx, process: Process, request_id: str, spec: JSON, now_ms: int) -> None:
    """Write down what this process will do with a request's images."""
    tx.run(
        "outbox_put",
        request_id=request_id,
        owner=process.owner,
        spec=dump(spec),
        created_ms=now_ms,
    )


def take(tx: Tx, process: Process, request_id: str) -> Outgoing | None:
    """The newest entry that nobody alive is to do, from now on this process's; None: there is
    none. One of its own that it has not done is given again."""
    for row in tx.all("outbox_of_request", request_id=request_id):
        owner: str = row["owner"]
        if row["done_ms"] is not None or (owner != process.owner and process.alive(owner)):
            continue
        if owner != process.owner:
            tx.run("outbox_take", request_id=request_id, dead=owner, owner=process.owner)
        return _outgoing(row, alive=True, mine=True)
    return None


def done(tx: Tx, process: Process, request_id: str, result: JSON) -> None:
    """This process did what it was to do."""
    tx.run(
        "outbox_done",
        request_id=request_id,
        owner=process.owner,
        result=dump(result),
        done_ms=process.clock_ms(),
    )


def of_request(tx: Tx, process: Process, request_id: str) -> list[Outgoing]:
    """All entries of a request, newest first."""
    rows = tx.all("outbox_of_request", request_id=request_id)
    return [
        _outgoing(
            row,
            alive=process.works_on(row["owner"]),
            mine=row["owner"] == process.owner,
        )
        for row in rows
    ]


def _outgoing(row: Row, *, alive: bool, mine: bool) -> Outgoing:
    result = row["result"]
    return Outgoing(
        spec=json.loads(row["spec"]),
        done_ms=row["done_ms"],
        result=None if result is None else json.loads(result),
        alive=alive,
        mine=mine,
    )
