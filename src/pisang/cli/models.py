"""`pisang models`: the catalogue as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli import candidates
from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import columns_of, flow

if TYPE_CHECKING:
    from pisang.domain.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Models(Told):
    """The arguments of `models`."""

    word: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="One model: all its pixels and sources.",
            autocompletion=candidates.models,
        ),
    ] = None


@command(examples='pisang models\npisang models "nano banana pro"')
def models(asked: Models) -> int:
    """Models with their ratios, sizes, list prices and limits; each row's source and its date.

    Prices are Google's list prices; a relay has its own.
    """
    from pisang.client.records import model_json
    from pisang.domain.catalogue import load
    from pisang.errors import NotFound

    screen = Screen.of(asked.format)
    catalogue = load()
    chosen = catalogue.models
    if asked.word is not None:
        found = catalogue.find(asked.word)
        if found is None:
            raise NotFound(what="model", id=asked.word, hint="pisang models")
        chosen = (found,)
    screen.data({"date": catalogue.date, "models": [model_json(one) for one in chosen]})
    for one in chosen:
        screen.bare(one.id)
        _tell(one, screen)
        if asked.word is not None:
            _tell_pixels(one, screen)
    screen.line(screen.pick(f"As of {catalogue.date}.", f"数据截至 {catalogue.date}。"))
    return 0


def _tell(model: Model, screen: Screen) -> None:
    pick = screen.pick
    prices = [f"{size} {row.price}" for size, row in model.prices.items()]
    references = "—" if model.max_references is None else str(model.max_references)
    screen.line(f"{model.id}  ({model.name}, {model.status})")
    _say(screen, pick("ratios", "比例"), model.ratios)
    _say(screen, pick("sizes", "尺寸"), (*model.sizes, f"→ {model.output_mime}"))
    _say(screen, pick("price", "价格"), prices or ["—"])
    _say(screen, pick("references", "参考图"), [references])
    _say(screen, pick("source", "来源"), [model.source.url, f"({model.source.date})"])


def _tell_pixels(model: Model, screen: Screen) -> None:
    for table, rows in model.tables.items():
        screen.line(f"  {table}:")
        for ratio in model.ratios:
            sizes = ((s, rows.get((ratio, s))) for s in model.sizes)
            cells = [f"{size} {px[0]}×{px[1]}" for size, px in sizes if px]
            if cells:
                _say(screen, f"{ratio:>5}", cells, lead="    ", close="")


def _say(
    screen: Screen, name: str, cells: Sequence[str], *, lead: str = "  ", close: str = ":"
) -> None:
    """A named row, on as many lines as the terminal needs for it."""
    for line in flow((f"{name}{close}", *cells), columns_of(), lead):
        screen.line(line)
