"""Foreign bytes: a bomb, a crash or a strange format ends the child, and a sentence comes out."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.errors import PisangError, ReferenceUnreadable, Unexpected
from pisang.pixels import limited
from pisang.pixels.child import Task
from pisang.pixels.convert import convert, preview
from pisang.pixels.limited import run


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width: int, height: int, *extra: bytes, data: bytes = b"") -> bytes:
    """A PNG of one-bit grey pixels; `data` is the compressed image."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + b"".join(extra)
        + chunk(b"IDAT", data or zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


def test_a_picture_of_more_pixels_than_the_cap_is_refused_by_its_header(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png(20_001, 10_000))
    for work in (lambda: preview(bomb), lambda: convert(bomb, "image/png", tmp_path / "o.png")):
        with pytest.raises(ReferenceUnreadable, match="20001×10000 pixels, more than 200 million"):
            work()


def test_a_bomb_in_a_text_chunk_does_no_harm(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    packed = zlib.compress(b"A" * 100_000_000, 9)
    rows = zlib.compress(b"\0\xff" * 8)
    bomb.write_bytes(png(8, 8, chunk(b"zTXt", b"k\0\0" + packed), data=rows))
    with suppress(ReferenceUnreadable):
        assert preview(bomb).startswith(b"\xff\xd8")


STARTS = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0",
    b"RIFF\x40\0\0\0WEBPVP8 ",
    b"GIF89a\x10\0\x10\0\x80\0\0",
    b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    b"%PDF-1.7\n",
    b"II*\0\x08\0\0\0",
    b"P6 9 9 255\n",
    b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>",
    b"",
)


@settings(max_examples=12, deadline=None)
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=200))
def test_any_bytes_give_a_picture_or_one_clear_sentence(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "in"
    path.write_bytes(start + rest)
    try:
        assert preview(path).startswith(b"\xff\xd8")
    except PisangError as error:
        assert isinstance(error, ReferenceUnreadable)
        assert "\n" not in str(error)


def test_no_format_beyond_the_few_is_opened(tmp_path: Path) -> None:
    for name, data in {
        "a.ppm": b"P6 2 2 255\n" + bytes(12),
        "a.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        "a.pdf": b"%PDF-1.4\n%%EOF",
        "a.csv": b"1,2\n3,4\n",
        "a.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 2\n" + bytes(16),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(ReferenceUnreadable, match="not a PNG"):
            preview(path)


def test_the_child_has_limits_no_secrets_and_where_allowed_no_network(tmp_path: Path) -> None:
    program = (
        "import os, resource, socket\n"
        "from pisang.pixels import child\n"
        "child._limit()\n"
        "kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU)\n"
        "print(*(resource.getrlimit(kind)[0] for kind in kinds))\n"
        "print([name for _, name in socket.if_nameindex() if name != 'lo'])\n"
        "print(os.environ.get('PISANG_TEST_KEY'))\n"
    )
    os.environ["PISANG_TEST_KEY"] = "canary"
    try:
        environment = limited._environment()
    finally:
        del os.environ["PISANG_TEST_KEY"]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    limits, interfaces, key = done.stdout.splitlines()
    assert limits == "1610612736 90"
    assert key == "None"
    if os.geteuid() == 0 and sys.platform == "linux":
        assert interfaces == "[]"


def finished(code: int, out: bytes = b"", err: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.CompletedProcess([], code, out, err)


@pytest.mark.parametrize("code", [-9, -11, -24])
def test_a_killed_child_is_the_pictures_fault(code: int) -> None:
    with pytest.raises(ReferenceUnreadable, match=r"'a\.png'.*crashed"):
        limited._result(finished(code), ("a.png",), "out")


def test_a_child_out_of_memory_is_the_pictures_fault() -> None:
    with pytest.raises(ReferenceUnreadable, match=r"1\.5 GB"):
        limited._result(finished(1, err=b"Traceback\nMemoryError\n"), ("a.png",), "out")


def test_a_child_that_can_not_run_is_ours() -> None:
    with pytest.raises(Unexpected, match="No module named 'pyvips'"):
        limited._result(finished(1, err=b"x\nNo module named 'pyvips'\n"), ("a.png",), "out")


def test_a_child_that_can_not_be_started_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Unexpected, match="no child process"):
        run(Task("raw", ("a",), ("b",), width=1, height=1))


def test_a_target_that_can_not_be_written_is_told_by_the_users_name(tmp_path: Path) -> None:
    from pisang.errors import OutputUnwritable
    from pisang.pixels.paint import Painting, paint

    source = tmp_path / "in.jpg"
    source.write_bytes(paint(Painting("x", 16, 16)))
    task = Task("convert", (str(source),), (str(tmp_path / "no" / "o.png"),), "image/png")
    with pytest.raises(OutputUnwritable, match=r"cat\.png can't be written: no such file"):
        run(task, output="cat.png")
