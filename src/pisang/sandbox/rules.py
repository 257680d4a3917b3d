"""What the imitated upstream would not take, checked before any work, in its own words.

Sources: the capability matrix of Google's image-generation page (July 2026), and what the live API
was seen to answer (pydantic-ai 2.68.0's notes, new-api PR 2330, langchain-google #1431).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pisang.domain.catalogue import Catalogue, Model
from pisang.domain.request import JSON, Image, Link, Other, Part, Request, Text
from pisang.sandbox.faults import TurnedAway
from pisang.sandbox.signature import is_signed

DEFAULT_MODEL = "gemini-3.1-flash-image"
"""What an OpenAI call without a model gets."""

_SUFFIX = re.compile(r"-(?P<size>[124])k$", re.IGNORECASE)
_INPUT_MIMES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
_GOOGLE_WIRE = "gemini"
_CHAT_WIRE = "openai_chat"
"""OpenRouter's ids have their vendor before them: `google/gemini-3.1-flash-image`."""
_DOCS = "https://ai.google.dev/gemini-api/docs/thought-signatures#model-behavior"


@dataclass(frozen=True, slots=True)
class Named:
    """The model that an id names: `id` is without the size that a relay's suffix adds."""

    model: Model
    id: str
    size: str | None


def find_model(catalogue: Catalogue, request: Request, wire: str) -> Named:
    """The model of exactly that id; 404 for any other."""
    asked = request.model.rpartition("/")[2] if wire == _CHAT_WIRE else request.model
    for name, size in _readings(asked):
        model = catalogue.find(name, wire)
        if model is not None and name in model.ids:
            return Named(model, name, size)
    raise TurnedAway(
        404,
        f"models/{request.model} is not found for API version v1beta, or is not supported for "
        "generateContent. Call ListModels to see the list of available models.",
    )


def _readings(model_id: str) -> Iterator[tuple[str, str | None]]:
    yield model_id or DEFAULT_MODEL, None
    match = _SUFFIX.search(model_id)
    if match is not None:
        yield model_id[: match.start()], f"{match['size']}K"


def check(request: Request, model: Model, wire: str) -> None:
    """Raise `TurnedAway` for what that model does not take on that wire."""
    if not request.prompt.strip() and not request.references:
        raise TurnedAway(400, "Unable to process input: contents.parts must not be empty.")
    if wire == _GOOGLE_WIRE:
        if request.image_size is not None and not model.sends_size:
            raise TurnedAway(500, "An internal error has occurred.")
        _check_count(request)
        _check_thinking(request, model)
        _check_inputs(request)
        if model.signatures:
            _check_signatures(request)
    _check_shape(request, model)


def _check_shape(request: Request, model: Model) -> None:
    ratio, size = request.aspect_ratio, request.image_size
    if ratio not in (None, *model.ratios):
        raise TurnedAway(400, f"Invalid value at 'image_config.aspect_ratio': {ratio!r}.")
    if size not in (None, *model.sizes):
        raise TurnedAway(400, f"Invalid value at 'image_config.image_size': {size!r}.")


def _check_count(request: Request) -> None:
    if request.n > 1:
        raise TurnedAway(400, "Multiple candidates is not enabled for this model.")


def _check_thinking(request: Request, model: Model) -> None:
    config = generation_config(request).get("thinkingConfig")
    if not isinstance(config, dict):
        return
    if not model.thinking:
        raise TurnedAway(400, "Thinking is not enabled for this model.")
    level = config.get("thinkingLevel", config.get("thinking_level"))
    if isinstance(level, str) and level.lower() not in model.thinking:
        raise TurnedAway(400, f"Thinking level {level} is not supported for this model.")


def generation_config(request: Request) -> Mapping[str, JSON]:
    """What the native wire left over of `generationConfig`; empty on another wire."""
    config = request.extra.get(_GOOGLE_WIRE, {}).get("generationConfig", {})
    return config if isinstance(config, dict) else {}


def _check_inputs(request: Request) -> None:
    parts = [part for turn in request.history for part in turn.parts]
    for part in (*parts, *request.parts):
        if isinstance(part, Image) and part.mime not in _INPUT_MIMES:
            raise TurnedAway(400, f"Unsupported MIME type: {part.mime}")


def _check_signatures(request: Request) -> None:
    """A model's turn comes back with the signature of each image, and of its first text."""
    for place, turn in enumerate(request.history, start=1):
        if turn.role != "model":
            continue
        for at, part in _signed_parts(turn.parts):
            kind = "Image" if isinstance(part, Image) else "Text"
            if part.signature is None:
                raise TurnedAway(
                    400,
                    f"{kind} part is missing a thought_signature in content position {place}, "
                    f"part position {at}. Please refer to {_DOCS} for more information.",
                )
            if not is_signed(part):
                raise TurnedAway(400, "Corrupted thought signature.")


def _signed_parts(parts: tuple[Part, ...]) -> Iterator[tuple[int, Text | Image]]:
    """The parts, counted from 1, that must carry a signature; a turn of text alone has none."""
    if not any(isinstance(part, Image) and not part.thought for part in parts):
        return
    for at, part in enumerate(parts, start=1):
        if isinstance(part, Other | Link) or part.thought:
            continue
        if isinstance(part, Image) or at == 1:
            yield at, part
