"""Requests on the crawl wire: a wish as its printed body, and back."""

from __future__ import annotations

from pisang.domain.request import JSON, Image, Link, Request
from pisang.domain.upstream import Quirks
from pisang.domain.warning import Warn
from pisang.errors import RatioUnsupported, ReferenceUnsupported, SizeUnsupported
from pisang.wires.crawl_messages import (
    NAME,
    decode_messages,
    encode_messages,
    lost_in,
    malformed,
    picture_at,
)
from pisang.wires.extra import overlay, unheard
from pisang.wires.fields import Rest

RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "9:16", "3:4", "2:3", "5:4", "4:5")
SIZES = ("1K", "2K")

MIME = "image/png"
"""What the document asks for, and what is asked for where nobody says otherwise."""

_MODALITIES = ("TEXT", "IMAGE")

# --- wish → body -------------------------------------------------------------------------------


def encode_body(request: Request, quirks: Quirks, extra: Rest) -> tuple[Rest, tuple[Warn, ...]]:
    """The printed body of a wish with `extra` laid over it, and what the wire can't say.

    The modalities are the document's, whatever was wished: no other form is described. Raises
    `RatioUnsupported`, `SizeUnsupported`, `ReferenceUnsupported`.
    """
    _check(request, quirks)
    image: Rest = {}
    if request.aspect_ratio is not None:
        image["aspectRatio"] = request.aspect_ratio
    if request.image_size is not None:
        image["imageSize"] = request.image_size.upper()
    body: Rest = {
        "stream": False,
        "model": request.model,
        "max_tokens": quirks.max_tokens,
        "messages": encode_messages(request),
        "response_modalities": list(_MODALITIES),
        "image_config": image | {"imageOutputOptions": {"mimeType": MIME}},
    }
    parts = [part for turn in request.history for part in turn.parts]
    warnings = (*lost_in([*parts, *request.parts]), *unheard(request, NAME))
    if request.n > 1:
        warnings = (*warnings, Warn("n_dropped", "The crawl wire makes one image a call."))
    return overlay(body, extra), warnings


def _check(request: Request, quirks: Quirks) -> None:
    ratio, size = request.aspect_ratio, request.image_size
    if ratio is not None and ratio not in RATIOS:
        raise RatioUnsupported(aspect_ratio=ratio, model=request.model, choices=", ".join(RATIOS))
    if size is not None and size.upper() not in SIZES:
        raise SizeUnsupported(image_size=size, model=request.model, choices=", ".join(SIZES))
    for part in (*(part for turn in request.history for part in turn.parts), *request.parts):
        if isinstance(part, Image | Link) and not part.thought:
            _check_reference(part, quirks)


def _check_reference(part: Image | Link, quirks: Quirks) -> None:
    name = part.uri if isinstance(part, Link) else part.label or part.mime
    if not quirks.references:
        raise ReferenceUnsupported(reference=name, why="this upstream takes words only")
    if isinstance(part, Link) and picture_at(part.uri) is None:
        raise ReferenceUnsupported(reference=name, why="the crawl wire takes http(s) URLs only")


# --- body → wish -------------------------------------------------------------------------------


def decode_body(raw: JSON) -> tuple[Request, str | None]:
    """The wish in a body, and the image type it asks for.

    Unknown fields are in `extra["crawl"]`, in the body's own shape; no `response_modalities`
    gives `()`. Raises `WireError`.
    """
    rest = _object(raw, "the body")
    if rest.pop("stream", None):
        raise malformed("stream is not false: this wire answers whole")
    system, turns, messages = decode_messages(rest.pop("messages", None))
    image = _object(rest.pop("image_config", None), "image_config")
    mime, output = _output(image.pop("imageOutputOptions", None))
    ratio, size = _string(image, "aspectRatio"), _string(image, "imageSize")
    modalities = _modalities(rest.pop("response_modalities", None))
    model = _string(rest, "model")
    if not model:
        raise malformed("model is missing")
    if rest.get("max_tokens") == Quirks().max_tokens:
        del rest["max_tokens"]
    image |= {"imageOutputOptions": output} if output else {}
    leftovers = {"messages": messages, "image_config": image}
    rest |= {key: value for key, value in leftovers.items() if value}
    request = Request(
        parts=turns[-1].parts,
        model=model,
        aspect_ratio=ratio,
        image_size=size,
        history=turns[:-1],
        system=system,
        modalities=modalities,
        extra={NAME: rest} if rest else {},
    )
    return request, mime


def _output(raw: JSON) -> tuple[str | None, Rest]:
    """The wished image type; another than the printed one is kept, to be asked for again."""
    output = _object(raw, "imageOutputOptions")
    mime = _string(output, "mimeType")
    return mime, output if mime in (None, MIME) else output | {"mimeType": mime}


def _object(raw: JSON, name: str) -> Rest:
    """A copy of the object; empty where it is absent or null."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise malformed(f"{name} is no object")
    return dict(raw)


def _string(fields: Rest, name: str) -> str | None:
    value = fields.pop(name, None)
    if value is None or isinstance(value, str):
        return value
    raise malformed(f"{name} is no string")


def _modalities(raw: JSON) -> tuple[str, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(word, str) for word in raw):
        raise malformed("response_modalities is no list of strings")
    return tuple(word.upper() for word in raw)
