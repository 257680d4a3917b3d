"""Who may ask a gateway, and what he may: keys as values (DESIGN §6).

A key's text is `psk_<id>_<secret>`: the id finds its row, the SHA-256 of the whole text proves it.
The secret has 256 bits, so its plain hash can't be turned back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest
from typing import Literal

from pisang.domain.ledger import Budget, Hook, Quota
from pisang.domain.money import Money
from pisang.domain.secret import Secret

ID_LETTERS = 12
"""Letters of a key's id: 60 bits of chance."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u."""

_TEXT = re.compile(rf"psk_([{ALPHABET}]{{{ID_LETTERS}}})_[0-9a-f]{{64}}")

_NOBODY = bytes(32)
"""What a text is compared with where there is no such key, so that it takes as long."""


class Role(StrEnum):
    """What a key is for: each role may all that the ones before it may."""

    READ = "read"
    USE = "use"
    ADMIN = "admin"

    def covers(self, other: Role) -> bool:
        """Whether it may what the other may."""
        return _RANK[self] >= _RANK[other]


_RANK: Mapping[Role, int] = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """One key of a gateway, without its text. `id` is the scope of what is asked with it.

    `models` are words for models (empty: any); `max_size` the largest image size (None: any).
    `digest` is the SHA-256 of the key's text. `hook` is who is told when its requests are over,
    `team_hook` who its team tells; `declared`: the settings name it. Times are milliseconds since
    the epoch.
    """

    id: str
    name: str
    digest: bytes = field(repr=False)
    created_ms: int
    role: Role = Role.USE
    team: str | None = None
    models: tuple[str, ...] = ()
    max_size: str | None = None
    quota: Quota = field(default_factory=Quota)
    expires_ms: int | None = None
    revoked_ms: int | None = None
    hook: Hook | None = None
    team_hook: Hook | None = None
    declared: bool = False

    def standing(self, now_ms: int) -> Literal["live", "expired", "revoked"]:
        """Whether it is taken at that time, and if not, why."""
        if self.revoked_ms is not None:
            return "revoked"
        if self.expires_ms is not None and self.expires_ms <= now_ms:
            return "expired"
        return "live"


@dataclass(frozen=True, slots=True)
class Team:
    """A team that was written down. Keys join one by its name, written down or not."""

    name: str
    created_ms: int
    hook: Hook | None = None
    declared: bool = False


def write_text(key_id: str, secret: bytes) -> Secret:
    """The text of a key, which its user is shown once."""
    return Secret(f"psk_{key_id}_{secret.hex()}")


def digest_of(text: Secret) -> bytes:
    """What is stored of a key's text."""
    return hashlib.sha256(text.reveal().encode("utf-8", "replace")).digest()


def id_in(text: Secret) -> str | None:
    """The id that a key's text names; None for a text that is no key of a gateway."""
    match = _TEXT.fullmatch(text.reveal())
    return match[1] if match else None


def is_proven(key: GatewayKey | None, digest: bytes) -> bool:
    """Whether that is the digest of the key's own text, in the same time whether it is or not and
    whether there is such a key or not (row K1 of the threat table)."""
    same = compare_digest(key.digest if key is not None else _NOBODY, digest)
    return same and key is not None


# --- caps of keys and teams ----------------------------------------------------------------------

CALLERS = ("key:", "team:")

Period = Literal["day", "month", "total"]


def cap_of_caller(scope: str, period: Period, cap: Money, time_zone: str) -> Budget:
    """The cap that a key (`key:ID`) or a team (`team:NAME`) was given with what it may. It lives in
    the ledger, not in the settings."""
    return Budget(f"{scope}:{period}", scope, period, cap, time_zone)


def is_cap_of_caller(budget: Budget) -> bool:
    """Whether a cap came with a key or a team: settings that don't name it leave it alone."""
    return budget.id == f"{budget.scope}:{budget.period}" and budget.scope.startswith(CALLERS)
