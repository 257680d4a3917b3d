"""Chat completions with pictures, both roles: the laws, then what relays really answer."""

from __future__ import annotations

import base64
import contextlib
import json
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Answer, Ended, Reply, Usage
from pisang.domain.content import Content, Span, TextRun, content_of
from pisang.domain.request import JSON, Image, Link, Other, Part, Request, Text, Turn
from pisang.domain.upstream import Quirks, Upstream
from pisang.errors import (
    OptionInvalid,
    OutcomeUnknown,
    PisangError,
    PromptMissing,
    RateLimited,
    ReferenceUnreadable,
    ReferenceUnsupported,
    WireError,
)
from pisang.wires.base import Ask, Call, WireAnswer
from pisang.wires.openai_chat import OpenAIChat
from tests.wires import strategies as some
from tests.wires import strategies_openai as ours
from tests.wires.harness import answer_of, bytes_of, called, chunked, heard, scan

WIRE = OpenAIChat()
UPSTREAM = Upstream("up", "openai_chat", "https://example.com")
ASK = Ask(Request((Text("a"),), "m"))
STREAM = replace(ASK, stream=True)
COUNTED = replace(STREAM, options={"include_usage": True})

PNG = ours.PNG + b"\0pixels"
JPEG = b"\xff\xd8\xff\xe0pixels"
LONG = ours.PNG + bytes(range(256)) * 100


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{b64(data)}"


def image(data: bytes, mime: str = "image/png") -> Image:
    return Image(content_of(data), mime)


def sent(wish: Request, upstream: Upstream = UPSTREAM, **more: bool) -> JSON:
    request, _ = WIRE.encode_request(wish, upstream, **more)
    return json.loads(bytes_of(request.body))


def warned(wish: Request) -> set[str]:
    return {warn.code for warn in WIRE.encode_request(wish, UPSTREAM)[1]}


def decoded(body: JSON) -> Ask:
    scanned = scan(json.dumps(body).encode())
    call = Call("POST", "/v1/chat/completions", {}, {}, scanned.skeleton, scanned.spans)
    return WIRE.decode_request(call)


def asked(*messages: JSON, **fields: JSON) -> Ask:
    return decoded({"model": "m", "messages": list(messages)} | fields)


def user(content: JSON, **more: JSON) -> JSON:
    return {"role": "user", "content": content} | more


def completion(message: JSON, **fields: JSON) -> JSON:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]} | fields


def reply_to(body: JSON, **more: JSON) -> Reply:
    return WIRE.decode_reply(answer_of(json.dumps(body).encode(), **more))


def parts_of(message: JSON) -> tuple[Part, ...]:
    return reply_to(completion(message)).parts


def stream(*deltas: JSON, done: bool = True) -> bytes:
    told = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return events(*told, done=done)


def events(*told: JSON, done: bool = True) -> bytes:
    frames = [f"data: {json.dumps(one)}\n\n" for one in told]
    return "".join([*frames, "data: [DONE]\n\n" if done else ""]).encode()


def streamed(*deltas: JSON) -> tuple[Part, ...]:
    return WIRE.decode_reply(answer_of(stream(*deltas))).parts


def said(answer: WireAnswer) -> JSON:
    return json.loads(bytes_of(answer.body))


def told(answer: WireAnswer) -> list[JSON]:
    """The chunks of a stream of ours, which must end with `[DONE]`."""
    *frames, done, rest = bytes_of(answer.body).decode().split("\r\n\r\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


# --- laws --------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(ours.chat_wishes)
def test_a_wish_comes_back_from_the_wire_as_it_was(wish: Request) -> None:
    request, warnings = WIRE.encode_request(wish, UPSTREAM)
    assert WIRE.decode_request(called(request)).request == wish
    assert warnings == ()


@settings(max_examples=100, deadline=None)
@given(ours.completions(), st.sampled_from([ASK, STREAM, COUNTED]))
def test_a_reply_comes_back_from_the_wire_as_it_was(reply: Reply, ask: Ask) -> None:
    answer = heard(WIRE.encode_reply(reply, ask))
    assert WIRE.decode_reply(answer) == reply
    assert WIRE.decode_fault(answer) is None


@settings(max_examples=40, deadline=None)
@given(ours.completions(), st.sampled_from([ASK, STREAM]), st.randoms(use_true_random=False))
def test_any_chunking_of_an_answer_gives_the_same_reply(
    reply: Reply, ask: Ask, rng: random.Random
) -> None:
    data = bytes_of(WIRE.encode_reply(reply, ask).body)
    scanned = scan(data, chunks=chunked(data, rng, 5000))
    answer = Answer(Ended.WHOLE, True, 200, {}, scanned.skeleton, scanned.spans)
    assert WIRE.decode_reply(answer) == WIRE.decode_reply(answer_of(data))


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=200) | some.json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_value_or_an_error_in_both_roles(data: bytes) -> None:
    try:
        answer = answer_of(data)
        scanned = scan(data)
    except WireError:
        return
    call = Call("POST", "/v1/chat/completions", {}, {}, scanned.skeleton, scanned.spans)
    for decode in (lambda: WIRE.decode_reply(answer), lambda: WIRE.decode_request(call)):
        try:
            decode()
        except PisangError as error:
            assert error.status < 500
    WIRE.decode_fault(answer)


NAMES = (
    "choices", "message", "delta", "content", "images", "type", "text", "image_url", "url", "role",
    "messages", "usage", "finish_reason", "error", "index", "multimodal_contents", "data", "n",
)  # fmt: skip
VALUES = ("text", "image_url", "user", "system", url(PNG), "https://cdn.pisang.net/a.png", "data:,")
shaped = st.recursive(
    some.leaves | st.sampled_from(VALUES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=10,
)
choices = st.lists(st.dictionaries(st.sampled_from(["message", "delta", "index"]), shaped))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), shaped, max_size=5), choices)
def test_known_names_with_any_values_are_a_value_or_an_error(
    body: dict[str, JSON], inside: list[JSON]
) -> None:
    for each in (body, body | {"choices": inside}):
        answer = answer_of(json.dumps(each).encode())
        WIRE.decode_fault(answer)
        with contextlib.suppress(WireError):
            assert isinstance(WIRE.decode_reply(answer), Reply)
    try:
        assert isinstance(decoded(body), Ask)
    except PisangError as error:
        assert error.status == 400


@settings(max_examples=40, deadline=None)
@given(ours.completions(), st.sampled_from([ASK, STREAM]), st.floats(0, 1))
def test_a_cut_answer_gives_what_came_and_nothing_else(
    reply: Reply, ask: Ask, share: float
) -> None:
    data = bytes_of(WIRE.encode_reply(reply, ask).body)
    answer = answer_of(data[: int(len(data) * share)], ended=Ended.CUT)
    whole = [part.content for part in reply.parts if isinstance(part, Image)]
    try:
        came = WIRE.decode_reply(answer)
    except WireError:
        return
    images = [part.content for part in came.parts if isinstance(part, Image)]
    assert images[:-1] == whole[: len(images[:-1])]


# --- client: the wish --------------------------------------------------------------------------


def test_a_wish_has_openrouters_form() -> None:
    wish = Request((Text("a cat"),), "google/gemini-3-pro-image", "16:9", "512", n=2)
    request, warnings = WIRE.encode_request(wish, UPSTREAM, stream=True)
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers == {"content-type": "application/json"}
    assert warnings == ()
    assert json.loads(bytes_of(request.body)) == {
        "model": "google/gemini-3-pro-image",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a cat"}]}],
        "modalities": ["image", "text"],
        "image_config": {"aspect_ratio": "16:9", "image_size": "0.5K"},
        "n": 2,
        "stream": True,
    }


def test_turns_pictures_and_labels_are_messages_in_their_order() -> None:
    history = (Turn("user", (Text("a cat"),)), Turn("model", (Text("Here."), image(PNG))))
    labelled = replace(image(JPEG, "image/jpeg"), label="the hat")
    wish = Request(
        (labelled, Text("put it on"), Link("https://cdn.pisang.net/a")),
        "m",
        history=history,
        system="Paint.",
        modalities=("TEXT",),
    )
    body = sent(wish)
    assert body["modalities"] == ["text"]
    assert "image_config" not in body
    assert body["messages"] == [
        {"role": "system", "content": "Paint."},
        {"role": "user", "content": [{"type": "text", "text": "a cat"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Here."},
                {"type": "image_url", "image_url": {"url": url(PNG)}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "the hat"},
                {"type": "image_url", "image_url": {"url": url(JPEG, "image/jpeg")}},
                {"type": "text", "text": "put it on"},
                {"type": "image_url", "image_url": {"url": "https://cdn.pisang.net/a"}},
            ],
        },
    ]


def test_what_the_wire_cannot_say_is_warned_of() -> None:
    signed = replace(image(PNG), signature=Span((TextRun(b"sig"),)))
    thought = Text("hm", thought=True)
    wish = Request(
        (Text("a"), Other({"functionCall": {}}, "gemini")),
        "m",
        history=(Turn("model", (thought, signed)),),
        extra={"gemini": {"tools": []}},
    )
    assert warned(wish) == {"signature_dropped", "thought_dropped", "part_dropped", "field_dropped"}
    assert sent(wish)["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": url(PNG)}}
    ]


def test_extra_fields_are_laid_over_the_body() -> None:
    extra = {"extra_body": {"google": {"image_config": {"image_size": "2K"}}}, "temperature": 0.5}
    extra |= {"image_config": {"strength": 1}}
    wish = Request((Text("a"),), "m", "1:1", extra={"openai_chat": extra})
    body = sent(wish)
    assert body["extra_body"] == extra["extra_body"]
    assert body["temperature"] == 0.5
    assert body["image_config"] == {"aspect_ratio": "1:1", "strength": 1}


def test_the_size_rides_on_the_model_where_the_upstream_wants_it() -> None:
    upstream = replace(UPSTREAM, quirks=Quirks(size_suffix=True))
    body = sent(Request((Text("a"),), "m", None, "4K"), upstream)
    assert body["model"] == "m-4k"
    assert "image_config" not in body


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        (replace(image(PNG), label="dog"), "dog"),
        (image(PNG), content_of(PNG).sha256[:12]),
        (Link("https://cdn.pisang.net/a"), "https://cdn.pisang.net/a"),
    ],
)
def test_pictures_are_refused_where_the_upstream_takes_none(picture: Part, name: str) -> None:
    upstream = replace(UPSTREAM, quirks=Quirks(references=False))
    for wish in (
        Request((Text("a"), picture), "m"),
        Request((Text("a"),), "m", history=(Turn("model", (picture,)),)),
    ):
        with pytest.raises(ReferenceUnsupported, match=name):
            WIRE.encode_request(wish, upstream)
    assert WIRE.encode_request(Request((Text("a"),), "m"), upstream)[1] == ()


def test_contents_are_never_copied_into_a_body() -> None:
    big = Content("ab" * 32, 50_000_000, b"\x89PNG\r\n\x1a\n", b"")
    request, _ = WIRE.encode_request(Request((Text("a"), Image(big, "image/png")), "m"), UPSTREAM)
    answer = WIRE.encode_reply(Reply((Image(big, "image/png"),)), STREAM)
    for body in (request.body, answer.body):
        assert sum(len(piece) for piece in body if isinstance(piece, bytes)) < 2000


# --- server: the call --------------------------------------------------------------------------


def test_messages_become_system_history_and_parts() -> None:
    ask = asked(
        {"role": "system", "content": "Paint."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        user("a cat"),
        {"role": "assistant", "content": "Here."},
        user([{"type": "text", "text": "a hat"}, {"type": "image_url", "image_url": url(PNG)}]),
    )
    assert ask.request.system == "Paint.\n\nBe kind."
    assert ask.request.history == (
        Turn("user", (Text("a cat"),)),
        Turn("model", (Text("Here."),)),
    )
    assert ask.request.parts == (Text("a hat"), image(PNG))
    assert ask.request.extra == {}


def test_an_answer_that_a_client_sends_back_has_its_pictures_again() -> None:
    images = [{"type": "image_url", "image_url": {"url": url(LONG)}, "index": 0}]
    ask = asked(
        user("a cat"),
        {"role": "assistant", "content": "", "images": images},
        {"role": "assistant", "content": None, "refusal": None},
        {"role": "assistant", "content": f"Here:\n\n![image]({url(JPEG)})\nMore?"},
        user("a hat"),
    )
    first, second, third = ask.request.history[1:]
    assert first.parts == (Text(""), image(LONG))
    assert second.parts == ()
    assert third.parts == (Text("Here:\n\n"), image(JPEG, "image/jpeg"), Text("\nMore?"))


def test_an_address_in_running_text_is_a_word_and_not_a_picture() -> None:
    text = "copy ![it](https://cdn.pisang.net/a.png)"
    assert asked(user(text)).request.parts == (Text(text),)


def test_a_reference_has_the_type_of_its_bytes() -> None:
    item = {"type": "image_url", "image_url": {"url": url(JPEG, "image/png")}}
    assert asked(user([{"type": "text", "text": "a"}, item])).request.parts[1] == image(
        JPEG, "image/jpeg"
    )


@pytest.mark.parametrize(
    "place",
    [
        {"image_config": {"aspect_ratio": "16:9", "image_size": "2k"}},
        {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}},
        {"extra_body": {"google": {"image_config": {"aspect_ratio": "16:9", "image_size": "2K"}}}},
        {"google": {"image_config": {"aspect_ratio": "16:9", "imageSize": "2K"}}},
        {"generationConfig": {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}},
    ],
)
def test_the_shape_is_found_where_callers_put_it(place: dict[str, JSON]) -> None:
    request = asked(user("a"), **place).request
    assert (request.aspect_ratio, request.image_size) == ("16:9", "2K")
    assert request.extra == ({} if "image_config" in place else {"openai_chat": place})


def test_an_automatic_shape_is_none_and_what_else_stands_beside_it_is_kept() -> None:
    config = {"aspect_ratio": "auto", "image_size": "", "strength": 1}
    request = asked(user("a"), image_config=config).request
    assert (request.aspect_ratio, request.image_size) == (None, None)
    assert request.extra == {"openai_chat": {"image_config": {"strength": 1}}}


@pytest.mark.parametrize(
    ("given_words", "modalities"),
    [
        (["image", "text"], ("TEXT", "IMAGE")),
        (["IMAGE"], ("IMAGE",)),
        (["text", "audio"], ("TEXT", "AUDIO")),
        (None, ()),
    ],
)
def test_modalities_are_read_in_any_order(given_words: JSON, modalities: tuple[str, ...]) -> None:
    assert asked(user("a"), modalities=given_words).request.modalities == modalities


def test_what_is_unknown_is_kept_where_it_stood_and_written_again() -> None:
    picture = {"type": "image_url", "image_url": {"url": url(PNG), "detail": "high"}}
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": {}}]},
            user([{"type": "text", "text": "a", "cache_control": {"type": "e"}}], name="me"),
            user(
                [{"type": "input_audio", "input_audio": {}}, picture, {"type": "text", "text": "b"}]
            ),
        ],
        "temperature": 0.2,
    }
    request = decoded(body).request
    assert request.parts[0] == Other({"type": "input_audio", "input_audio": {}}, "openai_chat")
    assert sent(request) == body


def test_several_system_messages_are_one_text() -> None:
    listed = {"role": "system", "content": [{"type": "text", "text": "s"}], "name": "n"}
    request = asked(listed, {"role": "system", "content": "t"}, user("a")).request
    assert request.system == "s\n\nt"
    assert sent(request)["messages"][0] == {"role": "system", "content": "s\n\nt", "name": "n"}


def test_a_stream_with_counts_is_an_option_of_the_answer() -> None:
    ask = asked(user("a"), stream=True, stream_options={"include_usage": True}, n=3)
    assert (ask.stream, ask.options, ask.request.n) == (True, {"include_usage": True}, 3)
    assert ask.request.extra == {}
    assert asked(user("a"), stream_options={"include_usage": True}).options == {}
    assert asked(user("a"), stream=True).options == {}


@pytest.mark.parametrize(
    ("fields", "option"),
    [
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"n": []}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"model": 7}, "model"),
        ({"image_config": {"aspect_ratio": 1}}, "aspect_ratio"),
        ({"image_config": {"image_size": {}}}, "image_size"),
    ],
)
def test_an_option_with_a_wrong_value_is_named(fields: dict[str, JSON], option: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        asked(user("a"), **fields)
    assert caught.value.fields["option"] == option


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        ["a"],
        [{"role": "tool", "content": "a"}],
        [{"content": "a"}],
        [{"role": "system", "content": "a"}],
        [user("a"), {"role": "assistant", "content": "b"}],
        [user(7)],
        [user(["a"])],
        [user([{"type": "text", "text": 7}])],
        [{"role": "system", "content": ["a"]}, user("a")],
        [{"role": "system", "content": 7}, user("a")],
    ],
)
def test_messages_of_another_shape_are_a_wire_error(messages: JSON) -> None:
    with pytest.raises(WireError):
        decoded({"model": "m", "messages": messages})


def test_modalities_of_another_shape_are_a_wire_error() -> None:
    for words in ("image", [7]):
        with pytest.raises(WireError, match="modalities"):
            asked(user("a"), modalities=words)


@pytest.mark.parametrize("content", [None, "", " \n", []])
def test_no_words_and_no_picture_are_refused(content: JSON) -> None:
    with pytest.raises(PromptMissing):
        asked(user(content))


@pytest.mark.parametrize(
    "picture",
    [
        {"type": "image_url", "image_url": {"url": "cat.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}},
        {"type": "input_image"},
        {"type": "image", "source": {"type": "base64", "data": "!"}},
    ],
)
def test_a_picture_that_is_none_is_refused_by_name(picture: JSON) -> None:
    with pytest.raises(ReferenceUnreadable, match=r"messages\[0\]\.content\[0\]"):
        asked(user([picture]))


# --- server: the answer ------------------------------------------------------------------------

CAT = Reply(
    (Text("Hm.", thought=True), Text("Here."), image(PNG), Link("https://cdn.pisang.net/a")),
    finish_reason="STOP",
    usage=Usage(3, 1120, 1120, 5, 1128),
    model="gemini-3-pro-image",
    response_id="resp-1",
)
IMAGES = [
    {"type": "image_url", "image_url": {"url": url(PNG)}},
    {"type": "image_url", "image_url": {"url": "https://cdn.pisang.net/a"}},
]
USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 1125,
    "total_tokens": 1128,
    "prompt_tokens_details": {"text_tokens": 3, "image_tokens": 0},
    "completion_tokens_details": {"image_tokens": 1120, "reasoning_tokens": 5},
}


def test_an_answer_has_openrouters_form() -> None:
    answer = WIRE.encode_reply(CAT, replace(ASK, options={"created_s": 5}))
    assert (answer.status, answer.headers) == (200, {"content-type": "application/json"})
    message = {"role": "assistant", "content": "Here.", "refusal": None, "reasoning": "Hm."}
    choice = {"index": 0, "message": message | {"images": IMAGES}, "finish_reason": "stop"}
    assert said(answer) == {
        "id": "resp-1",
        "object": "chat.completion",
        "created": 5,
        "model": "gemini-3-pro-image",
        "choices": [choice | {"native_finish_reason": "STOP"}],
        "usage": USAGE,
    }


def test_a_stream_has_a_chunk_for_the_text_for_each_picture_and_the_end() -> None:
    first, one, two, last = told(WIRE.encode_reply(CAT, STREAM))
    assert {chunk["object"] for chunk in (first, one, two, last)} == {"chat.completion.chunk"}
    delta = {"role": "assistant", "content": "Here.", "reasoning": "Hm."}
    assert first["choices"] == [{"index": 0, "delta": delta, "finish_reason": None}]
    assert one["choices"][0]["delta"] == {"images": [{"index": 0} | IMAGES[0]]}
    assert two["choices"][0]["delta"] == {"images": [{"index": 1} | IMAGES[1]]}
    ending = {"index": 0, "finish_reason": "stop", "native_finish_reason": "STOP", "delta": {}}
    assert last["choices"] == [ending]
    assert last["usage"] == USAGE


def test_the_counts_have_a_chunk_of_their_own_where_they_are_asked_for() -> None:
    *others, last = told(WIRE.encode_reply(CAT, COUNTED))
    assert all("usage" not in chunk for chunk in others)
    assert (last["choices"], last["usage"]) == ([], USAGE)
    uncounted = told(WIRE.encode_reply(replace(CAT, usage=None), COUNTED))
    assert len(uncounted) == len(others)


@pytest.mark.parametrize(
    ("reply", "finish", "refusal"),
    [
        (Reply((), "IMAGE_SAFETY", message="No."), "content_filter", "No."),
        (Reply((), None, "SAFETY", "Blocked."), "content_filter", "Blocked."),
        (Reply((), None, "SAFETY"), "content_filter", "SAFETY"),
        (Reply((), "NO_IMAGE", message="Try again."), "stop", None),
        (Reply((), "MAX_TOKENS"), "length", None),
        (Reply((), "content_filter"), "content_filter", None),
        (
            Reply(
                (),
            ),
            "stop",
            None,
        ),
    ],
)
def test_why_it_stopped_is_said_in_the_chats_words(
    reply: Reply, finish: str, refusal: str | None
) -> None:
    body = said(WIRE.encode_reply(reply, ASK))
    assert body["choices"][0]["finish_reason"] == finish
    assert body["choices"][0]["message"]["refusal"] == refusal
    assert (body["id"], body["model"]) == ("", "m")


def test_drafts_and_parts_of_other_wires_are_left_out_of_an_answer() -> None:
    draft = replace(image(JPEG), thought=True)
    reply = Reply((draft, Other({}, "gemini"), Text("a"), Text("b")))
    message = said(WIRE.encode_reply(reply, ASK))["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "a\nb", "refusal": None}


def test_errors_are_openais_error_object() -> None:
    answer = WIRE.encode_error(RateLimited(upstream="u", retry_after_s=2.5), STREAM)
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert said(answer)["error"]["code"] == "rate_limit_exceeded"
    answer = WIRE.encode_error(OutcomeUnknown(upstream="u", why="it broke"))
    assert (answer.status, answer.headers["x-should-retry"]) == (424, "false")
    fault = WIRE.decode_fault(heard(answer))
    assert fault is not None
    assert (fault.code, fault.own) == ("outcome_unknown", True)


# --- client: what relays really answer ----------------------------------------------------------

HERE = "Here you go:\n\n"
VARIANTS: Mapping[str, tuple[JSON, tuple[Part, ...]]] = {
    "markdown data URL": (
        {"content": f"{HERE}![image]({url(PNG)})"},
        (Text(HERE), image(PNG)),
    ),
    "markdown data URL with a title and words behind": (
        {"content": f'![a cat](<{url(PNG)}> "cat")\nMore?'},
        (image(PNG), Text("\nMore?")),
    ),
    "long markdown data URL": (
        {"content": f"{HERE}![image]({url(LONG)}) done"},
        (Text(HERE), image(LONG), Text(" done")),
    ),
    "two in markdown": (
        {"content": f"![a]({url(PNG)})\n\n![b]({url(LONG)})"},
        (image(PNG), image(LONG)),
    ),
    "html": (
        {"content": f'<img class="x" src="{url(PNG)}" alt="y"/>ok'},
        (image(PNG), Text("ok")),
    ),
    "data URL alone": ({"content": url(JPEG, "image/jpeg")}, (image(JPEG, "image/jpeg"),)),
    "long data URL alone": ({"content": url(LONG)}, (image(LONG),)),
    "data URL without a type": ({"content": f"data:;base64,{b64(JPEG)}"},
                                (image(JPEG, "image/jpeg"),)),
    "markdown URL": (
        {"content": "Done ![cat](https://cdn.pisang.net/a?x=1)!"},
        (Text("Done !"), Link("https://cdn.pisang.net/a?x=1")),
    ),
    "markdown URL and a download link": (
        {"content": "![x](https://c.pisang.net/a.png)\n[get](https://c.pisang.net/a.png)"},
        (Text("\n[get](https://c.pisang.net/a.png)"), Link("https://c.pisang.net/a.png")),
    ),
    "URL alone": ({"content": " https://cdn.pisang.net/a \n"}, (Link("https://cdn.pisang.net/a"),)),
    "URL of a picture in words": (
        {"content": "See https://cdn.pisang.net/a.PNG?sig=1. Enjoy https://pisang.net/help"},
        (
            Text("See https://cdn.pisang.net/a.PNG?sig=1. Enjoy https://pisang.net/help"),
            Link("https://cdn.pisang.net/a.PNG?sig=1"),
        ),
    ),
    "URL beside a picture that came": (
        {"content": f"![a]({url(PNG)})\n[get](https://c.pisang.net/a.png)"},
        (image(PNG), Text("\n[get](https://c.pisang.net/a.png)")),
    ),
    "content array": (
        {"content": [{"type": "text", "text": "Here."},
                     {"type": "image_url", "image_url": {"url": url(PNG)}}]},
        (Text("Here."), image(PNG)),
    ),
    "image_url as a string": (
        {"content": [{"type": "image_url", "image_url": url(PNG)}]},
        (image(PNG),),
    ),
    "output_image": (
        {"content": [{"type": "output_text", "text": "a"},
                     {"type": "output_image", "image_url": url(PNG)}]},
        (Text("a"), image(PNG)),
    ),
    "inline_data": (
        {"content": [{"type": "inline_data",
                      "inline_data": {"mime_type": "image/webp", "data": b64(PNG)}}]},
        (image(PNG, "image/webp"),),
    ),
    "inlineData": (
        {"content": [{"inlineData": {"mimeType": "image/jpeg", "data": b64(LONG)}}]},
        (image(LONG, "image/jpeg"),),
    ),
    "anthropic's source": (
        {"content": [{"type": "image", "source": {
            "type": "base64", "media_type": "image/png", "data": b64(PNG)}}]},
        (image(PNG),),
    ),
    "image_generation_call": (
        {"content": [{"type": "image_generation_call", "result": b64(PNG)}]},
        (image(PNG),),
    ),
    "message.images": (
        {"content": "", "images": [{"type": "image_url", "image_url": {"url": url(PNG)}}]},
        (image(PNG),),
    ),
    "message.images with url, b64_json, strings": (
        {"content": None,
         "images": [{"url": url(PNG)}, {"b64_json": b64(JPEG)}, url(LONG), b64(b"?")]},
        (image(PNG), image(JPEG, "image/jpeg"), image(LONG)),
    ),
    "the same picture twice": (
        {"content": f"![a]({url(PNG)})", "images": [{"image_url": {"url": url(PNG)}}]},
        (image(PNG),),
    ),
    "the same link twice": (
        {"images": [{"url": "https://cdn.pisang.net/a"}, {"url": "https://cdn.pisang.net/a"}]},
        (Link("https://cdn.pisang.net/a"),),
    ),
    "multimodal_contents": (
        {"multimodal_contents": [
            {"type": "text", "text": "好的"},
            {"type": "inline_data", "inline_data": {"mime_type": "image/png", "data": b64(PNG)}}]},
        (Text("好的"), image(PNG)),
    ),
    "reasoning": (
        {"reasoning": "Hm.", "content": "Here."},
        (Text("Hm.", thought=True), Text("Here.")),
    ),
    "reasoning_content beside reasoning": (
        {"reasoning_content": "Hm.", "reasoning": "Hm.", "content": None},
        (Text("Hm.", thought=True),),
    ),
    "thinking items": (
        {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "reasoning", "text": "So."},
                     {"type": "thinking"}, {"type": "text", "text": "ok"}]},
        (Text("Hm.", thought=True), Text("So.", thought=True), Text("ok")),
    ),
    "an unknown item": (
        {"content": [{"type": "audio", "audio": {}}, 7]},
        (Other({"type": "audio", "audio": {}}, "openai_chat"), Other(7, "openai_chat")),
    ),
    "a citation, which is no picture": (
        {"content": [{"type": "url_citation", "url": "https://pisang.net/"}]},
        (Other({"type": "url_citation", "url": "https://pisang.net/"}, "openai_chat"),),
    ),
    "a text of null": ({"content": [{"type": "text", "text": None}]}, ()),
    "a broken picture": (
        {"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}}]},
        (image(b""),),
    ),
    "a broken picture in words": ({"content": "![a](data:image/png;base64,A)"}, (image(b""),)),
    "placeholder in markdown": ({"content": "![image](placeholder)"}, ()),
    "empty markdown": ({"content": "Look: ![image]()"}, (Text("Look: "),)),
    "attachment": ({"content": "![image](attachment://image.png) gone"},
                   (Text(" gone"),)),
    "placeholder URLs": (
        {"content": "![a](https://example.com/a.png)",
         "images": [{"url": ""}, {"url": "data:,"}, {"url": "https://placehold.co/512"},
                    {"image_url": {"url": "https://www.example.org/x"}}, {"image_url": None}]},
        (),
    ),
    "an empty message": ({"content": None}, ()),
    "no message": (None, ()),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_a_picture_is_found_wherever_a_relay_puts_it(name: str) -> None:
    message, parts = VARIANTS[name]
    assert parts_of(message) == parts
    if message is not None:
        assert streamed(message) == parts


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(VARIANTS)), st.randoms(use_true_random=False))
def test_a_text_may_be_streamed_in_any_pieces(name: str, rng: random.Random) -> None:
    message, parts = VARIANTS[name]
    if not isinstance(message, dict) or not isinstance(message.get("content"), str):
        return
    text = message["content"]
    at = sorted(rng.randint(0, len(text)) for _ in range(3))
    cuts = zip([0, *at], [*at, len(text)], strict=True)
    pieces = [{"content": text[begin:end]} for begin, end in cuts if len(text) < 20_000]
    rest = {key: value for key, value in message.items() if key != "content"}
    assert streamed(*(pieces or [{"content": text}]), rest) == parts


def test_a_long_picture_may_begin_in_one_delta_and_go_on_in_the_next() -> None:
    data = b64(LONG)
    parts = streamed(
        {"role": "assistant", "content": "Here: é"},
        {"content": "![image](data:image/webp;base64,"},
        {"content": data},
        {"content": ")"},
        {"content": " done"},
    )
    assert parts == (Text("Here: é"), image(LONG, "image/webp"), Text(" done"))


def test_several_images_and_lists_of_a_stream_come_in_their_order() -> None:
    parts = streamed(
        {"content": None},
        {"content": [{"type": "text", "text": "a"}]},
        {"content": "b", "reasoning": "H"},
        {"images": [{"image_url": {"url": url(PNG)}}], "reasoning": "m."},
        {"images": [{"image_url": {"url": url(JPEG, "image/jpeg")}}]},
    )
    assert parts == (
        Text("Hm.", thought=True),
        Text("ab"),
        image(PNG),
        image(JPEG, "image/jpeg"),
    )


def test_a_whole_message_behind_deltas_says_nothing_new() -> None:
    data = events(
        {"choices": [{"index": 0, "delta": {"content": "a"}}]},
        {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]},
    )
    assert WIRE.decode_reply(answer_of(data)).parts == (Text("a"),)


def test_all_choices_are_in_one_row() -> None:
    choices = [
        {"index": 1, "message": {"images": [{"url": url(JPEG, "image/jpeg")}]}},
        {"message": {"images": [{"url": url(PNG)}]}, "index": 0, "finish_reason": "stop"},
        "odd",
    ]
    reply = reply_to({"choices": choices})
    assert reply.parts == (image(PNG), image(JPEG, "image/jpeg"))
    assert reply.extra == {}


def test_choices_under_data_are_read_as_the_crawl_gateway_sends_them() -> None:
    reply = reply_to({"code": 0, "msg": "success", "data": completion({"content": "a"})})
    assert reply.parts == (Text("a"),)
    assert reply.extra == {"openai_chat": {"code": 0, "msg": "success"}}


def test_googles_own_reason_is_preferred() -> None:
    choice = {"finish_reason": "stop", "native_finish_reason": "IMAGE_SAFETY", "message": {}}
    assert reply_to({"choices": [choice]}).finish_reason == "IMAGE_SAFETY"
    assert reply_to({"choices": [choice | {"native_finish_reason": None}]}).finish_reason == "stop"


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "refusal": "I can't paint that."},
        {"content": [{"type": "refusal", "refusal": "I can't paint that."}]},
    ],
)
def test_a_refusal_in_words_is_a_block(message: JSON) -> None:
    for reply in (reply_to(completion(message)), WIRE.decode_reply(answer_of(stream(message)))):
        assert reply.block_reason == "refusal"
        assert reply.message == "I can't paint that."
        assert reply.parts == ()


def test_a_refusal_may_be_streamed_in_pieces() -> None:
    data = stream({"refusal": "I "}, {"refusal": "can't."})
    assert WIRE.decode_reply(answer_of(data)).message == "I can't."


def test_what_else_a_completion_says_is_kept_and_written_again() -> None:
    body = {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "google/gemini-3-pro-image",
        "provider": "Google",
        "system_fingerprint": None,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "native_finish_reason": "STOP",
                "logprobs": {"content": []},
                "message": {
                    "role": "assistant",
                    "content": "a",
                    "refusal": None,
                    "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}],
                    "images": [
                        {
                            "type": "image_url",
                            "image_url": {"url": url(PNG), "detail": "auto"},
                            "note": 1,
                        }
                    ],
                },
            }
        ],
        "usage": USAGE | {"cost": 0.14},
    }
    reply = reply_to(body)
    assert reply.usage == CAT.usage
    again = said(WIRE.encode_reply(reply, ASK))
    del body["system_fingerprint"]
    assert again == body
    streamed_again = WIRE.decode_reply(heard(WIRE.encode_reply(reply, STREAM)))
    assert streamed_again == reply


def test_counts_without_numbers_are_kept_as_they_are() -> None:
    reply = reply_to(completion({"content": "a"}, usage={"cost": 1}))
    assert reply.usage is None
    assert said(WIRE.encode_reply(reply, ASK))["usage"] == {"cost": 1}


def test_a_stream_that_broke_off_after_the_picture_is_a_reply() -> None:
    delta = {"images": [{"image_url": {"url": url(PNG)}}]}
    error = {"error": {"code": 502, "message": "Provider gone"}, "choices": []}
    answer = answer_of(stream(delta, done=False) + events(error))
    assert WIRE.decode_fault(answer) is None
    reply = WIRE.decode_reply(answer)
    assert (reply.parts, reply.message) == ((image(PNG),), "Provider gone")


def test_a_stream_that_broke_off_before_the_picture_is_a_fault() -> None:
    data = stream({"content": "Pain"}, done=False) + events({"error": {"message": "gone"}})
    fault = WIRE.decode_fault(answer_of(data))
    assert fault is not None
    assert fault.message == "gone"


def test_a_cut_stream_gives_the_pictures_that_came() -> None:
    first = {"images": [{"image_url": {"url": url(LONG)}}]}
    data = stream(first, {"images": [{"image_url": {"url": url(PNG)}}]}, done=False)
    reply = WIRE.decode_reply(answer_of(data[:-30], ended=Ended.CUT))
    assert reply.parts[0] == image(LONG)


FAULTS: Mapping[str, tuple[int, bytes, str | None]] = {
    "openai": (429, b'{"error":{"message":"no","type":"requests","code":"slow"}}', "slow"),
    "new-api, no channel": (
        503,
        '{"error":{"message":"模型 m 无可用渠道","type":"new_api_error","code":""}}'.encode(),
        "new_api_error",
    ),
    "an error under 200": (200, b'{"error":{"message":"m","code":"c"}}', "c"),
    "an error beside empty choices": (200, b'{"choices":[],"error":{"message":"m"}}', None),
    "a page": (524, b"<!DOCTYPE html><title>524</title><script>x</script>A timeout", None),
    "nothing": (200, b"", None),
    "null choices": (200, b'{"choices":null}', None),
    "text": (502, b"error code: 502", None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_answer_that_is_no_completion_is_a_fault(name: str) -> None:
    status, body, code = FAULTS[name]
    fault = WIRE.decode_fault(answer_of(body, status=status))
    assert fault is not None
    assert (fault.status, fault.code) == (status, code)
    assert "<" not in fault.excerpt


@pytest.mark.parametrize("body", [b'{"error":"gone"}', b"[]", b"data: [DONE]\n\n", b"<html>", b"{"])
def test_a_body_without_a_completion_is_a_wire_error(body: bytes) -> None:
    with pytest.raises(WireError):
        WIRE.decode_reply(answer_of(body))


@pytest.mark.parametrize("noise", ["![](" + " " * 200_000, "![" * 100_000, "https://" * 50_000,
                                   "](" * 100_000, "<img " * 80_000, "data:" * 80_000])  # fmt: skip
def test_hostile_text_is_read_in_linear_time(noise: str) -> None:
    assert all(isinstance(part, Text | Link) for part in parts_of({"content": noise}))
