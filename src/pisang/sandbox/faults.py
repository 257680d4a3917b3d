"""How a real upstream says no: Google's errors, a relay's, the crawl gateway's, OpenAI's, a CDN's.

Sources: ai.google.dev/gemini-api/docs/troubleshooting (July 2026), error bodies recorded in public
threads, new-api's and one-api's code (November 2026), openai-python 3.54.0, and the crawl
gateway's skill document.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pisang.domain.request import JSON
from pisang.wires import strictjson
from pisang.wires.base import WireAnswer

_TYPE = "type.googleapis.com/google.rpc."
_JSON = {"content-type": "application/json; charset=UTF-8"}
_HTML = {"content-type": "text/html; charset=UTF-8"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One error to be told. `reason` is Google's `ErrorInfo.reason`; `final` a quota per day."""

    status: int
    message: str = ""
    reason: str | None = None
    model: str = ""
    request_id: str = ""
    retry_after_s: float | None = None
    final: bool = False
    as_list: bool = False


class TurnedAway(Exception):
    """A call that the imitated upstream would not take, and how it says so."""

    def __init__(self, status: int, message: str = "", reason: str | None = None) -> None:
        super().__init__(message)
        self.fault = Fault(status, message, reason)


@dataclass(frozen=True, slots=True)
class _Words:
    name: str
    message: str


GOOGLE: dict[int, _Words] = {
    400: _Words("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: _Words("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: _Words("PERMISSION_DENIED", "The caller does not have permission."),
    404: _Words("NOT_FOUND", "Requested entity was not found."),
    413: _Words("INVALID_ARGUMENT", "Request payload size exceeds the limit: 104857600 bytes."),
    429: _Words("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    499: _Words("CANCELLED", "The operation was cancelled."),
    500: _Words("INTERNAL", "An internal error has occurred. Please retry later."),
    503: _Words("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: _Words("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
"""Google's word and sentence for each status."""

_RELAY: dict[int, tuple[str, str, str]] = {
    401: ("无效的令牌", "new_api_error", ""),
    402: ("用户额度不足, 剩余额度: ＄0.000000", "new_api_error", "insufficient_user_quota"),
    403: ("用户额度不足, 剩余额度: ＄0.000000", "new_api_error", "insufficient_user_quota"),
    429: ("您已达到总请求数限制：1分钟内最多请求60次，包括失败次数", "new_api_error", ""),
    503: ("当前分组 default 下对于模型 {model} 无可用渠道", "new_api_error", "model_not_found"),
}
"""A relay's own message, type and code; at other statuses it wraps Google's error."""


def google_error(fault: Fault) -> WireAnswer:
    """Google's error object; a list of one where a stream was not asked for as events."""
    words = GOOGLE.get(fault.status) or _Words("UNKNOWN", f"HTTP {fault.status}")
    error: dict[str, JSON] = {
        "code": fault.status,
        "message": fault.message or words.message,
        "status": words.name,
    }
    details = _details(fault)
    if details:
        error["details"] = details
    body: JSON = [{"error": error}] if fault.as_list else {"error": error}
    return WireAnswer(fault.status, strictjson.dumps(body), _JSON | _waiting(fault))


def _details(fault: Fault) -> list[JSON]:
    details: list[JSON] = []
    if fault.reason is not None:
        info = {"reason": fault.reason, "domain": "googleapis.com"}
        details.append({"@type": f"{_TYPE}ErrorInfo"} | info)
    if fault.status == 429:
        span = "PerDay" if fault.final else "PerMinute"
        violation = {
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
            "quotaId": f"GenerateRequests{span}PerProjectPerModel",
            "quotaDimensions": {"location": "global", "model": fault.model},
        }
        details.append({"@type": f"{_TYPE}QuotaFailure", "violations": [violation]})
    if fault.retry_after_s is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{fault.retry_after_s:g}s"})
    return details


def relay_error(fault: Fault) -> WireAnswer:
    """A relay's error object: its own words, or Google's whole error as text inside its message."""
    own = _RELAY.get(fault.status)
    if own is None:
        inner = google_error(fault).body
        text = b"".join(piece for piece in inner if isinstance(piece, bytes)).decode()
        own = (f"bad response status code {fault.status}, body: {text}", "upstream_error", "")
    message, kind, code = own
    message = f"{message.replace('{model}', fault.model)} (request id: {fault.request_id})"
    body = {"error": {"message": message, "type": kind, "param": "", "code": code}}
    return WireAnswer(fault.status, strictjson.dumps(body), _JSON | _waiting(fault))


_CRAWL = {400: "请求参数错误", 401: "API Key 无效或过期", 429: "请求频率过高"}


def crawl_error(fault: Fault) -> WireAnswer:
    """The crawl gateway's `{"code", "msg"}`, its code the status."""
    message = fault.message or _CRAWL.get(fault.status, "internal error")
    body = {"code": fault.status, "msg": message}
    return WireAnswer(fault.status, strictjson.dumps(body), _JSON | _waiting(fault))


_OPENAI = {
    400: ("invalid_request_error", None, "Your request was malformed."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
}


def openai_error(fault: Fault) -> WireAnswer:
    """OpenAI's error object."""
    default = ("server_error", None, "The server had an error while processing your request.")
    kind, code, message = _OPENAI.get(fault.status, default)
    error = {"message": fault.message or message, "type": kind, "param": None, "code": code}
    return WireAnswer(fault.status, strictjson.dumps({"error": error}), _JSON | _waiting(fault))


def _waiting(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:.0f}"}


def cdn_page(status: int, ray: str) -> WireAnswer:
    """What a CDN shows when the server behind it took too long, or is gone."""
    reason = {502: "Bad gateway", 504: "Gateway time-out", 524: "A timeout occurred"}
    page = (
        "<!DOCTYPE html>\n<html>\n<head><title>sandbox.invalid | "
        f"{status}: {reason.get(status, 'Web server is down')}</title>\n"
        "<style>body{font-family:sans-serif}</style></head>\n<body><h1>Error "
        f"{status}</h1><p>The origin web server did not answer in time.</p>"
        f"<p>Ray ID: {ray}</p>\n<script>location.hash='x'</script></body>\n</html>\n"
    )
    headers = {"server": "cloudflare", "cf-ray": ray}
    return WireAnswer(status, (page.encode(),), _HTML | headers)


ERRORS: dict[str, Callable[[Fault], WireAnswer]] = {
    "gemini": google_error,
    "crawl": crawl_error,
    "openai_images": openai_error,
    "openai_chat": openai_error,
}
"""Who says an error on each wire, where no relay stands before it."""

FINISH_MESSAGES = {
    "IMAGE_OTHER": (
        "Unable to show the generated image. The model could not generate the image based on the "
        "prompt provided. You will not be charged for this request. Try rephrasing the prompt."
    ),
    "IMAGE_PROHIBITED_CONTENT": (
        "Unable to show the generated image due to interests of third-party content providers."
    ),
    "IMAGE_SAFETY": (
        "The model output could not be generated. This output contains sensitive words that "
        "violate Google's Responsible AI practices."
    ),
}
"""`finishMessage` by `finishReason`, as seen in public threads."""
