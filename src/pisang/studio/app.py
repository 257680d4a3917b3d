"""The studio's files in front of a gateway: `/` and `/studio/…`; all else is the gateway's.

They are read once, at the start. Nothing that a page is made of comes from anywhere else, and the
pages may load and say nothing elsewhere (`POLICY`).
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from pisang.wires.asgi import App, Receive, Scope, Send, read_headers

PATHS = "/studio/"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served, by its extension; notes beside it are not."""

_HEADERS: Mapping[str, str] = {
    "cache-control": "no-cache",  # asked for again each time, and mostly answered with 304
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "vary": "Accept-Encoding",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is and compressed."""

    media_type: str
    plain: bytes
    packed: bytes
    etag: str


class Studio:
    """Serves the studio's files, and hands everything else to the application behind it."""

    def __init__(self, behind: App) -> None:
        self._behind = behind
        self._assets = read_assets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one ASGI connection."""
        asset = self._assets.get(scope["path"]) if scope["type"] == "http" else None
        if asset is None or scope["method"] not in ("GET", "HEAD"):
            await self._behind(scope, receive, send)
            return
        await _tell(asset, scope["method"], read_headers(scope), send)


def read_assets() -> dict[str, Asset]:
    """Every file of the studio by the path it is served at; `/` is its page."""
    found = dict(_assets(files("pisang.studio") / "static", PATHS))
    found["/"] = found.pop(f"{PATHS}index.html")
    return found


def _assets(folder: Traversable, path: str) -> Iterator[tuple[str, Asset]]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _assets(one, f"{path}{one.name}/")
            continue
        media_type = _TYPES.get(f".{one.name.rpartition('.')[2]}")
        if media_type is not None:
            plain = one.read_bytes()
            digest = hashlib.sha256(plain).hexdigest()[:32]
            yield path + one.name, Asset(media_type, plain, gzip.compress(plain, 9), f'"{digest}"')


async def _tell(asset: Asset, method: str, asked: Mapping[str, str], send: Send) -> None:
    fields = {**_HEADERS, "content-type": asset.media_type, "etag": asset.etag}
    known = {one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")}
    if asset.etag in known:
        await _send(send, 304, fields, b"")
        return
    body = asset.plain
    if "gzip" in asked.get("accept-encoding", ""):
        body, fields["content-encoding"] = asset.packed, "gzip"
    fields["content-length"] = str(len(body))
    await _send(send, 200, fields, b"" if method == "HEAD" else body)


async def _send(send: Send, status: int, fields: Mapping[str, str], body: bytes) -> None:
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
