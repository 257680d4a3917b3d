"""How long what is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept. `images_days` None: for ever; `images_bytes` None: however many.

    `answers_days`: whole answers, to be told again; `signatures_days`: what edits go on from.
    `force` lets more than one in a hundred images go at a time.
    """

    answers_days: float = 7
    signatures_days: float = 90
    images_days: float | None = None
    images_bytes: int | None = None
    salvage_hours: float = 24
    force: bool = False
