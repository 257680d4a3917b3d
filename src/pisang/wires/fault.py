"""How a failure is read and how one is said, the same on every wire.

Reading: an answer that is no reply may hold Google's error object (or a list of one), a relay's
own JSON, a relay's JSON with Google's inside a string, a CDN's page, or nothing. Saying: the HTTP
status and headers of an error of ours. Sources: `ai.google.dev/gemini-api/docs/troubleshooting`
and `google.rpc.error_details` (July 2026), new-api's and one-api's error bodies (Nov 2026).
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pisang.domain.answer import Answer, Fault
from pisang.domain.request import JSON
from pisang.errors import Charged, OutcomeUnknown, PisangError, Retry, WireError
from pisang.wires import strictjson

EXCERPT_BYTES = 2048
"""How much of a foreign body or message is kept, counted in UTF-8."""

LONGEST_WAIT_S = 3600.0
"""A longer delay is reported as this long: nobody waits for it, whoever asks."""

PISANG_DOMAIN = "pisang"
"""`ErrorInfo.domain` of errors of ours, so that one Pisang understands another."""

_PAGE_BYTES = 64 * 1024
_LINE_BYTES = 256
_NESTINGS = 3  # a relay of a relay of a relay; deeper wrapping has not been seen


@dataclass(frozen=True, slots=True)
class _Said:
    """What one error body says; `status` is Google's own `error.code`, where it gave one."""

    message: str = ""
    code: str | None = None
    status: int | None = None
    google: bool = False
    wraps: bool = False
    final: bool = False
    delay_s: float | None = None


def read_fault(answer: Answer, *, wire: str, body: JSON = None) -> Fault:
    """What an answer that is no reply says of itself; never raises, whatever the bytes.

    `body` is the error's JSON where the wire has it already (an event of a stream). `status` is
    the HTTP status; only where a relay's failure, which is no 2xx, wraps Google's error is it
    the inner one. So an error under a 200 never passes for one that was turned away free.
    """
    page = plain_text(answer.skeleton)
    told = _read_nested(_json(answer, wire) if body is None else body, wire)
    said = told or _Said(message=_sentence(page, answer))
    message = clip(printable(said.message))
    delay_s = said.delay_s if said.delay_s is not None else retry_after_s(answer.headers)
    inner = said.wraps and not is_success(answer)
    return Fault(
        status=said.status if inner else answer.status,
        code=said.code,
        message=message,
        own=told is not None,
        wraps=said.wraps,
        final=said.final,
        retry_after_s=delay_s,
        request_id=_request_id(answer.headers, message),
        excerpt=_excerpt(page, answer),
    )


def _excerpt(page: str, answer: Answer) -> str:
    """The page; before one that is no text (multipart, an archive), what came in its place."""
    if "\ufffd" not in page:
        return page
    kind = clip(printable(answer.content_type), _LINE_BYTES) or "no type"
    return clip(f"{answer.body_bytes:,} bytes of {kind}, not all of them text: {page}")


def _sentence(page: str, answer: Answer) -> str:
    """The first line of a foreign page, where it may be meant for a reader: not bytes that are no
    text, and not a body in JSON (half a picture, mostly) under a status that says all is well."""
    line = clip(page.split("\n", 1)[0], _LINE_BYTES)
    is_body = is_success(answer) and ('":' in line or line[:1] in ("{", "[", '"'))
    return "" if is_body or "\ufffd" in page else line


def is_success(answer: Answer) -> bool:
    """Whether the HTTP status is a 2xx."""
    return answer.status is not None and 200 <= answer.status < 300


# --- the bodies --------------------------------------------------------------------------------


def _json(answer: Answer, wire: str) -> JSON:
    try:
        return strictjson.loads(answer.skeleton, answer.spans, wire=wire)
    except WireError:
        return None


def _read_nested(body: JSON, wire: str) -> _Said | None:
    """What the innermost error says: a relay puts the one it got, as text, into its own."""
    said = outer = _read_body(body)
    for _ in range(_NESTINGS):
        inner = _read_body(_json_inside(said.message, wire)) if said and not said.google else None
        if inner is None:
            break
        said = inner
    if said is None or said is outer:
        return said
    return replace(said, wraps=said.google)


def _json_inside(text: str, wire: str) -> JSON:
    start, end = text.find("{"), text.rfind("}")
    if not 0 <= start < end:
        return None
    try:
        return strictjson.loads(text[start : end + 1].encode("utf-8", "replace"), (), wire=wire)
    except WireError:
        return None


def _read_body(body: JSON) -> _Said | None:
    """What a body of any of the known shapes says; None where it is no error body."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    # Cloudflare answers its own 52x as JSON to clients that accept JSON: not the relay's word.
    if not isinstance(body, dict) or body.get("cloudflare_error"):
        return None
    error = body.get("error")
    if isinstance(error, dict):
        return _read_object(error)
    said = _read_object(body)
    if not isinstance(error, str):
        return said if said.message else None
    return replace(said, code=error) if said.message else _Said(message=error, code=said.code)


def _read_object(error: dict[str, JSON]) -> _Said:
    """What an error object says: Google's `{code, message, status, details}` or a relay's."""
    message = _first_text(error, ("message", "msg"))
    status, number = error.get("status"), error.get("code")
    google = isinstance(status, str) and status.isupper() and type(number) is int
    details = [one for one in _list(error.get("details")) if isinstance(one, dict)]
    reasons = [one.get("reason") for one in details if _is_telling(one)]
    if not reasons and "API key not valid" in message:
        reasons = ["API_KEY_INVALID"]
    words = (*reasons, status if google else None, number, error.get("type"))
    delays = (delay_in(one.get("retryDelay", one.get("retry_delay"))) for one in details)
    return _Said(
        message=message,
        code=next((word for word in words if isinstance(word, str) and word), _number(number)),
        status=number if google else None,
        google=google,
        final=_is_final(message, details),
        delay_s=next((delay for delay in delays if delay is not None), None),
    )


def _is_telling(detail: Mapping[str, JSON]) -> bool:
    """Whether an ErrorInfo says more than the status does: a bad key, or an error of ours."""
    return detail.get("reason") == "API_KEY_INVALID" or detail.get("domain") == PISANG_DOMAIN


_NO_QUOTA = re.compile(r"\blimit:\s{0,4}0(?![\d.])")


def _is_final(message: str, details: list[dict[str, JSON]]) -> bool:
    """A quota that waiting does not lift: per day, or of size nought (no free tier)."""
    violations = [v for one in details for v in _list(one.get("violations"))]
    ids = [v.get("quotaId", v.get("quota_id")) for v in violations if isinstance(v, dict)]
    return any("PerDay" in str(one) for one in ids) or _NO_QUOTA.search(message) is not None


def _first_text(obj: Mapping[str, JSON], names: tuple[str, ...]) -> str:
    values = (obj.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), "")


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _number(value: JSON) -> str | None:
    return str(value) if type(value) is int else None


# --- delays and request ids --------------------------------------------------------------------

_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)s?")
_DATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_REQUEST_ID_HEADERS = (
    "x-pisang-request-id",
    "x-oneapi-request-id",
    "x-request-id",
    "x-goog-request-id",
    "request-id",
    "x-tt-logid",
)
_REQUEST_ID = re.compile(r"request[ _-]?id[:：\s]{1,4}([\w.-]{6,128})", re.IGNORECASE | re.ASCII)


def delay_in(value: JSON) -> float | None:
    """The seconds in `34` or Google's `34.07s`, at most an hour; None for anything else."""
    match = _SECONDS.fullmatch(value.strip()) if isinstance(value, str) else None
    return min(float(match[1]), LONGEST_WAIT_S) if match else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The `Retry-After` header in seconds (RFC 9110 §10.2.3), at most an hour, never negative.

    A date counts from the answer's own `Date` header, so no clock of ours takes part; without
    one, or where either makes no sense, None.
    """
    value = headers.get("retry-after", "")
    seconds = delay_in(value)
    then, now = _moment(value), _moment(headers.get("date", ""))
    if seconds is not None or then is None or now is None or then < now:
        return seconds
    return min((then - now).total_seconds(), LONGEST_WAIT_S)


def _moment(value: str) -> datetime | None:
    match = _DATE.fullmatch(value.strip())
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[n]) for n in (1, 3, 4, 5, 6))
    try:
        return datetime(year, _MONTHS.index(match[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _request_id(headers: Mapping[str, str], message: str) -> str | None:
    named = next((headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name)), None)
    if named is not None:
        return clip(printable(named), _LINE_BYTES)
    match = _REQUEST_ID.search(message)
    return match[1] if match else None


# --- foreign text ------------------------------------------------------------------------------

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_HIDDEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|svg|noscript|template)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^<>]*(?:>|\Z)")


def plain_text(body: bytes) -> str:
    """The first 2 KB of a foreign body as text: markup, scripts and control characters gone.

    Linear in its first 64 KiB, and blind to the rest.
    """
    text = body[:_PAGE_BYTES].decode("utf-8", "replace")
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        text = " ".join(html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text))).split())
    return clip(printable(text).strip())


def printable(text: str) -> str:
    """The text with every control, direction-changing and surrogate character made a space."""
    return _UNPRINTABLE.sub(" ", text)


def clip(text: str, limit: int = EXCERPT_BYTES) -> str:
    """As much of the text as is at most `limit` bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


# --- saying ------------------------------------------------------------------------------------

_RETRIED_BY_CLIENTS = frozenset({408, 409, 429})


def spoken_status(error: PisangError) -> int:
    """The HTTP status an error is answered with: 400 to 599.

    Stock clients send 408, 409, 429 and 5xx again by themselves, and an error under a 200 passes
    for success with them (both measured, DESIGN §5, §6). So what did cost money, or may have, is
    424 in place of those.
    """
    status = error.status
    retried = status in _RETRIED_BY_CLIENTS or status >= 500
    if status < 400 or (retried and error.charged is not Charged.NO):
        return OutcomeUnknown.status
    return status


def spoken_message(error: PisangError) -> str:
    """The error's sentence, what is at stake, and what to do next, where known."""
    at_stake = f"At stake: {error.at_stake}." if error.at_stake else None
    return " ".join(filter(None, (error.message(), at_stake, error.hint)))


def spoken_facts(error: PisangError) -> dict[str, str]:
    """What programs want to know of an error and no foreign dialect has a field for."""
    facts = {
        "code": error.code,
        "charged": error.charged.value,
        "retry": error.retry.value,
        "at_stake": error.at_stake,
        "request_id": error.request_id,
        "upstream_request_id": error.upstream_request_id,
        "hint": error.hint,
    }
    return {name: value for name, value in facts.items() if value}


def spoken_headers(error: PisangError) -> dict[str, str]:
    """`Retry-After` where a delay is known, and a stop sign where money may have moved, or where
    stock clients send again (5xx) what can't end otherwise."""
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    hopeless = error.retry in (Retry.NEVER, Retry.ELSEWHERE) and spoken_status(error) >= 500
    if hopeless or error.charged is not Charged.NO:
        headers["x-should-retry"] = "false"
    return headers
