"""Ledger rows as the values of the domain, and back."""

from __future__ import annotations

import json
from dataclasses import asdict

from pisang.domain.answer import Usage
from pisang.domain.attempt import Charged, State
from pisang.domain.ledger import AttemptRow, Budget, ImageRow, RequestRow
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.domain.warning import Warn
from pisang.store.ledger import Row


def dump(value: JSON) -> str:
    """A value as compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def dump_usage(usage: Usage | None) -> str | None:
    """Usage as JSON, without the counts that were not given."""
    if usage is None:
        return None
    return dump({name: count for name, count in asdict(usage).items() if count is not None})


def dump_warnings(warnings: tuple[Warn, ...]) -> str:
    """Warnings as JSON."""
    return dump([[warn.code, warn.message] for warn in warnings])


def money(micros: int | None, currency: str | None) -> Money | None:
    """An amount out of its two columns."""
    return None if micros is None or currency is None else Money(micros, currency)


def micros(amount: Money | None) -> int | None:
    """The first of an amount's two columns."""
    return None if amount is None else amount.micros


def currency(amount: Money | None) -> str | None:
    """The second of an amount's two columns."""
    return None if amount is None else amount.currency


def attempt_row(row: Row) -> AttemptRow:
    """An attempt."""
    usage = row["usage"]
    return AttemptRow(
        id=row["id"],
        request_id=row["request_id"],
        ordinal=row["ordinal"],
        upstream=row["upstream"],
        wire=row["wire"],
        kind=row["kind"],
        model=row["model"],
        state=State(row["state"]),
        charged=Charged(row["charged"]),
        price=money(row["price_micros"], row["price_currency"]),
        cost=money(row["cost_micros"], row["cost_currency"]),
        basis=row["basis"],
        free=bool(row["free"]),
        owner=row["owner"],
        created_ms=row["created_ms"],
        sent_ms=row["sent_ms"],
        ended_ms=row["ended_ms"],
        deadline_ms=row["deadline_ms"],
        log_id=row["log_id"],
        status=row["status"],
        error_code=row["error_code"],
        error_fields=json.loads(row["error_fields"]),
        message=row["message"],
        excerpt=row["excerpt"],
        finish_reason=row["finish_reason"],
        text=row["text"],
        usage=None if usage is None else Usage(**json.loads(usage)),
        upstream_request_id=row["upstream_request_id"],
        response_id=row["response_id"],
        warnings=tuple(Warn(code, message) for code, message in json.loads(row["warnings"])),
    )


def image_row(row: Row) -> ImageRow:
    """An image."""
    return ImageRow(
        sha256=row["sha256"],
        request_id=row["request_id"],
        attempt_id=row["attempt_id"],
        ordinal=row["ordinal"],
        mime=row["mime"],
        width=row["width"],
        height=row["height"],
        bytes=row["bytes"],
        draft=bool(row["draft"]),
        declared=row["declared"],
        parent=row["parent"],
        created_ms=row["created_ms"],
    )


def request_row(
    row: Row, attempts: tuple[AttemptRow, ...], images: tuple[ImageRow, ...]
) -> RequestRow:
    """A request with what is under it."""
    return RequestRow(
        id=row["id"],
        created_ms=row["created_ms"],
        scope=row["scope"],
        face=row["face"],
        prompt=row["prompt"],
        model=row["model"],
        n=row["n"],
        spec=json.loads(row["spec"]),
        parent=row["parent"],
        folder=row["folder"],
        tags=tuple(json.loads(row["tags"])),
        idempotency_key=row["idempotency_key"],
        state=State(row["state"]),
        attempts=attempts,
        images=images,
    )


def budget_row(row: Row) -> Budget:
    """A budget."""
    return Budget(
        id=row["id"],
        scope=row["scope"],
        period=row["period"],
        cap=Money(row["cap_micros"], row["cap_currency"]),
        time_zone=row["time_zone"],
    )
