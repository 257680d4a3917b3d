"""Google's native wire, `generateContent` and `streamGenerateContent`, both roles.

Sources: google-genai 3.4.0 and @google/genai 3.1.0 against a recording server, recorded bodies of
the Gemini API and Vertex, and `ai.google.dev/gemini-api/docs` (July 2026). What stock clients
tolerate on a stream was measured: `data: ` lines and blank lines, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from pisang.domain.answer import Answer, Ended, Fault, Reply
from pisang.domain.request import JSON, Image, Request
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.errors import PisangError, WireError
from pisang.wires import sse, strictjson
from pisang.wires.base import Ask, Call, WireAnswer, WireRequest
from pisang.wires.fault import (
    PISANG_DOMAIN,
    is_success,
    read_fault,
    spoken_facts,
    spoken_headers,
    spoken_message,
    spoken_status,
)
from pisang.wires.gemini_parts import Rest
from pisang.wires.gemini_reply import (
    REPLY_FIELDS,
    decode_body,
    encode_body,
    failure_in,
    merge_chunks,
    split_body,
)
from pisang.wires.gemini_request import decode_body as decode_request_body
from pisang.wires.gemini_request import encode_body as encode_request_body
from pisang.wires.gemini_request import method_path, model_id, read_path
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
        body, warnings = encode_request_body(request, upstream.quirks)
        query = (("alt", "sse"),) if stream else ()
        headers = {"content-type": "application/json"}
        call = WireRequest("POST", path, strictjson.dumps(body), headers, query)
        return call, warnings

    def decode_reply(self, answer: Answer) -> Reply:
        """The reply in a body: one object, a list of chunks, or events, and as much as came.

        Raises `WireError` where there is no reply in it.
        """
        chunks = _chunks(answer)
        replies = [chunk for chunk in chunks if _is_reply(chunk)]
        failure = failure_in(chunks)
        if not replies:
            raise WireError(wire=NAME, why=f"it holds no reply ({failure or 'nothing known'})")
        reply = decode_body(replies[0] if len(replies) == 1 else merge_chunks(replies))
        return reply if failure is None else _failed(reply, failure)

    def decode_fault(self, answer: Answer) -> Fault | None:
        """What the answer says of its failure; None for a 2xx that is a reply.

        A stream that broke off after an image is a reply: the image was paid for.
        """
        try:
            chunks = _chunks(answer)
            error = next((chunk for chunk in chunks if chunk.get("error") is not None), None)
            replies = [chunk for chunk in chunks if _is_reply(chunk)]
            if is_success(answer) and replies and (error is None or _has_picture(replies)):
                return None
        except WireError:
            error = None
        return read_fault(answer, wire=NAME, body=error)

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


def _chunks(answer: Answer) -> list[Rest]:
    """The objects that a body consists of: one, a list's items, or an event stream's.

    Of a body that was cut, as much as came. Raises `WireError` for anything else.
    """
    whole = answer.ended is Ended.WHOLE
    if answer.skeleton.lstrip(b" \t\r\n")[:1] in (b"{", b"["):
        load = strictjson.loads if whole else strictjson.loads_partial
        document = load(answer.skeleton, answer.spans, wire=NAME)
        items = document if isinstance(document, list) else [document]
    else:
        items = list(_events(answer, whole))
    chunks = [item for item in items if isinstance(item, dict)]
    if not chunks:
        raise WireError(wire=NAME, why="it holds no object")
    return chunks


def _events(answer: Answer, whole: bool) -> Iterator[JSON]:
    """Each event's data. A `[DONE]`, which relays append and Google never sends, ends nothing."""
    spans = iter(answer.spans)
    for event in sse.split(answer.skeleton):
        if event.complete or whole:
            if event.data != b"[DONE]":
                yield strictjson.loads(event.data, spans, wire=NAME)
            continue
        with suppress(WireError):  # of a last event that holds nothing yet
            yield strictjson.loads_partial(event.data, spans, wire=NAME)


def _is_reply(chunk: Rest) -> bool:
    return not chunk or not REPLY_FIELDS.isdisjoint(camel_case(chunk, REPLY))


def _has_picture(chunks: list[Rest]) -> bool:
    return any(isinstance(part, Image) for part in decode_body(merge_chunks(chunks)).parts)


def _failed(reply: Reply, failure: str) -> Reply:
    return reply if reply.message else replace(reply, message=failure)


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
