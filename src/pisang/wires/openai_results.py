"""Results of the Images API, whole or as events, and back.

OpenRouter's `media_type` beside each picture is written too, for one answer may hold several
types; stock clients pass over it. So is `text`, what a model said beside its pictures, for which
OpenAI has no field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from pisang.domain.answer import Reply
from pisang.domain.image import extension
from pisang.domain.request import JSON, Image, Link, Part, Text
from pisang.errors import NoImage
from pisang.wires import sse, strictjson
from pisang.wires.base import Ask, WireAnswer
from pisang.wires.extra import by_index, overlay
from pisang.wires.fields import Rest, without_nulls
from pisang.wires.openai_errors import JSON_TYPE, SSE_TYPE, encode_error
from pisang.wires.openai_messages import texts_of
from pisang.wires.openai_pictures import is_placeholder, picture_in
from pisang.wires.openai_usage import IMAGES, read_usage, write_usage

NAME = "openai_images"

_PARTIAL, _COMPLETED, _TEXT = ".partial_image", ".completed", ".text_chunk"
_EVENTS = (_PARTIAL, _COMPLETED, _TEXT)
"""How the types of events end, behind `image_generation` or `image_edit`."""

_PICTURE = frozenset({"b64_json", "url", "media_type", "type", "partial_image_index"})
_MIMES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
}
_FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp", "image/gif": "gif"}
_SAY_NOTHING = {"background": "auto", "quality": "auto", "size": "auto", "created": 0}


def is_reply(chunk: Rest) -> bool:
    """Whether a chunk is a result or an event of one. `data: null` is an empty result only beside
    `created`: relays answer so when they fail, too."""
    if _kind(chunk):
        return True
    listed = isinstance(chunk.get("data", chunk.get("images")), list)
    return listed or ("created" in chunk and chunk.get("error") is None)


def _kind(chunk: Mapping[str, JSON]) -> str | None:
    """Which of the events a chunk is; None for a whole result."""
    told = chunk.get("type")
    kinds = (kind for kind in _EVENTS if isinstance(told, str) and told.endswith(kind))
    return next(kinds, None)


# --- in ----------------------------------------------------------------------------------------


def merge_chunks(chunks: Iterable[Rest]) -> Rest:
    """The one result that events come to; of fields beside the pictures the last one counts."""
    merged: Rest = {}
    items: list[JSON] = []
    said: list[str] = []
    for chunk in chunks:
        rest = without_nulls(chunk)
        kind = _kind(rest)
        if isinstance(rest.get("text"), str):
            said.append(rest.pop("text"))
        if kind is None:
            items += _take_items(rest)
        elif kind != _TEXT:
            items.append(_take_picture(rest))
        if kind in (None, _COMPLETED):
            merged |= rest
    if "created_at" in merged:
        merged.setdefault("created", merged.pop("created_at"))
    return merged | {"data": items} | ({"text": "".join(said)} if said else {})


def _take_items(rest: Rest) -> list[JSON]:
    """The list of pictures, under OpenAI's name or another server's."""
    found = [rest.pop(name) for name in ("data", "images") if isinstance(rest.get(name), list)]
    rest.pop("data", None)
    return list(chain.from_iterable(found))


def _take_picture(rest: Rest) -> Rest:
    """An event's picture. An event's `output_format` is its picture's, and no other's."""
    picture = {name: rest.pop(name) for name in _PICTURE if name in rest}
    told = rest.pop("output_format", None)
    if "b64_json" in picture and isinstance(told, str) and told in _MIMES:
        picture.setdefault("media_type", _MIMES[told])
    return picture


def decode_body(raw: Rest) -> Reply:
    """The reply in a result. What is unknown is in `extra["openai_images"]`.

    The declared type is the picture's own, else the result's `output_format`.
    """
    rest = dict(raw)
    told = rest.get("output_format")
    mime = _MIMES.get(told, "") if isinstance(told, str) else ""
    read = [(item, _read_item(item, mime)) for item in rest.pop("data")]
    pictures = [part for _, part in read if part is not None]
    shown = [item for item, part in read if part is not None and not part.thought]
    left = by_index(_left_of(item) for item in shown)
    usage, counted = read_usage(rest.pop("usage", None), IMAGES)
    text = rest.pop("text", "")
    if told is not None and told == _format_of(pictures):
        del rest["output_format"]
    for name, nothing in _SAY_NOTHING.items():
        if rest.get(name) == nothing:
            del rest[name]
    rest |= {"data": left} if left else {}
    rest |= {"usage": counted} if counted else {}
    said: tuple[Part, ...] = (Text(text),) if text else ()
    return Reply((*said, *pictures), usage=usage, extra={NAME: rest} if rest else {})


def _read_item(item: JSON, mime: str) -> Image | Link | None:
    picture = picture_in(item, mime)
    if picture is None or (isinstance(picture, Link) and is_placeholder(picture.uri)):
        return None
    draft = isinstance(item, dict) and _kind(item) == _PARTIAL
    if isinstance(picture, Link):
        return Link(picture.uri, picture.mime, thought=draft)
    return Image(picture.content, picture.mime, thought=draft)


def _left_of(item: JSON) -> Rest:
    if not isinstance(item, dict):
        return {}
    return {key: value for key, value in without_nulls(item).items() if key not in _PICTURE}


def _format_of(parts: Iterable[Part]) -> str | None:
    """The one `output_format` of all the pictures; None where there are several, or none."""
    formats = {_FORMATS.get(part.mime or "") for part in parts if isinstance(part, Image | Link)}
    return formats.pop() if len(formats) == 1 else None


# --- out ---------------------------------------------------------------------------------------


def encode_answer(reply: Reply, ask: Ask) -> WireAnswer:
    """The result; where a stream was asked for, one event for each picture.

    Without a picture it is an error (422): stock clients take an empty list for success.
    """
    body = encode_body(reply, ask)
    if not body["data"]:
        reason = reply.message or reply.block_reason or reply.finish_reason or "no reason given"
        return encode_error(NoImage(upstream="The upstream", reason=reason))
    if not ask.stream:
        return WireAnswer(200, strictjson.dumps(body, wire=NAME), JSON_TYPE)
    frames = [
        (f"event: {event['type']}\r\n".encode(), *sse.frame(strictjson.dumps(event, wire=NAME)))
        for event in split_body(body, ask)
    ]
    return WireAnswer(200, tuple(chain.from_iterable(frames)), SSE_TYPE)


def encode_body(reply: Reply, ask: Ask) -> Rest:
    """The whole result. Thoughts (drafts) and signatures have no place in it."""
    told = _format_of(reply.pictures)
    text = texts_of(reply.parts, thought=False)
    body: Rest = {
        "created": ask.options.get("created_s", 0),
        "data": [_item(picture, ask) for picture in reply.pictures],
    }
    body |= {"output_format": told} if told else {}
    body |= {"text": text} if text else {}
    extra = dict(reply.extra.get(NAME, {}))
    counted = extra.pop("usage", None)
    if reply.usage is not None:
        body["usage"] = write_usage(reply.usage, counted, IMAGES)
    elif counted:
        body["usage"] = counted
    laid: Rest = overlay(body, extra)
    return laid


def _item(picture: Image | Link, ask: Ask) -> Rest:
    mime = {"media_type": picture.mime} if picture.mime else {}
    if isinstance(picture, Link):
        return {"url": picture.uri} | mime
    prefix = ask.options.get("url_prefix")
    if ask.options.get("response_format") == "url" and isinstance(prefix, str):
        name = f"{picture.content.sha256}.{extension(picture.mime)}"
        return {"url": prefix + name} | mime
    return {"b64_json": picture.content} | mime


def split_body(body: Rest, ask: Ask) -> list[Rest]:
    """One event for each picture, with every field that openai-python's types demand.

    The counts and all else that closes the result stand on the last one.
    """
    kind = "image_edit" if ask.options.get("edit") else "image_generation"
    rest = {key: value for key, value in body.items() if key not in ("data", "created")}
    common: Rest = {"type": kind + _COMPLETED, "created_at": body["created"]}
    common |= {name: ask.options.get(name, "auto") for name in ("background", "quality", "size")}
    events = [common | {"output_format": _format_in(item, ask)} | item for item in body["data"]]
    events[-1] |= {key: value for key, value in rest.items() if key != "output_format"}
    return events


def _format_in(item: Rest, ask: Ask) -> JSON:
    told = _FORMATS.get(item.get("media_type", ""))
    return told or ask.options.get("output_format", "png")
