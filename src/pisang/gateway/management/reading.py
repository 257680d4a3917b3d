"""Values out of a body, where a long string may be a span whose bytes are in the store."""

from __future__ import annotations

from pisang.domain.content import Content, Span
from pisang.errors import WireError
from pisang.wires import strictjson


def read_text(value: object) -> object:
    """A long string as its text; anything else as it is. Raises `WireError`."""
    return strictjson.text_of(value) if isinstance(value, Span) else value


def read_plain(value: object) -> object:
    """The value with every long string as text."""
    if isinstance(value, dict):
        return {name: read_plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [read_plain(one) for one in value]
    return read_text(value)


def read_picture(value: object) -> Content | str:
    """The bytes of base64 or of a data URL; the word itself where it is an image's id. Raises
    `ValueError`."""
    if isinstance(value, str) and (value.startswith("req_") or _is_hash(value)):
        return value
    if not isinstance(value, str | Span):
        raise ValueError("an image's id or its base64 is needed, as a string")
    try:
        return strictjson.content_of(value)
    except WireError:
        raise ValueError("it is neither an image's id, nor base64, nor a data: URL") from None


def _is_hash(value: str) -> bool:
    return len(value) == 64 and set(value) <= set("0123456789abcdef")
