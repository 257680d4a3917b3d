"""Replies on the crawl wire: `{"code", "msg", "data"}` with its choices, and back."""

from __future__ import annotations

from pisang.domain.answer import Reply
from pisang.domain.request import JSON, Image, Link, Other, Part, Text
from pisang.errors import WireError
from pisang.wires import strictjson
from pisang.wires.crawl_messages import NAME, picture_at
from pisang.wires.extra import by_index, overlay
from pisang.wires.fields import Rest

_FINISH = {"STOP": "stop", "MAX_TOKENS": "length"}
"""Google's words for why it stopped, in this wire's; others go as they are."""

_GOOD = "success"

# --- body → reply ------------------------------------------------------------------------------


def decode_body(body: Rest) -> Reply:
    """Every item of every choice, in one row. What is unknown is in `extra["crawl"]`."""
    rest = dict(body)
    if type(rest.get("code")) is int and rest["code"] == 0:
        del rest["code"]
    message = rest.pop("msg") if isinstance(rest.get("msg"), str) else None
    data = dict(rest.pop("data")) if isinstance(rest.get("data"), dict) else {}
    choices = data.pop("choices") if isinstance(data.get("choices"), list) else []
    known = [dict(choice) for choice in choices if isinstance(choice, dict)]
    items = [item for choice in known for item in _take_items(choice)]
    read = [_decode_item(item) for item in items]
    words = [_take_word(choice, "finish_reason") for choice in known]
    _lay_back(known, by_index(left for _, left in read))
    left = by_index(known)
    data |= {"choices": left} if left else {}
    rest |= {"data": data} if data else {}
    return Reply(
        parts=tuple(part for part, _ in read),
        finish_reason=next((word for word in words if word is not None), None),
        message=None if message in (_GOOD, "") else message,
        extra={NAME: rest} if rest else {},
    )


def _take_items(choice: Rest) -> list[JSON]:
    """The choice's items, taken out of it; its `content` where there is no list of them."""
    if not isinstance(choice.get("message"), dict):
        return []
    left = dict(choice.pop("message"))
    items = left.pop("multimodal_contents", None)
    if items is None and isinstance(left.get("content"), str):
        items = [{"type": "text", "text": left.pop("content")}]
    choice |= {"message": left} if left else {}
    return items if isinstance(items, list) else []


def _take_word(fields: Rest, name: str) -> str | None:
    if not isinstance(fields.get(name), str):
        return None
    word: str = fields.pop(name)
    return word


def _lay_back(choices: list[Rest], items: Rest) -> None:
    """What was left of the items, on the first choice: there they are written out again."""
    if items:
        message = choices[0].get("message")
        left = message if isinstance(message, dict) else {}
        choices[0]["message"] = left | {"multimodal_contents": items}


def _decode_item(raw: JSON) -> tuple[Part, Rest]:
    if not isinstance(raw, dict):
        return Other(raw, NAME), {}
    rest = dict(raw)
    kind = rest.pop("type", None)
    part: Part | None = None
    inner: Rest = {}
    text = _text(rest.get("text")) if kind == "text" else None
    if text is not None:
        del rest["text"]
        return Text(text), rest
    if kind in ("inline_data", "image_url") and isinstance(rest.get(kind), dict):
        inner = dict(rest.pop(kind))
        part = _picture(inner) if kind == "inline_data" else picture_at(inner.pop("url", None))
    if part is None:
        return Other(raw, NAME, is_picture=kind == "inline_data"), {}
    return part, rest | ({kind: inner} if inner else {})


def _text(value: JSON) -> str | None:
    try:
        return strictjson.text_of(value)
    except WireError:
        return None


def _picture(inline: Rest) -> Image | None:
    mime = inline.pop("mime_type", "")
    try:
        content = strictjson.content_of(inline.pop("data", None))
    except WireError:
        return None
    return Image(content, mime if isinstance(mime, str) else "")


# --- reply → body ------------------------------------------------------------------------------


def encode_body(reply: Reply) -> Rest:
    """The printed success body. Thoughts are left out: they would pass for images."""
    items = [item for part in reply.parts if (item := _encode_item(part)) is not None]
    choice: Rest = {"message": {"multimodal_contents": items}}
    if reply.finish_reason is not None:
        reason = _FINISH.get(reply.finish_reason, reply.finish_reason)
        choice = {"finish_reason": reason} | choice
    body: Rest = {"code": 0, "msg": reply.message or _GOOD, "data": {"choices": [choice]}}
    laid: Rest = overlay(body, reply.extra.get(NAME, {}))
    return laid


def _encode_item(part: Part) -> JSON:
    if isinstance(part, Other):
        return part.json if part.wire == NAME else None
    if part.thought:
        return None
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Link):
        return {"type": "image_url", "image_url": {"url": part.uri}}
    inline = {"mime_type": part.mime, "data": part.content}
    return {"type": "inline_data", "inline_data": inline}
