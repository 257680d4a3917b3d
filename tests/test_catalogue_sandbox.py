"""Catalogue × sandbox × wires: every shape comes back with the catalogue's own pixels.

Each picture is ordered from the engine, sent over a wire to the sandbox in this process, read back,
verified, kept and settled; its pixels are those that stand in the ledger's `ImageRow`. No warning
but those of `LIMITS` may come with it.

Painting is nearly all the cost (0.06 CPU-s at 1K, 0.6 at 4K), so this is what runs:

- every 512 and 1K shape of every model id, through every wire that can carry it;
- every 2K and 4K shape of every model through the wire of its own upstream (`gemini`; `crawl` for
  the crawl gateway's model) by one of the ids that mean the same pixels, and every `STRIDE`-th of
  all ids' through each of the others.

With `PISANG_CRASH=long` (`make crash`) every shape goes through every wire. What a wire cannot
carry is in `LIMITS`, with the reason, and is asked for all the same: it must come out as an error
before anything is sent, or as a warning, never silently.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pisang.domain.catalogue import load
from pisang.domain.model import Model
from pisang.domain.request import Request, Text
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.engine import Engine
from pisang.engine.order import Order, Ran
from pisang.errors import PisangError, RatioUnsupported, SizeUnsupported

WHOLE = os.environ.get("PISANG_CRASH") == "long"
STRIDE = 1 if WHOLE else 18
"""One in so many large shapes goes through each wire that is not its model's own upstream's."""

SMALL = frozenset({"512", "1K"})
WIRES = ("gemini", "crawl", "openai_images", "openai_chat")
AT_ONCE = 3
MIMES = {"crawl": "image/png"}
"""What a wire asks for, whatever the model's own type is."""

RELAY_GUIDE = {
    "1:1": (1024, 1024), "16:9": (1376, 768), "9:16": (768, 1376), "4:3": (1200, 896),
    "3:4": (896, 1200), "3:2": (1232, 816), "2:3": (816, 1232), "21:9": (1584, 672),
    "5:4": (1136, 896), "4:5": (896, 1136),
}  # fmt: skip
"""The relay guide's table at 1K, which holds for `-preview` ids; its 2K and 4K are exactly two and
four times that, and it has no 512."""

TIMES = {"1K": 1, "2K": 2, "4K": 4}
RELAY_IDS = ("gemini-3-pro-image-preview", "gemini-3.1-flash-image-preview")


@dataclass(frozen=True, slots=True)
class Shape:
    """One wish of the product."""

    model: Model
    model_id: str
    ratio: str
    size: str

    @property
    def pixels(self) -> tuple[int, int]:
        """What must come: the relay guide's row for the ids that relays keep, else the model's."""
        row, times = RELAY_GUIDE.get(self.ratio), TIMES.get(self.size)
        if self.model_id in RELAY_IDS and row and times:
            return row[0] * times, row[1] * times
        return next(iter(self.model.tables.values()))[self.ratio, self.size]

    def __str__(self) -> str:
        return f"{self.model_id} {self.ratio} {self.size}"


SHAPES = [
    Shape(model, model_id, ratio, size)
    for model in load().models
    for model_id in model.ids
    for ratio in model.ratios
    for size in model.sizes
]


@dataclass(frozen=True, slots=True)
class Limit:
    """What a wire can't carry, and what becomes of it: an error, or a warning of that code."""

    wire: str
    applies: Callable[[Shape], bool]
    comes_to: type[PisangError] | str
    why: str


CRAWL_RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "9:16", "3:4", "2:3", "5:4", "4:5")

LIMITS = (
    Limit(
        "crawl",
        lambda shape: shape.ratio not in CRAWL_RATIOS,
        RatioUnsupported,
        "the crawl gateway's document lists ten ratios",
    ),
    Limit(
        "crawl",
        lambda shape: shape.size not in ("1K", "2K"),
        SizeUnsupported,
        "the crawl gateway's document lists 1K and 2K",
    ),
    *(
        Limit(
            wire,
            lambda shape: not shape.model.sends_size,
            "size_dropped",
            "the model has one size and its upstream rejects the field: nothing is lost",
        )
        for wire in WIRES
    ),
    Limit(
        "openai_images",
        lambda shape: not shape.model.sends_size,
        "size_chosen",
        "this wire asks in pixels, so with the size left out it has to choose some: those of 1K",
    ),
)


def limits(wire: str, shape: Shape) -> list[Limit]:
    """What of that shape that wire can't carry."""
    return [one for one in LIMITS if one.wire == wire and one.applies(shape)]


def error_of(wire: str, shape: Shape) -> type[PisangError] | None:
    """The error that the shape is on that wire before anything is sent; None: it is carried."""
    found = (one.comes_to for one in limits(wire, shape))
    return next((error for error in found if not isinstance(error, str)), None)


def offered(wire: str) -> list[Shape]:
    """The shapes of that wire's models: the crawl gateway's own model is nobody else's."""
    return [shape for shape in SHAPES if not shape.model.wires or wire in shape.model.wires]


def carried(wire: str) -> list[Shape]:
    """The shapes that come back over that wire."""
    return [shape for shape in offered(wire) if error_of(wire, shape) is None]


def by_one_id(shapes: Iterable[Shape]) -> list[Shape]:
    """Of ids that mean the same model and pixels, one; with `WHOLE` all of them."""
    if WHOLE:
        return list(shapes)
    return list({(one.model.id, one.ratio, one.size, one.pixels): one for one in shapes}.values())


def is_own(wire: str, model: Model) -> bool:
    """Whether that wire is the one of the model's own upstream."""
    return wire == (model.wires or ("gemini",))[0]


def upstream(wire: str) -> Upstream:
    """The sandbox in this process, spoken to over that wire."""
    return Upstream("painter", wire, "sandbox://local", auth=Auth.NONE, kind="sandbox")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    home = tmp_path / "home"
    async with await Engine.open(home) as opened:
        yield opened
    shutil.rmtree(home)  # some hundred MB, which pytest would keep for three more runs


async def run(engine: Engine, wire: str, shape: Shape) -> Ran:
    wish = Request((Text("小猫"),), shape.model_id, aspect_ratio=shape.ratio, image_size=shape.size)
    return await engine.run(Order(wish, upstream(wire)))


async def check(engine: Engine, wire: str, shapes: Iterable[Shape]) -> None:
    """Each shape comes back as one image of the catalogue's pixels and with no other warning."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(shape: Shape) -> None:
        async with gate:
            ran = await run(engine, wire, shape)
        assert ran.error is None, f"{shape}: {ran.error}"
        (image,) = ran.row.images
        assert ((image.width, image.height), image.draft) == (shape.pixels, False), str(shape)
        codes = {warning.code for warning in ran.warnings}
        assert codes == {"sandbox", *(one.comes_to for one in limits(wire, shape))}, str(shape)
        assert image.mime == MIMES.get(wire, shape.model.output_mime), str(shape)

    async with asyncio.TaskGroup() as group:
        for shape in shapes:
            group.create_task(one(shape))


def test_the_product_is_whole() -> None:
    assert len(SHAPES) == 268
    assert {shape.model_id for shape in SHAPES} == {i for m in load().models for i in m.ids}
    assert {shape.size for shape in SHAPES} == {"512", "1K", "2K", "4K"}
    counts = {wire: len(carried(wire)) for wire in WIRES}
    assert counts == {"gemini": 248, "crawl": 150, "openai_images": 248, "openai_chat": 248}


@pytest.mark.parametrize("wire", WIRES)
async def test_every_small_shape_has_the_catalogues_pixels(engine: Engine, wire: str) -> None:
    await check(engine, wire, [shape for shape in carried(wire) if shape.size in SMALL])


LARGE = [
    (wire, model.id)
    for wire in WIRES
    for model in load().models
    if is_own(wire, model) and not SMALL.issuperset(model.sizes)
]


@pytest.mark.crash
@pytest.mark.parametrize(("wire", "model_id"), LARGE)
async def test_every_large_shape_has_them_over_the_wire_of_its_own_upstream(
    engine: Engine, wire: str, model_id: str
) -> None:
    shapes = [s for s in carried(wire) if s.model.id == model_id and s.size not in SMALL]
    await check(engine, wire, by_one_id(shapes))


@pytest.mark.crash
@pytest.mark.parametrize("wire", WIRES[1:])
async def test_a_part_of_the_large_shapes_has_them_over_every_other_wire(
    engine: Engine, wire: str
) -> None:
    large = [s for s in carried(wire) if not is_own(wire, s.model) and s.size not in SMALL]
    await check(engine, wire, large[::STRIDE])


@pytest.mark.parametrize("wire", WIRES)
async def test_what_a_wire_cannot_carry_is_refused_before_anything_is_sent(
    engine: Engine, wire: str
) -> None:
    for shape in offered(wire):
        error = error_of(wire, shape)
        if error is not None:
            with pytest.raises(error):
                await run(engine, wire, shape)
    assert not engine.store.history()


async def test_a_size_without_a_ratio_is_told_to_be_lost_where_a_wire_asks_in_pixels(
    engine: Engine,
) -> None:
    wish = Request((Text("小猫"),), "gemini-3.1-flash-image", image_size="2K")
    codes = {}
    for wire in WIRES:
        ran = await engine.run(Order(wish, upstream(wire)))
        (image,) = ran.row.images
        codes[wire] = {warning.code for warning in ran.warnings} - {"sandbox"}
        assert (image.width == 2048) is (wire != "openai_images")
    lost = {"size_dropped", "size_mismatch"}
    assert codes == {"gemini": set(), "crawl": set(), "openai_images": lost, "openai_chat": set()}
