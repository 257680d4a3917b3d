"""Sandbox pictures: exact in size, the same for ever, and edits that show."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys

import pytest
import pyvips

from pisang.domain.content import content_of
from pisang.domain.image import read_facts
from pisang.errors import ReferenceUnreadable
from pisang.pixels.paint import Painting, paint
from pisang.pixels.scene import draw_scene

CHINESE = "一只可爱的小猫咪坐在花园里，油画风格"


def decoded(data: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "")


def difference(one: pyvips.Image, other: pyvips.Image) -> float:
    """The mean difference of two pictures of one size, 0 to 255."""
    return float((one - other).abs().avg())


@pytest.mark.parametrize(
    ("width", "height", "mime"),
    [
        (512, 512, "image/png"),
        (792, 168, "image/jpeg"),
        (192, 1536, "image/png"),
        (1376, 768, "image/jpeg"),
        (1536, 12288, "image/jpeg"),
        (12288, 1536, "image/png"),
        (6336, 2688, "image/jpeg"),
        (4096, 4096, "image/jpeg"),
        (1, 1, "image/png"),
        (1, 700, "image/jpeg"),
        (333, 222, "image/webp"),
    ],
)
def test_a_picture_has_exactly_the_asked_pixels_and_type(
    width: int, height: int, mime: str
) -> None:
    facts = read_facts(content_of(paint(Painting(CHINESE, width, height, mime))))
    assert facts is not None
    assert (facts.mime, facts.width, facts.height, facts.complete) == (mime, width, height, True)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a fox",
        "<b>&amp;</b> \x00\x07 tab\tnewline\n",
        "한국어 ภาษาไทย 😀 \ud800",
        "长" * 5000,
        "W" * 5000,
        "a " * 5000,
    ],
)
def test_any_text_can_be_painted(prompt: str) -> None:
    assert decoded(paint(Painting(prompt, 320, 180))).width == 320


def test_the_same_wish_gives_the_same_bytes_in_this_and_in_another_process() -> None:
    here = paint(Painting(CHINESE, 688, 384, "image/png", label="a line"))
    program = (
        "import hashlib; from pisang.pixels.paint import Painting, paint;"
        f"print(hashlib.sha256(paint(Painting({CHINESE!r}, 688, 384, 'image/png',"
        " label='a line'))).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == hashlib.sha256(here).hexdigest()
    assert done.stderr == ""
    assert paint(Painting(CHINESE, 688, 384, "image/png", label="a line")) == here


def test_other_words_give_another_picture() -> None:
    pictures = {paint(Painting(f"prompt {number}", 128, 128)) for number in range(12)}
    assert len(pictures) == 12


def test_each_take_of_a_prompt_is_another_picture_in_its_own_colours() -> None:
    takes = [draw_scene("a sea at night", 400, 400, take) for take in range(4)]
    assert len({svg for svg, _ in takes}) == 4
    assert {palette.name for _, palette in takes} == {"night"}
    assert takes[0] == draw_scene("a sea at night", 400, 400)


def test_each_take_of_an_edit_is_another_picture() -> None:
    picture = paint(Painting("a red boat", 256, 256))
    takes = {paint(Painting("at night", 256, 256, references=(picture,), take=n)) for n in (0, 1)}
    assert len(takes) == 2


def test_a_prompt_has_one_scene_at_every_size() -> None:
    small = decoded(paint(Painting("mountain lake", 256, 256, "image/png")))
    large = decoded(paint(Painting("mountain lake", 1024, 1024, "image/png")))
    assert difference(small, large.resize(0.25)) < 8


def test_words_and_mark_are_written_on_the_scene() -> None:
    svg, _ = draw_scene(CHINESE, 1376, 768)
    scene = pyvips.Image.svgload_buffer(svg.encode()).flatten()
    picture = decoded(paint(Painting(CHINESE, 1376, 768, "image/png")))
    changed = (picture - scene).abs().bandmean() > 24
    title, corner = changed.crop(60, 600, 1200, 140), changed.crop(900, 10, 460, 60)
    sky = changed.crop(0, 100, 1376, 200)
    assert title.avg() > 8
    assert corner.avg() > 4
    assert sky.max() == 0


def test_an_edit_keeps_the_picture_recognisable_and_visibly_changes_it() -> None:
    before = paint(Painting("a red barn", 1024, 768))
    after = paint(Painting("make it winter", 1024, 768, references=(before,)))
    unrelated = paint(Painting("make it winter", 1024, 768))
    first, second = decoded(before), decoded(after)
    assert difference(first, second) > 12
    top = (0, 0, 500, 500)
    assert difference(first.crop(*top), second.crop(*top)) < difference(
        first.crop(*top), decoded(unrelated).crop(*top)
    )


def test_several_references_are_all_seen() -> None:
    one, two = (paint(Painting(word, 256, 256)) for word in ("desert dunes", "neon night"))
    alone = paint(Painting("merge", 640, 640, references=(two,)))
    both = paint(Painting("merge", 640, 640, references=(one, two)))
    thumb = decoded(both).crop(45, 45, 90, 90)
    assert difference(thumb, decoded(alone).crop(45, 45, 90, 90)) > 10


def test_an_edit_may_have_another_shape_and_be_larger_than_it_is_worked_on() -> None:
    base = paint(Painting("a red barn", 300, 200, "image/png"))
    picture = decoded(paint(Painting("wider", 4096, 512, "image/png", references=(base,))))
    assert (picture.width, picture.height) == (4096, 512)


def test_a_reference_that_is_no_picture_is_named_by_its_place() -> None:
    base = paint(Painting("a red barn", 64, 64))
    with pytest.raises(ReferenceUnreadable, match="'picture 2'"):
        paint(Painting("x", 256, 256, references=(base, b"GIF89a and then nothing")))


@pytest.mark.parametrize(
    "wrong", [{"width": 0}, {"height": -1}, {"width": 20_000}, {"mime": "image/tiff"}]
)
def test_what_can_not_be_painted_is_refused_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="paint"):
        Painting(**{"prompt": "x", "width": 10, "height": 10, **wrong})  # type: ignore[arg-type]


def test_painting_logs_nothing_even_where_everything_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    paint(Painting("a heron", 512, 512))
    assert [record for record in caplog.records if record.name.startswith("pyvips")] == []
