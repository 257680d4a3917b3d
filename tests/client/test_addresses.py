"""Base URLs as people paste them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisang.client.addresses import clean_base_url, looks_like_url
from pisang.errors.chinese import in_chinese


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("  https://API.example.com/v1/  ", "https://api.example.com"),
        ("https://api.example.com/v1beta", "https://api.example.com"),
        (
            "https://api.example.com/v1beta/models/gemini-3-pro-image-preview:generateContent",
            "https://api.example.com",
        ),
        ("https://api.example.com/v1/images/generations", "https://api.example.com"),
        ("https://api.example.com/v1/chat/completions", "https://api.example.com"),
        ("https://e.com/gpt/openapi/online/multimodal/crawl?ak=x", "https://e.com"),
        ("https://example.com/gemini/v1beta/", "https://example.com/gemini"),
        ("https://example.com/own/path", "https://example.com/own/path"),
        ("http://127.0.0.1:8790/", "http://127.0.0.1:8790"),
        ("http://[::1]:8790/v1", "http://[::1]:8790"),
        ("https://example.com/?key=SECRET#top", "https://example.com"),
        # Whole method paths, from documents and consoles.
        ("https://e.com/v1beta/models/{model}:generateContent?key=SECRET", "https://e.com"),
        ("https://e.com/v1beta/models/m:streamGenerateContent?alt=sse&key=S", "https://e.com"),
        ("https://e.com/v1beta1/models", "https://e.com"),
        ("https://e.com/V1/", "https://e.com"),
        ("https://e.com/v1/v1beta", "https://e.com"),
        ("https://e.com/v1/models/some-model", "https://e.com"),
        ("https://e.com/chat/completions", "https://e.com"),
        ("https://e.com/v1/responses", "https://e.com"),
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api"),
        ("https://e.com/#/console/token", "https://e.com"),
        ("https://e.com/;?x", "https://e.com"),
        (
            "https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google"
            "/models/gemini-3-pro-image:generateContent",
            "https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google",
        ),
        # A scheme that is missing, doubled or slipped.
        ("api.example.com", "https://api.example.com"),
        ("api.example.com/v1", "https://api.example.com"),
        ("localhost:3000/v1", "http://localhost:3000"),
        ("192.168.1.5:8080", "http://192.168.1.5:8080"),
        ("relay:8080", "http://relay:8080"),
        ("[::1]:8790", "http://[::1]:8790"),
        ("https:/e.com/v1", "https://e.com"),
        ("https//e.com", "https://e.com"),
        ("https:e.com", "https://e.com"),
        ("http://https://e.com", "https://e.com"),
        ("HTTPS://E.COM", "https://e.com"),
        # What comes along from a chat, a page, a phone's keyboard.
        ("“https://e.com/v1”", "https://e.com"),
        ("`https://e.com`,", "https://e.com"),
        ("<https://e.com>", "https://e.com"),
        ("「https://e.com」。", "https://e.com"),
        ("\u3000https://e.com\u00a0\n", "https://e.com"),
        ("\u200bhttps://e\u200b.com\ufeff/v1\u2060", "https://e.com"),
        ("https：／／ｅ．ｃｏｍ／ｖ１", "https://e.com"),
        ("https://e。com", "https://e.com"),
        ("（https://e.com）", "https://e.com"),
    ],
)
def test_what_the_wire_adds_itself_is_removed(written: str, clean: str):
    assert clean_base_url(written)[0] == clean


def test_what_was_removed_is_noted_but_a_query_is_never_repeated():
    _, notes = clean_base_url("https://example.com/v1?key=SECRET#frag")
    said = " ".join(note.message for note in notes)
    assert "/v1" in said
    assert "query" in said
    assert "fragment" in said
    assert "SECRET" not in said
    assert [note.code for note in clean_base_url("“api.example.com”")[1]] == [
        "base_url_tidied", "base_url_scheme",
    ]  # fmt: skip
    messages = [note.message for note in clean_base_url("‘e.com/v1?a#b’")[1]]
    assert len(messages) == 5
    assert all(in_chinese(message) != message for message in messages)


def test_what_is_no_address_is_refused_without_being_repeated():
    for written in ("https://SECRET@e.com", "https://e.com:SECRET", "https://[SECRET", "SECRET x"):
        with pytest.raises(ValueError, match="it ") as refused:
            clean_base_url(written)
        assert "SECRET" not in str(refused.value)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    ("word", "is_url"),
    [("https://e.com", True), ("e.com", True), ("localhost:80", True), ("google", False),
     ("openai-compatible", False), ("sk-key", False), ("ftp://e.com", True)],
)  # fmt: skip
def test_an_address_is_told_from_a_name(word: str, is_url: bool):
    assert looks_like_url(word) is is_url


@pytest.mark.parametrize(
    ("written", "warned"),
    [
        ("http://api.example.com", True),
        ("http://8.8.8.8", True),
        ("https://api.example.com", False),
        ("http://localhost:80", False),
        ("http://192.168.1.5", False),
        ("http://10.0.0.1:3000", False),
        ("http://box.local", False),
        ("http://relay", False),
    ],
)
def test_plain_http_to_a_public_host_is_warned_about(written: str, warned: bool):
    codes = [note.code for note in clean_base_url(written)[1]]
    assert ("plain_http" in codes) is warned


@pytest.mark.parametrize(
    "written",
    [
        "example",
        "sk-a-key-typed-into-the-wrong-place",
        "user:pw@example.com",
        "ftp://example.com",
        "https://",
        "https://user:pw@example.com",
        "https://exa mple.com",
        "https://example.com:notaport",
        "https://[::1",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(written: str):
    with pytest.raises(ValueError, match="it "):
        clean_base_url(written)


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_cleaning_is_done_once_and_for_all(tail: str):
    try:
        clean, _ = clean_base_url(f"https://example.com/{tail}")
    except ValueError:
        return
    again, notes = clean_base_url(clean)
    assert again == clean
    assert notes == ()
