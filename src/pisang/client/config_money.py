"""Changing what `config.toml` says of money: prices, caps, the ledger's currency and rates.

One line is changed, or one table added or taken away; comments and order stay, as in
`config_edit`, which also sees to it that the file then says just what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pisang.client.config_edit import read_config, save_config, toml_key, toml_value
from pisang.client.files import in_turn
from pisang.client.schema import header_of, split_key
from pisang.domain.ledger import Budget
from pisang.domain.money import Money

PriceTable = Literal["prices", "published"]

_REMARK = re.compile(r'=\s*"[^"]*"(?P<remark>\s+#.*)$')
_ASSIGNMENT = re.compile(r"^\s*(?P<key>[^=#\[\]]+?)\s*=")


@in_turn
def put_prices(
    home: Path,
    upstream: str,
    changes: Mapping[str, Money | None],
    table: PriceTable = "prices",
    *,
    on: str | None = None,
) -> None:
    """Set these prices of a configured upstream, keyed by `model` or `model@SIZE`; None removes
    one. `on` is the day on which an upstream published them."""
    text, config = read_config(home)
    entry = config.upstreams[upstream]
    told = dict(getattr(entry, table))
    section = ("upstreams", upstream, table)
    for key, price in changes.items():
        if price is None:
            told.pop(key, None)
        else:
            told[key] = price
        text = with_value(text, section, key, _amount(price) if price else None)
    if on is not None:
        text = with_value(text, section[:2], "published_on", on)
        entry = replace(entry, published_on=on)
    entry = replace(entry, prices=told) if table == "prices" else replace(entry, published=told)
    save_config(home, text, replace(config, upstreams={**config.upstreams, upstream: entry}))


@in_turn
def put_budget(home: Path, budget: Budget) -> None:
    """Set a cap, in place of an older one of that id."""
    text, config = read_config(home)
    others = tuple(one for one in config.budgets if one.id != budget.id)
    section = ("budgets", budget.id)
    text = without_table(text, section)
    values = {"scope": budget.scope, "period": budget.period, "cap": _amount(budget.cap)}
    for key, value in (*values.items(), ("time_zone", budget.time_zone)):
        text = with_value(text, section, key, value)
    save_config(home, text, replace(config, budgets=(*others, budget)))


@in_turn
def drop_budget(home: Path, budget_id: str) -> bool:
    """Take a cap away; whether there was one."""
    text, config = read_config(home)
    others = tuple(one for one in config.budgets if one.id != budget_id)
    if len(others) == len(config.budgets):
        return False
    text = without_table(text, ("budgets", budget_id))
    save_config(home, text, replace(config, budgets=others))
    return True


@in_turn
def put_currency(home: Path, currency: str) -> None:
    """Set the ledger's one currency."""
    text, config = read_config(home)
    text = with_value(text, (), "currency", currency)
    save_config(home, text, replace(config, currency=currency))


@in_turn
def put_rate(home: Path, currency: str, rate: Decimal | None) -> None:
    """Set what one unit of a currency is worth in the ledger's; None removes it."""
    text, config = read_config(home)
    rates = {name: one for name, one in config.rates.items() if name != currency}
    if rate is not None:
        rates[currency] = rate
    text = with_value(text, ("rates",), currency, f"{rate:f}" if rate is not None else None)
    save_config(home, text, replace(config, rates=rates))


def _amount(money: Money) -> str:
    return f"{money.amount}{money.currency}"


# --- lines of TOML -------------------------------------------------------------------------------


def with_value(text: str, section: tuple[str, ...], key: str, value: str | None) -> str:
    """The text with that key of a table set, its line replaced where it has one; None removes it.
    A table that is not there is added at the end."""
    lines = text.splitlines()
    first, last = _span(lines, section)
    if first is None:
        if value is None:
            return text
        header = ".".join(map(toml_key, section))
        return "\n".join((text.rstrip(), "", f"[{header}]", _line(key, value), ""))
    there = next((i for i in range(first, last) if _assigns(lines[i], key)), None)
    new = [] if value is None else [_line(key, value)]
    if there is not None:
        said = _REMARK.search(lines[there])
        lines[there : there + 1] = [f"{line}{said['remark'] if said else ''}" for line in new]
    else:
        while last > first and not lines[last - 1].strip():
            last -= 1
        lines[last:last] = new
    return "\n".join((*lines, ""))


def without_table(text: str, section: tuple[str, ...]) -> str:
    """The text without that table."""
    lines = text.splitlines()
    first, last = _span(lines, section)
    if first is None:
        return text
    kept = lines[last:]
    # What stands right above the next table is about that one.
    above = last
    while above > first and (
        not lines[above - 1].strip() or lines[above - 1].lstrip().startswith("#")
    ):
        above -= 1
    return "\n".join((*lines[: first - 1], *lines[above:last], *kept, ""))


def _span(lines: list[str], section: tuple[str, ...]) -> tuple[int | None, int]:
    """The first line inside a table and the one behind its last; (None, 0) where it is not."""
    headers = [(i, header) for i, line in enumerate(lines) if (header := header_of(line))]
    ends = [*(i for i, _ in headers[1:]), len(lines)][: len(headers)]
    if not section:
        return 0, headers[0][0] if headers else len(lines)
    for (start, header), end in zip(headers, ends, strict=True):
        if header == section:
            return start + 1, end
    return None, 0


def _assigns(line: str, key: str) -> bool:
    found = _ASSIGNMENT.match(line)
    return found is not None and split_key(found["key"]) == (key,)


def _line(key: str, value: str) -> str:
    return f"{toml_key(key)} = {toml_value(value)}"
