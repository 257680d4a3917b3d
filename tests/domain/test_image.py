"""Type, pixels and end of an image, read from its first and last bytes."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import pybase64
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pisang.domain.answer import ImageFacts
from pisang.domain.content import HEAD_BYTES, content_of
from pisang.domain.image import extension, read_facts, read_facts_from, sniff_mime

RECORDED = Path(__file__).parents[2].parent / "shared" / "recorded"


def paint(form: str, width: int = 321, height: int = 123, **options: object) -> bytes:
    picture = Pillow.radial_gradient("L").resize((width, height)).convert("RGB")
    into = io.BytesIO()
    picture.save(into, form, **options)
    return into.getvalue()


def facts_of(data: bytes) -> ImageFacts | None:
    return read_facts(content_of(data))


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def ispe(width: int, height: int) -> bytes:
    return box(b"ispe", struct.pack(">III", 0, width, height))


def heif(*sizes: tuple[int, int], brand: bytes = b"heic", rest: bytes = b"") -> bytes:
    """A bare HEIF: brands, the sizes of its items, and a payload."""
    ipco = box(b"ipco", box(b"hvcC", b"...") + b"".join(ispe(*size) for size in sizes))
    meta = box(b"meta", b"\0\0\0\0" + box(b"hdlr", b"pict") + box(b"iprp", ipco))
    ftyp = box(b"ftyp", brand + b"\0\0\0\0" + b"mif1" + brand)
    return ftyp + rest + meta + box(b"mdat", b"\x11" * 200)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


SAMPLES = {
    "png": ("image/png", paint("PNG")),
    "grey png": ("image/png", paint("PNG", bits=4)),
    "jpeg": ("image/jpeg", paint("JPEG")),
    "progressive jpeg": ("image/jpeg", paint("JPEG", progressive=True)),
    "webp, lossy": ("image/webp", paint("WEBP", quality=60)),
    "webp, lossless": ("image/webp", paint("WEBP", lossless=True)),
    "webp, extended": ("image/webp", paint("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")),
    "gif": ("image/gif", paint("GIF")),
    "avif": ("image/avif", paint("AVIF")),
    "heic": ("image/heic", heif((160, 120), (321, 123))),
}

samples = pytest.mark.parametrize("name", SAMPLES)


@samples
def test_a_whole_image_is_read_with_its_type_and_pixels(name: str) -> None:
    mime, data = SAMPLES[name]
    assert facts_of(data) == ImageFacts(mime, 321, 123, complete=True)


@samples
def test_an_image_without_its_last_byte_is_not_complete(name: str) -> None:
    mime, data = SAMPLES[name]
    facts = facts_of(data[:-1])
    assert facts is not None
    assert (facts.mime, facts.complete) == (mime, False)


@samples
def test_a_cut_anywhere_is_never_called_complete(name: str) -> None:
    _, data = SAMPLES[name]
    for end in range(0, len(data) - 1, max(1, len(data) // 400)):
        facts = facts_of(data[:end])
        assert facts is None or not facts.complete


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.integers(0, 400),
)
def test_mutated_images_give_facts_or_none(
    name: str, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(SAMPLES[name][1])
    for place, value in changes:
        data[place % len(data)] = value
    facts = facts_of(bytes(data[: len(data) - cut]))
    assert facts is None or (facts.width == 0) == (facts.height == 0)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF....WEBPVP8 ",
         b"RIFF....WEBPVP8L", b"RIFF....WEBPVP8X", b"\0\0\0\x18ftypavif", b"\0\0\0\x14ftypmif1"]
    ),
    st.binary(max_size=300),
    st.binary(max_size=64),
    st.integers(0, 2**33),
)  # fmt: skip
def test_any_bytes_give_facts_or_none(start: bytes, rest: bytes, tail: bytes, size: int) -> None:
    facts = read_facts_from(start + rest, tail, size)
    assert facts is None or extension(facts.mime) != "bin"


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif", "image/avif"),
        (b"\0\0\0\x18ftypavis\0\0\0\0msf1miaf", "image/avif"),
        (b"\0\0\0\x18ftypheix\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x14ftypmif1\0\0\0\0miaf", "image/heif"),
        (b"\0\0\0\x14ftypmp42\0\0\0\0isom", None),
        (b"\0\0\0\x10ftypisom\0\0\0\0avif", None),  # the brand stands behind the box
        (b"RIFF\0\0\0\0WAVE", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"<!doctype html>", None),
        (b"%PDF-1.7", None),
        (b"BM", None),
        (b"", None),
    ],
)
def test_the_first_bytes_say_the_type(head: bytes, mime: str | None) -> None:
    assert sniff_mime(head) == mime


@pytest.mark.parametrize(
    ("mime", "name"),
    [("image/png", "png"), ("image/jpeg", "jpg"), ("image/webp", "webp"), ("image/gif", "gif"),
     ("image/avif", "avif"), ("image/heic", "heic"), ("image/heif", "heif"), ("text/html", "bin")],
)  # fmt: skip
def test_a_type_has_its_extension(mime: str, name: str) -> None:
    assert extension(mime) == name


# --- jpeg ------------------------------------------------------------------------------------


def jpeg_with(segments: bytes) -> bytes:
    data = SAMPLES["jpeg"][1]
    return data[:2] + segments + data[2:]


def test_long_c2pa_segments_are_walked_over() -> None:
    data = jpeg_with(segment(0xEB, b"JP" + b"\xff" * 60_000) + segment(0xEB, b"JP" + b"c" * 60_000))
    assert facts_of(data) == ImageFacts("image/jpeg", 321, 123, complete=True)


def test_a_jpeg_whose_frame_stands_beyond_what_is_kept_is_whole_with_unknown_pixels() -> None:
    data = jpeg_with(segment(0xEB, b"c" * 65_000) * 3)
    assert len(data) > HEAD_BYTES
    assert facts_of(data) == ImageFacts("image/jpeg", 0, 0, complete=True)
    assert facts_of(data[:-2]) == ImageFacts("image/jpeg", 0, 0, complete=False)


def test_a_jpeg_whose_frame_is_cut_by_what_is_kept_has_unknown_pixels() -> None:
    head = b"\xff\xd8\xff\xc0\x00\x11\x08\x00"
    assert read_facts_from(head, b"\xff\xd9", 10**6) == ImageFacts("image/jpeg", 0, 0, True)
    assert read_facts_from(head, b"\xff\xd9", len(head)) == ImageFacts("image/jpeg", 0, 0, False)


def test_fill_bytes_and_lone_markers_are_walked_over() -> None:
    data = jpeg_with(b"\xff\xff\xff" + segment(0xEF, b"x")[1:] + b"\xff\x01" + b"\xff\xd0")
    assert facts_of(data) == ImageFacts("image/jpeg", 321, 123, complete=True)


@pytest.mark.parametrize(
    "segments",
    [
        b"\xff\xe0\x00\x01",  # a length below its own two bytes
        b"\xff\xda\x00\x04\x00\x00",  # a scan before its frame
        segment(0xFE, b"") + b"junk",
        segment(0xC0, b"\x08\x00\x00\x01\x00\x03"),  # no height: it comes later, in a DNL
    ],
)
def test_a_jpeg_with_a_broken_header_is_not_complete(segments: bytes) -> None:
    assert facts_of(jpeg_with(segments)) == ImageFacts("image/jpeg", 0, 0, complete=False)


def test_padding_after_the_end_mark_is_no_harm() -> None:
    facts = facts_of(SAMPLES["jpeg"][1] + b"\0\0\n")
    assert facts is not None and facts.complete


def test_an_exif_orientation_is_not_applied() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    facts = facts_of(paint("JPEG", exif=exif))
    assert facts is not None and (facts.width, facts.height) == (321, 123)


# --- png, gif, webp --------------------------------------------------------------------------


def test_a_png_without_pixels_is_not_complete() -> None:
    data = bytearray(SAMPLES["png"][1])
    data[16:20] = b"\0\0\0\0"
    assert facts_of(bytes(data)) == ImageFacts("image/png", 0, 0, complete=False)


def test_a_png_whose_first_chunk_is_another_is_not_complete() -> None:
    data = SAMPLES["png"][1].replace(b"IHDR", b"tEXt", 1)
    assert facts_of(data) == ImageFacts("image/png", 0, 0, complete=False)


def test_a_gif_that_ends_in_data_is_not_complete() -> None:
    data = SAMPLES["gif"][1]
    facts = facts_of(data[:-2] + b"\x07;")
    assert facts is not None and not facts.complete


def test_a_gif_without_a_screen_is_not_complete() -> None:
    assert facts_of(b"GIF89a\0\0\0\0\0\0\0\0;") == ImageFacts("image/gif", 0, 0, complete=False)


@pytest.mark.parametrize(
    "body",
    [
        b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\0\0\0\0",  # no width
        b"VP8 \x0a\0\0\0\0\0\0junk.....",
        b"VP8L\x05\0\0\0\x2e\0\0\0\0.",  # a wrong signature
        b"VP8X\x0a\0\0\0\0\0\0\0",
        b"ALPH\x0a\0\0\0.............",
    ],
)
def test_a_webp_with_a_broken_header_is_not_complete(body: bytes) -> None:
    data = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    assert facts_of(data) == ImageFacts("image/webp", 0, 0, complete=False)


# --- avif, heic ------------------------------------------------------------------------------


def test_the_largest_item_of_a_heif_is_its_picture() -> None:
    data = heif((512, 512), (512, 512), (4032, 3024), (320, 240))
    assert facts_of(data) == ImageFacts("image/heic", 4032, 3024, complete=True)


def test_a_heif_without_sizes_is_not_complete() -> None:
    assert facts_of(heif()) == ImageFacts("image/heic", 0, 0, complete=False)
    assert facts_of(heif((0, 9))) == ImageFacts("image/heic", 0, 0, complete=False)


def test_a_heif_whose_items_stand_beyond_what_is_kept_has_unknown_pixels() -> None:
    data = heif((640, 480), rest=box(b"free", b"\0" * HEAD_BYTES))
    assert facts_of(data) == ImageFacts("image/heic", 0, 0, complete=False)


def test_long_and_open_boxes_are_understood() -> None:
    closed = heif((640, 480))
    body = box(b"mdat", b"\x11" * 200)
    assert closed.endswith(body)
    start = closed[: -len(body)]
    long = struct.pack(">I4sQ", 1, b"mdat", 16 + 200) + b"\x11" * 200
    opened = struct.pack(">I4s", 0, b"mdat") + b"\x11" * 200
    for ending in (long, opened):
        assert facts_of(start + ending) == ImageFacts("image/heic", 640, 480, complete=True)


def test_a_box_shorter_than_its_header_ends_the_walk() -> None:
    facts = facts_of(heif((640, 480))[:-208] + struct.pack(">I4s", 7, b"mdat") + b"x" * 200)
    assert facts is not None and not facts.complete


def test_an_item_size_cut_by_what_is_kept_is_left_out() -> None:
    data = heif((640, 480))
    place = data.index(b"ispe") + 8
    facts = read_facts_from(data[:place], data[-64:], len(data))
    assert facts == ImageFacts("image/heic", 0, 0, complete=False)


# --- recorded answers --------------------------------------------------------------------------


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not at hand")
@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("2.5-text-then-image", ImageFacts("image/png", 1024, 1024, True)),
        ("vertex-2.5-jpeg", ImageFacts("image/jpeg", 1024, 1024, True)),
        ("pro-image-only", ImageFacts("image/jpeg", 1408, 768, True)),
        ("pro-text-then-image-signed", ImageFacts("image/jpeg", 1408, 768, True)),
    ],
)
def test_the_recorded_images_are_read(name: str, facts: ImageFacts) -> None:
    body = json.loads((RECORDED / f"{name}.response.json").read_text("utf-8"))
    parts = body["candidates"][0]["content"]["parts"]
    found = [
        facts_of(pybase64.b64decode(part["inlineData"]["data"]))
        for part in parts
        if "inlineData" in part
    ]
    assert found == [facts]
