"""A base URL as people paste it, made into one that paths can be added to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from pisang.domain.warning import Warn
from pisang.errors import PisangError
from pisang.transport.proxy import choose_proxy

_METHOD_PATHS = (
    r"/v1(?:beta)?/models/[^/]+:\w+",
    r"/v1(?:beta)?/(?:images/(?:generations|edits)|chat/completions|models|responses)",
    r"/gpt/openapi/online/multimodal/crawl",
    r"/v1(?:beta)?",
)
_TAIL = re.compile(rf"(?:{'|'.join(_METHOD_PATHS)})/*$")


def clean_base_url(written: str) -> tuple[str, tuple[Warn, ...]]:
    """The URL without trailing slash, version, method path, query fragment; and notes of it.

    A path of its own stays (`https://example.com/gemini`). `ValueError` says what is wrong; neither
    it nor a note repeats a query, which may hold a key.
    """
    text = written.strip()
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError("it is not a URL") from error
    _refuse(parts)
    path = parts.path.rstrip("/")
    tail = _TAIL.search(path)
    kept = path[: tail.start()] if tail else path
    notes = [
        Warn("base_url_cleaned", f"The base URL's {what} was removed: the wire adds its own.")
        for what, there in (
            (f"path {tail[0]}" if tail else "", tail is not None),
            ("query", bool(parts.query)),
            ("fragment", bool(parts.fragment)),
        )
        if there
    ]
    if parts.scheme == "http" and _is_public(parts.hostname or ""):
        notes.append(
            Warn("plain_http", "The base URL is http:// to a public host: the key travels open.")
        )
    host = parts.netloc.lower()
    return f"{parts.scheme}://{host}{kept.rstrip('/')}", tuple(notes)


def check_proxy(written: str) -> str:
    """The proxy as it was written; `ValueError`, which does not repeat it, when it is none."""
    try:
        choose_proxy("https://example.com", written, {})
    except PisangError as error:
        raise ValueError(str(error.fields.get("why"))) from None
    return written


def _refuse(parts: SplitResult) -> None:
    if parts.scheme not in ("http", "https"):
        raise ValueError("it must begin with https:// (or http:// on your own network)")
    if not parts.hostname:
        raise ValueError("it names no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it holds a user name or password: give the key with --key-stdin")
    if re.search(r"[\s\x00-\x1f\x7f]", parts.geturl()):
        raise ValueError("it holds a blank or a control character")


def _is_public(host: str) -> bool:
    """Whether a host is plainly not on this machine or a private network."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan", ".home")):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(".invalid")
