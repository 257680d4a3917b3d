"""What the tests of jobs share: batches of small wishes for the in-process sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pisang.domain.batch import Batch, BatchLimits, Job, Terms
from pisang.domain.fingerprint import request_fingerprint
from pisang.domain.ledger import Wish
from pisang.domain.request import Request, Text
from pisang.domain.serial import request_to_json
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.engine import Engine
from pisang.engine.ids import new_id
from pisang.engine.world import now_ms
from pisang.errors import UpstreamUnknown
from pisang.jobs.runner import Runner
from pisang.store.store import Store

MODEL = "gemini-3.1-flash-image"

PAID = Upstream("paid", "gemini", "sandbox://local", auth=Auth.NONE, kind="google")
"""The sandbox posing as Google, so that its money counts."""


def wish(words: str = "a kite", *, n: int = 1, size: str | None = "512", **more: Any) -> Wish:
    """A wish for a small picture."""
    request = Request((Text(words),), MODEL, aspect_ratio="1:1", image_size=size, n=n)
    return Wish(
        id="",
        created_ms=now_ms(),
        prompt=words,
        model=MODEL,
        spec=request_to_json(request),
        fingerprint=request_fingerprint(request, "batch"),
        face="batch",
        n=n,
        **more,
    )


def add_batch(
    store: Store,
    words: Iterable[str | Wish] = ("a kite", "a boat", "a hill"),
    via: Sequence[str] = ("paid",),
    *,
    due_ms: int = 0,
    terms: Terms | None = None,
    **limits: Any,
) -> Batch:
    """A batch of these rows, open."""
    batch = Batch(new_id("bat"), now_ms(), source="rows.csv", limits=BatchLimits(**limits))
    store.batches.add(batch).result()
    jobs = [
        (
            Job(number, tuple(via), due_ms, terms or Terms()),
            one if isinstance(one, Wish) else wish(one),
        )
        for number, one in enumerate(words, 1)
    ]
    for start in range(0, len(jobs), 500):
        store.batches.add_jobs(batch, jobs[start : start + 500]).result()
    store.batches.open(batch.id).result()
    return batch


def runner(engine: Engine, *upstreams: Upstream, **more: Any) -> Runner:
    """A runner that knows these upstreams; `PAID` where none is named."""
    known = {one.name: one for one in upstreams or (PAID,)}

    def resolve(name: str) -> Upstream:
        if name not in known:
            raise UpstreamUnknown(name=name, choices="there is none")
        return known[name]

    return Runner(engine, resolve, **more)


def named(name: str, **more: Any) -> Upstream:
    """The same sandbox under another name."""
    return replace(PAID, name=name, **more)
