"""`/session`: a browser signs in with a key, once, and is known by a cookie from then on.

The cookie holds no key, and no script can read it (`gateway.cookies`). It goes only to
`/pisang/v1`, only from pages of this very site; what a page of another origin may say is
`gateway.cors`'s. A gateway without keys knows its callers without, and sets none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from pisang.domain.access import GatewayKey
from pisang.domain.secret import Secret
from pisang.domain.version import VERSION
from pisang.errors import KeyInvalid, OptionInvalid
from pisang.gateway.access import NAME, Access, Caller
from pisang.gateway.cookies import READS, SESSION_COOKIE, check_page, write_cookie
from pisang.gateway.guesses import Guesses, address_of
from pisang.gateway.routes import PREFIX
from pisang.gateway.visits import Visit, base_of
from pisang.wires import strictjson
from pisang.wires.asgi import read_chunks
from pisang.wires.base import WireAnswer

MOST_SAID = 4096

_FIELDS = {"content-type": "application/json", "cache-control": "no-store"}


async def answer_session(visit: Visit, access: Access, guesses: Guesses) -> WireAnswer:
    """Who is signed in; after `POST` with a good key he is, after `DELETE` nobody. Raises
    `KeyInvalid`, `SignInLimited`, `ForeignPage`, `OptionInvalid`, `RequestTooLarge`, and `Gone`."""
    if visit.method in READS:
        return _told(_caller(visit, access), access)
    check_page(visit.method, visit.headers)
    if visit.method == "DELETE":
        nobody = replace(visit, key=None, sessions=())
        cookie = _cookie(visit, "", 0) if access.guarded else None
        return _told(_caller(nobody, access), access, cookie)
    address = address_of(visit.client, visit.headers)
    guesses.check(address)
    said = await _read_said(visit)
    try:
        caller, key = _enter(visit, access, said)
    except KeyInvalid:
        guesses.note(address)
        raise
    return _told(caller, access, _session(visit, key, access))


def _enter(
    visit: Visit, access: Access, said: Mapping[str, str]
) -> tuple[Caller, GatewayKey | None]:
    """Who shows that key, or that ticket, and the key that his session is of."""
    if "ticket" in said and access.guarded:
        return access.enter(said["ticket"])
    caller = access.caller(replace(visit, key=Secret(said["key"]) if "key" in said else None))
    return caller, caller.key


def _told(caller: Caller | None, access: Access, cookie: str | None = None) -> WireAnswer:
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


async def _read_said(visit: Visit) -> dict[str, str]:
    """The key or the ticket that is shown."""
    raw = b"".join([chunk async for chunk in read_chunks(visit.receive, MOST_SAID, NAME)])
    told = strictjson.loads(raw, ())
    said = told if isinstance(told, dict) else {}
    for name in ("ticket", "key"):
        if isinstance(said.get(name), str) and said[name]:
            return {name: said[name]}
    raise OptionInvalid(option="key", value="", why="sign in with a key of this gateway")


def _session(visit: Visit, key: GatewayKey | None, access: Access) -> str | None:
    return None if key is None else _cookie(visit, *write_cookie(key, access.now_s))


def _cookie(visit: Visit, value: str, kept_s: int) -> str:
    """Over TLS it never goes out without; a loopback has none."""
    secure = "; Secure" if base_of(visit).startswith("https:") else ""
    return (
        f"{SESSION_COOKIE}={value}; Path={PREFIX}; Max-Age={kept_s}; "
        f"HttpOnly; SameSite=Strict{secure}"
    )
