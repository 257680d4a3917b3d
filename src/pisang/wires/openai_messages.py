"""Chat messages, both ways: a wish's turns as messages, and content items as parts.

Pictures are sent as `{"type": "image_url", "image_url": {"url": "data:…"}}` in the order of the
parts (openai-python 3.54.0, `chat_completion_content_part_image_param`); a labelled one has its
label as a text item before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pisang.domain.content import Span
from pisang.domain.request import JSON, Image, Link, Other, Part, Request, Text, Turn
from pisang.domain.warning import Warn
from pisang.errors import WireError
from pisang.wires import strictjson
from pisang.wires.extra import by_index
from pisang.wires.fields import Rest, list_of, without_nulls
from pisang.wires.openai_pictures import (
    is_picture,
    reference_in,
    reference_of,
    split_text,
)

NAME = "openai_chat"

_ROLES = {"user": "user", "model": "assistant"}
_SYSTEM = ("system", "developer")

# --- wish → messages ---------------------------------------------------------------------------


def encode_messages(request: Request) -> list[JSON]:
    """The system text, earlier turns and the user's parts as messages."""
    system: list[JSON] = []
    if request.system is not None:
        system = [{"role": "system", "content": request.system}]
    history = [_message(_ROLES[turn.role], turn.parts) for turn in request.history]
    return [*system, *history, _message("user", request.parts)]


def _message(role: str, parts: Iterable[Part]) -> Rest:
    return {"role": role, "content": [item for part in parts for item in encode_part(part)]}


def encode_part(part: Part) -> list[JSON]:
    """A part's content items; none for thoughts and for parts that only another wire knows."""
    if isinstance(part, Other):
        return [part.json] if part.wire == NAME else []
    if part.thought:
        return []
    if isinstance(part, Text):
        return [{"type": "text", "text": part.text}]
    if isinstance(part, Link):
        return [image_item(part)]
    label = [] if part.label is None else [{"type": "text", "text": part.label}]
    return [*label, image_item(part)]


def image_item(picture: Image | Link) -> Rest:
    """A picture as a content item, by data URL where its bytes are had."""
    url: JSON = picture.uri if isinstance(picture, Link) else data_url(picture)
    return {"type": "image_url", "image_url": {"url": url}}


def data_url(image: Image) -> strictjson.Joined:
    """The image's data URL (RFC 2397), its base64 by reference."""
    return strictjson.Joined((f"data:{image.mime};base64,", image.content))


def lost_parts(request: Request) -> tuple[Warn, ...]:
    """What of a wish's turns messages can't say."""
    parts = [*(part for turn in request.history for part in turn.parts), *request.parts]
    told = [part for part in parts if not isinstance(part, Other)]
    others = any(isinstance(part, Other) and part.wire != NAME for part in parts)
    said = {
        "signature_dropped": any(part.signature is not None for part in told)
        and "A chat can't carry thought signatures: the pictures go without.",
        "thought_dropped": any(part.thought for part in told)
        and "The model's earlier thoughts are left out of the chat.",
        "part_dropped": others and "A part that only another wire knows was left out.",
    }
    return tuple(Warn(code, text) for code, text in said.items() if text)


# --- messages → wish ---------------------------------------------------------------------------


def decode_messages(raw: JSON) -> tuple[str | None, tuple[Turn, ...], Rest]:
    """The system text, the turns (the last one is the user's), and what else stood there.

    What is left is indexed as `encode_messages` would write the same wish: the system texts are
    one message, and first. Raises `WireError`, and `ReferenceUnreadable` for a picture that is
    none.
    """
    messages = list_of(raw)
    if not messages:
        raise malformed("messages is no list of at least one message")
    system: list[str] = []
    system_rest: Rest = {}
    turns: list[Turn] = []
    rests: list[Rest] = []
    for at, item in enumerate(messages):
        role, content, rest = _open_message(item, f"messages[{at}]")
        if role in _SYSTEM:
            system.append(_system_text(content, f"messages[{at}]"))
            system_rest |= rest | ({"content": content} if isinstance(content, list) else {})
            continue
        parts, left = _read_content(content, f"messages[{at}].content")
        parts += _read_images(rest.pop("images", None), f"messages[{at}].images")
        turns.append(Turn("user" if role == "user" else "model", parts))
        rests.append(rest | ({"content": left} if left else {}))
    if not turns or turns[-1].role != "user":
        raise malformed("the last of messages is not the user's")
    if not system:
        return None, tuple(turns), by_index(rests)
    if len(system) > 1:
        system_rest.pop("content", None)
    return "\n\n".join(system), tuple(turns), by_index([system_rest, *rests])


def _open_message(raw: JSON, where: str) -> tuple[str, JSON, Rest]:
    rest = without_nulls(raw)
    role = rest.pop("role", None)
    if role not in ("user", "assistant", *_SYSTEM):
        raise malformed(f"{where} is no message of the user, the assistant or the system")
    return role, rest.pop("content", None), rest


def _system_text(content: JSON, where: str) -> str:
    items = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [item.get("text") for item in items if isinstance(item, dict)]
    if len(texts) != len(items):
        raise malformed(f"{where}.content holds more than text")
    return "\n".join(strictjson.text_of(text, wire=NAME) for text in texts)


def _read_content(content: JSON, where: str) -> tuple[tuple[Part, ...], Rest]:
    """A message's parts. Only pictures given by their bytes are lifted out of running text: a URL
    in a prompt is a word of the caller's, and never fetched."""
    items = content if isinstance(content, list) else [{"type": "text", "text": content}]
    parts: list[Part] = []
    left: Rest = {}
    for at, item in enumerate(items):
        read, rest = _read_item(item, f"{where}[{at}]")
        left |= {str(len(parts)): rest} if rest and read else {}
        parts += read
    return tuple(parts), left


def _read_images(raw: JSON, where: str) -> tuple[Part, ...]:
    """The pictures of an answer that a client sends back as it got it (OpenRouter's form)."""
    return tuple(reference_in(item, f"{where}[{at}]") for at, item in enumerate(list_of(raw)))


def _read_item(raw: JSON, where: str) -> tuple[list[Part], Rest]:
    if not isinstance(raw, dict):
        raise malformed(f"{where} is no object")
    if is_text(raw):
        text = raw["text"]
        if not isinstance(text, str | Span | None):
            raise malformed(f"{where}.text is no string")
        read = [] if text is None else split_text(text)
        parts: list[Part] = [
            reference_of(part) if isinstance(part, Image) else part for part in read
        ]
        return parts, left_over(raw, "text")
    if not is_picture(raw):
        return [Other(raw, NAME)], {}
    return [reference_in(raw, where)], left_over(raw, "image_url")


def is_text(item: Rest) -> bool:
    """Whether a content item is text, in OpenAI's spellings and without a type."""
    return item.get("type", "text") in ("text", "input_text", "output_text") and "text" in item


def left_over(item: Rest, kind: str) -> Rest:
    """What an item holds beside what is understood, where it is in the form that we write."""
    if item.get("type") != kind:
        return {}
    rest = {key: value for key, value in item.items() if key not in ("type", kind)}
    inner = item.get(kind)
    if isinstance(inner, dict) and "url" in inner and len(inner) > 1:
        rest[kind] = {key: value for key, value in inner.items() if key != "url"}
    return rest


def texts_of(parts: Sequence[Part], *, thought: bool) -> str:
    """The texts among the parts, thoughts or not, one a line."""
    texts = (part for part in parts if isinstance(part, Text) and part.thought == thought)
    return "\n".join(part.text for part in texts)


def malformed(why: str) -> WireError:
    """The error for a body that is not of this wire."""
    return WireError(wire=NAME, why=why)
