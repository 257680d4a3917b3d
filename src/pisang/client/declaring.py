"""Keys and teams that `config.toml` declares, brought into the ledger.

They stand there beside those that were made by command or API, and are shown as declared. The file
is the truth: what it changes is changed, what it no longer names is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pisang.client.granting import caps_of
from pisang.client.hooks import declared_hook
from pisang.client.settings import KeyEntry, Settings, TeamEntry
from pisang.domain.access import GatewayKey, Role, Team, digest_of, id_in, is_cap_of_caller
from pisang.domain.ledger import Quota
from pisang.domain.money import Money
from pisang.domain.secret import Secret
from pisang.engine.world import now_ms
from pisang.errors import SettingsMalformed
from pisang.store.store import Store


def apply_declared(settings: Settings, store: Store) -> None:
    """Make the ledger's keys and teams those that the settings declare, beside the made ones. Costs
    reads where they are. Blocks.

    Raises `SettingsMalformed` for a variable that is not set or holds no key: nothing was changed.
    """
    known = {key.id: key for key in store.gateway_keys.all()}
    teams = {team.name: team for team in store.gateway_keys.teams()}
    wanted = {key.id: (key, entry) for key, entry in _keys(settings, known)}
    wanted_teams = [(_team(entry, settings, teams), entry) for entry in settings.teams.values()]

    for team, said in wanted_teams:
        _set_caps(f"team:{team.name}", said.caps, said.time_zone, settings, store)
        if teams.get(team.name) != team:
            store.gateway_keys.put_team(team).result()
    for key, entry in wanted.values():
        _set_caps(f"key:{key.id}", entry.caps, entry.time_zone, settings, store)
        _write(key, known.get(key.id), store)
    for old in known.values():
        if old.declared and old.id not in wanted and old.revoked_ms is None:
            store.gateway_keys.revoke(old.id).result()
    for name, team in teams.items():
        if team.declared and name not in settings.teams:
            _set_caps(f"team:{name}", {}, None, settings, store)
            store.gateway_keys.drop_team(name).result()


def _write(key: GatewayKey, old: GatewayKey | None, store: Store) -> None:
    if old is None:
        store.gateway_keys.put(key).result()
    elif replace(key, team_hook=old.team_hook) != old:
        store.gateway_keys.edit(key).result()


def _set_caps(
    scope: str,
    caps: Mapping[str, Money],
    time_zone: str | None,
    settings: Settings,
    store: Store,
) -> None:
    said = {period: f"{cap.amount}{cap.currency}" for period, cap in caps.items()}
    wanted = caps_of(scope, said, time_zone, settings)
    for cap in wanted:
        store.set_budget(cap).result()
    kept = {cap.id for cap in wanted}
    for old in store.budgets():
        if old.scope == scope and is_cap_of_caller(old) and old.id not in kept:
            store.remove_budget(old.id).result()


def _keys(
    settings: Settings, known: Mapping[str, GatewayKey]
) -> Iterator[tuple[GatewayKey, KeyEntry]]:
    named: dict[str, str] = {}
    for entry in settings.keys.values():
        text = entry.text.secret(settings, _check_text)
        key_id = id_in(text) or ""
        old = known.get(key_id)
        digest = digest_of(text)
        if key_id in named:
            raise _wrong(settings, f"`{entry.text.where}`: {named[key_id]} has the same key")
        if old is not None and old.digest != digest:
            raise _wrong(settings, f"`{entry.text.where}`: its id is another key's")
        named[key_id] = entry.name
        made_ms = old.created_ms if old is not None else now_ms()
        yield _key(entry, key_id, digest, made_ms, settings), entry


def _key(
    entry: KeyEntry, key_id: str, digest: bytes, made_ms: int, settings: Settings
) -> GatewayKey:
    return GatewayKey(
        id=key_id,
        name=entry.name,
        digest=digest,
        created_ms=made_ms,
        role=Role(entry.role),
        team=entry.team,
        models=entry.models,
        max_size=entry.max_size,
        quota=Quota(entry.rpm, entry.concurrency),
        expires_ms=entry.expires_ms,
        hook=declared_hook(entry.webhook, settings),
        declared=True,
    )


def _team(entry: TeamEntry, settings: Settings, known: Mapping[str, Team]) -> Team:
    old = known.get(entry.name)
    made_ms = old.created_ms if old is not None else now_ms()
    return Team(entry.name, made_ms, declared_hook(entry.webhook, settings), declared=True)


def _check_text(text: Secret) -> Secret:
    if id_in(text) is None:
        raise ValueError("it holds no key of a gateway: `pisang key text` makes one")
    return text


def _wrong(settings: Settings, why: str) -> SettingsMalformed:
    return SettingsMalformed(path=str(settings.path), why=why)
