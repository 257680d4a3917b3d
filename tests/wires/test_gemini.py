"""Google's native wire, both roles: the laws, and the request side field by field."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.domain.answer import Reply
from pisang.domain.content import content_of
from pisang.domain.request import JSON, Image, Link, Other, Part, Request, Text, Turn
from pisang.domain.upstream import Quirks, Upstream
from pisang.errors import OptionInvalid, WireError
from pisang.wires.base import Ask, Call
from pisang.wires.gemini import Gemini
from tests.wires import strategies as some
from tests.wires.harness import bytes_of, called, heard, scan

WIRE = Gemini()
UPSTREAM = Upstream("up", "gemini", "https://example.com")
ASK = Ask(Request((Text("a"),), "m"))
EVENTS = replace(ASK, stream=True, options={"alt": "sse"})
LIST = replace(ASK, stream=True)

parts = some.marked(st.one_of(some.text_parts, some.image_parts, some.link_parts))
own_parts = some.unknown_fields.map(lambda fields: Other({"functionCall": fields}, "gemini"))
wishes = some.requests(
    "gemini",
    parts=st.one_of(parts, own_parts),
    history=some.turns(parts),
    modalities=st.sampled_from([(), ("IMAGE",), ("TEXT", "IMAGE")]),
    n=st.integers(1, 10),
)
reasons = st.sampled_from(["STOP", "IMAGE_SAFETY", "NO_IMAGE", "SOMETHING_NEW"])
stories = some.replies(
    "gemini",
    parts=st.lists(st.one_of(parts, own_parts), max_size=4).map(tuple),
    finish_reason=st.none() | reasons,
    block_reason=st.none() | reasons,
    message=st.none() | some.words,
    usage=st.none() | some.usages,
    model=st.none() | some.words,
    response_id=st.none() | some.words,
)


def sent(wish: Request, upstream: Upstream = UPSTREAM) -> JSON:
    """The body of a wish as JSON."""
    return json.loads(bytes_of(WIRE.encode_request(wish, upstream)[0].body))


def decoded(body: JSON, path: str = "/v1beta/models/m:generateContent") -> Ask:
    scanned = scan(json.dumps(body, ensure_ascii=False).encode())
    return WIRE.decode_request(Call("POST", path, {}, {}, scanned.skeleton, scanned.spans))


def wished(**config: JSON) -> Request:
    """The wish in a body with this `generationConfig`."""
    return decoded({"contents": [{"parts": [{"text": "a"}]}], "generationConfig": config}).request


def joined(reply: Reply) -> Reply:
    """The reply as a stream tells it: neighbouring plain texts have become one."""
    merged: list[Part] = []
    for part in reply.parts:
        last = merged[-1] if merged else None
        plain = all(isinstance(one, Text) and one == Text(one.text) for one in (last, part))
        if plain and isinstance(last, Text) and isinstance(part, Text):
            merged[-1] = Text(last.text + part.text)
        else:
            merged.append(part)
    return replace(reply, parts=tuple(merged))


# --- laws --------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(wishes, st.booleans())
def test_a_wish_comes_out_as_it_went_in(wish: Request, stream: bool) -> None:
    request, warnings = WIRE.encode_request(wish, UPSTREAM, stream=stream)
    ask = WIRE.decode_request(called(request))
    assert ask == Ask(wish, stream=stream, options={"alt": "sse"} if stream else {})
    assert warnings == ()


@settings(max_examples=50, deadline=None)
@given(wishes)
def test_a_wish_comes_out_as_it_went_in_whatever_the_size_is_called(wish: Request) -> None:
    relay = replace(UPSTREAM, quirks=Quirks(size_key="image_size"))
    assert WIRE.decode_request(called(WIRE.encode_request(wish, relay)[0])).request == wish


@settings(max_examples=100, deadline=None)
@given(stories)
def test_a_reply_comes_out_as_it_went_in(reply: Reply) -> None:
    assert WIRE.decode_reply(heard(WIRE.encode_reply(reply, ASK))) == reply


@settings(max_examples=100, deadline=None)
@given(stories, st.sampled_from([EVENTS, LIST]))
def test_a_streamed_reply_comes_out_as_it_went_in_but_for_joined_texts(
    reply: Reply, ask: Ask
) -> None:
    assert joined(WIRE.decode_reply(heard(WIRE.encode_reply(reply, ask)))) == joined(reply)


@settings(max_examples=100, deadline=None)
@given(stories)
def test_what_we_tell_is_never_a_fault(reply: Reply) -> None:
    assert WIRE.decode_fault(heard(WIRE.encode_reply(reply, ASK))) is None


@settings(max_examples=100, deadline=None)
@given(some.unknown_fields, some.unknown_fields, some.unknown_fields, some.unknown_fields)
def test_unknown_fields_are_asked_again_at_every_depth(
    top: JSON, config: JSON, content: JSON, part: JSON
) -> None:
    body = top | {
        "contents": [
            {"role": "user", "parts": [{"text": "a"} | part]} | content,
            {"role": "model", "parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]},
            {"role": "user", "parts": [{"text": "b"}, {"text": "c"} | part]} | content,
        ],
        "generationConfig": config | {"imageConfig": config | {"aspectRatio": "1:1"}},
    }
    assert sent(decoded(body).request) == body


# --- paths -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3-pro-image", "/v1beta/models/gemini-3-pro-image:generateContent"),
        ("models/gemini-3-pro-image", "/v1beta/models/gemini-3-pro-image:generateContent"),
        ("google/gemini-3-pro-image", "/v1beta/models/google/gemini-3-pro-image:generateContent"),
        ("banana:free", "/v1beta/models/banana%3Afree:generateContent"),
        ("香蕉?x#y z", "/v1beta/models/%E9%A6%99%E8%95%89%3Fx%23y%20z:generateContent"),
    ],
)
def test_a_model_id_stays_one_name_in_the_path(model: str, path: str) -> None:
    request, _ = WIRE.encode_request(Request((Text("a"),), model), UPSTREAM)
    assert request.path == path
    assert WIRE.decode_request(called(request)).request.model == model.removeprefix("models/")


@pytest.mark.parametrize("model", ["../keys", "a/../../b", ".", "a//b", "", "models/", "a/", "/a"])
def test_a_model_id_that_leads_elsewhere_is_refused(model: str) -> None:
    with pytest.raises(OptionInvalid, match="segment"):
        WIRE.encode_request(Request((Text("a"),), model), UPSTREAM)


def test_vertex_is_called_at_its_own_version_and_names_a_resource() -> None:
    vertex = replace(UPSTREAM, kind="vertex")
    model = "projects/p/locations/global/publishers/google/models/gemini-2.5-flash-image"
    request, _ = WIRE.encode_request(Request((Text("a"),), model), vertex)
    assert request.path == f"/v1beta1/{model}:generateContent"
    assert WIRE.decode_request(called(request)).request.model == "gemini-2.5-flash-image"


def test_a_base_url_that_ends_in_the_publisher_wants_the_model_and_the_role() -> None:
    base = "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google"
    vertex = replace(UPSTREAM, kind="vertex", base_url=base)
    request, _ = WIRE.encode_request(Request((Text("a"),), "gemini-3-pro-image"), vertex)
    assert request.path == "/models/gemini-3-pro-image:generateContent"
    assert b'"role":"user"' in b"".join(piece for piece in request.body if type(piece) is bytes)


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1beta1", "v1alpha"])
def test_every_version_is_served_whole_and_streamed(version: str) -> None:
    body = {"contents": [{"parts": [{"text": "a"}]}]}
    whole = decoded(body, f"/{version}/models/m:generateContent")
    streamed = decoded(body, f"/{version}/models/m:streamGenerateContent")
    assert (whole.stream, streamed.stream) == (False, True)
    assert whole.request == streamed.request


@pytest.mark.parametrize(
    "path", ["/v1beta/models/m:countTokens", "/v2/models/m:generateContent", "/", ""]
)
def test_another_path_is_not_of_this_wire(path: str) -> None:
    with pytest.raises(WireError, match="path"):
        decoded({"contents": [{"parts": [{"text": "a"}]}]}, path)


def test_a_size_rides_on_the_model_name_where_the_upstream_wants_it_there() -> None:
    relay = replace(UPSTREAM, quirks=Quirks(size_suffix=True))

    def path_for(model: str, size: str | None) -> str:
        wish = Request((Text("a"),), model, image_size=size)
        assert "imageConfig" not in sent(wish, relay)["generationConfig"]
        return WIRE.encode_request(wish, relay)[0].path

    assert path_for("banana", "4K").endswith("/banana-4k:generateContent")
    assert path_for("banana-4k", "4k").endswith("/banana-4k:generateContent")
    assert path_for("banana", "1K").endswith("/banana:generateContent")
    assert path_for("banana", None).endswith("/banana:generateContent")


# --- what is sent ------------------------------------------------------------------------------


def test_the_least_wish_is_one_text_and_nothing_else() -> None:
    assert sent(Request((Text("a"),), "m", modalities=())) == {
        "contents": [{"parts": [{"text": "a"}]}]
    }


def test_parts_go_in_their_order_and_a_label_stands_before_its_picture() -> None:
    picture = content_of(b"12")
    wish = Request(
        (
            Text("mix"),
            Image(picture, "image/png", label="style"),
            Link("https://e.com/a", "image/webp"),
            Link("gs://b/c"),
            Text("end"),
        ),
        "m",
    )
    assert sent(wish)["contents"] == [
        {
            "parts": [
                {"text": "mix"},
                {"text": "style"},
                {"inlineData": {"mimeType": "image/png", "data": "MTI="}},
                {"fileData": {"mimeType": "image/webp", "fileUri": "https://e.com/a"}},
                {"fileData": {"fileUri": "gs://b/c"}},
                {"text": "end"},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("size", "said"),
    [("1k", "1K"), ("4k", "4K"), ("0.5K", "512"), ("512px", "512"), ("512", "512"), ("8K", "8K")],
)
def test_a_size_is_spelled_as_google_does_and_says_so(size: str, said: str) -> None:
    wish = Request((Text("a"),), "m", image_size=size)
    request, warnings = WIRE.encode_request(wish, UPSTREAM)
    config = json.loads(bytes_of(request.body))["generationConfig"]
    assert config["imageConfig"] == {"imageSize": said}
    assert [warn.code for warn in warnings] == ([] if size == said else ["size_respelled"])


def test_own_fields_are_laid_over_the_body_last_in_either_spelling() -> None:
    extra = {
        "gemini": {
            "generation_config": {"image_config": {"image_size": "4K"}, "seed": 7},
            "tools": [{"googleSearch": {}}],
        }
    }
    body = sent(Request((Text("a"),), "m", "1:1", "1K", extra=extra))
    assert body["tools"] == [{"googleSearch": {}}]
    assert body["generationConfig"] == {
        "responseModalities": ["IMAGE"],
        "imageConfig": {"aspectRatio": "1:1", "imageSize": "4K"},
        "seed": 7,
    }
    relay = replace(UPSTREAM, quirks=Quirks(size_key="image_size"))
    respelled = sent(Request((Text("a"),), "m", extra=extra), relay)
    assert respelled["generationConfig"]["imageConfig"] == {"image_size": "4K"}


def test_what_only_other_wires_know_is_said_to_be_dropped() -> None:
    foreign = Other({"type": "audio"}, "openai-chat")
    wish = Request(
        (Text("a"), foreign),
        "m",
        history=(Turn("user", (foreign, Other({"x": 1}, "gemini"))),),
        extra={"crawl": {"max_tokens": 5}, "openai-chat": {}},
    )
    request, warnings = WIRE.encode_request(wish, UPSTREAM)
    assert [warn.code for warn in warnings] == ["part_dropped", "part_dropped", "field_dropped"]
    assert "max_tokens of crawl" in warnings[-1].message
    contents = json.loads(bytes_of(request.body))["contents"]
    assert [content["parts"] for content in contents] == [[{"x": 1}], [{"text": "a"}]]


# --- what is understood ------------------------------------------------------------------------


def test_snake_case_is_understood_at_every_depth() -> None:
    ask = decoded(
        {
            "system_instruction": {"parts": [{"text": "be brief"}]},
            "contents": [
                {
                    "parts": [
                        {"inline_data": {"mime_type": "image/png", "data": "MTI="}},
                        {"file_data": {"file_uri": "https://e.com/a"}, "thought_signature": "c2ln"},
                    ]
                }
            ],
            "generation_config": {
                "response_modalities": ["Text", "Image"],
                "candidate_count": 2,
                "image_config": {"aspect_ratio": "4:3", "image_size": "2K"},
                "thinkingConfig": {"include_thoughts": True},
            },
        }
    )
    wish = ask.request
    assert wish.system == "be brief"
    assert (wish.aspect_ratio, wish.image_size, wish.n) == ("4:3", "2K", 2)
    assert wish.modalities == ("TEXT", "IMAGE")
    assert wish.extra == {
        "gemini": {"generationConfig": {"thinkingConfig": {"include_thoughts": True}}}
    }
    picture, link = wish.parts
    assert picture == Image(content_of(b"12"), "image/png")
    assert isinstance(link, Link)
    assert link.signature is not None


@pytest.mark.parametrize(
    ("image", "shape"),
    [
        ({"aspectRatio": "16:9", "imageSize": "2K"}, ("16:9", "2K")),
        ({"aspectRatio": "ASPECT_RATIO_TWENTY_ONE_NINE"}, ("21:9", None)),
        (
            {"aspect_ratio": "ASPECT_RATIO_ONE_EIGHT", "image_size": "IMAGE_SIZE_FOUR_K"},
            ("1:8", "4K"),
        ),
        ({"imageSize": "IMAGE_SIZE_FIVE_TWELVE"}, (None, "512")),
        ({"imageSize": "IMAGE_SIZE_UNSPECIFIED"}, (None, None)),
        ({"imageSize": "IMAGE_SIZE_TEN_K", "aspectRatio": "7:7"}, ("7:7", "IMAGE_SIZE_TEN_K")),
    ],
)
def test_the_successor_form_is_understood_as_an_object_and_as_a_list(
    image: JSON, shape: tuple[str | None, str | None]
) -> None:
    for form in ({"image": image}, [{"image": image}], [{}, {"image": image}]):
        wish = wished(responseFormat=form)
        assert (wish.aspect_ratio, wish.image_size) == shape
        assert wish.extra == {}
        assert "responseFormat" not in sent(wish).get("generationConfig", {})


def test_what_else_the_successor_form_says_is_kept() -> None:
    image = {"aspectRatio": "1:1", "delivery": "INLINE"}
    one = wished(responseFormat={"image": image})
    many = wished(responseFormat=[{"image": image}, {"text": {}}])
    assert one.extra["gemini"]["generationConfig"] == {
        "responseFormat": {"image": {"delivery": "INLINE"}}
    }
    assert many.extra["gemini"]["generationConfig"] == {
        "responseFormat": [{"image": {"delivery": "INLINE"}}, {"text": {}}]
    }


def test_both_forms_may_say_the_same_and_not_otherwise() -> None:
    old, new = {"aspectRatio": "16:9"}, {"image": {"aspectRatio": "ASPECT_RATIO_SIXTEEN_NINE"}}
    assert wished(imageConfig=old, responseFormat=new).aspect_ratio == "16:9"
    with pytest.raises(WireError, match="aspectRatio is given twice"):
        wished(imageConfig={"aspectRatio": "1:1"}, responseFormat=new)


@pytest.mark.parametrize(
    ("instruction", "system"),
    [
        ("plain", "plain"),
        ({"role": "user", "parts": [{"text": "a"}]}, "a"),
        ({"parts": [{"text": "a"}, {"text": "b"}]}, "a\nb"),
        ({"parts": [{"text": "a", "xNew": 1}]}, "a"),
        ({"parts": []}, None),
        (None, None),
    ],
)
def test_a_system_instruction_is_read_as_text_and_asked_again_whole(
    instruction: JSON, system: str | None
) -> None:
    ask = decoded({"contents": [{"parts": [{"text": "a"}]}], "systemInstruction": instruction})
    assert ask.request.system == system
    again = sent(ask.request).get("systemInstruction")
    expected = {"parts": [{"text": instruction}]} if isinstance(instruction, str) else instruction
    assert again == expected


def test_a_prompt_of_a_hundred_thousand_characters_is_still_text() -> None:
    text = "一只猫\n" * 25_000
    assert decoded({"contents": [{"parts": [{"text": text}]}]}).request.prompt == text


TEXT = {"parts": [{"text": "a"}]}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], "the body"),
        ({}, "contents"),
        ({"contents": None}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": TEXT}, "contents"),
        ({"contents": ["a"]}, r"contents\[0\]"),
        ({"contents": [TEXT, {"parts": "a"}]}, r"contents\[1\].parts"),
        ({"contents": [{}]}, r"contents\[0\].parts"),
        ({"contents": [TEXT | {"role": "function"}]}, "role"),
        ({"contents": [TEXT | {"role": 5}]}, "role"),
        ({"contents": [TEXT | {"role": "model"}]}, "last of contents"),
        ({"contents": [{"parts": [{"text": 5}]}]}, r"parts\[0\]"),
        ({"contents": [{"parts": ["a"]}]}, r"parts\[0\]"),
        ({"contents": [{"parts": [{"inlineData": {"data": "*"}}]}]}, r"parts\[0\]"),
        ({"contents": [{"parts": [{"inlineData": "a"}]}]}, r"parts\[0\]"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": 1, "data": ""}}]}]}, r"parts\[0\]"),
        ({"contents": [{"parts": [{"fileData": {"mimeType": "a"}}]}]}, r"parts\[0\]"),
        ({"contents": [{"parts": [{"text": "a", "fileData": {}}]}]}, r"parts\[0\]"),
        ({"contents": [TEXT], "generationConfig": []}, "generationConfig"),
        ({"contents": [TEXT], "systemInstruction": 5}, "systemInstruction"),
        ({"contents": [TEXT], "generationConfig": {}, "generation_config": {}}, "both spellings"),
    ],
)
def test_a_malformed_body_is_refused_naming_the_place(body: JSON, why: str) -> None:
    with pytest.raises(WireError, match=why):
        decoded(body)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"responseModalities": "IMAGE"}, "responseModalities"),
        ({"responseModalities": [1]}, "responseModalities"),
        ({"candidateCount": 0}, "candidateCount"),
        ({"candidateCount": 11}, "candidateCount"),
        ({"candidateCount": True}, "candidateCount"),
        ({"imageConfig": "16:9"}, "imageConfig"),
        ({"imageConfig": {"aspectRatio": 1.5}}, "aspectRatio"),
        ({"imageConfig": {"imageSize": 512}}, "imageSize"),
        ({"responseFormat": "image"}, "responseFormat"),
        ({"responseFormat": {"image": "x"}}, "responseFormat.image"),
    ],
)
def test_a_malformed_wish_is_refused_naming_the_field(config: JSON, why: str) -> None:
    with pytest.raises(WireError, match=why):
        wished(**config)


def test_marks_of_a_form_nobody_knows_are_kept_as_they_stand() -> None:
    body = {"contents": [{"parts": [{"text": "a", "thought": "yes", "thoughtSignature": 5}]}]}
    assert decoded(body).request.parts == (Text("a"),)
    assert sent(decoded(body).request)["contents"] == body["contents"]
