"""The keys of a gateway's callers, and how much each may ask for over all processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future

from pisang.domain.access import GatewayKey, Role, Team
from pisang.domain.ledger import Quota, Wish
from pisang.errors import Ambiguous, KeyLimited, NotFound
from pisang.store.claim import MINUTE_MS, SKEW_MS
from pisang.store.ledger import Readers, Row, Tx, Writer
from pisang.store.process import Process
from pisang.store.rows import dump
from pisang.store.webhooks import dump_hook, load_hook

BUSY_S = 2.0
"""When to ask again while as many requests run as may: nobody knows when the first one ends."""


class GatewayKeys:
    """Every key that was ever made for callers of this home's gateways."""

    def __init__(self, readers: Readers, writer: Writer, clock_ms: Callable[[], int]) -> None:
        self._readers = readers
        self._writer = writer
        self._clock_ms = clock_ms

    def put(self, key: GatewayKey) -> Future[None]:
        """Write a new key down: it is taken as soon as that is committed."""
        return self._writer.submit(lambda tx: tx.run("gateway_key_put", **_columns(key)))

    def edit(self, key: GatewayKey) -> Future[bool]:
        """Change what a key may; whether there is one of that id."""
        values = {**_columns(key), "revoked_ms": key.revoked_ms}
        for name in ("digest", "created_ms"):
            del values[name]
        return self._writer.submit(lambda tx: tx.count("gateway_key_edit", **values) > 0)

    def teams(self) -> list[Team]:
        """Every team that was written down, by name."""
        with self._readers.read() as tx:
            return [_team(row) for row in tx.all("gateway_teams_all")]

    def put_team(self, team: Team) -> Future[None]:
        """Write a team down, in place of an older one of that name."""
        return self._writer.submit(
            lambda tx: tx.run(
                "gateway_team_put",
                named=team.name,
                hook=dump_hook(team.hook),
                declared=int(team.declared),
                created_ms=team.created_ms,
            )
        )

    def drop_team(self, name: str) -> Future[bool]:
        """Take a team away; whether it was written down. Its keys stay, and its caps."""
        return self._writer.submit(lambda tx: tx.count("gateway_team_delete", named=name) > 0)

    def any(self) -> bool:
        """Whether there ever was a key: from then on every caller needs one."""
        with self._readers.read() as tx:
            row = tx.one("gateway_keys_any")
        return row is not None and bool(row["found"])

    def all(self) -> list[GatewayKey]:
        """Every key, oldest first, revoked ones too."""
        with self._readers.read() as tx:
            return [_key(row) for row in tx.all("gateway_keys_all")]

    def get(self, key_id: str) -> GatewayKey | None:
        """The key of that id, whatever became of it; None where there is none."""
        with self._readers.read() as tx:
            row = tx.one("gateway_key_by_id", id=key_id)
        return None if row is None else _key(row)

    def find(self, prefix: str) -> GatewayKey:
        """The key whose id is, or begins with, `prefix`. Raises `NotFound`, `Ambiguous`."""
        found = [key for key in self.all() if prefix and key.id.startswith(prefix)]
        if not found:
            raise NotFound(what="key", id=prefix, hint="pisang key list")
        if len(found) > 1:
            raise Ambiguous(what="key", id=prefix, count=len(found), hint="pisang key list")
        return found[0]

    def revoke(self, key_id: str) -> Future[bool]:
        """Take a key back for good; whether it was still there to be taken."""
        now_ms = self._clock_ms()
        return self._writer.submit(
            lambda tx: tx.count("gateway_key_revoke", id=key_id, at_ms=now_ms) > 0
        )


def admit(tx: Tx, process: Process, wish: Wish) -> None:
    """Let one more request of a key begin. Raises `KeyLimited` with when to ask again.

    It runs in the transaction that writes the request down, so no number of processes lets one
    more through. What is joined or replayed begins nothing and is not asked here.
    """
    quota = wish.quota or Quota()
    if quota.rpm is not None:
        now_ms = max(wish.created_ms, process.clock_ms())
        until, skip = now_ms + SKEW_MS, quota.rpm - 1
        nth = tx.one("nth_asked", scope=wish.scope, until=until, skip=skip)
        wait_ms = nth["at"] + MINUTE_MS - now_ms if nth is not None else 0
        if wait_ms > 0:
            raise KeyLimited(what=f"{quota.rpm} a minute", retry_after_s=wait_ms / 1000)
    if quota.concurrency is not None:
        owners = tx.all("working_owners", scope=wish.scope)
        if sum(one["live"] for one in owners if process.works_on(one["owner"])) >= (
            quota.concurrency
        ):
            raise KeyLimited(what=f"{quota.concurrency} at once", retry_after_s=BUSY_S)


def _columns(key: GatewayKey) -> dict[str, object]:
    return {
        "id": key.id,
        "named": key.name,
        "digest": key.digest,
        "role": key.role.value,
        "team": key.team,
        "models": dump(list(key.models)),
        "max_size": key.max_size,
        "rpm": key.quota.rpm,
        "concurrency": key.quota.concurrency,
        "created_ms": key.created_ms,
        "expires_ms": key.expires_ms,
        "declared": int(key.declared),
        "hook": dump_hook(key.hook),
    }


def _team(row: Row) -> Team:
    return Team(row["name"], row["created_ms"], load_hook(row["hook"]), bool(row["declared"]))


def _key(row: Row) -> GatewayKey:
    return GatewayKey(
        id=row["id"],
        name=row["name"],
        digest=row["digest"],
        created_ms=row["created_ms"],
        role=Role(row["role"]),
        team=row["team"],
        models=tuple(json.loads(row["models"])),
        max_size=row["max_size"],
        quota=Quota(row["rpm"], row["concurrency"]),
        expires_ms=row["expires_ms"],
        revoked_ms=row["revoked_ms"],
        hook=load_hook(row["hook"]),
        team_hook=load_hook(row["team_hook"]),
        declared=bool(row["declared"]),
    )
