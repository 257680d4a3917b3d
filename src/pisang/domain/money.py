"""Money as integer micro-units of a named currency; there is no float money in Pisang."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

MICROS = 1_000_000

MOST = 1_000_000_000_000
"""Whole units of a currency: beyond any budget, and well inside 64 bits as micro-units."""

_AMOUNT = re.compile(r"^\s*(?P<amount>\d+(?:\.\d+)?)\s*(?P<currency>[A-Za-z]{3})?\s*$")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount: `micros` millionths of one `currency` (ISO 4217, upper case). Never negative."""

    micros: int
    currency: str

    def __post_init__(self) -> None:
        if self.micros < 0:
            raise ValueError("money is never negative")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError(f"a currency is three capital letters, not {self.currency!r}")

    def __str__(self) -> str:
        """`0.134 USD`: as many decimals as the amount has, at least two."""
        text = f"{Decimal(self.micros) / MICROS:f}"
        whole, _, fraction = text.partition(".")
        return f"{whole}.{fraction.rstrip('0').ljust(2, '0')} {self.currency}"

    def __add__(self, other: Money) -> Money:
        """The sum of two amounts of one currency; `ValueError` across currencies."""
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.micros + other.micros, self.currency)

    def times(self, n: int) -> Money:
        """`n` times this amount."""
        return Money(self.micros * n, self.currency)

    @property
    def amount(self) -> str:
        """The decimal amount without its currency, for JSON (`"0.134"`)."""
        return str(self).split(" ", 1)[0]


def parse_money(text: str, default_currency: str = "USD") -> Money:
    """The amount in `5`, `5USD`, `0.20 CNY`; `ValueError` with a clear sentence otherwise."""
    match = _AMOUNT.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not an amount: write it like 5USD or 0.20CNY")
    amount = Decimal(match["amount"])
    if amount > MOST:
        raise ValueError(f"an amount is at most {MOST:,}")
    micros = int(amount * MICROS)
    if micros != amount * MICROS:  # a price rounded to nothing would pass every cap
        raise ValueError(f"{text!r} is too fine: an amount has at most six decimals")
    return Money(micros, (match["currency"] or default_currency).upper())
