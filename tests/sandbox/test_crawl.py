"""The crawl wire, as the sandbox imitates it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pisang.domain.catalogue import load
from pisang.sandbox.app import Sandbox
from pisang.sandbox.book import Book

from .asking import Told, ask, facts

PATH = "/gpt/openapi/online/multimodal/crawl"
MODEL = load().find("nano-banana2", "crawl")


def body(prompt: str, ratio: str = "1:1", size: str = "1K", **more: Any) -> Any:
    return {
        "stream": False,
        "model": "nano-banana2",
        "max_tokens": 20000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": prompt}]}],
        "response_modalities": ["TEXT", "IMAGE"],
        "image_config": {
            "aspectRatio": ratio,
            "imageSize": size,
            "imageOutputOptions": {"mimeType": "image/png"},
        },
        **more,
    }


async def call(app: Sandbox, wish: Any) -> Told:
    return await ask(app, PATH, wish, query="ak=some-key")


def picture(told: Told) -> bytes:
    items = told.json["data"]["choices"][0]["message"]["multimodal_contents"]
    inline = [item["inline_data"] for item in items if item["type"] == "inline_data"]
    return base64.b64decode(inline[-1]["data"])


async def test_the_documents_answer_text_then_picture(app: Sandbox, book: Book) -> None:
    told = await call(app, body("一只可爱的柴犬在公园里玩耍"))
    assert (told.json["code"], told.json["msg"]) == (0, "success")
    choice = told.json["data"]["choices"][0]
    assert choice["finish_reason"] == "stop"
    text, image = choice["message"]["multimodal_contents"]
    assert text == {"type": "text", "text": "好的，为你生成："}
    assert image["inline_data"]["mime_type"] == "image/png"
    assert book.charges[0].wire == "crawl"


@pytest.mark.parametrize("ratio", MODEL.ratios if MODEL else ())
async def test_every_ratio_has_the_catalogues_pixels(app: Sandbox, ratio: str) -> None:
    assert MODEL is not None
    for size in ("1K",) if ratio != "16:9" else ("1K", "2K"):
        told = await call(app, body("x", ratio, size))
        expected = MODEL.pixels(ratio, size)
        assert facts(picture(told)) == ("image/png", *(expected or ()))


async def test_a_reference_by_data_url_is_painted_over(app: Sandbox) -> None:
    base = picture(await call(app, body("a barn")))
    url = f"data:image/png;base64,{base64.b64encode(base).decode()}"
    content = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "make it winter"},
    ]
    edited = await call(app, body("", messages=[{"role": "user", "content": content}]))
    plain = await call(app, body("make it winter"))
    assert picture(edited) != picture(plain)


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        (body("x", size="4K"), 400),
        (body("x", ratio="1:8"), 400),
        (body("x", model="nano-banana3"), 404),
        (body("x [[sandbox status=429]]"), 429),
        (body("x [[sandbox status=400]]"), 400),
    ],
)
async def test_what_it_does_not_take_is_a_code_and_a_message(
    app: Sandbox, book: Book, wish: Any, status: int
) -> None:
    told = await call(app, wish)
    assert (told.status, told.json["code"]) == (status, status)
    assert told.json["msg"]
    assert book.charges == ()


async def test_a_wrong_key_is_a_401(app: Sandbox) -> None:
    told = await ask(app, PATH, body("x"), query="ak=invalid")
    assert (told.status, told.json["msg"]) == (401, "API Key 无效或过期")
    assert b"invalid" not in told.body


async def test_a_refusal_is_no_success(app: Sandbox) -> None:
    told = await call(app, body("x [[sandbox finish=IMAGE_SAFETY]]"))
    assert told.json["code"] != 0
