"""A base URL as people paste it, made into one that paths can be added to."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import SplitResult, urlsplit

from pisang.domain.warning import Warn
from pisang.errors import PisangError
from pisang.transport.proxy import choose_proxy

_VERSION = r"(?:/v1(?:alpha|beta\d?)?)"
_METHOD_PATHS = (
    rf"{_VERSION}?/models/[^/]+:\w+",
    rf"{_VERSION}?/(?:images/(?:generations|edits)|chat/completions)",
    rf"{_VERSION}/(?:models(?:/[^/:]+)?|responses|messages)",
    r"/gpt/openapi/online/multimodal/crawl",
    _VERSION,
)
_TAIL = re.compile(rf"(?:{'|'.join(_METHOD_PATHS)})/*$", re.IGNORECASE)

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufe0f\ufeff]")
_AROUND = " \t\r\n\u00a0\u3000'\"`“”„‘’«»「」『』《》〈〉<>()[]{}（）【】,，;；。、"
_BEHIND = f"/{_AROUND}"
"""What a path never ends with."""

_HOST = re.compile(r"[\w.-]+|[0-9a-f:.%]+", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SLIPPED_SCHEME = re.compile(r"(https?)(?::/*|//+)(?=[^/:\s])", re.IGNORECASE)
_BARE_HOST = re.compile(
    r"(?:\[[0-9a-f:.]+\](?::\d+)?|[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+|localhost)(?:[/?#].*)?",
    re.IGNORECASE,
)
"""A host without a scheme: it has a dot or a port, or else it might be a key."""

_ZH_STOP = str.maketrans("。", ".")


def clean_base_url(written: str) -> tuple[str, tuple[Warn, ...]]:
    """The URL without trailing slash, version, method path, query, fragment; and notes of it.

    Blanks, quotes, invisible and full-width characters that were pasted along are taken away, a
    missing scheme is put before it. A path of its own stays (`https://example.com/gemini`).
    `ValueError` says what is wrong; neither it nor a note repeats a query, which may hold a key.
    """
    text, notes = _tidy(written)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        # The parser's own words quote what was written, and with it a key.
        raise ValueError("it is not a URL") from None
    _refuse(parts)
    kept, tail = _split_path(parts.path)
    notes += [
        Warn(code, f"The base URL's {what}.")
        for code, what, there in (
            ("base_url_cleaned", f"path {tail} was removed: the wire adds its own", tail),
            ("base_url_query", "query was removed; a key in it is not kept", parts.query),
            ("base_url_fragment", "fragment was removed: it is never sent", parts.fragment),
        )
        if there
    ]
    if parts.scheme == "http" and is_public(parts.hostname or ""):
        notes.append(
            Warn("plain_http", "The base URL is http:// to a public host: the key travels open.")
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{kept}", tuple(notes)


def check_proxy(written: str) -> str:
    """The proxy as it was written; `ValueError`, which does not repeat it, when it is none."""
    try:
        choose_proxy("https://example.com", written, {})
    except PisangError as error:
        raise ValueError(str(error.fields.get("why"))) from None
    return written


def looks_like_url(word: str) -> bool:
    """Whether a word is an address and not a name: it has a scheme, a dot or a port."""
    return _SCHEME.match(_tidy(word)[0]) is not None


def _tidy(written: str) -> tuple[str, list[Warn]]:
    """The address without what came along with it, with a scheme."""
    text = _tidy_characters(written)
    notes: list[Warn] = []
    if text != written.strip():
        said = "Blanks, quotes or full-width characters around the base URL were removed."
        notes.append(Warn("base_url_tidied", said))
    whole = re.sub(r"^https?://(?=https?:)", "", text, flags=re.IGNORECASE)
    if _SLIPPED_SCHEME.match(whole):
        whole = _SLIPPED_SCHEME.sub(lambda found: f"{found[1].lower()}://", whole, count=1)
    elif not _SCHEME.match(whole) and _BARE_HOST.fullmatch(whole):
        host = urlsplit(f"//{whole}").hostname or ""
        scheme = "https" if is_public(host) else "http"
        whole = f"{scheme}://{whole}"
        notes.append(Warn("base_url_scheme", f"{scheme}:// was put before the base URL."))
    return whole, notes


def _tidy_characters(written: str) -> str:
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", written))
    text = plain.strip(_AROUND)
    if plain.lstrip(_AROUND[:8]).startswith("[") and "]" in text:  # an IPv6 address without scheme
        text = f"[{text}"
    return text.translate(_ZH_STOP)


def _split_path(path: str) -> tuple[str, str]:
    """(the path that is the upstream's own, what the wire adds by itself), to the last of it."""
    whole = path.rstrip(_BEHIND)
    kept = whole
    while tail := _TAIL.search(kept):
        kept = kept[: tail.start()].rstrip(_BEHIND)
    return kept, whole[len(kept) :]


def _refuse(parts: SplitResult) -> None:
    if parts.scheme not in ("http", "https"):
        raise ValueError("it must begin with https:// (or http:// on your own network)")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError("it names no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it holds a user name or password: give the key with --key-stdin")
    if re.search(r"[\s\x00-\x1f\x7f]", parts.geturl()):
        raise ValueError("it holds a blank or a control character")


def is_public(host: str) -> bool:
    """Whether a host is plainly not on this machine or a private network."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan", ".home")):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(".invalid")
