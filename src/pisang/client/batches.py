"""A list of wishes as a batch: every row checked, written down once, and told as it ends."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pisang.client.delivery import Delivery, collect
from pisang.client.derive import Shape, check_bytes
from pisang.client.estimates import Estimate, estimate
from pisang.client.naming import safe_name
from pisang.client.output import EXTENSIONS, Target, check_output
from pisang.client.references import Reference, take_reference
from pisang.client.results import Result, result_of
from pisang.client.settings import Settings
from pisang.client.shapes import error_json
from pisang.client.tables import Record, Wrong
from pisang.client.templates import fill
from pisang.client.wishes import Options, ReferenceWord, Wisher, check_secret
from pisang.client.working import upstreams_by_name
from pisang.domain.batch import Batch, BatchLimits, BatchState, JobRow
from pisang.domain.ids import make_id
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.domain.serial import request_to_json
from pisang.domain.upstream import Upstream
from pisang.engine.engine import Engine
from pisang.engine.ids import new_id
from pisang.engine.order import Order
from pisang.engine.outcome import summary
from pisang.engine.world import now_ms
from pisang.errors import BatchDone, ConfigError, OptionInvalid, PisangError, RowsWrong
from pisang.jobs.writing import job_of

CHUNK = 500
"""Rows of one commit."""

TOLD = 50
"""How many wrong rows are told at once."""

_PAGE = 100
_LOOK_BACK = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What holds for every row that doesn't say otherwise, and for the batch as a whole.

    `prompt` and `name` may have `{column}` in them, and stand in for a column of that name.
    `via` are upstreams' names; several share the rows. `out` None: no files are written.
    `duplicates` buys equal rows each, `force` overwrites files.
    """

    via: tuple[str, ...]
    out: Path | None
    options: Options = field(default_factory=lambda: Options())
    prompt: str | None = None
    name: str | None = None
    shape: Shape | None = None
    max_bytes: int | None = None
    duplicates: bool = False
    force: bool = False
    due_ms: int = 0
    limits: BatchLimits = field(default_factory=BatchLimits)
    title: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be granted: its orders, one an upstream, and what the first comes to."""

    line: int
    orders: tuple[Order, ...]
    estimate: Estimate
    target: Target | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole batch, checked. `same` maps the line of a row that is not bought to the line of the
    equal one that is."""

    asked: Asked
    rows: tuple[Row, ...]
    same: Mapping[int, int]
    fingerprint: str

    @property
    def images(self) -> int:
        """How many pictures it wants."""
        return sum(row.estimate.n for row in self.rows)

    @property
    def worst(self) -> tuple[Money, ...]:
        """The most it may cost, an amount a currency; play money not among them."""
        sums: Counter[str] = Counter()
        for row in self.rows:
            if row.estimate.worst is not None and not row.estimate.is_play:
                sums[row.estimate.worst.currency] += row.estimate.worst.micros
        return tuple(Money(micros, currency) for currency, micros in sums.items())

    @property
    def unpriced(self) -> int:
        """How many pictures have no known price."""
        return sum(row.estimate.n for row in self.rows if row.estimate.worst is None)


async def make_plan(
    engine: Engine,
    settings: Settings,
    asked: Asked,
    records: Sequence[Record],
    wrong: Sequence[Wrong],
    find: Callable[[str], Upstream] | None = None,
) -> Plan:
    """Every row as it would be asked; `find` gives the upstream of a name, where that is not as the
    settings have it. Raises `RowsWrong` with all that is wrong, by line; and what is no fault of a
    row's (`ConfigError`)."""
    find = find or upstreams_by_name(settings)
    wishers = [Wisher(engine, find(name), settings, "batch") for name in asked.via]
    for wisher in wishers:
        check_secret(wisher.upstream, settings)
    maker = _Maker(engine, wishers, asked)
    told = list(wrong)
    rows: list[Row] = []
    same: dict[int, int] = {}
    seen: dict[str, int] = {}
    for number, record in enumerate(records, 1):
        try:
            row, mark = await maker.make(number, record)
        except ConfigError:
            raise
        except PisangError as error:
            told.append(Wrong(record.line, error.message().rstrip(".")))
            continue
        first = seen.setdefault(mark, record.line)
        if first != record.line and not asked.duplicates:
            same[record.line] = first
        else:
            rows.append(row)
    if told:
        raise rows_wrong(asked.source, told)
    digest = hashlib.sha256(json.dumps([*seen, str(asked.out), list(asked.via)]).encode())
    return Plan(asked, tuple(rows), same, digest.hexdigest())


def rows_wrong(source: str, wrong: Sequence[Wrong]) -> RowsWrong:
    """All that is wrong, by line, as far as it is told at once."""
    told = sorted(wrong, key=lambda one: one.line)
    lines = [f"\n  {one.line}: {one.why}" for one in told[:TOLD]]
    lines += [f"\n  … +{len(told) - TOLD}"] if len(told) > TOLD else []
    return RowsWrong(path=source, count=str(len(told)), rows="".join(lines))


class _Maker:
    """Makes orders of records. A picture that many rows name is read once."""

    def __init__(self, engine: Engine, wishers: Sequence[Wisher], asked: Asked) -> None:
        self._engine = engine
        self._wishers = wishers
        self._asked = asked
        self._taken: dict[str, Reference] = {}

    async def make(self, number: int, record: Record) -> tuple[Row, str]:
        """The row, and what makes another the same."""
        said: dict[str, Any] = {**self._asked.options, **record.fields}
        template, naming = self._asked.prompt, self._asked.name
        prompt = fill(template, record) if template else str(said.get("prompt", ""))
        name = fill(naming, record) if naming else str(said.get("name", ""))
        image = await self._take(said["image"]) if said.get("image") else None
        words = [*_listed(said.get("references")), *record.pictures]
        options: Options = {
            "model": said.get("model"),
            "aspect_ratio": said.get("aspect_ratio"),
            "image_size": said.get("image_size"),
            "n": _count(said.get("n")),
            "references": [await self._take(one) for one in words],
            "max_cost": said.get("max_cost"),
            "timeout_s": said.get("timeout_s"),
            "system": said.get("system"),
            "tags": _listed(said.get("tags")),
            "strict": bool(said.get("strict")),
            "extra": said.get("extra") or {},
        }
        orders = [await one.compose(prompt, image, **options) for one in self._wishers]
        delivery = self._delivery(number, name, prompt)
        if delivery is not None:
            orders = [replace(one, outgoing=delivery.to_json()) for one in orders]
        mark = json.dumps(request_to_json(orders[0].request), sort_keys=True, default=str)
        price = estimate(orders[0], self._engine.catalogue)
        row = Row(record.line, tuple(orders), price, delivery.target if delivery else None)
        return row, hashlib.sha256(mark.encode()).hexdigest()

    async def _take(self, word: ReferenceWord) -> Reference:
        if not isinstance(word, str):
            return await asyncio.to_thread(self._read, word)
        if word not in self._taken:
            self._taken[word] = await asyncio.to_thread(self._read, word)
        return self._taken[word]

    def _read(self, word: ReferenceWord) -> Reference:
        if word == "-":
            raise OptionInvalid(option="references", value="-", why="the list is read from there")
        folder = self._wishers[0].settings.folder
        return take_reference(word, self._engine.store, folder=folder)

    def _delivery(self, number: int, name: str, prompt: str) -> Delivery | None:
        """Where a row's picture goes: always below `out`, whatever its name says."""
        folder, stem = self._asked.out, Path(name.replace("\\", "/"))
        if folder is None:
            return None
        shape, force, most = self._asked.shape, self._asked.force, self._asked.max_bytes
        parts = [safe_name(part) for part in stem.parts if part not in ("/", "..", ".")]
        if not parts:
            template = f"{number:05d}_{{slug}}"
            whole = Target(folder, force=force)
            return Delivery(whole, prompt, template, shape, max_bytes=most)
        last = Path(parts[-1])
        known = last.suffix.lower() in EXTENSIONS
        folder = folder.joinpath(*parts[:-1])
        whole = Target(folder, force=force)
        target = replace(whole, stem=last.stem, extension=last.suffix) if known else whole
        naming = "{slug}" if known else parts[-1].replace("{", "{{").replace("}", "}}")
        check_bytes(target.mime, most)
        return Delivery(target, prompt, naming, shape, max_bytes=most)


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | bytes | Path) else list(value or ())


def _count(value: Any) -> int:
    try:
        return int(value or 1)
    except ValueError:
        raise OptionInvalid(option="n", value=str(value), why="it is no whole number") from None


# --- written down --------------------------------------------------------------------------------


async def write_down(
    engine: Engine, plan: Plan, folder: Path, *, new: bool = False, done_too: bool = False
) -> tuple[Batch, bool]:
    """The batch in the ledger, open, and whether it stood there before. The very same list, given
    again in the same folder before it is over, is gone on with.

    Raises `BatchDone` where it is over, unless it is to be bought anew, or is wanted `done_too`.
    """
    batches, asked = engine.store.batches, plan.asked
    known = None if new else await asyncio.to_thread(_standing, engine, plan, folder, done_too)
    if known is None:
        _check_free(plan)
    mine = known or Batch(
        new_id("bat") if new else _id_of(plan, folder),
        now_ms(),
        name=asked.title,
        source=asked.source,
        folder=str(folder),
        out=str(asked.out) if asked.out is not None else None,
        options={
            "fingerprint": plan.fingerprint,
            "same": {str(k): v for k, v in plan.same.items()},
        },
        limits=asked.limits,
    )
    await asyncio.wrap_future(batches.add(mine))
    # Another process may have written the same list down a moment ago: then that is the batch.
    batch = await asyncio.to_thread(batches.get, mine.id)
    jobs = []
    for row in plan.rows:
        job, wish = job_of(row.line, row.orders, asked.due_ms)
        jobs.append((job, replace(wish, created_ms=batch.created_ms)))
    if batch.state is BatchState.FILLING:
        for start in range(0, len(jobs), CHUNK):
            await asyncio.wrap_future(batches.add_jobs(batch, jobs[start : start + CHUNK]))
    await asyncio.wrap_future(batches.open(batch.id))
    stood = known is not None or batch.created_ms != mine.created_ms
    return replace(batch, state=BatchState.OPEN), stood


def _id_of(plan: Plan, folder: Path) -> str:
    """The same for the same list in the same folder: two who give it at once write down one."""
    digest = hashlib.sha256(f"{folder}\0{plan.fingerprint}".encode()).digest()
    return make_id("bat", int.from_bytes(digest[:5]), int.from_bytes(digest[5:15]))


def _check_free(plan: Plan) -> None:
    """Make the folders. Raises `OutputUnwritable` for one that can't be written to, `RowsWrong` for
    files that are there already, or that two rows want."""
    wanted: dict[Path, int] = {}
    wrong: list[Wrong] = []
    targets = [(row, row.target) for row in plan.rows if row.target is not None]
    for row, target in targets:
        for path in target.names(row.estimate.n):
            if path in wanted:
                wrong.append(Wrong(row.line, f"line {wanted[path]} is to be {path.name} too"))
            elif path.exists() and not target.force:
                wrong.append(Wrong(row.line, f"{path} is there already (--force overwrites)"))
            wanted.setdefault(path, row.line)
    if wrong:
        raise rows_wrong(plan.asked.source, wrong)
    for folder in {target.folder for _, target in targets}:
        check_output(Target(folder), 1)


def _standing(engine: Engine, plan: Plan, folder: Path, done_too: bool) -> Batch | None:
    for batch in engine.store.batches.newest("local", limit=_LOOK_BACK):
        options = batch.options if isinstance(batch.options, dict) else {}
        if batch.folder != str(folder) or options.get("fingerprint") != plan.fingerprint:
            continue
        is_done = batch.state is BatchState.OPEN and engine.store.batches.is_over(batch.id)
        if is_done and not done_too:
            raise BatchDone(batch=batch.id)
        return batch
    return None


# --- told ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A row of a batch that is over: its number (its line in a file, its place in a list, from 1),
    its `place` in the order in which they ended, and what became of it."""

    row: int
    place: int
    result: Result

    def to_json(self) -> dict[str, JSON]:
        """A line of `results.jsonl`."""
        told = self.result.to_json()
        error = self.result.error
        kept = ("request_id", "state", "upstream", "model", "images", "text", "cost", "warnings")
        return {
            "row": self.row,
            **{name: told[name] for name in kept},
            "prompt": self.result.prompt,
            "error": error_json(error) if error is not None and not self.result.images else None,
        }


async def read_ended(engine: Engine, batch_id: str, after: int) -> list[BatchRow]:
    """The next rows that ended behind the `after`-th, their files written; none: not yet."""
    batches = engine.store.batches
    found = await asyncio.to_thread(lambda: batches.ended(batch_id, after=after, limit=_PAGE))
    return [await _ended(engine, row) for row in found]


async def _ended(engine: Engine, row: JobRow) -> BatchRow:
    result = result_of(summary(row.request), engine.store)
    if result.images:
        result = (await collect(result, engine.store)).result
    return BatchRow(row.job.number, row.ended or 0, result)


def upstreams_of(settings: Settings, names: Sequence[str]) -> tuple[Upstream, ...]:
    """The upstreams of those names. Raises what `resolve` raises."""
    find = upstreams_by_name(settings)
    return tuple(find(name) for name in names)
