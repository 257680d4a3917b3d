"""The studio's files in front of a gateway: `/` and `/studio/…`; all else is the gateway's.

They are read once, at the start, and served below a digest of all of them: a browser keeps them for
ever, and a new version is another address. Nothing that a page is made of comes from anywhere else,
and the pages may load and say nothing elsewhere (`POLICY`).
"""

from __future__ import annotations

import gzip
import hashlib
import re
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

FRESH = "no-cache"
"""Asked for again each time, and mostly answered with 304."""

FOR_EVER = "public, max-age=31536000, immutable"

_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
"""Who takes it so (RFC 9110 §12.5.3)."""

_SENSORS = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
    "microphone", "midi", "payment", "usb",
)  # fmt: skip

_HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{one}=()" for one in _SENSORS),
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
    cache_control: str


class Studio:
    """Serves the studio's files, and hands everything else to the application behind it."""

    def __init__(self, behind: App) -> None:
        self._behind = behind
        self._assets = read_assets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one ASGI connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._behind(scope, receive, send)
        elif asset := self._assets.get(scope["path"]):
            await _tell(asset, scope["method"], read_headers(scope), send)
        elif scope["path"].startswith(PATHS):  # another version's: its page is to be loaded anew
            await _send(send, 404, {**_HEADERS, "cache-control": "no-store"}, b"")
        else:
            await self._behind(scope, receive, send)


def read_assets() -> dict[str, Asset]:
    """Every file of the studio by the path it is served at; `/` is its page."""
    found = dict(_read(files("pisang.studio") / "static", ""))
    told = "".join(f"{name} {_digest(found[name])}\n" for name in sorted(found))
    version = _digest(told.encode())[:16]
    page = found.pop("index.html").replace(b'"studio/', f'"{PATHS[1:]}{version}/'.encode())
    served = {
        f"{PATHS}{version}/{name}": _asset(name, plain, FOR_EVER) for name, plain in found.items()
    }
    return {**served, "/": _asset("index.html", page, FRESH)}


def _read(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    """What is served of a folder, by its path below it."""
    for one in folder.iterdir():
        if one.is_dir():
            yield from _read(one, f"{path}{one.name}/")
        elif _ending(one.name) in _TYPES:
            yield path + one.name, one.read_bytes()


def _ending(name: str) -> str:
    return f".{name.rpartition('.')[2]}"


def _asset(name: str, plain: bytes, cache_control: str) -> Asset:
    etag = f'"{_digest(plain)[:32]}"'
    return Asset(_TYPES[_ending(name)], plain, gzip.compress(plain, 9), etag, cache_control)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def _tell(asset: Asset, method: str, asked: Mapping[str, str], send: Send) -> None:
    fields = {
        **_HEADERS,
        "cache-control": asset.cache_control,
        "content-type": asset.media_type,
        "etag": asset.etag,
    }
    known = {one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")}
    if asset.etag in known:
        await _send(send, 304, fields, b"")
        return
    body = asset.plain
    if _GZIP.search(asked.get("accept-encoding", "")):
        body, fields["content-encoding"] = asset.packed, "gzip"
    fields["content-length"] = str(len(body))
    await _send(send, 200, fields, b"" if method == "HEAD" else body)


async def _send(send: Send, status: int, fields: Mapping[str, str], body: bytes) -> None:
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
