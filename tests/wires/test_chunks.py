"""What a stream's events come to, on every wire that has streams."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from pisang.domain.answer import Ended
from pisang.domain.request import JSON
from pisang.wires.table import wire
from tests.wires.harness import answer_of

PICTURE = b64encode(b"\x89PNG\r\n\x1a\n" + bytes(99)).decode()
EVENTS: dict[str, JSON] = {
    "gemini": {
        "candidates": [
            {"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": PICTURE}}]}}
        ]
    },
    "openai-images": {"type": "image_generation.completed", "b64_json": PICTURE},
    "openai-chat": {
        "choices": [
            {
                "delta": {
                    "images": [{"image_url": {"url": f"data:image/png;base64,{PICTURE}"}}],
                }
            }
        ]
    },
}


def event(name: str) -> bytes:
    return b"data: " + json.dumps(EVENTS[name]).encode() + b"\n\n"


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_without_data_says_nothing(name: str) -> None:
    answer = answer_of(b"data:\n\n" + event(name) + b"data: \n\ndata: [DONE]\n\n")
    assert wire(name).decode_fault(answer) is None
    assert len(wire(name).decode_reply(answer).pictures) == 1


@pytest.mark.parametrize("tail", [b"data", b"data:", b"data: ", b"data: {", b'data: {"a', b"event"])
@pytest.mark.parametrize("name", EVENTS)
def test_a_stream_that_was_cut_behind_a_picture_has_the_picture(name: str, tail: bytes) -> None:
    answer = answer_of(event(name) + tail, ended=Ended.CUT)
    assert wire(name).decode_fault(answer) is None
    assert len(wire(name).decode_reply(answer).pictures) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ('{"message": "Deadline expired.", "code": 504}', "Deadline expired."),
        ('{"message": null, "status": "DEADLINE_EXCEEDED"}', "DEADLINE_EXCEEDED"),
        ('{"code": 504}', "504"),
        ("{}", "it doesn't say why"),
        ('"gone"', "gone"),
    ],
)
@pytest.mark.parametrize("name", EVENTS)
def test_a_stream_that_fails_behind_a_picture_has_the_picture_and_says_why(
    name: str, error: str, said: str
) -> None:
    answer = answer_of(event(name) + f'data: {{"error": {error}}}\n\n'.encode())
    assert wire(name).decode_fault(answer) is None
    reply = wire(name).decode_reply(answer)
    assert len(reply.pictures) == 1
    assert reply.message == said


@pytest.mark.parametrize("name", EVENTS)
def test_a_keep_alive_event_of_another_type_is_no_reply(name: str) -> None:
    answer = answer_of(b"event: ping\ndata: {}\n\n" + event(name))
    assert len(wire(name).decode_reply(answer).pictures) == 1
    assert wire(name).decode_fault(answer_of(b"event: ping\ndata: {}\n\n")) is not None
