"""JSON shapes that scripts rely on (DESIGN §9) and that need nothing heavy to be told."""

from __future__ import annotations

from collections.abc import Iterable

from pisang.domain.request import JSON
from pisang.domain.warning import Warn
from pisang.errors import Language, PisangError


def error_json(error: PisangError, language: Language = "en") -> dict[str, JSON]:
    """An error, its sentence in that language."""
    return {
        "code": error.code,
        "message": error.message(language),
        "charged": error.charged.value,
        "at_stake": error.at_stake,
        "retry": error.retry.value,
        "request_id": error.request_id,
        "upstream_request_id": error.upstream_request_id,
        "hint": error.next_step(),
    }


def warnings_json(warnings: Iterable[Warn]) -> list[JSON]:
    """Warnings in order."""
    return [{"code": one.code, "message": one.message} for one in warnings]
