"""Values to JSON and back, for the ledger, for stored answers and for recovery.

No picture is written here: a content is named by hash and size, and a loader gives it again. One
that is short enough to have stayed inside the JSON it came from (`SPAN_THRESHOLD`) is written
out, because nobody else keeps it. Reading back what was written gives an equal value; reading
anything else is `StoreCorrupt`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TypeVar

from pisang.domain.answer import Answer, Ended, Usage
from pisang.domain.content import (
    SPAN_THRESHOLD,
    Base64Run,
    Content,
    RawRun,
    Run,
    Span,
    Style,
    TextRun,
    content_of,
)
from pisang.domain.request import JSON, Image, Link, Other, Part, Request, Text, Turn
from pisang.domain.warning import Warn
from pisang.errors import Charged, PisangError, Retry, StoreCorrupt, leaf

Loader = Callable[[str, int], Content]
"""Gives the content of that SHA-256 and size; raises a `PisangError` leaf when it is gone."""

T = TypeVar("T")


def request_to_json(request: Request, *, inline: bool = True) -> JSON:
    """The whole request. Without `inline`, short contents are named by hash too."""
    return _present(
        parts=[_part(part, inline) for part in request.parts],
        model=request.model,
        aspect_ratio=request.aspect_ratio,
        image_size=request.image_size,
        n=request.n,
        history=[
            {"role": turn.role, "parts": [_part(part, inline) for part in turn.parts]}
            for turn in request.history
        ],
        system=request.system,
        modalities=list(request.modalities),
        extra={wire: dict(fields) for wire, fields in request.extra.items()},
    )


def request_from_json(data: JSON, load: Loader) -> Request:
    """The request that `request_to_json` wrote."""
    return _reading("request", lambda: _request(data, load))


def span_to_json(span: Span, *, inline: bool = True) -> JSON:
    """A span with its runs and how each stood on the wire."""
    return {"runs": [_run(run, inline) for run in span.runs], "complete": span.complete}


def span_from_json(data: JSON, load: Loader) -> Span:
    """The span that `span_to_json` wrote."""
    return _reading("span", lambda: _span(data, load))


def answer_to_json(answer: Answer) -> JSON:
    """An answer but for its skeleton, which is bytes and is kept beside this."""
    return {
        "ended": answer.ended.value,
        "sent": answer.sent,
        "status": answer.status,
        "headers": dict(answer.headers),
        "spans": [span_to_json(span) for span in answer.spans],
        "body_bytes": answer.body_bytes,
        "elapsed_ms": answer.elapsed_ms,
        "reason": answer.reason,
    }


def answer_from_json(data: JSON, skeleton: bytes, load: Loader) -> Answer:
    """The answer that `answer_to_json` wrote, with its skeleton."""

    def read() -> Answer:
        spans = tuple(_span(span, load) for span in data["spans"])
        known = {name: value for name, value in data.items() if name not in ("ended", "spans")}
        return Answer(ended=Ended(data["ended"]), skeleton=skeleton, spans=spans, **known)

    return _reading("answer", read)


def usage_to_json(usage: Usage) -> JSON:
    """The counts that the upstream gave."""
    return _present(**asdict(usage))


def usage_from_json(data: JSON) -> Usage:
    """The usage that `usage_to_json` wrote."""
    return _reading("usage", lambda: Usage(**data))


def warning_to_json(warning: Warn) -> JSON:
    """A warning as every face shows it: `{"code", "message"}`."""
    return {"code": warning.code, "message": warning.message}


def warning_from_json(data: JSON) -> Warn:
    """The warning that `warning_to_json` wrote."""
    return _reading("warning", lambda: Warn(data["code"], data["message"]))


_ERROR_WORDS = (
    "at_stake", "request_id", "upstream_message", "upstream_request_id", "retry_after_s", "hint",
)  # fmt: skip


def error_to_json(error: PisangError) -> JSON:
    """An error with everything that is needed to raise its equal again."""
    return _present(
        code=error.code,
        charged=error.charged.value,
        retry=error.retry.value,
        fields={name: _plain(value) for name, value in error.fields.items()},
        **{name: getattr(error, name) for name in _ERROR_WORDS},
    )


def error_from_json(data: JSON) -> PisangError:
    """The error that `error_to_json` wrote; `Unexpected` for a code that no leaf has any more."""

    def read() -> PisangError:
        code = data["code"]
        found = leaf(code)
        known = data.get("fields", {}) if found.code == code else {"what": f"error {code!r}"}
        return found(
            charged=Charged(data["charged"]),
            retry=Retry(data["retry"]),
            **{name: data.get(name) for name in _ERROR_WORDS},
            **known,
        )

    return _reading("error", read)


# --- writing -----------------------------------------------------------------------------------


def _present(**values: JSON) -> dict[str, JSON]:
    """The values that are not None, nor empty lists or dicts."""
    return {name: value for name, value in values.items() if value not in (None, [], {})}


def _plain(value: object) -> JSON:
    return value if isinstance(value, str | int | float | None) else str(value)


def _part(part: Part, inline: bool) -> JSON:
    if isinstance(part, Other):
        return {"type": "other", "json": part.json, "wire": part.wire}
    common = {
        "thought": part.thought or None,
        "signature": span_to_json(part.signature, inline=inline) if part.signature else None,
    }
    if isinstance(part, Text):
        return _present(type="text", text=part.text, **common)
    if isinstance(part, Link):
        return _present(type="link", uri=part.uri, mime=part.mime, **common)
    content = _content(part.content, inline)
    return _present(type="image", content=content, mime=part.mime, label=part.label, **common)


def _content(content: Content, inline: bool) -> JSON:
    named = {"sha256": content.sha256, "size": content.size}
    if inline and content.inline is not None and content.size <= SPAN_THRESHOLD:
        return {**named, "inline": base64.b64encode(content.inline).decode("ascii")}
    return named


def _run(run: Run, inline: bool) -> JSON:
    if isinstance(run, TextRun):
        return {"text": run.raw.decode("latin-1")}  # every byte is one character there
    content = _content(run.content, inline)
    if isinstance(run, Base64Run):
        return _present(base64=content, style=asdict(run.style), slashes=run.slashes or None)
    decoded = _content(run.decoded, inline) if run.decoded else None
    return _present(raw=content, decoded=decoded)


# --- reading -----------------------------------------------------------------------------------


def _reading(what: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"it is no {what} ({type(error).__name__})"
        raise StoreCorrupt(path=f"a stored {what}", why=why) from error


def _request(data: Mapping[str, JSON], load: Loader) -> Request:
    return Request(
        parts=_parts(data.get("parts", []), load),
        model=data["model"],
        aspect_ratio=data.get("aspect_ratio"),
        image_size=data.get("image_size"),
        n=data["n"],
        history=tuple(
            Turn(turn["role"], _parts(turn["parts"], load)) for turn in data.get("history", [])
        ),
        system=data.get("system"),
        modalities=tuple(data.get("modalities", ())),
        extra=data.get("extra", {}),
    )


def _parts(rows: list[JSON], load: Loader) -> tuple[Part, ...]:
    return tuple(_PARTS[row["type"]](row, load) for row in rows)


def _signature(row: Mapping[str, JSON], load: Loader) -> Span | None:
    return _span(row["signature"], load) if "signature" in row else None


def _text(row: Mapping[str, JSON], load: Loader) -> Part:
    return Text(row["text"], row.get("thought", False), _signature(row, load))


def _link(row: Mapping[str, JSON], load: Loader) -> Part:
    return Link(row["uri"], row.get("mime"), row.get("thought", False), _signature(row, load))


def _other(row: Mapping[str, JSON], load: Loader) -> Part:
    return Other(row["json"], row["wire"])


def _image(row: Mapping[str, JSON], load: Loader) -> Part:
    return Image(
        content=_load(row["content"], load),
        mime=row["mime"],
        label=row.get("label"),
        thought=row.get("thought", False),
        signature=_signature(row, load),
    )


_PARTS: dict[str, Callable[[Mapping[str, JSON], Loader], Part]] = {
    "text": _text,
    "link": _link,
    "other": _other,
    "image": _image,
}


def _load(row: Mapping[str, JSON], load: Loader) -> Content:
    if "inline" in row:
        return content_of(base64.b64decode(row["inline"], validate=True))
    return load(row["sha256"], row["size"])


def _span(row: Mapping[str, JSON], load: Loader) -> Span:
    return Span(tuple(_read_run(run, load) for run in row["runs"]), row["complete"])


def _read_run(row: Mapping[str, JSON], load: Loader) -> Run:
    if "text" in row:
        return TextRun(row["text"].encode("latin-1"))
    if "base64" in row:
        style = Style(**row["style"])
        return Base64Run(_load(row["base64"], load), style, row.get("slashes", 0))
    decoded = _load(row["decoded"], load) if "decoded" in row else None
    return RawRun(_load(row["raw"], load), decoded)
