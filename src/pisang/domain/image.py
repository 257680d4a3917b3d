"""What an image is, read from its first and last bytes; nothing is decoded.

Two questions are kept apart. *What is it*: the media type, from the magic bytes, and the stored
pixels, from the header (an EXIF orientation is not applied). *Is its end there*: the format's own
end mark or length. Base64 cut at a multiple of four decodes happily and HTTP framing may lie, so
only the picture itself can say that it is whole.

`width == height == 0` means: it is this type, and its pixels stand beyond the bytes that were
kept (`HEAD_BYTES`; a JPEG may carry more metadata than that before its frame) or could not be
read. An image that is all there but whose header is broken is never called complete.

Formats: PNG (W3C PNG 3rd ed.), JPEG (ITU-T T.81), WebP (RFC 9649), GIF (GIF89a), AVIF and HEIF
(ISO/IEC 14496-12, 23008-12). Every reader is linear in `len(head)` and never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from pisang.domain.answer import ImageFacts
from pisang.domain.content import Content

ResizeMode = Literal["cover", "contain", "pad"]
"""How a picture is brought to other pixels: `cover` fills them and cuts what is over, `contain`
keeps the whole picture inside them, `pad` does so and fills up with a border."""

_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/heif": "heif",
}

_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic",
    b"hevx": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
}
"""Brands of an `ftyp` box, the telling ones first (the MIAF brands stand beside any of them)."""

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_PADDING = b"\0\t\n\r "


class _Kept(NamedTuple):
    """What is had of an image's bytes."""

    head: bytes
    tail: bytes
    size: int

    @property
    def all_here(self) -> bool:
        """Whether the head is the whole image."""
        return self.size <= len(self.head)


class _Read(NamedTuple):
    """What a format's reader found: pixels (None: the header is broken), and the end mark."""

    pixels: tuple[int, int] | None
    ended: bool


_UNSEEN = (0, 0)


def sniff_mime(head: bytes) -> str | None:
    """The media type that the first bytes (32 are enough for most) say, or None for no image."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    return None


def extension(mime: str) -> str:
    """The file extension, without a dot, for an image's media type; `bin` for any other."""
    return _EXTENSIONS.get(mime, "bin")


def read_facts(content: Content) -> ImageFacts | None:
    """The facts of a content's bytes, or None when it is no image that Pisang knows."""
    return read_facts_from(content.head, content.tail, content.size)


def read_facts_from(head: bytes, tail: bytes, size: int) -> ImageFacts | None:
    """The facts of an image of `size` bytes that begins with `head` and ends with `tail`.

    None when the first bytes are no image's. See the module's word on 0×0.
    """
    mime = sniff_mime(head)
    if mime is None:
        return None
    found = _READERS[mime](_Kept(head, tail, size))
    width, height = found.pixels or _UNSEEN
    return ImageFacts(mime, width, height, complete=found.ended and found.pixels is not None)


def _sniff_brands(head: bytes) -> str | None:
    """The media type of an ISO base media file, by its major and compatible brands."""
    end = min(int.from_bytes(head[:4], "big"), len(head), 256)
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
    return next((mime for brand, mime in _BRANDS.items() if brand in brands), None)


def _read_png(kept: _Kept) -> _Read:
    """IHDR is the first chunk (§11.2.1); zero is no legal width or height; IEND closes it."""
    head = kept.head
    pixels = (int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    legal = len(head) >= 24 and head[12:16] == b"IHDR" and all(pixels)
    return _Read(pixels if legal else None, _PNG_END in kept.tail)


def _read_gif(kept: _Kept) -> _Read:
    """The logical screen; the trailer 3B after a block's terminator (a lone 3B may be data)."""
    head = kept.head
    pixels = (int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"))
    legal = len(head) >= 10 and all(pixels)
    return _Read(pixels if legal else None, kept.tail.rstrip(_PADDING).endswith(b"\0\x3b"))


def _read_webp(kept: _Kept) -> _Read:
    """The first chunk says the form (VP8, VP8L, VP8X); the RIFF length says where the end is."""
    declared = int.from_bytes(kept.head[4:8], "little")
    return _Read(_webp_pixels(kept.head), kept.size >= 8 + declared)


def _webp_pixels(head: bytes) -> tuple[int, int] | None:
    """RFC 9649 §2.5–2.7: each form keeps its pixels elsewhere."""
    form = head[12:16]
    if form == b"VP8 " and len(head) >= 30 and head[23:26] == b"\x9d\x01\x2a":
        wide, high = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
        pixels = (wide & 0x3FFF, high & 0x3FFF)
        return pixels if all(pixels) else None
    if form == b"VP8L" and len(head) >= 25 and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8X" and len(head) >= 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None


def _read_jpeg(kept: _Kept) -> _Read:
    """Entropy-coded data cannot hold FF D9, so an EOI at the end (padding aside) is the end."""
    return _Read(_jpeg_pixels(kept), kept.tail.rstrip(_PADDING).endswith(b"\xff\xd9"))


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF0–SOF15 without DHT, JPG and DAC (T.81 table B.1)."""

_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_NO_FRAME_YET = frozenset({0x00, 0xD8, 0xD9, 0xDA})


def _jpeg_pixels(kept: _Kept) -> tuple[int, int] | None:
    """Walk the segments to the frame header. APP11 segments (C2PA) may be many and long."""
    head, at = kept.head, 2
    while at + 4 <= len(head):
        marker = head[at + 1]
        if head[at] != 0xFF or marker in _NO_FRAME_YET:
            return None
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        elif marker in _FRAMES:
            return _jpeg_frame(kept, at)
        else:
            length = int.from_bytes(head[at + 2 : at + 4], "big")
            if length < 2:
                return None
            at += 2 + length
    return None if kept.all_here else _UNSEEN


def _jpeg_frame(kept: _Kept, at: int) -> tuple[int, int] | None:
    """The frame header at `at`: precision, height, width. Height 0 (DNL) is not supported."""
    frame = kept.head[at + 5 : at + 9]
    if len(frame) < 4:
        return None if kept.all_here else _UNSEEN
    pixels = (int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[:2], "big"))
    return pixels if all(pixels) else None


class _Box(NamedTuple):
    """An ISO base media box. `start` and `end` bound its body, which may pass the head's end."""

    kind: bytes
    start: int
    end: int


def _boxes(kept: _Kept, start: int, end: int) -> Iterator[_Box]:
    """The boxes that lie between two offsets and whose headers are in the head.

    Each has at least 8 bytes, and none passes `end`: so nested walks never overlap.
    """
    at = start
    while at + 8 <= min(end, len(kept.head)):
        length = int.from_bytes(kept.head[at : at + 4], "big")
        body = at + 8
        if length == 1:
            length = int.from_bytes(kept.head[at + 8 : at + 16], "big")
            body = at + 16
        elif length == 0:
            length = end - at
        if length < body - at or at + length > end:
            return
        yield _Box(kept.head[at + 4 : at + 8], body, at + length)
        at += length


def _read_heif(kept: _Kept) -> _Read:
    """Top-level boxes must tile the file to its last byte, with the media data among them.

    Where a box's header lies beyond the head the end is not proven, and the image not complete.
    """
    boxes = tuple(_boxes(kept, 0, kept.size))
    sizes = tuple(_heif_sizes(kept, boxes))
    largest = max(sizes, key=lambda size: size[0] * size[1], default=None)
    ended = any(box.kind == b"mdat" for box in boxes) and boxes[-1].end == kept.size
    if largest is None and not kept.all_here:
        return _Read(_UNSEEN, ended)
    return _Read(largest if largest and all(largest) else None, ended)


def _heif_sizes(kept: _Kept, boxes: tuple[_Box, ...]) -> Iterator[tuple[int, int]]:
    """Every `ispe` of meta/iprp/ipco. A grid stands beside its tiles and its thumbnail, and is
    the largest of them, so the largest is the picture."""
    for name, skip in ((b"meta", 4), (b"iprp", 0), (b"ipco", 0)):  # `meta` is a full box
        boxes = tuple(
            inner
            for box in boxes
            if box.kind == name
            for inner in _boxes(kept, box.start + skip, box.end)
        )
    for box in boxes:
        if box.kind == b"ispe" and box.start + 12 <= len(kept.head):
            body = kept.head[box.start : box.start + 12]
            yield int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big")


_READERS: dict[str, Callable[[_Kept], _Read]] = {
    "image/png": _read_png,
    "image/jpeg": _read_jpeg,
    "image/webp": _read_webp,
    "image/gif": _read_gif,
    "image/avif": _read_heif,
    "image/heic": _read_heif,
    "image/heif": _read_heif,
}
