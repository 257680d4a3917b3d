"""The objects that an OpenAI answer consists of: one JSON body, or the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator

from pisang.domain.answer import Answer, Ended
from pisang.domain.request import JSON
from pisang.errors import WireError
from pisang.wires import sse, strictjson

Rest = dict[str, JSON]
"""An object, or what is left of one once its known fields are taken out."""

_PLAIN_EVENTS = ("message", "error")


def read_chunks(answer: Answer, wire: str) -> list[Rest]:
    """Every object in order; of a body that was cut, as much as came. `WireError` for none.

    An event's type stands under `type` where its data has none; an `error` event's data under
    `error`. What the body is, its first byte says: relays stream unasked, and mislabel.
    """
    whole = answer.ended is Ended.WHOLE
    if answer.skeleton.lstrip(b" \t\r\n")[:1] in (b"{", b"["):
        load = strictjson.loads if whole else strictjson.loads_partial
        document = load(answer.skeleton, answer.spans, wire=wire)
        items = document if isinstance(document, list) else [document]
    else:
        items = list(_events(answer, wire, whole))
    chunks = [item for item in items if isinstance(item, dict)]
    if not chunks:
        raise WireError(wire=wire, why="it holds no object")
    return chunks


def _events(answer: Answer, wire: str, whole: bool) -> Iterator[JSON]:
    spans = iter(answer.spans)
    events = [one for one in sse.split(answer.skeleton) if not one.data.startswith(b"[DONE]")]
    for at, event in enumerate(events):
        cut = not whole and at == len(events) - 1
        load = strictjson.loads_partial if cut else strictjson.loads
        yield _named(event.event, load(event.data, spans, wire=wire))


def _named(event: str, data: JSON) -> JSON:
    if not isinstance(data, dict):
        return data
    if event == "error" and "error" not in data:
        return {"error": data}
    return data if event in _PLAIN_EVENTS or "type" in data else {"type": event} | data


def without_nulls(value: JSON) -> Rest:
    """A copy of the object without its nulls, which mean absent; empty for anything else."""
    if not isinstance(value, dict):
        return {}
    return {key: item for key, item in value.items() if item is not None}


def list_of(value: JSON) -> list[JSON]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def word_of(value: JSON) -> str | None:
    """The value where it is a short string with something in it, else None."""
    return value if isinstance(value, str) and value else None


def failure_in(chunks: list[Rest]) -> str | None:
    """What a stream that broke off says about it, in its own words; None where none did."""
    for chunk in chunks:
        error = chunk.get("error")
        if isinstance(error, dict):
            return word_of(error.get("message")) or str(error.get("code"))
        if error is not None:
            return str(error)
    return None
