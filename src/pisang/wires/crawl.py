"""The crawl wire: a chat-like gateway for `nano-banana2`, both roles.

Its one description is a skill document, kept with the project's references. What that does not
say is assumed and read tolerantly. The key rides in the query (`ak`) and is the sender's affair.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pisang.domain.answer import Answer, Fault, Reply
from pisang.domain.request import Request
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import NoImage, PisangError, WireError
from pisang.wires import strictjson
from pisang.wires.base import Ask, Call, WireAnswer, WireRequest
from pisang.wires.chunks import read_body
from pisang.wires.crawl_messages import NAME, malformed
from pisang.wires.crawl_reply import decode_body, encode_body
from pisang.wires.crawl_request import decode_body as decode_request_body
from pisang.wires.crawl_request import encode_body as encode_request_body
from pisang.wires.fault import (
    is_success,
    read_fault,
    spoken_facts,
    spoken_headers,
    spoken_message,
    spoken_status,
)
from pisang.wires.fields import Rest

PATH = "/gpt/openapi/online/multimodal/crawl"
"""The same on both networks."""

_LOG_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_JSON_TYPE = {"content-type": "application/json"}


class Crawl:
    """The crawl wire. `ask.options["mime"]` is the image type that a caller wants.

    `request.extra["crawl"]["logid"]` is the call's log id: a header, never in the body.
    """

    name = NAME
    query_key = "ak"

    def encode_request(
        self, request: Request, upstream: Upstream, *, stream: bool = False
    ) -> tuple[WireRequest, tuple[Warn, ...]]:
        """The call for a wish; it asks for a whole answer, for the wire has no stream.

        Raises `RatioUnsupported`, `SizeUnsupported` and `ReferenceUnsupported`: the wire has ten
        ratios and two sizes, and takes pictures only where `quirks.references` says so.
        """
        extra = dict(request.extra.get(NAME, {}))
        headers = {"Content-Type": "application/json"}
        log_id = extra.pop("logid", None)
        if isinstance(log_id, str) and _LOG_ID.fullmatch(log_id):
            headers["X-TT-LOGID"] = log_id
        body, warnings = encode_request_body(request, upstream.quirks, extra)
        if stream:
            warnings = (*warnings, Warn("stream_dropped", "The crawl wire answers whole."))
        return WireRequest("POST", PATH, strictjson.dumps(body), headers), warnings

    def decode_reply(self, answer: Answer) -> Reply:
        """Every item of every choice in order, and as much as came of a cut body.

        Raises `WireError` where the body is no object.
        """
        return decode_body(_body(answer))

    def decode_fault(self, answer: Answer) -> Fault | None:
        """What the answer says of its failure; None for a 2xx with `code` 0, or with a picture.

        `code` is the wire's own number, which is kept whatever the HTTP status.
        """
        try:
            body = _body(answer)
        except WireError:
            return read_fault(answer, wire=NAME)
        code = body.get("code", 0 if "data" in body else None)
        if is_success(answer) and (code in (0, "0") or decode_body(body).pictures):
            return None
        fault = read_fault(answer, wire=NAME, body=body)
        if not isinstance(code, int | str):
            return fault
        return replace(fault, code=str(code), own=True)

    def decode_request(self, call: Call) -> Ask:
        """The wish in a caller's call. Raises `WireError`, the caller's 400."""
        body = strictjson.loads(call.skeleton, call.spans, wire=NAME)
        request, mime = decode_request_body(body)
        return Ask(request, options={} if mime is None else {"mime": mime})

    def encode_reply(self, reply: Reply, ask: Ask) -> WireAnswer:
        """The document's printed answer.

        Without a picture its `code` is 422, for the document's client takes any `code` 0 for
        success. The status stays 200, as the wire has it: the model did answer, and may have
        been paid for it. What it said stands in it all the same.
        """
        body = encode_body(reply)
        if not reply.pictures:
            reason = reply.message or reply.block_reason or reply.finish_reason or "no image"
            body |= {"code": NoImage.status, "msg": reason}
        return WireAnswer(200, strictjson.dumps(body), _JSON_TYPE)

    def encode_error(self, error: PisangError, ask: Ask | None = None) -> WireAnswer:
        """`{"code", "msg"}` with the HTTP status as the code, and the error's facts beside."""
        status = spoken_status(error)
        body = {"code": status, "msg": spoken_message(error), "pisang": spoken_facts(error)}
        return WireAnswer(status, strictjson.dumps(body), _JSON_TYPE | spoken_headers(error))


def _body(answer: Answer) -> Rest:
    body = read_body(answer, NAME)
    if not isinstance(body, dict):
        raise malformed("the body is no object")
    return body
