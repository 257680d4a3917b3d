"""`pisang gc`: what retention no longer keeps, removed; nothing that was paid for goes unasked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.cli.table import align

if TYPE_CHECKING:
    from pisang.store.gc import GcReport, Gone


MOST_DAYS = 36_500
"""A hundred years; for ever is what is kept when nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gc(Told):
    """The arguments of `gc`."""

    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False
    answers_days: Annotated[
        float,
        typer.Option(min=0, max=MOST_DAYS, metavar="DAYS", help="Whole answers are kept so long."),
    ] = 7
    signatures_days: Annotated[
        float,
        typer.Option(
            min=0, max=MOST_DAYS, metavar="DAYS", help="What edits go on from is kept so long."
        ),
    ] = 90
    images_days: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MOST_DAYS,
            metavar="DAYS",
            help="Images are kept so long (default: for ever).",
        ),
    ] = None
    force: Annotated[
        bool, typer.Option("--force", help="Also where more than one image in a hundred would go.")
    ] = False


@command(examples="pisang gc --dry-run\npisang gc --images-days 365")
def gc(asked: Gc) -> int:
    """Remove what retention no longer keeps: stored answers after 7 days, signatures after 90, what
    no row names. Images stay for ever unless --images-days says otherwise."""
    from pisang.client.loading import load_settings
    from pisang.engine.engine import Engine
    from pisang.store.gc import Retention

    kept = Retention(
        answers_days=asked.answers_days,
        signatures_days=asked.signatures_days,
        images_days=asked.images_days,
        force=asked.force,
    )

    async def collect() -> GcReport:
        async with await Engine.open(load_settings().home) as engine:
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


_KINDS_ZH = {
    "whole answers": "完整的上游回答",
    "answers": "过期的上游回答",
    "idempotency keys": "过期的幂等键",
    "images": "图片",
    "contents": "无人引用的内容",
    "salvage": "中断后残留的数据",
    "locks": "已结束进程的锁",
}


def _cells(one: Gone, screen: Screen) -> tuple[str, ...]:
    """What went of one kind; what is nothing is left out."""
    counts = ((one.files, "files", "个文件"), (one.rows, "rows", "条记录"))
    said = [screen.pick(f"{n} {en}", f"{n} {zh}") for n, en, zh in counts if n]
    kind = screen.pick(one.kind, _KINDS_ZH.get(one.kind, one.kind))
    return kind, f"{one.bytes / 1e6:.1f} MB", ", ".join(said)
