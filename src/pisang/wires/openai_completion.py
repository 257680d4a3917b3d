"""Chat completions as replies, whole or in chunks, and back.

Out: OpenRouter's documented form, text in `message.content` and pictures in `message.images`
(openrouter.ai/docs, image generation, read 22 November 2026). In: every form that relays were
seen to answer in (`openai_pictures`, and the crawl wire's `multimodal_contents`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby

from pisang.domain.answer import Reply
from pisang.domain.content import Run, Span, TextRun
from pisang.domain.request import JSON, Image, Link, Other, Part, Text
from pisang.wires.extra import by_index, overlay
from pisang.wires.fields import Rest, list_of, without_nulls, word_of
from pisang.wires.openai_messages import NAME, image_item, is_text, left_over, texts_of
from pisang.wires.openai_pictures import (
    is_picture,
    is_placeholder,
    lift_links,
    picture_in,
    text_in,
)
from pisang.wires.openai_usage import CHAT, read_usage, write_usage

_THOUGHTS = ("reasoning", "reasoning_content")
_THOUGHT_TYPES = ("thinking", "reasoning")
_LISTS = ("images", "multimodal_contents")

_STOPPED = {"STOP": "stop", "MAX_TOKENS": "length"}
_OWN_STOPS = frozenset({"stop", "length", "content_filter", "tool_calls", "function_call", "error"})
_DECLINED = frozenset({
    "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "LANGUAGE", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
})  # fmt: skip
"""Google's finish reasons that a chat calls `content_filter`."""

# --- chunks → one body -------------------------------------------------------------------------


def unwrap(chunk: Rest) -> Rest:
    """The chunk with its choices on top: the crawl gateway has them under `data`."""
    data = chunk.get("data")
    if "choices" in chunk or not isinstance(data, dict) or "choices" not in data:
        return chunk
    return {key: value for key, value in chunk.items() if key != "data"} | data


def is_reply(chunk: Rest) -> bool:
    """Whether a chunk is a completion or a piece of one."""
    return isinstance(unwrap(chunk).get("choices"), list)


def merge_chunks(chunks: Iterable[Rest]) -> Rest:
    """The one body that a stream's chunks come to: texts strung together, lists one after another.

    Of every other field the last one counts.
    """
    merged: Rest = {}
    choices: dict[int, Rest] = {}
    for chunk in chunks:
        named = without_nulls(unwrap(chunk))
        for at, raw in enumerate(list_of(named.pop("choices", None))):
            choice = without_nulls(raw)
            index = choice.get("index")
            place = index if type(index) is int else at
            choices[place] = _append(choices.get(place, {}), choice)
        merged |= named
    merged["choices"] = [choices[place] for place in sorted(choices)]
    return merged


def _append(before: Rest, chunk: Rest) -> Rest:
    """The choice so far with one more chunk of it. A whole message counts only without deltas."""
    message: Rest = before.get("message", {})
    delta = without_nulls(chunk.pop("delta", None))
    whole = without_nulls(chunk.pop("message", None))
    for name, value in (delta if message or delta else whole).items():
        message = message | {name: _grow(name, message.get(name), value)}
    return before | chunk | {"message": message}


def _grow(name: str, before: JSON, value: JSON) -> JSON:
    if name == "content":
        return [*list_of(before), *_items(value)]
    if name in _LISTS:
        return [*list_of(before), *list_of(value)]
    if name in (*_THOUGHTS, "refusal") and isinstance(before, str) and isinstance(value, str):
        return before + value
    return value


def _items(content: JSON) -> list[JSON]:
    """A message's content as items; nothing for null."""
    if isinstance(content, str | Span):
        return [{"type": "text", "text": content}]
    return list_of(content)


def _joined(items: Iterable[JSON]) -> Iterable[JSON]:
    """The items with neighbouring plain texts as one: a picture's data URL may be cut in two."""
    for plain, run in groupby(items, key=_is_plain):
        if plain:
            yield {"type": "text", "text": _string([item["text"] for item in run])}
        else:
            yield from run


def _is_plain(item: JSON) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == {"type", "text"}
        and item["type"] == "text"
        and isinstance(item["text"], str | Span)
    )


def _string(texts: Sequence[str | Span]) -> str | Span:
    """Strings strung together. A long one keeps its runs, so what begins in a short one before it
    is told from what it is."""
    if len(texts) == 1:
        return texts[0]
    if all(isinstance(text, str) for text in texts):
        return "".join(text for text in texts if isinstance(text, str))
    runs: list[Run] = []
    for text in texts:
        for run in text.runs if isinstance(text, Span) else (_text_run(text),):
            before = runs[-1] if runs else None
            if isinstance(run, TextRun) and isinstance(before, TextRun):
                runs[-1] = TextRun(before.raw + run.raw)
            else:
                runs.append(run)
    last = texts[-1]
    return Span(tuple(runs), complete=not isinstance(last, Span) or last.complete)


def _text_run(text: str) -> TextRun:
    return TextRun(json.dumps(text)[1:-1].encode())


# --- one body → reply --------------------------------------------------------------------------


def decode_body(raw: Rest) -> Reply:
    """The reply in a completion. Nothing that can be kept is refused: it may have been paid for.

    All choices' parts are in one row: thoughts, then content, then pictures beside it. What is
    unknown is in `extra["openai_chat"]`. `finish_reason` is Google's own word where a relay gives
    it. A refusal in words is a `block_reason`.
    """
    rest = without_nulls(unwrap(raw))
    rest.pop("object", None)
    choices = [without_nulls(item) for item in list_of(rest.pop("choices", None))]
    read = [_read_message(choice) for choice in choices]
    parts = [part for some, _ in read for part in some]
    refusal = next((word for _, word in read if word), None)
    stops = [_take_stop(choice, at) for at, choice in enumerate(choices)]
    usage, counted = read_usage(rest.pop("usage", None), CHAT)
    left = by_index(choices)
    rest |= {"choices": left} if left else {}
    rest |= {"usage": counted} if counted else {}
    if rest.get("created") == 0:
        del rest["created"]
    return Reply(
        parts=tuple(_distinct(parts)),
        finish_reason=next((stop for stop in stops if stop), None),
        block_reason="refusal" if refusal else None,
        message=refusal,
        usage=usage,
        model=word_of(rest.pop("model", None)),
        response_id=word_of(rest.pop("id", None)),
        extra={NAME: rest} if rest else {},
    )


def _distinct(parts: Sequence[Part]) -> Iterable[Part]:
    """The parts without pictures that stand there twice: relays put one picture in two places."""
    seen: set[str] = set()
    for part in parts:
        name = None
        if isinstance(part, Image):
            name = part.content.sha256
        elif isinstance(part, Link):
            name = part.uri
        if name is None or name not in seen:
            yield part
        if name is not None:
            seen.add(name)


def _take_stop(choice: Rest, at: int) -> str | None:
    if choice.get("index") == at:
        del choice["index"]
    own = word_of(choice.pop("finish_reason", None))
    return word_of(choice.pop("native_finish_reason", None)) or own


def _read_message(choice: Rest) -> tuple[list[Part], str | None]:
    """The parts of a choice's message, and its refusal. The message is taken out of the choice
    but for what is unknown in it."""
    rest = without_nulls(choice.pop("message", None))
    rest.pop("role", None)
    thoughts = [rest.pop(name) for name in _THOUGHTS if isinstance(rest.get(name), str)]
    refusal = word_of(rest.pop("refusal", None))
    items = list(_joined(_items(rest.pop("content", None))))
    beside = [item for name in _LISTS for item in list_of(rest.pop(name, None))]
    content = [part for item in items for part in _read_item(item)]
    pictures: list[Part] = []
    lefts: list[Rest] = []
    for item in beside:
        read = _read_item(item)
        pictures += read
        lefts += [_left_of(item)] * len(read)
    if not any(isinstance(part, Image) for part in content) and lefts:
        rest |= {"images": by_index(lefts)} if any(lefts) else {}
    parts: list[Part] = [Text(thought, thought=True) for thought in thoughts[:1] if thought]
    parts += _with_links(content, pictures)
    if rest:
        choice["message"] = rest
    refused = (word_of(item.get("refusal")) for item in items if isinstance(item, dict))
    return parts, refusal or next((word for word in refused if word), None)


def _left_of(item: JSON) -> Rest:
    if not isinstance(item, dict):
        return {}
    return {key: value for key, value in left_over(item, "image_url").items() if key != "index"}


def _read_item(item: JSON) -> list[Part]:
    """A content item's parts; none for an empty text, a refusal, a placeholder."""
    if isinstance(item, str | Span):
        return _unless_gone(picture_in(item))
    if not isinstance(item, dict):
        return [Other(item, NAME)]
    kind = item.get("type")
    if kind in _THOUGHT_TYPES:
        said = next((item[key] for key in ("text", kind) if isinstance(item.get(key), str)), "")
        return [Text(said, thought=True)] if said else []
    if is_text(item) and isinstance(item["text"], str | Span):
        return [part for part in text_in(item["text"]) if part != Text("")]
    if is_picture(item):
        return _unless_gone(picture_in(item))
    return [] if kind == "refusal" or is_text(item) else [Other(item, NAME)]


def _unless_gone(picture: Image | Link | None) -> list[Part]:
    """The picture, unless it is one that the relay lost and put a placeholder for."""
    if picture is None or (isinstance(picture, Link) and is_placeholder(picture.uri)):
        return []
    return [picture]


def _with_links(content: list[Part], pictures: list[Part]) -> list[Part]:
    """Content and pictures. Where no picture came otherwise, those that the text names by URL:
    beside one that did come, a URL is most likely the same picture again."""
    if any(isinstance(part, Image | Link) for part in (*content, *pictures)):
        return [*content, *pictures]
    parts: list[Part] = []
    for part in content:
        if not isinstance(part, Text) or part.thought:
            parts.append(part)
            continue
        text, links = lift_links(part.text)
        parts += [Text(text)] if text.strip() or text == part.text else []
        parts += links
    return [*parts, *pictures]


# --- reply → body, or chunks -------------------------------------------------------------------


def encode_body(reply: Reply, created_s: int, model: str) -> Rest:
    """The completion for a reply: one choice, its text in `content`, its pictures in `images`.

    Thought pictures (drafts), signatures and parts of other wires have no place in a chat.
    """
    images = [image_item(part) for part in reply.pictures]
    thoughts = texts_of(reply.parts, thought=True)
    refusal = _refusal(reply)
    message: Rest = {
        "role": "assistant",
        "content": texts_of(reply.parts, thought=False),
        "refusal": refusal,
    }
    message |= {"reasoning": thoughts} if thoughts else {}
    message |= {"images": images} if images else {}
    choice: Rest = {"index": 0, "message": message, **_stops(reply)}
    body: Rest = {
        "id": reply.response_id or "",
        "object": "chat.completion",
        "created": created_s,
        "model": reply.model or model,
        "choices": [choice],
    }
    extra = dict(reply.extra.get(NAME, {}))
    counted = extra.pop("usage", None)
    if reply.usage is not None:
        body["usage"] = write_usage(reply.usage, counted, CHAT)
    elif counted:
        body["usage"] = counted
    laid: Rest = overlay(body, extra)
    return laid


def _refusal(reply: Reply) -> str | None:
    if reply.block_reason is not None:
        return reply.message or reply.block_reason
    return reply.message if reply.finish_reason in _DECLINED else None


def _stops(reply: Reply) -> Rest:
    """Why it stopped: in the chat's words, and Google's own beside it as OpenRouter has it."""
    reason = reply.finish_reason
    if reason in _OWN_STOPS:
        return {"finish_reason": reason}
    declined = reason in _DECLINED or (reason is None and reply.block_reason is not None)
    word = "content_filter" if declined else _STOPPED.get(reason or "", "stop")
    return {"finish_reason": word} | ({} if reason is None else {"native_finish_reason": reason})


def split_body(body: Rest, *, include_usage: bool) -> list[Rest]:
    """The chunks that a completion is streamed as: the text, one for each picture, the end.

    A picture has an `index`, without which openai-python's accumulator raises on a second one.
    With `include_usage` the counts have a chunk of their own, as OpenAI sends it then.
    """
    choice, *others = body["choices"]
    message = {key: value for key, value in choice["message"].items() if value is not None}
    images = [{"index": at} | image for at, image in enumerate(message.pop("images", []))]
    head = {key: body[key] for key in body if key not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    ending = {key: value for key, value in choice.items() if key != "message"}
    deltas = [message, *({"images": [image]} for image in images)]
    chunks = [
        head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    usage = {"usage": body["usage"]} if "usage" in body else {}
    chunks.append(head | {"choices": [ending | {"delta": {}}, *others]})
    if include_usage and usage:
        return [*chunks, head | {"choices": []} | usage]
    chunks[-1] |= usage
    return chunks
