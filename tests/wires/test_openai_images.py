"""OpenAI's Images API, both roles: the laws, then field by field, then what servers really send."""

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
from pisang.domain.request import JSON, Image, Link, Other, Request, Text, Turn
from pisang.domain.upstream import Quirks, Upstream
from pisang.domain.warning import Warn
from pisang.errors import (
    OptionInvalid,
    OutcomeUnknown,
    PisangError,
    PromptMissing,
    RatioUnsupported,
    ReferenceUnreadable,
    ReferenceUnsupported,
    Refused,
    SizeUnsupported,
    WireError,
)
from pisang.wires import multipart
from pisang.wires.base import Ask, Call, FormField, WireAnswer, WireRequest
from pisang.wires.openai_images import OpenAIImages
from pisang.wires.openai_sizes import RATIOS, pixels_for, read_size
from pisang.wires.scan import MemorySink
from tests.wires import strategies as some
from tests.wires import strategies_openai as ours
from tests.wires.harness import answer_of, bytes_of, called, chunked, heard, scan

WIRE = OpenAIImages()
UPSTREAM = Upstream("up", "openai_images", "https://example.com")
ASK = Ask(Request((Text("a"),), "m"))
STREAM = replace(ASK, stream=True)

PNG = ours.PNG + b"\0pixels"
JPEG = b"\xff\xd8\xff\xe0pixels"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def form_call(form: tuple[FormField, ...], path: str = "/v1/images/edits") -> Call:
    return Call("POST", path, {}, {}, form=form)


def called_as_form(request: WireRequest) -> Call:
    """What the server role gets to see of a form, read by our own reader."""
    sink = MemorySink()
    reader = multipart.FormReader(request.headers["content-type"], sink, max_bytes=10**8)
    reader.feed(bytes_of(request.body))
    return form_call(reader.close(), request.path)


def arrived(request: WireRequest) -> Call:
    is_form = request.headers["content-type"].startswith("multipart/")
    return called_as_form(request) if is_form else called(request)


def encoded(wish: Request, upstream: Upstream = UPSTREAM, **more: bool) -> WireRequest:
    return WIRE.encode_request(wish, upstream, **more)[0]


def warned(wish: Request) -> set[str]:
    return {warn.code for warn in WIRE.encode_request(wish, UPSTREAM)[1]}


def sent(wish: Request, upstream: Upstream = UPSTREAM) -> JSON:
    return json.loads(bytes_of(encoded(wish, upstream).body))


def form_of(wish: Request) -> tuple[FormField, ...]:
    return called_as_form(encoded(wish)).form


def decoded(body: JSON, path: str = "/v1/images/generations") -> Ask:
    scanned = scan(json.dumps(body).encode())
    return WIRE.decode_request(Call("POST", path, {}, {}, scanned.skeleton, scanned.spans))


def asked(**fields: JSON) -> Ask:
    return decoded({"prompt": "a cat", "model": "m"} | fields)


def reply_to(body: JSON, **more: JSON) -> Reply:
    return WIRE.decode_reply(answer_of(json.dumps(body).encode(), **more))


def events(*told: JSON) -> bytes:
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in told)


def said(answer: WireAnswer) -> JSON:
    return json.loads(bytes_of(answer.body))


def codes(ask: Ask) -> set[str]:
    return {warn.code for warn in ask.warnings}


# --- laws --------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(ours.image_wishes())
def test_a_wish_comes_back_from_the_wire_as_it_was(wish: Request) -> None:
    request, warnings = WIRE.encode_request(wish, UPSTREAM)
    assert WIRE.decode_request(arrived(request)).request == wish
    assert warnings == ()


@settings(max_examples=120, deadline=None)
@given(ours.image_results(), st.sampled_from([ASK, STREAM]))
def test_a_reply_comes_back_from_the_wire_as_it_was(reply: Reply, ask: Ask) -> None:
    answer = heard(WIRE.encode_reply(reply, ask))
    assert WIRE.decode_reply(answer) == reply
    assert WIRE.decode_fault(answer) is None


@settings(max_examples=40, deadline=None)
@given(ours.image_results(), st.sampled_from([ASK, STREAM]), st.randoms(use_true_random=False))
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
    call = Call("POST", "/v1/images/generations", {}, {}, scanned.skeleton, scanned.spans)
    for decode in (lambda: WIRE.decode_reply(answer), lambda: WIRE.decode_request(call)):
        try:
            decode()
        except PisangError as error:
            assert error.status < 500
    WIRE.decode_fault(answer)


NAMES = ("b64_json", "url", "data", "image", "type", "usage", "created", "prompt", "size", "n")
shaped = st.recursive(
    some.leaves | st.sampled_from([b64(PNG), "https://cdn.pisang.net/a.png", "data:,", "512x512"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), shaped, max_size=5))
def test_known_names_with_any_values_are_a_value_or_an_error(body: dict[str, JSON]) -> None:
    answer = answer_of(json.dumps(body).encode())
    WIRE.decode_fault(answer)
    with contextlib.suppress(WireError):
        assert isinstance(WIRE.decode_reply(answer), Reply)
    try:
        assert isinstance(decoded(body), Ask)
    except PisangError as error:
        assert error.status == 400


@settings(max_examples=40, deadline=None)
@given(ours.image_results(), st.sampled_from([ASK, STREAM]), st.floats(0, 1))
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


def test_a_wish_without_pictures_is_a_generation() -> None:
    wish = Request((Text("a cat"),), "gpt-image-2", "16:9", "2K", n=2)
    request = encoded(wish, stream=True)
    assert (request.method, request.path) == ("POST", "/v1/images/generations")
    assert request.headers == {"content-type": "application/json"}
    assert json.loads(bytes_of(request.body)) == {
        "model": "gpt-image-2",
        "prompt": "a cat",
        "n": 2,
        "size": "2736x1536",
        "stream": True,
    }


def test_a_wish_with_one_picture_is_an_edit_as_stock_clients_send_it() -> None:
    wish = Request((Text("add a hat"), Image(content_of(PNG), "image/png")), "m", "1:1", "1K")
    request = encoded(wish)
    assert request.path == "/v1/images/edits"
    assert called_as_form(request).form == (
        FormField("model", "m"),
        FormField("prompt", "add a hat"),
        FormField("size", "1024x1024"),
        FormField("image", None, content_of(PNG), "image-1.png", "image/png"),
    )


def test_several_pictures_keep_their_order_and_are_sent_once() -> None:
    first, second = Image(content_of(PNG), "image/png"), Image(content_of(JPEG), "image/jpeg")
    form = form_of(Request((Text("mix"), second, first, second), "m"))
    assert [(one.name, one.filename) for one in form if one.file] == [
        ("image[]", "image-1.jpg"),
        ("image[]", "image-2.png"),
    ]


def test_the_boundary_is_the_same_for_the_same_wish_and_another_for_another() -> None:
    def boundary(prompt: str) -> str:
        wish = Request((Text(prompt), Image(content_of(PNG), "image/png")), "m")
        return encoded(wish).headers["content-type"]

    assert boundary("a") == boundary("a")
    assert boundary("a") != boundary("b")


def test_labels_say_at_the_end_of_the_prompt_which_picture_is_which() -> None:
    picture = Image(content_of(PNG), "image/png", label="the dog")
    form = form_of(Request((Text("a"), Image(content_of(JPEG), "image/jpeg"), picture), "m"))
    assert next(one.value for one in form if one.name == "prompt") == "a\nImage 2: the dog"


def test_extra_fields_are_laid_over_and_nested_ones_go_in_brackets() -> None:
    extra = {"size": "1536x1024", "svg": {"model": "x"}, "tags": ["a", "b"], "seed": 7}
    extra |= {"moderation": True, "draft": False, "note": None}
    picture = Image(content_of(PNG), "image/png")
    wish = Request((Text("a"), picture), "m", "1:1", "1K", extra={"openai_images": extra})
    values = [(one.name, one.value) for one in form_of(wish) if one.file is None]
    assert values == [
        ("model", "m"),
        ("prompt", "a"),
        ("size", "1536x1024"),
        ("svg[model]", "x"),
        ("tags[]", "a"),
        ("tags[]", "b"),
        ("seed", "7"),
        ("moderation", "true"),
        ("draft", "false"),
    ]


def test_a_long_extra_text_goes_into_a_form_as_text() -> None:
    span = Span((TextRun(b"long \\u00e9"),))
    wish = Request(
        (Text("a"), Image(content_of(PNG), "image/png")), "m", extra={"openai_images": {"x": span}}
    )
    assert FormField("x", "long é") in form_of(wish)


def test_the_size_rides_on_the_model_where_the_upstream_wants_it() -> None:
    upstream = replace(UPSTREAM, quirks=Quirks(size_suffix=True))
    assert sent(Request((Text("a"),), "m", "1:1", "4k"), upstream)["model"] == "m-4k"
    assert sent(Request((Text("a"),), "m", "1:1", "1K"), upstream)["model"] == "m"
    assert sent(Request((Text("a"),), "m-2k", "1:1", "2K"), upstream)["model"] == "m-2k"


def test_what_the_wire_cannot_say_is_warned_of() -> None:
    picture = Image(content_of(PNG), "image/png")
    signed = Image(content_of(JPEG), "image/jpeg", signature=Span((TextRun(b"sig"),)))
    history = (
        Turn("user", (Text("a cat"),)),
        Turn("model", (Text("here"), signed, Image(content_of(b"d"), "image/png", thought=True))),
    )
    wish = Request(
        (Text("now"), picture, Text("a hat"), Other({}, "gemini")),
        "m",
        image_size="2K",
        history=history,
        system="Paint.",
        extra={"gemini": {"tools": []}},
    )
    assert warned(wish) == {
        "history_dropped",
        "system_in_prompt",
        "signature_dropped",
        "part_dropped",
        "order_dropped",
        "size_dropped",
        "field_dropped",
    }
    form = form_of(wish)
    assert FormField("prompt", "Paint.\n\nnow\na hat") in form
    assert [one.file for one in form if one.file] == [signed.content, picture.content]
    assert warned(Request((Text("a"),), "m", "16:9")) == {"size_chosen"}
    assert warned(Request((picture, Text("a"), picture), "m")) == set()
    assert warned(Request((Text("a"),), "m", history=(Turn("user", (picture,)),))) == {
        "history_dropped"
    }


@pytest.mark.parametrize(
    ("wish", "leaf"),
    [
        (Request((Text(" "),), "m"), PromptMissing),
        (Request((Text("a"), Link("https://cdn.pisang.net/a")), "m"), ReferenceUnsupported),
        (Request((Text("a"),), "m", "wide", "1K"), RatioUnsupported),
        (Request((Text("a"),), "m", "0:1", "1K"), RatioUnsupported),
        (Request((Text("a"),), "m", "1:1", "8K"), SizeUnsupported),
    ],
)
def test_what_can_not_be_sent_is_refused(wish: Request, leaf: type[PisangError]) -> None:
    with pytest.raises(leaf):
        WIRE.encode_request(wish, UPSTREAM)


@pytest.mark.parametrize("label", [None, "dog"])
def test_pictures_are_refused_where_the_upstream_takes_none(label: str | None) -> None:
    upstream = replace(UPSTREAM, quirks=Quirks(references=False))
    wish = Request((Text("a"), Image(content_of(PNG), "image/png", label=label)), "m")
    with pytest.raises(ReferenceUnsupported, match=label or content_of(PNG).sha256[:12]):
        WIRE.encode_request(wish, upstream)


# --- sizes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "tier", "pixels"),
    [
        ("1:1", "512", (512, 512)),
        ("1:1", "1K", (1024, 1024)),
        ("16:9", "4K", (3840, 2160)),
        ("9:16", "4k", (2160, 3840)),
        ("21:9", "4K", (3840, 1648)),
        ("3:2", "1K", (1248, 832)),
        ("8:1", "0.5K", (1456, 176)),
        ("100:1", "512", (5120, 48)),
        ("9999:1", "512", (51200, 16)),
    ],
)
def test_a_shape_has_its_pixels(ratio: str, tier: str, pixels: tuple[int, int]) -> None:
    assert pixels_for(ratio, tier, "m") == pixels


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("tier", ["512", "1K", "2K", "4K"])
def test_the_pixels_of_every_shape_say_the_same_shape_again(ratio: str, tier: str) -> None:
    wide, high = pixels_for(ratio, tier, "m")
    shape = read_size(f"{wide}x{high}")
    assert (wide % 16, high % 16) == (0, 0)
    assert shape is not None
    assert (shape.aspect_ratio, shape.image_size, shape.near) == (ratio, tier, True)


@pytest.mark.parametrize(
    ("size", "ratio", "tier", "near"),
    [
        ("1024x1024", "1:1", "1K", True),
        ("1536x1024", "3:2", "1K", False),
        ("1024X1536", "2:3", "1K", False),
        ("3840x2160", "16:9", "4K", True),
        ("4096*4096", "1:1", "4K", True),
        ("5504x3072", "16:9", "4K", True),
        ("20000x20000", "1:1", "4K", False),
        ("2560x1440", "16:9", "2K", True),
        ("256x256", "1:1", "512", False),
        ("1000x300", "4:1", "512", False),
        (" 2048 × 2048 ", "1:1", "2K", True),
    ],
)
def test_a_size_becomes_the_nearest_shape(size: str, ratio: str, tier: str, near: bool) -> None:
    ask = asked(size=size)
    assert (ask.request.aspect_ratio, ask.request.image_size) == (ratio, tier)
    assert codes(ask) == (set() if near else {"size_nearest"})


@pytest.mark.parametrize("size", ["large", "0x100", "1024", "-1x5", "99999999x1", "x"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(OptionInvalid, match="WIDTHxHEIGHT"):
        asked(size=size)


@pytest.mark.parametrize("size", ["auto", "", None])
def test_no_size_leaves_the_shape_to_the_upstream(size: str | None) -> None:
    request = asked(size=size).request
    assert (request.aspect_ratio, request.image_size, request.extra) == (None, None, {})


def test_a_size_of_other_pixels_is_kept_for_a_server_of_the_same_wire() -> None:
    request = asked(size="1536x1024").request
    assert request.extra == {"openai_images": {"size": "1536x1024"}}
    assert sent(request)["size"] == "1536x1024"


@pytest.mark.parametrize(
    ("quality", "tier"),
    [("low", "1K"), ("medium", "1K"), ("high", "2K"), ("hd", "2K"), ("auto", None)],
)
def test_a_quality_chooses_the_tier_only_where_no_size_is_asked_for(
    quality: str, tier: str | None
) -> None:
    ask = asked(quality=quality)
    assert ask.request.image_size == tier
    assert codes(ask) == ({"size_chosen"} if tier else set())
    assert ask.request.extra == {"openai_images": {"quality": quality}}
    assert asked(quality=quality, size="3840x2160").request.image_size == "4K"


def test_a_quality_that_is_no_word_chooses_nothing() -> None:
    assert asked(quality=7).request.image_size is None


def test_openrouters_fields_for_the_shape_are_read_first() -> None:
    request = asked(aspect_ratio="4:1", resolution="2k", size="1024x1024").request
    assert (request.aspect_ratio, request.image_size) == ("4:1", "2K")
    request = asked(aspect_ratio="auto", image_size="0.5K").request
    assert (request.aspect_ratio, request.image_size) == (None, "512")


# --- server: the call --------------------------------------------------------------------------


def test_a_callers_options_are_his_answers_form() -> None:
    ask = asked(
        size="1024x1024",
        quality="high",
        background="opaque",
        response_format="url",
        output_format="jpg",
        output_compression=80,
        stream=True,
        partial_images=0,
        user="me",
    )
    assert ask.stream
    assert ask.warnings == ()
    assert ask.options == {
        "size": "1024x1024",
        "quality": "high",
        "background": "opaque",
        "response_format": "url",
        "output_format": "jpeg",
        "output_compression": 80,
    }
    assert ask.request.extra == {
        "openai_images": {"quality": "high", "background": "opaque", "user": "me"}
    }


def test_what_no_model_can_do_is_warned_of() -> None:
    assert codes(asked(background="transparent", partial_images=2)) == {
        "background_dropped",
        "partial_images_dropped",
    }


@pytest.mark.parametrize(
    ("fields", "option"),
    [
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"n": "two"}, "n"),
        ({"n": True}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": "٣"}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"model": 7}, "model"),
        ({"output_format": "svg"}, "output_format"),
        ({"output_format": ["png"]}, "output_format"),
        ({"output_compression": 101}, "output_compression"),
        ({"response_format": "file"}, "response_format"),
        ({"size": [1, 2]}, "size"),
        ({"mask": "data:,"}, "mask"),
        ({"partial_images": 4}, "partial_images"),
    ],
)
def test_an_option_with_a_wrong_value_is_named(fields: dict[str, JSON], option: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        asked(**fields)
    assert caught.value.fields["option"] == option
    assert said(WIRE.encode_error(caught.value))["error"]["param"] == option


@pytest.mark.parametrize("body", [{}, {"prompt": "  "}, {"prompt": None}])
def test_no_prompt_is_refused(body: JSON) -> None:
    with pytest.raises(PromptMissing):
        decoded(body)


@pytest.mark.parametrize("body", [[], "a", 7, {"prompt": 7}, {"prompt": ["a"]}])
def test_a_body_of_another_shape_is_a_wire_error(body: JSON) -> None:
    with pytest.raises(WireError):
        decoded(body)


def test_a_model_that_is_not_named_is_left_to_the_gateway() -> None:
    assert decoded({"prompt": "a"}).request.model == ""
    assert "model" not in sent(Request((Text("a"),), ""))


def test_pictures_in_json_are_references_in_their_order() -> None:
    url = f"data:application/octet-stream;base64,{b64(JPEG)}"
    ask = decoded(
        {
            "prompt": "mix",
            "image": f"data:image/png;base64,{b64(PNG)}",
            "images": [{"image_url": url}, {"image_url": {"url": "https://cdn.pisang.net/a"}}],
            "input_references": [{"type": "image_url", "image_url": {"url": b64(PNG + b"2")}}],
        },
        "/v1/images/edits",
    )
    assert ask.request.parts == (
        Text("mix"),
        Image(content_of(PNG), "image/png"),
        Image(content_of(JPEG), "image/jpeg"),
        Link("https://cdn.pisang.net/a"),
        Image(content_of(PNG + b"2"), "image/png"),
    )
    assert ask.options == {"edit": True}


@pytest.mark.parametrize(
    "picture",
    [{"file_id": "file-1"}, "cat.png", {"image_url": "file:///etc/passwd"}, None, 7,
     {"b64_json": "!"}, {"b64_json": ""}],
)  # fmt: skip
def test_a_picture_that_is_none_is_refused_by_name(picture: JSON) -> None:
    with pytest.raises(ReferenceUnreadable, match=r"images\[0\]"):
        asked(images=[picture])


def test_a_form_is_read_as_stock_clients_send_it() -> None:
    form = (
        FormField("prompt", "add a hat"),
        FormField("n", "2"),
        FormField("stream", "true"),
        FormField("size", ""),
        FormField("user", "me"),
        FormField("image[]", file=content_of(PNG), filename="a", mime="application/octet-stream"),
        FormField("image[1]", file=content_of(b"\0"), filename="b.webp", mime="image/webp"),
        FormField("image", f"data:image/jpeg;base64,{b64(JPEG)}"),
    )
    ask = WIRE.decode_request(form_call(form))
    assert ask.stream
    assert ask.request == Request(
        (
            Text("add a hat"),
            Image(content_of(PNG), "image/png"),
            Image(content_of(b"\0"), "image/webp"),
            Image(content_of(JPEG), "image/jpeg"),
        ),
        "",
        n=2,
        extra={"openai_images": {"user": "me"}},
    )


@pytest.mark.parametrize(
    ("field", "leaf", "words"),
    [
        (FormField("mask", file=content_of(PNG), filename="m.png"), OptionInvalid, "masks"),
        (FormField("thing", file=content_of(PNG), filename="t.png"), OptionInvalid, "image"),
        (FormField("prompt", "again"), OptionInvalid, "twice"),
        (FormField("image", file=content_of(b"PK"), filename="a.z"), ReferenceUnreadable, "a.z"),
        (FormField("image", file=content_of(b""), mime="image/png"), ReferenceUnreadable, "image"),
        (FormField("image", "cat"), ReferenceUnreadable, "image"),
    ],
)  # fmt: skip
def test_a_form_field_that_can_not_be_taken_is_refused(
    field: FormField, leaf: type[PisangError], words: str
) -> None:
    with pytest.raises(leaf, match=words):
        WIRE.decode_request(form_call((FormField("prompt", "a"), field)))


def test_an_edit_without_a_picture_is_refused() -> None:
    with pytest.raises(OptionInvalid, match="at least one picture"):
        decoded({"prompt": "a"}, "/v1/images/edits/")


# --- server: the answer ------------------------------------------------------------------------

CAT = Reply(
    (Text("Here."), Image(content_of(PNG), "image/png")), usage=Usage(3, 1120, 1120, 5, 1128)
)


def test_an_answer_has_openais_form() -> None:
    ask = replace(ASK, options={"created_s": 1_700_000_000})
    answer = WIRE.encode_reply(CAT, ask)
    assert (answer.status, answer.headers) == (200, {"content-type": "application/json"})
    assert said(answer) == {
        "created": 1_700_000_000,
        "data": [{"b64_json": b64(PNG), "media_type": "image/png"}],
        "output_format": "png",
        "text": "Here.",
        "usage": {
            "input_tokens": 3,
            "output_tokens": 1125,
            "total_tokens": 1128,
            "input_tokens_details": {"text_tokens": 3, "image_tokens": 0},
            "output_tokens_details": {"image_tokens": 1120, "reasoning_tokens": 5},
        },
    }


def test_counts_that_are_not_known_are_numbers_all_the_same() -> None:
    reply = Reply(CAT.parts, usage=Usage(output_tokens=7))
    usage = said(WIRE.encode_reply(reply, ASK))["usage"]
    assert usage == {"input_tokens": 0, "output_tokens": 7, "total_tokens": 7}


def test_drafts_are_left_out_of_an_answer() -> None:
    draft = Image(content_of(JPEG), "image/jpeg", thought=True)
    assert len(said(WIRE.encode_reply(Reply((draft, *CAT.parts)), ASK))["data"]) == 1


def test_pictures_go_by_url_where_the_caller_and_the_gateway_want_it() -> None:
    prefix = {"url_prefix": "https://g.example.com/i/"}
    by_url = replace(ASK, options={"response_format": "url"} | prefix)
    name = f"{content_of(PNG).sha256}.png"
    item = said(WIRE.encode_reply(CAT, by_url))["data"][0]
    assert item == {"url": f"https://g.example.com/i/{name}", "media_type": "image/png"}
    for options in ({"response_format": "url"}, prefix):
        answer = WIRE.encode_reply(CAT, replace(ASK, options=options))
        assert "b64_json" in said(answer)["data"][0]


def test_a_stream_has_the_events_and_fields_of_openai_python() -> None:
    ask = replace(STREAM, options={"edit": True, "size": "1024x1024", "created_s": 5})
    answer = WIRE.encode_reply(
        replace(CAT, parts=(*CAT.parts, Link("https://c.pisang.net/b"))), ask
    )
    assert answer.headers == {"content-type": "text/event-stream; charset=utf-8"}
    first, second = bytes_of(answer.body).decode().strip().split("\r\n\r\n")
    name, data = first.split("\r\n")
    assert name == "event: image_edit.completed"
    common = {"type": "image_edit.completed", "created_at": 5, "background": "auto"}
    common |= {"quality": "auto", "size": "1024x1024"}
    picture = {"b64_json": b64(PNG), "media_type": "image/png", "output_format": "png"}
    assert json.loads(data.removeprefix("data: ")) == common | picture
    last = json.loads(second.split("\r\n")[1].removeprefix("data: "))
    assert last["usage"]["total_tokens"] == 1128
    assert (last["url"], last["output_format"]) == ("https://c.pisang.net/b", "png")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply((Text("I can't."),), "NO_IMAGE"), "NO_IMAGE"),
        (Reply((), None, "SAFETY"), "SAFETY"),
        (Reply((), message="Sorry."), "Sorry."),
        (Reply(()), "no reason given"),
    ],
)
@pytest.mark.parametrize("ask", [ASK, STREAM])
def test_an_answer_without_a_picture_is_no_success(reply: Reply, reason: str, ask: Ask) -> None:
    answer = WIRE.encode_reply(reply, ask)
    assert answer.status == 422
    assert said(answer)["error"]["code"] == "no_image"
    assert reason in said(answer)["error"]["message"]


# --- errors out --------------------------------------------------------------------------------


def test_an_unknown_outcome_is_never_sent_again_by_a_stock_client() -> None:
    error = OutcomeUnknown(
        upstream="u", why="it broke", at_stake="0.134 USD", hint="pisang unknown list"
    )
    answer = WIRE.encode_error(error, ASK)
    assert answer.status == 424
    assert answer.headers["x-should-retry"] == "false"
    body = said(answer)["error"]
    assert (body["type"], body["code"], body["param"]) == ("server_error", "outcome_unknown", None)
    assert "0.134 USD" in body["message"]
    assert "pisang unknown list" in body["message"]
    assert body["details"][0]["metadata"]["charged"] == "unknown"


def every_leaf() -> list[type[PisangError]]:
    def walk(base: type[PisangError]) -> list[type[PisangError]]:
        return [leaf for sub in base.__subclasses__() for leaf in (sub, *walk(sub))]

    return walk(PisangError)


@pytest.mark.parametrize("leaf", every_leaf())
def test_every_leaf_has_its_error_body(leaf: type[PisangError]) -> None:
    error = leaf()
    answer = WIRE.encode_error(error)
    body = said(answer)["error"]
    assert set(body) == {"message", "type", "param", "code", "details"}
    assert 400 <= answer.status < 600
    if error.charged != "no":
        assert answer.status not in (408, 409, 429)
        assert answer.status < 500
    fault = WIRE.decode_fault(heard(answer))
    assert fault is not None
    assert (fault.own, fault.status, fault.code) == (True, answer.status, error.code)


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        ("KeyInvalid", "authentication_error", "invalid_api_key"),
        ("ModelNotFound", "invalid_request_error", "model_not_found"),
        ("RateLimited", "rate_limit_error", "rate_limit_exceeded"),
        ("BalanceExhausted", "insufficient_quota", "insufficient_quota"),
        ("Refused", "image_generation_user_error", "moderation_blocked"),
        ("OptionInvalid", "invalid_request_error", "option_invalid"),
        ("PermissionDenied", "permission_error", "permission_denied"),
        ("Overloaded", "server_error", "overloaded"),
    ],
)
def test_errors_have_the_words_that_stock_clients_know(code: str, kind: str, word: str) -> None:
    leaf = next(one for one in every_leaf() if one.__name__ == code)
    body = said(WIRE.encode_error(leaf()))["error"]
    assert (body["type"], body["code"]) == (kind, word)


# --- client: what servers really answer ---------------------------------------------------------


def test_the_declared_type_is_the_pictures_own_else_the_results() -> None:
    data = [{"b64_json": b64(PNG), "media_type": "image/webp"}, {"b64_json": b64(PNG)}]
    parts = reply_to({"created": 1, "data": data, "output_format": "jpeg"}).parts
    assert [part.mime for part in parts if isinstance(part, Image)] == ["image/webp", "image/jpeg"]
    (sniffed,) = reply_to({"data": [{"b64_json": b64(JPEG)}]}).parts
    assert sniffed == Image(content_of(JPEG), "image/jpeg")
    (default,) = reply_to({"data": [{"b64_json": b64(b"odd")}], "output_format": 7}).parts
    assert default == Image(content_of(b"odd"), "image/png")


def test_what_else_a_result_says_is_kept_and_written_again() -> None:
    body = {
        "created": 1_700_000_000,
        "data": [{"b64_json": b64(PNG), "revised_prompt": "A cat.", "url": None}, "skip"],
        "background": "opaque",
        "quality": "high",
        "size": "1024x1024",
        "output_format": "png",
        "usage": {
            "input_tokens": 5,
            "output_tokens": 9,
            "total_tokens": 14,
            "input_tokens_details": {"text_tokens": 1, "image_tokens": 4},
            "output_tokens_details": {"image_tokens": 9, "text_tokens": 0},
            "cost": 0.04,
        },
    }
    reply = reply_to(body)
    assert reply.usage == Usage(5, 9, 9, None, 14)
    kept = reply.extra["openai_images"]
    assert kept["usage"] == {
        "input_tokens_details": {"text_tokens": 1, "image_tokens": 4},
        "output_tokens_details": {"text_tokens": 0},
        "cost": 0.04,
    }
    assert kept["data"] == {"0": {"revised_prompt": "A cat."}}
    again = said(WIRE.encode_reply(reply, ASK))
    assert again["data"][0].pop("media_type") == "image/png"
    del body["data"][1], body["data"][0]["url"]
    assert again == body


def test_counts_alone_that_are_no_counts_are_kept_as_they_are() -> None:
    told = {"usage": {"cost": 0.04, "input_tokens": -1, "output_tokens_details": 7}}
    reply = reply_to({"data": [{"b64_json": b64(PNG)}]} | told)
    assert reply.usage is None
    assert said(WIRE.encode_reply(reply, ASK))["usage"] == {"cost": 0.04}
    thoughtful = {"usage": {"output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 9}}}
    assert reply_to({"data": []} | thoughtful).usage == Usage(None, 0, None, 9, None)


@pytest.mark.parametrize(
    ("item", "part"),
    [
        ({"url": "https://cdn.pisang.net/a"}, Link("https://cdn.pisang.net/a")),
        ({"url": f"data:image/png;base64,{b64(PNG)}"}, Image(content_of(PNG), "image/png")),
        ({"b64_json": f"data:image/webp;base64,{b64(PNG)}"}, Image(content_of(PNG), "image/webp")),
        ({"b64_json": "", "url": "http://cdn.pisang.net/a"}, Link("http://cdn.pisang.net/a")),
        ({"url": b64(PNG)}, Image(content_of(PNG), "image/png")),
        ({"image": {"url": "https://cdn.pisang.net/a"}}, Link("https://cdn.pisang.net/a")),
        (b64(JPEG), Image(content_of(JPEG), "image/jpeg")),
        ({"b64_json": "!"}, Image(content_of(b""), "image/png")),
        ({"url": "https://example.com/placeholder.png"}, None),
        ({"url": "https://via.placeholder.com/512"}, None),
        ({"url": ""}, None),
        ({"url": "placeholder"}, None),
        ({"url": "data:,"}, None),
        ({"url": "attachment://image.png"}, None),
        ({"url": "data:image/png;base64,A"}, Image(content_of(b""), "image/png")),
        ({}, None),
        (None, None),
    ],
)
def test_a_picture_is_found_however_it_is_written(item: JSON, part: Image | Link | None) -> None:
    assert reply_to({"created": 1, "data": [item]}).parts == (() if part is None else (part,))


def in_lines(data: bytes) -> str:
    text = b64(data)
    return "\n".join(text[at : at + 76] for at in range(0, len(text), 76))


@pytest.mark.parametrize("size", [100, 20_000, 400_000])
def test_a_data_url_in_lines_is_a_picture(size: int) -> None:
    picture = PNG + bytes(size)
    url = f" data:image/png;base64,{in_lines(picture)}\n"
    (part,) = reply_to({"created": 1, "data": [{"url": url}]}).parts
    assert part == Image(content_of(picture), "image/png")


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{b64(PNG)}!{b64(PNG)}",
        f"data:image/png;base64,{b64(PNG + bytes(30_000))[:-3]}!!",
        f"data:image/png;base64,{in_lines(bytes(900_000))}",
        "data:image/png;base64,",
    ],
)
def test_a_data_url_that_cannot_be_read_is_a_broken_picture_not_none(url: str) -> None:
    (part,) = reply_to({"created": 1, "data": [{"url": url}]}).parts
    assert part == Image(content_of(b""), "image/png")


def test_a_long_text_in_a_url_field_is_no_picture() -> None:
    assert reply_to({"created": 1, "data": [{"url": "word " * 9000}]}).parts == ()


def test_a_long_picture_is_found_in_a_url_field_too() -> None:
    picture = ours.PNG * 4000
    for url in (b64(picture), f"data:image/png;base64,{b64(picture)}"):
        (part,) = reply_to({"data": [{"url": url}]}).parts
        assert part == Image(content_of(picture), "image/png")
    (part,) = reply_to({"data": [{"b64_json": f"data:image/webp;base64,{b64(picture)}"}]}).parts
    assert part == Image(content_of(picture), "image/webp")


def test_a_list_under_another_servers_name_is_read() -> None:
    body = {"images": [{"url": "https://cdn.pisang.net/a"}], "timings": {"inference": 1.2}}
    reply = reply_to(body)
    assert reply.parts == (Link("https://cdn.pisang.net/a"),)
    assert reply.extra == {"openai_images": {"timings": {"inference": 1.2}}}


@pytest.mark.parametrize("body", [{"created": 1, "data": []}, {"created": 1, "data": None}])
def test_an_empty_result_is_a_reply_without_parts(body: JSON) -> None:
    answer = answer_of(json.dumps(body).encode())
    assert WIRE.decode_fault(answer) is None
    assert WIRE.decode_reply(answer).parts == ()


PARTIAL = {"type": "image_generation.partial_image", "b64_json": b64(JPEG), "size": "1024x1024"}
PARTIAL |= {"partial_image_index": 0, "created_at": 4, "output_format": "jpeg"}
COMPLETED = {"type": "image_generation.completed", "b64_json": b64(PNG), "size": "1536x1024"}
COMPLETED |= {"created_at": 5, "output_format": "png", "quality": "auto", "background": "opaque"}
COMPLETED |= {"usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}


def test_partial_images_of_a_stream_are_thoughts() -> None:
    chunk = {"type": "image_generation.text_chunk", "text": "A c"}
    data = events(PARTIAL, chunk, chunk | {"text": "at."}, COMPLETED) + b"data: [DONE]\n\n"
    assert WIRE.decode_reply(answer_of(data)) == Reply(
        (
            Text("A cat."),
            Image(content_of(JPEG), "image/jpeg", thought=True),
            Image(content_of(PNG), "image/png"),
        ),
        usage=Usage(1, 2, None, None, 3),
        extra={"openai_images": {"size": "1536x1024", "background": "opaque", "created": 5}},
    )


def test_an_event_may_say_its_type_in_its_name_alone() -> None:
    bare = {key: value for key, value in COMPLETED.items() if key != "type"}
    data = f"event: image_edit.completed\ndata: {json.dumps(bare)}\n\n".encode()
    assert WIRE.decode_reply(answer_of(data)).parts == (Image(content_of(PNG), "image/png"),)


def test_a_linked_partial_image_is_a_thought_too() -> None:
    event = {"type": "image_edit.partial_image", "url": "https://cdn.pisang.net/a"}
    (part,) = WIRE.decode_reply(answer_of(events(event))).parts
    assert part == Link("https://cdn.pisang.net/a", thought=True)


def test_a_stream_that_broke_off_after_the_picture_is_a_reply() -> None:
    data = events(COMPLETED) + b'event: error\ndata: {"message": "upstream gone"}\n\n'
    answer = answer_of(data)
    assert WIRE.decode_fault(answer) is None
    assert WIRE.decode_reply(answer).message == "upstream gone"


def test_a_stream_that_broke_off_before_the_picture_is_a_fault() -> None:
    error = {"type": "error", "error": {"message": "moderation", "code": "moderation_blocked"}}
    answer = answer_of(events(PARTIAL, error))
    fault = WIRE.decode_fault(answer)
    assert fault is not None
    assert (fault.code, fault.own) == ("moderation_blocked", True)
    assert [part.thought for part in WIRE.decode_reply(answer).parts] == [True]


@pytest.mark.parametrize("error", ["gone", {"code": 500}])
def test_what_a_broken_stream_says_is_the_replys_message(error: JSON) -> None:
    data = events(COMPLETED) + f"data: {json.dumps({'error': error})}\n\n".encode()
    assert WIRE.decode_reply(answer_of(data)).message == ("gone" if error == "gone" else "500")


def test_a_cut_stream_gives_the_pictures_that_came() -> None:
    data = events(COMPLETED, COMPLETED | {"b64_json": b64(JPEG)})
    reply = WIRE.decode_reply(answer_of(data[:-40], ended=Ended.CUT))
    assert reply.parts[0] == Image(content_of(PNG), "image/png")


FAULTS: Mapping[str, tuple[int, bytes, str | None]] = {
    "openai": (400, b'{"error":{"message":"no","type":"x","param":null,"code":"y"}}', "y"),
    "a relay under 200": (200, b'{"code":1000,"message":"balance","data":null}', "1000"),
    "an error beside an empty list": (200, b'{"data":[],"error":{"message":"m"}}', None),
    "an error beside created": (200, b'{"created":1,"error":{"message":"m"}}', None),
    "a page": (524, b"<!DOCTYPE html><title>524</title><script>x</script>A timeout", None),
    "a page under 200": (200, b"<html>captive portal</html>", None),
    "nothing": (200, b"", None),
    "text": (502, b"Bad gateway", None),
    "a list of nothing": (200, b"[1]", None),
    "events of nothing": (200, b"data: [1]\n\n", None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_answer_that_is_no_result_is_a_fault(name: str) -> None:
    status, body, code = FAULTS[name]
    fault = WIRE.decode_fault(answer_of(body, status=status))
    assert fault is not None
    assert fault.code == code
    assert "<" not in fault.excerpt
    assert fault.status == status


def test_a_result_under_an_error_status_is_a_fault() -> None:
    body = json.dumps({"data": [{"b64_json": b64(PNG)}]}).encode()
    assert WIRE.decode_fault(answer_of(body, status=500)) is not None


@pytest.mark.parametrize(
    "body", [b'{"error":{"message":"gone"}}', b'{"ok":true}', b"data: 7\n\n", b"\xff", b"{"]
)
def test_a_body_without_a_result_is_a_wire_error(body: bytes) -> None:
    with pytest.raises(WireError):
        WIRE.decode_reply(answer_of(body))


def test_a_refusal_of_ours_is_read_as_a_refusal_again() -> None:
    fault = WIRE.decode_fault(
        heard(WIRE.encode_error(Refused(upstream="u", reason="IMAGE_SAFETY")))
    )
    assert fault is not None
    assert fault.code == "refused"


def test_a_warning_names_what_was_sent_instead() -> None:
    _, warnings = WIRE.encode_request(Request((Text("a"),), "m", "16:9"), UPSTREAM)
    assert warnings == (
        Warn("size_chosen", "This wire asks in pixels: 16:9 was sent as 1360x768."),
    )


def test_contents_are_never_copied_into_the_call() -> None:
    big = Content("ab" * 32, 50_000_000, b"\x89PNG\r\n\x1a\n", b"")
    wish = Request((Text("a"), Image(big, "image/png")), "m")
    assert sum(len(piece) for piece in encoded(wish).body if isinstance(piece, bytes)) < 1000
    answer = WIRE.encode_reply(Reply((Image(big, "image/png"),)), ASK)
    assert sum(len(piece) for piece in answer.body if isinstance(piece, bytes)) < 1000
