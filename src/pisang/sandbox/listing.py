"""The sandbox's free calls: its models in both shapes, a token's balance and log, and the book.

Shapes: `ai.google.dev/api/models` (July 2026), openai-python 3.54.0, and new-api's documentation
of `/api/usage/token` and `/api/log/token` (read 22 November 2026).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from textwrap import indent

from pisang.domain.catalogue import Catalogue, Model
from pisang.domain.money import MICROS
from pisang.domain.request import JSON
from pisang.sandbox.book import Book, Charge
from pisang.sandbox.directives import GUIDE
from pisang.wires import strictjson
from pisang.wires.base import WireAnswer

QUOTA_PER_USD = 500_000
"""new-api's unit: 500,000 quota are one US dollar by default."""

GRANTED = 100 * QUOTA_PER_USD
"""What every token of the sandbox was given."""

_JSON = {"content-type": "application/json; charset=UTF-8"}
_MADE_AT = 1_760_000_000


def _answer(body: JSON, status: int = 200) -> WireAnswer:
    return WireAnswer(status, strictjson.dumps(body), _JSON)


def _ids(catalogue: Catalogue) -> Iterable[tuple[str, Model]]:
    """Every id that is answered on Google's wire: retired ones too, as relays keep them."""
    for model in catalogue.models:
        if not model.wires:
            yield from ((name, model) for name in model.ids)


def list_google_models(catalogue: Catalogue) -> WireAnswer:
    """`GET /v1beta/models`: one page with all of them."""
    return _answer({"models": [_google_model(name, model) for name, model in _ids(catalogue)]})


def show_google_model(catalogue: Catalogue, name: str) -> WireAnswer | None:
    """`GET /v1beta/models/ID`; None where there is none."""
    found = dict(_ids(catalogue)).get(name)
    return None if found is None else _answer(_google_model(name, found))


def _google_model(name: str, model: Model) -> JSON:
    return {
        "name": f"models/{name}",
        "version": name,
        "displayName": model.name,
        "description": f"{model.name}, as the Pisang sandbox paints it.",
        "inputTokenLimit": model.max_input_tokens,
        "outputTokenLimit": model.max_output_tokens,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": bool(model.thinking),
    }


def list_openai_models(catalogue: Catalogue) -> WireAnswer:
    """`GET /v1/models` as OpenAI answers it."""
    rows = [_openai_model(name) for name, _ in _ids(catalogue)]
    return _answer({"object": "list", "data": rows})


def show_openai_model(catalogue: Catalogue, name: str) -> WireAnswer | None:
    """`GET /v1/models/ID` as OpenAI answers it; None where there is none."""
    return _answer(_openai_model(name)) if name in dict(_ids(catalogue)) else None


def _openai_model(name: str) -> JSON:
    return {"id": name, "object": "model", "created": _MADE_AT, "owned_by": "pisang-sandbox"}


def count_tokens(tokens: int) -> WireAnswer:
    """`POST …:countTokens`."""
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    return _answer({"totalTokens": tokens, "promptTokensDetails": details})


def _quota(charge: Charge) -> int:
    return round(charge.price_micros * QUOTA_PER_USD / MICROS)


def token_usage(book: Book, key: str) -> WireAnswer:
    """`GET /api/usage/token`: what that token was given and has used."""
    used = sum(_quota(charge) for charge in book.charges if charge.key == key)
    data = {
        "object": "token_usage",
        "name": "sandbox",
        "total_granted": GRANTED,
        "total_used": used,
        "total_available": GRANTED - used,
        "unlimited_quota": False,
        "model_limits": {},
        "model_limits_enabled": False,
        "expires_at": 0,
    }
    return _answer({"code": True, "message": "ok", "data": data})


def token_log(book: Book, key: str) -> WireAnswer:
    """`GET /api/log/token?key=`: what that token was charged, newest first."""
    rows = [_log_row(charge) for charge in reversed(book.charges) if charge.key == key]
    return _answer({"success": True, "message": "", "data": rows})


def _log_row(charge: Charge) -> JSON:
    return {
        "id": charge.index + 1,
        "created_at": int(charge.at),
        "type": 2,
        "content": f"模型价格 ＄{charge.price.amount}",
        "token_name": "sandbox",
        "model_name": charge.model,
        "quota": _quota(charge),
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "use_time": 0,
        "is_stream": False,
        "group": "default",
        "request_id": charge.id,
        "other": "",
    }


def no_token() -> WireAnswer:
    """What a relay says where the token is missing or wrong."""
    return _answer({"success": False, "message": "无效的令牌"}, 401)


def show_book(book: Book) -> WireAnswer:
    """`GET /sandbox/book`: every charge, and their sum by currency."""
    charges = book.charges
    sums: dict[str, int] = {}
    for charge in charges:
        sums[charge.currency] = sums.get(charge.currency, 0) + charge.price_micros
    return _answer({"charges": [asdict(charge) for charge in charges], "micros": sums})


def welcome() -> WireAnswer:
    """`GET /`: what this is."""
    text = (
        "This is the Pisang sandbox: it answers as an image gateway does, and paints by itself.\n"
        "POST /v1beta/models/gemini-3-pro-image:generateContent, /v1/images/generations,\n"
        "/v1/chat/completions or /gpt/openapi/online/multimodal/crawl with any key.\n"
        "GET /sandbox/book lists what it charged. Nothing here costs money.\n"
        "\nA prompt may say how it is answered, as in: a cat [[sandbox status=503]]\n\n"
    )
    text += indent(GUIDE, "  ")
    return WireAnswer(200, (text.encode(),), {"content-type": "text/plain; charset=UTF-8"})
