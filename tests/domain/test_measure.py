"""What came against what was asked for: tiers, ratios, types, drafts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisang.domain.answer import ImageFacts, Made
from pisang.domain.catalogue import load
from pisang.domain.content import Content
from pisang.domain.measure import compare, mark_drafts, tier
from pisang.domain.model import SIZES, Model
from pisang.domain.request import Request, Text

CATALOGUE = load()


def made(
    width: int, height: int, name: str = "a", *, declared: str | None = None, complete: bool = True
) -> Made:
    content = Content(name * 64, 9, b"", b"")
    return Made(content, ImageFacts("image/jpeg", width, height, complete), declared)


def asked(aspect_ratio: str | None = None, image_size: str | None = None) -> Request:
    return Request((Text("x"),), "m", aspect_ratio=aspect_ratio, image_size=image_size)


def model_of(word: str) -> Model:
    model = CATALOGUE.find(word)
    assert model is not None
    return model


def codes(one: Made, request: Request, model: Model | None = None) -> list[str]:
    return [warning.code for warning in compare(one, request, model)]


# --- tiers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (512, 512, "512"), (1024, 1024, "1K"), (2048, 2048, "2K"), (4096, 4096, "4K"),
        (1408, 768, "1K"), (2752, 1536, "2K"), (176, 1456, "512"), (1408, 11712, "4K"),
        (724, 724, "512"), (725, 725, "1K"), (1448, 1448, "1K"), (1449, 1449, "2K"),
        (1, 1, "512"), (0, 0, "512"), (100_000, 100_000, "4K"),
    ],
)  # fmt: skip
def test_the_tier_is_the_nearest_by_the_square_root_of_the_area(
    width: int, height: int, size: str
) -> None:
    assert tier(width, height) == size


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_a_picture_and_its_turned_self_are_of_one_tier(width: int, height: int) -> None:
    assert tier(width, height) == tier(height, width)
    assert SIZES.index(tier(width * 2, height * 2)) >= SIZES.index(tier(width, height))


@pytest.mark.parametrize("model", CATALOGUE.models, ids=lambda model: model.id)
def test_every_pixel_of_every_table_passes(model: Model) -> None:
    for table in model.tables.values():
        for (ratio, size), (width, height) in table.items():
            assert compare(made(width, height), asked(ratio, size), model) == ()


# --- warnings ----------------------------------------------------------------------------------


def test_a_smaller_picture_than_asked_for_is_a_size_mismatch_with_its_pixels() -> None:
    (warning,) = compare(made(1376, 768), asked("16:9", "2K"), model_of("nb pro"))
    assert warning.code == "size_mismatch"
    assert warning.message == "2K was asked for, and the image has 1376×768 pixels, which is 1K."


@pytest.mark.parametrize(
    ("width", "height", "told"), [(1024, 1024, "1.00:1"), (768, 1376, "1:1.79")]
)
def test_another_shape_than_asked_for_is_a_ratio_mismatch_with_its_pixels(
    width: int, height: int, told: str
) -> None:
    (warning,) = compare(made(width, height), asked("16:9"), None)
    assert warning.code == "ratio_mismatch"
    assert f"{width}×{height} pixels, which is {told}." in warning.message


def test_size_and_ratio_may_both_be_missed() -> None:
    assert codes(made(1024, 1024), asked("16:9", "4K")) == ["size_mismatch", "ratio_mismatch"]


@pytest.mark.parametrize(
    ("width", "mismatch"), [(1680, False), (1681, True), (1524, False), (1523, True)]
)
def test_a_ratio_may_be_five_percent_off_either_way(width: int, mismatch: bool) -> None:
    assert codes(made(width, 1000), asked("16:10")) == ["ratio_mismatch"] * mismatch


def test_a_picture_that_only_its_models_table_calls_right_passes() -> None:
    misprint, flash = made(792, 168), model_of("nb2")
    assert codes(misprint, asked("21:9", "512"), flash) == []
    assert codes(misprint, asked("21:9", "512")) == ["ratio_mismatch"]
    assert codes(misprint, asked("16:9", "512"), flash) == ["ratio_mismatch"]


def test_what_was_not_asked_for_can_not_be_missed() -> None:
    assert codes(made(1408, 768), asked(), model_of("nb pro")) == []
    assert codes(made(3, 4000), asked("auto", "huge")) == []
    assert codes(made(3, 4000), asked("0:0")) == []


def test_pixels_that_were_not_read_are_said_to_be_unknown() -> None:
    assert codes(made(0, 0), asked("16:9")) == ["pixels_unknown"]
    assert codes(made(0, 0), asked()) == []


@pytest.mark.parametrize(
    ("declared", "mismatch"),
    [("image/png", True), ("image/jpeg", False), ("image/JPG; q=1", False), (None, False),
     ("", False), ("text/html", True)],
)  # fmt: skip
def test_a_lie_about_the_type_is_a_type_mismatch(declared: str | None, mismatch: bool) -> None:
    found = compare(made(9, 9, declared=declared), asked(), None)
    assert [warning.code for warning in found] == ["type_mismatch"] * mismatch
    assert all("its bytes are image/jpeg" in warning.message for warning in found)


# --- drafts -------------------------------------------------------------------------------------


def results(
    pictures: list[Made], size: str | None = None, wanted: int = 1
) -> list[tuple[str, bool]]:
    marked = mark_drafts(tuple(pictures), size, wanted)
    return [(one.content.sha256[0], one.draft) for one in marked]


def test_nothing_made_stays_nothing() -> None:
    assert mark_drafts((), "1K") == ()


def test_the_last_of_several_equals_is_the_result() -> None:
    pictures = [made(1024, 1024, "a"), made(1024, 1024, "b")]
    assert results(pictures, "1K") == [("a", True), ("b", False)]


def test_a_small_draft_before_or_after_the_asked_size_is_a_draft() -> None:
    small, large = made(1024, 1024, "a"), made(2048, 2048, "b")
    assert results([small, large], "2K") == [("a", True), ("b", False)]
    assert results([large, small], "2K") == [("b", False), ("a", True)]


def test_without_a_size_asked_the_last_is_the_result() -> None:
    assert results([made(2048, 2048, "a"), made(1024, 1024, "b")]) == [("a", True), ("b", False)]


def test_pictures_of_the_same_bytes_are_one() -> None:
    same = [made(1024, 1024, "a"), made(1024, 1024, "b"), made(1024, 1024, "a")]
    assert results(same, "1K") == [("b", True), ("a", False)]


def test_a_broken_picture_is_no_result_where_a_whole_one_is() -> None:
    broken = made(2048, 2048, "b", complete=False)
    assert results([made(512, 512, "a"), broken], "2K") == [("a", False), ("b", True)]
    assert results([broken], "2K") == [("b", False)]


def test_a_picture_of_unknown_pixels_is_farther_than_any_known_one() -> None:
    unknown = made(0, 0, "b")
    assert results([made(512, 512, "a"), unknown], "4K") == [("a", False), ("b", True)]


def test_as_many_are_results_as_were_wanted() -> None:
    pictures = [made(1024, 1024, name) for name in "abc"]
    assert results(pictures, "1K", 2) == [("a", True), ("b", False), ("c", False)]
    assert results(pictures, "1K", 9) == [("a", False), ("b", False), ("c", False)]


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 5000)), min_size=1, max_size=6),
    st.sampled_from([None, "512", "4K"]),
)
def test_exactly_one_of_any_pictures_is_the_result(
    pictures: list[tuple[str, int]], size: str | None
) -> None:
    marked = mark_drafts(tuple(made(edge, edge, name) for name, edge in pictures), size)
    assert [one.draft for one in marked].count(False) == 1
    assert {one.content.sha256[0] for one in marked} == {name for name, _ in pictures}
