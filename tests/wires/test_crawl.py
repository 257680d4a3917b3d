"""The crawl wire, both roles: the laws, the limits of its document, tolerance beyond it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Ended, Reply
from pisang.domain.content import content_of
from pisang.domain.request import JSON, Image, Link, Other, Request, Text, Turn
from pisang.domain.upstream import Quirks, Upstream
from pisang.errors import (
    OutcomeUnknown,
    RateLimited,
    RatioUnsupported,
    ReferenceUnsupported,
    SizeUnsupported,
    WireError,
)
from pisang.wires.base import Ask, Call
from pisang.wires.crawl import PATH, Crawl
from pisang.wires.crawl_request import RATIOS
from tests.wires import strategies as some
from tests.wires.harness import answer_of, bytes_of, called, heard, scan

WIRE = Crawl()
UPSTREAM = Upstream("up", "crawl", "https://example.com", kind="crawl")
ASK = Ask(Request((Text("a"),), "nano-banana2"))
LARGE = b"\x89PNG" + bytes(range(256)) * 200

pictures = some.image_parts.filter(lambda part: part.content.size > 0)
parts = st.one_of(some.text_parts, pictures, some.words.map(lambda w: Link(f"http://e/{w}")))
own_parts = some.unknown_fields.map(lambda fields: Other({"type": "audio"} | fields, "crawl"))
wishes = some.requests(
    "crawl",
    parts=st.one_of(parts, own_parts),
    history=some.turns(parts),
    modalities=st.just(("TEXT", "IMAGE")),
)
stories = some.replies(
    "crawl",
    parts=st.tuples(some.image_parts, st.lists(st.one_of(parts, own_parts), max_size=3)).map(
        lambda drawn: (drawn[0], *drawn[1])
    ),
    finish_reason=st.none() | st.sampled_from(["stop", "length", "content_filter"]),
    message=st.none() | st.just("slow today"),
)


def sent(wish: Request, upstream: Upstream = UPSTREAM) -> JSON:
    return json.loads(bytes_of(WIRE.encode_request(wish, upstream)[0].body))


def decoded(body: JSON) -> Ask:
    scanned = scan(json.dumps(body, ensure_ascii=False).encode())
    return WIRE.decode_request(Call("POST", PATH, {}, {}, scanned.skeleton, scanned.spans))


def body(content: JSON = "a cat", **fields: JSON) -> JSON:
    return {"model": "nano-banana2", "messages": [{"role": "user", "content": content}]} | fields


def answered(contents: JSON, **fields: JSON) -> JSON:
    message = {"multimodal_contents": contents}
    return {"code": 0, "msg": "success", "data": {"choices": [{"message": message}]}} | fields


def reply_to(told: JSON, **how: JSON) -> Reply:
    return WIRE.decode_reply(answer_of(json.dumps(told).encode(), **how))


def picture(data: bytes = LARGE, mime: str = "image/png") -> JSON:
    data_64 = base64.b64encode(data).decode()
    return {"type": "inline_data", "inline_data": {"mime_type": mime, "data": data_64}}


# --- laws --------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(wishes)
def test_a_wish_comes_out_as_it_went_in(wish: Request) -> None:
    request, warnings = WIRE.encode_request(wish, UPSTREAM)
    assert WIRE.decode_request(called(request)) == Ask(wish, options={"mime": "image/png"})
    assert warnings == ()


@settings(max_examples=80, deadline=None)
@given(stories)
def test_a_reply_comes_out_as_it_went_in(reply: Reply) -> None:
    answer = heard(WIRE.encode_reply(reply, ASK))
    assert WIRE.decode_reply(answer) == reply
    assert WIRE.decode_fault(answer) is None


@settings(max_examples=60, deadline=None)
@given(some.unknown_fields, some.unknown_fields, some.unknown_fields)
def test_unknown_fields_are_asked_again_at_every_depth(top: JSON, one: JSON, other: JSON) -> None:
    url = {"url": "data:image/png;base64,MTI="}
    asked = top | {
        "stream": False,
        "model": "nano-banana2",
        "max_tokens": 20_000,
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "s"}]} | one,
            {"role": "assistant", "content": [{"type": "text", "text": "t"} | other]},
            {"role": "user", "content": [{"type": "image_url", "image_url": url | one} | other]},
        ],
        "response_modalities": ["TEXT", "IMAGE"],
        "image_config": one
        | {"aspectRatio": "1:1", "imageOutputOptions": other | {"mimeType": "image/png"}},
    }
    assert sent(decoded(asked).request) == asked


@settings(max_examples=60, deadline=None)
@given(some.unknown_fields, some.unknown_fields, some.unknown_fields)
def test_unknown_fields_are_told_again_at_every_depth(top: JSON, one: JSON, other: JSON) -> None:
    told = answered([picture(b"1") | one, {"type": "text", "text": "t"} | other], **top)
    told["data"] |= one
    told["data"]["choices"][0] |= other
    told["data"]["choices"][0]["message"] |= one
    assert json.loads(bytes_of(WIRE.encode_reply(reply_to(told), ASK).body)) == told


# --- what is sent ------------------------------------------------------------------------------


def test_the_log_id_is_a_header_and_never_in_the_body() -> None:
    wish = Request((Text("a"),), "m", extra={"crawl": {"logid": "nanobanana_x_1", "seed": 5}})
    request, _ = WIRE.encode_request(wish, UPSTREAM)
    assert request.headers["X-TT-LOGID"] == "nanobanana_x_1"
    assert request.path == PATH
    assert request.query == ()
    sent_body = bytes_of(request.body)
    assert b"logid" not in sent_body
    assert json.loads(sent_body)["seed"] == 5


@pytest.mark.parametrize("log_id", ["a\r\nX-Evil: 1", "", "é", 5, None, "x" * 129])
def test_a_log_id_that_is_no_header_value_is_not_sent(log_id: JSON) -> None:
    wish = Request((Text("a"),), "m", extra={"crawl": {"logid": log_id}})
    assert "X-TT-LOGID" not in WIRE.encode_request(wish, UPSTREAM)[0].headers


def test_own_fields_and_the_upstreams_token_limit_are_sent() -> None:
    patient = replace(UPSTREAM, quirks=Quirks(max_tokens=9_000))
    assert sent(Request((Text("a"),), "m"), patient)["max_tokens"] == 9_000
    extra = {"crawl": {"max_tokens": 5, "image_config": {"imageOutputOptions": {"quality": 9}}}}
    asked = sent(Request((Text("a"),), "m", "1:1", extra=extra), patient)
    assert asked["max_tokens"] == 5
    assert asked["image_config"] == {
        "aspectRatio": "1:1",
        "imageOutputOptions": {"mimeType": "image/png", "quality": 9},
    }


@pytest.mark.parametrize("size", ["512", "4K", "8k", ""])
def test_a_size_beyond_its_two_is_refused(size: str) -> None:
    with pytest.raises(SizeUnsupported, match="1K, 2K"):
        WIRE.encode_request(Request((Text("a"),), "m", image_size=size), UPSTREAM)


def test_its_ten_ratios_pass_and_others_are_refused() -> None:
    assert len(RATIOS) == 10
    for ratio in RATIOS:
        assert sent(Request((Text("a"),), "m", ratio, "2k"))["image_config"] == {
            "aspectRatio": ratio,
            "imageSize": "2K",
            "imageOutputOptions": {"mimeType": "image/png"},
        }
    with pytest.raises(RatioUnsupported, match="21:9"):
        WIRE.encode_request(Request((Text("a"),), "m", "1:8"), UPSTREAM)


PICTURE = Image(content_of(b"12"), "image/png", label="the dog")


def test_references_are_data_urls_behind_their_labels() -> None:
    (message,) = sent(Request((Text("a"), PICTURE), "m"))["messages"]
    assert message["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "the dog"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,MTI="}},
    ]


@pytest.mark.parametrize(
    "reference", [PICTURE, Link("https://e.com/a"), replace(PICTURE, label=None)]
)
def test_references_are_refused_where_the_upstream_takes_none(reference: Image | Link) -> None:
    words_only = replace(UPSTREAM, quirks=Quirks(references=False))
    for wish in (
        Request((Text("a"), reference), "m"),
        Request((Text("a"),), "m", history=(Turn("model", (reference,)),)),
    ):
        with pytest.raises(ReferenceUnsupported, match="words only"):
            WIRE.encode_request(wish, words_only)
    thought = replace(reference, thought=True)
    WIRE.encode_request(Request((Text("a"), thought), "m"), words_only)


def test_a_link_of_another_kind_is_refused() -> None:
    with pytest.raises(ReferenceUnsupported, match="gs://b/c"):
        WIRE.encode_request(Request((Link("gs://b/c"),), "m"), UPSTREAM)


def test_what_the_wire_cant_say_is_said_to_be_dropped() -> None:
    signed = replace(PICTURE, signature=some._signature("c2ln"))
    wish = Request(
        (Text("a"), Other({"x": 1}, "gemini")),
        "m",
        n=2,
        history=(Turn("model", (Text("hm", thought=True), signed)),),
        extra={"gemini": {"tools": []}},
    )
    request, warnings = WIRE.encode_request(wish, UPSTREAM, stream=True)
    assert [warn.code for warn in warnings] == [
        "part_dropped",
        "signature_dropped",
        "field_dropped",
        "n_dropped",
        "stream_dropped",
    ]
    messages = json.loads(bytes_of(request.body))["messages"]
    assert [len(message["content"]) for message in messages] == [2, 1]


# --- what is understood ------------------------------------------------------------------------


def test_the_least_body_is_understood() -> None:
    assert decoded(body()) == Ask(Request((Text("a cat"),), "nano-banana2", modalities=()))


def test_another_image_type_is_an_option_and_asked_for_again() -> None:
    ask = decoded(body(image_config={"imageOutputOptions": {"mimeType": "image/jpeg"}}))
    assert ask.options == {"mime": "image/jpeg"}
    assert sent(ask.request)["image_config"]["imageOutputOptions"] == {"mimeType": "image/jpeg"}


def test_a_long_reference_is_read_out_of_its_data_url() -> None:
    url = "data:image/png;base64," + base64.b64encode(LARGE).decode()
    ask = decoded(body([{"type": "image_url", "image_url": url}, {"type": "text", "text": "a"}]))
    assert ask.request.parts == (Image(content_of(LARGE), "image/png"), Text("a"))


def test_text_messages_of_the_system_become_one_text() -> None:
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    system = {"role": "system", "content": texts}
    ask = decoded(body() | {"messages": [system, *body()["messages"]]})
    assert ask.request.system == "a\nb"


USER = {"role": "user", "content": "a"}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ([], "the body"),
        (None, "messages"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": ["a"]}, r"messages\[0\]"),
        ({"model": "m", "messages": [{"role": "tool", "content": "a"}]}, r"messages\[0\]"),
        ({"model": "m", "messages": [{"role": ["user"], "content": "a"}]}, r"messages\[0\]"),
        ({"model": "m", "messages": [{"role": "user"}]}, "string"),
        ({"model": "m", "messages": [USER, {"role": "assistant", "content": "a"}]}, "last"),
        ({"model": "m", "messages": [{"role": "system", "content": "a"}]}, "last"),
        ({"model": "m", "messages": [USER, {"role": "system", "content": "a"}, USER]}, "system"),
        (body([5]), r"content\[0\]"),
        (body([{"type": "text", "text": 5}]), "string"),
        (body([{"type": "image_url"}]), r"content\[0\]"),
        (body([{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]), "data URL"),
        (body([{"type": "image_url", "image_url": "data:image/png;base64,*"}]), "data URL"),
        (body([{"type": "image_url", "image_url": "data:image/png;base64,QQ==x"}]), "data URL"),
        (body([{"type": "image_url", "image_url": "data:image/png;base64,QUJDR"}]), "data URL"),
        (body(stream=True), "stream"),
        (body(image_config=5), "image_config"),
        (body(image_config={"imageOutputOptions": 5}), "imageOutputOptions"),
        (body(image_config={"aspectRatio": 5}), "aspectRatio"),
        (body(response_modalities="IMAGE"), "response_modalities"),
        (body(response_modalities=[5]), "response_modalities"),
        (body(model=None), "model"),
        (body(model=""), "model"),
        (body(model=5), "model"),
        (
            body() | {"messages": [{"role": "system", "content": [{"type": "audio"}]}, USER]},
            "more than text",
        ),
    ],
)
def test_a_malformed_body_is_refused_naming_the_place(asked: JSON, why: str) -> None:
    with pytest.raises(WireError, match=why):
        decoded(asked)


def test_a_message_that_is_too_long_for_a_url_is_refused_and_not_crashed_on() -> None:
    half = "data:image/png;base64," + base64.b64encode(LARGE).decode() + "*" * 20_000
    with pytest.raises(WireError, match="data URL"):
        decoded(body([{"type": "image_url", "image_url": {"url": half}}]))


# --- replies -----------------------------------------------------------------------------------


def test_every_picture_of_every_choice_counts() -> None:
    told = answered([{"type": "text", "text": "t"}, picture(b"1"), picture(b"2", "image/jpeg")])
    told["data"]["choices"].append({"message": {"multimodal_contents": [picture(b"3")]}})
    told["data"]["choices"][1]["finish_reason"] = "stop"
    reply = reply_to(told)
    assert [part.content.inline for part in reply.parts if isinstance(part, Image)] == [
        b"1",
        b"2",
        b"3",
    ]
    assert reply.finish_reason == "stop"


@pytest.mark.parametrize("contents", [None, [], "odd", [5], [{"type": "audio"}], [{}]])
def test_an_answer_without_a_picture_has_none(contents: JSON) -> None:
    reply = reply_to(answered(contents))
    assert not any(isinstance(part, Image | Link) for part in reply.parts)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "inline_data"},
        {"type": "inline_data", "inline_data": "odd"},
        {"type": "inline_data", "inline_data": {"data": "*"}},
        {"type": "inline_data", "inline_data": {"mime_type": "image/png"}},
        {"type": "image_url", "image_url": {"url": "ftp://e.com/a"}},
        {"type": "image_url", "image_url": {"url": 5}},
        {"type": "text"},
        {"type": "text", "text": 5},
    ],
)
def test_an_item_that_cant_be_read_is_kept_as_it_stands(item: JSON) -> None:
    assert reply_to(answered([item])).parts == (Other(item, "crawl"),)


def test_pictures_of_assumed_forms_are_found() -> None:
    data_url = {"url": "data:image/webp;base64,MTI="}
    link = {"url": "https://e.com/a", "detail": "high"}
    items = [{"type": "image_url", "image_url": one} for one in (data_url, link)]
    reply = reply_to(answered([*items, picture(b"1", 5)]))  # type: ignore[arg-type]
    assert reply.parts == (
        Image(content_of(b"12"), "image/webp"),
        Link("https://e.com/a"),
        Image(content_of(b"1"), ""),
    )


def test_plain_chat_content_is_text() -> None:
    told = {"code": 0, "data": {"choices": [{"message": {"content": "sorry"}}, 5]}}
    assert reply_to(told).parts == (Text("sorry"),)
    told = {"code": 0, "data": {"choices": [{"message": 5}, {"message": {"content": 5}}]}}
    assert reply_to(told).parts == ()


def test_what_a_second_choices_item_says_besides_is_kept() -> None:
    told = answered([picture(b"1")])
    told["data"]["choices"][0]["message"] = 5
    told["data"]["choices"].append({"message": {"multimodal_contents": [picture(b"2") | {"x": 1}]}})
    reply = reply_to(told)
    assert json.loads(bytes_of(WIRE.encode_reply(reply, ASK).body))["data"]["choices"][0][
        "message"
    ]["multimodal_contents"] == [picture(b"2") | {"x": 1}]


def test_a_cut_body_gives_the_pictures_that_came() -> None:
    whole = json.dumps(answered([picture(), picture(b"2")])).encode()
    reply = WIRE.decode_reply(answer_of(whole[:-60], ended=Ended.CUT))
    assert reply.parts[0] == Image(content_of(LARGE), "image/png")


def test_thoughts_are_not_told_for_they_would_pass_for_images() -> None:
    draft = Image(content_of(b"1"), "image/png", thought=True)
    reply = Reply((draft, Image(content_of(b"2"), "image/png"), Other({"x": 1}, "gemini")))
    told = json.loads(bytes_of(WIRE.encode_reply(reply, ASK).body))
    assert told["data"]["choices"][0]["message"]["multimodal_contents"] == [picture(b"2")]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply((Text("t"),), message="because"), "because"),
        (Reply((), block_reason="SAFETY"), "SAFETY"),
        (Reply((), finish_reason="NO_IMAGE"), "NO_IMAGE"),
        (Reply(()), "no image"),
    ],
)
def test_a_reply_without_a_picture_is_told_as_a_failure(reply: Reply, reason: str) -> None:
    answer = WIRE.encode_reply(reply, ASK)
    told = json.loads(bytes_of(answer.body))
    assert (told["code"], told["msg"]) == (422, reason)
    fault = WIRE.decode_fault(heard(answer))
    assert fault is not None
    assert (fault.status, fault.code, fault.message, fault.own) == (200, "422", reason, True)
    assert WIRE.decode_reply(heard(answer)).parts == reply.parts


# --- faults and errors -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "status", "code", "message"),
    [
        ({"code": 1001, "msg": "余额不足"}, 200, "1001", "余额不足"),
        ({"code": 1001, "msg": ""}, 200, "1001", ""),
        ({"code": "E1", "msg": "m"}, 200, "E1", "m"),
        ({"code": -1, "msg": "m"}, 500, "-1", "m"),
        ({"code": 0, "msg": "success"}, 500, "0", "success"),
        ({"error": {"message": "m", "code": "invalid_api_key"}}, 401, "invalid_api_key", "m"),
        ({"code": 5, "error": {"message": "m", "code": "x"}}, 401, "5", "m"),
    ],
)
def test_a_code_is_kept_as_the_wires_own_word(
    told: JSON, status: int, code: str, message: str
) -> None:
    fault = WIRE.decode_fault(answer_of(json.dumps(told).encode(), status=status))
    assert fault is not None
    assert (fault.status, fault.code, fault.message) == (status, code, message)
    assert fault.own is True


@pytest.mark.parametrize("told", [{}, {"foo": 1}, {"code": None}, [], 5])
def test_what_has_no_code_and_no_data_is_a_fault_nobody_owns(told: JSON) -> None:
    fault = WIRE.decode_fault(answer_of(json.dumps(told).encode()))
    assert fault is not None
    assert (fault.own, fault.code) == (False, None)


@pytest.mark.parametrize(
    "told",
    [
        answered([picture(b"1")]),
        answered(None),
        answered([picture(b"1")], code="0"),
        answered([picture(b"1")], code=7),
        {"data": {"choices": []}},
    ],
)
def test_success_or_a_picture_is_no_fault(told: JSON) -> None:
    assert WIRE.decode_fault(answer_of(json.dumps(told).encode())) is None


def test_a_page_is_a_fault_with_its_words() -> None:
    fault = WIRE.decode_fault(answer_of(b"<h1>502 Bad Gateway</h1>", status=502))
    assert fault is not None
    assert (fault.own, fault.excerpt) == (False, "502 Bad Gateway")


def test_errors_are_code_and_msg_under_their_status() -> None:
    answer = WIRE.encode_error(RateLimited(upstream="up", retry_after_s=2), ASK)
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    told = json.loads(bytes_of(answer.body))
    assert (told["code"], told["pisang"]["code"]) == (429, "rate_limited")
    assert "too many requests" in told["msg"]
    unknown = WIRE.encode_error(OutcomeUnknown(upstream="up", why="cut"))
    assert (unknown.status, unknown.headers["x-should-retry"]) == (424, "false")
