"""How a client's script is told what to do and tells what came: JSON lines in, JSON lines out.

It stands beside scripts that run in environments which know nothing of this project, so it needs
nothing but Python.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from typing import Any

Told = dict[str, Any]
Action = Callable[[dict[str, Any], dict[str, Any]], Told]

_KINDS = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))


OPENED: list[Any] = []
"""Clients in use: Google's closes its connections when nobody holds it any more."""


def picture(data: bytes, declared: str | None = None) -> Told:
    """What is worth telling of a picture: what it was said to be, and what it is."""
    kind = next((mime for head, mime in _KINDS if data.startswith(head)), "unknown")
    return {"mime": declared or kind, "kind": kind, "sha256": hashlib.sha256(data).hexdigest()}


def given(case: dict[str, Any]) -> bytes:
    """The reference picture."""
    return base64.b64decode(case["picture"])


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an SDK's error carries, under whatever name."""
    for name in ("status_code", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int):
            return value
    return None


def drive(actions: dict[str, Action]) -> None:
    """Do what standard input says, a line of JSON for each case."""
    job = json.load(sys.stdin)
    for case in job["cases"]:
        try:
            told = actions[case["do"]](job | {"url": case.get("url") or job["url"]}, case)
        except Exception as error:
            said = {"class": type(error).__name__, "status": status_of(error), "said": str(error)}
            told = {"error": said}
        print(json.dumps({"name": case["name"], **told}), flush=True)
