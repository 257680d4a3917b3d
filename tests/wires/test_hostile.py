"""Bytes that nobody should send, to every wire in both roles: a value or a clean error, always."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Answer, Ended, Reply
from pisang.domain.content import content_of
from pisang.domain.image import read_facts
from pisang.domain.request import JSON, Image, Request, Text
from pisang.domain.upstream import Upstream
from pisang.errors import UsageError, WireError
from pisang.wires.base import Ask, Call, Wire
from pisang.wires.crawl import PATH
from pisang.wires.table import wire
from tests.wires import strategies as some
from tests.wires.harness import answer_of, bytes_of, scan

ASK = Ask(Request((Text("a"),), "m"))
UPSTREAM = Upstream("up", "any", "https://example.com")
PATHS = {"gemini": "/v1beta/models/m:generateContent", "crawl": PATH}
JSON_WIRES = [wire(name) for name in PATHS]
each_wire = pytest.mark.parametrize("wire", JSON_WIRES, ids=lambda wire: wire.name)


def ask(wire: Wire, data: bytes) -> object:
    """The wish in these bytes, which can be asked again, or the error that the caller is told."""
    try:
        scanned = scan(data)
        call = Call("POST", PATHS[wire.name], {}, {}, scanned.skeleton, scanned.spans)
        wish = wire.decode_request(call).request
        bytes_of(wire.encode_request(wish, UPSTREAM)[0].body)
        return wish
    except (WireError, UsageError) as error:
        answer = wire.encode_error(error)
        assert 400 <= answer.status < 500
        json.loads(bytes_of(answer.body))
        return error


def hear(wire: Wire, answer: Answer) -> object:
    """The fault in an answer, its reply, which can be told again, or the error of neither."""
    fault = wire.decode_fault(answer)
    try:
        reply = wire.decode_reply(answer)
    except WireError as error:
        return fault or error
    json.loads(bytes_of(wire.encode_reply(reply, ASK).body))
    return fault or reply


# Pieces that real bodies consist of, to be broken and mixed up.
WORDS = [
    *["contents", "parts", "text", "inlineData", "inline_data", "mimeType", "mime_type", "data"],
    *["candidates", "content", "finishReason", "generationConfig", "imageConfig", "aspectRatio"],
    *["imageSize", "responseFormat", "image", "role", "model", "user", "systemInstruction"],
    *["thought", "thoughtSignature", "usageMetadata", "promptFeedback", "error", "code", "msg"],
    *["message", "choices", "multimodal_contents", "type", "messages", "image_url", "url"],
    *["image_config", "status", "details", "index", "candidatesTokensDetails", "fileData"],
]
keys = st.sampled_from(WORDS)
values = st.recursive(
    st.one_of(some.leaves, keys, st.sampled_from(["text", "image_url", "inline_data", "QUJD"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@each_wire
@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200), status=st.none() | st.integers(100, 599))
def test_any_bytes_give_a_value_or_an_error(wire: Wire, data: bytes, status: int | None) -> None:
    try:
        answer = answer_of(data, status=status)
    except WireError:  # the scanner's: then no decoder sees them
        answer = Answer(Ended.MALFORMED, True, status, skeleton=data)
    hear(wire, answer)
    hear(wire, Answer(Ended.CUT, True, status, skeleton=data))
    ask(wire, data)


@each_wire
@settings(max_examples=150, deadline=None)
@given(body=values, status=st.sampled_from([200, 400, 429, 500, 503]), data=st.data())
def test_known_words_in_any_order_give_a_value_or_an_error(
    wire: Wire, body: JSON, status: int, data: st.DataObject
) -> None:
    raw = json.dumps(body).encode()
    hear(wire, answer_of(raw, status=status))
    hear(wire, answer_of(b"data: " + raw + b"\n\ndata: " + raw, status=status))
    cut = data.draw(st.integers(0, len(raw)))
    hear(wire, answer_of(raw[:cut], status=status, ended=Ended.CUT))
    ask(wire, raw)


# W4: what the standard parser lets through, or fails on in its own way.
FLAWED = {
    "a key twice": b'{"contents": [], "contents": []}',
    "five thousand digits": b'{"code": ' + b"9" * 5000 + b"}",
    "a number beyond a double": b'{"code": 1e400}',
    "NaN": b'{"code": NaN}',
    "endless depth": b"[" * 100_000,
    "a lone surrogate": b'{"msg": "\\ud800"}',
    "a byte order mark": b'\xef\xbb\xbf{"code": 0}',
    "UTF-16": '{"code": 0}'.encode("utf-16"),
    "trailing bytes": b'{"code": 0} x',
    "nothing": b"",
    "a raw control": b'{"msg": "\x00"}',
}


@each_wire
@pytest.mark.parametrize("flaw", FLAWED)
def test_flawed_json_is_a_callers_400_and_no_reply(wire: Wire, flaw: str) -> None:
    assert isinstance(ask(wire, FLAWED[flaw]), WireError)
    try:
        answer = answer_of(FLAWED[flaw])
    except WireError:
        return
    fault = wire.decode_fault(answer)
    assert fault is not None
    assert fault.own is False
    with pytest.raises(WireError):
        wire.decode_reply(answer)


# W6: what stands between us and the upstream says in its stead.
PAGES = {
    "cloudflare 520": (
        520,
        b"<!DOCTYPE html><title>520: Web server returns an unknown error</title>",
    ),
    "cloudflare 521": (521, b"<html><head><title>521: Web server is down</title></head></html>"),
    "cloudflare 522": (522, b"<html><head><title>522: Connection timed out</title></head></html>"),
    "cloudflare 523": (523, b"<html><head><title>523: Origin is unreachable</title></head></html>"),
    "cloudflare 524": (524, b"<html><head><title>524: A timeout occurred</title></head></html>"),
    "cloudflare 524 as text": (524, b"error code: 524"),
    "cloudflare 524 as json": (
        524,
        b'{"title":"Error 524: A timeout occurred","status":524,"cloudflare_error":true}',
    ),
    "cloudflare challenge": (
        403,
        b"<!DOCTYPE html><title>Just a moment...</title><script>x()</script>",
    ),
    "nginx 502": (
        502,
        b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<hr>nginx</html>",
    ),
    "nginx 504": (504, b"<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n</html>"),
    "nginx 413": (413, b"<html><head><title>413 Request Entity Too Large</title></head></html>"),
    "captive portal": (200, b"<html><body>Please log in to the hotel network</body></html>"),
    "proxy text": (502, b"upstream connect error or disconnect/reset before headers"),
    "empty 200": (200, b""),
    "empty 502": (502, b""),
    "plain ok": (200, b"OK"),
    "xml": (403, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
    "an image": (200, b"\x89PNG\r\n\x1a\n" + bytes(200)),
    "spaces": (200, b" \r\n \r\n"),
    "a redirect page": (302, b"<a href='/login'>Found</a>."),
}


@each_wire
@pytest.mark.parametrize("page", PAGES)
def test_a_page_from_between_is_a_fault_that_nobody_owns(wire: Wire, page: str) -> None:
    status, body = PAGES[page]
    answer = answer_of(body, status=status)
    fault = wire.decode_fault(answer)
    assert fault is not None
    assert (fault.own, fault.wraps, fault.code, fault.status) == (False, False, None, status)
    assert len(fault.excerpt.encode()) <= 2048
    assert "<" not in fault.excerpt
    assert "x()" not in fault.excerpt
    with pytest.raises(WireError):
        if "json" in page:
            raise WireError(wire=wire.name, why="Cloudflare's JSON is for `decode_fault` alone")
        wire.decode_reply(answer)


@each_wire
@pytest.mark.parametrize("status", [200, 400, 403, 429, 500, 503])
def test_an_error_in_json_is_a_fault_under_any_status(wire: Wire, status: int) -> None:
    body = {"error": {"message": "额度不足", "code": "insufficient_user_quota"}}
    fault = wire.decode_fault(answer_of(json.dumps(body).encode(), status=status))
    assert fault is not None
    assert (fault.own, fault.status) == (True, status)
    assert (fault.code, fault.message) == ("insufficient_user_quota", "额度不足")


# W7: pictures that are not what they are said to be.
PNG_HEAD = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03\x08\x02\x00\x00\x00"
)
PICTURES = {
    "a PNG called JPEG": ("image/jpeg", PNG_HEAD + b"\x00" * 40 + b"IEND\xaeB`\x82", "image/png"),
    "no bytes": ("image/png", b"", None),
    "a page called a picture": ("image/png", b"<html>quota exceeded</html>", None),
    "text": ("text/plain", b"hello", None),
}


def told(wire: Wire, mime: str, data: bytes) -> bytes:
    """A success body of the wire with that picture, by our own server role."""
    reply = Reply((Image(content_of(data), mime),), finish_reason="STOP")
    return bytes_of(wire.encode_reply(reply, ASK).body)


@each_wire
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_its_bytes_are_and_the_claim_is_kept_beside(
    wire: Wire, name: str
) -> None:
    mime, data, truth = PICTURES[name]
    (part,) = wire.decode_reply(answer_of(told(wire, mime, data))).parts
    assert isinstance(part, Image)
    assert part.mime == mime
    facts = read_facts(part.content)
    assert (facts.mime if facts else None) == truth


@each_wire
@pytest.mark.parametrize("cut", range(1, 65))
def test_base64_cut_anywhere_never_makes_a_whole_picture(wire: Wire, cut: int) -> None:
    mime, data, _ = PICTURES["a PNG called JPEG"]
    body, encoded = told(wire, mime, data), base64.b64encode(data)
    assert encoded in body
    for part in wire.decode_reply(answer_of(body.replace(encoded, encoded[:-cut]))).parts:
        if isinstance(part, Image):
            facts = read_facts(part.content)
            assert facts is None or not facts.complete or cut <= encoded.count(b"=")
