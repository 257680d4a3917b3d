"""Files that must be no larger: what becomes of PNGs, whose every pixel costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pyvips

import pisang
from pisang.client.derive import Shape, facts_of, parse_bytes
from pisang.client.export import export
from pisang.client.output import Label, Target
from pisang.client.results import Result
from pisang.errors import OptionInvalid

LABEL = Label("{slug}", datetime(2026, 12, 1, tzinfo=UTC), "noise", "m")


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "home.png"
    image = pyvips.Image.gaussnoise(300, 200, mean=128, sigma=40).cast("uchar")
    image.bandjoin([image, image]).copy(interpretation="srgb").write_to_file(str(path))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Result:
    with pisang.Client("sandbox", home=tmp_path_factory.mktemp("home")) as client:
        return client.generate("noise", image_size="512")


def with_picture(made: Result, path: Path) -> Result:
    facts = facts_of(path)
    (picture,) = made.images
    picture = replace(
        picture, spot=path, mime=facts.mime, width=facts.width, height=facts.height, size=facts.size
    )
    return replace(made, images=(picture,), warnings=())


def test_a_png_too_large_becomes_a_jpeg_and_a_transparent_one_webp(
    tmp_path: Path, noise: Path, made: Result
):
    clear = tmp_path / "clear.png"
    image = pyvips.Image.new_from_file(str(noise))
    image.bandjoin(200).write_to_file(str(clear))
    for source, mime in ((noise, "image/jpeg"), (clear, "image/webp")):
        (tmp_path / "out").mkdir(exist_ok=True)
        told = export(with_picture(made, source), Target(tmp_path / "out"), LABEL, max_bytes=60_000)
        (written,) = told.result.images
        assert told.error is None and written.mime == mime and written.size <= 60_000
        assert {warn.code for warn in told.result.warnings} == {"converted", "shrunk"}


def test_a_png_that_fits_at_its_size_stays_one(tmp_path: Path, noise: Path, made: Result):
    (tmp_path / "out").mkdir()
    small = export(
        with_picture(made, noise), Target(tmp_path / "out"), LABEL, Shape(60, 40), max_bytes=60_000
    )
    assert small.result.images[0].mime == "image/png"
    large = export(
        with_picture(made, noise),
        Target(tmp_path / "out"),
        LABEL,
        Shape(320, 210),
        max_bytes=60_000,
    )
    assert large.result.images[0].mime == "image/jpeg"


def test_what_can_t_be_that_small_stays_in_the_home_and_is_told(
    tmp_path: Path, noise: Path, made: Result
):
    (tmp_path / "out").mkdir()
    told = export(with_picture(made, noise), Target(tmp_path / "out"), LABEL, max_bytes=1000)
    assert told.error is not None and told.error.code == "output_unwritable"
    assert told.result.images[0].spot == noise
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("text", "size"),
    [("500kB", 500_000), ("2MB", 2_000_000), ("1.5 m", 1_500_000), ("1000", 1000), ("1G", 10**9)],
)
def test_sizes_are_read(text: str, size: int):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1", "999", "2GB", "1 kiB"])
def test_what_is_no_size_is_refused(text: str):
    with pytest.raises(OptionInvalid):
        parse_bytes(text)
