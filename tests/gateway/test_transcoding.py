"""A caller gets the type that he asked for; the store keeps what the upstream made."""

from __future__ import annotations

import base64

import openai
import pytest

from tests.gateway.clients.cases import FLASH
from tests.gateway.conftest import Stage

HEADS = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF"}


@pytest.mark.parametrize("word", list(HEADS))
def test_openai_s_output_format_is_what_comes_and_is_told(word: str, stage: Stage) -> None:
    client = openai.OpenAI(api_key="any", base_url=f"{stage.url}/v1")
    made = client.images.generate(model=FLASH, prompt=f"a {word}", output_format=word)
    assert base64.b64decode(made.data[0].b64_json).startswith(HEADS[word])
    assert made.output_format == word
    kept = stage.pisang("history", "--limit", "1")["requests"][0]["images"]
    assert [one["mime"] for one in kept] == ["image/jpeg"]
