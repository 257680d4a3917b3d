"""How money is counted: in one currency, whatever upstreams ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pisang.domain.ledger import Budget
from pisang.domain.money import Money


@dataclass(frozen=True, slots=True)
class Ledgering:
    """How money is counted: the ledger's one currency, what others are worth in it, and the caps
    (None: those that the home has)."""

    currency: str = "USD"
    rates: Mapping[str, Decimal] | None = None
    budgets: Sequence[Budget] | None = None

    def convert(self, price: Money | None) -> Money | None:
        """The price in the ledger's currency; None when it, or its rate, is not known."""
        if price is None or price.currency == self.currency:
            return price
        rate = (self.rates or {}).get(price.currency)
        if rate is None:
            return None
        return Money(math.ceil(price.micros * rate), self.currency)

    def counted(self) -> tuple[Budget, ...]:
        """The caps in the ledger's currency, which is what is counted. One in a currency without a
        rate stays as it is: it lets nothing through but prices in that very currency."""
        return tuple(
            replace(budget, cap=self.convert(budget.cap) or budget.cap)
            for budget in self.budgets or ()
        )
