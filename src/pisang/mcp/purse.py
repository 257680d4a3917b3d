"""What one session may spend, beside the ledger's budgets, which hold for the whole home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pisang.domain.money import Money
from pisang.errors import BudgetExceeded, PriceUnknown


@dataclass(frozen=True, slots=True)
class Priced:
    """What a wish may cost at most, in the purse's currency (None: not known), and whose it is.
    The sandbox's play money is not counted."""

    worst: Money | None
    upstream: str
    model: str
    image_size: str
    is_play: bool = False


class Purse:
    """`cap` None: no limit. All amounts are in the cap's currency."""

    def __init__(self, cap: Money | None) -> None:
        self.cap = cap
        self._micros = 0
        """Spent, at stake, or held for what is under way."""

    @contextmanager
    def hold(self, priced: Priced) -> Iterator[Holding]:
        """Hold a wish's worst price while it is made; `settle` says what it came to. What was never
        settled stays held: nobody knows what it cost.

        Raises `BudgetExceeded`, and `PriceUnknown` where there is a cap and no price.
        """
        holding = Holding(0)
        if self.cap is not None and not priced.is_play:
            if priced.worst is None:
                raise PriceUnknown(
                    upstream=priced.upstream, model=priced.model, image_size=priced.image_size
                )
            holding.micros = priced.worst.micros
            if self._micros + holding.micros > self.cap.micros:
                raise BudgetExceeded(
                    budget="of this session (--max-cost)",
                    cap=str(self.cap),
                    spent=str(Money(self._micros, self.cap.currency)),
                    price=str(priced.worst),
                )
        held = holding.micros
        self._micros += held
        try:
            yield holding
        finally:
            self._micros += holding.micros - held


@dataclass(slots=True)
class Holding:
    """What is held for one wish."""

    micros: int

    def settle(self, money: Money | None) -> None:
        """It came to so much; None: to nothing."""
        self.micros = 0 if money is None else money.micros
