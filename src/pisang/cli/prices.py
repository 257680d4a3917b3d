"""`pisang upstream price` and `sync`: what an image costs at an upstream, said or asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pisang.cli.frame import command
from pisang.cli.options import Named
from pisang.cli.screen import Screen
from pisang.cli.table import align
from pisang.cli.words import say_amount

if TYPE_CHECKING:
    from pisang.client.pricing import Change, PriceRow, Synced
    from pisang.client.settings import Settings
    from pisang.domain.upstream import Upstream
    from pisang.engine.relay_facts import RelayFacts

_BASES = {
    "user": ("set by you", "你设置的"),
    "upstream": ("published by it", "上游公布的"),
    "catalogue": ("Pisang's price list", "Pisang 价目表"),
    "none": ("not known", "未知"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(Named):
    """The arguments of `upstream price`."""

    amount: Annotated[
        str | None,
        typer.Argument(metavar="AMOUNT", help="Such as 0.20CNY, 0.134USD or free; none: list."),
    ] = None
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Any word for it (default: its default).")
    ] = None
    size: Annotated[
        str | None, typer.Option("--size", "-s", metavar="SIZE", help="Only at 512, 1K, 2K or 4K.")
    ] = None
    remove: Annotated[bool, typer.Option("--remove", help="Take the price back.")] = False


PRICE_EXAMPLES = """\
pisang upstream price ikuncode
pisang upstream price ikuncode --size 2K 0.20CNY
pisang upstream price ikuncode --model "Nano Banana 2" --size 4K 0.50CNY
pisang upstream price ikuncode --size 2K --remove
"""


@command(examples=PRICE_EXAMPLES)
def price(asked: Price) -> int:
    """What one image costs there: list it, set it, take it back. What you set wins over what the
    upstream publishes, and both over Pisang's own list, which holds at Google only."""
    from pisang.client.loading import load_settings
    from pisang.client.upstreams import resolve
    from pisang.errors import OptionInvalid

    screen = Screen.of(asked.format)
    settings = load_settings()
    if asked.amount is None and not asked.remove:
        if asked.model is not None or asked.size is not None:
            why = "give the price, such as 0.20CNY, or --remove"
            raise OptionInvalid(option="AMOUNT", value="", why=why)
        return _list(resolve(settings, asked.name), screen)
    if asked.amount is not None and asked.remove:
        why = "--remove takes a price back, and needs none"
        raise OptionInvalid(option="AMOUNT", value=asked.amount, why=why)
    return _change(asked, settings, screen)


def _change(asked: Price, settings: Settings, screen: Screen) -> int:
    from pisang.client.pricing import configured, parse_price, price_key, set_price
    from pisang.client.shapes import warnings_json
    from pisang.client.upstreams import assemble
    from pisang.domain.catalogue import load
    from pisang.errors import NotFound

    upstream = assemble(configured(settings, asked.name), settings)
    key, warnings = price_key(asked.model, asked.size, upstream, load())
    money = None if asked.amount is None else parse_price(asked.amount, settings.currency)
    if money is None and key not in upstream.prices:
        raise NotFound(
            what=f"price at {asked.name} for", id=key, hint=f"pisang upstream price {asked.name}"
        )
    change = set_price(settings, asked.name, key, money)
    screen.data({"upstream": asked.name, **change.to_json(), "warnings": warnings_json(warnings)})
    screen.line(f"{asked.name}: {_said_change(change, screen)}")
    screen.warn(warnings)
    return 0


def _list(upstream: Upstream, screen: Screen) -> int:
    from pisang.client.pricing import price_rows
    from pisang.domain.catalogue import load

    rows = price_rows(upstream, load())
    screen.data({"upstream": upstream.name, "prices": [row.to_json() for row in rows]})
    for line in align([_cells(row, screen) for row in rows]):
        screen.line(line)
    unknown = next((row for row in rows if row.money is None), None)
    if unknown is not None:
        from pisang.policy.price import how_to_price

        step = how_to_price(upstream.name, unknown.model, unknown.image_size)
        screen.note(f"{screen.lead('Next', '下一步')}{step}")
    return 0


def _cells(row: PriceRow, screen: Screen) -> tuple[str, ...]:
    size = row.image_size or screen.pick("each size", "各尺寸")
    amount = say_amount(str(row.money), screen.language) if row.money else "—"
    return row.model, size, amount, screen.pick(*_BASES[row.basis])


def _said_change(change: Change, screen: Screen) -> str:
    """`gemini-3-pro-image@2K: 0.20 CNY → 0.25 CNY`."""
    none = screen.pick("none", "无")
    before, after = (str(one) if one else none for one in (change.before, change.after))
    if change.before == change.after:
        return f"{change.key}: {after}"
    return f"{change.key}: {before} → {after}"


# --- what it publishes ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync(Named):
    """The arguments of `upstream sync`."""

    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False
    group: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The token's group, where prices differ by group."),
    ] = None
    force: Annotated[
        bool, typer.Option("--force", help="Take back your own prices that differ.")
    ] = False


@command(examples="pisang upstream sync ikuncode --dry-run\npisang upstream sync mine --group vip")
def sync(asked: Sync) -> int:
    """Read what a relay of the new-api family publishes: its prices, this token's balance, its
    models. Free calls, each of which may fail. Prices that you set yourself stay."""
    from pisang.client.loading import load_settings
    from pisang.client.pricing import Synced, compare, configured, take_over

    screen = Screen.of(asked.format)
    settings = load_settings()
    entry = configured(settings, asked.name)
    facts = asyncio.run(_ask(asked))
    prices = facts.prices
    synced = (
        Synced()
        if prices is None
        else compare(
            entry,
            prices.sure,
            open_=[name for name, why in prices.unsure.items() if why != "tokens"],
            force=asked.force,
        )
    )
    if prices is not None and not asked.dry_run and (prices.sure or synced.changes):
        take_over(settings, entry, synced, datetime.now().astimezone().date())
    screen.data({"upstream": asked.name, "dry_run": asked.dry_run, **_json(facts, synced)})
    _tell(facts, synced, screen, asked)
    if facts.key_error is not None:
        screen.say(facts.key_error)
        return facts.key_error.exit_code
    return 0


async def _ask(asked: Sync) -> RelayFacts:
    from pisang.client.async_client import AsyncClient

    async with AsyncClient(asked.name, face="cli") as client:
        return await client.relay_facts(group=asked.group)


def _json(facts: RelayFacts, synced: Synced) -> dict[str, Any]:
    prices, balance = facts.prices, facts.balance
    return {
        "prices": None if prices is None else {k: str(v) for k, v in prices.sure.items()},
        "not_sure": {} if prices is None else dict(prices.unsure),
        "changes": [one.to_json() for one in synced.changes],
        "yours": [one.to_json() for one in synced.hidden],
        "balance": None
        if balance is None
        else {
            "left": None if balance.left is None else str(balance.left),
            "used": str(balance.used),
            "unlimited": balance.left is None,
        },
        "models": None if facts.models is None else list(facts.models),
        "failures": dict(facts.failures),
    }


def _tell(facts: RelayFacts, synced: Synced, screen: Screen, asked: Sync) -> None:
    for line in (*_price_lines(facts, synced, screen), *_other_lines(facts, screen)):
        screen.line(line)
    for change in synced.hidden:
        screen.note(_hidden(change, synced, screen))
    for name, why in facts.failures.items():
        screen.note(_failed(name, why, screen))
    if synced.changes and asked.dry_run:
        screen.note(screen.pick("Nothing was written.", "没有写入任何内容。"))
    elif synced.changes:
        said = "The relay counts in dollars of its own: what one cost you may differ."
        screen.note(screen.pick(said, "中转站按自己的“美元”计价，你充值时的实际价格可能不同。"))


def _price_lines(facts: RelayFacts, synced: Synced, screen: Screen) -> list[str]:
    if facts.prices is None:
        return []
    changed = {one.key for one in synced.changes}
    lines = [_said_change(one, screen) for one in synced.changes]
    same = screen.pick("as before", "未变")
    sure = facts.prices.sure.items()
    lines += [f"{key}: {money} ({same})" for key, money in sure if key not in changed]
    lines += [f"{model}: {_unsure(why, screen)}" for model, why in facts.prices.unsure.items()]
    if not lines:
        lines = [
            screen.pick("It publishes no price of an image model.", "没有公布图像模型的价格。")
        ]
    return lines


_UNSURE = {
    "tokens": (
        "billed by tokens: no price an image can be told",
        "按 token 计费，无法换算成单张价格",
    ),
    "closed": (
        "not open to that group, only to these",
        "不对该分组开放，只对以下分组开放",
    ),
    "group": (
        "depends on the token's group: name it with --group",
        "价格因令牌分组而异：请用 --group 指定分组",
    ),
}


def _unsure(why: str, screen: Screen) -> str:
    kind, _, detail = why.partition(":")
    said = screen.pick(*_UNSURE[kind])
    return f"{said} ({detail})" if detail else said


def _other_lines(facts: RelayFacts, screen: Screen) -> list[str]:
    lines = []
    if facts.balance is not None:
        left, used = facts.balance.left, facts.balance.used
        if left is None:
            en, zh = f"unlimited, {used} used", f"不限额，已用 {used}"
        else:
            en, zh = f"{left} left, {used} used", f"剩余 {left}，已用 {used}"
        lines.append(screen.pick(f"this token: {en}", f"该令牌：{zh}"))
    if facts.models is not None:
        count, names = len(facts.models), ", ".join(facts.image_models)
        en = f"{count} models" + (f", for images: {names}" if names else "")
        zh = f"共 {count} 个模型" + (f"，图像模型：{names}" if names else "")
        lines.append(screen.pick(en, zh))
    return lines


def _hidden(change: Change, synced: Synced, screen: Screen) -> str:
    own, told = change.before, change.after
    if synced.forced:
        return screen.pick(
            f"{change.key}: your own {own} was taken back, it publishes {told}",
            f"{change.key}：已撤回你设置的 {own}，上游公布的是 {told}",
        )
    return screen.pick(
        f"{change.key}: your own {own} stays (it publishes {told}; --force takes yours back)",
        f"{change.key}：保留你设置的 {own}（上游公布 {told}；加 --force 以上游为准）",
    )


_PARTS = {
    "prices": ("prices", "价格"),
    "balance": ("balance", "余额"),
    "models": ("models", "模型"),
}


def _failed(name: str, why: str, screen: Screen) -> str:
    from pisang.errors.chinese import in_chinese

    en, zh = _PARTS[name]
    return screen.pick(f"{en}: not had, {why}", f"{zh}：没有取到，{in_chinese(why)}")
