"""Replies on Google's native wire: a `GenerateContentResponse`, whole or in chunks, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from pisang.domain.answer import Reply, Usage
from pisang.domain.request import JSON
from pisang.wires.extra import overlay
from pisang.wires.fields import Rest, list_of, object_of, objects_of
from pisang.wires.gemini_parts import decode_parts, encode_parts
from pisang.wires.gemini_shape import NAME, REPLY, camel_case

REPLY_FIELDS = frozenset(REPLY)
"""An object with one of these is a reply; `{}` is one too, with nothing in it."""

_COUNTERS = {
    "prompt_tokens": "promptTokenCount",
    "output_tokens": "candidatesTokenCount",
    "thoughts_tokens": "thoughtsTokenCount",
    "total_tokens": "totalTokenCount",
}
_DETAILS = "candidatesTokensDetails"

# --- chunks → one body -------------------------------------------------------------------------


def merge_chunks(chunks: Iterable[Mapping[str, JSON]]) -> Rest:
    """The one body that a stream's chunks come to.

    Parts are strung together in order, plain text deltas into one text; images, thoughts and
    signed parts stay as they came. Of every other field the last one counts.
    """
    merged: Rest = {}
    candidates: dict[int, Rest] = {}
    for chunk in chunks:
        named: Rest = camel_case(dict(chunk), REPLY)
        for at, candidate in enumerate(objects_of(named.pop("candidates", None))):
            index = candidate.get("index")
            place = index if type(index) is int else at
            candidates[place] = _append(candidates.get(place, {}), candidate)
        merged = overlay(merged, named)
    for candidate in candidates.values():
        content = candidate["content"]
        content["parts"] = list(_join_deltas(content["parts"]))
    if candidates:
        merged["candidates"] = [candidates[place] for place in sorted(candidates)]
    return merged


def _append(before: Rest, chunk: Rest) -> Rest:
    """The candidate so far with one more chunk of it. Its list of parts is grown in place."""
    content = object_of(chunk.get("content"))
    grown: Rest = before.get("content", {"parts": []})
    grown["parts"].extend(list_of(content.pop("parts", None)))
    return before | chunk | {"content": grown | content}


def _join_deltas(parts: Iterable[JSON]) -> Iterable[JSON]:
    for plain, run in groupby(parts, key=_is_delta):
        if plain:
            yield {"text": "".join(part["text"] for part in run)}
        else:
            yield from run


def _is_delta(part: JSON) -> bool:
    return isinstance(part, dict) and part.keys() == {"text"} and isinstance(part["text"], str)


# --- one body → reply --------------------------------------------------------------------------


def decode_body(raw: Mapping[str, JSON]) -> Reply:
    """The reply in one body. Nothing that can be kept is refused: it may have been paid for.

    What is unknown, or of an unknown form, is in `extra["gemini"]`. All candidates' parts are in
    one row; why it stopped is the first candidate's that says.
    """
    rest: Rest = camel_case(dict(raw), REPLY)
    candidates = [object_of(item) for item in list_of(rest.get("candidates"))]
    listed = [item for one in candidates for item in _take_parts(one)]
    parts, leftovers = decode_parts(listed)
    finish_reason = _first_word(candidates, "finishReason")
    feedback = object_of(rest.get("promptFeedback"))
    block_reason = _first_word([feedback], "blockReason")
    message = _first_word([feedback], "blockReasonMessage")
    message = message or _first_word(candidates, "finishMessage")
    usage, counted = _usage(rest.get("usageMetadata"))
    _replace(rest, "candidates", _candidates_left(candidates, leftovers))
    _replace(rest, "promptFeedback", feedback)
    _replace(rest, "usageMetadata", counted)
    return Reply(
        parts=parts,
        finish_reason=finish_reason,
        block_reason=block_reason,
        message=message,
        usage=usage,
        model=_first_word([rest], "modelVersion"),
        response_id=_first_word([rest], "responseId"),
        extra={NAME: rest} if rest else {},
    )


def _take_parts(candidate: Rest) -> list[JSON]:
    """The candidate's parts, taken out of it; what else its content holds stays."""
    content = candidate.get("content")
    if not isinstance(content, dict):
        return []
    left = object_of(content)
    parts = left.pop("parts") if isinstance(left.get("parts"), list) else []
    if left.get("role") == "model":
        del left["role"]
    _replace(candidate, "content", left)
    return parts


def _candidates_left(candidates: list[Rest], leftovers: Rest) -> Rest:
    left: Rest = {}
    for at, candidate in enumerate(candidates):
        if candidate.get("index") == at:
            del candidate["index"]
        if at == 0 and leftovers:
            candidate["content"] = object_of(candidate.get("content")) | {"parts": leftovers}
        if candidate:
            left[str(at)] = candidate
    return left


def _first_word(objects: list[Rest], name: str) -> str | None:
    """The first string under that name, which is taken out; anything else under it stays."""
    for one in objects:
        if isinstance(one.get(name), str):
            word: str = one.pop(name)
            return word
    return None


def _usage(raw: JSON) -> tuple[Usage | None, Rest]:
    if not isinstance(raw, dict):
        return None, {}
    rest = dict(raw)
    counts = {field: _take_count(rest, name) for field, name in _COUNTERS.items()}
    images = _image_tokens(rest.get(_DETAILS))
    if rest.get(_DETAILS) == _image_details(images):
        del rest[_DETAILS]
    return Usage(image_tokens=images, **counts), rest


def _take_count(fields: Rest, name: str) -> int | None:
    if type(fields.get(name)) is not int:
        return None
    count: int = fields.pop(name)
    return count


def _image_tokens(details: JSON) -> int | None:
    of_images = [one for one in objects_of(details) if one.get("modality") == "IMAGE"]
    counts = [one.get("tokenCount") for one in of_images]
    known = [count for count in counts if type(count) is int]
    return sum(known) if known else None


def _image_details(count: int | None) -> list[JSON]:
    return [{"modality": "IMAGE", "tokenCount": count}]


def _replace(fields: Rest, name: str, value: Rest) -> None:
    """Puts what is left under a name; a known object of which nothing is left goes."""
    if isinstance(fields.get(name), dict | list | None):
        fields.pop(name, None)
        if value:
            fields[name] = value


# --- reply → body, or events -------------------------------------------------------------------


REFUSAL_SHAPES: Mapping[str, Rest | None] = {
    "empty_parts": {"content": {"parts": [], "role": "model"}},
    "null_parts": {"content": {"parts": None, "role": "model"}},
    "role_only": {"content": {"role": "model"}},
    "empty_content": {"content": {}},
    "no_content": {},
    "no_candidates": None,
}
"""How a candidate without a part looks. Google has sent all but the first, which is ours: a
client that walks the parts finds none, in place of a null."""


def encode_body(reply: Reply, refusal_shape: str = "empty_parts") -> Rest:
    """The one JSON body of a reply, in Google's order, with its unknown fields laid back.

    All parts are one candidate's. A blocked prompt has no candidate, as with Google.
    `refusal_shape` is the form of a reply without parts.
    """
    content: Rest | None = {"content": {"parts": encode_parts(reply.parts), "role": "model"}}
    if not reply.parts:
        blocked = reply.block_reason is not None and reply.finish_reason is None
        content = None if blocked else REFUSAL_SHAPES[refusal_shape]
    body: Rest = {} if content is None else {"candidates": [content | _ending(reply)]}
    if reply.block_reason is not None:
        message = {} if reply.message is None else {"blockReasonMessage": reply.message}
        body["promptFeedback"] = {"blockReason": reply.block_reason} | message
    if reply.usage is not None:
        body["usageMetadata"] = _usage_body(reply.usage)
    if reply.model is not None:
        body["modelVersion"] = reply.model
    if reply.response_id is not None:
        body["responseId"] = reply.response_id
    laid: Rest = overlay(body, reply.extra.get(NAME, {}))
    return laid


def _ending(reply: Reply) -> Rest:
    ending: Rest = {}
    if reply.finish_reason is not None:
        ending["finishReason"] = reply.finish_reason
    if reply.message is not None and reply.block_reason is None:
        ending["finishMessage"] = reply.message
    return ending | {"index": 0}


def _usage_body(usage: Usage) -> Rest:
    counts = {name: getattr(usage, field) for field, name in _COUNTERS.items()}
    body: Rest = {name: count for name, count in counts.items() if count is not None}
    if usage.image_tokens is not None:
        body[_DETAILS] = _image_details(usage.image_tokens)
    return body


def split_body(body: Mapping[str, JSON]) -> list[Rest]:
    """The chunks that a body is streamed as: one a part, all that closes it on the last.

    No chunk has an empty list of candidates: google-genai 1.75 raises on one (measured).
    """
    candidates = objects_of(body.get("candidates"))
    parts = list_of(object_of(candidates[0].get("content")).get("parts")) if candidates else []
    if len(parts) < 2:
        return [dict(body)]
    name_tags = {key: body[key] for key in ("modelVersion", "responseId") if key in body}
    chunks = [{"candidates": [_piece({}, part)]} | name_tags for part in parts[:-1]]
    return [*chunks, dict(body) | {"candidates": [_piece(candidates[0], parts[-1])]}]


def _piece(candidate: Rest, part: JSON) -> Rest:
    content = object_of(candidate.get("content")) | {"parts": [part], "role": "model"}
    return candidate | {"content": content, "index": 0}
