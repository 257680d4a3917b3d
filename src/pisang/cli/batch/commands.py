"""`pisang batch`: the words, checked; the rest is the keeper's."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pisang.cli.batch.arguments import Exported, Listed, One, Resume, Retry, Run
from pisang.cli.callers import agent_in
from pisang.cli.frame import command
from pisang.cli.keeper import is_wanted
from pisang.cli.key import with_store
from pisang.cli.options import read_duration
from pisang.cli.screen import Screen
from pisang.cli.watching import PATIENCE_S
from pisang.errors import NotFound, OptionInvalid

if TYPE_CHECKING:
    from pisang.client.batches import Asked, Plan
    from pisang.client.tables import Table
    from pisang.domain.batch import Batch, BatchStatus
    from pisang.engine.engine import Engine
    from pisang.store.store import Store

_T = TypeVar("_T")

RUN = """\
pisang batch run prompts.csv --out out/ --max-cost 5USD
pisang batch run prompts.csv --dry-run
pisang batch run - --via ikuncode < prompts.jsonl
pisang batch run --each 'sku/*.jpg' --prompt 换成白底 --name '{stem}-white'
"""


@command(examples=RUN)
def run(asked: Run) -> int:
    """Make every picture of a list, each bought once, whatever happens on the way.

    The whole list is checked first, and everything wrong in it is told by line. Columns: prompt,
    image, references, model, aspect_ratio, image_size, n, name (or 提示词, 比例, 尺寸, …); all
    others can be used as {column}. Given again before it is over, the same list is gone on with.
    """
    screen = Screen.of(asked.format)
    _check_on(asked.on)
    table = _read(asked)
    wanted = _asked(asked)
    plan, batch, known = asyncio.run(_write_down(asked, wanted, table))
    _tell_plan(plan, screen, dry=asked.dry_run)
    if batch is None:
        return 0
    if known:
        screen.note(screen.pick(f"Going on with {batch.id}.", f"继续批次 {batch.id}。"))
    return _carry_on(batch, asked, screen)


@command(examples="pisang batch resume\npisang batch resume bat_01k9 --concurrency 20")
def resume(asked: Resume) -> int:
    """Go on with a batch to its end, with its own options."""
    screen = Screen.of(asked.format)
    _check_on(asked.on)
    batch = with_store(lambda store: _reopened(store, asked.batch))
    return _carry_on(batch, asked, screen)


@command(examples="pisang batch retry\npisang batch retry --unknown")
def retry(asked: Retry) -> int:
    """Try the failed rows of a batch again. What is unknown stays so, unless it is said too."""
    screen = Screen.of(asked.format)
    _check_on(asked.on)

    def again(store: Store) -> tuple[Batch, int]:
        batch = _find(store, asked.batch, unfinished=False)
        return batch, store.batches.retry(batch.id, unknown=asked.unknown).result()

    batch, count = with_store(again)
    screen.note(screen.pick(f"{count} rows again.", f"重试 {count} 行。"))
    return _carry_on(batch, asked, screen)


@command(examples="pisang batch status\npisang batch status bat_01k9 --format json")
def status(asked: One) -> int:
    """How a batch stands: rows by state, pace, cost, what went wrong, what is at stake."""
    from pisang.cli.batch.telling import exit_code, status_json

    screen = Screen.of(asked.format)
    found = with_store(
        lambda store: store.batches.status(_find(store, asked.batch, unfinished=False).id)
    )
    screen.data(status_json(found))
    _tell(found, screen)
    return 0 if not found.over else exit_code(found)


@command(examples="pisang batch list")
def list_(asked: Listed) -> int:
    """Batches, newest first."""
    from pisang.cli.batch.telling import line_of, status_json

    screen = Screen.of(asked.format)

    def read(store: Store) -> list[BatchStatus]:
        batches = store.batches
        return [batches.status(one.id) for one in batches.newest("local", limit=asked.limit)]

    found = with_store(read)
    screen.data({"batches": [status_json(one) for one in found]})
    for one in found:
        screen.bare(one.batch.id)
        screen.line(f"{one.batch.id}  {one.batch.source}")
        screen.line(f"  {line_of(one, screen)}")
    return 0


@command(examples="pisang batch cancel bat_01k9")
def cancel(asked: One) -> int:
    """Let nothing more of a batch begin. What was sent is seen through; `resume` takes it up."""
    screen = Screen.of(asked.format)

    def work(store: Store) -> BatchStatus:
        batch = _find(store, asked.batch, unfinished=True)
        store.batches.cancel(batch.id).result()
        return store.batches.status(batch.id)

    found = with_store(work)
    from pisang.cli.batch.telling import status_json

    screen.data(status_json(found))
    _tell(found, screen)
    return 0


@command(examples="pisang batch export bat_01k9 --out rows.jsonl")
def export(asked: Exported) -> int:
    """Every row's outcome as JSONL: state, files, cost, what went wrong."""
    screen = Screen.of(asked.format)

    async def read(engine: Engine) -> list[str]:
        from pisang.client.batches import read_ended

        batch = await asyncio.to_thread(_find, engine.store, asked.batch, unfinished=False)
        lines: list[str] = []
        after = 0
        while rows := await read_ended(engine, batch.id, after):
            lines += [json.dumps(row.to_json(), ensure_ascii=False) for row in rows]
            after = rows[-1].place
        return lines

    lines = asyncio.run(_with_engine(read))
    text = "".join(f"{line}\n" for line in lines)
    if asked.out == "-":
        sys.stdout.write(text)
    else:
        Path(asked.out).write_text(text, "utf-8")
        screen.line(asked.out)
    return 0


# --- the list ------------------------------------------------------------------------------------


def _read(asked: Run) -> Table:
    from pisang.client.tables import Record, Table, read_file, read_table

    if (asked.file is None) == (asked.each is None):
        why = "give a FILE or --each, one of them"
        raise OptionInvalid(option="FILE", value=asked.file or "", why=why)
    if asked.each is not None:
        paths = sorted(Path().glob(asked.each)) if not Path(asked.each).is_absolute() else []
        if not paths:
            raise OptionInvalid(option="--each", value=asked.each, why="no file here is like that")
        return Table(tuple(
            Record(line, {"image": str(path)}, {
                "path": str(path), "stem": path.stem, "file": path.name, "folder": path.parent.name,
            })
            for line, path in enumerate(paths, 1)
        ))  # fmt: skip
    if asked.file == "-":
        return read_table("-", sys.stdin.buffer.read())
    return read_file(Path(asked.file or ""))


def _asked(asked: Run) -> Asked:
    from pisang.client.batches import Asked
    from pisang.client.derive import parse_bytes, parse_resize
    from pisang.client.loading import load_settings
    from pisang.client.upstreams import choose
    from pisang.client.wishes import Options, check_money
    from pisang.domain.batch import BatchLimits

    settings = load_settings()
    via = tuple(asked.via or (choose(settings).name,))
    options: Options = {
        "model": asked.model,
        "aspect_ratio": asked.aspect_ratio,
        "image_size": asked.image_size,
        "references": asked.references or (),
    }
    every_s = read_duration(asked.every) if asked.every else 0.0
    return Asked(
        via=via,
        out=(settings.folder / Path(asked.out or "pisang-out").expanduser()).resolve(),
        options=options,
        prompt=asked.prompt,
        name=asked.name,
        shape=parse_resize(asked.resize) if asked.resize else None,
        max_bytes=parse_bytes(asked.max_bytes) if asked.max_bytes else None,
        duplicates=asked.duplicates,
        force=asked.force,
        due_ms=_moment_ms(asked.start_at) if asked.start_at else 0,
        limits=BatchLimits(
            concurrency=asked.concurrency,
            interval_ms=round((every_s or 0) * 1000),
            max_cost=check_money(asked.max_cost),
        ),
        title=Path(asked.file or asked.each or "").stem,
        source=asked.file or asked.each or "",
    )


def _moment_ms(text: str) -> int:
    """When `02:00` is next, or the moment of a date and time; this machine's clock."""
    now = datetime.now().astimezone()
    try:
        if len(text) <= 5:
            at = now.replace(hour=int(text[:-3]), minute=int(text[-2:]), second=0, microsecond=0)
            at = at if at > now else at + timedelta(days=1)
        else:
            at = datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        why = "write it as 02:00 or 2026-12-01T02:00"
        raise OptionInvalid(option="--start-at", value=text, why=why) from error
    return round(at.timestamp() * 1000)


async def _write_down(asked: Run, wanted: Asked, table: Table) -> tuple[Plan, Batch | None, bool]:
    from pisang.client.batches import make_plan, write_down
    from pisang.client.loading import load_settings

    async def work(engine: Engine) -> tuple[Plan, Batch | None, bool]:
        settings = load_settings()
        plan = await make_plan(engine, settings, wanted, table.records, table.wrong)
        if asked.dry_run:
            return plan, None, False
        batch, known = await write_down(engine, plan, settings.folder, new=asked.new)
        return plan, batch, known

    return await _with_engine(work)


def _tell_plan(plan: Plan, screen: Screen, *, dry: bool) -> None:
    worst = [str(one) for one in plan.worst]
    pick = screen.pick
    if dry:
        screen.data({
            "rows": len(plan.rows), "images": plan.images, "price": worst,
            "unpriced": plan.unpriced, "same": {str(k): v for k, v in plan.same.items()},
            "via": list(plan.asked.via), "out": str(plan.asked.out),
        })  # fmt: skip
    said = pick(
        f"{len(plan.rows):,} rows, {plan.images:,} pictures, via {', '.join(plan.asked.via)}",
        f"{len(plan.rows):,} 行，{plan.images:,} 张图，上游 {', '.join(plan.asked.via)}",
    )
    if worst:
        said += pick(f", at most {' + '.join(worst)}", f"，最多 {' + '.join(worst)}")
    if plan.unpriced:
        said += pick(f"; {plan.unpriced:,} of unknown price", f"；{plan.unpriced:,} 张价格未知")
    screen.note(said)
    if plan.same:
        few = ", ".join(f"{line} = {first}" for line, first in list(plan.same.items())[:5])
        screen.note(
            pick(
                f"{len(plan.same)} rows are equal to earlier ones and bought once ({few}, …); "
                "--duplicates buys each.",
                f"{len(plan.same)} 行与前面的行相同，只买一次（{few}…）；--duplicates 则各买一次。",
            )
        )


# --- carried on ----------------------------------------------------------------------------------


def _check_on(word: str | None) -> None:
    if word is not None:
        from pisang.ray.workers import check_address

        check_address(word)


def _carry_on(batch: Batch, asked: Run | Resume, screen: Screen) -> int:
    """Start the keeper and watch it; the exit code."""
    from pisang.cli.batch import watching

    if not is_wanted(os.environ):
        return _tell_end(watching.do_here(batch.id, asked.concurrency, asked.on), screen)
    keeper = watching.start(batch.id, asked.concurrency, asked.on)
    for_s = 0.0 if asked.detach else read_duration(asked.wait_for)
    if for_s is None and agent_in(os.environ) is not None:
        for_s = PATIENCE_S

    with watching.opened() as store:
        return _tell_end(watching.watch(keeper, store, batch.id, screen, for_s), screen)


def _tell_end(seen: Any, screen: Screen) -> int:
    from pisang.cli.batch.keeper import RESULTS
    from pisang.cli.batch.telling import exit_code, status_json

    batch = seen.status.batch
    told = status_json(seen.status)
    told["results"] = str(Path(batch.out or ".") / RESULTS)
    follow = "status" if seen.left and not seen.stopped else "resume"
    told["next"] = None if seen.status.over else f"pisang batch {follow} {batch.id}"
    told["error"] = seen.error
    screen.data(told)
    _tell(seen.status, screen)
    if seen.error is not None:
        screen.note(f"{screen.lead('error', '错误')}{seen.error['message']}")
        if seen.error["hint"]:
            screen.note(f"{screen.lead('Next', '下一步')}{seen.error['hint']}")
    if told["next"]:
        screen.note(f"{screen.lead('Next', '下一步')}{told['next']}")
    if seen.stopped and not seen.status.over:
        return 130
    return exit_code(seen.status)


def _tell(status: BatchStatus, screen: Screen) -> None:
    from pisang.cli.batch.telling import line_of

    batch = status.batch
    screen.bare(batch.id)
    screen.line(f"{batch.id}  {batch.source}")
    screen.line(line_of(status, screen))
    if batch.out:
        screen.line(f"{screen.lead('files', '文件')}{batch.out}")
    for code, count in status.failures.items():
        screen.line(f"  {count} × {code}")
    if status.over and status.at_stake:
        said = screen.pick(
            "What is unknown waits for you: pisang unknown list, or pisang batch retry --unknown",
            "结果未知的等你决定：pisang unknown list，或 pisang batch retry --unknown",
        )
        screen.line(said)


# --- the ledger ----------------------------------------------------------------------------------


def _find(store: Store, word: str | None, *, unfinished: bool) -> Batch:
    """The batch of that id; the newest unfinished where none is named, else the newest."""
    batches = store.batches
    if word is not None:
        return batches.get(word)
    newest = batches.newest("local", limit=100)
    open_ = next((one for one in newest if not batches.is_over(one.id)), None)
    if open_ is None and (unfinished or not newest):
        raise NotFound(what="unfinished batch", id="")
    return open_ or newest[0]


def _reopened(store: Store, word: str | None) -> Batch:
    batch = _find(store, word, unfinished=True)
    store.batches.open(batch.id).result()
    return replace(batch)


async def _with_engine(work: Callable[[Engine], Awaitable[_T]]) -> _T:
    """Work with an engine of the home."""
    from pisang.client.hub import Hub
    from pisang.client.loading import load_settings

    hub = Hub(None, load_settings())
    try:
        return await work(await hub.engine())
    finally:
        await hub.close()
