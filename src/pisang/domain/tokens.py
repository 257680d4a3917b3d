"""About how many tokens a wish has, where nobody who knows is asked."""

from __future__ import annotations

from pisang.domain.request import Image, Link, Request, Text

PICTURE_TOKENS = 258
"""A picture that goes in (`ai.google.dev/gemini-api/docs/tokens`, July 2026)."""


def prompt_tokens(request: Request) -> int:
    """About how many tokens a wish has."""
    turns = [part for turn in request.history for part in turn.parts]
    count = 0
    for part in (*turns, *request.parts):
        if isinstance(part, Text):
            count += text_tokens(part.text)
        elif isinstance(part, Image | Link):
            count += PICTURE_TOKENS
    return count


def text_tokens(text: str) -> int:
    """About how many tokens a text has: one a Chinese character, one for four others."""
    wide = sum(1 for letter in text if ord(letter) >= 0x2E80)
    return wide + (len(text) - wide + 3) // 4
