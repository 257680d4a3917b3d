"""`pisang gc`: what retention no longer keeps, removed; nothing that was paid for goes unasked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import align

if TYPE_CHECKING:
    from pisang.domain.retention import Retention
    from pisang.store.gc import GcReport, Gone


MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Gc(Told):
    """The arguments of `gc`."""

    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False
    answers_days: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MOST_DAYS,
            metavar="DAYS",
            help="Whole answers stay so long (default: 7).",
        ),
    ] = None
    signatures_days: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MOST_DAYS,
            metavar="DAYS",
            help="What edits go on from stays so long (default: 90).",
        ),
    ] = None
    images_days: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MOST_DAYS,
            metavar="DAYS",
            help="Images are kept so long (default: for ever).",
        ),
    ] = None
    images_gb: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="GB", help="Images may fill so much; the oldest go (default: all stay)."
        ),
    ] = None
    force: Annotated[
        bool, typer.Option("--force", help="Also where more than one image in a hundred would go.")
    ] = False


@command(examples="pisang gc --dry-run\npisang gc --images-days 365")
def gc(asked: Gc) -> int:
    """Remove what retention no longer keeps: stored answers after 7 days, signatures after 90, what
    no row names. Images stay for ever unless --images-days or --images-gb says otherwise.

    What no option says is taken from `[retention]` of config.toml. `pisang serve` does this hourly.
    """
    from pisang.client.loading import load_settings
    from pisang.client.storing import storage_of
    from pisang.engine.engine import Engine

    settings = load_settings()
    kept = _kept(asked, settings.retention)

    async def collect() -> GcReport:
        async with await Engine.open(settings.home, storage=storage_of(settings)) as engine:
            return await asyncio.to_thread(engine.store.gc, kept, dry_run=asked.dry_run)

    screen = Screen.of(asked.format)
    report = asyncio.run(collect())
    gone = [
        {"kind": one.kind, "rows": one.rows, "files": one.files, "bytes": one.bytes}
        for one in report.gone
    ]
    screen.data({"dry_run": report.dry_run, "bytes": report.bytes, "gone": gone})
    for line in align([_cells(one, screen) for one in report.gone if one.files or one.rows]):
        screen.line(line)
    freed = f"{report.bytes / 1e6:.1f} MB"
    en, zh = ("would be freed", "可释放") if asked.dry_run else ("freed", "已释放")
    screen.line(screen.pick(f"{freed} {en}", f"{zh} {freed}"))
    return 0


def _kept(asked: Gc, settled: Retention) -> Retention:
    """What is asked for, and where nothing is said what is settled."""
    most = None if asked.images_gb is None else int(asked.images_gb * 10**9)
    said: dict[str, Any] = {
        "answers_days": asked.answers_days,
        "signatures_days": asked.signatures_days,
        "images_days": asked.images_days,
        "images_bytes": most,
    }
    given = {name: value for name, value in said.items() if value is not None}
    return replace(settled, force=asked.force, **given)


_KINDS_ZH = {
    "whole answers": "完整的上游回答",
    "answers": "过期的上游回答",
    "idempotency keys": "过期的幂等键",
    "images": "图片",
    "contents": "无人引用的内容",
    "aside": "移到一旁、一天后删除的内容",
    "salvage": "中断后残留的数据",
    "previews": "不再需要的预览图",
    "locks": "已结束进程的锁",
}


def _cells(one: Gone, screen: Screen) -> tuple[str, ...]:
    """What went of one kind; what is nothing is left out."""
    counts = ((one.files, "files", "个文件"), (one.rows, "rows", "条记录"))
    said = [screen.pick(f"{n} {en}", f"{n} {zh}") for n, en, zh in counts if n]
    kind = screen.pick(one.kind, _KINDS_ZH.get(one.kind, one.kind))
    return kind, f"{one.bytes / 1e6:.1f} MB", ", ".join(said)
