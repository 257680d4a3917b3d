"""Directives: each changes the answer as it says; an unknown one is named."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

from pisang.errors import OptionInvalid
from pisang.sandbox.app import Sandbox
from pisang.sandbox.book import Book
from pisang.sandbox.directives import _WORDS, GUIDE, SHAPES, Directives, read_directives

from .asking import GEMINI, Told, ask, facts, wish

PRO = GEMINI.format(model="gemini-3-pro-image")


async def say(app: Sandbox, words: str, **config: Any) -> Told:
    return await ask(app, PRO, wish(f"a cat [[sandbox {words}]]", **config))


# --- reading -----------------------------------------------------------------------------------


def test_directives_are_taken_out_of_the_prompt_and_add_up() -> None:
    found, prompt = read_directives("a [[sandbox delay=2 cut=0.5]] cat [[SANDBOX drafts=3]]\n中文")
    assert found == Directives(delay_s=2, cut=0.5, drafts=3)
    assert prompt == "a cat 中文"


def test_a_prompt_without_directives_asks_for_nothing() -> None:
    assert read_directives("a cat in [[a box]]") == (Directives(), "a cat in [[a box]]")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("foo=1", "foo=1"),
        ("satus=503", "satus=503"),
        ("status=200", "400 to 599"),
        ("status=x", "400 to 599"),
        ("status=", "400 to 599"),
        ("cut=1", "0 to 0.999"),
        ("cut=nan", "0 to 0.999"),
        ("delay=forever", "0 to 3600"),
        ("size=3K", "512, 1K, 2K, 4K"),
        ("ratio=wide", "16:9"),
        ("finish=safety", "IMAGE_SAFETY"),
        ("shape=6", "1 to 5"),
        ("variant=xml", "markdown, array, images"),
        ("charge=maybe", "yes, no"),
        ("text-only=no", "stands alone"),
        ("signature=99999999", "whole number"),
    ],
)
async def test_a_wrong_directive_is_a_400_that_names_it(
    app: Sandbox, book: Book, words: str, named: str
) -> None:
    with pytest.raises(OptionInvalid, match="the directive"):
        read_directives(f"[[sandbox {words}]]")
    told = await say(app, words)
    assert told.status == 400
    assert words in told.json["error"]["message"] and named in told.json["error"]["message"]
    assert book.charges == ()


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (418, "UNKNOWN"),
    ],
)
async def test_a_status_is_told_in_googles_words_and_free(
    app: Sandbox, book: Book, status: int, word: str
) -> None:
    told = await say(app, f"status={status}")
    assert (told.status, told.json["error"]["code"]) == (status, status)
    assert told.json["error"]["status"] == word
    assert book.charges == ()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "无效的令牌"),
        (403, "用户额度不足"),
        (429, "请求数限制"),
        (503, "模型 gemini-3-pro-image 无可用渠道"),
        (500, '{"error":{"code":500,'),
    ],
)
async def test_a_status_is_told_in_a_relays_words(app: Sandbox, status: int, said: str) -> None:
    told = await say(app, f"status={status} relay=1")
    assert told.status == status
    assert said in told.json["error"]["message"]
    assert f"request id: {told.headers['x-request-id']}" in told.json["error"]["message"]
    assert told.json["error"]["type"] in ("new_api_error", "upstream_error")


async def test_a_limit_says_how_long_to_wait_and_whether_it_is_for_the_day(app: Sandbox) -> None:
    told = await say(app, "status=429 retry-after=34")
    assert told.headers["retry-after"] == "34"
    quota, wait = told.json["error"]["details"]
    assert wait["retryDelay"] == "34s"
    assert "PerMinute" in quota["violations"][0]["quotaId"]
    daily = (await say(app, "status=429 final")).json["error"]["details"]
    assert "PerDay" in daily[0]["violations"][0]["quotaId"]


async def test_an_error_of_a_stream_that_is_a_list_is_a_list(app: Sandbox) -> None:
    path = "/v1beta/models/gemini-3-pro-image:streamGenerateContent"
    told = await ask(app, path, wish("x [[sandbox status=503]]"))
    assert told.json[0]["error"]["code"] == 503
    told = await ask(app, path, wish("x [[sandbox status=503]]"), query="alt=sse")
    assert told.json["error"]["code"] == 503


async def test_a_cdns_page_is_html_without_our_name_and_charged(app: Sandbox, book: Book) -> None:
    told = await say(app, "html=524")
    assert told.status == 524
    assert told.headers["content-type"].startswith("text/html")
    assert b"524: A timeout occurred" in told.body
    assert not {"x-request-id", "x-oneapi-request-id"} & told.headers.keys()
    assert [charge.fault for charge in book.charges] == ["html"]


# --- the body on its way -----------------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 0.99])
async def test_a_cut_ends_after_that_share_of_the_body_and_is_charged(
    app: Sandbox, book: Book, share: float
) -> None:
    whole = await say(app, "charge=no")
    told = await say(app, f"cut={share} charge=yes")
    assert not told.whole
    length = int(told.headers["content-length"])
    assert abs(length - len(whole.body)) < 64
    assert len(told.body) == int(length * share)
    assert [charge.fault for charge in book.charges] == ["cut"]


async def test_a_delay_passes_before_the_answer_but_after_the_charge(
    app: Sandbox, book: Book
) -> None:
    begun = time.monotonic()
    told = await say(app, "delay=0.2")
    assert told.status == 200 and time.monotonic() - begun >= 0.2
    assert len(book.charges) == 1


async def test_a_compressed_body_is_the_same_body(app: Sandbox) -> None:
    told = await say(app, "gzip")
    assert told.headers["content-encoding"] == "gzip"
    assert "candidates" in json.loads(gzip.decompress(told.body))


async def test_a_dripping_body_comes_whole(app: Sandbox) -> None:
    told = await say(app, "drip=0.05")
    assert told.whole and len(told.images) == 1


async def test_an_empty_body_is_a_200_that_says_nothing(app: Sandbox, book: Book) -> None:
    told = await say(app, "empty")
    assert (told.status, told.body, told.whole) == (200, b"", True)
    assert [charge.fault for charge in book.charges] == ["empty"]


# --- what is said ------------------------------------------------------------------------------


async def test_a_refusal_takes_all_five_of_googles_forms(app: Sandbox, book: Book) -> None:
    seen = set()
    for shape in range(1, len(SHAPES) + 1):
        told = (await say(app, f"finish=IMAGE_SAFETY shape={shape}")).json
        candidates = told.get("candidates", [])
        seen.add(json.dumps([one.get("content", "none") for one in candidates]))
        assert all(one["finishReason"] == "IMAGE_SAFETY" for one in candidates)
        assert told["usageMetadata"]["candidatesTokenCount"] == 0
    assert len(seen) == len(SHAPES) == 5
    assert book.charges == ()


async def test_a_blocked_prompt_has_no_candidate(app: Sandbox) -> None:
    told = (await say(app, "block=PROHIBITED_CONTENT")).json
    assert told["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
    assert "candidates" not in told


async def test_googles_sentence_about_no_charge_is_said(app: Sandbox) -> None:
    told = (await say(app, "finish=IMAGE_OTHER")).json
    assert "You will not be charged" in told["candidates"][0]["finishMessage"]


async def test_words_alone_come_where_no_image_does(app: Sandbox, book: Book) -> None:
    told = await say(app, "text-only")
    (part,) = told.json["candidates"][0]["content"]["parts"]
    assert part["text"].startswith("Only words")
    assert told.json["candidates"][0]["finishReason"] == "STOP"
    assert book.charges == ()


async def test_drafts_are_ordinary_parts_before_the_last_one(app: Sandbox) -> None:
    told = await say(app, "drafts=3", imageConfig={"imageSize": "2K"})
    shapes = [facts(picture) for picture in told.images]
    assert shapes == [("image/jpeg", 1024, 1024)] * 3 + [("image/jpeg", 2048, 2048)]
    parts = told.json["candidates"][0]["content"]["parts"]
    assert all("thought" not in part and "thoughtSignature" in part for part in parts)


async def test_another_size_and_ratio_than_asked(app: Sandbox, book: Book) -> None:
    told = await say(app, "size=1K ratio=9:16", imageConfig={"imageSize": "4K"})
    assert facts(told.images[0]) == ("image/jpeg", 768, 1376)
    assert book.charges[0].image_size == "1K"


async def test_a_declared_type_may_lie(app: Sandbox) -> None:
    told = await say(app, "mime-lie")
    data = told.json["candidates"][0]["content"]["parts"][0]["inlineData"]
    assert data["mimeType"] == "image/png"
    assert facts(told.images[0])[0] == "image/jpeg"


@pytest.mark.parametrize("size", [0, 100, 30_000])
async def test_signatures_have_the_asked_size_and_never_too_few_bytes(
    app: Sandbox, size: int
) -> None:
    told = await say(app, f"signature={size}")
    signature = told.json["candidates"][0]["content"]["parts"][0]["thoughtSignature"]
    assert len(signature) == -(-max(size, 52) // 3) * 4


@pytest.mark.parametrize(
    ("words", "charged"),
    [
        ("charge=no", 0),
        ("status=503 charge=yes", 1),
        ("text-only charge=yes", 1),
        ("html=524 charge=no", 0),
    ],
)
async def test_the_prompt_may_say_whether_it_is_charged(
    app: Sandbox, book: Book, words: str, charged: int
) -> None:
    await say(app, words)
    assert len(book.charges) == charged


def test_the_guide_tells_every_word_and_no_other() -> None:
    told = [line.split()[0].partition("=")[0] for line in GUIDE.splitlines()]
    assert sorted(told) == sorted(_WORDS)


def test_every_example_of_the_guide_is_read() -> None:
    for line in GUIDE.splitlines():
        directives, prompt = read_directives(f"a [[sandbox {line.split()[0]}]] cat")
        assert prompt == "a cat"
        assert directives != Directives() or line.startswith("shape=1")
