"""Errors of ours in both OpenAI dialects.

Body: `{"error": {"message", "type", "param", "code"}}` (openai-python 3.54.0, `APIError`), and in
`details` what OpenAI has no words for, in the form that another Pisang reads on any wire.
"""

from __future__ import annotations

from pisang.errors import PisangError
from pisang.wires import strictjson
from pisang.wires.base import WireAnswer
from pisang.wires.fault import (
    PISANG_DOMAIN,
    spoken_facts,
    spoken_headers,
    spoken_message,
    spoken_status,
)

JSON_TYPE = {"content-type": "application/json"}
SSE_TYPE = {"content-type": "text/event-stream; charset=utf-8"}

_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    424: "server_error",
    429: "rate_limit_error",
}
"""The `type` for a status; any other 4xx is `invalid_request_error`, a 5xx `server_error`."""

_WORDS = {
    "key_missing": ("authentication_error", "invalid_api_key"),
    "key_invalid": ("authentication_error", "invalid_api_key"),
    "model_not_found": ("invalid_request_error", "model_not_found"),
    "rate_limited": ("rate_limit_error", "rate_limit_exceeded"),
    "key_limited": ("rate_limit_error", "rate_limit_exceeded"),
    "quota_exhausted": ("insufficient_quota", "insufficient_quota"),
    "balance_exhausted": ("insufficient_quota", "insufficient_quota"),
    "budget_exceeded": ("insufficient_quota", "insufficient_quota"),
    "refused": ("image_generation_user_error", "moderation_blocked"),
}
"""Leaves that OpenAI has words of its own for, as `type` and `code`. Others keep our code."""


def encode_error(error: PisangError) -> WireAnswer:
    """The answer for any leaf; never a status that a stock client sends again where money moved."""
    status = spoken_status(error)
    kind, code = _WORDS.get(error.code, (_type(status), error.code))
    option = error.fields.get("option")
    said = {
        "message": spoken_message(error),
        "type": kind,
        "param": option if isinstance(option, str) else None,
        "code": code,
        "details": [
            {"reason": error.code, "domain": PISANG_DOMAIN, "metadata": spoken_facts(error)}
        ],
    }
    return WireAnswer(status, strictjson.dumps({"error": said}), JSON_TYPE | spoken_headers(error))


def _type(status: int) -> str:
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
