"""Who may ask, and for what: a caller is known by his key (DESIGN §6).

A gateway that never had a key takes whoever calls from its own machine, and does so as the command
line's own user. From its first key on every route needs one, whatever became of that key, but
`/healthz` and the API's description. What a route needs stands in its row of `gateway.routes`.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pisang.domain.access import GatewayKey, Role, digest_of, id_in, is_proven
from pisang.domain.catalogue import Catalogue
from pisang.domain.ledger import Hook, Quota
from pisang.domain.model import SIZES, canonical_size, normalise
from pisang.domain.secret import Secret
from pisang.engine.world import now_ms
from pisang.errors import KeyInvalid, KeyRestricted
from pisang.gateway import cookies
from pisang.gateway.entrance import Entrance
from pisang.gateway.links import PARAMETER, is_signed, key_in
from pisang.gateway.routes import role_for
from pisang.gateway.visits import Visit, base_of
from pisang.policy.plan import Planned
from pisang.store.gateway_keys import GatewayKeys

OPEN_SCOPE = "local"
"""Whose requests are those of a gateway without keys: its user's own, as on the command line."""

FRESH_S = 0.5
"""How long a key that was read is believed: what another process revokes holds within a second."""

NAME = "this gateway"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may ask. `scope` is whose his requests are: keys never meet (DESIGN §5). `key`
    is None for the gateway's own user: on one without keys, and where he came in by the way that
    was made for him (`is_owner`)."""

    scope: str
    name: str
    key: GatewayKey | None = None
    is_owner: bool = False

    @property
    def role(self) -> Role:
        """What he may do."""
        return Role.ADMIN if self.key is None else self.key.role

    @property
    def restricted(self) -> bool:
        """Whether `check` could refuse him anything."""
        return self.key is not None and (bool(self.key.models) or self.key.max_size is not None)

    @property
    def quota(self) -> Quota | None:
        """How much he may ask for, where that is limited."""
        return None if self.key is None else self.key.quota

    def hook(self, visit: Visit) -> Hook | None:
        """Who is told when a request of his is over: his key's, else his team's."""
        if self.key is None:
            return None
        hook = self.key.hook or self.key.team_hook
        return replace(hook, base=base_of(visit)) if hook is not None else None

    @property
    def sees(self) -> str | None:
        """The scope that is his to see; None: everybody's."""
        return None if self.role is Role.ADMIN else self.scope

    def check(self, planned: Planned, catalogue: Catalogue) -> None:
        """Raises `KeyRestricted` where his key is not for that model or that size."""
        if self.key is None:
            return
        if self.key.models and not _is_among(planned, self.key.models, catalogue):
            choices = ", ".join(self.key.models)
            raise KeyRestricted(what=f"model {planned.model_id}", choices=choices)
        most = self.key.max_size
        if most is not None:
            over = next((one for one in _sizes(planned) if not _is_within(one, most)), None)
            if over is not None:
                raise KeyRestricted(what=f"size {over}", choices=f"sizes up to {most}")


OWNER = Caller(OPEN_SCOPE, "", is_owner=True)
"""Its own user, on a gateway that he started to look at."""


class Access:
    """Admits callers by the keys of the home."""

    def __init__(
        self,
        keys: GatewayKeys,
        *,
        clock_ms: Callable[[], int] = now_ms,
        clock_s: Callable[[], float] = time.monotonic,
        entrance: Entrance | None = None,
    ) -> None:
        self._keys = keys
        self.entrance = entrance
        self._clock_ms = clock_ms
        self._clock_s = clock_s
        self._guarded = False
        self._asked_s = float("-inf")
        self._proven: dict[bytes, tuple[GatewayKey, float]] = {}

    @property
    def now_s(self) -> int:
        """Seconds since the epoch, by the clock that keys expire by."""
        return self._clock_ms() // 1000

    @property
    def guarded(self) -> bool:
        """Whether callers need a key: since there was a first one, even if it is revoked."""
        now = self._clock_s()
        if not self._guarded and now >= self._asked_s + FRESH_S:
            self._asked_s = now
            self._guarded = self._keys.any()
        return self._guarded

    def admit(self, visit: Visit) -> Caller:
        """Who calls. Raises `KeyInvalid`, the same whether the key is wrong, absent, revoked or
        expired; `KeyRestricted` where it is a good one, and not for this."""
        role = role_for(visit.method, visit.path, visit.query)
        if role is None:
            return Caller("", "")
        caller = self.caller(visit)
        if not caller.role.covers(role):
            raise KeyRestricted(what=_TASKS[role], choices=_TASKS[caller.role])
        return caller

    def is_admin(self, visit: Visit) -> bool:
        """Whether the caller of an open path would be admitted as an admin."""
        try:
            return self.caller(visit).role.covers(Role.ADMIN)
        except KeyInvalid:
            return False

    def caller(self, visit: Visit) -> Caller:
        """Whose key came with it, or whose session where no key did. Raises `KeyInvalid`, and
        `ForeignPage` for a session that a page of another site had the browser send."""
        if self._is_owner(visit):
            return OWNER
        if not self.guarded:
            if not is_local(visit):
                raise _refusal()
            return Caller(OPEN_SCOPE, "")
        key = self._prove(visit.key) if visit.key else self._signed(visit) or self._session(visit)
        if key is None or key.standing(self._clock_ms()) != "live":
            raise _refusal()
        return Caller(key.id, key.name, key)

    def _signed(self, visit: Visit) -> GatewayKey | None:
        """The key whose owner was given that very address, for reading what is his."""
        word = visit.query.get(PARAMETER, "")
        key = self._keys.get(key_in(word)) if word else None
        if key is None or not is_signed(word, visit.path, key, self.now_s):
            return None
        return replace(key, role=Role.READ)

    def _is_owner(self, visit: Visit) -> bool:
        """Whether he came in by this process's own way in, and no key came with the call."""
        if self.entrance is None or visit.key or not is_local(visit):
            return False
        if not self.entrance.knows(visit.sessions, self.now_s):
            return False
        cookies.check_page(visit.method, visit.headers)
        return True

    def _session(self, visit: Visit) -> GatewayKey | None:
        """The key of the browser's session, as it is now. Sessions of two keys are nobody's: who
        planted the second one is not to be asked in place of the first."""
        found: dict[str, GatewayKey] = {}
        for cookie in visit.sessions:
            key = self._keys.get(cookies.key_in(cookie))
            live = key is not None and key.standing(self._clock_ms()) == "live"
            if key is not None and live and cookies.is_genuine(cookie, key.digest, self.now_s):
                found[key.id] = key
        if len(found) != 1:
            return None
        cookies.check_page(visit.method, visit.headers)
        return next(iter(found.values()))

    def _prove(self, text: Secret) -> GatewayKey | None:
        """The key of that text. What was proven is kept by its whole hash, for a moment."""
        digest = digest_of(text)
        now = self._clock_s()
        kept = self._proven.get(digest)
        if kept is not None and now < kept[1]:
            return kept[0]
        self._proven.pop(digest, None)
        key_id = id_in(text)
        key = self._keys.get(key_id) if key_id is not None else None
        if not is_proven(key, digest) or key is None:
            return None
        self._proven[digest] = (key, now + FRESH_S)
        return key


def is_local(visit: Visit) -> bool:
    """Whether a call comes from this machine, and from no web page of another: a page that a
    browser here shows may call 127.0.0.1 too, by its own name for it, with its own origin, or with
    none that it tells (`null`: a frame in a sandbox, a page that was redirected). A proxy on this
    machine that says for whom it asks is asked for whom."""
    origin = visit.headers.get("origin", "")
    if origin == "null" or "forwarded" in visit.headers:
        return False
    names = [visit.client, _host(f"//{visit.headers.get('host', '')}")]
    if urlsplit(origin).scheme in ("http", "https"):
        names.append(_host(origin))
    for field in _ASKED_FOR:
        names += [_bare(one) for one in visit.headers.get(field, "").split(",") if one.strip()]
    return all(name is None or _is_loopback(name) for name in names)


_ASKED_FOR = ("x-forwarded-for", "x-real-ip", "cf-connecting-ip", "x-forwarded-host")


def _bare(said: str) -> str | None:
    """The host of an address as proxies write it, with a port or without, in brackets or bare."""
    text = said.strip()
    return text if text.count(":") > 1 and "[" not in text else _host(f"//{text}")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _refusal() -> KeyInvalid:
    return KeyInvalid(upstream=NAME, hint="pisang key create --name NAME")


_TASKS: Mapping[Role, str] = {
    Role.READ: "reading",
    Role.USE: "making images and reading",
    Role.ADMIN: "administration",
}


def _is_among(planned: Planned, words: tuple[str, ...], catalogue: Catalogue) -> bool:
    """Whether a model is one of those that a key names, by any of its names."""
    for word in words:
        named = catalogue.find(word)
        same = named and planned.model and named.family == planned.model.family
        if same or normalise(word) == normalise(planned.model_id):
            return True
    return False


def _sizes(planned: Planned) -> list[str]:
    """The sizes that a plan amounts to: what it says, and what its model's id says (`…-4k`)."""
    suffix = planned.model_id.rpartition("-")[2]
    said = planned.request.image_size
    if said is None and planned.model is not None:
        said = planned.model.default_size
    return [one for one in (said, canonical_size(suffix)) if one is not None]


def _is_within(size: str, most: str) -> bool:
    """Whether a size is at most another; a word that is no size of the family is not."""
    known = canonical_size(size)
    return known is not None and SIZES.index(known) <= SIZES.index(most)
