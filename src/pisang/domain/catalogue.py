"""The catalogue: every known model, read once from `catalogue.toml`, and finding one by a word.

A table that contradicts itself does not load: `SettingsMalformed` names the row and the reason.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TypeVar

from pisang.domain.model import (
    SIZES,
    Model,
    Pixels,
    PixelTable,
    Retired,
    SizePrice,
    Source,
    TokenPrices,
    canonical_ratio,
    canonical_size,
    normalise,
)
from pisang.domain.money import Money, parse_money
from pisang.domain.request import JSON
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import SettingsMalformed

__all__ = [
    "SIZES",
    "Catalogue",
    "Model",
    "Resolved",
    "canonical_ratio",
    "canonical_size",
    "load",
    "normalise",
    "parse",
    "resolve",
]

_SIZE_SUFFIX = re.compile(r"-(?:512|[124]k)$", re.IGNORECASE)
_GOOGLE = frozenset({"google", "vertex"})
"""Kinds of upstream that answer to current ids only."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every known model. `date` is the day of the table (ISO 8601); `ratios` all that any takes."""

    date: str
    models: tuple[Model, ...]
    ratios: tuple[str, ...]
    sources: Mapping[str, Source] = field(repr=False, compare=False)
    time_limits: Mapping[str, int] = field(repr=False, compare=False)
    _names: Mapping[str | None, Mapping[str, Model]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        wires = {None, _OTHER, *(wire for model in self.models for wire in model.wires)}
        object.__setattr__(self, "_names", {wire: _named(self.models, wire) for wire in wires})

    def find(self, word: str, wire: str | None = None) -> Model | None:
        """The model that goes by that word, or None. Case, spaces, hyphens and dots don't count.

        A vendor's prefix (`google/…`, `models/…`) and a relay's size suffix (`…-4k`) are seen
        through. With a `wire`, models of other wires are left out, and its own come first.
        """
        names = self._names.get(wire) or self._names[_OTHER]
        name = word.rsplit("/", 1)[-1].strip()
        return _find(names, name) or _find(names, _SIZE_SUFFIX.sub("", name))

    def time_limit_s(self, image_size: str | None) -> int:
        """How long an image of that size may take at an unknown model, in seconds.

        The longest where the size is not said: to give up early loses what was paid for.
        """
        return self.time_limits.get(image_size or "", max(self.time_limits.values()))


_OTHER = ""
"""Stands for a wire that no model is limited to."""


def _named(models: tuple[Model, ...], wire: str | None) -> Mapping[str, Model]:
    """The models of a wire (None: of any) by id and by normalised name, its own before others."""
    fits = [model for model in models if wire is None or not model.wires or wire in model.wires]
    if wire is not None:
        fits.sort(key=lambda model: not model.wires)
    names: dict[str, Model] = {}
    for model in fits:
        for word in model.words:
            names.setdefault(word, model)
    return names | {_exactly(model.id): model for model in reversed(fits)}


def _exactly(model_id: str) -> str:
    """An id as it is written, told from every normalised name by the blank before it."""
    return f" {model_id}"


def _find(names: Mapping[str, Model], name: str) -> Model | None:
    return names.get(_exactly(name)) or names.get(normalise(name))


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a word means at an upstream: the id for the wire, and the model where it is known."""

    model_id: str
    model: Model | None
    warnings: tuple[Warn, ...] = ()


def resolve(word: str, upstream: Upstream, catalogue: Catalogue) -> Resolved:
    """The id that goes on the wire for a user's word (DESIGN §9, upstream presets).

    The upstream's own ids win; then the model that the word names, under that upstream's own id
    for it; then, at Google, the current id, and elsewhere the id as it was written. A word that
    names no known model passes untouched, with a warning.
    """
    own = _own_id(word, upstream.models)
    if own is not None:
        return Resolved(own, catalogue.find(own, upstream.wire))
    model = catalogue.find(word, upstream.wire)
    if model is None:
        return Resolved(word, None, (_unknown(word),))
    if upstream.models:
        return _listed(word, model, upstream, catalogue)
    if upstream.kind in _GOOGLE:
        return Resolved(model.id, model, _retired(word, model))
    if "/" in word:
        return Resolved(word, model)
    plain = normalise(word)
    return Resolved(next((i for i in model.ids if normalise(i) == plain), model.id), model)


def _own_id(word: str, ids: tuple[str, ...]) -> str | None:
    if word in ids:
        return word
    plain = normalise(word)
    return next((own for own in ids if normalise(own) == plain), None)


def _listed(word: str, model: Model, upstream: Upstream, catalogue: Catalogue) -> Resolved:
    """That model under one of the ids that the upstream lists."""
    for own in upstream.models:
        known = catalogue.find(own, upstream.wire)
        if known is not None and known.family == model.family:
            return Resolved(own, known)
    text = f"{upstream.name} does not list {model.name} among its models: {word!r} is sent anyway."
    return Resolved(model.id, model, (Warn("model_unlisted", text),))


def _unknown(word: str) -> Warn:
    return Warn("model_unknown", f"The model {word!r} is not known here: it is sent unchecked.")


def _retired(word: str, model: Model) -> tuple[Warn, ...]:
    plain = normalise(word.rsplit("/", 1)[-1])
    for old in model.retired:
        if normalise(old.id) == plain:
            text = f"{old.id} was shut down on {old.on}: {model.id} is used in its place."
            return (Warn("model_retired", text),)
    return ()


# --- loading -----------------------------------------------------------------------------------


@cache
def load() -> Catalogue:
    """The catalogue that ships with Pisang; read once."""
    return parse(files("pisang.domain").joinpath("catalogue.toml").read_text("utf-8"))


def parse(text: str, path: str = "catalogue.toml") -> Catalogue:
    """The catalogue in a TOML text; `SettingsMalformed` says which row is wrong, and how."""
    try:
        return _catalogue(_Row(tomllib.loads(text), "the file"))
    except (_Wrong, tomllib.TOMLDecodeError) as error:
        raise SettingsMalformed(path=path, why=str(error)) from error


class _Wrong(Exception):
    """A row that can't be; its text says where and why."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A TOML table that says where it stands when a value is not what it must be."""

    data: Mapping[str, JSON]
    where: str

    def need(self, key: str, kind: type[T]) -> T:
        """The value under `key`, which must be there and of that type."""
        value = self.data.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            raise _Wrong(f"{self.where}: {key} must be a {kind.__name__}, not {value!r}")
        return value

    def may(self, key: str, kind: type[T], default: T | None = None) -> T | None:
        """The value under `key`, or the default where there is none."""
        return self.need(key, kind) if key in self.data else default

    def words(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty where the key is absent."""
        values = self.may(key, list) or []
        if not all(isinstance(value, str) for value in values):
            raise _Wrong(f"{self.where}: {key} must be a list of strings")
        return tuple(values)

    def table(self, key: str) -> _Row:
        """The table under `key`."""
        return _Row(self.need(key, dict), f"{self.where}, {key}")

    def rows(self, key: str) -> tuple[_Row, ...]:
        """The tables of the list under `key`, empty where it is absent."""
        found = self.may(key, list) or []
        return tuple(
            _Row(row if isinstance(row, dict) else {}, f"{self.where}, {key} {number}")
            for number, row in enumerate(found, 1)
        )

    def money(self, key: str) -> Money:
        """A decimal string of US dollars."""
        try:
            return parse_money(self.need(key, str), "USD")
        except ValueError as error:
            raise _Wrong(f"{self.where}: {key}: {error}") from error


_Sources = Mapping[str, Source]


def _pick(row: _Row, key: str, choices: Mapping[str, T]) -> T:
    """The choice that the row names under `key`."""
    word = row.need(key, str)
    if word not in choices:
        raise _Wrong(f"{row.where}: {key} {word!r} is none of {', '.join(choices)}")
    return choices[word]


def _mapped(row: _Row, read: Callable[[_Row, str], T]) -> dict[str, T]:
    return {key: read(row, key) for key in row.data}


def _catalogue(top: _Row) -> Catalogue:
    sources = _mapped(top.table("sources"), _source)
    ratios = _mapped(top.table("ratios"), _ratio_set)
    limits = {
        row.need("size", str): row.need("seconds", int)
        for row in top.rows("time_limits")
        if _pick(row, "source", sources)
    }
    if set(limits) != set(SIZES):
        raise _Wrong(f"{top.where}: time_limits must name each of {', '.join(SIZES)} once")
    tables = _mapped(top.table("pixels"), lambda row, key: _pixel_table(row, key, sources))
    models = tuple(_model(row, sources, ratios, tables, limits) for row in top.rows("models"))
    _check_ids(models)
    every = tuple(dict.fromkeys(ratio for model in models for ratio in model.ratios))
    return Catalogue(top.need("date", date).isoformat(), models, every, sources, limits)


def _source(row: _Row, key: str) -> Source:
    one = row.table(key)
    day = one.need("date", date).isoformat()
    return Source(key, one.need("what", str), one.need("url", str), day)


def _ratio_set(row: _Row, key: str) -> tuple[str, ...]:
    ratios = row.words(key)
    odd = [ratio for ratio in ratios if canonical_ratio(ratio) != ratio]
    if odd or not ratios:
        raise _Wrong(f"{row.where}: {key} must list ratios like 16:9, not {odd}")
    return ratios


def _pixel_table(row: _Row, key: str, sources: _Sources) -> PixelTable:
    table: dict[tuple[str, str], Pixels] = {}
    for line in row.rows(key):
        _pick(line, "source", sources)
        for size in line.data.keys() - {"ratio", "source"}:
            table[line.need("ratio", str), size] = _pixels(line, size)
    return table


def _pixels(row: _Row, size: str) -> Pixels:
    match row.need(size, list):
        case [int(width), int(height)] if size in SIZES and width > 0 and height > 0:
            return width, height
    raise _Wrong(f"{row.where}: {size!r} must be a size with [width, height]")


def _model(
    row: _Row,
    sources: _Sources,
    ratios: Mapping[str, tuple[str, ...]],
    tables: Mapping[str, PixelTable],
    limits: Mapping[str, int],
) -> Model:
    source = _pick(row, "source", sources)
    model = Model(
        id=row.need("id", str),
        name=row.need("name", str),
        family=row.need("family", str),
        aliases=row.words("aliases"),
        retired=tuple(_retired_row(old, sources) for old in row.rows("retired")),
        wires=row.words("wires"),
        status=row.need("status", str),
        note=row.need("note", str),
        released=day.isoformat() if (day := row.may("released", date)) else None,
        ratios=_pick(row, "ratios", ratios),
        sizes=row.words("sizes"),
        default_size=row.need("default_size", str),
        sends_size=row.may("sends_size", bool, True) is True,
        output_mime=row.need("output_mime", str),
        thinking=row.words("thinking"),
        thinking_default=row.may("thinking_default", str),
        signatures=row.need("signatures", bool),
        search=row.words("search"),
        best_references=row.may("best_references", int),
        max_references=row.may("max_references", int),
        max_request_bytes=row.may("max_request_bytes", int),
        max_input_tokens=row.may("max_input_tokens", int),
        max_output_tokens=row.may("max_output_tokens", int),
        source=source,
        limits_source=_pick(row, "limits_source", sources)
        if "limits_source" in row.data
        else source,
        tokens=_token_prices(row.table("tokens"), sources) if "tokens" in row.data else None,
        tables={name: _table_named(row, name, tables) for name in row.words("pixels")},
        prices={p.size: p for p in (_price(line, sources) for line in row.rows("prices"))},
        time_limits=limits,
    )
    _check(model, row.where)
    return model


def _table_named(row: _Row, name: str, tables: Mapping[str, PixelTable]) -> PixelTable:
    if name not in tables:
        raise _Wrong(f"{row.where}: there is no pixel table {name!r}")
    return tables[name]


def _retired_row(row: _Row, sources: _Sources) -> Retired:
    day = row.need("on", date).isoformat()
    return Retired(row.need("id", str), day, _pick(row, "source", sources))


def _price(row: _Row, sources: _Sources) -> SizePrice:
    return SizePrice(
        row.need("size", str),
        row.money("usd"),
        row.money("batch_usd"),
        row.need("image_tokens", int),
        _pick(row, "source", sources),
    )


def _token_prices(row: _Row, sources: _Sources) -> TokenPrices:
    source = _pick(row, "source", sources)
    return TokenPrices(row.money("input"), row.money("text"), row.money("image"), source)


def _check(model: Model, where: str) -> None:
    """What must hold inside one model."""
    if model.default_size not in model.sizes or not set(model.sizes) <= set(SIZES):
        raise _Wrong(f"{where}: sizes {model.sizes} with default {model.default_size!r} can't be")
    if not model.tables:
        raise _Wrong(f"{where}: {model.id} names no pixel table")
    own = next(iter(model.tables.values()))
    bare = [(r, s) for r in model.ratios for s in model.sizes if (r, s) not in own]
    if bare:
        raise _Wrong(f"{where}: {model.id} has no pixels for {bare}")
    if model.prices and set(model.prices) != set(model.sizes):
        raise _Wrong(f"{where}: the prices of {model.id} must name each of {model.sizes}")
    if model.thinking_default is not None and model.thinking_default not in model.thinking:
        raise _Wrong(f"{where}: thinking_default {model.thinking_default!r} is no level of its own")


def _check_ids(models: tuple[Model, ...]) -> None:
    """No two models share an id, and none of one wire set share a word."""
    seen: dict[tuple[str, tuple[str, ...]], str] = {}
    for model in models:
        for word in model.words:
            other = seen.setdefault((word, model.wires), model.id)
            if other != model.id:
                raise _Wrong(f"models: {model.id} and {other} both go by {word!r}")
    if len({model.id for model in models}) != len(models):
        raise _Wrong("models: an id stands twice")
