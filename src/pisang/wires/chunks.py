"""The objects that an answer consists of: one JSON body, a list's items, or a stream's events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from pisang.domain.answer import Answer, Ended, Fault, Reply
from pisang.domain.request import JSON
from pisang.errors import WireError
from pisang.wires import sse, strictjson
from pisang.wires.fault import is_success, read_fault
from pisang.wires.fields import Rest

_PLAIN_EVENTS = ("message", "error")
_SAYS = ("message", "status", "code")
"""Where an error object says what happened, the most telling first."""


def read_body(answer: Answer, wire: str) -> JSON:
    """The one JSON value of a body; of one that was cut, as much as came. Raises `WireError`."""
    load = strictjson.loads if answer.ended is Ended.WHOLE else strictjson.loads_partial
    return load(answer.skeleton, answer.spans, wire=wire)


def read_chunks(answer: Answer, wire: str) -> list[Rest]:
    """Every object in order; of a body that was cut, as much as came. `WireError` for none.

    An event's type stands under `type` where its data has none; an `error` event's data under
    `error`. What the body is, its first byte says: relays stream unasked, and mislabel.
    """
    if answer.skeleton.lstrip(b" \t\r\n")[:1] in (b"{", b"["):
        document = read_body(answer, wire)
        items = document if isinstance(document, list) else [document]
    else:
        items = list(_events(answer, wire))
    chunks = [item for item in items if isinstance(item, dict)]
    if not chunks:
        raise WireError(wire=wire, why="it holds no object")
    return chunks


def _events(answer: Answer, wire: str) -> Iterator[JSON]:
    """Each event's data. Empty ones (a keep-alive, a cut behind `data:`) say nothing, and a
    `[DONE]` ends nothing: relays append it where nobody else sends one."""
    spans = iter(answer.spans)
    for event in sse.split(answer.skeleton):
        if not event.data.strip() or event.data.startswith(b"[DONE]"):
            continue
        if event.complete or answer.ended is Ended.WHOLE:
            yield _named(event.event, strictjson.loads(event.data, spans, wire=wire))
            continue
        with suppress(WireError):  # of a last event that holds nothing yet
            yield _named(event.event, strictjson.loads_partial(event.data, spans, wire=wire))


def _named(event: str, data: JSON) -> JSON:
    if not isinstance(data, dict):
        return data
    if event == "error" and "error" not in data:
        return {"error": data}
    return data if event in _PLAIN_EVENTS or "type" in data else {"type": event} | data


def read_reply(
    answer: Answer,
    wire: str,
    is_reply: Callable[[Rest], bool],
    decode: Callable[[list[Rest]], Reply],
) -> Reply:
    """The reply in a body or a stream, and as much as came of a cut one.

    Where a stream broke off, its `message` is what the stream said about that. Raises `WireError`
    where there is no reply in it.
    """
    chunks = read_chunks(answer, wire)
    replies = [chunk for chunk in chunks if is_reply(chunk)]
    failure = _failure_in(chunks)
    if not replies:
        raise WireError(wire=wire, why=f"it holds no reply ({failure or 'nothing known'})")
    reply = decode(replies)
    return replace(reply, message=reply.message or failure)


def _failure_in(chunks: list[Rest]) -> str | None:
    error = next((chunk["error"] for chunk in chunks if chunk.get("error") is not None), None)
    if isinstance(error, dict):
        return str(next((error[name] for name in _SAYS if error.get(name)), "it doesn't say why"))
    return None if error is None else str(error)


def fault_in(
    answer: Answer,
    wire: str,
    is_reply: Callable[[Rest], bool],
    decode: Callable[[list[Rest]], Reply],
) -> Fault | None:
    """What an answer says of its failure; None for a 2xx that is a reply.

    A stream that broke off after a picture is a reply all the same: the picture was paid for.
    """
    error = None
    try:
        chunks = read_chunks(answer, wire)
        error = next((chunk for chunk in chunks if chunk.get("error") is not None), None)
        replies = [chunk for chunk in chunks if is_reply(chunk)]
        if is_success(answer) and replies and (error is None or decode(replies).pictures):
            return None
    except WireError:
        pass
    return read_fault(answer, wire=wire, body=error)
