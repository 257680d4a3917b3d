"""The one free call: is the upstream there, and does it take the key? Never a billable one."""

from __future__ import annotations

from dataclasses import dataclass

from pisang.domain.answer import Answer, Ended
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.intake import Intake
from pisang.engine.reach import Reach, address
from pisang.engine.redaction import redact
from pisang.errors import PisangError, WireError
from pisang.policy.charge import judge_end, judge_fault
from pisang.transport.base import Failure
from pisang.wires.base import WireRequest
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
    call that needs the key, `key_needed` where the upstream takes none.
    """

    upstream: str
    elapsed_ms: int
    key_tested: bool
    models: tuple[str, ...] = ()
    error: PisangError | None = None
    key_needed: bool = True


async def probe(upstream: Upstream, reach: Reach) -> Probe:
    """Make the free call. What goes wrong is in the result, but `KeyMissing`: that is raised."""
    path = FREE_CALLS.get(upstream.wire)
    request = WireRequest("GET", path or "/", body=())
    answer = await _get(upstream, reach, request)
    error = judge_end(answer, upstream)
    if error is None and path is not None:
        error = _fault(answer, upstream)
    models = _models(answer) if error is None and path else ()
    return Probe(
        upstream.name,
        answer.elapsed_ms,
        path is not None,
        models,
        error,
        upstream.auth is not Auth.NONE,
    )


async def _get(upstream: Upstream, reach: Reach, request: WireRequest) -> Answer:
    call = address(upstream, request, deadline_s=PROBE_DEADLINE_S)
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
        ended=ended, sent=sent, status=status, headers=headers, elapsed_ms=0, reason=reason
    )
    return redact(answer, upstream.key)


def _fault(answer: Answer, upstream: Upstream) -> PisangError | None:
    if answer.status is not None and 200 <= answer.status < 300:
        return None
    fault = wire(upstream.wire).decode_fault(answer)
    return judge_fault(fault, answer, upstream, "") if fault else None


def _models(answer: Answer) -> tuple[str, ...]:
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
