"""Every wire in, one upstream out: what each dialect's own client gets."""

from __future__ import annotations

import base64
import gzip
import time

import openai
import pytest
import requests
from google import genai
from google.genai import errors

from tests.gateway.conftest import Stage

PRO = "gemini-3-pro-image"
FLASH = "gemini-3.1-flash-image"


@pytest.fixture
def google(stage: Stage) -> genai.Client:
    return genai.Client(api_key="any", http_options={"base_url": stage.url})


@pytest.fixture
def images(stage: Stage) -> openai.OpenAI:
    return openai.OpenAI(api_key="any", base_url=f"{stage.url}/v1")


def test_google_s_client_gets_the_size_and_ratio_it_asked_for(google, stage):
    before = len(stage.charges)
    config = {"response_modalities": ["IMAGE"], "image_config": {"aspect_ratio": "16:9"}}
    answer = google.models.generate_content(model=PRO, contents="a heron", config=config)
    (picture,) = [part.inline_data for part in answer.parts if part.inline_data]
    assert picture.mime_type == "image/jpeg"
    assert picture.data[:2] == b"\xff\xd8"
    assert len(stage.charges) == before + 1


def test_google_s_client_streams(google):
    chunks = list(google.models.generate_content_stream(model=PRO, contents="a stream"))
    pictures = [p for c in chunks for p in c.parts or () if p.inline_data and not p.thought]
    assert len(pictures) == 1


def test_a_refusal_reaches_google_s_client_as_google_words_it(google):
    answer = google.models.generate_content(model=PRO, contents="x [[sandbox finish=IMAGE_SAFETY]]")
    assert answer.candidates[0].finish_reason.name == "IMAGE_SAFETY"


def test_an_unknown_outcome_is_a_424_that_names_what_is_at_stake(google, images):
    with pytest.raises(errors.ClientError) as told:
        google.models.generate_content(model=PRO, contents="y [[sandbox html=524]]")
    assert told.value.code == 424
    assert "0.134 USD" in str(told.value)
    with pytest.raises(openai.APIStatusError) as said:
        images.images.generate(model=FLASH, prompt="z [[sandbox html=524]]")
    assert said.value.status_code == 424


def test_openai_s_client_gets_n_pictures_at_the_nearest_size(images, stage):
    before = len(stage.charges)
    made = images.images.generate(model=FLASH, prompt="a dog", size="1536x1024", n=2)
    pictures = [base64.b64decode(one.b64_json) for one in made.data]
    assert len(set(pictures)) == 2
    assert len(stage.charges) == before + 2


def test_chat_and_crawl_callers_get_their_own_shapes(images, stage):
    said = images.chat.completions.create(
        model=FLASH, messages=[{"role": "user", "content": "a bird"}]
    )
    assert said.choices[0].message.role == "assistant"
    crawl = requests.post(
        f"{stage.url}/gpt/openapi/online/multimodal/crawl?ak=any",
        json={
            "model": "nano-banana2",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "a fish"}]}],
        },
        timeout=60,
    )
    assert crawl.json()["code"] == 0


def test_a_client_that_left_is_given_its_picture_when_it_asks_again(stage):
    before = len(stage.charges)
    url = f"{stage.url}/v1beta/models/{PRO}:generateContent"
    body = {"contents": [{"parts": [{"text": "a patient crane [[sandbox delay=3]]"}]}]}
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json=body, timeout=1.5)
    again = requests.post(url, json=body, timeout=60)
    assert again.status_code == 200
    assert again.headers["x-pisang-attached"] == again.headers["x-pisang-request-id"]
    assert len(stage.charges) == before + 1
    fresh = requests.post(url, json=body, timeout=60)  # that one was delivered whole
    assert "x-pisang-attached" not in fresh.headers
    assert len(stage.charges) == before + 2


def test_one_idempotency_key_buys_once(stage):
    before = len(stage.charges)
    url = f"{stage.url}/v1beta/models/{PRO}:generateContent"
    body = {"contents": [{"parts": [{"text": "one and only"}]}]}
    first, second = (
        requests.post(url, json=body, headers={"Idempotency-Key": "k1"}, timeout=60)
        for _ in range(2)
    )
    assert first.content == second.content
    assert len(stage.charges) == before + 1
    other = {"contents": [{"parts": [{"text": "something else"}]}]}
    refused = requests.post(url, json=other, headers={"Idempotency-Key": "k1"}, timeout=60)
    assert refused.status_code == 422


def test_what_is_no_call_is_refused_in_the_caller_s_own_shape(stage):
    url = f"{stage.url}/v1beta/models/{PRO}:generateContent"
    wrong = requests.post(url, data=b'{"contents": [', timeout=30)
    assert wrong.status_code == 400
    assert wrong.json()["error"]["status"] == "INVALID_ARGUMENT"
    nowhere = requests.get(f"{stage.url}/v1beta/nothing", timeout=30)
    assert nowhere.status_code == 404


def test_a_compressed_body_is_refused_by_name_and_buys_nothing(stage):
    before = len(stage.charges)
    url = f"{stage.url}/v1beta/models/{PRO}:generateContent"
    packed = gzip.compress(b'{"contents": [{"parts": [{"text": "a packed plum"}]}]}')
    answer = requests.post(url, data=packed, headers={"Content-Encoding": "gzip"}, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == (
        "Content-Encoding 'gzip' is not valid: a body is taken as it is, not compressed."
    )
    assert len(stage.charges) == before


def test_an_answer_in_another_dialect_tells_when_it_was_made(images):
    made = images.images.generate(model=FLASH, prompt="a dated plum")
    said = images.chat.completions.create(
        model=FLASH, messages=[{"role": "user", "content": "a dated bird"}]
    )
    assert abs(made.created - time.time()) < 60
    assert abs(said.created - time.time()) < 60
