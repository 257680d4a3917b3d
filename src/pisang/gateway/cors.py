"""Web pages of other origins, where their origins are set: what a browser asks before it lets a
page call us, and what it wants to hear with each answer (Fetch standard, "CORS protocol").

A preflight comes without a key, so it is answered before anybody is asked for one, on every route.
Nothing here lets a browser send what it holds for us (cookies, a client's certificate): a caller
here is known by the key that the page itself puts in a header, so a page gains nothing by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pisang.wires.asgi import Message, Send

ANY = "*"

MAX_AGE_S = 600
"""How long a browser may go by a preflight's answer; what is set otherwise holds after that."""

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"

EXPOSED = (
    "x-pisang-request-id",
    "x-pisang-attached",
    "x-pisang-warning",
    "x-pisang-attempt",
    "x-pisang-upstream-status",
    "retry-after",
    "x-should-retry",
    "location",
    "preference-applied",
    "etag",
    "content-range",
    "content-disposition",
    "x-goog-upload-url",
    "x-goog-upload-status",
    "x-goog-upload-size-received",
    "x-goog-upload-chunk-granularity",
)
"""What a page may read of an answer's head. Named one by one: `*` does not mean all of them to
every browser."""

_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_LONGEST = 4096

_REFUSAL = b"This gateway is not set to be called by pages of that origin (cors_origins)."


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks what a page of another origin may."""
    return method == "OPTIONS" and {"origin", "access-control-request-method"} <= headers.keys()


def is_allowed(headers: Mapping[str, str], origins: Sequence[str]) -> bool:
    """Whether the page that calls is of an origin that is set."""
    origin = headers.get("origin", "").lower()
    return bool(origin) and any(one in (ANY, origin) for one in origins)


async def answer_preflight(send: Send, headers: Mapping[str, str], origins: Sequence[str]) -> None:
    """Say what a page may: everything that its key may, with whatever fields its client sends. One
    of another origin may nothing, and who reads its network log is told why."""
    allowed = is_allowed(headers, origins)
    fields = {"vary": "Origin, Access-Control-Request-Headers", "cache-control": "no-store"}
    body = b"" if allowed else _REFUSAL
    if allowed:
        fields |= {
            "access-control-allow-origin": _told(headers, origins),
            "access-control-allow-methods": METHODS,
            "access-control-max-age": str(MAX_AGE_S),
        }
        asked = headers.get("access-control-request-headers", "").strip()
        if len(asked) <= _LONGEST and _NAMES.fullmatch(asked):
            fields["access-control-allow-headers"] = asked
    else:
        fields |= {"content-type": "text/plain", "content-length": str(len(body))}
    start = {"type": "http.response.start", "status": 204 if allowed else 403}
    await send({**start, "headers": _raw(fields)})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def answering(send: Send, headers: Mapping[str, str], origins: Sequence[str]) -> Send:
    """The way to a caller, on which each answer says whether his page may read it. Without origins
    it is the way as it was."""
    if not origins:
        return send
    fields = {"vary": "Origin"}
    if is_allowed(headers, origins):
        fields["access-control-allow-origin"] = _told(headers, origins)
        fields["access-control-expose-headers"] = ", ".join(EXPOSED)
    raw = _raw(fields)

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *raw]}
        await send(message)

    return tell


def _told(headers: Mapping[str, str], origins: Sequence[str]) -> str:
    return ANY if ANY in origins else headers["origin"]


def _raw(fields: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
