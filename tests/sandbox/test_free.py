"""Free calls: models in both shapes, tokens, balance, log; and what is not there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pisang.sandbox.app import Sandbox, create_app
from pisang.sandbox.book import Book
from pisang.sandbox.directives import GUIDE
from pisang.wires.asgi import MAX_BODY

from .asking import GEMINI, ask, wish

PRO = GEMINI.format(model="gemini-3-pro-image")


async def test_models_are_listed_in_googles_shape_on_v1beta(app: Sandbox) -> None:
    models = (await ask(app, "/v1beta/models", method="GET")).json["models"]
    names = [model["name"] for model in models]
    assert "models/gemini-3-pro-image" in names and "models/gemini-nano-banana-2.1" in names
    assert "generateContent" in models[0]["supportedGenerationMethods"]
    one = (await ask(app, f"/v1beta/{names[0]}", method="GET")).json
    assert one == models[0]


async def test_models_on_v1_follow_the_way_the_key_came(app: Sandbox) -> None:
    bearer = await ask(app, "/v1/models", method="GET", headers={"authorization": "Bearer k"})
    assert bearer.json["object"] == "list"
    assert {"id", "object", "created", "owned_by"} <= bearer.json["data"][0].keys()
    google = await ask(app, "/v1/models", method="GET", headers={"x-goog-api-key": "k"})
    assert "models" in google.json


async def test_a_wrong_key_gets_no_list(app: Sandbox) -> None:
    told = await ask(app, "/v1/models", method="GET", headers={"authorization": "Bearer invalid"})
    assert told.status == 401


async def test_tokens_are_counted(app: Sandbox) -> None:
    path = "/v1beta/models/gemini-3-pro-image:countTokens"
    told = await ask(app, path, {"contents": [{"parts": [{"text": "一只猫"}]}]})
    assert told.json["totalTokens"] == 3
    assert (await ask(app, path, b"nonsense")).status == 400


async def test_a_relays_balance_and_log_follow_the_book(app: Sandbox, book: Book) -> None:
    mine, other = {"authorization": "Bearer sk-mine"}, {"authorization": "Bearer sk-other"}
    await ask(app, PRO, wish("a"), headers=mine)
    await ask(app, PRO, wish("b"), headers=other)
    usage = (await ask(app, "/api/usage/token", method="GET", headers=mine)).json
    assert usage["code"] is True
    assert usage["data"]["total_used"] == 67_000
    assert usage["data"]["total_granted"] - usage["data"]["total_available"] == 67_000
    log = (await ask(app, "/api/log/token", method="GET", query="key=sk-mine")).json
    (row,) = log["data"]
    assert (row["model_name"], row["quota"]) == ("gemini-3-pro-image", 67_000)
    assert row["request_id"] == book.charges[0].id
    assert row["created_at"] == 1_700_000_000


@pytest.mark.parametrize("path", ["/api/usage/token", "/api/log/token"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer invalid"}])
async def test_no_token_no_balance(app: Sandbox, path: str, headers: dict[str, str]) -> None:
    told = await ask(app, path, method="GET", headers=headers)
    assert (told.status, told.json["success"]) == (401, False)


async def test_the_front_door_says_what_this_is(app: Sandbox) -> None:
    told = await ask(app, "/", method="GET")
    assert told.status == 200 and b"sandbox" in told.body
    assert GUIDE.splitlines()[0] in told.body.decode()
    head = await ask(app, "/", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(told.body))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("DELETE", "/"), ("GET", PRO), ("POST", "/v1/models")]
)
async def test_what_is_not_there_is_a_404(app: Sandbox, method: str, path: str) -> None:
    told = await ask(app, path, method=method)
    assert (told.status, told.json["error"]["status"]) == (404, "NOT_FOUND")


async def test_the_lifespan_is_spoken(app: Sandbox) -> None:
    waiting = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    told: list[Any] = []

    async def receive() -> dict[str, str]:
        return waiting.pop(0)

    async def send(message: dict[str, str]) -> None:
        told.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_websocket_is_closed(app: Sandbox) -> None:
    told: list[Any] = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await app({"type": "websocket"}, None, send)  # type: ignore[arg-type]
    assert told == [{"type": "websocket.close", "code": 1003}]


async def test_a_caller_who_leaves_before_his_body_is_whole_buys_nothing(
    app: Sandbox, book: Book
) -> None:
    messages = [
        {"type": "http.request", "body": b'{"contents"', "more_body": True},
        {"type": "http.disconnect"},
    ]
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "path": PRO, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    assert told == [] and book.charges == ()


async def test_a_body_beyond_the_cap_is_a_413_before_it_is_whole(app: Sandbox) -> None:
    chunk = b'{"contents": [{"parts": [{"text": "' + b" " * (1 << 20)
    taken = 0
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        data = chunk if not taken else b"A" * (4 << 20)
        taken += len(data)
        return {"type": "http.request", "body": data, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "path": PRO, "query_string": b"", "headers": []}
    async with asyncio.timeout(20):
        await app(scope, receive, send)
    assert told[0]["status"] == 413
    assert taken < MAX_BODY + (8 << 20)


class _BrokenBook(Book):
    def charge(self, bill: Any) -> Any:
        raise RuntimeError("a fault of ours, with a secret in it")


async def test_a_fault_of_ours_is_a_plain_500() -> None:
    told = await ask(create_app(book=_BrokenBook()), PRO, wish("x"))
    assert (told.status, told.json["error"]["status"]) == (500, "INTERNAL")
    assert b"secret" not in told.body


async def test_a_caller_who_leaves_while_he_is_answered_is_no_fault(
    app: Sandbox, book: Book
) -> None:
    waiting = [{"type": "http.request", "body": json.dumps(wish("x")).encode()}]

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        raise OSError("the caller is gone")

    scope = {"type": "http", "method": "POST", "path": PRO, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    assert len(book.charges) == 1
