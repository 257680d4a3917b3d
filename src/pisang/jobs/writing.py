"""An order written down as a job: the other way round from `carrying.order_of`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pisang.domain.batch import Job, Terms
from pisang.domain.fingerprint import request_fingerprint
from pisang.domain.ledger import Wish
from pisang.domain.serial import request_to_json
from pisang.engine.ids import new_id
from pisang.engine.order import Order
from pisang.engine.world import now_ms


def job_of(number: int, orders: Sequence[Order], due_ms: int = 0) -> tuple[Job, Wish]:
    """Row `number` of a batch: the first of these orders for one wish, and every upstream that may
    be asked the very same."""
    order = orders[0]
    request = order.request
    via = dict.fromkeys(one.upstream.name for one in orders if one.request == request)
    terms = Terms(order.max_cost, order.timeout_s, order.strict, order.warnings)
    wish = Wish(
        id="",  # the ledger's to give: `request_id_of`
        created_ms=now_ms(),
        prompt=request.prompt,
        model=request.model or order.upstream.default_model or "",
        spec=request_to_json(request),
        fingerprint=order.fingerprint or request_fingerprint(request, order.upstream.name),
        scope=order.scope,
        face=order.face,
        references=tuple(image.content for image in request.references),
        parent=order.parent,
        folder=order.folder,
        tags=order.tags,
        n=request.n,
        outgoing=order.outgoing,
        hook=replace(order.hook, id=new_id("msg")) if order.hook is not None else None,
    )
    return Job(number, tuple(via), due_ms, terms), wish
