"""Rows of the ledger and of the catalogue as JSON: the shapes that scripts rely on, on any face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pisang.client.results import iso_time
from pisang.domain.ledger import AttemptRow
from pisang.domain.request import JSON
from pisang.engine.outcome import at_stake
from pisang.errors import Language

if TYPE_CHECKING:
    from pisang.client.looking import Looked
    from pisang.domain.model import Model


def attempt_json(row: AttemptRow) -> dict[str, JSON]:
    """One attempt."""
    return {
        "id": row.id,
        "ordinal": row.ordinal,
        "upstream": row.upstream,
        "model": row.model,
        "state": row.state.value,
        "charged": row.charged.value,
        "cost": str(row.cost) if row.cost else None,
        "play_money": row.free,
        "status": row.status,
        "error": row.error_code,
        "message": row.message,
        "log_id": row.log_id,
        "upstream_request_id": row.upstream_request_id,
        "sent_ms": row.sent_ms,
        "ended_ms": row.ended_ms,
    }


def unknown_json(row: AttemptRow) -> dict[str, JSON]:
    """One attempt of unknown outcome."""
    return {
        "id": row.id,
        "request_id": row.request_id,
        "state": row.state.value,
        "upstream": row.upstream,
        "model": row.model,
        "at_stake": at_stake(row),
        "sent_at": iso_time(row.sent_ms) if row.sent_ms is not None else None,
        "status": row.status,
        "message": row.message,
        "excerpt": row.excerpt or None,
        "log_id": row.log_id,
        "upstream_request_id": row.upstream_request_id,
        "response_id": row.response_id,
    }


def looked_json(looked: Looked, language: Language = "en") -> dict[str, JSON]:
    """What a look at an attempt came to, without its images."""
    return {
        **unknown_json(looked.row),
        "tried": looked.error.message(language) if looked.error else None,
        "billing": looked.billing.to_json() if looked.billing else None,
    }


def model_json(model: Model) -> dict[str, JSON]:
    """One model of the catalogue."""
    return {
        "id": model.id,
        "name": model.name,
        "aliases": list(model.aliases),
        "status": model.status,
        "wires": list(model.wires),
        "aspect_ratios": list(model.ratios),
        "image_sizes": list(model.sizes),
        "default_size": model.default_size,
        "output_mime": model.output_mime,
        "max_references": model.max_references,
        "prices": {
            size: {"amount": row.price.amount, "currency": row.price.currency}
            for size, row in model.prices.items()
        },
        "time_limits_s": dict(model.time_limits),
        "retired_ids": [old.id for old in model.retired],
        "pixels": {
            table: {f"{ratio}@{size}": list(pixels) for (ratio, size), pixels in rows.items()}
            for table, rows in model.tables.items()
        },
        "source": {"url": model.source.url, "date": model.source.date},
    }
