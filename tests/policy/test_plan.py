"""How a wish goes to an upstream: filled in, spelled right, refused where it is impossible."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.catalogue import load
from pisang.domain.content import Content
from pisang.domain.money import Money, parse_money
from pisang.domain.request import Image, Other, Request, Text, Turn
from pisang.domain.upstream import Upstream
from pisang.errors import (
    OptionInvalid,
    PromptMissing,
    RatioUnsupported,
    ReferenceTooLarge,
    SizeUnsupported,
    TooManyReferences,
    UsageError,
)
from pisang.policy.plan import Planned, plan

CATALOGUE = load()
GOOGLE = Upstream("google", "gemini", "https://x", kind="google")
RELAY = Upstream(
    "ikun",
    "gemini",
    "https://x",
    kind="relay",
    models=("gemini-3-pro-image-preview", "gemini-3.1-flash-image-preview"),
    default_model="gemini-3-pro-image-preview",
    default_aspect_ratio="1:1",
    default_image_size="2K",
)
CRAWL = Upstream(
    "crawl", "crawl", "https://x", kind="crawl", models=("nano-banana2",),
    default_model="nano-banana2",
)  # fmt: skip


def wish(model: str = "nb pro", **fields: object) -> Request:
    return Request((Text("一只小猫"),), model, **fields)  # type: ignore[arg-type]


def picture(size: int = 1000) -> Image:
    return Image(Content("ab" * 32, size, b"", b""), "image/png")


def planned(request: Request, upstream: Upstream = GOOGLE) -> Planned:
    return plan(request, upstream, CATALOGUE)


def codes(one: Planned) -> list[str]:
    return [warning.code for warning in one.warnings]


def test_a_plain_wish_is_left_as_it_is_but_for_the_id() -> None:
    request = wish(aspect_ratio="16:9", image_size="2K", n=3)
    one = planned(request)
    assert one.request == replace(request, model="gemini-3-pro-image")
    assert one.model_id == "gemini-3-pro-image"
    assert one.model is not None and one.model.name == "Nano Banana Pro"
    assert one.price.money == Money(134_000, "USD")
    assert (one.time_limit_s, one.warnings) == (600, ())


def test_what_the_user_leaves_open_is_the_upstreams_default() -> None:
    one = planned(wish(""), RELAY)
    assert one.request.model == "gemini-3-pro-image-preview"
    assert (one.request.aspect_ratio, one.request.image_size) == ("1:1", "2K")
    assert (one.price.money, one.time_limit_s, one.warnings) == (None, 600, ())


def test_what_nobody_says_is_left_to_the_upstream() -> None:
    one = planned(wish("nb 2"))
    assert (one.request.aspect_ratio, one.request.image_size) == (None, None)
    assert (one.price.money, one.time_limit_s) == (Money(67_000, "USD"), 360)


@pytest.mark.parametrize(
    "edit",
    [
        Request((picture(), Text("sunset")), ""),
        Request((Text("sunset"),), "", history=(Turn("model", (picture(),)),)),
    ],
    ids=["a reference", "an earlier turn"],
)
def test_an_edits_shape_follows_its_picture_and_not_the_default(edit: Request) -> None:
    assert planned(edit, RELAY).request.aspect_ratio is None
    asked = replace(edit, aspect_ratio="21:9")
    assert planned(asked, RELAY).request.aspect_ratio == "21:9"


def test_a_wish_without_a_model_at_an_upstream_without_a_default_says_so() -> None:
    with pytest.raises(OptionInvalid, match="google has no default model"):
        planned(wish(" "))


@pytest.mark.parametrize(
    "parts", [(), (Text(""),), (Text(" \n"), Text("\t"))], ids=["none", "empty", "blank"]
)
def test_a_wish_without_words_is_refused(parts: tuple[Text, ...]) -> None:
    with pytest.raises(PromptMissing):
        planned(Request(parts, "nb pro"))


@pytest.mark.parametrize("part", [picture(), Other({"executableCode": {}}, "gemini")])
def test_a_picture_or_a_part_that_we_do_not_know_is_a_wish_too(part: Image | Other) -> None:
    assert planned(Request((part,), "nb pro")).request.parts == (part,)


# --- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("nb pro", "2k", "2K"),
        ("nb 2", "0.5K", "512"),
        ("nb 2", "512px", "512"),
        ("nb2", "4k", "4K"),
    ],
)
def test_a_size_is_spelled_as_the_wire_wants_it(model: str, asked: str, sent: str) -> None:
    one = planned(wish(model, image_size=asked))
    assert one.request.image_size == sent
    assert codes(one) == ["image_size_normalised"]
    assert asked in one.warnings[0].message


@pytest.mark.parametrize(
    ("model", "asked", "choices"),
    [
        ("nb pro", "512", "1K, 2K, 4K"),
        ("nano banana 2.1", "512", "1K, 2K, 4K"),
        ("nb 2 lite", "2K", "1K"),
        ("nano banana", "2K", "1K"),
        ("nano banana", "4k", "1K"),
        ("nb 2", "8K", "512, 1K, 2K, 4K"),
        ("nb 2", "1024x1024", "512, 1K, 2K, 4K"),
    ],
)
def test_a_size_that_the_model_can_not_make_is_refused_with_the_choices(
    model: str, asked: str, choices: str
) -> None:
    with pytest.raises(SizeUnsupported) as caught:
        planned(wish(model, image_size=asked))
    assert f"{asked!r}: choose one of {choices}." in str(caught.value)


def test_crawls_model_makes_no_4k() -> None:
    with pytest.raises(SizeUnsupported, match="1K, 2K"):
        planned(wish("nano-banana2", image_size="4K"), CRAWL)


def test_the_size_is_left_out_for_the_model_that_rejects_it() -> None:
    one = planned(wish("nano banana", image_size="1K"))
    assert one.request.image_size is None
    assert codes(one) == ["size_dropped"]
    assert (one.price.money, one.time_limit_s) == (Money(39_000, "USD"), 360)


@pytest.mark.parametrize("default", ["1K", "2K"])
def test_an_upstreams_default_size_is_not_forced_on_that_model(default: str) -> None:
    upstream = replace(GOOGLE, default_image_size=default)
    one = planned(wish("nano banana"), upstream)
    assert (one.request.image_size, one.warnings) == (None, ())


# --- ratios --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "sent"), [("16x9", "16:9"), ("9：16", "9:16"), ("4/5", "4:5")])
def test_a_ratio_is_spelled_as_the_wire_wants_it(asked: str, sent: str) -> None:
    one = planned(wish(aspect_ratio=asked))
    assert one.request.aspect_ratio == sent
    assert codes(one) == ["aspect_ratio_normalised"]


@pytest.mark.parametrize(
    ("model", "asked"),
    [("nb pro", "1:4"), ("nano banana", "8:1"), ("nb 2", "7:5"), ("nb 2", "wide"), ("nb 2", "0:0")],
)
def test_a_ratio_that_the_model_can_not_make_is_refused_with_the_choices(
    model: str, asked: str
) -> None:
    with pytest.raises(RatioUnsupported) as caught:
        planned(wish(model, aspect_ratio=asked))
    assert "choose one of 1:1, 2:3, " in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_upstreams_default_ratio_is_not_forced_on_a_model_that_can_not_make_it() -> None:
    upstream = replace(GOOGLE, default_aspect_ratio="1:8")
    assert planned(wish("nb pro"), upstream).request.aspect_ratio is None
    assert planned(wish("nb 2"), upstream).request.aspect_ratio == "1:8"


# --- references ----------------------------------------------------------------------------------


def with_pictures(model: str, *sizes: int) -> Request:
    return Request((Text("x"), *(picture(size) for size in sizes)), model)


def test_fourteen_references_pass_and_fifteen_do_not() -> None:
    assert planned(with_pictures("nb pro", *[9] * 14)).warnings == ()
    with pytest.raises(TooManyReferences, match="15 reference pictures are too many"):
        planned(with_pictures("nb pro", *[9] * 15))


def test_more_than_the_vendor_advises_is_a_warning() -> None:
    assert planned(with_pictures("nano banana", *[9] * 3)).warnings == ()
    one = planned(with_pictures("nano banana", *[9] * 4))
    assert codes(one) == ["many_references"]
    assert "at most 3 reference pictures: 4 are sent." in one.warnings[0].message


def test_references_are_counted_as_base64_and_with_their_history() -> None:
    limit = 100 * 1024 * 1024
    most = limit // 4 * 3
    assert planned(with_pictures("nb pro", most)).warnings == ()
    with pytest.raises(ReferenceTooLarge, match=r"100\.0 MiB: the upstream takes at most 100\.0"):
        planned(with_pictures("nb pro", most + 1))
    past = (Turn("user", (Text("x"), picture(most))), Turn("model", (picture(9),)))
    with pytest.raises(ReferenceTooLarge):
        planned(replace(wish(), history=past))


def test_a_model_without_known_limits_takes_what_it_is_given() -> None:
    assert planned(with_pictures("nano-banana2", *[10**9] * 20), CRAWL).warnings == ()


# --- unknown models ------------------------------------------------------------------------------


def test_an_unknown_model_passes_untouched_with_a_warning() -> None:
    request = replace(
        with_pictures("gpt-image-2", *[10**9] * 30), aspect_ratio="wide", image_size="2k"
    )
    one = planned(request)
    assert one.request == request
    assert codes(one) == ["model_unknown"]
    assert (one.model, one.price.money, one.time_limit_s) == (None, None, 1200)


def test_an_unknown_models_time_limit_follows_its_size() -> None:
    assert planned(wish("gpt-image-2", image_size="1K")).time_limit_s == 360


def test_every_edit_is_a_warning() -> None:
    one = planned(wish("gemini-3-pro-image-preview", aspect_ratio="16x9", image_size="2k"))
    assert codes(one) == ["model_retired", "aspect_ratio_normalised", "image_size_normalised"]


def test_the_price_is_that_of_the_size_that_is_sent() -> None:
    upstream = replace(RELAY, prices={"gemini-3-pro-image-preview@2K": parse_money("0.20CNY")})
    assert planned(wish(""), upstream).price.money == Money(200_000, "CNY")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*(model.id for model in CATALOGUE.models), "other", ""]),
    st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["16:9", "1:8", "16x9"])),
    st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["1k", "4K", "512"])),
    st.sampled_from([GOOGLE, RELAY, CRAWL]),
)
def test_any_wish_is_planned_or_refused_in_words_and_planning_twice_changes_nothing(
    model: str, ratio: str | None, size: str | None, upstream: Upstream
) -> None:
    try:
        one = planned(wish(model, aspect_ratio=ratio, image_size=size), upstream)
    except UsageError as error:
        assert str(error)
        return
    assert planned(one.request, upstream).request == one.request
