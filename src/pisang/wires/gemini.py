"""Google's native wire, `generateContent` and `streamGenerateContent`, both roles.

Sources: google-genai 3.4.0 and @google/genai 3.1.0 against a recording server, recorded bodies of
the Gemini API and Vertex, and `ai.google.dev/gemini-api/docs` (July 2026). What stock clients
tolerate on a stream was measured: `data: ` lines and blank lines, and nothing else.
"""

from __future__ import annotations

import math
from itertools import chain

from pisang.domain.answer import Answer, Fault, Reply
from pisang.domain.request import JSON, Request
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import PisangError
from pisang.wires import sse, strictjson
from pisang.wires.base import Ask, Call, WireAnswer, WireRequest
from pisang.wires.chunks import fault_in, read_reply
from pisang.wires.fault import (
    PISANG_DOMAIN,
    spoken_facts,
    spoken_headers,
    spoken_message,
    spoken_status,
)
from pisang.wires.fields import Rest
from pisang.wires.gemini_reply import (
    REPLY_FIELDS,
    decode_body,
    encode_body,
    merge_chunks,
    split_body,
)
from pisang.wires.gemini_request import PUBLISHER, method_path, model_id, read_path
from pisang.wires.gemini_request import decode_body as decode_request_body
from pisang.wires.gemini_request import encode_body as encode_request_body
from pisang.wires.gemini_shape import NAME, REPLY, camel_case

JSON_TYPE = {"content-type": "application/json; charset=UTF-8"}
SSE_TYPE = {"content-type": "text/event-stream"}


class Gemini:
    """Google's native wire. `ask.options["alt"]` is `"sse"` where a stream is told as events.

    `ask.options["refusal_shape"]` (a key of `gemini_reply.REFUSAL_SHAPES`) is for imitators.
    """

    name = NAME
    query_key = "key"

    def encode_request(
        self, request: Request, upstream: Upstream, *, stream: bool = False
    ) -> tuple[WireRequest, tuple[Warn, ...]]:
        """The call for a wish. `extra["gemini"]` is laid over the body last."""
        path = method_path(model_id(request, upstream.quirks), upstream, stream=stream)
        vertex = upstream.base_url.endswith(PUBLISHER)
        body, warnings = encode_request_body(request, upstream.quirks, roles=vertex)
        query = (("alt", "sse"),) if stream else ()
        headers = {"content-type": "application/json"}
        call = WireRequest("POST", path, strictjson.dumps(body), headers, query)
        return call, warnings

    def decode_reply(self, answer: Answer) -> Reply:
        """The reply in a body: one object, a list of chunks, or events, and as much as came.

        Raises `WireError` where there is no reply in it.
        """
        return read_reply(answer, NAME, _is_reply, _decode)

    def decode_fault(self, answer: Answer) -> Fault | None:
        """What the answer says of its failure; None for a 2xx that is a reply."""
        return fault_in(answer, NAME, _is_reply, _decode)

    def decode_request(self, call: Call) -> Ask:
        """The wish in a caller's call. Raises `WireError`, the caller's 400."""
        model, stream = read_path(call.path)
        body = strictjson.loads(call.skeleton, call.spans, wire=NAME)
        options = {"alt": "sse"} if stream and call.query.get("alt") == "sse" else {}
        return Ask(decode_request_body(body, model), stream=stream, options=options)

    def encode_reply(self, reply: Reply, ask: Ask) -> WireAnswer:
        """The answer to a caller: one object, events, or (a stream without `alt=sse`) a list."""
        body = encode_body(reply, ask.options.get("refusal_shape", "empty_parts"))
        if not ask.stream:
            return WireAnswer(200, strictjson.dumps(body), JSON_TYPE)
        chunks = [strictjson.dumps(chunk) for chunk in split_body(body)]
        if _is_sse(ask):
            frames = (sse.frame(chunk) for chunk in chunks)
            return WireAnswer(200, tuple(chain.from_iterable(frames)), SSE_TYPE)
        listed = chain.from_iterable((b",\r\n" if at else b"[", *c) for at, c in enumerate(chunks))
        return WireAnswer(200, (*listed, b"]"), JSON_TYPE)

    def encode_error(self, error: PisangError, ask: Ask | None = None) -> WireAnswer:
        """Google's error object for an error of ours; a list of one where a list was asked for."""
        status = spoken_status(error)
        body: JSON = {"error": _error_object(error, status)}
        if ask is not None and ask.stream and not _is_sse(ask):
            body = [body]
        return WireAnswer(status, strictjson.dumps(body), JSON_TYPE | spoken_headers(error))


def _is_sse(ask: Ask) -> bool:
    return ask.options.get("alt") == "sse"


# --- answers -----------------------------------------------------------------------------------


def _is_reply(chunk: Rest) -> bool:
    return not chunk or not REPLY_FIELDS.isdisjoint(camel_case(chunk, REPLY))


def _decode(chunks: list[Rest]) -> Reply:
    return decode_body(chunks[0] if len(chunks) == 1 else merge_chunks(chunks))


# --- errors ------------------------------------------------------------------------------------

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    424: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    507: "RESOURCE_EXHAUSTED",
}
"""`google.rpc.Code` names by HTTP status (`google/rpc/code.proto`); others by their class."""

_TYPE = "type.googleapis.com/google.rpc."


def _error_object(error: PisangError, status: int) -> Rest:
    reason = {"reason": error.code, "domain": PISANG_DOMAIN, "metadata": spoken_facts(error)}
    details: list[Rest] = [{"@type": f"{_TYPE}ErrorInfo"} | reason]
    if error.retry_after_s is not None:
        delay = f"{math.ceil(error.retry_after_s)}s"
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": delay})
    return {
        "code": status,
        "message": spoken_message(error),
        "status": STATUS_NAMES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL"),
        "details": details,
    }
