"""`/session`: a browser signs in with a key, once, and is known by a cookie from then on.

The cookie holds no key, and no script can read it (`gateway.cookies`). It goes only to
`/pisang/v1`, only from pages of this very site; what a page of another origin may say is
`gateway.cors`'s. A gateway without keys knows its callers without, and sets none, but for who
came in by the address that `pisang studio` opened (`gateway.entrance`).
"""

from __future__ import annotations

import json
from dataclasses import replace

from pisang.domain.access import GatewayKey
from pisang.domain.secret import Secret
from pisang.domain.version import VERSION
from pisang.errors import KeyInvalid, OptionInvalid, TicketSpent
from pisang.gateway.access import NAME, OWNER, Access, Caller, is_local
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
    `KeyInvalid`, `TicketSpent`, `SignInLimited`, `ForeignPage`, `OptionInvalid`,
    `RequestTooLarge`, and `Gone`."""
    if visit.method in READS:
        return _told(_caller(visit, access), access)
    check_page(visit.method, visit.headers)
    if visit.method == "DELETE":
        nobody = replace(visit, key=None, sessions=())
        return _told(_caller(nobody, access), access, _end(visit, access))
    address = address_of(visit.client, visit.headers)
    guesses.check(address)
    said = await _read_said(visit)
    try:
        if "ticket" in said:
            return _let_in(visit, said["ticket"], access)
        key = Secret(said["key"])
        caller = access.caller(replace(visit, key=key, sessions=()))
    except (KeyInvalid, TicketSpent):
        guesses.note(address)
        raise
    return _told(caller, access, _session(visit, caller.key, access))


def _let_in(visit: Visit, ticket: str, access: Access) -> WireAnswer:
    """The gateway's own user, by the address that `pisang studio` opened. Where nobody needs a key
    he needs no ticket either: an old one is as good as none."""
    try:
        if access.entrance is None or not is_local(visit):
            raise TicketSpent
        access.entrance.take(ticket)
    except TicketSpent:
        if access.guarded:
            raise
        return _told(_caller(replace(visit, sessions=()), access), access)
    value, kept_s = access.entrance.write_cookie(access.now_s)
    return _told(OWNER, access, _cookie(visit, value, kept_s, access.entrance.cookie))


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
    """The key or the ticket that is shown, by its name."""
    raw = b"".join([chunk async for chunk in read_chunks(visit.receive, MOST_SAID, NAME)])
    said = strictjson.loads(raw, ())
    shown = said if isinstance(said, dict) else {}
    for name in ("ticket", "key"):
        value = shown.get(name)
        if isinstance(value, str) and value:
            return {name: value}
    raise OptionInvalid(option="key", value="", why="sign in with a key of this gateway")


def _session(visit: Visit, key: GatewayKey | None, access: Access) -> str | None:
    return None if key is None else _cookie(visit, *write_cookie(key, access.now_s))


def _end(visit: Visit, access: Access) -> str | None:
    """The cookie that ends the session, of whichever kind it is; None where there is none."""
    if access.entrance is not None and access.entrance.knows(visit.sessions, access.now_s):
        return _cookie(visit, "", 0, access.entrance.cookie)
    return _cookie(visit, "", 0) if access.guarded else None


def _cookie(visit: Visit, value: str, kept_s: int, name: str = SESSION_COOKIE) -> str:
    """Over TLS it never goes out without; a loopback has none."""
    secure = "; Secure" if base_of(visit).startswith("https:") else ""
    return f"{name}={value}; Path={PREFIX}; Max-Age={kept_s}; HttpOnly; SameSite=Strict{secure}"
