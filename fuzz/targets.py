"""The table of entry points that take foreign bytes, each with the law it must keep.

A target takes any bytes and returns: a value came out, or one of our own errors did. Whatever
else it raises is a finding. `python -m fuzz` drives them with atheris, and
`tests/test_fuzz_targets.py` with mutated seeds and no tool at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal

from pisang.domain.answer import Answer, Ended
from pisang.domain.content import Span, TextRun
from pisang.engine.intake import Intake
from pisang.errors import UsageError, WireError
from pisang.wires import sse, strictjson
from pisang.wires.base import Call, FormField, Wire
from pisang.wires.multipart import FormReader
from pisang.wires.pieces import encode_run
from pisang.wires.replay import write_again
from pisang.wires.scan import MemorySink, Scanned, Scanner
from pisang.wires.table import WIRES, wire

THRESHOLD = 24
"""So that short inputs have spans."""

BOUNDARY = "b1"


@dataclass(frozen=True, slots=True)
class Target:
    """One entry point: what to call, and inputs that reach far into it."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def pieces(data: bytes) -> Iterator[bytes]:
    """The data in chunks whose sizes are its own bytes, so that the fuzzer chooses them."""
    place = 0
    while place < len(data):
        size = 1 + data[place] % 17
        yield data[place : place + size]
        place += size


def scan_in(chunks: Iterator[bytes], framing: Literal["json", "sse"]) -> tuple[Scanned, bool]:
    """What a scan gives, and whether it was refused on the way."""
    scanner = Scanner(
        MemorySink(), framing=framing, threshold=THRESHOLD, max_spans=8, max_skeleton=4096
    )
    try:
        for chunk in chunks:
            scanner.feed(chunk)
    except WireError:
        return scanner.close(), True
    return scanner.close(), False


def scan(framing: Literal["json", "sse"], data: bytes) -> None:
    """Any chunking gives the same; a refusal still closes."""
    whole, refused = scan_in(iter([data]), framing)
    parts, refused_too = scan_in(pieces(data), framing)
    assert refused == refused_too
    assert refused or whole == parts


def read_json(data: bytes) -> None:
    """A value or an error; a value is written so that it reads the same."""
    scanned, refused = scan_in(iter([data]), "json")
    if refused:
        return
    try:
        value = strictjson.loads(scanned.skeleton, scanned.spans)
    except WireError:
        return
    written = b"".join(
        piece if isinstance(piece, bytes) else b"".join(encode_run(piece, lambda _: ()))
        for piece in strictjson.dumps(value)
    )
    again, _ = scan_in(iter([written]), "json")
    assert strictjson.loads(again.skeleton, again.spans) == value


def read_cut_json(data: bytes) -> None:
    """A value or an error; what was read can be written."""
    try:
        strictjson.dumps(strictjson.loads_partial(data, iter([Span(())] * 3)))
    except WireError:
        return


def read_string(data: bytes) -> None:
    """Text, base64 and data URLs of one string, short and as a span."""
    scanned, _ = scan_in(iter([b'"' + data + b'"']), "json")
    values: list[str | Span] = [*scanned.spans, Span((TextRun(data),), complete=False)]
    values.append(data.decode("utf-8", "replace"))
    for value in values:
        for read in (strictjson.text_of, strictjson.content_of, strictjson.split_data_urls):
            try:
                read(value)
            except WireError:
                continue


def read_events(data: bytes) -> None:
    """Any chunking gives the same events."""
    parser = sse.Parser(max_event=4096)
    try:
        events = [event for part in pieces(data) for event in parser.feed(part)]
    except WireError:
        return
    assert events + parser.close() == list(sse.split(data))


def form_of(chunks: Iterator[bytes]) -> tuple[FormField, ...] | None:
    """The fields of a form, None when it is refused."""
    reader = FormReader(
        f"multipart/form-data; boundary={BOUNDARY}", MemorySink(), max_bytes=4096, max_value=512
    )
    try:
        for chunk in chunks:
            reader.feed(chunk)
        return reader.close()
    except WireError:
        return None


def read_form(data: bytes) -> None:
    """Any chunking gives the same fields."""
    assert form_of(iter([data])) == form_of(pieces(data))


def decode_answer(wire: Wire, data: bytes) -> None:
    """The client role: a reply, a fault, or the wire error."""
    framing: Literal["json", "sse"] = "json" if data[:1] in (b"{", b"[") else "sse"
    scanned, refused = scan_in(iter([data]), framing)
    ended = Ended.CUT if refused or not scanned.complete else Ended.WHOLE
    for status in (200, 400, 503, None):
        answer = Answer(ended, True, status, {}, scanned.skeleton, scanned.spans, len(data))
        wire.decode_fault(answer)
        try:
            wire.decode_reply(answer)
        except WireError:
            continue


def take_in(data: bytes) -> None:
    """Any chunking gives the same answer; what was not refused is all there, to the byte."""
    whole, parts = Intake(MemorySink()), Intake(sink := MemorySink())
    refused = [takes(whole, iter([data])), takes(parts, pieces(data))]
    assert refused[0] == refused[1]
    told = {"ended": Ended.WHOLE, "sent": True, "status": 200, "headers": {}, "elapsed_ms": 0}
    answer = parts.answer(**told)  # type: ignore[arg-type]
    if refused[0]:
        return
    assert answer == whole.answer(**told)  # type: ignore[arg-type]
    again = (
        (piece,) if isinstance(piece, bytes) else encode_run(piece, sink.read)  # type: ignore[arg-type]
        for piece in write_again(answer.skeleton, answer.spans)
    )
    assert b"".join(chain.from_iterable(again)) == data


def takes(intake: Intake, chunks: Iterator[bytes]) -> bool:
    """Whether the body was refused on the way."""
    try:
        for chunk in chunks:
            intake.take(chunk)
    except WireError:
        return True
    return False


def decode_call(wire: Wire, path: str, data: bytes) -> None:
    """The server role: a wish, or an error that the caller can be told."""
    scanned, _ = scan_in(iter([data]), "json")
    form = form_of(iter([data])) if data.startswith(b"--") else ()
    call = Call("POST", path, {}, {}, scanned.skeleton, scanned.spans, form or ())
    try:
        wire.decode_request(call)
    except (WireError, UsageError) as error:
        assert 400 <= wire.encode_error(error).status < 500


_PICTURE = b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
_JSON = (
    b'{"a": [1, -2.5e3, true, null, "\\u00e9\\n"], "b": {"c": "' + _PICTURE + b'"}}',
    b'["data:image/png;base64,' + _PICTURE + b'==", "' + _PICTURE.replace(b"A", b"\\/", 2) + b'"]',
    b'["' + _PICTURE[:20] + b"\\n" + _PICTURE[20:40] + b"\\n" + b'"',
    b"[NaN]",
)
_STREAM = (
    b'\xef\xbb\xbfdata: {"a": "'
    + _PICTURE
    + b'"}\r\n\r\n: it"s\revent: x\nid: 1\ndata: [DONE]\n\n',
)
_FORM = (
    b'--b1\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na cat\r\n'
    b'--b1\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--b1--\r\n",
)
_ANSWERS = (
    b'{"candidates":[{"content":{"parts":[{"text":"hi"},{"inlineData":{"mimeType":"image/png",'
    b'"data":"' + _PICTURE + b'"},"thoughtSignature":"QUJD"}]},"finishReason":"STOP"}],'
    b'"usageMetadata":{"totalTokenCount":3}}',
    b'{"code":0,"data":{"choices":[{"message":{"multimodal_contents":[{"type":"inline_data",'
    b'"inline_data":{"mime_type":"image/png","data":"' + _PICTURE + b'"}}]}}]}}',
    b'{"created":1,"data":[{"b64_json":"' + _PICTURE + b'"}],"usage":{"total_tokens":3}}',
    b'{"choices":[{"message":{"content":"![](data:image/png;base64,' + _PICTURE + b')"}}]}',
    b'data: {"choices":[{"delta":{"content":"![](data:image/png;base64,' + _PICTURE + b')"}}]}\n\n',
    b'{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[]}}',
    b"<html><body>502 Bad Gateway</body></html>",
)
_BODIES = (
    b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    b"\xff\xd8\xff\xe0" + bytes(range(256)),
    b"\0\0\0\x1cftypavif" + bytes(range(256)),
    b"<html><body>502 Bad Gateway</body></html>" + b" " * 99,
)
_CALLS = (
    b'{"contents":[{"role":"user","parts":[{"text":"a cat"},{"inline_data":{"mime_type":"a/b",'
    b'"data":"' + _PICTURE + b'"}}]}],"generationConfig":{"imageConfig":{"aspectRatio":"1:1"}}}',
    b'{"model":"nano-banana2","messages":[{"role":"user","content":[{"type":"text",'
    b'"text":"x"}]}],"image_config":{"aspectRatio":"1:1","imageSize":"1K"}}',
    b'{"model":"m","prompt":"a cat","n":2,"size":"1024x1024","response_format":"b64_json"}',
    *_FORM,
)
_PATHS = {
    "gemini": ("/v1beta/models/m:generateContent", "/v1/models/m:streamGenerateContent"),
    "crawl": ("/gpt/openapi/online/multimodal/crawl",),
    "openai-images": ("/v1/images/generations", "/v1/images/edits"),
    "openai-chat": ("/v1/chat/completions",),
}

TARGETS: dict[str, Target] = {
    "scan-json": Target(partial(scan, "json"), _JSON),
    "scan-sse": Target(partial(scan, "sse"), _STREAM),
    "json": Target(read_json, _JSON),
    "json-cut": Target(read_cut_json, _JSON),
    "string": Target(read_string, (b"data:image/png;base64,QUJD \\ud83c\\udf4c", _PICTURE)),
    "events": Target(read_events, _STREAM),
    "form": Target(read_form, _FORM),
    "intake": Target(take_in, (*_JSON, *_STREAM, *_BODIES)),
    **{f"{name}-answer": Target(partial(decode_answer, wire(name)), _ANSWERS) for name in WIRES},
    **{
        f"{name}-call-{number}": Target(partial(decode_call, wire(name), path), _CALLS)
        for name, paths in _PATHS.items()
        for number, path in enumerate(paths, 1)
    },
}
"""Every entry point, by the name that `python -m fuzz.one NAME` takes."""
