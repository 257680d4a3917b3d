"""What images cost at an upstream: telling it, setting it, taking it back, reading what it says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from pisang.client.config_money import put_prices
from pisang.client.settings import Entry, Settings
from pisang.domain.catalogue import Catalogue, canonical_size, resolve
from pisang.domain.model import SIZES
from pisang.domain.money import Money, parse_money
from pisang.domain.request import JSON
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import OptionInvalid, SizeUnsupported, UpstreamUnknown
from pisang.policy.price import Basis, price

FREE_WORD = "free"


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What one image of a model and size costs at most. No size: each that the model makes.
    `money` is None where nobody knows (`basis` is `none` then)."""

    model: str
    image_size: str | None
    money: Money | None
    basis: Basis

    def to_json(self) -> dict[str, JSON]:
        """The shape that scripts rely on."""
        return {
            "model": self.model,
            "image_size": self.image_size,
            "amount": self.money.amount if self.money else None,
            "currency": self.money.currency if self.money else None,
            "basis": self.basis,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One price before and after; None where there was, or is, none."""

    key: str
    before: Money | None
    after: Money | None

    def to_json(self) -> dict[str, JSON]:
        """The shape that scripts rely on."""
        before, after = (str(one) if one else None for one in (self.before, self.after))
        return {"price_of": self.key, "before": before, "after": after}


def configured(settings: Settings, name: str) -> Entry:
    """The configured upstream of that name. Raises `UpstreamUnknown`, which says how to add it."""
    entry = settings.upstreams.get(name)
    if entry is None:
        names = ", ".join(settings.upstreams)
        choices = f"configured are {names}" if names else "none is configured yet"
        raise UpstreamUnknown(name=name, choices=choices, hint=f"pisang upstream add {name}")
    return entry


def parse_price(text: str, currency: str) -> Money:
    """The amount in `0.20CNY`, `0.134` (of the ledger's currency) or `free`. Raises
    `OptionInvalid`."""
    if text.strip().lower() == FREE_WORD:
        return Money(0, currency)
    try:
        return parse_money(text, currency)
    except ValueError as error:
        raise OptionInvalid(option="AMOUNT", value=text, why=str(error)) from error


def price_key(
    word: str | None, size: str | None, upstream: Upstream, catalogue: Catalogue
) -> tuple[str, tuple[Warn, ...]]:
    """The key of a price (`model` or `model@SIZE`) for a user's words, and what to know of them.

    Raises `OptionInvalid` where no model is named and the upstream has no default, and
    `SizeUnsupported` for a size that a known model does not make.
    """
    word = (word or upstream.default_model or "").strip()
    if not word:
        why = f"{upstream.name} has no default model, so name one (see `pisang models`)"
        raise OptionInvalid(option="--model", value="", why=why)
    resolved = resolve(word, upstream, catalogue)
    model = resolved.model
    warnings = () if resolved.model_id in upstream.models else resolved.warnings
    if size is None:
        return resolved.model_id, warnings
    canonical = canonical_size(size) or size
    if model is not None and canonical not in model.sizes:
        choices = ", ".join(model.sizes)
        raise SizeUnsupported(image_size=size, model=resolved.model_id, choices=choices)
    return f"{resolved.model_id}@{canonical}", warnings


def set_price(settings: Settings, name: str, key: str, money: Money | None) -> Change:
    """Set the user's own price of a configured upstream; None takes it back."""
    before = configured(settings, name).prices.get(key)
    put_prices(settings.home, name, {key: money})
    return Change(key, before, money)


def price_rows(upstream: Upstream, catalogue: Catalogue) -> tuple[PriceRow, ...]:
    """The price of each model and size that is known of at an upstream, in the order of models."""
    words = dict.fromkeys(
        (
            *(key.partition("@")[0] for key in (*upstream.prices, *upstream.published)),
            *upstream.models,
            *((upstream.default_model,) if upstream.default_model else ()),
        )
    )
    found: dict[PriceRow, None] = {}
    for word in words:
        resolved = resolve(word, upstream, catalogue)
        sizes = resolved.model.sizes if resolved.model else _sizes_of(word, upstream)
        rows = [_row(resolved.model_id, size, upstream, catalogue) for size in sizes]
        if len({(row.money, row.basis) for row in rows}) == 1:
            rows = [PriceRow(rows[0].model, None, rows[0].money, rows[0].basis)]
        found.update(dict.fromkeys(rows))
    return tuple(found)


def _sizes_of(model_id: str, upstream: Upstream) -> tuple[str | None, ...]:
    """The sizes of a model that is not known here: those that a price names, and any other."""
    keys = (*upstream.prices, *upstream.published)
    named = {key.partition("@")[2] for key in keys if key.startswith(f"{model_id}@")}
    return (*(size for size in SIZES if size in named), *sorted(named - set(SIZES)), None)


def _row(model_id: str, size: str | None, upstream: Upstream, catalogue: Catalogue) -> PriceRow:
    model = catalogue.find(model_id, upstream.wire)
    found = price(model_id, size, upstream, model)
    return PriceRow(model_id, size, found.money, found.basis)


@dataclass(frozen=True, slots=True)
class Synced:
    """What reading an upstream's published prices changed. `hidden` are those that a price of the
    user's own stands over, and differs; `forced` says that those were taken back."""

    changes: tuple[Change, ...] = ()
    hidden: tuple[Change, ...] = ()
    forced: bool = False


def compare(
    entry: Entry, told: Mapping[str, Money], *, open_: Collection[str] = (), force: bool = False
) -> Synced:
    """What taking over the published prices would change. One that is published no more goes;
    what is `open_` (it depends on something that was not said this time) stays as it is."""
    keys = dict.fromkeys((*(key for key in entry.published if key not in open_), *told))
    pairs = ((key, entry.published.get(key), told.get(key)) for key in keys)
    changes = tuple(Change(key, old, new) for key, old, new in pairs if old != new)
    hidden = tuple(
        Change(key, own, told[_model_of(key)])
        for key, own in entry.prices.items()
        if _model_of(key) in told and own != told[_model_of(key)]
    )
    return Synced(changes, hidden, force and bool(hidden))


def take_over(settings: Settings, entry: Entry, synced: Synced, today: date) -> None:
    """Write published prices down, dated; the user's own stay, but where he said otherwise."""
    changes = {one.key: one.after for one in synced.changes}
    put_prices(settings.home, entry.name, changes, "published", on=today.isoformat())
    if synced.forced:
        put_prices(settings.home, entry.name, {one.key: None for one in synced.hidden})


def _model_of(key: str) -> str:
    """The model of a price's key: what is published holds for each of its sizes."""
    return key.partition("@")[0]
