"""Messages of the crawl wire, both ways: turns as OpenAI-like chat messages.

The document describes one user message of text. Pictures, earlier turns and a system text are
*assumed* to be as in OpenAI's chat form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pisang.domain.content import Span
from pisang.domain.request import JSON, Image, Link, Other, Part, Request, Text, Turn
from pisang.domain.warning import Warn
from pisang.errors import WireError
from pisang.wires import strictjson
from pisang.wires.extra import by_index
from pisang.wires.fields import Rest

NAME = "crawl"

# --- wish → messages ---------------------------------------------------------------------------


def encode_messages(request: Request) -> list[JSON]:
    """The wish's messages: the system text, earlier turns, the user's."""
    system = [] if request.system is None else [_message("system", [Text(request.system)])]
    roles = {"user": "user", "model": "assistant"}
    history = [_message(roles[turn.role], turn.parts) for turn in request.history]
    return [*system, *history, _message("user", request.parts)]


def _message(role: str, parts: Iterable[Part]) -> Rest:
    return {"role": role, "content": [raw for part in parts for raw in _encode_part(part)]}


def _encode_part(part: Part) -> list[JSON]:
    """The part's content items; none for a thought or a part that only another wire knows."""
    if isinstance(part, Other):
        return [part.json] if part.wire == NAME else []
    if part.thought:
        return []
    if isinstance(part, Text):
        return [{"type": "text", "text": part.text}]
    if isinstance(part, Link):
        return [_image_url(part.uri)]
    label = [] if part.label is None else [{"type": "text", "text": part.label}]
    return [*label, _image_url(strictjson.Joined((f"data:{part.mime};base64,", part.content)))]


def _image_url(url: JSON) -> Rest:
    return {"type": "image_url", "image_url": {"url": url}}


def lost_in(parts: Sequence[Part]) -> tuple[Warn, ...]:
    """A warning each for parts and for signatures that messages can't hold."""
    signed = any(not isinstance(part, Other) and part.signature for part in parts)
    dropped = (part.wire != NAME if isinstance(part, Other) else part.thought for part in parts)
    warnings = {
        "part_dropped": any(dropped) and "A part that the crawl wire can't carry was left out.",
        "signature_dropped": signed and "The crawl wire carries no thought signatures.",
    }
    return tuple(Warn(code, said) for code, said in warnings.items() if said)


# --- messages → wish ---------------------------------------------------------------------------


def decode_messages(raw: JSON) -> tuple[str | None, tuple[Turn, ...], Rest]:
    """The system text, the turns (the user's last), and what else stood in each message.

    Raises `WireError`.
    """
    if not isinstance(raw, list) or not raw:
        raise malformed("messages is no list of at least one message")
    read = [_read_message(item, f"messages[{at}]") for at, item in enumerate(raw)]
    system = None
    if read[0][0] == "system":
        parts = read[0][1]
        if not all(isinstance(part, Text) for part in parts):
            raise malformed("the system message holds more than text")
        system = "\n".join(part.text for part in parts if isinstance(part, Text))
    turns = [(role, parts) for role, parts, _ in (read if system is None else read[1:])]
    if any(role == "system" for role, _ in turns) or not turns or turns[-1][0] != "user":
        raise malformed("messages are not an optional system message, turns, and the user's last")
    return (
        system,
        tuple(Turn("user" if role == "user" else "model", parts) for role, parts in turns),
        by_index(rest for _, _, rest in read),
    )


def _read_message(raw: JSON, where: str) -> tuple[str, tuple[Part, ...], Rest]:
    if not isinstance(raw, dict) or raw.get("role") not in ("user", "assistant", "system"):
        raise malformed(f"{where} is no message of a user, an assistant or the system")
    rest = dict(raw)
    role, content = rest.pop("role"), rest.pop("content", None)
    items = content if isinstance(content, list) else [{"type": "text", "text": content}]
    parts = []
    leftovers = []
    for at, item in enumerate(items):
        part, left = _decode_item(item, f"{where}.content[{at}]")
        parts.append(part)
        leftovers.append(left)
    left = by_index(leftovers)
    return role, tuple(parts), rest | ({"content": left} if left else {})


def _decode_item(raw: JSON, where: str) -> tuple[Part, Rest]:
    if not isinstance(raw, dict):
        raise malformed(f"{where} is no object")
    rest = dict(raw)
    kind = rest.pop("type", None)
    if kind == "text":
        return Text(strictjson.text_of(rest.pop("text", None), wire=NAME)), rest
    if kind != "image_url":
        return Other(raw, NAME), {}
    image = rest.pop("image_url", None)
    inner = dict(image) if isinstance(image, dict) else {"url": image}
    part = picture_at(inner.pop("url", None))
    if part is None:
        raise malformed(f"{where} names no picture by a data URL or an https URL")
    return part, rest | ({"image_url": inner} if inner else {})


def picture_at(url: JSON) -> Image | Link | None:
    """The picture in a data URL, or named by an http(s) one; None for anything else."""
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return Link(url)
    try:
        pieces = strictjson.split_data_urls(url) if isinstance(url, str | Span) else ()
    except WireError:
        return None
    match pieces:
        case (strictjson.DataUrl(mime=mime, content=content),):
            return Image(content, mime)
    return None


def malformed(why: str) -> WireError:
    """The error for a body that is not of this wire."""
    return WireError(wire=NAME, why=why)
