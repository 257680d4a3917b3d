"""What an answer amounts to: images, an error, a state, a charge. Pure, and one place.

`judge` reads the answer through its wire and lets the charge table (`policy.charge`) say what it
cost; `settlement_of` turns that into the one row that will stand in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pisang.domain.answer import Answer, Fault, Made, Reply
from pisang.domain.attempt import Charged, State
from pisang.domain.catalogue import Model
from pisang.domain.image import read_facts
from pisang.domain.ledger import Settlement
from pisang.domain.money import Money
from pisang.domain.request import JSON, Image, Link, Other, Text
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import NoImage, OutcomeUnknown, PisangError, Refused, WireError
from pisang.policy.charge import clean, hide_key, judge_end, judge_fault, judge_reply
from pisang.policy.price import charge_after
from pisang.wires.base import Wire

ATTACHED = Warn(
    "attached", "The other Pisang had made this before, or was at it: it bought nothing anew."
)
"""For an answer with `X-Pisang-Attached` (DESIGN §5, twins)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer amounts to, before anything is kept or fetched.

    `made` are whole images; `links` are pictures named by URL only. `error` is None when there
    is at least one image or one link to try.
    """

    made: tuple[Made, ...] = ()
    links: tuple[Link, ...] = ()
    reply: Reply | None = None
    fault: Fault | None = None
    error: PisangError | None = None
    warnings: tuple[Warn, ...] = ()


_CUT_PICTURE = "it is a picture and not how this wire answers, and the picture is cut short"

BARE_PICTURE = Warn(
    "bare_picture", "It answered with the picture alone, which is not how this wire answers."
)


def judge(wire: Wire, upstream: Upstream, model_id: str, answer: Answer) -> Verdict:
    """The verdict on an answer; never raises. Every byte pattern has one."""
    ending = judge_end(answer, upstream)
    if answer.status is None:
        return Verdict(error=ending or _garbled(upstream, "no status line came"))
    fault = wire.decode_fault(answer) if ending is None else None
    if fault is not None and not _may_hold_image(fault, answer):
        error = judge_fault(fault, answer, upstream, model_id)
        return Verdict(fault=fault, error=error)
    try:
        reply = wire.decode_reply(answer)
    except WireError as flaw:
        why = str(flaw.fields.get("why", "?")) if answer.skeleton else _CUT_PICTURE
        return _salvage(answer, fault, why, error=ending or _garbled(upstream, why, fault))
    verdict = _weigh(reply, answer, upstream)
    if fault is not None and verdict.error is not None:
        return Verdict(fault=fault, error=judge_fault(fault, answer, upstream, model_id))
    if ending is None:
        return verdict
    if verdict.made:
        cut = Warn("answer_cut", "The answer broke off behind the image, which is whole.")
        return replace(verdict, links=(), warnings=(*verdict.warnings, cut))
    return replace(verdict, links=(), error=ending)


def _may_hold_image(fault: Fault, answer: Answer) -> bool:
    """Whether what no wire can read may have been an image all the same: a 2xx that is neither
    an error in JSON nor a page nor empty."""
    start = answer.skeleton.lstrip()[:1]
    is_something = bool(answer.spans) or start not in (b"", b"<")
    return not fault.own and _is_success(answer) and is_something


def _is_success(answer: Answer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300


def _salvage(answer: Answer, fault: Fault | None, why: str, error: PisangError) -> Verdict:
    """The whole images among the long strings of an answer that can't be read, else its error.

    They were paid for: whatever else is wrong with the answer, they are not lost.
    """
    made: list[Made] = []
    for content in (content for span in answer.spans for content in span.contents):
        facts = read_facts(content)
        if facts is not None and facts.complete:
            made.append(Made(content, facts))
    if not made or not _is_success(answer):
        return Verdict(fault=fault, error=error)
    kept = Warn("answer_malformed", f"The answer can't be read ({why}); the image in it is whole.")
    return Verdict(tuple(made), fault=fault, warnings=(kept if answer.skeleton else BARE_PICTURE,))


def _weigh(reply: Reply, answer: Answer, upstream: Upstream) -> Verdict:
    """The whole images of a reply; the broken ones are an unknown outcome, not a result."""
    made, links, broken = [], [], 0
    for part in reply.parts:
        if isinstance(part, Link) and not part.thought:
            links.append(part)
        broken += isinstance(part, Other) and part.is_picture
        if not isinstance(part, Image) or part.thought:
            continue
        facts = read_facts(part.content)
        if facts is None or not facts.complete:
            broken += 1
        else:
            made.append(Made(part.content, facts, part.mime))
    warnings: tuple[Warn, ...] = ()
    if made and broken:
        warnings = (
            Warn("image_broken", f"{broken} of its pictures came broken and are left out."),
        )
    if upstream.kind == "pisang" and answer.headers.get("x-pisang-attached"):
        warnings = (*warnings, ATTACHED)
    if made or links:
        return Verdict(tuple(made), tuple(links), reply, warnings=warnings)
    if broken:
        why = "the picture in the answer is broken or cut short"
        return Verdict(reply=reply, error=OutcomeUnknown(upstream=upstream.name, why=why))
    return Verdict(reply=reply, error=judge_reply(reply, False, answer, upstream))


def _garbled(upstream: Upstream, why: str, fault: Fault | None = None) -> OutcomeUnknown:
    said = clean(fault.message, upstream) if fault else ""
    why = f"the answer can't be read ({clean(why, upstream)})"
    return OutcomeUnknown(upstream=upstream.name, why=why, upstream_message=said or None)


def state_of(error: PisangError | None) -> State:
    """The attempt's state that an error means (DESIGN §5).

    A refusal or an answer without an image is settled, whatever it cost; anything else is
    `failed` only with proof that no money moved.
    """
    if error is None:
        return State.DONE
    if isinstance(error, Refused | NoImage):
        return State.REFUSED
    return State.FAILED if error.charged is Charged.NO else State.UNKNOWN


def settlement_of(
    verdict: Verdict,
    *,
    attempt_id: str,
    at_ms: int,
    price: Money | None,
    basis: str,
    model: Model | None,
    answer: Answer,
    upstream: Upstream,
) -> Settlement:
    """The row: state, money, reason. Images, shapes and warnings are the caller's to add."""
    error, reply, fault = verdict.error, verdict.reply, verdict.fault
    charged = error.charged if error else Charged.YES
    usage = reply.usage if reply else None
    counted = charge_after(usage, model, has_image=bool(verdict.made))
    cost, whence = _cost(charged, price, basis, counted)
    return Settlement(
        attempt_id=attempt_id,
        state=state_of(error),
        charged=charged,
        at_ms=at_ms,
        cost=cost,
        basis=whence,
        text=_text(reply),
        finish_reason=_cleaned(_stop(reply), upstream),
        message=_message(reply, fault, answer, upstream),
        usage=usage,
        error_code=error.code if error else None,
        error_fields=error_fields(error),
        status=answer.status,
        excerpt=hide_key(fault.excerpt, upstream) if fault else "",
        upstream_request_id=_cleaned(_request_id(fault, answer), upstream),
        response_id=_cleaned(reply.response_id, upstream) if reply else None,
    )


def _cost(
    charged: Charged, price: Money | None, basis: str, counted: Money | None
) -> tuple[Money | None, str]:
    if charged is Charged.NO:
        return None, "none"
    if counted is not None and basis == "catalogue":
        return counted, "usage"
    return price, basis if price else "none"


def _message(
    reply: Reply | None, fault: Fault | None, answer: Answer, upstream: Upstream
) -> str | None:
    """The upstream's own sentence about how it ended, fit to repeat."""
    said = reply.message if reply else (fault.message if fault else answer.reason)
    return clean(said or "", upstream) or None


def _cleaned(text: str | None, upstream: Upstream) -> str | None:
    return None if text is None else clean(text, upstream)


def _text(reply: Reply | None) -> str:
    if reply is None:
        return ""
    return "".join(p.text for p in reply.parts if isinstance(p, Text) and not p.thought)


def _stop(reply: Reply | None) -> str | None:
    return (reply.block_reason or reply.finish_reason) if reply else None


def error_fields(error: PisangError | None) -> Mapping[str, JSON]:
    """What is needed to raise the same error again from the ledger."""
    if error is None:
        return {}
    extras = {"upstream_message": error.upstream_message, "retry_after_s": error.retry_after_s}
    return {**error.fields, **{name: value for name, value in extras.items() if value}}


_REQUEST_IDS = (
    "x-pisang-request-id",
    "x-oneapi-request-id",
    "x-request-id",
    "x-goog-request-id",
    "request-id",
)


def _request_id(fault: Fault | None, answer: Answer) -> str | None:
    if fault is not None and fault.request_id:
        return fault.request_id
    return next((answer.headers[name] for name in _REQUEST_IDS if name in answer.headers), None)
