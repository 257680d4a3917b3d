"""OpenAI's two wires, as the sandbox imitates them and the relays that stand before it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from pisang.domain.catalogue import load
from pisang.sandbox.app import Sandbox
from pisang.sandbox.book import Book

from .asking import Told, ask, facts

GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
CHAT = "/v1/chat/completions"
PRO = "gemini-3-pro-image"
BEARER = {"authorization": "Bearer sk-1"}


def pictures(told: Told) -> list[bytes]:
    return [base64.b64decode(item["b64_json"]) for item in told.json["data"]]


async def generate(app: Sandbox, prompt: str, **fields: Any) -> Told:
    body = {"model": PRO, "prompt": prompt, **fields}
    return await ask(app, GENERATIONS, body, headers=BEARER)


# --- images ------------------------------------------------------------------------------------


async def test_a_generation_has_the_catalogues_pixels_for_the_nearest_shape(
    app: Sandbox, book: Book
) -> None:
    for size, shape in (("1024x1024", "1:1"), ("1536x864", "16:9"), ("848x1264", "2:3")):
        told = await generate(app, "a cat", size=size)
        model = load().find(PRO)
        assert model is not None
        assert facts(pictures(told)[0]) == ("image/jpeg", *(model.pixels(shape, "1K") or ()))
    assert {charge.wire for charge in book.charges} == {"openai_images"}


async def test_several_pictures_are_several_and_charged_together(app: Sandbox, book: Book) -> None:
    told = await generate(app, "a cat", n=3)
    assert len(set(pictures(told))) == 3
    (charge,) = book.charges
    assert (charge.images, charge.price_micros) == (3, 3 * 134_000)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
async def test_the_asked_format_is_painted(app: Sandbox, kind: str) -> None:
    told = await generate(app, "a cat", output_format=kind)
    assert facts(pictures(told)[0])[0] == f"image/{kind}"


async def test_a_call_without_a_model_gets_one(app: Sandbox) -> None:
    told = await ask(app, GENERATIONS, {"prompt": "a cat"})
    assert len(pictures(told)) == 1


async def test_a_link_is_fetched_from_the_sandbox_itself(app: Sandbox) -> None:
    for told in (
        await generate(app, "a cat [[sandbox url]]"),
        await generate(app, "a cat", response_format="url"),
    ):
        link = urlsplit(told.json["data"][0]["url"])
        assert (link.scheme, link.netloc) == ("http", "sandbox.test")
        fetched = await ask(app, link.path, method="GET")
        assert fetched.headers["content-type"] == "image/jpeg"
        assert facts(fetched.body) == ("image/jpeg", 1024, 1024)
    gone = link.path.replace(link.path[-10:-4], "000000")
    assert (await ask(app, gone, method="GET")).status == 404


async def test_links_expire(app: Sandbox) -> None:
    links = []
    for number in range(34):
        body = {"model": "gemini-3.1-flash-image", "prompt": f"{number} [[sandbox url size=512]]"}
        told = await ask(app, GENERATIONS, body)
        links.append(urlsplit(told.json["data"][0]["url"]).path)
    assert (await ask(app, links[0], method="GET")).status == 404
    assert (await ask(app, links[-1], method="GET")).status == 200


async def test_an_edit_by_form_is_painted_over_the_picture(app: Sandbox) -> None:
    base = pictures(await generate(app, "a red barn"))[0]
    head = b"--b\r\ncontent-disposition: form-data; name="
    form = (
        head + b'"prompt"\r\n\r\nmake it winter\r\n'
        + head + b'"model"\r\n\r\n' + PRO.encode() + b"\r\n"
        + head + b'"image"; filename="in.jpg"\r\ncontent-type: image/jpeg\r\n\r\n' + base
        + b"\r\n--b--\r\n"
    )  # fmt: skip
    kind = {"content-type": "multipart/form-data; boundary=b"}
    told = await ask(app, EDITS, form, headers=kind)
    assert told.status == 200
    assert pictures(told)[0] not in (base, pictures(await generate(app, "make it winter"))[0])


async def test_a_stream_of_events_ends_completed(app: Sandbox) -> None:
    told = await generate(app, "a cat", stream=True)
    assert b"image_generation.completed" in told.body


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"prompt": "x [[sandbox status=429]]"}, 429, "rate_limit_exceeded"),
        ({"prompt": "x [[sandbox status=500]]"}, 500, None),
        ({"prompt": "x", "model": "dall-e-3"}, 404, "model_not_found"),
        ({"prompt": "x [[sandbox foo]]"}, 400, "option_invalid"),
        ({"prompt": "x", "size": "huge"}, 400, "option_invalid"),
        ({"prompt": ""}, 400, "prompt_missing"),
        ({"prompt": "x [[sandbox finish=IMAGE_SAFETY]]"}, 422, "no_image"),
    ],
)
async def test_errors_are_openais_and_free(
    app: Sandbox, book: Book, fields: dict[str, Any], status: int, code: str | None
) -> None:
    told = await generate(app, **fields)
    assert (told.status, told.json["error"]["code"]) == (status, code)
    assert book.charges == ()


async def test_a_wrong_key_is_a_401(app: Sandbox) -> None:
    told = await ask(app, GENERATIONS, {"prompt": "x"}, headers={"authorization": "Bearer invalid"})
    assert told.status == 401


# --- chat --------------------------------------------------------------------------------------


async def chat(app: Sandbox, prompt: str, **fields: Any) -> Told:
    body = {
        "model": PRO,
        "messages": [{"role": "user", "content": prompt}],
        "modalities": ["image", "text"],
        "image_config": {"aspect_ratio": "16:9", "image_size": "1K"},
        **fields,
    }
    return await ask(app, CHAT, body, headers=BEARER)


def from_data_url(url: str) -> bytes:
    head, _, data = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return base64.b64decode(data)


async def test_a_chat_has_its_picture_beside_its_words(app: Sandbox, book: Book) -> None:
    told = await chat(app, "一只猫")
    message = told.json["choices"][0]["message"]
    assert message["content"] == "好的，为你生成："
    (image,) = message["images"]
    assert facts(from_data_url(image["image_url"]["url"])) == ("image/jpeg", 1376, 768)
    assert told.json["created"] == 1_700_000_000
    assert book.charges[0].wire == "openai_chat"


async def test_a_vendor_before_a_models_id_is_openrouters_and_taken(app: Sandbox) -> None:
    assert (await chat(app, "a cat", model=f"google/{PRO}")).status == 200
    assert (await ask(app, GENERATIONS, {"model": f"google/{PRO}", "prompt": "x"})).status == 404


async def test_relays_put_the_picture_in_markdown_or_in_an_array(app: Sandbox) -> None:
    plain = await chat(app, "a cat")
    url = plain.json["choices"][0]["message"]["images"][0]["image_url"]["url"]
    markdown = await chat(app, "a cat [[sandbox variant=markdown]]")
    message = markdown.json["choices"][0]["message"]
    assert message["content"] == f"Here is your picture:\n\n![image]({url})"
    assert "images" not in message
    array = await chat(app, "a cat [[sandbox variant=array]]")
    words, image = array.json["choices"][0]["message"]["content"]
    assert words == {"type": "text", "text": "Here is your picture:"}
    assert image["image_url"]["url"] == url
    images = await chat(app, "a cat [[sandbox variant=images]]")
    assert images.json["choices"][0]["message"]["images"][0]["image_url"]["url"] == url


@pytest.mark.parametrize("variant", ["markdown", "array", "images"])
async def test_a_link_stands_where_the_picture_would(app: Sandbox, variant: str) -> None:
    told = await chat(app, f"a cat [[sandbox url variant={variant}]]")
    found = re.search(rb"http://sandbox\.test(/sandbox/pictures/\w+\.jpg)", told.body)
    assert found is not None
    fetched = await ask(app, found[1].decode(), method="GET")
    assert facts(fetched.body) == ("image/jpeg", 1376, 768)


@pytest.mark.parametrize("variant", ["markdown", "array", "images"])
async def test_a_streamed_chat_ends_with_done(app: Sandbox, variant: str) -> None:
    told = await chat(app, f"a cat [[sandbox variant={variant}]]", stream=True)
    frames = [frame[6:] for frame in told.body.split(b"\r\n\r\n") if frame]
    assert frames[-1] == b"[DONE]"
    chunks = [json.loads(frame) for frame in frames[:-1]]
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert b"data:image/jpeg;base64," in told.body


async def test_words_alone_are_an_ordinary_chat(app: Sandbox, book: Book) -> None:
    told = await chat(app, "a cat [[sandbox text-only]]")
    message = told.json["choices"][0]["message"]
    assert message["content"].startswith("Only words") and "images" not in message
    assert book.charges == ()


async def test_a_picture_in_the_talk_is_painted_over(app: Sandbox) -> None:
    url = (await chat(app, "a barn")).json["choices"][0]["message"]["images"][0]
    talk = [
        {"role": "user", "content": "a barn"},
        {"role": "assistant", "content": [{"type": "text", "text": "here"}, url]},
        {"role": "user", "content": "make it winter"},
    ]
    edited, plain = await chat(app, "", messages=talk), await chat(app, "make it winter")
    assert edited.status == 200
    assert (
        edited.json["choices"][0]["message"]["images"]
        != (plain.json["choices"][0]["message"]["images"])
    )
