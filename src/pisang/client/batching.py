"""Batches for programs: asked for in one call, their rows told as they end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from pisang.client.batches import Asked, BatchRow, make_plan, read_ended, write_down
from pisang.client.derive import parse_bytes, parse_resize
from pisang.client.hub import Hub, Work
from pisang.client.settings import Settings
from pisang.client.tables import Table, read_file, read_rows
from pisang.client.upstreams import choose
from pisang.client.wishes import Options, ReferenceWord, check_money, check_names, merged
from pisang.client.working import upstreams_by_name
from pisang.domain.batch import Batch, BatchLimits, BatchStatus
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.domain.upstream import Upstream
from pisang.engine.engine import Engine
from pisang.engine.events import Event, ignore
from pisang.errors import OptionInvalid
from pisang.jobs.runner import Runner

CONCURRENCY = 8
"""How many images one batch of a program has under way unless told otherwise."""

MAX_CONCURRENCY = 4096

OF_PROGRAM = "list"
"""What a list is called that is no file."""

_LOOK_S = 0.2
_OF_ROWS = frozenset(Options.__annotations__) - {"folder", "idempotency_key", "retry_unknown"}

Via = str | Upstream | Sequence[str | Upstream]
Find = Callable[[str], Upstream]
Listen = Callable[[Event], None]
Rows = str | Path | Iterable[str | Mapping[str, Any]]


class BatchOptions(TypedDict, total=False):
    """What may be said with a batch; all of it optional.

    `via`: an upstream or several, which share the rows. `out`: the folder for the files, written as
    their rows are told; without it none are. `prompt`, `name`: for every row, with `{column}`
    filled in. `concurrency` images at once (8), begun `every_s` seconds at the fastest, no more
    than `max_cost` for all of it, not before `start_at`. `resize`: `"1920x1080"`; no file is larger
    than `max_bytes` (`"2MB"` or a number), at a lower quality or as JPEG or WebP. `duplicates`
    buys equal rows each, `force` overwrites files, `new` buys all of it although the same was done
    before. `on_event` hears of each step of each row. The rest holds for rows that don't say it
    themselves (`Options`).
    """

    via: Via
    out: str | Path | None
    prompt: str | None
    name: str | None
    concurrency: int
    every_s: float
    max_cost: Money | str | None
    start_at: datetime | None
    resize: str | None
    max_bytes: int | str | None
    duplicates: bool
    force: bool
    new: bool
    on_event: Callable[[Event], None] | None
    model: str | None
    aspect_ratio: str | None
    image_size: str | None
    n: int
    references: Sequence[ReferenceWord]
    timeout_s: float | None
    strict: bool
    extra: Mapping[str, JSON]
    system: str | None
    tags: Sequence[str]


class BatchHandle:
    """A batch under way: `async for` gives its rows as they end, whichever process made them, those
    that ended before too. It goes on whether or not anybody listens, until its client is closed;
    then nothing more of it begins, and `AsyncClient.resume`, or the same call again, goes on.

    `same` maps rows that were not bought to the equal ones that are; `known`: it was there before.
    """

    def __init__(self, hub: Hub, batch: Batch, work: Callable[[Engine], Work], known: bool) -> None:
        self.id = batch.id
        self.known = known
        self.same: Mapping[int, int] = _same(batch)
        self._hub = hub
        self._batch = batch
        self._make = work
        self._work: asyncio.Task[None] | None = None
        self._read: deque[BatchRow] = deque()
        self._after = 0

    async def begin(self) -> None:
        """Let this process work on it, where it doesn't yet."""
        if self._work is None or self._work.done():
            self._work = self._hub.work(self._make(await self._hub.engine()), self.id)

    def __aiter__(self) -> BatchHandle:
        return self

    async def __anext__(self) -> BatchRow:
        """The next row that ended. Raises what this process can't go on for, once all that came is
        told (`ConfigError`, `MoneyError`)."""
        while not self._read:
            working = self._work is not None and not self._work.done()
            found = await read_ended(await self._hub.engine(), self.id, self._after)
            if found:
                self._after = found[-1].place
                self._read.extend(found)
            elif self._work is None or not working:
                if self._work is not None:
                    self._work.result()
                raise StopAsyncIteration
            else:
                await asyncio.wait({self._work}, timeout=_LOOK_S)
        return self._read.popleft()

    async def status(self) -> BatchStatus:
        """How it stands: rows by state, what it cost, what is at stake, its pace."""
        engine = await self._hub.engine()
        return await asyncio.to_thread(engine.store.batches.status, self.id)

    async def wait(self, timeout_s: float | None = None) -> BatchStatus:
        """How it stands once it is over, its files written. Raises what this process can't go on
        for, and `TimeoutError` when it isn't over in time: it goes on."""
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=timeout_s)
            if not self._work.done():
                raise TimeoutError("the batch is still under way")
            self._work.result()
        await self._write_files()
        return await self.status()

    async def cancel(self) -> None:
        """Let nothing more of it begin. What was sent is seen through, and told."""
        engine = await self._hub.engine()
        await asyncio.wrap_future(engine.store.batches.cancel(self.id))

    async def retry(self, *, unknown: bool = False) -> int:
        """Try its failed rows again, and with `unknown` those that may have been paid for already;
        how many. What comes of them is told as of new ones."""
        engine = await self._hub.engine()
        count = await asyncio.wrap_future(engine.store.batches.retry(self.id, unknown=unknown))
        await self.begin()
        return count

    async def _write_files(self) -> None:
        if self._batch.out is None:
            return
        engine, after = await self._hub.engine(), 0
        while rows := await read_ended(engine, self.id, after):
            after = rows[-1].place


def _same(batch: Batch) -> Mapping[int, int]:
    options: Any = batch.options if isinstance(batch.options, dict) else {}
    return {int(row): first for row, first in options.get("same", {}).items()}


async def begin_batch(
    hub: Hub,
    rows: Rows,
    via: str | Upstream | None,
    base: Options,
    options: BatchOptions,
    work: Callable[[Engine], Work] | None = None,
) -> BatchHandle:
    """Check every row, write the batch down, and begin. `via` and `base` are the client's own;
    `work` is who does it, where that is not this process.

    Raises `RowsWrong` with all that is wrong, `TableUnreadable`, `OptionInvalid`, `ConfigError`.
    """
    check_names(options, BatchOptions.__annotations__)
    concurrency = check_concurrency(options.get("concurrency", CONCURRENCY))
    settings = replace(hub.settings, folder=Path(base.get("folder") or hub.settings.folder))
    table, source = await _table(rows, settings)
    names, find = _upstreams(options.get("via", via), settings)
    asked = _asked(names, source, base, options, settings)
    engine = await hub.engine()
    plan = await make_plan(engine, settings, asked, table.records, table.wrong, find)
    new = options.get("new", False)
    batch, known = await write_down(engine, plan, settings.folder, new=new, done_too=True)
    listen = options.get("on_event") or base.get("on_event") or ignore
    here = partial(Runner, resolve=find, concurrency=concurrency, listen=listen)
    handle = BatchHandle(hub, batch, work or here, known)
    await handle.begin()
    return handle


async def resume_batch(hub: Hub, batch_id: str, concurrency: int) -> BatchHandle:
    """Go on with a batch of whichever process. Raises `NotFound`, `Ambiguous`."""
    check_concurrency(concurrency)
    engine = await hub.engine()
    batch = await asyncio.to_thread(engine.store.batches.get, batch_id)
    await asyncio.wrap_future(engine.store.batches.open(batch.id))
    find = upstreams_by_name(hub.settings)
    here = partial(Runner, resolve=find, concurrency=concurrency)
    handle = BatchHandle(hub, batch, here, known=True)
    await handle.begin()
    return handle


async def newest_batches(hub: Hub, limit: int) -> tuple[BatchStatus, ...]:
    """How the newest batches stand."""
    batches = (await hub.engine()).store.batches

    def read() -> tuple[BatchStatus, ...]:
        return tuple(batches.status(one.id) for one in batches.newest("local", limit=limit))

    return await asyncio.to_thread(read)


async def _table(rows: Rows, settings: Settings) -> tuple[Table, str]:
    if isinstance(rows, str | Path):
        path = await asyncio.to_thread(lambda: settings.folder / Path(rows).expanduser())
        return await asyncio.to_thread(read_file, path), str(rows)
    return read_rows(rows), OF_PROGRAM


def _upstreams(via: Via | None, settings: Settings) -> tuple[tuple[str, ...], Find]:
    """The names of the upstreams, and what finds them: as they were given, else as configured."""
    several = via if isinstance(via, Sequence) and not isinstance(via, str) else (via,)
    if not several:
        raise OptionInvalid(option="via", value="", why="name an upstream")
    taken = [one if isinstance(one, Upstream) else choose(settings, one) for one in several]
    own = {one.name: one for one in several if isinstance(one, Upstream)}
    configured = upstreams_by_name(settings)
    return tuple(one.name for one in taken), lambda name: own.get(name) or configured(name)


def _asked(
    via: tuple[str, ...], source: str, base: Options, options: BatchOptions, settings: Settings
) -> Asked:
    every_s = options.get("every_s") or 0.0
    if not 0 <= every_s <= 86_400:
        raise OptionInvalid(option="every_s", value=every_s, why="give seconds, up to a day")
    out, start_at, resize = (options.get(name) for name in ("out", "start_at", "resize"))
    most = options.get("max_bytes")
    own: Any = {name: said for name, said in options.items() if name in _OF_ROWS - {"max_cost"}}
    of_client: Any = {name: said for name, said in base.items() if name in _OF_ROWS}
    return Asked(
        via=via,
        out=(settings.folder / Path(str(out)).expanduser()).resolve() if out else None,
        options=merged(of_client, own),
        prompt=options.get("prompt"),
        name=options.get("name"),
        shape=parse_resize(str(resize)) if resize else None,
        max_bytes=parse_bytes(str(most)) if most is not None else None,
        duplicates=options.get("duplicates", False),
        force=options.get("force", False),
        due_ms=round(start_at.timestamp() * 1000) if isinstance(start_at, datetime) else 0,
        limits=BatchLimits(
            concurrency=options.get("concurrency", CONCURRENCY),
            interval_ms=round(every_s * 1000),
            max_cost=check_money(options.get("max_cost")),
        ),
        title="" if source == OF_PROGRAM else Path(source).stem,
        source=source,
    )


def check_concurrency(concurrency: int) -> int:
    """How many at once; `OptionInvalid` outside 1 to `MAX_CONCURRENCY`."""
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        why = f"choose 1 to {MAX_CONCURRENCY}"
        raise OptionInvalid(option="concurrency", value=concurrency, why=why)
    return concurrency
