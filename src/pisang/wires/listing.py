"""What costs nothing to ask, in a server's role: models in both shapes, and a count of tokens.

Shapes: `ai.google.dev/api/models` (July 2026), openai-python 3.54.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pisang.domain.catalogue import Catalogue, Model
from pisang.domain.request import JSON
from pisang.wires import strictjson
from pisang.wires.base import WireAnswer

_JSON = {"content-type": "application/json; charset=UTF-8"}
_MADE_AT = 1_760_000_000


@dataclass(frozen=True, slots=True)
class Host:
    """Who serves the models: `owner` as OpenAI's list has it, `said` behind a model's name."""

    owner: str
    said: str


def list_google_models(catalogue: Catalogue, host: Host) -> WireAnswer:
    """`GET /v1beta/models`: one page with all of them."""
    rows = [_google_model(name, model, host) for name, model in _ids(catalogue)]
    return answer({"models": rows})


def show_google_model(catalogue: Catalogue, host: Host, name: str) -> WireAnswer | None:
    """`GET /v1beta/models/ID`; None where there is none."""
    found = dict(_ids(catalogue)).get(name)
    return None if found is None else answer(_google_model(name, found, host))


def list_openai_models(catalogue: Catalogue, host: Host) -> WireAnswer:
    """`GET /v1/models` as OpenAI answers it."""
    rows = [_openai_model(name, host) for name, _ in _ids(catalogue)]
    return answer({"object": "list", "data": rows})


def show_openai_model(catalogue: Catalogue, host: Host, name: str) -> WireAnswer | None:
    """`GET /v1/models/ID` as OpenAI answers it; None where there is none."""
    return answer(_openai_model(name, host)) if name in dict(_ids(catalogue)) else None


def count_tokens(tokens: int) -> WireAnswer:
    """`POST …:countTokens`."""
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    return answer({"totalTokens": tokens, "promptTokensDetails": details})


def answer(body: JSON, status: int = 200) -> WireAnswer:
    """An answer in JSON."""
    return WireAnswer(status, strictjson.dumps(body), _JSON)


def _ids(catalogue: Catalogue) -> Iterable[tuple[str, Model]]:
    """Every id that is answered on Google's wire: retired ones too, as relays keep them."""
    for model in catalogue.models:
        if not model.wires:
            yield from ((name, model) for name in model.ids)


def _google_model(name: str, model: Model, host: Host) -> JSON:
    return {
        "name": f"models/{name}",
        "version": name,
        "displayName": model.name,
        "description": f"{model.name}, {host.said}.",
        "inputTokenLimit": model.max_input_tokens,
        "outputTokenLimit": model.max_output_tokens,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": bool(model.thinking),
    }


def _openai_model(name: str, host: Host) -> JSON:
    return {"id": name, "object": "model", "created": _MADE_AT, "owned_by": host.owner}
