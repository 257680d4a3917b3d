"""`pisang store move`: what is in the home, to where the settings say."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.backups import megabytes, meter
from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen
from pisang.errors import OptionInvalid

if TYPE_CHECKING:
    from pisang.store.home import Home
    from pisang.store.move import Contents, Moved, Rows

PARTIAL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(Told):
    """The arguments of `store move`."""

    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would move; change nothing.")
    ] = False


@command(
    examples="""\
PISANG_LEDGER=postgresql://user:password@db.example.com/pisang pisang store move --dry-run
pisang store move
"""
)
def move(asked: Move) -> int:
    """Move what is kept in the home to where the settings say: the ledger into PostgreSQL, images
    into a bucket. Set `[store]` or PISANG_LEDGER and PISANG_IMAGES first, and stop what runs.

    Every row is read back and compared, every image looked for. What is here stays as it is; to go
    back, take the settings away and delete the file `moved`. Killed at any moment, it is begun
    again by the same command.

    Exit code 8 where the home lacks images that its ledger names.
    """
    from pisang.client.loading import load_settings
    from pisang.client.storing import storage_of
    from pisang.engine.ids import new_id
    from pisang.store.home import prepare
    from pisang.store.move import move as move_house

    screen = Screen.of(asked.format)
    started = time.monotonic()
    settings = load_settings()
    storage = storage_of(settings)
    if storage.ledger is None and storage.images is None:
        why = "there is nowhere to move to: set `ledger` or `images` of it"
        raise OptionInvalid(option="[store]", value="", why=why)
    home = prepare(settings.home)
    moved = move_house(home, storage, new_id=new_id, dry_run=asked.dry_run, tell=meter(screen))
    _tell(moved, home, screen, dry_run=asked.dry_run, took_s=time.monotonic() - started)
    return PARTIAL if moved.contents.wrong else 0


def _tell(moved: Moved, home: Home, screen: Screen, *, dry_run: bool, took_s: float) -> None:
    """What is where now, whether anything is missing, and how to go back."""
    screen.data({**asdict(moved), "dry_run": dry_run, "seconds": round(took_s, 3)})
    screen.bare(moved.rows.ledger if moved.rows else moved.contents.place)
    if moved.rows is not None:
        _tell_rows(moved.rows, screen, dry_run=dry_run)
    _tell_contents(moved.contents, screen, dry_run=dry_run)
    if moved.rows is not None and not dry_run:
        screen.note(
            screen.pick(
                f"{home.ledger} is as it was. To go back to it: take `[store] ledger` or "
                f"PISANG_LEDGER away and delete {home.moved}; what is bought from now on is not "
                "in it.",
                f"{home.ledger} 保持原样。要改回它：去掉 `[store] ledger` 或 PISANG_LEDGER，"
                f"再删除 {home.moved}；此后的购买不在其中。",
            )
        )


def _tell_rows(rows: Rows, screen: Screen, *, dry_run: bool) -> None:
    said = " · ".join(f"{name} {count:,}" for name, count in rows.counts.items() if count)
    total = sum(rows.counts.values())
    if rows.already:
        verb = screen.pick("had moved already", "此前已迁移")
    elif dry_run:
        verb = screen.pick("would move", "将迁移")
    else:
        verb = screen.pick("moved, each read back and compared", "已迁移并逐行核对")
    screen.line(
        screen.pick(
            f"ledger → {rows.ledger}: {total:,} rows {verb}",
            f"账本 → {rows.ledger}：{total:,} 行，{verb}",
        )
    )
    if said:
        screen.line(f"  {said}")


def _tell_contents(contents: Contents, screen: Screen, *, dry_run: bool) -> None:
    size = megabytes(contents.brought_bytes)
    there = contents.count - contents.brought - len(contents.wrong)
    verb = screen.pick("would bring", "将迁移") if dry_run else screen.pick("brought", "已迁移")
    screen.line(
        screen.pick(
            f"files → {contents.place}: {verb} {contents.brought:,} ({size}), "
            f"there already {there:,}",
            f"文件 → {contents.place}：{verb} {contents.brought:,} 个（{size}），"
            f"已在那里 {there:,} 个",
        )
    )
    if contents.wrong:
        few = ", ".join(one[:12] for one in contents.wrong[:5])
        screen.note(
            screen.pick(
                f"Missing or damaged here already: {len(contents.wrong)} ({few}).",
                f"原本就缺失或已损坏：{len(contents.wrong)} 个（{few}）。",
            )
        )
