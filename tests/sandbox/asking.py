"""Asks the sandbox over ASGI, in this process, as a server would pass a call on."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from pisang.domain.content import content_of
from pisang.domain.image import read_facts

GEMINI = "/v1beta/models/{model}:generateContent"


@dataclass(frozen=True)
class Told:
    """What came back. `whole` is false when the app ended its answer before its length."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def images(self) -> list[bytes]:
        """The pictures of a native answer, thoughts left out."""
        parts = self.json["candidates"][0]["content"]["parts"]
        return [
            base64.b64decode(part["inlineData"]["data"])
            for part in parts
            if "inlineData" in part and not part.get("thought")
        ]


async def ask(
    app: Any,
    path: str,
    body: Any = None,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    query: str = "",
) -> Told:
    """One call; `body` is JSON, or bytes as they are."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent = {"host": "sandbox.test", "content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    waiting = [
        {"type": "http.request", "body": data[:1000], "more_body": True},
        {"type": "http.request", "body": data[1000:], "more_body": False},
    ]
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *rest = messages
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    content = b"".join(message["body"] for message in rest)
    return Told(start["status"], told, content, bool(rest) and not rest[-1].get("more_body"))


def wish(prompt: str, *, ratio: str | None = None, size: str | None = None, **config: Any) -> Any:
    """A native request body."""
    image = {"aspectRatio": ratio, "imageSize": size}
    image = {key: value for key, value in image.items() if value is not None}
    full = {"responseModalities": ["IMAGE"], **({"imageConfig": image} if image else {}), **config}
    return {"contents": [{"parts": [{"text": prompt}]}], "generationConfig": full}


def facts(data: bytes) -> tuple[str, int, int]:
    """Media type and pixels of a picture that must be whole."""
    found = read_facts(content_of(data))
    assert found is not None and found.complete
    return found.mime, found.width, found.height
