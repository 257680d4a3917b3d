"""What is known of one model: names, shapes, pixels, limits, prices, each with its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pisang.domain.money import Money

SIZES = ("512", "1K", "2K", "4K")
"""Every image size of the family, as Google's wire spells them, smallest first."""

Pixels = tuple[int, int]
"""Width and height."""

PixelTable = Mapping[tuple[str, str], Pixels]
"""Pixels by (ratio, size)."""

RELAY_TABLE = "relay-guide"
"""The table of the relays' guide, which holds for the `-preview` ids that they kept."""

_SIZE_WORDS = {"512": "512", "512PX": "512", "0.5K": "512", "1K": "1K", "2K": "2K", "4K": "4K"}
_SEPARATORS = re.compile(r"[\s._\-]+")
_RATIO = re.compile(r"^\s*(\d+)\s*[:：xX×/]\s*(\d+)\s*$")


def canonical_size(word: str) -> str | None:
    """`1k` → `1K`, `0.5K` and `512px` → `512`; None for a word that is no size of the family."""
    return _SIZE_WORDS.get(word.strip().upper())


def canonical_ratio(word: str) -> str | None:
    """`16x9`, `16：9` and `16 : 9` → `16:9`; None for a word that is no ratio."""
    match = _RATIO.match(word)
    return f"{int(match[1])}:{int(match[2])}" if match else None


def normalise(word: str) -> str:
    """A name without case, spaces, hyphens, underscores and dots."""
    return _SEPARATORS.sub("", word.casefold())


@dataclass(frozen=True, slots=True)
class Source:
    """Where a row is from: what, at which address, as of which date (ISO 8601)."""

    key: str
    what: str
    url: str
    date: str


@dataclass(frozen=True, slots=True)
class SizePrice:
    """What one image of a size costs, at once and in the vendor's batch, and in output tokens."""

    size: str
    price: Money
    batch_price: Money
    image_tokens: int
    source: Source


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """Prices per million tokens: what goes in, text and thoughts out, image out."""

    input: Money
    text: Money
    image: Money
    source: Source


@dataclass(frozen=True, slots=True)
class Retired:
    """An id that Google no longer answers to, and since when (ISO 8601)."""

    id: str
    on: str
    source: Source


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `sizes` are those it makes; `sends_size` is false where the field is rejected.

    `family` joins ids of one model at different upstreams. `wires` limits a model to some wires
    (empty: any). `tables` holds its pixel tables by name, its own first. `max_references` and
    `max_request_bytes` are None where no source names a limit.
    """

    id: str
    name: str
    family: str
    aliases: tuple[str, ...]
    retired: tuple[Retired, ...]
    wires: tuple[str, ...]
    status: str
    note: str
    released: str | None
    ratios: tuple[str, ...]
    sizes: tuple[str, ...]
    default_size: str
    sends_size: bool
    output_mime: str
    thinking: tuple[str, ...]
    thinking_default: str | None
    signatures: bool
    search: tuple[str, ...]
    best_references: int | None
    max_references: int | None
    max_request_bytes: int | None
    max_input_tokens: int | None
    max_output_tokens: int | None
    source: Source
    limits_source: Source
    tokens: TokenPrices | None
    tables: Mapping[str, PixelTable] = field(repr=False, compare=False)
    prices: Mapping[str, SizePrice] = field(repr=False, compare=False)
    time_limits: Mapping[str, int] = field(repr=False, compare=False)
    words: frozenset[str] = field(init=False, repr=False, compare=False)
    """Every name it goes by, normalised; worked out once, for every call asks."""

    def __post_init__(self) -> None:
        names = (*self.ids, self.name, *self.aliases)
        object.__setattr__(self, "words", frozenset(map(normalise, names)))

    @property
    def ids(self) -> tuple[str, ...]:
        """Its id and its retired ids: the names that may stand on a wire."""
        return (self.id, *(old.id for old in self.retired))

    def table_for(self, model_id: str) -> str:
        """The name of the pixel table that holds for that id of this model."""
        if model_id.endswith("-preview") and RELAY_TABLE in self.tables:
            return RELAY_TABLE
        return next(iter(self.tables))

    def pixels(
        self, aspect_ratio: str, image_size: str | None = None, table: str | None = None
    ) -> Pixels | None:
        """The pixels of a shape, in that table where it has the row, else in the model's own.

        No size means the default one. None when the model cannot make that shape.
        """
        shape = (aspect_ratio, image_size or self.default_size)
        if shape[0] not in self.ratios or shape[1] not in self.sizes:
            return None
        own = next(iter(self.tables.values()))
        return self.tables.get(table or "", own).get(shape) or own[shape]

    def shapes(self, aspect_ratio: str, image_size: str | None = None) -> frozenset[Pixels]:
        """All pixels that pass for a ratio (at a size, or at any), over all its tables."""
        return frozenset(
            pixels
            for table in self.tables.values()
            for (ratio, size), pixels in table.items()
            if ratio == aspect_ratio and image_size in (None, size)
        )

    def price(self, image_size: str | None = None) -> Money | None:
        """What one image costs at Google (USD); no size means the default one."""
        row = self.prices.get(image_size or self.default_size)
        return row.price if row else None

    def batch_price(self, image_size: str | None = None) -> Money | None:
        """What one image costs in Google's batch (USD); no size means the default one."""
        row = self.prices.get(image_size or self.default_size)
        return row.batch_price if row else None

    def time_limit_s(self, image_size: str | None = None) -> int:
        """How long an image of that size may take, in seconds; the longest for an odd size."""
        fallback = max(self.time_limits.values())
        return self.time_limits.get(image_size or self.default_size, fallback)
