"""Upstreams as a TOML file that can be given away: everything but the keys.

What is written here is read again by `read_shared`, and gives the same upstreams. A file that holds
what looks like a secret is refused whole: it was not meant to be given away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pisang.client.config import parse_upstreams
from pisang.client.config_edit import upstream_text
from pisang.client.presets import SANDBOX
from pisang.client.schema import parse_document
from pisang.client.settings import Entry
from pisang.errors import SettingsMalformed

_TITLE = "# Upstreams of Pisang, without their keys. Read it with: pisang upstream import FILE\n"

_SECRET_NAMES = frozenset(
    {"key", "api_key", "apikey", "token", "secret", "password", "ak", "auth_token", "authorization"}
)
_SECRET = re.compile(
    r"\bsk-[\w-]{8,}|\bAIza[\w-]{20,}|\bya29\.|\bBearer\s|-----BEGIN|\bey[JI][\w-]{8,}\.|"
    r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}",
    re.ASCII,
)
"""How keys look: OpenAI's and relays', Google's, a token, a certificate, a JWT, or a long word of
letters and digits without a dot (no model's id is as long)."""


def share_upstreams(entries: Iterable[Entry]) -> str:
    """The file's text. A proxy's name and password stay at home."""
    texts = (upstream_text(_without_secrets(entry)).rstrip() for entry in entries)
    return "\n\n".join((_TITLE.rstrip(), *texts)) + "\n"


def _without_secrets(entry: Entry) -> Entry:
    if entry.proxy is None or "@" not in entry.proxy:
        return entry
    scheme, found, rest = entry.proxy.rpartition("://")
    return replace(entry, proxy=f"{scheme}{found}{rest.rpartition('@')[2]}")


def read_shared(text: str, path: Path) -> Mapping[str, Entry]:
    """The upstreams of such a file, all of them right. Raises `SettingsMalformed`, which repeats no
    value that may be a secret."""
    document = parse_document(text, path)
    for section, name, value in document.leaves():
        if name.lower().replace("-", "_") in _SECRET_NAMES:
            why = "a key does not belong here: give it with `pisang upstream key NAME`"
            raise document.wrong(name, why, section)
        if isinstance(value, str) and _is_secret(name, value):
            why = "it looks like a secret: take it out, and give it with `pisang upstream key NAME`"
            raise document.wrong(name, why, section)
    entries = parse_upstreams(text, path)
    if SANDBOX in entries:
        raise SettingsMalformed(path=str(path), why="the sandbox is always there")
    if not entries:
        raise SettingsMalformed(path=str(path), why="there is no upstream in it")
    return entries


def _is_secret(name: str, value: str) -> bool:
    if name in ("base_url", "proxy"):
        parts = urlsplit(value)
        return bool(parts.query or "@" in parts.netloc or _SECRET.search(parts.path))
    return _SECRET.search(value) is not None
