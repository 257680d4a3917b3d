"""OpenAI's Images API, generations and edits, both roles; also as OpenRouter and local servers
speak it.

Sources: openai-python 3.54.0 (`image_generate_params`, `image_edit_params`, `images_response` and
the stream events), @openrouter/sdk 1.3.19 (`media_type`, `usage.cost`), read 22 November 2026.
A wish goes as a generation in JSON, or, with pictures, as an edit in a form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from pisang.domain.answer import Answer, Fault, Reply
from pisang.domain.content import Span
from pisang.domain.image import extension
from pisang.domain.request import JSON, Image, Link, Other, Part, Request, Text
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import PisangError, PromptMissing, ReferenceUnsupported
from pisang.wires import multipart, strictjson
from pisang.wires.base import Ask, Call, FormField, WireAnswer, WireRequest
from pisang.wires.chunks import fault_in, read_reply
from pisang.wires.extra import overlay, unheard
from pisang.wires.fields import Rest
from pisang.wires.openai_call import decode_call
from pisang.wires.openai_errors import JSON_TYPE, encode_error
from pisang.wires.openai_results import NAME, decode_body, encode_answer, is_reply, merge_chunks
from pisang.wires.openai_sizes import model_id, pixels_for

GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"

_TIER = "1K"


class OpenAIImages:
    """The Images API. It has one prompt and a row of pictures: no turns, no order between them.

    `ask.options`: `edit`, `response_format`, `output_format`, `output_compression`, `background`,
    `quality`, `size` as the caller gave them; and from the gateway `created_s` (seconds since the
    epoch) and `url_prefix` (what stands before an image's hash in its URL).
    """

    name = NAME
    query_key = "key"

    def encode_request(
        self, request: Request, upstream: Upstream, *, stream: bool = False
    ) -> tuple[WireRequest, tuple[Warn, ...]]:
        """The call for a wish. `extra["openai_images"]` is laid over the fields last.

        Of earlier turns only the last model turn's pictures go along, as references. Raises
        `PromptMissing`, `RatioUnsupported`, `SizeUnsupported` and `ReferenceUnsupported`.
        """
        pictures = _pictures(request, upstream)
        size, warnings = _size(request)
        fields: Rest = {
            "model": model_id(request, upstream.quirks) or None,
            "prompt": _prompt(request, pictures),
            "n": request.n if request.n > 1 else None,
            "size": size,
            "stream": True if stream else None,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        laid = overlay(given, request.extra.get(NAME, {}))
        warnings = (*warnings, *_lost(request), *unheard(request, NAME))
        if not pictures:
            body = strictjson.dumps(laid, wire=NAME)
            return WireRequest("POST", GENERATIONS, body, JSON_TYPE), warnings
        form = [*_fields(laid), *_files(pictures)]
        boundary = _boundary(form)
        headers = {"content-type": multipart.content_type(boundary)}
        return WireRequest("POST", EDITS, multipart.encode(form, boundary), headers), warnings

    def decode_reply(self, answer: Answer) -> Reply:
        """The reply in a body or a stream, and as much as came of a cut one.

        Partial images are thoughts. Raises `WireError` where there is no result in it.
        """
        return read_reply(answer, NAME, is_reply, _decode)

    def decode_fault(self, answer: Answer) -> Fault | None:
        """What the answer says of its failure; None for a 2xx that is a result."""
        return fault_in(answer, NAME, is_reply, _decode)

    def decode_request(self, call: Call) -> Ask:
        """The wish in a caller's call. Raises `WireError` and `UsageError` leaves, his 400."""
        return decode_call(call)

    def encode_reply(self, reply: Reply, ask: Ask) -> WireAnswer:
        """The result, or its events where a stream was asked for; thoughts are left out."""
        return encode_answer(reply, ask)

    def encode_error(self, error: PisangError, ask: Ask | None = None) -> WireAnswer:
        """OpenAI's error object for an error of ours."""
        return encode_error(error)


def _decode(chunks: list[Rest]) -> Reply:
    return decode_body(merge_chunks(chunks))


# --- what a wish comes to ----------------------------------------------------------------------


def _pictures(request: Request, upstream: Upstream) -> list[Image]:
    """The pictures to send: the last model turn's, then the wish's own, each once."""
    links = [part for part in request.parts if isinstance(part, Link)]
    if links:
        why = "this wire sends pictures by their bytes, and this one is an address"
        raise ReferenceUnsupported(reference=links[0].uri, why=why)
    told = [turn for turn in request.history if turn.role == "model"]
    parts = [*(told[-1].parts if told else ()), *request.parts]
    pictures = [part for part in parts if isinstance(part, Image) and not part.thought]
    if pictures and not upstream.quirks.references:
        name = pictures[-1].label or pictures[-1].content.sha256[:12]
        raise ReferenceUnsupported(reference=name, why=f"{upstream.name} takes no pictures")
    return list({picture.content.sha256: picture for picture in pictures}.values())


def _prompt(request: Request, pictures: Sequence[Image]) -> str:
    """The words, the system's first, and at the end which picture is which."""
    texts = [part.text for part in _said(request.parts)]
    labels = [f"Image {at}: {one.label}" for at, one in enumerate(pictures, 1) if one.label]
    prompt = "\n".join([*texts, *labels])
    if not prompt.strip():
        raise PromptMissing()
    return prompt if request.system is None else f"{request.system}\n\n{prompt}"


def _said(parts: Sequence[Part]) -> list[Text]:
    return [part for part in parts if isinstance(part, Text) and not part.thought]


def _size(request: Request) -> tuple[str | None, tuple[Warn, ...]]:
    """The `size` to ask for, and what had to be chosen or left out."""
    ratio, tier = request.aspect_ratio, request.image_size
    if ratio is None:
        said = f"Without an aspect ratio this wire can't ask for {tier}: the server chooses."
        return None, () if tier is None else (Warn("size_dropped", said),)
    width, height = pixels_for(ratio, tier or _TIER, request.model)
    size = f"{width}x{height}"
    if tier is not None:
        return size, ()
    return size, (Warn("size_chosen", f"This wire asks in pixels: {ratio} was sent as {size}."),)


def _lost(request: Request) -> tuple[Warn, ...]:
    """What of the wish a prompt and a row of pictures can't say."""
    turns = [part for turn in request.history for part in turn.parts]
    marked = [part for part in (*turns, *request.parts) if not isinstance(part, Other)]
    said = {
        "history_dropped": bool(request.history)
        and "This wire has no turns: of what came before, only the last pictures were sent.",
        "system_in_prompt": request.system is not None
        and "This wire has no system text: it stands before the prompt.",
        "signature_dropped": any(part.signature is not None for part in marked)
        and "This wire can't carry thought signatures: the pictures go without.",
        "part_dropped": any(isinstance(p, Other) or p.thought for p in request.parts)
        and "A part that this wire can't carry was left out.",
        "order_dropped": _is_interleaved(request.parts)
        and "This wire sends the words together, and the pictures behind them.",
    }
    return tuple(Warn(code, text) for code, text in said.items() if text)


def _is_interleaved(parts: Sequence[Part]) -> bool:
    """Whether a picture stands between words: then its place may mean something."""
    kinds = "".join("t" if isinstance(part, Text) else "i" for part in parts)
    return "i" in kinds.strip("i")


# --- forms -------------------------------------------------------------------------------------


def _fields(values: Rest) -> Iterator[FormField]:
    for name, value in values.items():
        yield from _field(name, value)


def _field(name: str, value: JSON) -> Iterator[FormField]:
    """One value as form fields; what is nested has its keys in brackets, as stock clients do."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _field(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _field(f"{name}[]", inner)
    elif isinstance(value, bool):
        yield FormField(name, "true" if value else "false")
    elif isinstance(value, str | Span):
        yield FormField(name, strictjson.text_of(value, wire=NAME))
    elif value is not None:
        yield FormField(name, str(value))


def _files(pictures: Sequence[Image]) -> Iterator[FormField]:
    """The pictures in order; a single one is named as stock clients name it, `image`."""
    name = "image" if len(pictures) == 1 else "image[]"
    for at, picture in enumerate(pictures, 1):
        filename = f"image-{at}.{extension(picture.mime)}"
        yield FormField(name, file=picture.content, filename=filename, mime=picture.mime or None)


def _boundary(form: Sequence[FormField]) -> str:
    """A boundary that no field of this form can hold, and that is the same for the same form."""
    digest = hashlib.sha256()
    for field in form:
        told = field.value if field.file is None else field.file.sha256
        digest.update(f"{field.name}={told}\n".encode("utf-8", "surrogatepass"))
    return f"pisang-{digest.hexdigest()[:40]}"
