"""What an image will cost at worst, and what it did cost once the upstream has counted tokens."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pisang.domain.answer import Usage
from pisang.domain.model import Model, canonical_size
from pisang.domain.money import Money
from pisang.domain.upstream import Upstream

CATALOGUE_KINDS = frozenset({"google", "vertex", "sandbox"})
"""Kinds of upstream that charge the catalogue's prices: Google's own, and its imitation."""

Basis = Literal["user", "upstream", "catalogue", "none"]
"""The user's own word, the upstream's published list, the catalogue's, or nobody's."""

_PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """An amount and whence it is. `money` is None exactly when `basis` is `none`."""

    money: Money | None
    basis: Basis


UNKNOWN = Price(None, "none")


def price(model_id: str, image_size: str | None, upstream: Upstream, model: Model | None) -> Price:
    """What one image costs at most, in the upstream's currency.

    The user's own prices win, then those that the upstream itself published when it was last
    asked: `model@SIZE`, then `model`, under the id that goes on the wire or the catalogue's id.
    The catalogue's prices hold at Google's own kinds only: what a relay charges is its own
    affair, and a price not known is not guessed. With no size asked it is the default size's;
    the upstream's own default is filled in by `plan` before.
    """
    size = image_size or (model.default_size if model else None)
    size = canonical_size(size) or size if size else None
    names = (model_id, *((model.id,) if model else ()))
    own = _own_price(upstream.prices, names, size)
    if own is not None:
        return Price(own, "user")
    published = _own_price(upstream.published, names, size)
    if published is not None:
        return Price(published, "upstream")
    if model is None or upstream.kind not in CATALOGUE_KINDS:
        return UNKNOWN
    listed = model.price(size)
    return Price(listed, "catalogue") if listed else UNKNOWN


def _own_price(
    prices: Mapping[str, Money], names: tuple[str, ...], size: str | None
) -> Money | None:
    keys = (*(f"{name}@{size}" for name in names if size), *names)
    return next((prices[key] for key in keys if key in prices), None)


EXAMPLE_PRICE = "0.20CNY"


def how_to_price(upstream: str, model: str, image_size: str | None) -> str:
    """The command that sets the price of that model and size, its amount an example."""
    words = ["pisang", "upstream", "price", upstream, "--model", model]
    if image_size:
        words += ["--size", image_size]
    return shlex.join((*words, EXAMPLE_PRICE))


def charge_after(
    usage: Usage | None, model: Model | None, *, has_image: bool = True
) -> Money | None:
    """What an answer cost by its token counts, where the catalogue's prices hold; None: unknown.

    Google bills by tokens (pricing page, 24 September 2026): input, text and thoughts out, and
    image tokens, which are more when drafts come too. The counts' details need not sum up to
    their total (96 short in recorded answers), so the rest counts as text. None where nothing
    was counted, or an image came and was not counted as one. For `basis == "catalogue"` only.
    """
    if usage is None or model is None or model.tokens is None:
        return None
    if usage.image_tokens is None and (has_image or usage.output_tokens is None):
        return None
    image = usage.image_tokens or 0
    text = max((usage.output_tokens or 0) - image, 0) + (usage.thoughts_tokens or 0)
    micros = (
        (usage.prompt_tokens or 0) * model.tokens.input.micros
        + text * model.tokens.text.micros
        + image * model.tokens.image.micros
    )
    return Money(-(-micros // _PER_MILLION), model.tokens.input.currency)
