"""Real bodies of the Gemini API and of Vertex: decoded under many chunkings, and to the byte.

The recordings lie beside the checkout; without them these tests are skipped, and say so.
"""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import pytest

from pisang.domain.answer import Answer, Ended
from pisang.domain.content import Content, span_pieces
from pisang.domain.image import read_facts
from pisang.domain.request import Image, Request, Text, Turn
from pisang.domain.upstream import Upstream
from pisang.wires.base import Ask, Call
from pisang.wires.gemini import Gemini
from pisang.wires.scan import MemorySink, Scanned, Scanner
from tests.wires.harness import bytes_of, called, chunked, replay

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"
NAMES = (
    "2.5-text-only",
    "2.5-text-then-image",
    "pro-image-only",
    "pro-text-then-image-signed",
    "vertex-2.5-jpeg",
)
pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"NOT RUN: no recordings in {RECORDED}"
)

WIRE = Gemini()
ASK = Ask(Request((Text("a"),), "m"))

FACTS = {
    "2.5-text-only": [],
    "2.5-text-then-image": [("image/png", 1024, 1024, 1_935_378)],
    "pro-image-only": [("image/jpeg", 1408, 768, 931_369)],
    "pro-text-then-image-signed": [("image/jpeg", 1408, 768, 852_360)],
    "vertex-2.5-jpeg": [("image/jpeg", 1024, 1024, 232_315)],
}
SIGNATURES = {
    "2.5-text-only": [0],
    "2.5-text-then-image": [0, 0],
    "pro-image-only": [2_909_844],
    "pro-text-then-image-signed": [1_100_216, 1_098_588],
    "vertex-2.5-jpeg": [0],
}
USAGES = {
    "2.5-text-only": (18, 48, None, None, 66),
    "2.5-text-then-image": (17, 1_336, 1_290, None, 1_353),
    "pro-image-only": (22, 1_216, 1_120, 179, 1_417),
    "pro-text-then-image-signed": (14, 1_283, 1_120, 174, 1_471),
    "vertex-2.5-jpeg": (9, 1_290, 1_290, None, 1_299),
}
"""Prompt, output, of images, thoughts, in all."""


def body_of(name: str) -> bytes:
    return (RECORDED / f"{name}.response.json").read_bytes()


def scanned(data: bytes, chunks: object, sink: MemorySink) -> Scanned:
    scanner = Scanner(sink, framing="json")
    for chunk in chunks:  # type: ignore[attr-defined]
        scanner.feed(chunk)
    return scanner.close()


def answered(scan: Scanned) -> Answer:
    return Answer(Ended.WHOLE, True, 200, skeleton=scan.skeleton, spans=scan.spans)


def parts_of(data: bytes) -> list[dict[str, object]]:
    """The parts as the standard library reads them, for comparison."""
    return json.loads(data)["candidates"][0]["content"]["parts"]


def read(content: Content, sink: MemorySink) -> bytes:
    return content.inline if content.inline is not None else b"".join(sink.read(content))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_every_chunking_gives_the_same_reply_and_the_very_bytes(name: str, seed: int) -> None:
    data, sink = body_of(name), MemorySink()
    rng = random.Random(seed)
    chunks = chunked(data, rng, most=(1_400, 65_536, 1_000_000, len(data))[seed])
    scan = scanned(data, chunks, sink)
    assert replay(scan.skeleton, scan.spans, sink) == data

    reply = WIRE.decode_reply(answered(scan))
    assert WIRE.decode_fault(answered(scan)) is None
    theirs = parts_of(data)
    assert len(reply.parts) == len(theirs)
    for ours, raw in zip(reply.parts, theirs, strict=True):
        if isinstance(ours, Text):
            assert ours.text == raw["text"]
            continue
        assert isinstance(ours, Image)
        assert ours.mime == raw["inlineData"]["mimeType"]  # type: ignore[index]
        expected = base64.b64decode(raw["inlineData"]["data"], validate=True)  # type: ignore[index]
        assert read(ours.content, sink) == expected


@pytest.mark.parametrize("name", NAMES)
def test_images_are_what_they_were_measured_to_be(name: str) -> None:
    sink = MemorySink()
    reply = WIRE.decode_reply(answered(scanned(body_of(name), [body_of(name)], sink)))
    found = []
    for part in reply.parts:
        if isinstance(part, Image):
            facts = read_facts(part.content)
            assert facts is not None
            assert facts.complete
            assert facts.mime == part.mime
            found.append((facts.mime, facts.width, facts.height, part.content.size))
    assert found == FACTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_signatures_come_back_byte_exact_on_their_own_parts(name: str) -> None:
    data, sink = body_of(name), MemorySink()
    reply = WIRE.decode_reply(answered(scanned(data, [data], sink)))
    lengths = []
    for part, raw in zip(reply.parts, parts_of(data), strict=True):
        signature = part.signature  # type: ignore[union-attr]
        theirs = str(raw.get("thoughtSignature", "")).encode()
        ours = b"" if signature is None else bytes_of(span_pieces(signature), sink)
        assert ours == theirs
        lengths.append(len(ours))
    assert lengths == SIGNATURES[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_reply_is_told_again_with_every_field_it_had(name: str) -> None:
    data, sink = body_of(name), MemorySink()
    reply = WIRE.decode_reply(answered(scanned(data, [data], sink)))
    told = json.loads(bytes_of(WIRE.encode_reply(reply, ASK).body, sink))
    expected = json.loads(data)
    expected["candidates"][0].setdefault("index", 0)  # Vertex leaves it out
    assert told == expected


@pytest.mark.parametrize("name", NAMES)
def test_usage_is_read_with_its_image_tokens(name: str) -> None:
    data = body_of(name)
    usage = WIRE.decode_reply(answered(scanned(data, [data], MemorySink()))).usage
    assert usage is not None
    counts = (
        usage.prompt_tokens,
        usage.output_tokens,
        usage.image_tokens,
        usage.thoughts_tokens,
        usage.total_tokens,
    )
    assert counts == USAGES[name]


def test_what_only_vertex_says_is_kept() -> None:
    data = body_of("vertex-2.5-jpeg")
    reply = WIRE.decode_reply(answered(scanned(data, [data], MemorySink())))
    assert "createTime" in reply.extra["gemini"]
    assert "trafficType" in reply.extra["gemini"]["usageMetadata"]


@pytest.mark.parametrize("name", NAMES)
def test_a_trimmed_recording_is_read_byte_by_byte(name: str) -> None:
    body = json.loads(body_of(name))
    for part in body["candidates"][0]["content"]["parts"]:
        for holder, key in ((part.get("inlineData", {}), "data"), (part, "thoughtSignature")):
            if key in holder:
                holder[key] = holder[key][:20_000]
    data, sink = json.dumps(body).encode(), MemorySink()
    scan = scanned(data, (data[at : at + 1] for at in range(len(data))), sink)
    assert replay(scan.skeleton, scan.spans, sink) == data
    whole = WIRE.decode_reply(answered(scanned(data, [data], MemorySink())))
    assert WIRE.decode_reply(answered(scan)) == whole


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_request_is_understood_and_asked_again(name: str) -> None:
    recorded = json.loads((RECORDED / f"{name}.request.json").read_bytes())
    body = json.dumps(recorded["body"]).encode()
    scan = scanned(body, [body], MemorySink())
    ask = WIRE.decode_request(Call("POST", recorded["path"], {}, {}, scan.skeleton, scan.spans))
    assert ask.request.model == recorded["path"].rpartition("/")[2].removesuffix(":generateContent")
    request, warnings = WIRE.encode_request(ask.request, Upstream("up", "gemini", "https://e.com"))
    assert warnings == ()
    asked = json.loads(bytes_of(request.body))
    assert asked == without_empty(recorded["body"] | {"contents": without_role(recorded["body"])})
    assert WIRE.decode_request(called(request)).request == ask.request


def without_role(body: dict[str, object]) -> list[object]:
    """A lone user turn needs no role; the relay guide prints it without."""
    (content,) = body["contents"]  # type: ignore[misc]
    return [{key: value for key, value in content.items() if key != "role"}]


def without_empty(value: object) -> object:
    if not isinstance(value, dict):
        return value
    kept = {key: without_empty(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if item != {}}


def test_an_edit_sends_the_signed_turn_back_as_it_came() -> None:
    data, sink = body_of("pro-text-then-image-signed"), MemorySink()
    reply = WIRE.decode_reply(answered(scanned(data, [data], sink)))
    wish = Request(
        (Text("make it night"),),
        "gemini-3-pro-image",
        history=(Turn("user", (Text("an axolotl"),)), Turn("model", reply.parts)),
    )
    request, warnings = WIRE.encode_request(wish, Upstream("up", "gemini", "https://e.com"))
    assert warnings == ()
    sent = json.loads(bytes_of(request.body, sink))
    assert [content["role"] for content in sent["contents"]] == ["user", "model", "user"]
    assert sent["contents"][1]["parts"] == parts_of(data)
