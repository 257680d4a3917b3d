"""Drives a flow by hand: a script of answers in, the effects that it yielded out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from pisang.domain.answer import Answer, Ended
from pisang.domain.ledger import Claimed
from pisang.domain.money import Money
from pisang.domain.request import Request, Text
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.effects import Claim, Effect, Exchange, Flow, NewId, Now
from pisang.engine.flow import Errand
from pisang.errors import PisangError
from pisang.wires.scan import MemorySink, Scanner
from pisang.wires.table import wire
from tests.crash.book import png

PRICE = Money(134_000, "USD")
AT_MS = 1_800_000_000_000


def upstream(kind: str = "google", wire_name: str = "gemini") -> Upstream:
    return Upstream("up", wire_name, "http://up", auth=Auth.NONE, kind=kind)


def errand(**changes: Any) -> Errand:
    request = Request((Text("a kite"),), "m", aspect_ratio="1:1", image_size="1K")
    up = changes.pop("upstream", upstream())
    given: dict[str, Any] = {
        "request": request,
        "request_id": "req_1",
        "ordinal": 0,
        "upstream": up,
        "wire": wire(up.wire),
        "model_id": "m",
        "model": None,
        "price": PRICE,
        "held": PRICE,
        "basis": "user",
        "time_limit_s": 360.0,
    }
    return Errand(**{**given, **changes})


def answer(body: bytes | dict[str, Any], status: int | None = 200, **changes: Any) -> Answer:
    """An answer as the intake makes it, from a whole or cut body."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    scanner = Scanner(MemorySink())
    scanner.feed(text)
    scanned = scanner.close()
    given: dict[str, Any] = {
        "ended": Ended.WHOLE,
        "sent": True,
        "status": status,
        "headers": {"content-type": "application/json"},
        "skeleton": scanned.skeleton,
        "spans": scanned.spans,
        "body_bytes": len(text),
    }
    return Answer(**{**given, **changes})


def gemini(*parts: dict[str, Any], finish: str = "STOP", **top: Any) -> dict[str, Any]:
    content = {"parts": list(parts), "role": "model"} if parts else {}
    return {"candidates": [{"content": content, "finishReason": finish}], **top}


def picture(seed: int = 1, **more: Any) -> dict[str, Any]:
    data = base64.b64encode(png(seed)).decode()
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


def error_body(code: int, status: str, message: str = "no") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status}}


class Script:
    """Answers for `Exchange` in order; everything else has an answer of its own."""

    def __init__(self, *answers: Answer, special: dict[type, Iterable[Any]] | None = None) -> None:
        self._answers = iter(answers)
        self._special = {kind: iter(found) for kind, found in (special or {}).items()}
        self.effects: list[Effect] = []
        self._ids = 0

    def run(self, flow: Flow[Any]) -> Any:
        value: Any = None
        error: PisangError | None = None
        while True:
            try:
                effect = flow.throw(error) if error else flow.send(value)
            except StopIteration as stop:
                return stop.value
            self.effects.append(effect)
            value, error = self._answer(effect), None
            if isinstance(value, PisangError):
                value, error = None, value

    def _answer(self, effect: Effect) -> Any:
        special = self._special.get(type(effect))
        if special is not None:
            return next(special)
        match effect:
            case NewId(prefix):
                self._ids += 1
                return f"{prefix}_{self._ids}"
            case Now():
                return AT_MS
            case Claim():
                return Claimed(AT_MS)
            case Exchange():
                return next(self._answers)
        return None

    def of(self, kind: type) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def names(self) -> list[str]:
        return [type(effect).__name__ for effect in self.effects]
