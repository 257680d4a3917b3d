"""A gateway that asks for keys, with a key of each kind: what its tests share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from pisang.client.granting import Grant, make_key, write_key
from pisang.client.settings import Settings
from tests.gateway.conftest import run, serving
from tests.store.kit import NOW, open_store

PRO = "gemini-3-pro-image"
FLASH = "gemini-3.1-flash-image"
WRONG = f"psk_{'0' * 12}_{'0' * 64}"


@dataclass(frozen=True)
class Guarded:
    """A gateway that asks for keys, its home, its upstream's book, and the keys by whose."""

    url: str
    home: Path
    book: Path
    keys: dict[str, dict[str, Any]]

    def text(self, whose: str) -> str | None:
        return {"none": None, "wrong": WRONG}.get(whose) or self.keys.get(whose, {}).get("key")

    def pisang(self, *words: str) -> Any:
        return json.loads(run(self.home, *words, "--format", "json").stdout)

    def ask(self, whose: str, method: str, path: str, **more: Any) -> requests.Response:
        """One call with that one's key, as a bearer token."""
        text = self.text(whose)
        headers = {"Authorization": f"Bearer {text}"} if text else {}
        headers |= more.pop("headers", {})
        return requests.request(method, self.url + path, headers=headers, timeout=60, **more)

    def paint(self, whose: str, prompt: str, model: str = FLASH, **more: Any) -> requests.Response:
        """One native call."""
        config = {"imageConfig": {"imageSize": more.pop("size", "1K")}}
        body = {"contents": [{"parts": [{"text": prompt}]}], "generationConfig": config}
        return self.ask(whose, "POST", f"/v1beta/models/{model}:generateContent", json=body, **more)

    @property
    def charges(self) -> int:
        """How many pictures the upstream charged so far."""
        return len(self.book.read_text().splitlines()) if self.book.exists() else 0


def grant_key(home: Path, grant: Grant) -> dict[str, Any]:
    """A key of that kind, as `key create` tells it."""
    granted = make_key(grant, Settings(home, home), NOW)
    with closing(open_store(home)) as store:
        write_key(store, granted)
    return {"id": granted.key.id, "key": granted.text.reveal()}


@contextmanager
def guarding(folder: Path) -> Iterator[Guarded]:
    """The gateway, made to listen beyond loopback, with a key of each kind."""
    home, book = folder / "home", folder / "book.jsonl"
    grants = (
        Grant(name="own"),
        Grant(name="other"),
        Grant(name="reader", role="read"),
        Grant(name="admin", role="admin"),
        Grant(name="revoked"),
        Grant(name="small", models="nano-banana-2", max_size="1k"),
        Grant(name="poor", budget="0.10USD", per="total"),
        Grant(name="capped", budget="0.67USD", per="total"),
        Grant(name="slow", rpm=2),
        Grant(name="single", concurrency=1),
    )
    with serving(folder / "upstream", "sandbox", "--book", str(book)) as (upstream, _):
        run(
            home, "upstream", "add", "relay", "--wire", "gemini", "--base-url", upstream,
            "--auth", "bearer", "--key-stdin", stdin="sk-made-up\n",
        )  # fmt: skip
        run(home, "upstream", "price", "relay", "--model", FLASH, "0.067USD")
        run(home, "upstream", "price", "relay", "--model", PRO, "0.134USD")
        keys = {grant.name: grant_key(home, grant) for grant in grants}
        run(home, "key", "revoke", keys["revoked"]["id"])
        with serving(home, "serve", "--host", "0.0.0.0") as (url, _):
            local = url.replace("0.0.0.0", "127.0.0.1")
            yield Guarded(local, home, book, keys)
