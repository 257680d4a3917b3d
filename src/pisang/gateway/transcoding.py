"""Pictures in the type that a caller asked for, where the upstream made another.

The crawl wire asks by `mimeType`, OpenAI's Images by `output_format`. The original stays what is
kept; a picture that can't be written otherwise goes as it is, and its own type is told.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pisang.domain.answer import Reply
from pisang.domain.image import read_facts
from pisang.domain.request import JSON, Image, Part
from pisang.errors import PisangError
from pisang.store.store import Store
from pisang.wires.base import Ask

_QUALITY = 92


def transcode(reply: Reply, ask: Ask, store: Store) -> Reply:
    """The reply with its pictures as they were asked for. Blocks: a 4K picture takes a while."""
    mime = _mime_in(ask.options)
    if mime is None:
        return reply
    quality = ask.options.get("output_compression")
    worth = quality if isinstance(quality, int) and 1 <= quality <= 100 else _QUALITY
    return replace(reply, parts=tuple(_part(part, mime, worth, store) for part in reply.parts))


def _mime_in(options: Mapping[str, JSON]) -> str | None:
    mime, word = options.get("mime"), options.get("output_format")
    if isinstance(word, str):
        return f"image/{'jpeg' if word == 'jpg' else word}"
    return mime if isinstance(mime, str) else None


def _part(part: Part, mime: str, quality: int, store: Store) -> Part:
    if not isinstance(part, Image) or part.thought:
        return part
    facts = read_facts(part.content)
    if facts is None or facts.mime == mime:
        return part
    from pisang.pixels.convert import convert

    try:
        with tempfile.TemporaryDirectory(prefix="pisang-") as folder:
            target = Path(folder, "picture")
            convert(store.path(part.content.sha256), mime, target, quality)
            return replace(part, content=store.put_file(target), mime=mime)
    except PisangError:  # another type than can be written, or a picture that can't be read
        return part
