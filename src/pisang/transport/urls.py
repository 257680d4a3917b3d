"""URLs as they go over the wire: ASCII, exactly as written, with the secret query put in."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, urlencode, urlsplit

from pisang.transport.base import Outgoing
from pisang.transport.headers import refused

MAX_HOST_LENGTH = 253
"""RFC 1035 §2.3.4, less the root's dot."""

_KEPT = "!$%&'()*+,-./:;=?@_~"


def target_of(call: Outgoing) -> SplitResult:
    """Where a call goes, secrets revealed, fragment gone. Raises `Failure` (not sent)."""
    try:
        parts = urlsplit(call.url)
        host, port, user = ascii_host(parts.hostname or ""), parts.port, parts.username
    except ValueError:
        host, port, user = "", None, None
    if not host or parts.scheme not in ("http", "https"):
        raise refused("the URL is not an http or https address")
    if user is not None:
        raise refused("the URL holds a user name: set the upstream's key for that")
    host = f"[{host}]" if ":" in host else host
    secret = urlencode({name: value.reveal() for name, value in call.secret_query.items()})
    return SplitResult(
        scheme=parts.scheme,
        netloc=host if port is None else f"{host}:{port}",
        path=percent_encoded(parts.path) or "/",
        query="&".join(part for part in (percent_encoded(parts.query), secret) if part),
        fragment="",
    )


def percent_encoded(text: str) -> str:
    """A path or query in ASCII: what is encoded already stays as it is, signatures hang on it."""
    return quote(text, safe=_KEPT)


def ascii_host(name: str) -> str:
    """A host name as DNS carries it (IDNA 2003, which also folds full-width digits and dots).

    Raises `ValueError` for what is no name. Too long a name is given back as it is, since the
    standard library's codec takes quadratic time over it (CVE-2022-45061).
    """
    if name.isascii() or len(name) > MAX_HOST_LENGTH:
        return name.lower()
    return name.encode("idna").decode("ascii").lower()
