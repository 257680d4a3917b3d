"""A sandbox server that writes down how many paid calls it has at once, as an upstream sees it.

`python -m tests.crash.watched LOG ARGUMENTS-OF-PISANG-SANDBOX…`
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pisang.sandbox.app
from pisang.cli.entry import main
from pisang.sandbox.app import App


class Watched:
    """The sandbox, with a line in `log` for each paid call that comes in."""

    def __init__(self, app: App, log: Path) -> None:
        self._app = app
        self._log = log
        self._live = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """A call is over just before its last byte goes out: its caller can't know it earlier."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        self._live += 1
        with self._log.open("a") as file:
            file.write(json.dumps({"live": self._live, "at_ns": time.monotonic_ns()}) + "\n")
        left = 0

        async def told(message: Any) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                left = int(dict(message["headers"])[b"content-length"])
            elif left > 0:
                left -= len(message.get("body", b""))
                self._live -= left <= 0
            await send(message)

        await self._app(scope, receive, told)


def watch(create: Callable[..., App], log: Path) -> Callable[..., App]:
    """The same factory, its app watched."""
    return lambda **given: Watched(create(**given), log)


if __name__ == "__main__":
    pisang.sandbox.app.create_app = watch(pisang.sandbox.app.create_app, Path(sys.argv[1]))
    main(["sandbox", *sys.argv[2:]])
