"""Where relays put the picture of a chat answer: OpenRouter's place is one of three.

Seen in relays' documents and public threads (November 2026): a markdown data URL in the text, an
array of content items, and `message.images`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from pisang.domain.answer import Reply
from pisang.domain.request import JSON, Image, Link
from pisang.wires import sse, strictjson
from pisang.wires.base import Ask, WireAnswer
from pisang.wires.openai_completion import encode_body, split_body
from pisang.wires.openai_messages import image_item

_JSON = {"content-type": "application/json"}
_SSE = {"content-type": "text/event-stream"}


def encode_variant(reply: Reply, ask: Ask, variant: str) -> WireAnswer:
    """A chat answer with its pictures where `variant` (`markdown`, `array`) has them."""
    body = encode_body(reply, ask.options.get("created_s", 0), ask.request.model)
    message = body["choices"][0]["message"]
    message.pop("images", None)
    message["content"] = _PLACES[variant](message["content"] or "", reply.pictures)
    if not ask.stream:
        return WireAnswer(200, strictjson.dumps(body), _JSON)
    chunks = split_body(body, include_usage=bool(ask.options.get("include_usage")))
    frames = (sse.frame(strictjson.dumps(chunk)) for chunk in chunks)
    return WireAnswer(200, (*chain.from_iterable(frames), *sse.frame((b"[DONE]",))), _SSE)


def _in_markdown(text: str, pictures: Sequence[Image | Link]) -> JSON:
    parts: list[JSON] = [text]
    for picture in pictures:
        if isinstance(picture, Link):
            parts.append(f"\n\n![image]({picture.uri})")
        else:
            parts += [f"\n\n![image](data:{picture.mime};base64,", picture.content, ")"]
    return strictjson.Joined(tuple(parts))


def _in_array(text: str, pictures: Sequence[Image | Link]) -> JSON:
    words: list[JSON] = [{"type": "text", "text": text}] if text else []
    return words + [image_item(picture) for picture in pictures]


_PLACES: dict[str, Callable[[str, Sequence[Image | Link]], JSON]] = {
    "markdown": _in_markdown,
    "array": _in_array,
}
