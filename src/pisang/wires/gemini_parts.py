"""Parts and contents of Google's native wire, both ways.

A thought signature stays on the part that it came with, byte for byte: Google answers 400 when
one is missing or moved (`ai.google.dev/gemini-api/docs/thought-signatures`, July 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pisang.domain.content import Span
from pisang.domain.request import JSON, Image, Link, Other, Part, Text
from pisang.domain.warning import Warn
from pisang.errors import WireError
from pisang.wires import strictjson
from pisang.wires.extra import by_index
from pisang.wires.fields import Rest
from pisang.wires.gemini_shape import NAME


def decode_part(raw: JSON) -> tuple[Part, Rest]:
    """The part that a JSON value is, and what else stood in it.

    What is not exactly one of text, inline data and file data, or is malformed, is `Other` and
    leaves nothing over.
    """
    if not isinstance(raw, dict):
        return Other(raw, NAME), {}
    rest = dict(raw)
    kinds = [kind for kind in _READERS if kind in rest]
    if len(kinds) != 1:
        return Other(raw, NAME), {}
    try:
        part, inner = _READERS[kinds[0]](rest.pop(kinds[0]))
    except WireError:
        return Other(raw, NAME, is_picture=_shows_picture(raw)), {}
    rest |= {kinds[0]: inner} if inner else {}
    if isinstance(rest.get("thought"), bool):
        part = replace(part, thought=rest.pop("thought"))
    if isinstance(rest.get("thoughtSignature"), str | Span):
        part = replace(part, signature=strictjson.span_of(rest.pop("thoughtSignature")))
    return part, rest


def _shows_picture(raw: Rest) -> bool:
    return "inlineData" in raw and raw.get("thought") is not True


def _read_text(value: JSON) -> tuple[Text, Rest]:
    return Text(strictjson.text_of(value, wire=NAME)), {}


def _read_inline_data(value: JSON) -> tuple[Image, Rest]:
    fields = _fields(value)
    mime = _word(fields.pop("mimeType", ""))
    return Image(strictjson.content_of(fields.pop("data", None), wire=NAME), mime), fields


def _read_file_data(value: JSON) -> tuple[Link, Rest]:
    fields = _fields(value)
    mime = fields.pop("mimeType", None)
    uri = _word(fields.pop("fileUri", None))
    return Link(uri, None if mime is None else _word(mime)), fields


_READERS: dict[str, Callable[[JSON], tuple[Text | Image | Link, Rest]]] = {
    "text": _read_text,
    "inlineData": _read_inline_data,
    "fileData": _read_file_data,
}


def _fields(value: JSON) -> Rest:
    if not isinstance(value, dict):
        raise WireError(wire=NAME, why="a part's data is no object")
    return dict(value)


def _word(value: JSON) -> str:
    if not isinstance(value, str):
        raise WireError(wire=NAME, why="a part's type or address is no string")
    return value


def is_malformed(part: Part) -> bool:
    """Whether the part is of a known kind, and could not be read as one."""
    if not isinstance(part, Other):
        return False
    return not isinstance(part.json, dict) or any(kind in part.json for kind in _READERS)


def decode_parts(raw: JSON) -> tuple[tuple[Part, ...], Rest]:
    """The parts of a list (none where it is null or no list), and what else stood in each."""
    read = [decode_part(item) for item in raw] if isinstance(raw, list) else []
    return tuple(part for part, _ in read), by_index(rest for _, rest in read)


def encode_parts(parts: Sequence[Part]) -> list[JSON]:
    """The parts in their order; a labelled image has its label as a text part before it.

    Parts that only another wire knows are left out: `lost_parts` says which.
    """
    return [raw for part in parts for raw in _encode_part(part)]


def lost_parts(parts: Sequence[Part]) -> tuple[Warn, ...]:
    """A warning for each part that only another wire knows."""
    return tuple(
        Warn("part_dropped", f"A part that only the {part.wire} wire knows was left out.")
        for part in parts
        if isinstance(part, Other) and part.wire != NAME
    )


def _encode_part(part: Part) -> list[JSON]:
    if isinstance(part, Other):
        return [part.json] if part.wire == NAME else []
    if isinstance(part, Text):
        return [{"text": part.text} | _marks(part.thought, part.signature)]
    if isinstance(part, Link):
        mime = {} if part.mime is None else {"mimeType": part.mime}
        file = {"fileData": mime | {"fileUri": part.uri}}
        return [file | _marks(part.thought, part.signature)]
    mime = {"mimeType": part.mime} if part.mime else {}
    picture = {"inlineData": mime | {"data": part.content}}
    label = [] if part.label is None else [{"text": part.label}]
    return [*label, picture | _marks(part.thought, part.signature)]


def _marks(thought: bool, signature: Span | None) -> Rest:
    marks: Rest = {"thought": True} if thought else {}
    return marks if signature is None else marks | {"thoughtSignature": signature}
