"""Output files: refused before paying, written whole, and never outside where they belong."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pisang.client.output import Label, Slot, Target, check_output, plan_output, write_file
from pisang.errors import OptionInvalid, OutputExists, OutputUnwritable, PisangError

LABEL = Label("{date}_{time}_{slug}", datetime(2026, 11, 22, tzinfo=UTC), "a cat", "m")


def fill(path: Path) -> None:
    path.write_bytes(b"picture")


def slot(target: Target, index: int = 1, count: int = 1) -> Slot:
    return Slot(target, LABEL, index, count)


def test_nothing_said_means_a_folder_of_our_own(tmp_path: Path):
    path = slot(plan_output(None, base=tmp_path)).write("image/png", fill)
    assert path == _none_there(tmp_path)


def _none_there(base: Path) -> Path:
    return base / "pisang-out" / "20261122_000000_a-cat.png"


@pytest.fixture(autouse=True)
def folder_is_made(tmp_path: Path) -> None:
    (tmp_path / "pisang-out").mkdir()


@pytest.mark.parametrize(
    ("out", "mime"),
    [
        ("c.png", "image/png"),
        ("c.JPG", "image/jpeg"),
        ("c.webp", "image/webp"),
        ("c.avif", "image/avif"),
    ],
)
def test_an_extension_names_the_file_and_its_format(tmp_path: Path, out: str, mime: str):
    target = plan_output(out, base=tmp_path)
    assert target.names(1) == (tmp_path / out,)
    assert target.mime == mime


@pytest.mark.parametrize("out", ["pics/", "pics", "v1.2/", "nested/deep"])
def test_anything_else_is_a_folder_and_files_get_their_own_extension(tmp_path: Path, out: str):
    target = plan_output(out, base=tmp_path)
    check_output(target, 1)
    path = slot(target).write("image/webp", fill)
    assert path.parent == tmp_path / out
    assert path.suffix == ".webp"


def test_a_folder_that_exists_is_a_folder_whatever_it_is_called(tmp_path: Path):
    (tmp_path / "album.png").mkdir()
    assert plan_output("album.png", base=tmp_path).stem is None


@pytest.mark.parametrize("out", ["c.gif", "c.bmp", "c.tiff", "c.svg", "c.pdf", "c.json"])
def test_a_format_that_is_not_written_is_refused_at_once(tmp_path: Path, out: str):
    with pytest.raises(OptionInvalid, match="is not written here"):
        plan_output(out, base=tmp_path)


def test_several_images_are_numbered(tmp_path: Path):
    names = plan_output("c.png", base=tmp_path).names(3)
    assert [path.name for path in names] == ["c-1.png", "c-2.png", "c-3.png"]


def test_what_exists_is_refused_before_paying_and_replaced_when_forced(tmp_path: Path):
    (tmp_path / "c-2.png").write_text("old")
    with pytest.raises(OutputExists, match=r"c-2\.png exists already"):
        check_output(plan_output("c.png", base=tmp_path), 2)
    forced = plan_output("c.png", base=tmp_path, force=True)
    check_output(forced, 2)
    assert slot(forced, 2, 2).write("image/png", fill).read_bytes() == b"picture"


def test_a_name_of_the_template_steps_aside(tmp_path: Path):
    target = plan_output(None, base=tmp_path)
    paths = [slot(target).write("image/png", fill).name for _ in range(3)]
    assert paths == [
        "20261122_000000_a-cat.png",
        "20261122_000000_a-cat_2.png",
        "20261122_000000_a-cat_3.png",
    ]


def test_a_file_that_came_meanwhile_is_not_overwritten(tmp_path: Path):
    target = plan_output("c.png", base=tmp_path)
    check_output(target, 1)
    (tmp_path / "c.png").write_text("somebody else's")
    with pytest.raises(OutputExists):
        slot(target).write("image/png", fill)
    assert (tmp_path / "c.png").read_text() == "somebody else's"


def test_a_link_is_replaced_and_not_followed(tmp_path: Path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "c.png").symlink_to(tmp_path / "precious")
    with pytest.raises(OutputExists):
        check_output(plan_output("c.png", base=tmp_path), 1)
    slot(plan_output("c.png", base=tmp_path, force=True)).write("image/png", fill)
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "c.png").is_symlink()


def test_a_dangling_link_counts_as_there(tmp_path: Path):
    (tmp_path / "c.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputExists):
        check_output(plan_output("c.png", base=tmp_path), 1)


def test_a_folder_under_a_file_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputUnwritable, match="a file, not a folder"):
        check_output(plan_output("file/c.png", base=tmp_path), 1)


def test_a_name_that_is_too_long_is_refused(tmp_path: Path):
    with pytest.raises(OutputUnwritable, match="too long"):
        check_output(plan_output("字" * 100 + ".png", base=tmp_path), 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputUnwritable, match="permission denied"):
        check_output(plan_output("locked/c.png", base=tmp_path), 1)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path):
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputUnwritable, match="no space left"):
        write_file(tmp_path / "c.png", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["pisang-out"]


@given(out=st.text(max_size=60))
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_word_for_out_is_a_place_or_an_error_of_ours(tmp_path: Path, out: str):
    try:
        target = plan_output(out, base=tmp_path)
    except PisangError:
        return
    for path in target.names(2):
        assert path.parent == target.folder
