"""The pictures that the faulty upstream makes, and the bodies that carry them."""

from __future__ import annotations

import base64
import json
import random
import struct
import zlib

WIDTH, HEIGHT = 2752, 1536


def png(client: str, wish: int, send: int) -> bytes:
    """A valid black-and-white picture of half a megabyte; each send's is another."""
    row = (WIDTH + 7) // 8
    noise = random.Random(f"{client} {wish} {send}").randbytes(row * HEIGHT)
    lines = b"".join(b"\0" + noise[at : at + row] for at in range(0, len(noise), row))
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 1, 0, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(lines, 0))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gemini_answer(picture: bytes) -> bytes:
    """The picture as Google's native wire carries it."""
    data = {"mimeType": "image/png", "data": base64.b64encode(picture).decode()}
    candidate = {
        "content": {"parts": [{"inlineData": data}], "role": "model"},
        "finishReason": "STOP",
        "index": 0,
    }
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 1120, "totalTokenCount": 1132}
    answer = {"candidates": [candidate], "usageMetadata": usage, "responseId": "proof"}
    return json.dumps(answer).encode()


def openai_answer(picture: bytes) -> bytes:
    """The picture as the OpenAI Images wire carries it."""
    data = [{"b64_json": base64.b64encode(picture).decode()}]
    return json.dumps({"created": 1790000000, "data": data}).encode()


WORDS = {
    429: ("RESOURCE_EXHAUSTED", "Too many requests. Please try again later."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}


def gemini_refusal(status: int) -> bytes:
    """A free refusal in Google's shape."""
    code, message = WORDS[status]
    return json.dumps({"error": {"code": status, "message": message, "status": code}}).encode()


def openai_refusal(status: int) -> bytes:
    """A free refusal in OpenAI's shape."""
    code, message = WORDS[status]
    error = {"message": message, "type": "server_error", "param": None, "code": code.lower()}
    return json.dumps({"error": error}).encode()


def page(status: int) -> bytes:
    """What a gateway or a CDN on the way says: a page."""
    return (
        f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>".encode()
    )
