"""Google's native wire, as the sandbox imitates it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pisang.sandbox.app import Sandbox, create_app
from pisang.sandbox.book import Book

from .asking import GEMINI, ask, facts, wish

PRO = GEMINI.format(model="gemini-3-pro-image")
OLD = GEMINI.format(model="gemini-2.5-flash-image")
STREAM = "/v1/models/gemini-3-pro-image:streamGenerateContent"
TINY = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)


def parts_of(told: Any) -> list[dict[str, Any]]:
    return list(told.json["candidates"][0]["content"]["parts"])


def both(prompt: str) -> Any:
    return wish(prompt, responseModalities=["TEXT", "IMAGE"])


async def test_image_alone_comes_first_as_the_relay_guides_examples_expect(app: Sandbox) -> None:
    told = await ask(app, PRO, wish("一只猫"))
    assert "inlineData" in parts_of(told)[0]


async def test_with_words_wanted_the_image_comes_after_them(app: Sandbox) -> None:
    for body in (both("一只猫"), {"contents": [{"parts": [{"text": "一只猫"}]}]}):
        text, image = parts_of(await ask(app, PRO, body))
        assert text["text"] == "好的，为你生成："
        assert image["inlineData"]["mimeType"] == "image/jpeg"


async def test_the_oldest_model_answers_png_without_signatures(app: Sandbox) -> None:
    told = await ask(app, OLD, both("a cat"))
    text, image = parts_of(told)
    assert "thoughtSignature" not in text and "thoughtSignature" not in image
    assert facts(told.images[0]) == ("image/png", 1024, 1024)


async def test_the_same_wish_gives_another_picture_each_time_and_the_same_ones_after_every_start(
    app: Sandbox,
) -> None:
    asked = [await ask(app, PRO, wish("a cat")) for _ in range(3)]
    assert len({told.images[0] for told in asked}) == 3
    assert len({told.json["responseId"] for told in asked}) == 3
    again = create_app()
    for told in asked:
        assert parts_of(await ask(again, PRO, wish("a cat"))) == parts_of(told)
    assert (await ask(app, PRO, wish("a dog"))).images != asked[0].images


async def test_the_book_says_which_picture_of_a_wish_was_charged(app: Sandbox, book: Book) -> None:
    for words in ("a cat", "a dog", "a cat", "a cat [[sandbox take=7]]"):
        await ask(app, PRO, wish(words))
    assert [charge.take for charge in book.charges] == [0, 0, 1, 7]


async def test_which_picture_it_is_may_be_chosen(app: Sandbox) -> None:
    first, second = [await ask(app, PRO, wish("a cat")) for _ in range(2)]
    for take, told in ((1, second), (0, first), (0, first)):
        chosen = wish(f"a cat [[sandbox take={take}]]")
        assert (await ask(app, PRO, chosen)).images == told.images


async def test_counts_add_up_as_googles_do(app: Sandbox) -> None:
    usage = (await ask(app, PRO, wish("a cat", size="4K"))).json["usageMetadata"]
    details = usage["candidatesTokensDetails"]
    assert details == [{"modality": "IMAGE", "tokenCount": 2000}]
    assert usage["candidatesTokenCount"] > 2000
    counted = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    assert usage["totalTokenCount"] == sum(usage[name] for name in counted)
    assert usage["serviceTier"] == "standard"


async def test_a_stream_is_told_as_events_that_stock_clients_take(app: Sandbox) -> None:
    told = await ask(app, STREAM, both("a cat"), query="alt=sse")
    assert told.headers["content-type"] == "text/event-stream"
    assert told.body.endswith(b"\r\n\r\n")
    events = [event for event in told.body.split(b"\r\n\r\n") if event]
    assert all(event.startswith(b"data: {") for event in events)
    chunks = [json.loads(event[6:]) for event in events]
    kinds = [key for c in chunks for p in c["candidates"][0]["content"]["parts"] for key in p]
    assert "inlineData" in kinds and "text" in kinds
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


async def test_a_stream_without_alt_sse_is_a_list(app: Sandbox) -> None:
    assert isinstance((await ask(app, STREAM, both("a cat"))).json, list)


async def test_thoughts_come_first_and_unsigned_where_asked_for(app: Sandbox) -> None:
    body = wish("a cat", thinkingConfig={"includeThoughts": True})
    words, draft, image = parts_of(await ask(app, PRO, body))
    assert words["thought"] and draft["thought"] and "inlineData" in draft
    assert "thoughtSignature" not in words and "thoughtSignature" not in draft
    assert "thoughtSignature" in image


# --- editing -----------------------------------------------------------------------------------


async def first_turn(app: Sandbox, prompt: str = "a red barn") -> list[dict[str, Any]]:
    return parts_of(await ask(app, PRO, both(prompt)))


def talk(parts: list[dict[str, Any]]) -> Any:
    contents = [
        {"role": "user", "parts": [{"text": "a red barn"}]},
        {"role": "model", "parts": parts},
        {"role": "user", "parts": [{"text": "make it winter"}]},
    ]
    return {"contents": contents, "generationConfig": {"responseModalities": ["IMAGE"]}}


async def test_a_turn_sent_back_whole_is_edited(app: Sandbox) -> None:
    told = await ask(app, PRO, talk(await first_turn(app)))
    fresh = await ask(app, PRO, wish("make it winter"))
    assert told.status == 200
    assert told.images != fresh.images


async def test_a_missing_signature_is_googles_400_that_names_the_place(app: Sandbox) -> None:
    parts = await first_turn(app)
    del parts[1]["thoughtSignature"]
    told = await ask(app, PRO, talk(parts))
    assert told.status == 400
    assert told.json["error"]["status"] == "INVALID_ARGUMENT"
    said = told.json["error"]["message"]
    assert "Image part is missing a thought_signature in content position 2" in said
    assert "part position 2" in said


async def test_a_missing_signature_of_the_first_text_is_named_too(app: Sandbox) -> None:
    parts = await first_turn(app)
    del parts[0]["thoughtSignature"]
    said = (await ask(app, PRO, talk(parts))).json["error"]["message"]
    assert said.startswith("Text part is missing a thought_signature in content position 2, part")


@pytest.mark.parametrize("change", ["moved", "shortened", "flipped"])
async def test_a_signature_must_come_back_to_the_byte_on_its_own_part(
    app: Sandbox, change: str
) -> None:
    parts = await first_turn(app)
    signature = parts[1]["thoughtSignature"]
    changed = {
        "moved": parts[0]["thoughtSignature"],
        "shortened": signature[:-4],
        "flipped": signature[:-8] + ("A" if signature[-8] != "A" else "B") + signature[-7:],
    }
    parts[1]["thoughtSignature"] = changed[change]
    told = await ask(app, PRO, talk(parts))
    assert (told.status, told.json["error"]["message"]) == (400, "Corrupted thought signature.")


async def test_the_bypass_word_stands_for_any_signature(app: Sandbox) -> None:
    parts = await first_turn(app)
    for part in parts:
        part["thoughtSignature"] = "skip_thought_signature_validator"
    assert (await ask(app, PRO, talk(parts))).status == 200


async def test_a_picture_in_a_user_turn_needs_no_signature(app: Sandbox) -> None:
    image = (await first_turn(app))[1]["inlineData"]
    body = wish("make it winter")
    body["contents"][0]["parts"].insert(0, {"inlineData": image})
    assert (await ask(app, PRO, body)).status == 200


async def test_a_signature_of_real_size_comes_back_accepted(app: Sandbox) -> None:
    parts = await first_turn(app, "a barn [[sandbox signature=1100000]]")
    assert len(parts[1]["thoughtSignature"]) == 1_466_668
    assert (await ask(app, PRO, talk(parts))).status == 200


async def test_a_model_without_signatures_asks_for_none(app: Sandbox) -> None:
    parts = parts_of(await ask(app, OLD, both("a red barn")))
    assert (await ask(app, OLD, talk(parts))).status == 200


# --- what is not taken -------------------------------------------------------------------------

IMAGE = {"inlineData": {"mimeType": "image/gif", "data": TINY}}


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (GEMINI.format(model="gemini-9-image"), wish("x"), 404, "models/gemini-9-image is not"),
        (GEMINI.format(model="nano-banana2"), wish("x"), 404, "is not found"),
        (GEMINI.format(model="Nano Banana Pro"), wish("x"), 404, "is not found"),
        (PRO, wish("x", ratio="1:4"), 400, "'1:4'"),
        (PRO, wish("x", size="512"), 400, "'512'"),
        (PRO, wish("x", size="1k"), 400, "'1k'"),
        (PRO, wish("x", candidateCount=2), 400, "Multiple candidates"),
        (PRO, wish(" "), 400, "must not be empty"),
        (OLD, wish("x", size="1K"), 500, "An internal error has occurred."),
        (OLD, wish("x", thinkingConfig={"thinkingLevel": "LOW"}), 400, "Thinking is not enabled"),
        (
            GEMINI.format(model="gemini-3.1-flash-image"),
            wish("x", thinkingConfig={"thinking_level": "LOW"}),
            400,
            "LOW is not supported",
        ),
        (PRO, {"contents": [{"parts": [IMAGE, {"text": "x"}]}]}, 400, "image/gif"),
        (PRO, b"{", 400, ""),
        (PRO, b"", 400, ""),
        (PRO, b'{"contents": "\xff"}', 400, ""),
        (PRO, {"contents": []}, 400, "contents"),
    ],
)
async def test_what_google_would_not_take_is_its_own_error_and_free(
    app: Sandbox, book: Book, path: str, body: Any, status: int, said: str
) -> None:
    told = await ask(app, path, body)
    assert told.status == status
    assert told.json["error"]["code"] == status
    assert said in told.json["error"]["message"]
    assert book.charges == ()


async def test_a_picture_that_can_not_be_decoded_is_a_400_and_free(
    app: Sandbox, book: Book
) -> None:
    body = wish("x")
    broken = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAA="}}
    body["contents"][0]["parts"].insert(0, broken)
    told = await ask(app, PRO, body)
    assert told.status == 400
    assert "Unable to process input image" in told.json["error"]["message"]
    assert book.charges == ()


# --- keys --------------------------------------------------------------------------------------


async def test_any_key_will_do_and_so_will_none(app: Sandbox, book: Book) -> None:
    for headers, query in (
        ({}, ""),
        ({"x-goog-api-key": "one"}, ""),
        ({"authorization": "Bearer one"}, ""),
        ({}, "key=one"),
    ):
        assert (await ask(app, PRO, wish("x"), headers=headers, query=query)).status == 200
    names = [charge.key for charge in book.charges]
    assert names[0] == "" and len(set(names[1:])) == 1 and len(names[1]) == 12


async def test_a_key_that_begins_with_invalid_is_turned_away_as_its_owner_would(
    app: Sandbox, book: Book
) -> None:
    google = await ask(app, PRO, wish("x"), headers={"x-goog-api-key": "invalid-1"})
    assert google.status == 400
    assert google.json["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    relay = await ask(app, PRO, wish("x"), headers={"authorization": "Bearer sk-invalid"})
    assert relay.status == 401
    assert "无效的令牌" in relay.json["error"]["message"]
    assert book.charges == ()
