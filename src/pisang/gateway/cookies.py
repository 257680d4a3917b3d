"""The cookie of a browser's session, and what a browser must show beside it (`gateway.session`).

It names the key that was signed in with, and the time until which it counts, and is signed with
what is kept of that key: it holds nothing that could be used in place of the key, every server of
the same ledger can check it, and it ends with the key. A browser sends it along by itself, whoever
wrote the page that asks; so what is asked by it alone has to come from a page of this very site.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from pisang.domain.access import GatewayKey
from pisang.errors import ForeignPage

SESSION_COOKIE = "pisang_session"

STUDIO_HEADER = "x-pisang-studio"
"""What a page of the studio sends with each write: a browser lets no page of another origin send it
unasked (Fetch standard, "CORS-preflight")."""

KEPT_S = 30 * 24 * 3600

READS = frozenset({"GET", "HEAD"})

_PURPOSE = "pisang session"
"""No path begins so: what signs an address of an image (`gateway.links`) signs no session."""


def write_cookie(key: GatewayKey, now_s: int) -> tuple[str, int]:
    """What a browser keeps of a session with that key, and for how many seconds: not beyond the
    key's own end."""
    until = now_s + KEPT_S
    if key.expires_ms is not None:
        until = min(until, key.expires_ms // 1000)
    return f"{key.id}.{until}.{sign(key.digest, key.id, until)}", max(0, until - now_s)


def key_in(cookie: str) -> str:
    """The id of the key that a session says it is of."""
    return cookie.partition(".")[0]


def is_genuine(cookie: str, secret: bytes, now_s: int) -> bool:
    """Whether we wrote that cookie with that secret, and its time is not over."""
    name, until, signature = (*cookie.split(".", 2), "", "")[:3]
    if not (until.isascii() and until.isdigit() and len(until) < 12):
        return False
    expected = sign(secret, name, int(until))
    genuine = hmac.compare_digest(signature.encode(), expected.encode())
    return genuine and now_s < int(until)


def sign(secret: bytes, name: str, until: int) -> str:
    """The signature of a session of that name until then."""
    return hmac.new(secret, f"{_PURPOSE}\n{name}\n{until}".encode(), sha256).hexdigest()


def find_cookies(header: str) -> Iterator[str]:
    """The sessions that a browser sends along: more than one where another server of this host
    left it one, under the same name or one of its own (`gateway.entrance`)."""
    for one in header.split(";"):
        name, _, value = one.strip().partition("=")
        if name.startswith(SESSION_COOKIE) and value.isascii():
            yield value


def check_page(method: str, headers: Mapping[str, str]) -> None:
    """Raises `ForeignPage` where a browser asks for something with a session, and it can't be told
    from a page of another site that has it ask (Fetch Metadata; RFC 6454).

    A picture or a script of ours that another site's page embeds is refused too; that a link from
    there leads here is not.
    """
    site = headers.get("sec-fetch-site", "")
    if method in READS:
        followed = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
        if site == "cross-site" and followed != ("navigate", "document"):
            raise ForeignPage
        return
    if STUDIO_HEADER not in headers or site not in ("", "same-origin", "none"):
        raise ForeignPage
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in _origins(headers):
        raise ForeignPage


def _origins(headers: Mapping[str, str]) -> Iterable[str]:
    """What a page of this site says it is of. Which of the two schemes it is, only a proxy in front
    of us can say."""
    scheme = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    schemes = (scheme,) if scheme in ("http", "https") else ("http", "https")
    hosts = (headers.get("host", ""), headers.get("x-forwarded-host", "").partition(",")[0])
    return {f"{one}://{host.strip().lower()}" for one in schemes for host in hosts if host}
