"""What a wish would cost, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from pisang.domain.catalogue import Catalogue
from pisang.domain.money import Money
from pisang.engine.order import Order
from pisang.policy.plan import plan


@dataclass(frozen=True, slots=True)
class Estimate:
    """How a wish would go: the model's id at its upstream, ratio and size as they would be asked.

    `worst` is the most that all its images may cost together, in the upstream's currency; None
    where the price is not known. `basis` is whence it is (`Cost.basis`), `is_play` that it is the
    sandbox's money, and `time_limit_s` how long one image may take.
    """

    upstream: str
    model: str
    aspect_ratio: str | None
    image_size: str | None
    n: int
    worst: Money | None
    basis: str
    is_play: bool
    time_limit_s: float


def estimate(order: Order, catalogue: Catalogue) -> Estimate:
    """What the order would come to. Raises the `UsageError` of one that can't be granted."""
    planned = plan(order.request, order.upstream, catalogue)
    asked, one = planned.request, planned.price.money
    return Estimate(
        upstream=order.upstream.name,
        model=planned.model_id,
        aspect_ratio=asked.aspect_ratio,
        image_size=asked.image_size,
        n=asked.n,
        worst=None if one is None else Money(one.micros * asked.n, one.currency),
        basis=planned.price.basis,
        is_play=order.upstream.kind == "sandbox",
        time_limit_s=order.timeout_s or planned.time_limit_s,
    )
