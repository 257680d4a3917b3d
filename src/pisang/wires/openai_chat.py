"""OpenAI's chat completions with pictures in them, both roles.

The form is OpenRouter's, which most relays follow: `modalities` and `image_config` in, and
`message.images` out (openrouter.ai/docs, image generation; Vercel's AI gateway alike; read
22 November 2026). Sizes are spelled there as Google's, but for `0.5K`.
"""

from __future__ import annotations

from itertools import chain

from pisang.domain.answer import Answer, Fault, Reply
from pisang.domain.request import JSON, Image, Link, Request, Text
from pisang.domain.upstream import Quirks, Upstream
from pisang.domain.warning import Warn
from pisang.errors import OptionInvalid, PisangError, PromptMissing, ReferenceUnsupported
from pisang.wires import sse, strictjson
from pisang.wires.base import Ask, Call, WireAnswer, WireRequest
from pisang.wires.chunks import fault_in, read_reply
from pisang.wires.extra import overlay, unheard
from pisang.wires.fields import Rest, without_nulls, word_of
from pisang.wires.openai_completion import (
    decode_body,
    encode_body,
    is_reply,
    merge_chunks,
    split_body,
)
from pisang.wires.openai_errors import JSON_TYPE, SSE_TYPE, encode_error
from pisang.wires.openai_messages import (
    NAME,
    decode_messages,
    encode_messages,
    lost_parts,
    malformed,
)
from pisang.wires.openai_sizes import model_id, normal_tier

PATH = "/v1/chat/completions"

_SIZES_OUT = {"512": "0.5K"}
_MOST = 10

_CONFIGS = (
    ("image_config",),
    ("imageConfig",),
    ("extra_body", "google", "image_config"),
    ("google", "image_config"),
    ("extra_body", "image_config"),
    ("generationConfig", "imageConfig"),
    ("generation_config", "image_config"),
)
"""Where callers put the shape, the first that is there counts: OpenRouter's place, Google's for
its OpenAI-compatible API (the SDKs lay `extra_body` over the body), and Google's native one."""

_RATIO_KEYS = ("aspect_ratio", "aspectRatio")
_SIZE_KEYS = ("image_size", "imageSize")


class OpenAIChat:
    """Chat completions with pictures. A wish for pictures alone is sent as one for both: servers
    in front of the Nano Banana models know no other.

    `ask.options`: `include_usage`; and from the gateway `created_s` (seconds since the epoch).
    """

    name = NAME
    query_key = "key"

    def encode_request(
        self, request: Request, upstream: Upstream, *, stream: bool = False
    ) -> tuple[WireRequest, tuple[Warn, ...]]:
        """The call for a wish. `extra["openai_chat"]` is laid over the body last.

        Raises `ReferenceUnsupported` where the upstream takes no pictures.
        """
        _check_references(request, upstream)
        body: Rest = {
            "model": model_id(request, upstream.quirks),
            "messages": encode_messages(request),
        }
        if request.modalities:
            body["modalities"] = _modalities_out(request.modalities)
        config = _image_config(request, upstream.quirks)
        body |= {"image_config": config} if config else {}
        body |= {"n": request.n} if request.n > 1 else {}
        body |= {"stream": True} if stream else {}
        laid = overlay(body, request.extra.get(NAME, {}))
        warnings = (*lost_parts(request), *unheard(request, NAME))
        return WireRequest("POST", PATH, strictjson.dumps(laid, wire=NAME), JSON_TYPE), warnings

    def decode_reply(self, answer: Answer) -> Reply:
        """The reply in a body or a stream, and as much as came of a cut one.

        Raises `WireError` where there is no completion in it.
        """
        return read_reply(answer, NAME, is_reply, _decode)

    def decode_fault(self, answer: Answer) -> Fault | None:
        """What the answer says of its failure; None for a 2xx that is a completion."""
        return fault_in(answer, NAME, is_reply, _decode)

    def decode_request(self, call: Call) -> Ask:
        """The wish in a caller's call. Raises `WireError` and `UsageError` leaves, his 400."""
        rest = without_nulls(strictjson.loads(call.skeleton, call.spans, wire=NAME))
        system, turns, left = decode_messages(rest.pop("messages", None))
        if all(isinstance(part, Text) and not part.text.strip() for part in turns[-1].parts):
            raise PromptMissing()
        ratio, size = _shape(rest)
        stream = _flag(rest.pop("stream", False), "stream")
        usage = without_nulls(rest.pop("stream_options", None)).get("include_usage", False)
        request = Request(
            parts=turns[-1].parts,
            model=_text(rest.pop("model", ""), "model"),
            aspect_ratio=ratio,
            image_size=size,
            n=_count(rest.pop("n", 1)),
            history=turns[:-1],
            system=system,
            modalities=_modalities_in(rest.pop("modalities", [])),
            extra=_extra(rest, left),
        )
        return Ask(request, stream, {"include_usage": True} if stream and usage is True else {})

    def encode_reply(self, reply: Reply, ask: Ask) -> WireAnswer:
        """The completion, or its chunks and `[DONE]` where a stream was asked for."""
        body = encode_body(reply, ask.options.get("created_s", 0), ask.request.model)
        if not ask.stream:
            return WireAnswer(200, strictjson.dumps(body, wire=NAME), JSON_TYPE)
        chunks = split_body(body, include_usage=bool(ask.options.get("include_usage")))
        frames = (sse.frame(strictjson.dumps(chunk, wire=NAME)) for chunk in chunks)
        done = sse.frame((b"[DONE]",))
        return WireAnswer(200, (*chain.from_iterable(frames), *done), SSE_TYPE)

    def encode_error(self, error: PisangError, ask: Ask | None = None) -> WireAnswer:
        """OpenAI's error object for an error of ours."""
        return encode_error(error)


def _decode(chunks: list[Rest]) -> Reply:
    return decode_body(merge_chunks(chunks))


# --- wish → body -------------------------------------------------------------------------------


def _check_references(request: Request, upstream: Upstream) -> None:
    turns = [part for turn in request.history for part in turn.parts]
    pictures = [p for p in (*turns, *request.parts) if isinstance(p, Image | Link)]
    if pictures and not upstream.quirks.references:
        why = f"{upstream.name} takes no pictures"
        raise ReferenceUnsupported(reference=_name_of(pictures[-1]), why=why)


def _name_of(picture: Image | Link) -> str:
    if isinstance(picture, Link):
        return picture.uri
    return picture.label or picture.content.sha256[:12]


def _modalities_out(modalities: tuple[str, ...]) -> list[str]:
    if "IMAGE" in modalities:
        return ["image", "text"]
    return [word.lower() for word in modalities]


def _image_config(request: Request, quirks: Quirks) -> Rest:
    config: Rest = {}
    if request.aspect_ratio is not None:
        config["aspect_ratio"] = request.aspect_ratio
    if request.image_size is not None and not quirks.size_suffix:
        size = normal_tier(request.image_size)
        config["image_size"] = _SIZES_OUT.get(size, size)
    return config


# --- body → wish -------------------------------------------------------------------------------


def _modalities_in(raw: JSON) -> tuple[str, ...]:
    """What the answer may hold; nothing leaves it to the upstream, as on Google's own wire."""
    if not isinstance(raw, list) or not all(isinstance(word, str) for word in raw):
        raise malformed("modalities is no list of strings")
    words = {word.upper() for word in raw}
    known = [word for word in ("TEXT", "IMAGE") if word in words]
    return (*known, *sorted(words.difference(known)))


def _shape(rest: Rest) -> tuple[str | None, str | None]:
    """Ratio and size from the first place that has one. OpenRouter's own is taken out of `rest`;
    the other places stay, for they may hold more and their servers look there."""
    found = next(filter(None, (_at(rest, path) for path in _CONFIGS)), {})
    ratio, size = _word_in(found, _RATIO_KEYS), _word_in(found, _SIZE_KEYS)
    if isinstance(rest.get("image_config"), dict):
        known = (*_RATIO_KEYS, *_SIZE_KEYS)
        config = {key: one for key, one in rest.pop("image_config").items() if key not in known}
        rest |= {"image_config": config} if config else {}
    return (None if ratio == "auto" else ratio), (normal_tier(size) if size else None)


def _at(rest: Rest, path: tuple[str, ...]) -> Rest:
    for name in path:
        rest = without_nulls(rest.get(name))
    return rest


def _word_in(config: Rest, names: tuple[str, ...]) -> str | None:
    for name in names:
        if name in config:
            return word_of(_text(config[name], name))
    return None


def _extra(rest: Rest, left: Rest) -> dict[str, Rest]:
    laid = rest | ({"messages": left} if left else {})
    return {NAME: laid} if laid else {}


def _text(value: JSON, option: str) -> str:
    if not isinstance(value, str):
        raise OptionInvalid(option=option, value=_brief(value), why="it is no string")
    return value


def _flag(value: JSON, option: str) -> bool:
    if not isinstance(value, bool):
        raise OptionInvalid(option=option, value=_brief(value), why="it is neither true nor false")
    return value


def _count(value: JSON) -> int:
    if type(value) is not int or not 1 <= value <= _MOST:
        raise OptionInvalid(option="n", value=_brief(value), why=f"it is 1 to {_MOST}")
    return value


def _brief(value: JSON) -> str:
    return str(value)[:40] if isinstance(value, str | int | float) else type(value).__name__
