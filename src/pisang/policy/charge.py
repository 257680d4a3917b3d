"""The charge table: what an answer that holds no image means, and whether money moved.

Read top to bottom, the first row that fits decides. A row may call an answer free only where its
source says so: the upstream's own words, or a status that says the call was turned away before
anything was made. Whatever no row names is `OutcomeUnknown`: it was sent, the picture may have
been made and billed, and only the user may decide to buy it again (DESIGN §5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pisang.domain.answer import Answer, Ended, Fault, Reply
from pisang.domain.request import Text
from pisang.domain.upstream import Upstream
from pisang.errors import (
    BalanceExhausted,
    BaseUrlWrong,
    Cancelled,
    Charged,
    KeyInvalid,
    LocationBlocked,
    ModelNotFound,
    NoChannel,
    NoImage,
    OutcomeUnknown,
    Overloaded,
    PermissionDenied,
    PisangError,
    QuotaExhausted,
    RateLimited,
    Refused,
    RequestRejected,
    RequestTooLarge,
    Unreachable,
    UpstreamFault,
)

MESSAGE_CHARS = 200
"""How much of an upstream's own sentence an error repeats."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: when it fits, and what it means.

    `kinds`, `statuses`: empty fits any. `words` is searched in the fault's code and message, and
    with `page` in its excerpt too. `own` asks for the upstream's own JSON, or for a foreign page,
    `wraps` for a relay's JSON around Google's error, `final` for a limit that waiting will not
    lift. `charged` is what the leaf then carries.
    """

    leaf: type[PisangError]
    source: str
    statuses: frozenset[int] = frozenset()
    words: re.Pattern[str] | None = None
    page: bool = False
    kinds: frozenset[str] = frozenset()
    own: bool | None = None
    wraps: bool | None = None
    final: bool | None = None
    charged: Charged = Charged.NO

    def fits(self, fault: Fault, upstream: Upstream) -> bool:
        """Whether this row is about that fault of that upstream."""
        said = f"{fault.code or ''}\n{fault.message}"
        if self.page:
            said = f"{said}\n{fault.excerpt}"
        return (
            (not self.kinds or upstream.kind in self.kinds)
            and (not self.statuses or fault.status in self.statuses)
            and self.own in (None, fault.own)
            and self.wraps in (None, fault.wraps)
            and self.final in (None, fault.final)
            and (self.words is None or self.words.search(said) is not None)
        )


def _on(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_SUCCESS = frozenset(range(200, 300))
_TURNED_AWAY = _on(400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 429, 431, 451)
"""Client errors that say the call was not taken. 408, 409, 424, 425 and 499 don't say it."""

_AT_THE_DOOR = _on(400, 411, 414, 431)
"""What a proxy answers by itself to a request that it can't read, before it passes it on (nginx,
ngx_http_request.c). Its 401 (auth_basic), 403 (a firewall's challenge), 404 and 405 (no such
route), 413 (client_max_body_size) and 429 (a CDN's rate limit) come before that too: a page with
one of these is free at a relay as well. A page with another 4xx there is nobody's word: it may
have come from behind the relay, where the picture was made. 402 says in any form that money is
wanted."""

_FIRST_HAND = frozenset({"google", "vertex", "pisang", "sandbox"})
"""Kinds that call nobody else, or say so in their own words."""

_REDIRECTS = _on(301, 302, 307, 308)

_GOOGLE_TABLE = "Gemini API, troubleshooting: error codes (July 2026)"
_GOOGLE_BILLING = (
    "ai.google.dev/gemini-api/docs/billing, FAQ: a request that fails with a 400 or 500 error is "
    "not charged (read 22 November 2026)"
)
_HTTP = "RFC 9110 §15.5: the call was turned away (22 November 2026)"
_RELAY = "new-api and one-api, their error bodies (22 November 2026)"
_OPENAI = "openai-python 3.54.0, error codes of the Images API (22 November 2026)"
_CRAWL = "The crawl gateway's skill document: success is code 0 (22 November 2026)"

_BALANCE = _words(
    "insufficient_user_quota", "额度不足", "余额不足", "额度已用尽", "insufficient_quota",
    "insufficient (user )?(balance|credit|quota|fund)", "billing_hard_limit", "balance_exhausted",
    "pre_consume_token_quota_failed",
)  # fmt: skip
_CHANNEL = _words("无可用渠道", "no available channels?", "no_channel", "no_available_channel")
_MODERATED = _words(
    "moderation_blocked", "content_policy", "content_filter", "sensitive_words", "敏感",
    "requires moderation", "flagged by",
)  # fmt: skip
_KEY = _words("API_KEY_INVALID", "API key (not|expired)")
_BUSY = _words(
    r"(?-i:\AUNAVAILABLE\n)", "overloaded", "high demand", "no capacity", "过载", "饱和", "繁忙",
)  # fmt: skip
"""Google's status as the code, whole. A bare "Service Unavailable" proves nothing: Amazon's API
Gateway says so, in JSON, when it gave up waiting (its HTTP API's integration timeout, 30 s)."""

TABLE: tuple[Row, ...] = (
    # Under a 200 nothing is free: the work had begun. A clear refusal is said as one.
    Row(Refused, _OPENAI, _SUCCESS, _MODERATED, own=True, charged=Charged.UNKNOWN),
    Row(
        NoImage,
        _CRAWL,
        _SUCCESS,
        kinds=frozenset({"crawl"}),
        own=True,
        charged=Charged.UNKNOWN,
    ),
    # Relays, before anything was sent on. Money: the pre-charge failed, or found no channel.
    Row(BalanceExhausted, _RELAY, _on(400, 401, 402, 403, 429, 500, 503), _BALANCE, own=True),
    Row(BalanceExhausted, _HTTP, _on(402)),
    Row(NoChannel, _RELAY, _on(400, 403, 404, 500, 503), _CHANNEL, page=True),
    # Google's own sentence wins over a relay's wrapping; then a relay's bare 503 is its own.
    Row(Overloaded, _GOOGLE_TABLE, _on(503), _BUSY, own=True),
    Row(NoChannel, _RELAY, _on(503), _words("new_api_error"), page=True, own=True),
    Row(Refused, _OPENAI, _on(400, 403, 422, 451), _MODERATED, own=True),
    # Google's words, at Google or through a relay. A key that Google refused to a relay is the
    # relay's own, not the user's.
    Row(UpstreamFault, _GOOGLE_TABLE, _on(401, 403), wraps=True),
    Row(UpstreamFault, _GOOGLE_TABLE, _on(400), _KEY, wraps=True),
    Row(KeyInvalid, _GOOGLE_TABLE, _on(400), _KEY),
    Row(
        LocationBlocked,
        _GOOGLE_TABLE,
        _on(400),
        _words("FAILED_PRECONDITION", "location is not supported"),
        kinds=frozenset({"google", "relay", "sandbox"}),
    ),
    Row(QuotaExhausted, _GOOGLE_TABLE, _on(429), final=True),
    Row(UpstreamFault, _GOOGLE_BILLING, _on(500), kinds=frozenset({"google"}), own=True),
    # By status alone: what HTTP itself calls turned away.
    Row(KeyInvalid, _HTTP, _on(401)),
    Row(PermissionDenied, _HTTP, _on(403)),
    Row(RequestRejected, _GOOGLE_TABLE, _on(404), _words(r"\bfiles/", r"\bfile\b"), own=True),
    Row(ModelNotFound, _HTTP, _on(404, 410), own=True),
    Row(BaseUrlWrong, _HTTP, _on(404, 405)),
    Row(RequestTooLarge, _HTTP, _on(413)),
    Row(RateLimited, _HTTP, _on(429)),
    Row(RequestRejected, _HTTP, _TURNED_AWAY, own=True),
    Row(RequestRejected, _HTTP, _AT_THE_DOOR),
    Row(RequestRejected, _HTTP, _TURNED_AWAY, kinds=_FIRST_HAND),
    Row(
        BaseUrlWrong,
        "RFC 9110 §15.4: sent elsewhere, and paid calls follow nobody (22 November 2026)",
        _REDIRECTS,
    ),
)  # fmt: skip
"""Upstream × status × body shape → leaf. A fault that no row fits is `OutcomeUnknown`."""

_PISANG: dict[str, tuple[type[PisangError], str]] = {
    "refused": (Refused, ""),
    "no_image": (NoImage, ""),
    "outcome_unknown": (OutcomeUnknown, "it says that it can't know either"),
    "rate_limited": (RateLimited, ""),
    "quota_exhausted": (QuotaExhausted, ""),
    "overloaded": (Overloaded, ""),
    "upstream_fault": (UpstreamFault, "its own upstream failed"),
    "balance_exhausted": (BalanceExhausted, ""),
    "no_channel": (NoChannel, ""),
    "location_blocked": (LocationBlocked, ""),
    "model_not_found": (ModelNotFound, ""),
    "permission_denied": (PermissionDenied, ""),
    "key_invalid": (KeyInvalid, ""),
    "request_too_large": (RequestTooLarge, ""),
    "unreachable": (UpstreamFault, "its own upstream can't be reached"),
    "budget_exceeded": (BalanceExhausted, ""),
    "price_unknown": (BalanceExhausted, ""),
    "key_missing": (KeyInvalid, ""),
    "upstream_key_refused": (UpstreamFault, "its own upstream does not take its key"),
    "upstream_missing": (UpstreamFault, "it has no upstream"),
    "store_full": (UpstreamFault, "its disk is full, and it sent nothing on"),
}
"""What another Pisang says, by code: its own word on money is taken (DESIGN §9, presets)."""

_GAVE_UP = _on(504, 522, 524)
_FAILED_BETWEEN = _on(502, 520, 521, 523, 525, 526, 527, 530)
"""What gateways say of the server behind them (Cloudflare's 52x: developers.cloudflare.com,
support, HTTP 5xx errors, November 2026); none of it proves that nothing was made."""


def judge_fault(fault: Fault, answer: Answer, upstream: Upstream, model: str) -> PisangError:
    """The error that an answer which is no reply amounts to, with its charge; never raises."""
    told = _PISANG.get(fault.code or "") if upstream.kind == "pisang" else None
    if told is not None:
        leaf, why = told
        return _error(leaf, fault, answer, upstream, model=model, why=why, reason=_reason(fault))
    row = next((row for row in TABLE if row.fits(fault, upstream)), None)
    if row is None:
        why = _why_unknown(fault, answer)
        return _error(OutcomeUnknown, fault, answer, upstream, why=why)
    return _error(
        row.leaf,
        fault,
        answer,
        upstream,
        charged=row.charged,
        model=model,
        reason=_reason(fault),
        why=_why_failed(answer, upstream),
    )


def judge_end(answer: Answer, upstream: Upstream) -> PisangError | None:
    """The error that an exchange which did not come to its end amounts to; None when it did.

    Not sent is free, with proof. Sent is unknown, except where the status line that did come
    already says that the call was turned away. (A whole image in a cut body is `done` all the
    same: look for one before you believe this.)
    """
    if not answer.sent:
        if answer.ended is Ended.CANCELLED:
            return Cancelled()
        why = clean(answer.reason, upstream) or "no connection"
        return Unreachable(upstream=upstream.name, why=why)
    if answer.ended is Ended.WHOLE:
        return None
    if answer.status in _TURNED_AWAY:
        return judge_fault(Fault(status=answer.status), answer, upstream, "")
    why = _ENDINGS[answer.ended]
    detail = clean(answer.reason, upstream)
    return OutcomeUnknown(upstream=upstream.name, why=f"{why} ({detail})" if detail else why)


_ENDINGS = {
    Ended.CUT: "the connection broke after the request was sent",
    Ended.TIMEOUT: "no whole answer came within the time limit",
    Ended.TOO_LARGE: "the answer is larger than is safe to take",
    Ended.MALFORMED: "the answer can't be read",
    Ended.NOT_CONNECTED: "the connection failed after a part of the request was sent",
    Ended.CANCELLED: "it was given up after the request was sent",
}

_MODERATION = frozenset({
    "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "LANGUAGE", "MODEL_ARMOR",
    "JAILBREAK", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "CONTENT_FILTER",
})  # fmt: skip
"""Finish reasons that decline the picture for its content (google-genai 3.4.0, FinishReason;
OpenAI's `content_filter`). IMAGE_OTHER and NO_IMAGE are none of them (pydantic-ai 2.68.0)."""

_FREE_SENTENCE = "you will not be charged"
_BILLS_BY_TOKENS = frozenset({"google", "vertex"})
_SPEAKS_FOR_ITSELF = frozenset({"google", "vertex", "sandbox"})
"""Kinds where Google's "You will not be charged for this request" is the biller's own word."""


def judge_reply(
    reply: Reply, has_image: bool, answer: Answer, upstream: Upstream
) -> PisangError | None:
    """The error that a whole answer without an image amounts to; None when it has one.

    A block or a moderation reason is `Refused`, anything else `NoImage`. A refusal's charge is
    not documented, and its counters do count thoughts: `unknown`. Google's sentence that nothing
    is charged is believed at Google; a relay bills such answers all the same (new-api bills by
    usage), so there it is `unknown`. Text alone at Google is an ordinary answer, billed by tokens.
    """
    if has_image:
        return None
    stopped = reply.block_reason or reply.finish_reason or ""
    declined = reply.block_reason is not None or stopped.upper() in _MODERATION
    leaf: type[PisangError] = Refused if declined else NoImage
    return leaf(
        charged=_charged(reply, declined, upstream),
        upstream=upstream.name,
        reason=clean(_no_image_reason(reply, stopped), upstream),
        upstream_message=clean(reply.message or "", upstream) or None,
        upstream_request_id=reply.response_id,
    )


def _charged(reply: Reply, declined: bool, upstream: Upstream) -> Charged:
    if _FREE_SENTENCE in (reply.message or "").lower() and upstream.kind in _SPEAKS_FOR_ITSELF:
        return Charged.NO
    counted = reply.usage is not None and bool(reply.usage.output_tokens)
    if counted and not declined and upstream.kind in _BILLS_BY_TOKENS and _says(reply):
        return Charged.YES
    return Charged.UNKNOWN


def _says(reply: Reply) -> bool:
    return any(isinstance(part, Text) and not part.thought and part.text for part in reply.parts)


def _no_image_reason(reply: Reply, stopped: str) -> str:
    if stopped and stopped.upper() not in ("STOP", "MAX_TOKENS", "LENGTH"):
        return stopped
    if _says(reply):
        return "text only"
    return stopped or "an empty answer"


def _reason(fault: Fault) -> str:
    return fault.code or (f"HTTP {fault.status}" if fault.status else "no reason given")


def _why_unknown(fault: Fault, answer: Answer) -> str:
    status = answer.status
    if status in _GAVE_UP:
        return f"a gateway on the way gave up waiting (HTTP {status})"
    if status in _FAILED_BETWEEN:
        return f"a gateway on the way failed (HTTP {status})"
    if status in _SUCCESS and fault.own:
        return f"it answered {status}, and then said that it failed"
    if not (fault.own or fault.excerpt):
        return f"it answered {status} and nothing more"
    body = "with an error of its own" if fault.own else "with a page that is not its own"
    return f"it answered {status} {body}"


def _why_failed(answer: Answer, upstream: Upstream) -> str:
    """The status; of a redirect also whither, without what may be secret in it."""
    location = answer.headers.get("location", "")
    if answer.status not in _REDIRECTS or not location:
        return f"HTTP {answer.status}"
    place = clean(location.partition("?")[0].rpartition("@")[2], upstream)
    return f"HTTP {answer.status} to {place[:100]}"


def _error(
    leaf: type[PisangError],
    fault: Fault,
    answer: Answer,
    upstream: Upstream,
    *,
    charged: Charged | None = None,
    **fields: Any,  # a `str` each; typed so because the leaf has named ones besides
) -> PisangError:
    """The leaf with what every error of an upstream carries; `fields` are for its sentence."""
    return leaf(
        charged=charged,
        upstream=upstream.name,
        upstream_message=clean(fault.message, upstream) or None,
        upstream_request_id=fault.request_id,
        retry_after_s=fault.retry_after_s,
        **fields,
    )


_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")


def clean(text: str, upstream: Upstream) -> str:
    """A foreign sentence fit to repeat: our key dotted out, no control characters, not long."""
    plain = _CONTROL.sub(" ", hide_key(text, upstream)).strip()
    return plain if len(plain) <= MESSAGE_CHARS else plain[: MESSAGE_CHARS - 1] + "…"


def hide_key(text: str, upstream: Upstream) -> str:
    """Foreign text without our key: some upstreams repeat it in their errors."""
    return text.replace(upstream.key.reveal(), str(upstream.key)) if upstream.key else text
