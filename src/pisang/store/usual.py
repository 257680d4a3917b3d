"""How long an image usually takes, from the ledger's own experience."""

from __future__ import annotations

from statistics import median

from pisang.store.ledger import Tx

NEWEST = 20
"""The median is of so many images: enough that one slow one does not move it."""

AMONG = 500
"""They are looked for among so many newest attempts of the upstream, so that a model that is seldom
asked for costs no walk through the whole ledger (0.6 ms where none is found of 100,000)."""


def usual_s(tx: Tx, upstream: str, model: str, image_size: str | None) -> float | None:
    """The median seconds from sending to the end of the newest images of that model and size at
    that upstream; None where it made none lately."""
    rows = tx.all(
        "took_newest",
        upstream=upstream,
        model=model,
        image_size=image_size,
        among=AMONG,
        limit=NEWEST,
    )
    return median(row["took_ms"] for row in rows) / 1000 if rows else None
