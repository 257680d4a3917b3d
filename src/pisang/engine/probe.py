"""The one free call: is the upstream there, and does it take the key? Never a billable one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from pisang.domain.answer import Answer, Ended
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.intake import Intake
from pisang.engine.reach import Reach, address
from pisang.engine.redaction import redact
from pisang.errors import PisangError, Unreachable, WireError
from pisang.policy.charge import judge_end, judge_fault
from pisang.transport.base import Failure, Outgoing
from pisang.transport.body import stream_body
from pisang.wires.base import WireRequest
from pisang.wires.gemini_request import PUBLISHER
from pisang.wires.scan import MemorySink
from pisang.wires.strictjson import loads
from pisang.wires.table import wire

PROBE_DEADLINE_S = 20.0
PROBE_MAX_BYTES = 4 * 1024 * 1024

FREE_CALLS = {
    "gemini": "/v1beta/models",
    "openai_images": "/v1/models",
    "openai_chat": "/v1/models",
}
"""The free call of each wire; the crawl wire's document names none, so only its host is tried."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a free call showed. `error` is None when the key was taken (or none can be tested).

    `models` are the ids the upstream listed; `key_tested` is false where the wire has no free
    call that needs the key, `key_needed` where the upstream takes none. `skew_s` is how far its
    clock is ahead of ours, None where it did not say.
    """

    upstream: str
    elapsed_ms: int
    key_tested: bool
    models: tuple[str, ...] = ()
    error: PisangError | None = None
    key_needed: bool = True
    skew_s: float | None = None


async def probe(upstream: Upstream, reach: Reach) -> Probe:
    """Make the free call. What goes wrong is in the result, but a missing key (or the part that
    would fetch one): that is raised. Raises `ExtraMissing`, `KeyMissing`, `ConfigError`."""
    key_needed = upstream.auth is not Auth.NONE
    try:
        upstream = await reach.armed(upstream)
    except Unreachable as unreachable:
        return Probe(upstream.name, 0, True, error=unreachable)
    request = _free_call(upstream)
    tested = request.path != "/"
    answer = await _ask(upstream, reach, request)
    error = judge_end(answer, upstream)
    if error is None and tested:
        error = _fault(answer, upstream)
    return Probe(
        upstream=upstream.name,
        elapsed_ms=answer.elapsed_ms,
        key_tested=tested,
        models=model_ids(answer) if error is None and tested else (),
        error=error,
        key_needed=key_needed,
        skew_s=_skew(answer),
    )


def _free_call(upstream: Upstream) -> WireRequest:
    if upstream.base_url.endswith(PUBLISHER):
        # Vertex lists no models under a project. Counting tokens asks for project, location, model
        # and token, and has no price (cloud.google.com, "Get token count", Pricing and quota).
        path = f"/models/{quote(upstream.default_model or '', safe='')}:countTokens"
        body = b'{"contents":[{"role":"user","parts":[{"text":"1"}]}]}'
        return WireRequest("POST", path, (body,), {"content-type": "application/json"})
    return WireRequest("GET", FREE_CALLS.get(upstream.wire, "/"), body=())


def _skew(answer: Answer) -> float | None:
    """How far the answer's `Date` is ahead of this machine's clock, in seconds."""
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return told.timestamp() - time.time() if told.tzinfo else None


async def _ask(upstream: Upstream, reach: Reach, request: WireRequest) -> Answer:
    factory, length = stream_body(request.body, lambda _: ())
    body = factory if length else None
    call = address(upstream, request, deadline_s=PROBE_DEADLINE_S, body=body, length=length)
    return await ask_free(call, upstream, reach)


async def ask_free(call: Outgoing, upstream: Upstream, reach: Reach) -> Answer:
    """The answer to a free call, taken into memory, our key dotted out; never raises for what the
    network does."""
    started = time.monotonic()
    intake = Intake(MemorySink())
    ended, sent, reason, status = Ended.WHOLE, True, "", None
    headers: dict[str, str] = {}
    try:
        async with reach.transport(upstream).exchange(call) as stream:
            status, headers = stream.status, dict(stream.headers)
            async for chunk in stream:
                intake.take(chunk)
                if intake.bytes > PROBE_MAX_BYTES:
                    break
    except Failure as failure:
        ended, sent, reason = failure.ended, failure.sent, failure.reason
    except WireError as error:
        ended, reason = Ended.MALFORMED, str(error.fields.get("why", ""))
    answer = intake.answer(
        ended=ended,
        sent=sent,
        status=status,
        headers=headers,
        elapsed_ms=int((time.monotonic() - started) * 1000),
        reason=reason,
    )
    return redact(answer, upstream.key)


def _fault(answer: Answer, upstream: Upstream) -> PisangError | None:
    if answer.status is not None and 200 <= answer.status < 300:
        return None
    fault = wire(upstream.wire).decode_fault(answer)
    return judge_fault(fault, answer, upstream, "") if fault else None


def model_ids(answer: Answer) -> tuple[str, ...]:
    """The ids in a model list of Google's or OpenAI's shape; empty when it is neither."""
    try:
        listed = loads(answer.skeleton, answer.spans)
    except WireError:
        return ()
    rows = listed.get("models") or listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(rows, list):
        return ()
    names = (row.get("name") or row.get("id") for row in rows if isinstance(row, dict))
    return tuple(name.removeprefix("models/") for name in names if isinstance(name, str))
