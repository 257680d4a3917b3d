"""Reference pictures: each way of naming one, and one sentence for each that can't be had."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pisang.client.references import take_reference
from pisang.engine.ids import new_id
from pisang.engine.world import now_ms
from pisang.errors import (
    NotFound,
    PisangError,
    ReferenceTooLarge,
    ReferenceUnreadable,
)
from pisang.store.store import Store


def png(width: int = 2, height: int = 1) -> bytes:
    """The smallest honest PNG of that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * (width + 1) * height)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "home", clock_ms=now_ms, new_id=new_id)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    return here


def test_a_path_is_read_from_the_folder_and_typed_by_its_bytes(store: Store, folder: Path):
    (folder / "cat.jpg").write_bytes(png())
    taken = take_reference("cat.jpg", store, folder=folder)
    assert taken.mime == "image/png"
    assert taken.content.size == len(png())
    assert store.path(taken.content.sha256).read_bytes() == png()


def test_a_label_stands_before_the_path(store: Store, folder: Path):
    (folder / "a.png").write_bytes(png())
    taken = take_reference("the dog=a.png", store, folder=folder)
    assert taken.label == "the dog"


def test_a_file_with_a_sign_in_its_own_name_is_that_file(store: Store, folder: Path):
    (folder / "x=y.png").write_bytes(png())
    assert take_reference("x=y.png", store, folder=folder).label is None


def test_bytes_and_standard_input_are_taken_as_they_are(store: Store, folder: Path):
    assert take_reference(png(), store, folder=folder).mime == "image/png"
    piped = take_reference("sky=-", store, folder=folder, stdin=io.BytesIO(png()))
    assert (piped.mime, piped.label) == ("image/png", "sky")


def test_a_reference_survives_its_file(store: Store, folder: Path):
    (folder / "a.png").write_bytes(png())
    taken = take_reference(Path("a.png"), store, folder=folder)
    (folder / "a.png").unlink()
    assert b"".join(store.read(taken.content, verify=True)) == png()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("nowhere.png", "there is no such file"),
        (".", "it is a folder"),
        ("empty.png", "it is empty"),
        ("note.png", "its bytes are no picture"),
        ("pipe", "it is not a plain file"),
        ("https://example.com/a.png?token=CANARY", "addresses are not fetched"),
        ("data:image/png;base64,AAAA", "addresses are not fetched"),
        ("a\0b.png", "no file name|there is no such file|embedded null"),
        ("x" * 5000, "too long"),
        ("locked/../../../../../etc/shadow-not-there", "there is no such file"),
    ],
)
def test_what_cannot_be_read_says_why(store: Store, folder: Path, word: str, said: str):
    (folder / "empty.png").write_bytes(b"")
    (folder / "note.png").write_text("<svg/>")
    os.mkfifo(folder / "pipe")
    with pytest.raises(ReferenceUnreadable, match=said) as caught:
        take_reference(word, store, folder=folder)
    assert "CANARY" not in str(caught.value)


def test_nothing_piped_in_is_told_and_not_waited_for(store: Store, folder: Path):
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(ReferenceUnreadable, match="nothing is piped in"):
        take_reference("-", store, folder=folder, stdin=Terminal())


def test_a_picture_beyond_reason_is_refused_before_it_is_read(store: Store, folder: Path):
    with (folder / "huge.png").open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    with pytest.raises(ReferenceTooLarge, match="at most 268 MB"):
        take_reference("huge.png", store, folder=folder)


@pytest.mark.parametrize("word", ["last", "deadbeef", "req_000000"])
def test_an_image_that_is_not_ours_is_not_found(store: Store, folder: Path, word: str):
    with pytest.raises(NotFound):
        take_reference(word, store, folder=folder)


def test_a_file_that_is_named_like_an_image_is_the_file(store: Store, folder: Path):
    (folder / "deadbeef").write_bytes(png())
    assert take_reference("deadbeef", store, folder=folder).image is None


def test_every_failure_is_one_of_ours(store: Store, folder: Path):
    for word in ("", " ", "=", "=x", "a=", "~nobody-there/x", "\ud800.png"):
        with pytest.raises(PisangError):
            take_reference(word, store, folder=folder)
