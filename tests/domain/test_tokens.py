"""About how many tokens a wish has."""

from __future__ import annotations

from pisang.domain.content import content_of
from pisang.domain.request import Image, Link, Other, Request, Text, Turn
from pisang.domain.tokens import PICTURE_TOKENS, prompt_tokens, text_tokens


def test_a_chinese_character_is_a_token_and_four_others_are_one() -> None:
    assert [text_tokens(one) for one in ("", "a", "abcd", "abcde", "小猫", "小猫a")] == [
        0, 1, 1, 2, 2, 3,
    ]  # fmt: skip


def test_pictures_count_wherever_they_stand_and_what_is_neither_does_not() -> None:
    picture = Image(content_of(b"x"), "image/png")
    history = (Turn("user", (Text("abcd"), picture)),)
    parts = (Link("https://example.com/a.png"), Text("小猫"), Other({"x": 1}, "gemini"))
    assert (
        prompt_tokens(Request(parts=parts, model=None, history=history)) == 2 * PICTURE_TOKENS + 3
    )
