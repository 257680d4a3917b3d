"""The catalogue against figures typed here from the vendors' pages, and against itself."""

from __future__ import annotations

import math
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisang.domain.catalogue import load, parse, resolve
from pisang.domain.model import (
    SIZES,
    Model,
    canonical_ratio,
    canonical_size,
    normalise,
)
from pisang.domain.money import parse_money
from pisang.domain.upstream import Upstream
from pisang.errors import SettingsMalformed

CATALOGUE = load()
TEXT = files("pisang.domain").joinpath("catalogue.toml").read_text("utf-8")
STANDARD = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
WIDE = (*STANDARD, "1:4", "4:1", "1:8", "8:1")

models = pytest.mark.parametrize("model", CATALOGUE.models, ids=lambda model: model.id)


def model_of(model_id: str) -> Model:
    return next(model for model in CATALOGUE.models if model.id == model_id)


# --- what it must hold -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model_id", "ratios", "sizes", "mime", "signatures"),
    [
        ("gemini-nano-banana-2.1", WIDE, ("1K", "2K", "4K"), "image/jpeg", True),
        ("gemini-3-pro-image", STANDARD, ("1K", "2K", "4K"), "image/jpeg", True),
        ("gemini-3.1-flash-image", WIDE, ("512", "1K", "2K", "4K"), "image/jpeg", True),
        ("gemini-3.1-flash-lite-image", WIDE, ("1K",), "image/jpeg", True),
        ("gemini-2.5-flash-image", STANDARD, ("1K",), "image/png", False),
        ("nano-banana2", STANDARD, ("1K", "2K"), "image/png", False),
    ],
)
def test_a_model_makes_these_shapes(
    model_id: str, ratios: tuple[str, ...], sizes: tuple[str, ...], mime: str, signatures: bool
) -> None:
    model = model_of(model_id)
    assert (model.ratios, model.sizes) == (ratios, sizes)
    assert (model.output_mime, model.signatures) == (mime, signatures)
    assert model.default_size == "1K"


def test_there_are_six_models_and_fourteen_ratios() -> None:
    assert len(CATALOGUE.models) == 6
    assert set(CATALOGUE.ratios) == set(WIDE)
    assert date.fromisoformat(CATALOGUE.date)


@pytest.mark.parametrize(
    ("model_id", "ratio", "size", "pixels"),
    [
        ("gemini-3-pro-image", "16:9", "2K", (2752, 1536)),
        ("gemini-3-pro-image", "3:2", "1K", (1264, 848)),
        ("gemini-3-pro-image", "4:5", "4K", (3712, 4608)),
        ("gemini-3.1-flash-image", "5:4", "1K", (1152, 928)),
        ("gemini-3.1-flash-image", "21:9", "512", (792, 168)),
        ("gemini-3.1-flash-image", "1:8", "4K", (1536, 12288)),
        ("gemini-nano-banana-2.1", "9:16", "4K", (3072, 5504)),
        ("gemini-2.5-flash-image", "16:9", "1K", (1344, 768)),
        ("gemini-2.5-flash-image", "3:4", None, (864, 1184)),
        ("nano-banana2", "21:9", "2K", (3168, 1344)),
        ("gemini-3-pro-image", "1:4", "1K", None),
        ("gemini-3-pro-image", "1:1", "512", None),
    ],
)
def test_pixels_are_googles(
    model_id: str, ratio: str, size: str | None, pixels: tuple[int, int] | None
) -> None:
    assert model_of(model_id).pixels(ratio, size) == pixels


@pytest.mark.parametrize(
    ("ratio", "size", "pixels"),
    [
        ("3:2", "1K", (1232, 816)),
        ("2:3", "2K", (1632, 2464)),
        ("5:4", "4K", (4544, 3584)),
        ("4:5", "1K", (896, 1136)),
        ("16:9", "4K", (5504, 3072)),
    ],
)
def test_preview_ids_of_relays_have_the_relay_guides_pixels(
    ratio: str, size: str, pixels: tuple[int, int]
) -> None:
    for model_id in ("gemini-3-pro-image", "gemini-3.1-flash-image"):
        model = model_of(model_id)
        table = model.table_for(f"{model_id}-preview")
        assert (table, model.table_for(model_id)) == ("relay-guide", "google")
        assert model.pixels(ratio, size, table) == pixels


def test_a_shape_that_the_relay_guide_leaves_out_is_googles() -> None:
    flash = model_of("gemini-3.1-flash-image")
    assert flash.pixels("1:4", "1K", "relay-guide") == (512, 2048)
    assert flash.pixels("3:2", "512", "relay-guide") == (632, 424)


def test_a_preview_id_of_a_model_that_the_guide_does_not_name_keeps_its_own_pixels() -> None:
    model = model_of("gemini-2.5-flash-image")
    assert model.table_for("gemini-2.5-flash-image-preview") == "gemini-2-5"


@pytest.mark.parametrize(
    ("ratio", "size", "pixels"),
    [
        ("21:9", "512", (784, 336)),
        ("1:4", "1K", (512, 2064)),
        ("8:1", "2K", (5856, 704)),
        ("8:1", "2K", (6144, 768)),
    ],
)
def test_observed_pixels_pass_beside_googles(
    ratio: str, size: str, pixels: tuple[int, int]
) -> None:
    flash = model_of("gemini-3.1-flash-image")
    assert pixels in flash.shapes(ratio, size)
    assert pixels in flash.shapes(ratio)
    assert pixels not in flash.shapes("1:1")


@pytest.mark.parametrize(
    ("model_id", "prices"),
    [
        ("gemini-nano-banana-2.1", {"1K": "0.0336", "2K": "0.0504", "4K": "0.0756"}),
        ("gemini-3-pro-image", {"1K": "0.134", "2K": "0.134", "4K": "0.24"}),
        (
            "gemini-3.1-flash-image",
            {"512": "0.045", "1K": "0.067", "2K": "0.101", "4K": "0.151"},
        ),
        ("gemini-3.1-flash-lite-image", {"1K": "0.0336"}),
        ("gemini-2.5-flash-image", {"1K": "0.039"}),
        ("nano-banana2", {}),
    ],
)
def test_prices_are_as_published(model_id: str, prices: dict[str, str]) -> None:
    model = model_of(model_id)
    for size in SIZES:
        expected = parse_money(f"{prices[size]} USD") if size in prices else None
        assert model.price(size) == expected
    assert model.price() == model.price("1K")
    assert model.batch_price() == model.batch_price("1K")


@pytest.mark.parametrize(
    ("size", "seconds"), [("512", 360), ("1K", 360), ("2K", 600), ("4K", 1200), (None, 360)]
)
def test_a_size_has_its_time_limit(size: str | None, seconds: int) -> None:
    assert model_of("gemini-3-pro-image").time_limit_s(size) == seconds


def test_what_is_not_known_may_take_the_longest() -> None:
    assert model_of("gemini-3-pro-image").time_limit_s("8K") == 1200
    assert CATALOGUE.time_limit_s(None) == 1200
    assert CATALOGUE.time_limit_s("2K") == 600


def test_reference_limits_are_the_vendors() -> None:
    limits = {model.id: (model.best_references, model.max_references) for model in CATALOGUE.models}
    assert limits["gemini-3-pro-image"] == (None, 14)
    assert limits["gemini-3.1-flash-image"] == (None, 14)
    assert limits["gemini-2.5-flash-image"] == (3, None)
    assert limits["gemini-nano-banana-2.1"] == (None, None)
    assert model_of("gemini-3-pro-image").max_request_bytes == 100 * 1024 * 1024
    assert model_of("nano-banana2").max_request_bytes is None


# --- invariants --------------------------------------------------------------------------------


@models
def test_every_shape_has_pixels_near_its_ratio_and_size(model: Model) -> None:
    for ratio in model.ratios:
        wide, high = map(int, ratio.split(":"))
        for size in model.sizes:
            pixels = model.pixels(ratio, size)
            assert pixels is not None
            width, height = pixels
            edge = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}[size]
            if (ratio, size) == ("21:9", "512"):  # the vendor's own misprint
                continue
            assert math.sqrt(width * height) == pytest.approx(edge, rel=0.12)
            assert width / height == pytest.approx(wide / high, rel=0.06)


@models
def test_transposed_ratios_have_transposed_pixels(model: Model) -> None:
    for name, table in model.tables.items():
        for (ratio, size), (width, height) in table.items():
            wide, high = ratio.split(":")
            mirrored = table.get((f"{high}:{wide}", size))
            assert mirrored in (None, (height, width)), (name, ratio, size)


@pytest.mark.parametrize("table", ["google", "relay-guide"])
def test_2k_is_twice_and_4k_four_times_1k(table: str) -> None:
    rows = model_of("gemini-3.1-flash-image").tables[table]
    for (ratio, size), (width, height) in rows.items():
        if size == "1K":
            assert rows[ratio, "2K"] == (2 * width, 2 * height)
            assert rows[ratio, "4K"] == (4 * width, 4 * height)


@models
def test_a_batch_costs_half_to_the_published_digit(model: Model) -> None:
    for row in model.prices.values():
        assert row.batch_price.micros == pytest.approx(row.price.micros / 2, abs=1000)


@models
def test_image_tokens_at_their_price_come_to_the_price_of_an_image(model: Model) -> None:
    for row in model.prices.values():
        assert model.tokens is not None
        counted = row.image_tokens * model.tokens.image.micros / 1_000_000
        assert counted == pytest.approx(row.price.micros, rel=0.01)


@models
def test_every_row_is_dated_and_sourced(model: Model) -> None:
    rows = [model, *model.retired, *model.prices.values()]
    rows += [model.tokens] if model.tokens else []
    for source in (*(row.source for row in rows), model.limits_source):
        assert date.fromisoformat(source.date)
        assert source.url.startswith("https://")
        assert source.what


# --- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "model_id"),
    [
        ("nano banana pro", "gemini-3-pro-image"),
        ("NanoBananaPro", "gemini-3-pro-image"),
        ("nano-banana-pro-preview", "gemini-3-pro-image"),
        ("gemini-3-pro-image-preview", "gemini-3-pro-image"),
        ("Gemini 3 Pro Image", "gemini-3-pro-image"),
        ("google/gemini-3-pro-image", "gemini-3-pro-image"),
        ("models/gemini-3-pro-image", "gemini-3-pro-image"),
        ("gemini-3-pro-image-preview-4K", "gemini-3-pro-image"),
        ("nb2", "gemini-3.1-flash-image"),
        ("NANO_BANANA_2", "gemini-3.1-flash-image"),
        ("gemini-31-flash-image", "gemini-3.1-flash-image"),
        ("Nano Banana 2 Lite", "gemini-3.1-flash-lite-image"),
        ("nano banana 2.1", "gemini-nano-banana-2.1"),
        ("nb21", "gemini-nano-banana-2.1"),
        ("nano banana", "gemini-2.5-flash-image"),
        ("gemini-2.5-flash-image-preview", "gemini-2.5-flash-image"),
        ("nano-banana2", "nano-banana2"),
    ],
)
def test_a_model_is_found_by_the_words_that_users_type(word: str, model_id: str) -> None:
    found = CATALOGUE.find(word)
    assert found is not None and found.id == model_id


@pytest.mark.parametrize("word", ["", "gpt-image-2", "banana", "gemini", "gemini-3-pro", "4k"])
def test_other_words_name_no_model(word: str) -> None:
    assert CATALOGUE.find(word) is None


def test_a_wire_sees_its_own_models_first_and_no_others() -> None:
    crawl, gemini = CATALOGUE.find("nb 2", "crawl"), CATALOGUE.find("nano-banana2", "gemini")
    assert crawl is not None and crawl.id == "nano-banana2"
    assert gemini is not None and gemini.id == "gemini-3.1-flash-image"


@models
def test_a_model_is_found_by_each_of_its_names(model: Model) -> None:
    for word in (*model.ids, model.name, *model.aliases):
        assert CATALOGUE.find(word.upper(), model.wires[0] if model.wires else None) is model


@given(st.text())
def test_any_text_can_be_looked_up(text: str) -> None:
    found = CATALOGUE.find(text)
    assert found is None or found in CATALOGUE.models
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("word", "size"),
    [("1k", "1K"), ("2K", "2K"), (" 4k ", "4K"), ("512px", "512"), ("0.5K", "512"), ("512", "512"),
     ("8K", None), ("", None), ("1024x1024", None)],
)  # fmt: skip
def test_a_size_has_one_spelling(word: str, size: str | None) -> None:
    assert canonical_size(word) == size


@pytest.mark.parametrize(
    ("word", "ratio"),
    [("16:9", "16:9"), ("16x9", "16:9"), ("16：9", "16:9"), (" 4 / 5", "4:5"), ("09:16", "9:16"),
     ("auto", None), ("16", None), ("", None), ("1:1:1", None)],
)  # fmt: skip
def test_a_ratio_has_one_spelling(word: str, ratio: str | None) -> None:
    assert canonical_ratio(word) == ratio


# --- an upstream's own ids --------------------------------------------------------------------

PREVIEWS = ("gemini-3-pro-image-preview", "gemini-3.1-flash-image-preview")


def upstream(kind: str, models: tuple[str, ...] = (), wire: str = "gemini") -> Upstream:
    return Upstream("u", wire, "https://example.com", kind=kind, models=models)


@pytest.mark.parametrize(
    ("word", "to", "model_id", "codes"),
    [
        # the upstream's own ids win, exactly and then loosely
        ("gemini-3-pro-image-preview", upstream("relay", PREVIEWS), PREVIEWS[0], []),
        ("GEMINI_3_PRO_IMAGE_PREVIEW", upstream("relay", PREVIEWS), PREVIEWS[0], []),
        ("my-model", upstream("relay", ("My Model",)), "My Model", []),
        # then the model, under that upstream's own id for it
        ("nano banana pro", upstream("relay", PREVIEWS), PREVIEWS[0], []),
        ("gemini-3.1-flash-image", upstream("relay", PREVIEWS), PREVIEWS[1], []),
        ("nb2", upstream("crawl", ("nano-banana2",), "crawl"), "nano-banana2", []),
        ("gemini-3.1-flash-image", upstream("crawl", ("nano-banana2",), "crawl"), "nano-banana2",
         []),
        ("nb2 lite", upstream("relay", ("gpt-image-2", *PREVIEWS)), "gemini-3.1-flash-lite-image",
         ["model_unlisted"]),
        # Google answers to current ids only
        ("gemini-3-pro-image-preview", upstream("google"), "gemini-3-pro-image", ["model_retired"]),
        ("models/gemini-3-pro-image-preview", upstream("vertex"), "gemini-3-pro-image",
         ["model_retired"]),
        ("nano banana", upstream("google"), "gemini-2.5-flash-image", []),
        ("nano-banana2", upstream("google"), "gemini-3.1-flash-image", []),
        # elsewhere an id goes as it was written, and a nickname as the current id
        ("gemini-3-pro-image-preview", upstream("relay"), "gemini-3-pro-image-preview", []),
        ("Gemini-3-Pro-Image-Preview", upstream("sandbox"), "gemini-3-pro-image-preview", []),
        ("google/gemini-3-pro-image", upstream("openai"), "google/gemini-3-pro-image", []),
        ("NanoBananaPro", upstream("relay"), "gemini-3-pro-image", []),
        ("nano banana 2", upstream("crawl", (), "crawl"), "nano-banana2", []),
        # and what nobody knows passes untouched
        ("Qwen/Image-2", upstream("relay"), "Qwen/Image-2", ["model_unknown"]),
        ("gpt-image-2", upstream("relay", PREVIEWS), "gpt-image-2", ["model_unknown"]),
    ],
)  # fmt: skip
def test_a_word_becomes_the_id_that_the_upstream_knows(
    word: str, to: Upstream, model_id: str, codes: list[str]
) -> None:
    resolved = resolve(word, to, CATALOGUE)
    assert resolved.model_id == model_id
    assert [warning.code for warning in resolved.warnings] == codes


def test_the_known_model_comes_with_the_id() -> None:
    crawl = resolve("nb2", upstream("crawl", ("nano-banana2",), "crawl"), CATALOGUE).model
    assert crawl is not None and crawl.sizes == ("1K", "2K")
    assert resolve("My Model", upstream("relay", ("My Model",)), CATALOGUE).model is None


# --- a table that contradicts itself ------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("[sources.google-images]", "[sources.google-images", "line"),
        ('"1:1", "2:3", "3:2"', '"1:1", "2x3", "3:2"', "standard must list ratios"),
        ("seconds = 360", 'seconds = "360"', "seconds must be a int"),
        ("seconds = 360", "seconds = true", "seconds must be a int"),
        ('size = "512"\nseconds', 'size = "1K"\nseconds', "time_limits must name each"),
        ("512 = [512, 512]", "512 = [512]", "must be a size with"),
        ("512 = [512, 512]", "512 = [0, 512]", "must be a size with"),
        ("512 = [512, 512]", "3K = [512, 512]", "must be a size with"),
        ('{ ratio = "2:3", 512', '{ ratio = "2:5", 512', "has no pixels for"),
        ('source = "google-images" }', 'source = "hearsay" }', "'hearsay' is none of"),
        ('sizes = ["1K", "2K", "4K"]', 'sizes = ["1K", "2K", "8K"]', "can't be"),
        ('default_size = "1K"', 'default_size = "512"', "can't be"),
        ('aliases = ["nano banana 2.1",', "aliases = [21,", "must be a list of strings"),
        ('aliases = ["nano banana 2.1",', 'aliases = ["nb pro",', "both go by 'nbpro'"),
        ('thinking_default = "medium"', 'thinking_default = "most"', "is no level"),
        ('pixels = ["google", "observed"]', 'pixels = ["guess"]', "no pixel table 'guess'"),
        ('pixels = ["google", "observed"]', "pixels = []", "names no pixel table"),
        ('{ size = "4K", usd = "0.24"', '{ size = "2K", usd = "0.24"', "the prices of"),
        ('usd = "0.134"', 'usd = "cheap"', "is not an amount"),
        ('id = "nano-banana2"', 'id = "gemini-3-pro-image"', "an id stands twice"),
        ("date = 2026-11-22\n\n#", "\n#", "date must be a date"),
        ("[[time_limits]]\n", "[time_limits]\n", ""),
        ("prices = []", "prices = [5]", "size must be a str"),
    ],
)
def test_a_wrong_table_is_refused_with_its_row_and_reason(
    before: str, after: str, why: str
) -> None:
    assert before in TEXT
    with pytest.raises(SettingsMalformed) as caught:
        parse(TEXT.replace(before, after, 1), "mine.toml")
    assert "mine.toml is wrong" in str(caught.value)
    assert why in str(caught.value)


def test_the_shipped_table_is_read_once() -> None:
    assert load() is CATALOGUE
    assert parse(TEXT) == CATALOGUE
