"""Google's native wire: replies in every form they come in, and as stock clients need them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pisang.domain.answer import Ended, Reply, Usage
from pisang.domain.content import content_of
from pisang.domain.request import JSON, Image, Link, Other, Request, Text
from pisang.errors import OutcomeUnknown, RateLimited, WireError
from pisang.wires.base import Ask, Call
from pisang.wires.gemini import Gemini
from pisang.wires.gemini_reply import REFUSAL_SHAPES
from tests.wires.harness import answer_of, bytes_of, heard, scan

WIRE = Gemini()
ASK = Ask(Request((Text("a"),), "m"))
EVENTS = replace(ASK, stream=True, options={"alt": "sse"})
LIST = replace(ASK, stream=True)

SMALL = b"\x89PNG small"
LARGE = b"\x89PNG" + bytes(range(256)) * 200


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(data: bytes = SMALL, **marks: JSON) -> JSON:
    return {"inlineData": {"mimeType": "image/png", "data": b64(data)}} | marks


def chunk(*parts: JSON, **fields: JSON) -> JSON:
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0}]
    } | fields


def reply_to(body: JSON, **how: JSON) -> Reply:
    return WIRE.decode_reply(answer_of(json.dumps(body).encode(), **how))


def events(*chunks: JSON, end: str = "\r\n\r\n") -> bytes:
    return "".join(f"data: {json.dumps(one)}{end}" for one in chunks).encode()


def streamed(*chunks: JSON, **how: JSON) -> Reply:
    return WIRE.decode_reply(answer_of(events(*chunks), **how))


# --- one body ----------------------------------------------------------------------------------


def test_parts_of_every_kind_come_in_their_order() -> None:
    reply = reply_to(
        chunk(
            {"text": "thinking", "thought": True},
            picture(b"draft", thought=True),
            {"text": "here", "thoughtSignature": "c2ln"},
            picture(LARGE, thoughtSignature=b64(LARGE)),
            {"fileData": {"mimeType": "image/png", "fileUri": "https://e.com/a"}},
            {"executableCode": {"code": "1"}},
        )
    )
    thought, draft, text, image, link, other = reply.parts
    assert thought == Text("thinking", thought=True)
    assert draft == Image(content_of(b"draft"), "image/png", thought=True)
    assert isinstance(text, Text)
    assert isinstance(image, Image)
    assert image.content == content_of(LARGE)
    assert image.signature is not None
    assert image.signature.contents == (content_of(LARGE),)
    assert link == Link("https://e.com/a", "image/png")
    assert other == Other({"executableCode": {"code": "1"}}, "gemini")


def test_short_pictures_carry_their_own_bytes() -> None:
    (image,) = reply_to(chunk(picture())).parts
    assert isinstance(image, Image)
    assert image.content.inline == SMALL


def test_a_reply_in_snake_case_says_the_same() -> None:
    reply = reply_to(
        {
            "candidates": [
                {
                    "content": {"parts": [{"inline_data": {"mime_type": "image/png", "data": ""}}]},
                    "finish_reason": "STOP",
                    "finish_message": "ok",
                }
            ],
            "usage_metadata": {
                "prompt_token_count": 1,
                "candidates_tokens_details": [{"modality": "IMAGE", "token_count": 2}],
            },
            "model_version": "m",
            "response_id": "r",
        }
    )
    assert reply == Reply(
        (Image(content_of(b""), "image/png"),),
        finish_reason="STOP",
        message="ok",
        usage=Usage(prompt_tokens=1, image_tokens=2),
        model="m",
        response_id="r",
    )


REFUSED = {"finishReason": "IMAGE_SAFETY", "finishMessage": "no"}


@pytest.mark.parametrize(
    "body",
    [
        {"candidates": [REFUSED | {"content": {}}]},
        {"candidates": [REFUSED | {"content": {"role": "model"}}]},
        {"candidates": [REFUSED | {"content": {"parts": None}}]},
        {"candidates": [REFUSED | {"content": None}]},
        {"candidates": [REFUSED]},
    ],
)
def test_a_refusal_has_its_reason_in_every_shape(body: JSON) -> None:
    reply = reply_to(body)
    assert (reply.parts, reply.finish_reason, reply.message) == ((), "IMAGE_SAFETY", "no")
    assert reply.extra == {}
    assert WIRE.decode_fault(answer_of(json.dumps(body).encode())) is None


@pytest.mark.parametrize("candidates", [{}, {"candidates": []}, {"candidates": None}])
def test_a_blocked_prompt_has_no_candidates(candidates: JSON) -> None:
    feedback = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "no", "xRating": 1}
    reply = reply_to(candidates | {"promptFeedback": feedback})
    assert (reply.block_reason, reply.finish_reason) == ("PROHIBITED_CONTENT", None)
    assert reply.message == "no"
    told = json.loads(bytes_of(WIRE.encode_reply(reply, ASK).body))
    assert told == {"promptFeedback": feedback}


@pytest.mark.parametrize("shape", sorted(REFUSAL_SHAPES))
def test_an_imitator_may_choose_the_shape_of_a_refusal(shape: str) -> None:
    refused = Reply((), finish_reason="NO_IMAGE", usage=Usage(total_tokens=1))
    answer = WIRE.encode_reply(refused, replace(ASK, options={"refusal_shape": shape}))
    again = WIRE.decode_reply(heard(answer))
    assert again == (refused if shape != "no_candidates" else replace(refused, finish_reason=None))


@pytest.mark.parametrize(
    "body",
    [
        {"candidates": ["odd", None, {"content": "odd"}], "usageMetadata": 5, "modelVersion": 5},
        {"candidates": "odd", "promptFeedback": "odd"},
        {"candidates": [{"content": {"parts": "odd"}, "finishReason": 7, "index": "x"}]},
        {"usageMetadata": {"promptTokenCount": "5", "candidatesTokensDetails": "odd"}},
        {"usageMetadata": {"candidatesTokensDetails": [{"modality": "IMAGE"}, 5]}},
        chunk(5, {"inlineData": {"data": "*"}}, {"inlineData": None, "text": None}, {}),
        {},
    ],
)
def test_odd_fields_never_make_a_reply_unreadable(body: JSON) -> None:
    reply = reply_to(body)
    assert not any(isinstance(part, Image) for part in reply.parts)
    assert reply_to(json.loads(bytes_of(WIRE.encode_reply(reply, ASK).body))).parts == reply.parts


def test_image_tokens_are_summed_and_other_details_kept() -> None:
    details = [
        {"modality": "IMAGE", "tokenCount": 1120},
        {"modality": "TEXT", "tokenCount": 9},
        {"modality": "IMAGE", "tokenCount": 1120},
    ]
    reply = reply_to(chunk(usageMetadata={"candidatesTokensDetails": details, "serviceTier": "s"}))
    assert reply.usage == Usage(image_tokens=2240)
    assert reply.extra["gemini"]["usageMetadata"] == {
        "candidatesTokensDetails": details,
        "serviceTier": "s",
    }


def test_what_parts_and_candidates_say_besides_is_told_again_in_its_place() -> None:
    body = chunk({"text": "a"}, picture(mediaResolution={"level": "HIGH"}), createTime="t")
    body["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["q"]}
    body["candidates"][0]["content"]["xNew"] = 1
    body["candidates"][0]["content"]["parts"][1]["inlineData"]["displayName"] = "n"
    assert json.loads(bytes_of(WIRE.encode_reply(reply_to(body), ASK).body)) == body


def test_parts_of_several_candidates_come_in_one_row() -> None:
    one, two = chunk(picture(b"1"))["candidates"][0], chunk(picture(b"2", xNew=1))["candidates"][0]
    reply = reply_to({"candidates": [one, two | {"index": 1, "finishReason": "STOP", "xOld": 2}]})
    assert [part.content for part in reply.parts if isinstance(part, Image)] == [
        content_of(b"1"),
        content_of(b"2"),
    ]
    assert reply.finish_reason == "STOP"
    told = json.loads(bytes_of(WIRE.encode_reply(reply, ASK).body))
    assert told["candidates"][0]["content"]["parts"][1]["xNew"] == 1


# --- streams -----------------------------------------------------------------------------------

STREAM = (
    chunk({"text": "Here "}, modelVersion="m", responseId="r"),
    chunk({"text": "you go"}, {"text": "hm", "thought": True}),
    chunk(picture(LARGE, thoughtSignature="c2ln")),
    chunk({"text": "!"}),
    chunk({"text": "", "thoughtSignature": "c2ln"}),
)
LAST = {
    "candidates": [{"content": None, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"totalTokenCount": 5},
}


@pytest.mark.parametrize(
    "body",
    [
        events(*STREAM, LAST),
        events(*STREAM, LAST, end="\n\n"),
        events(*STREAM, {}, LAST) + b"data: [DONE]\n\n",
        b": comment\n\nevent: message\r\n" + events(*STREAM, LAST) + b"\r\n\r\n",
        events(*STREAM, LAST).rstrip(),
        json.dumps([*STREAM, LAST]).encode(),
        json.dumps([*STREAM, LAST], indent=1).encode(),
    ],
)
def test_a_stream_in_any_form_comes_to_one_reply(body: bytes) -> None:
    answer = answer_of(body)
    assert WIRE.decode_fault(answer) is None
    reply = WIRE.decode_reply(answer)
    said = [(part.text, part.thought) for part in reply.parts if isinstance(part, Text)]
    assert said == [("Here you go", False), ("hm", True), ("!", False), ("", False)]
    assert isinstance(reply.parts[2], Image)
    assert reply.parts[2].content == content_of(LARGE)
    assert (reply.finish_reason, reply.model, reply.response_id) == ("STOP", "m", "r")
    assert reply.usage == Usage(total_tokens=5)


def test_chunks_of_two_candidates_do_not_mix() -> None:
    def piece(index: int, text: str) -> JSON:
        return {"candidates": [{"index": index, "content": {"parts": [{"text": text}]}}]}

    reply = streamed(piece(1, "c"), piece(0, "a"), piece(1, "d"), piece(0, "b"))
    assert reply.parts == (Text("ab"), Text("cd"))


def test_a_picture_is_kept_though_the_stream_failed_behind_it() -> None:
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    answer = answer_of(events(STREAM[2], error))
    assert WIRE.decode_fault(answer) is None
    reply = WIRE.decode_reply(answer)
    assert reply.message == "overloaded"
    assert isinstance(reply.parts[0], Image)


def test_the_models_own_word_goes_before_the_streams_failure() -> None:
    reply = streamed(STREAM[2], {"candidates": [{"finishMessage": "mine"}]}, {"error": "theirs"})
    assert reply.message == "mine"


def test_a_stream_that_failed_before_any_picture_is_a_fault_and_not_known_to_be_free() -> None:
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    answer = answer_of(events(STREAM[0], error))
    fault = WIRE.decode_fault(answer)
    assert fault is not None
    assert (fault.status, fault.code, fault.message) == (200, "UNAVAILABLE", "overloaded")
    assert WIRE.decode_reply(answer).message == "overloaded"


@pytest.mark.parametrize("error", [{"code": 5}, {"status": "INTERNAL"}, {"message": "m"}, "text"])
def test_a_body_that_is_only_an_error_is_no_reply(error: JSON) -> None:
    with pytest.raises(WireError, match="no reply"):
        reply_to({"error": error})


@pytest.mark.parametrize("body", [b"", b"5", b'"text"', b"[]", b"[1]", b"<html>", b"data: 5\n\n"])
def test_what_holds_no_object_is_no_reply(body: bytes) -> None:
    with pytest.raises(WireError):
        WIRE.decode_reply(answer_of(body))


# --- cut bodies --------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["json", "list", "events"])
def test_a_body_cut_at_any_byte_gives_what_came_or_an_error(framing: str) -> None:
    text, image = {"text": "Here"}, picture(b"0123456789" * 6)
    body = {
        "json": json.dumps(chunk(text, image, modelVersion="m")).encode(),
        "list": json.dumps([chunk(text), chunk(image), LAST]).encode(),
        "events": events(chunk(text), chunk(image), LAST),
    }[framing]
    whole = WIRE.decode_reply(answer_of(body)).parts
    seen = set()
    for end in range(len(body)):
        try:
            reply = WIRE.decode_reply(answer_of(body[:end], ended=Ended.CUT))
        except WireError:
            assert end < 40
            continue
        pictures = [part for part in reply.parts if part == whole[1]]
        done = body.index(b'"', body.index(b'"data": "') + 9)
        assert bool(pictures) is (end > done)
        seen.add(len(reply.parts))
    assert seen == {0, 1, 2}


def test_a_long_picture_that_was_whole_before_the_cut_is_there() -> None:
    body = json.dumps(chunk(picture(LARGE), {"text": "and more"})).encode()
    reply = WIRE.decode_reply(answer_of(body[:-40], ended=Ended.CUT))
    assert reply.parts[0] == Image(content_of(LARGE), "image/png")


# --- as it is told -----------------------------------------------------------------------------

PAINTED = Reply(
    (
        Text("hm", thought=True),
        Text("Here "),
        Text("you go"),
        Image(content_of(LARGE), "image/jpeg"),
        Image(content_of(SMALL), "image/png"),
    ),
    finish_reason="STOP",
    usage=Usage(1, 2, 3, 4, 5),
    model="gemini-3-pro-image",
    response_id="r",
    extra={"gemini": {"createTime": "t"}},
)


def test_events_are_data_lines_and_blank_lines_and_nothing_else() -> None:
    answer = WIRE.encode_reply(PAINTED, EVENTS)
    assert answer.headers["content-type"] == "text/event-stream"
    body = bytes_of(answer.body)
    assert body.endswith(b"\r\n\r\n")
    lines = body.split(b"\r\n\r\n")[:-1]
    assert len(lines) == len(PAINTED.parts)
    chunks = [json.loads(line.removeprefix(b"data: ")) for line in lines]
    assert all(line.startswith(b"data: {") and b"\n" not in line for line in lines)
    for told, part in zip(chunks, PAINTED.parts, strict=True):
        (candidate,) = told["candidates"]
        assert len(candidate["content"]["parts"]) == 1
        assert ("inlineData" in candidate["content"]["parts"][0]) is isinstance(part, Image)
        assert told["modelVersion"] == "gemini-3-pro-image"
    assert ["finishReason" in told["candidates"][0] for told in chunks] == [False] * 4 + [True]
    assert ["usageMetadata" in told for told in chunks] == [False] * 4 + [True]
    assert ["createTime" in told for told in chunks] == [False] * 4 + [True]


def test_a_stream_without_alt_sse_is_one_list() -> None:
    answer = WIRE.encode_reply(PAINTED, LIST)
    assert answer.headers["content-type"].startswith("application/json")
    assert len(json.loads(bytes_of(answer.body))) == len(PAINTED.parts)


def test_a_refusal_is_streamed_as_one_event() -> None:
    body = bytes_of(WIRE.encode_reply(Reply((), block_reason="SAFETY"), EVENTS).body)
    assert body == b'data: {"promptFeedback":{"blockReason":"SAFETY"}}\r\n\r\n'


def test_errors_are_googles_object_with_the_facts_in_details() -> None:
    error = RateLimited(upstream="up", retry_after_s=33.2, request_id="req_1")
    answer = WIRE.encode_error(error)
    assert answer.status == 429
    assert answer.headers["retry-after"] == "34"
    told = json.loads(bytes_of(answer.body))["error"]
    assert (told["code"], told["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert "too many requests" in told["message"]
    info, wait = told["details"]
    assert info["@type"].endswith("google.rpc.ErrorInfo")
    assert (info["reason"], info["metadata"]["request_id"]) == ("rate_limited", "req_1")
    assert wait == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}


def test_an_unknown_outcome_is_424_and_says_what_is_at_stake() -> None:
    error = OutcomeUnknown(
        upstream="up", why="it was cut", at_stake="0.134 USD", hint="See `pisang unknown list`."
    )
    for ask, is_list in ((None, False), (ASK, False), (EVENTS, False), (LIST, True)):
        answer = WIRE.encode_error(error, ask)
        assert answer.status == 424
        assert answer.headers["x-should-retry"] == "false"
        body = json.loads(bytes_of(answer.body))
        assert isinstance(body, list) is is_list
        told = (body[0] if is_list else body)["error"]
        assert told["status"] == "FAILED_PRECONDITION"
        assert "At stake: 0.134 USD. See `pisang unknown list`." in told["message"]
        assert told["details"][0]["metadata"]["charged"] == "unknown"
        fault = WIRE.decode_fault(heard(answer))
        assert fault is not None
        assert (fault.status, fault.code, fault.own) == (424, "outcome_unknown", True)


# --- as Google's own SDK reads it --------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A loopback server that understands and answers by the wire alone; `fail` and `refuse` do."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            path, _, query = self.path.partition("?")
            body = scan(self.rfile.read(int(self.headers["content-length"])))
            parameters = dict(pair.split("=") for pair in query.split("&") if pair)
            ask = WIRE.decode_request(Call("POST", path, parameters, {}, body.skeleton, body.spans))
            fail = ask.request.prompt == "fail"
            refuse = Reply((), finish_reason="IMAGE_SAFETY", message="no")
            told = refuse if ask.request.prompt == "refuse" else PAINTED
            answer = (
                WIRE.encode_error(RateLimited(upstream="up"), ask)
                if fail
                else WIRE.encode_reply(told, ask)
            )
            data = bytes_of(answer.body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.mark.filterwarnings("default")
def test_googles_sdk_reads_whole_and_streamed_answers_refusals_and_errors(server: str) -> None:
    genai = pytest.importorskip("google.genai", reason="NOT RUN: google-genai is not installed")
    with genai.Client(
        api_key="made-up", http_options=genai.types.HttpOptions(base_url=server)
    ) as client:
        config = genai.types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=genai.types.ImageConfig(aspect_ratio="16:9", image_size="2K"),
        )
        whole = client.models.generate_content(model="m", contents="cat", config=config)
        chunks = list(client.models.generate_content_stream(model="m", contents="cat"))
        refusal = client.models.generate_content(model="m", contents="refuse")
        with pytest.raises(genai.errors.ClientError) as failed:
            client.models.generate_content(model="m", contents="fail")
        with pytest.raises(genai.errors.ClientError) as streamed_failure:
            list(client.models.generate_content_stream(model="m", contents="fail"))
    assert [part.inline_data.data for part in whole.parts if part.inline_data] == [LARGE, SMALL]
    assert whole.parts[0].thought is True
    assert whole.usage_metadata.candidates_tokens_details[0].token_count == 3
    pictures = [part.inline_data for one in chunks for part in one.parts if part.inline_data]
    assert [(one.data, one.mime_type) for one in pictures] == [
        (LARGE, "image/jpeg"),
        (SMALL, "image/png"),
    ]
    assert chunks[-1].candidates[0].finish_reason == "STOP"
    assert refusal.candidates[0].finish_reason == "IMAGE_SAFETY"
    assert (failed.value.code, failed.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert streamed_failure.value.code == 429
