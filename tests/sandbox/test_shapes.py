"""Catalogue × sandbox: every model, ratio and size comes back with the catalogue's pixels."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from pisang.domain.catalogue import Model, load
from pisang.domain.request import Request, Text
from pisang.pixels.paint import Painting, paint
from pisang.sandbox.app import Sandbox
from pisang.sandbox.directives import Directives
from pisang.sandbox.making import take_order
from pisang.sandbox.rules import Named
from pisang.wires.base import Ask

from .asking import GEMINI, ask, facts, wish

RELAY_PIXELS = {"3:2": (1232, 816), "2:3": (816, 1232), "5:4": (1136, 896), "4:5": (896, 1136)}

SHAPES = [
    (model_id, ratio, size)
    for model in load().models
    for model_id in model.ids
    for ratio in model.ratios
    for size in model.sizes
]


def model_of(model_id: str) -> Model:
    return next(model for model in load().models if model_id in model.ids)


def test_the_cross_product_is_whole() -> None:
    assert len(SHAPES) > 200
    assert {size for _, _, size in SHAPES} == {"512", "1K", "2K", "4K"}


@pytest.mark.parametrize("model_id", sorted({model_id for model_id, _, _ in SHAPES}))
def test_an_order_has_the_pixels_of_the_catalogue_for_every_shape(model_id: str) -> None:
    model = model_of(model_id)
    table = model.table_for(model_id)
    named = Named(model, model_id, None)
    for ratio, size in ((r, s) for name, r, s in SHAPES if name == model_id):
        request = Request((Text("x"),), model_id, aspect_ratio=ratio, image_size=size)
        told = {"prompt": "x", "wire": "gemini", "id": "i"}
        order = take_order(Ask(request), named, Directives(), **told)
        assert order.pixels == model.pixels(ratio, size, table)
        if table == "relay-guide" and size == "1K" and ratio in RELAY_PIXELS:
            assert order.pixels == RELAY_PIXELS[ratio]


SMALL = [shape for shape in SHAPES if shape[2] in ("512", "1K")]
SAMPLE = [shape for shape in SHAPES if shape[2] in ("2K", "4K")][::9]


async def test_every_small_picture_and_a_sample_of_the_large_ones_have_those_pixels(
    app: Sandbox,
) -> None:
    async def check(model_id: str, ratio: str, size: str) -> None:
        model = model_of(model_id)
        sent = size if model.sends_size else None
        told = await ask(app, GEMINI.format(model=model_id), wish("小猫", ratio=ratio, size=sent))
        assert told.status == 200, told.body[:300]
        (picture,) = told.images
        expected = model.pixels(ratio, size, model.table_for(model_id))
        assert facts(picture) == (model.output_mime, *(expected or ())), (model_id, ratio, size)

    native = [shape for shape in SMALL + SAMPLE if not model_of(shape[0]).wires]
    assert len(native) > 100
    for start in range(0, len(native), 8):
        await asyncio.gather(*(check(*shape) for shape in native[start : start + 8]))


async def test_without_a_shape_a_picture_is_square_and_of_the_default_size(app: Sandbox) -> None:
    told = await ask(app, GEMINI.format(model="gemini-3-pro-image"), wish("x"))
    assert facts(told.images[0]) == ("image/jpeg", 1024, 1024)


async def test_a_relays_suffix_names_the_size(app: Sandbox) -> None:
    path = GEMINI.format(model="gemini-3-pro-image-preview-2k")
    told = await ask(app, path, wish("x", ratio="3:2"))
    assert facts(told.images[0]) == ("image/jpeg", 2464, 1632)


async def test_the_relay_guides_spelling_of_the_size_is_read(app: Sandbox) -> None:
    body = wish("x", ratio="16:9")
    body["generationConfig"]["imageConfig"]["image_size"] = "2K"
    told = await ask(app, GEMINI.format(model="gemini-3-pro-image-preview"), body)
    assert facts(told.images[0]) == ("image/jpeg", 2752, 1536)


def edit(words: str, *pictures: bytes) -> Any:
    body = wish(words)
    parts = [
        {"inlineData": {"mimeType": "image/jpeg", "data": base64.b64encode(one).decode()}}
        for one in pictures
    ]
    body["contents"][0]["parts"][:0] = parts
    return body


@pytest.mark.parametrize("ratio", ["16:9", "9:16", "4:5", "21:9", "1:8"])
async def test_without_a_ratio_an_edit_keeps_its_picture_s_shape(app: Sandbox, ratio: str) -> None:
    path = GEMINI.format(model="gemini-3.1-flash-image")
    (first,) = (await ask(app, path, wish("x", ratio=ratio, size="512"))).images
    (second,) = (await ask(app, path, edit("y", first))).images
    model = model_of("gemini-3.1-flash-image")
    assert facts(second)[1:] == model.pixels(ratio, "1K")


async def test_of_several_pictures_the_last_one_s_shape_counts(app: Sandbox) -> None:
    path = GEMINI.format(model="gemini-3-pro-image")
    wide = (await ask(app, path, wish("x", ratio="16:9"))).images[0]
    tall = (await ask(app, path, wish("x", ratio="2:3"))).images[0]
    told = await ask(app, path, edit("y", wide, tall))
    assert facts(told.images[0])[1:] == (848, 1264)
    named = edit("y", wide, tall)
    named["generationConfig"]["imageConfig"] = {"aspectRatio": "1:1"}
    assert facts((await ask(app, path, named)).images[0])[1:] == (1024, 1024)


async def test_a_shape_that_is_no_ratio_of_the_models_becomes_the_nearest(app: Sandbox) -> None:
    odd = paint(Painting(prompt="x", width=500, height=290))
    told = await ask(app, GEMINI.format(model="gemini-3-pro-image"), edit("y", odd))
    assert facts(told.images[0])[1:] == (1376, 768)
