"""`pisang key`: who may ask this home's gateway, for what, and how much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pisang.cli.budget import PeriodName, standing_lines
from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import align

if TYPE_CHECKING:
    from pisang.client.granting import Granted
    from pisang.domain.access import GatewayKey
    from pisang.store.spending import Cost, Standing
    from pisang.store.store import Store

Result = TypeVar("Result")


class RoleName(StrEnum):
    """What a key is for."""

    USE = "use"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Told):
    """The arguments of `key create`."""

    name: Annotated[str, typer.Option(metavar="NAME", help="Whose it is, to know it by.")]
    role: Annotated[
        RoleName, typer.Option(help="Make images, only read what the key made, or everything.")
    ] = RoleName.USE
    team: Annotated[str | None, typer.Option(metavar="TEAM", help="The team it belongs to.")] = None
    models: Annotated[
        str | None,
        typer.Option(metavar="MODEL,MODEL", help="The models it may use (default: any)."),
    ] = None
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The largest image size, such as 2K.")
    ] = None
    rpm: Annotated[
        int | None, typer.Option(metavar="COUNT", help="How many requests a minute.")
    ] = None
    concurrency: Annotated[
        int | None, typer.Option(metavar="COUNT", help="How many requests at once.")
    ] = None
    budget: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="A cap of its own, such as 50USD.")
    ] = None
    per: Annotated[PeriodName, typer.Option("--per", help="What the cap is counted over.")] = (
        PeriodName.MONTH
    )
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long it is taken, such as 90d.")
    ] = None


CREATE_EXAMPLES = """\
pisang key create --name alice
pisang key create --name ci --models nano-banana-2 --max-size 1K --budget 20USD --expires 90d
pisang key create --name ops --role admin --format json
"""


@command(examples=CREATE_EXAMPLES)
def create(asked: Create) -> int:
    """Make a key for a caller of this gateway, and show it, once.

    From the first key on nobody is served without one, and `pisang serve --host` may listen to
    other machines. A running gateway takes the key at once.
    """
    from pisang.client.granting import Grant, key_json, make_key, write_key
    from pisang.client.loading import load_settings
    from pisang.engine.world import now_ms

    grant = Grant(
        name=asked.name,
        role=asked.role.value,
        team=asked.team,
        models=asked.models,
        max_size=asked.max_size,
        rpm=asked.rpm,
        concurrency=asked.concurrency,
        budget=asked.budget,
        per=asked.per.value,
        expires=asked.expires,
    )
    screen = Screen.of(asked.format)
    granted = make_key(grant, load_settings(), now_ms())
    with_store(lambda store: write_key(store, granted))
    facts = key_json(granted.key, now_ms())
    screen.data({**facts, "key": granted.text.reveal()})
    screen.bare(granted.text.reveal())
    screen.line(granted.text.reveal())
    _tell_created(granted, screen)
    return 0


def _tell_created(granted: Granted, screen: Screen) -> None:
    screen.note(
        screen.pick(
            "Copy it now: it is not shown again, and stored nowhere.",
            "请立即复制保存：该密钥只显示这一次，不会存储。",
        )
    )
    screen.note("  ".join(filter(None, _cells(granted.key, screen))))
    for cap in granted.caps:
        screen.note(f"{cap.id}  {cap.cap}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Told):
    """The arguments of `key edit`."""

    id: Annotated[str, typer.Argument(metavar="ID", help="As `key list` names it.")]
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose it is, to know it by.")
    ] = None
    role: Annotated[
        RoleName | None,
        typer.Option(help="Make images, only read what the key made, or everything."),
    ] = None
    team: Annotated[str | None, typer.Option(metavar="TEAM", help="The team it belongs to.")] = None
    models: Annotated[
        str | None, typer.Option(metavar="MODEL,MODEL", help="The models it may use.")
    ] = None
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The largest image size, such as 2K.")
    ] = None
    rpm: Annotated[
        int | None, typer.Option(metavar="COUNT", help="How many requests a minute.")
    ] = None
    concurrency: Annotated[
        int | None, typer.Option(metavar="COUNT", help="How many requests at once.")
    ] = None
    budget: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="A cap of its own, such as 50USD; none takes it away."),
    ] = None
    per: Annotated[PeriodName, typer.Option("--per", help="What the cap is counted over.")] = (
        PeriodName.MONTH
    )
    time_zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Whose days (default: this machine's)."),
    ] = None
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long from now it is taken, such as 90d.")
    ] = None
    clear: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT,WHAT", help="What limits it no more: models, rpm, expires, team …"
        ),
    ] = None


EDIT_EXAMPLES = """\
pisang key edit 01k9 --models nano-banana-2,nano-banana-pro --rpm 30
pisang key edit 01k9 --budget 5USD --per day --time-zone Asia/Shanghai
pisang key edit 01k9 --expires 30d --clear models,max_size
"""


@command(examples=EDIT_EXAMPLES)
def edit(asked: Edit) -> int:
    """Change what a key may; its text stays. Every gateway on this home goes by it within a second;
    what is under way goes on. A key that config.toml declares is changed there."""
    from pisang.client.granting import Change, change_key, key_json, write_change
    from pisang.client.loading import load_settings
    from pisang.engine.world import now_ms

    screen = Screen.of(asked.format)
    budget = None if asked.budget == "none" else asked.budget
    change = Change(
        name=asked.name,
        role=asked.role.value if asked.role else None,
        team=asked.team,
        models=asked.models,
        max_size=asked.max_size,
        rpm=asked.rpm,
        concurrency=asked.concurrency,
        expires=asked.expires,
        caps={asked.per.value: budget} if asked.budget is not None else {},
        time_zone=asked.time_zone,
        clear=frozenset(filter(None, map(_option_name, (asked.clear or "").split(",")))),
    )

    def work(store: Store) -> GatewayKey:
        key = store.gateway_keys.find(asked.id)
        write_change(store, change_key(key, change, load_settings(), now_ms()))
        return store.gateway_keys.get(key.id) or key

    key = with_store(work)
    screen.data(key_json(key, now_ms()))
    screen.bare(key.id)
    screen.line("  ".join(filter(None, _cells(key, screen))))
    return 0


def _option_name(word: str) -> str:
    return word.strip().replace("-", "_")


@command(examples="pisang key text")
def text(asked: Told) -> int:
    """The text of a fresh key, for one that config.toml declares: put it into the variable that
    `[keys.NAME] key = "${VARIABLE}"` names. Nothing is stored."""
    from pisang.client.granting import fresh_text

    screen = Screen.of(asked.format)
    made = fresh_text().reveal()
    screen.data({"key": made})
    screen.bare(made)
    screen.line(made)
    return 0


@command(examples="pisang key list --format json")
def list_(asked: Told) -> int:
    """Every key, revoked ones too: what it may, what it spent this month, and how its caps stand.
    Never its text."""
    from pisang.client.costs import cost_json, standing_json
    from pisang.client.granting import key_json
    from pisang.engine.world import now_ms

    screen = Screen.of(asked.format)
    keys, standings, spent = with_store(lambda store: (*read_keys(store), read_month(store)))
    rows = []
    for key in keys:
        own = [standing_json(one) for one in standings if one.budget.scope == f"key:{key.id}"]
        used = [cost_json(one) for one in spent if one.name == key.id]
        rows.append({**key_json(key, now_ms()), "budgets": own, "this_month": used})
        screen.bare(key.id)
    screen.data({"keys": rows})
    lines = [(*_cells(key, screen), _used(key, spent, screen)) for key in keys]
    for line in align(lines):
        screen.line(line.rstrip())
    for line in standing_lines([one for one in standings if _is_of_key(one)], screen):
        screen.line(line)
    if not keys:
        screen.note(
            screen.pick(
                "There is no key: only this machine may ask. pisang key create --name NAME",
                "还没有密钥：只有本机可以调用。pisang key create --name NAME",
            )
        )
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke(Told):
    """The arguments of `key revoke`."""

    id: Annotated[str, typer.Argument(metavar="ID", help="As `key list` names it.")]


@command(examples="pisang key revoke 01k9")
def revoke(asked: Revoke) -> int:
    """Take a key back for good. Every gateway on this home refuses it within a second; what it
    asked for before is seen through."""
    screen = Screen.of(asked.format)

    from pisang.client.granting import refuse_declared

    def take(store: Store) -> GatewayKey:
        key = store.gateway_keys.find(asked.id)
        refuse_declared(key)
        store.gateway_keys.revoke(key.id).result()
        return key

    key = with_store(take)
    screen.data({"revoked": key.id})
    screen.bare(key.id)
    said = f"{key.id} ({key.name})"
    screen.line(screen.pick(f"{said} is revoked.", f"已吊销 {said}。"))
    return 0


def read_keys(store: Store) -> tuple[list[GatewayKey], list[Standing]]:
    """Every key, and how every cap stands."""
    return store.gateway_keys.all(), store.spending.standings()


def read_month(store: Store) -> list[Cost]:
    """What each key spent since the first of this month."""
    from datetime import datetime

    from pisang.client.costs import parse_since

    return store.spending.costs("key", parse_since("month", datetime.now().astimezone()))


def _used(key: GatewayKey, spent: list[Cost], screen: Screen) -> str:
    """What a key spent this month, in words; empty where it made nothing."""
    from pisang.domain.money import Money

    own = [one for one in spent if one.name == key.id]
    images = sum(one.images for one in own)
    sums = [
        str(Money(one.spent_micros + one.at_stake_micros, one.currency))
        for one in own
        if one.currency
    ]
    if not images and not sums:
        return ""
    amount = " + ".join(sums)
    plural = "" if images == 1 else "s"
    return screen.pick(
        f"this month {amount}, {images} image{plural}", f"本月 {amount}，{images} 张"
    )


def _is_of_key(standing: Standing) -> bool:
    return standing.budget.scope.startswith("key:")


def with_store(work: Callable[[Store], Result]) -> Result:
    """What some work gives that is done on the home's store."""
    from pisang.client.loading import load_settings
    from pisang.client.storing import storage_of
    from pisang.engine.engine import Engine

    settings = load_settings()

    async def run() -> Result:
        async with await Engine.open(settings.home, storage=storage_of(settings)) as engine:
            return await asyncio.to_thread(work, engine.store)

    return asyncio.run(run())


_STATES_ZH = {"live": "有效", "expired": "已过期", "revoked": "已吊销"}
_ROLES_ZH = {"use": "使用", "read": "只读", "admin": "管理"}


def _cells(key: GatewayKey, screen: Screen) -> tuple[str, ...]:
    from pisang.engine.world import now_ms

    state, role = key.standing(now_ms()), key.role.value
    return (
        key.id,
        key.name,
        screen.pick(role, _ROLES_ZH[role]),
        screen.pick(state, _STATES_ZH[state]),
        screen.pick(", ", "，").join(_limits(key, screen)),
    )


def _limits(key: GatewayKey, screen: Screen) -> list[str]:
    """What bounds a key, in words."""
    from pisang.client.results import local_time

    until = local_time(key.expires_ms) if key.expires_ms is not None else None
    most = key.quota.concurrency
    said = (
        (key.team, f"team {key.team}", f"团队 {key.team}"),
        (key.models, " ".join(key.models), " ".join(key.models)),
        (key.max_size, f"at most {key.max_size}", f"最大 {key.max_size}"),
        (key.quota.rpm, f"{key.quota.rpm} a minute", f"每分钟 {key.quota.rpm} 次"),
        (most, f"{most} at once", f"并发 {most}"),
        (key.declared, "declared", "由配置文件声明"),
        (until, f"until {until}", f"有效期至 {until}"),
    )
    return [screen.pick(en, zh) for value, en, zh in said if value]
