"""Pictures in OpenAI's dialects, however a server wrote them down.

OpenAI itself has `b64_json`, `url` and `image_url`; relays add Google's `inline_data`, data URLs
in markdown or HTML, bare URLs, raw base64 where a URL should stand, and placeholders for pictures
that they lost (`wires/relay.md`; github.com/piexian/astrbot_plugin_gemini_image_generation#21,
#22; BerriAI/litellm#27277; all read 22 November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pisang.domain.content import Content, Span, content_of
from pisang.domain.image import sniff_mime
from pisang.domain.request import JSON, Image, Link, Text
from pisang.errors import ReferenceUnreadable, WireError
from pisang.wires import strictjson

_BYTES = ("b64_json", "data", "image_base64", "base64", "b64", "result", "bytesBase64Encoded")
_URLS = ("url", "uri", "file_uri", "fileUri")
_HOLDERS = ("image_url", "imageUrl", "image", "source", "inline_data", "inlineData")
_HOLDERS_OUT = ("output_image", "input_image")
_MIMES = ("mime_type", "mimeType", "media_type", "mediaType", "content_type", "contentType")
_DEPTH = 3

_TYPES = (*_HOLDERS, *_HOLDERS_OUT, "image_generation_call")
"""Values of an item's `type` that say it is a picture."""

_DEFAULT_MIME = "image/png"
_NO_BYTES = content_of(b"")
_DATA = re.compile(r"\s*+data:[^,]{0,200};base64,", re.IGNORECASE)


def is_picture(item: Mapping[str, JSON]) -> bool:
    """Whether an item claims to be a picture, readable or not."""
    kind = item.get("type")
    if kind is None and "url" in item:
        return True
    return kind in _TYPES or any(name in item for name in (*_HOLDERS, *_HOLDERS_OUT, "b64_json"))


def read_picture(value: JSON, mime: str = "", depth: int = _DEPTH) -> Image | Link | None:
    """The picture that a value stands for: an object in any known spelling, or a string.

    `mime` is what is declared elsewhere. None when there is none (a placeholder, an empty field).
    `WireError` when bytes are named as such and are no base64: they may have been paid for.
    """
    if isinstance(value, str | Span):
        return read_url(value, mime)
    if not isinstance(value, dict) or not depth:
        return None
    mime = next((word for name in _MIMES if (word := _word(value.get(name)))), mime)
    for name in _BYTES:
        if value.get(name) and isinstance(value[name], str | Span):
            return _read_bytes(value[name], mime)
    for name in (*_URLS, *_HOLDERS, *_HOLDERS_OUT):
        picture = read_picture(value.get(name), mime, depth - 1)
        if picture is not None:
            return picture
    return None


def picture_in(value: JSON, mime: str = "") -> Image | Link | None:
    """The picture in an item of a reply; like `read_picture`, but never raises.

    What claims to be bytes and is none is an image of no bytes at all: it may have been paid for,
    so it is broken, not absent.
    """
    try:
        return read_picture(value, mime)
    except WireError:
        return image_of(_NO_BYTES, mime)


def read_url(value: str | Span, mime: str = "") -> Image | Link | None:
    """The picture in a data URL, in raw base64, or named by an http(s) URL; None for any other.

    `WireError` for a data URL that holds no base64.
    """
    if isinstance(value, str) and value.strip().lower().startswith(("https://", "http://")):
        return Link(value.strip(), mime or None)
    pieces = strictjson.split_data_urls(_unbroken(value))
    match pieces:
        case (strictjson.DataUrl(mime=declared, content=content),):
            return image_of(content, declared or mime)
        case (str(text),) if not _DATA.match(text):
            return _raw_base64(text, mime)
        case ():
            return None
    raise WireError(wire="json", why="a data URL that should be base64 is not")


def _unbroken(value: str | Span) -> str | Span:
    """A data URL without the line breaks that some servers put into its base64."""
    if isinstance(value, Span):
        return _short_text(value) or value
    return "".join(value.split()) if _DATA.match(value) else value


def _short_text(span: Span) -> str | None:
    """The data URL that a span is, where its lines are too short to have been taken for base64."""
    if span.contents:
        return None
    try:
        text = strictjson.text_of(span)
    except WireError:
        return None
    return "".join(text.split()) if _DATA.match(text) else None


def image_of(content: Content, mime: str = "") -> Image:
    """The image, with its declared type; where none is declared, what its bytes say."""
    return Image(content, mime or sniff_mime(content.head) or _DEFAULT_MIME)


def reference_of(picture: Image) -> Image:
    """The same picture as a reference of a caller's: its type is what its bytes are.

    Stock clients declare what a file's name says, or `application/octet-stream`.
    """
    return Image(picture.content, sniff_mime(picture.content.head) or picture.mime)


def reference_in(value: JSON, where: str) -> Image | Link:
    """The picture that a caller gave at `where`; `ReferenceUnreadable` when it is none."""
    why = "it is neither a data URL nor an http(s) address"
    try:
        picture = read_picture(value)
    except WireError as error:
        picture, why = None, str(error.fields["why"])
    if picture is None:
        raise ReferenceUnreadable(reference=where, why=why)
    return reference_of(picture) if isinstance(picture, Image) else picture


def is_placeholder(uri: str) -> bool:
    """Whether a URL stands for a picture that isn't there: RFC 2606 hosts, placeholder services."""
    match = _HOST.match(uri)
    host = match[1].lower() if match else ""
    return not host or "placehold" in uri.lower() or _NOWHERE.search(host) is not None


_HOST = re.compile(r"https?://(?:[^/?#@\s]*@)?([^/?#:\s]+)", re.IGNORECASE)
_NOWHERE = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|invalid)\.?$")


def _read_bytes(value: str | Span, mime: str) -> Image:
    urls = strictjson.data_urls(value)
    declared = urls[0].mime if urls else ""
    return image_of(strictjson.content_of(value), declared or mime)


def _raw_base64(text: str, mime: str) -> Image | None:
    try:
        content = strictjson.content_of(text)
    except WireError:
        return None
    return image_of(content, mime) if sniff_mime(content.head) else None


def _word(value: JSON) -> str:
    return value if isinstance(value, str) else ""


# --- pictures in running text ------------------------------------------------------------------

_BEFORE = re.compile(r"(?:!?\[[^\[\]]*\]\(\s*<?|<img\b[^<>]*?\bsrc\s*=\s*[\"']?)\Z", re.IGNORECASE)
_AFTER = re.compile(r"\A(?:>?\s*(?:\"[^\"]*\"\s*)?\)|[\"'][^<>]*>)")
_NEAR = 1024
"""How far around a picture its markup is looked for, in characters."""

_MARKDOWN = re.compile(r"!\[[^\[\]]*+\]\(\s*+<?([^\s<>()]*+)>?(?:\s++\"[^\"]*+\")?+\s*+\)")
_URL = re.compile(r"https?://[^\s<>()\[\]\"'\\]++", re.IGNORECASE)
_SENTENCE_END = ".,;:!?。，；：！？"
_PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif")


def split_text(value: str | Span) -> list[Text | Image]:
    """A string as its texts and the pictures that stand in it as data URLs, in order.

    The markdown or HTML around a picture is taken off; white space alone between pictures goes.
    """
    pieces = strictjson.split_data_urls(value)
    texts = [piece for piece in pieces if isinstance(piece, str)]
    if len(texts) == len(pieces):
        return [Text("".join(texts))]
    return list(_unwrapped(pieces))


def text_in(value: str | Span) -> list[Text | Image]:
    """A string of a reply as its texts and pictures; like `split_text`, but never raises.

    One that can't be read is an image of no bytes, as in `picture_in`.
    """
    try:
        return split_text(value)
    except WireError:
        return [image_of(_NO_BYTES)]


def _unwrapped(pieces: tuple[str | strictjson.DataUrl, ...]) -> Iterator[Text | Image]:
    for at, piece in enumerate(pieces):
        if not isinstance(piece, str):
            yield image_of(piece.content, piece.mime)
            continue
        text = piece
        if at + 1 < len(pieces):
            text = text[:-_NEAR] + _BEFORE.sub("", text[-_NEAR:])
        if at:
            text = _AFTER.sub("", text[:_NEAR]) + text[_NEAR:]
        if text.strip():
            yield Text(text)


def lift_links(text: str) -> tuple[str, list[Link]]:
    """A reply's text without its markdown images, and the pictures that it names by URL.

    A text that is one URL and nothing else is a picture; so is any URL that ends like one.
    Placeholders are dropped.
    """
    named = [match[1] for match in _MARKDOWN.finditer(text)]
    left = _MARKDOWN.sub("", text)
    whole = _URL.fullmatch(left.strip())
    if whole is not None:
        named.append(whole[0])
        left = ""
    urls = (match[0].rstrip(_SENTENCE_END) for match in _URL.finditer(left))
    ending = [url for url in urls if url.partition("?")[0].lower().endswith(_PICTURE_ENDINGS)]
    found = dict.fromkeys([*named, *ending])
    return left, [Link(url) for url in found if not is_placeholder(url)]
