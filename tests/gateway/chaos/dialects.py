"""Calls and answers of each wire, written out by hand: what an upstream that isn't ours would say.

An answer is text up to the picture, the picture in base64, and text behind it, so that a test can
cut it inside any of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

FLASH = "gemini-3.1-flash-image"
CRAWL_MODEL = "nano-banana2"
CRAWL_PATH = "/gpt/openapi/online/multimodal/crawl"
_HOLE = "@picture@"


def picture(seed: str, size: int) -> bytes:
    """A PNG of about that many bytes: right header and end, noise between (nobody decodes it)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1024, 1024, 8, 2, 0, 0, 0))
    noise = random.Random(seed).randbytes(size)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", noise) + chunk(b"IEND", b"")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Answered:
    """A whole body; `picture_from` and `picture_to` are where its picture's base64 stands."""

    kind: str
    body: bytes
    picture_from: int
    picture_to: int


@dataclass(frozen=True)
class Dialect:
    """One wire, with or without a stream: how it is called, and how an upstream answers it.

    `upstream` is the name of the upstream in the settings that speaks it.
    """

    name: str
    path: str
    call: Callable[[str], Any]
    answer: Callable[[str], str]
    upstream: str
    stream: bool = False

    def say(self, sale: str, image: bytes) -> Answered:
        """The answer with that picture."""
        before, after = self.answer(sale).split(_HOLE)
        data = base64.b64encode(image)
        body = before.encode() + data + after.encode()
        kind = "text/event-stream" if self.stream else "application/json; charset=UTF-8"
        return Answered(kind, body, len(before), len(before) + len(data))


# --- calls -----------------------------------------------------------------------------------


def _native(prompt: str) -> Any:
    config = {"responseModalities": ["IMAGE"], "imageConfig": {"imageSize": "1K"}}
    return {"contents": [{"parts": [{"text": prompt}]}], "generationConfig": config}


def reference_of(prompt: str) -> bytes:
    """The picture that goes along with a prompt about an edit."""
    return picture(f"reference of {prompt}", 300_000)


def _native_edit(prompt: str) -> Any:
    given = {"mimeType": "image/png", "data": base64.b64encode(reference_of(prompt)).decode()}
    call = _native(prompt)
    call["contents"][0]["parts"].append({"inlineData": given})
    return call


def _crawl(prompt: str) -> Any:
    said = [{"role": "user", "content": [{"type": "text", "text": prompt}]}]
    return {"stream": False, "model": CRAWL_MODEL, "max_tokens": 20000, "messages": said}


def _images(prompt: str) -> Any:
    return {"model": FLASH, "prompt": prompt}


def _chat(prompt: str) -> Any:
    said = [{"role": "user", "content": prompt}]
    return {"model": FLASH, "messages": said, "modalities": ["image", "text"]}


def _streamed(call: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda prompt: call(prompt) | {"stream": True}


# --- answers ---------------------------------------------------------------------------------


def _native_answer(sale: str) -> str:
    part = {"inlineData": {"mimeType": "image/png", "data": _HOLE}}
    candidate = {"content": {"parts": [part], "role": "model"}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 1120, "totalTokenCount": 1129}
    return json.dumps(
        {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": FLASH,
            "responseId": sale,
        }
    )


def _native_stream(sale: str) -> str:
    said = {"content": {"parts": [{"text": "Here it is."}], "role": "model"}, "index": 0}
    first = json.dumps({"candidates": [said], "modelVersion": FLASH, "responseId": sale})
    return f"data: {first}\r\n\r\ndata: {_native_answer(sale)}\r\n\r\n"


def _crawl_answer(sale: str) -> str:
    data = {"type": "inline_data", "inline_data": {"mime_type": "image/png", "data": _HOLE}}
    said = {"multimodal_contents": [{"type": "text", "text": "好的"}, data]}
    choice = {"finish_reason": "stop", "message": said}
    return json.dumps({"code": 0, "msg": "success", "data": {"choices": [choice]}})


def _images_answer(sale: str) -> str:
    return json.dumps({"created": 1, "output_format": "png", "data": [{"b64_json": _HOLE}]})


def _images_stream(sale: str) -> str:
    event = {"type": "image_generation.completed", "b64_json": _HOLE, "output_format": "png"}
    return f"event: image_generation.completed\ndata: {json.dumps(event)}\n\n"


def _shown() -> Any:
    url = {"url": f"data:image/png;base64,{_HOLE}"}
    return {
        "role": "assistant",
        "content": "Here.",
        "images": [{"type": "image_url", "image_url": url}],
    }


def _chat_answer(sale: str) -> str:
    choice = {"index": 0, "finish_reason": "stop", "message": _shown()}
    return json.dumps(
        {"id": sale, "object": "chat.completion", "model": FLASH, "choices": [choice]}
    )


def _chat_stream(sale: str) -> str:
    told = {"id": sale, "object": "chat.completion.chunk", "model": FLASH}
    first = json.dumps(told | {"choices": [{"index": 0, "delta": _shown()}]})
    last = json.dumps(told | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return f"data: {first}\n\ndata: {last}\n\ndata: [DONE]\n\n"


_GENERATE = f"/v1beta/models/{FLASH}:generateContent"
_STREAM = f"/v1beta/models/{FLASH}:streamGenerateContent?alt=sse"
_PAINT = "/v1/images/generations"
_CHAT = "/v1/chat/completions"

NATIVE = Dialect("native", _GENERATE, _native, _native_answer, "native")
NATIVE_EDIT = Dialect("native edit", _GENERATE, _native_edit, _native_answer, "native")
NATIVE_STREAM = Dialect("native stream", _STREAM, _native, _native_stream, "native", stream=True)
CRAWL = Dialect("crawl", f"{CRAWL_PATH}?ak=sk-made-up", _crawl, _crawl_answer, "crawler")
IMAGES = Dialect("images", _PAINT, _images, _images_answer, "images")
IMAGES_STREAM = Dialect(
    "images stream", _PAINT, _streamed(_images), _images_stream, "images", stream=True
)
CHAT = Dialect("chat", _CHAT, _chat, _chat_answer, "chat")
CHAT_STREAM = Dialect("chat stream", _CHAT, _streamed(_chat), _chat_stream, "chat", stream=True)

DIALECTS = (NATIVE, NATIVE_STREAM, CRAWL, IMAGES, IMAGES_STREAM, CHAT, CHAT_STREAM)


def spoken_in(path: str, body: Mapping[str, Any]) -> tuple[Dialect, str]:
    """The dialect of a call and its prompt."""
    stream = body.get("stream") is True or ":stream" in path
    if "contents" in body:
        parts = body["contents"][-1]["parts"]
        prompt = next(part["text"] for part in parts if "text" in part)
        return (NATIVE_STREAM if stream else NATIVE), prompt
    if "prompt" in body:
        return (IMAGES_STREAM if stream else IMAGES), body["prompt"]
    content = body["messages"][-1]["content"]
    prompt = content if isinstance(content, str) else content[0]["text"]
    if path.startswith(CRAWL_PATH):
        return CRAWL, prompt
    return (CHAT_STREAM if stream else CHAT), prompt


_BASE64 = re.compile(rb'"(?:data:image/png;base64,)?(iVBOR[A-Za-z0-9+/]+={0,2})"')


def pictures_in(body: bytes) -> list[str]:
    """The hashes of the whole pictures in an answer, in order, whatever its dialect."""
    return [sha256(base64.b64decode(found)) for found in _BASE64.findall(body)]
