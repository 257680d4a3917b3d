"""Attempts whose process died: what of their answers is on disk decides what they are."""

from __future__ import annotations

from pisang.domain.catalogue import Catalogue
from pisang.domain.content import Content
from pisang.domain.ledger import AttemptRow, RequestRow
from pisang.domain.request import Request
from pisang.domain.serial import Loader, request_from_json
from pisang.domain.upstream import Upstream
from pisang.engine.effects import Flow
from pisang.engine.flow import Concluded, Errand, conclude, conclude_orphan
from pisang.errors import PisangError
from pisang.store.store import Orphan
from pisang.wires.table import wire


def recover_one(
    orphan: Orphan, row: RequestRow, request: Request, catalogue: Catalogue
) -> Flow[Concluded]:
    """The flow that settles one orphan.

    With its stored answer it runs the same second half as in life, so a refusal stays a refusal;
    without one, a whole picture among the incoming contents is `done`, anything else `unknown`.
    """
    attempt = orphan.attempt
    # An answer without a status is the one that an earlier recovery stood in (and died after).
    if orphan.answer is not None and orphan.answer.status is not None:
        errand = errand_again(attempt, row, request, catalogue)
        named = {one.sha256 for span in orphan.answer.spans for one in span.contents}
        fetched = tuple(one for one in orphan.contents if one.sha256 not in named)
        return conclude(errand, attempt.id, orphan.answer, fetched)
    return conclude_orphan(
        attempt.id, attempt.upstream, attempt.price, attempt.basis, orphan.contents
    )


def request_again(row: RequestRow, load: Loader) -> Request:
    """The request as it was asked, as far as concluding needs it: a reference that is gone or
    damaged is named all the same, for what was paid is not given up for it."""

    def find(sha256: str, size: int) -> Content:
        try:
            return load(sha256, size)
        except PisangError:
            return Content(sha256, size, b"", b"")

    return request_from_json(row.spec, find)


def errand_again(
    attempt: AttemptRow, row: RequestRow, request: Request, catalogue: Catalogue
) -> Errand:
    """The errand as far as concluding needs it, rebuilt from the ledger: no key, no address."""
    return Errand(
        request=request,
        request_id=row.id,
        ordinal=attempt.ordinal,
        upstream=Upstream(attempt.upstream, attempt.wire, base_url="", kind=attempt.kind),
        wire=wire(attempt.wire),
        model_id=attempt.model,
        model=catalogue.find(attempt.model, attempt.wire),
        price=attempt.price,
        held=None,
        basis=attempt.basis,
        time_limit_s=attempt.deadline_ms / 1000,
    )
