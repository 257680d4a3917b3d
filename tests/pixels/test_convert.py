"""Derived images: other formats, exact sizes, previews; files appear whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.content import content_of
from pisang.domain.image import read_facts
from pisang.errors import OutputUnwritable, ReferenceUnreadable
from pisang.pixels.convert import convert, fit_exact, preview, resize
from pisang.pixels.paint import Painting, paint

FORMATS = ("image/jpeg", "image/png", "image/webp", "image/avif")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pixels") / "sample.png"
    path.write_bytes(paint(Painting("a red barn", 640, 360, "image/png")))
    return path


def mime_of(path: Path) -> str:
    facts = read_facts(content_of(path.read_bytes()))
    assert facts is not None and facts.complete
    return facts.mime


@pytest.mark.parametrize("mime", FORMATS)
def test_a_picture_becomes_any_format_with_its_pixels(
    mime: str, sample: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = sample.read_bytes()
    derived = convert(sample, mime, out)
    assert (derived.width, derived.height, derived.size) == (640, 360, out.stat().st_size)
    assert mime_of(out) == mime
    assert sample.read_bytes() == before
    first = pyvips.Image.new_from_file(str(sample))
    second = pyvips.Image.new_from_file(str(out))
    assert (first - second).abs().avg() < 3


def test_png_to_png_changes_no_pixel(sample: Path, tmp_path: Path) -> None:
    convert(sample, "image/png", tmp_path / "out.png")
    second = pyvips.Image.new_from_file(str(tmp_path / "out.png"))
    assert (pyvips.Image.new_from_file(str(sample)) - second).abs().max() == 0


def test_transparency_becomes_white_in_a_jpeg_and_stays_in_a_png(tmp_path: Path) -> None:
    clear = pyvips.Image.black(32, 32, bands=4).copy(interpretation="srgb")
    clear.write_to_file(str(tmp_path / "clear.png"))
    convert(tmp_path / "clear.png", "image/jpeg", tmp_path / "flat.jpg")
    assert pyvips.Image.new_from_file(str(tmp_path / "flat.jpg")).min() > 250
    convert(tmp_path / "clear.png", "image/png", tmp_path / "still.png")
    assert pyvips.Image.new_from_file(str(tmp_path / "still.png")).bands == 4


def test_the_picture_is_turned_upright_and_only_the_profile_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "turned.jpg"
    image = pyvips.Image.black(60, 20, bands=3).copy(interpretation="srgb")
    image = image.icc_transform("p3", input_profile="srgb").copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x:xmpmeta>SECRET</x:xmpmeta>")
    image.jpegsave(str(source))
    assert b"SECRET" in source.read_bytes()
    for mime in ("image/jpeg", "image/png", "image/webp"):
        derived = convert(source, mime, tmp_path / "out")
        assert (derived.width, derived.height) == (20, 60)
        out = pyvips.Image.new_from_file(str(tmp_path / "out"))
        assert out.get_typeof("icc-profile-data") != 0
        assert b"SECRET" not in (tmp_path / "out").read_bytes()


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    image = pyvips.Image.black(16, 16, bands=4).copy(interpretation="cmyk")
    image.jpegsave(str(tmp_path / "print.jpg"))
    convert(tmp_path / "print.jpg", "image/png", tmp_path / "screen.png")
    out = pyvips.Image.new_from_file(str(tmp_path / "screen.png"))
    assert (out.bands, out.interpretation) == (3, "srgb")


def test_quality_is_honoured(sample: Path, tmp_path: Path) -> None:
    small = convert(sample, "image/jpeg", tmp_path / "a", quality=30)
    large = convert(sample, "image/jpeg", tmp_path / "b", quality=97)
    assert small.size < large.size


@settings(max_examples=8, deadline=None)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    mode=st.sampled_from(["cover", "contain", "pad"]),
)
def test_every_mode_gives_its_size_exactly(
    sample: Path, tmp_path_factory: pytest.TempPathFactory, width: int, height: int, mode: str
) -> None:
    out = tmp_path_factory.mktemp("sized") / "out.png"
    derived = resize(sample, "image/png", out, width, height, mode)  # type: ignore[arg-type]
    if mode != "contain":
        assert (derived.width, derived.height) == (width, height)
        return
    assert derived.width <= width and derived.height <= height
    assert derived.width == width or derived.height == height


def test_exact_fit_cuts_the_few_pixels_that_a_ratio_is_off(tmp_path: Path) -> None:
    source = tmp_path / "odd.jpg"
    source.write_bytes(paint(Painting("x", 1376, 768)))
    derived = fit_exact(source, "image/png", tmp_path / "exact.png", 1280, 720)
    assert (derived.width, derived.height) == (1280, 720)


def test_padding_is_white_where_the_picture_has_no_alpha(sample: Path, tmp_path: Path) -> None:
    resize(sample, "image/png", tmp_path / "out.png", 400, 400, "pad")
    out = pyvips.Image.new_from_file(str(tmp_path / "out.png"))
    assert out(200, 5) == [255, 255, 255]
    assert out(200, 200) != [255, 255, 255]


def test_a_preview_is_a_small_jpeg_within_its_limits(tmp_path: Path) -> None:
    noise = pyvips.Image.gaussnoise(1500, 1200, mean=128, sigma=90, seed=1).cast("uchar")
    noise.bandjoin([noise.rot180(), noise.flip("vertical")]).write_to_file(str(tmp_path / "n.png"))
    data = preview(tmp_path / "n.png", max_px=1024, max_bytes=40_000)
    facts = read_facts(content_of(data))
    assert facts is not None and facts.mime == "image/jpeg" and facts.complete
    assert max(facts.width, facts.height) <= 1024
    assert len(data) <= 40_000


def test_a_preview_never_enlarges(sample: Path) -> None:
    facts = read_facts(content_of(preview(sample)))
    assert facts is not None and (facts.width, facts.height) == (640, 360)


def test_a_preview_is_had_of_a_picture_that_was_cut_off(tmp_path: Path) -> None:
    whole = paint(Painting("x", 800, 800))
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    assert preview(tmp_path / "cut.jpg").startswith(b"\xff\xd8")


def test_an_impossible_preview_says_so(sample: Path) -> None:
    with pytest.raises(OutputUnwritable, match="10 bytes"):
        preview(sample, max_bytes=10)


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_cut_picture_is_not_converted(kind: str, tmp_path: Path) -> None:
    mime = {"jpg": "image/jpeg", "png": "image/png"}[kind]
    whole = paint(Painting("x", 800, 800, mime))
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReferenceUnreadable, match="cut short"):
        convert(cut, "image/webp", tmp_path / "out.webp")
    assert sorted(tmp_path.iterdir()) == [cut]


def test_a_failure_leaves_what_was_there(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"older")
    (tmp_path / "text.png").write_bytes(b"not a picture")
    with pytest.raises(ReferenceUnreadable, match="not a PNG, JPEG"):
        convert(tmp_path / "text.png", "image/png", out)
    assert out.read_bytes() == b"older"
    convert(sample, "image/png", out)
    assert mime_of(out) == "image/png"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.png", "text.png"]


def test_a_new_file_has_the_permissions_that_the_user_gives_to_new_files(
    sample: Path, tmp_path: Path
) -> None:
    before = os.umask(0o027)
    try:
        convert(sample, "image/jpeg", tmp_path / "out.jpg")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.jpg").stat().st_mode) == 0o640


def test_a_folder_that_is_not_there_and_a_type_that_is_not_written_are_named(
    sample: Path, tmp_path: Path
) -> None:
    with pytest.raises(OutputUnwritable, match=r"nowhere.*no such file"):
        convert(sample, "image/png", tmp_path / "nowhere" / "out.png")
    with pytest.raises(OutputUnwritable, match="image/tiff"):
        convert(sample, "image/tiff", tmp_path / "out.tiff")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.mkdir(), "a folder"),
        (lambda path: path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"), "not a PNG"),
    ],
)
def test_what_is_no_picture_is_told_apart(make: object, why: str, tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    make(path)  # type: ignore[operator]
    with pytest.raises(ReferenceUnreadable, match=why):
        preview(path)


@pytest.mark.parametrize("mime", ["image/jpeg", "image/webp", "image/avif"])
def test_a_file_has_no_more_bytes_than_it_may(tmp_path: Path, mime: str) -> None:
    source, target = tmp_path / "noise.png", tmp_path / "small"
    pyvips.Image.gaussnoise(400, 300, mean=128, sigma=40).cast("uchar").write_to_file(str(source))
    whole = convert(source, mime, target).size
    small = convert(source, mime, target, max_bytes=whole * 2 // 3)
    assert small.size == target.stat().st_size <= whole * 2 // 3
    assert (small.width, small.height) == (400, 300)
    shaped = resize(source, mime, target, 200, 100, "cover", max_bytes=whole // 10)
    assert shaped.size <= whole // 10 and shaped.width == 200


def test_what_can_t_be_made_so_small_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    source, target = tmp_path / "noise.png", tmp_path / "small"
    pyvips.Image.gaussnoise(400, 300, mean=128, sigma=40).cast("uchar").write_to_file(str(source))
    for mime in ("image/jpeg", "image/png"):
        with pytest.raises(OutputUnwritable, match="at the least"):
            convert(source, mime, target, max_bytes=1000)
    assert not target.exists()
