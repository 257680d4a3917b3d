"""`/session`: a browser signs in with a key, once, and is known by a cookie from then on.

The cookie holds the key, and no script can read it. It goes only to `/pisang/v1`, only from pages
of this very site, and counts for a write only beside a header that no form of another page can
send (`visits.STUDIO_HEADER`); what a page of another origin may say is `gateway.cors`'s.
"""

from __future__ import annotations

import json
from dataclasses import replace

from pisang.domain.secret import Secret
from pisang.domain.version import VERSION
from pisang.errors import KeyInvalid, OptionInvalid
from pisang.gateway.access import NAME, Access, Caller
from pisang.gateway.routes import PREFIX
from pisang.gateway.visits import SESSION_COOKIE, STUDIO_HEADER, Visit, base_of
from pisang.wires import strictjson
from pisang.wires.asgi import read_chunks
from pisang.wires.base import WireAnswer

MOST_SAID = 4096
KEPT_S = 30 * 24 * 3600

_FIELDS = {"content-type": "application/json", "cache-control": "no-store"}


async def answer_session(visit: Visit, access: Access) -> WireAnswer:
    """Who is signed in; after `POST` with a good key he is, after `DELETE` nobody. Raises
    `KeyInvalid`, `OptionInvalid`, `RequestTooLarge`, and `Gone`."""
    if visit.method == "GET":
        return _told(visit, access)
    if STUDIO_HEADER not in visit.headers:
        raise KeyInvalid(upstream=NAME)
    if visit.method == "DELETE":
        return _told(replace(visit, key=None), access, _cookie(visit, "", 0))
    key = await _read_key(visit)
    known = replace(visit, key=key)
    access.caller(known)
    return _told(known, access, _cookie(visit, key.reveal(), KEPT_S))


def _told(visit: Visit, access: Access, cookie: str | None = None) -> WireAnswer:
    caller = _caller(visit, access)
    told = {
        "signed_in": caller is not None,
        "guarded": access.guarded,
        "name": caller.name if caller is not None else "",
        "role": caller.role.value if caller is not None else "",
        "version": VERSION,
    }
    fields = _FIELDS if cookie is None else {**_FIELDS, "set-cookie": cookie}
    return WireAnswer(200, (json.dumps(told, ensure_ascii=False).encode(),), fields)


def _caller(visit: Visit, access: Access) -> Caller | None:
    try:
        return access.caller(visit)
    except KeyInvalid:
        return None


async def _read_key(visit: Visit) -> Secret:
    raw = b"".join([chunk async for chunk in read_chunks(visit.receive, MOST_SAID, NAME)])
    said = strictjson.loads(raw, ())
    key = said.get("key") if isinstance(said, dict) else None
    if not isinstance(key, str) or not key:
        raise OptionInvalid(option="key", value="", why='the body is {"key": "psk_…"}')
    return Secret(key)


def _cookie(visit: Visit, value: str, kept_s: int) -> str:
    """Over TLS it never goes out without; a loopback has none."""
    secure = "; Secure" if base_of(visit).startswith("https:") else ""
    return (
        f"{SESSION_COOKIE}={value}; Path={PREFIX}; Max-Age={kept_s}; "
        f"HttpOnly; SameSite=Strict{secure}"
    )
