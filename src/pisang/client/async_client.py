"""`AsyncClient`: ask for images, edit them, find them again (`Client` does so without a loop)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Unpack

from pisang.client.batching import (
    CONCURRENCY,
    BatchHandle,
    BatchOptions,
    Rows,
    begin_batch,
    newest_batches,
    resume_batch,
)
from pisang.client.costs import CostReport, parse_since, parse_until, read_costs
from pisang.client.delivery import Delivery, collect, deliver
from pisang.client.estimates import Estimate, estimate
from pisang.client.export import Exported
from pisang.client.finding import (
    again,
    ancestors,
    find_newest,
    find_request,
    find_unknown,
    find_writer,
)
from pisang.client.hub import Hub, Work
from pisang.client.looking import Looked, look
from pisang.client.results import Result, result_of
from pisang.client.settings import Settings
from pisang.client.upstreams import choose, how_to_key
from pisang.client.wishes import Options, ReferenceWord, Wisher, merged
from pisang.domain.attempt import State
from pisang.domain.batch import BatchStatus
from pisang.domain.ledger import AttemptRow
from pisang.domain.money import Money
from pisang.domain.upstream import Upstream
from pisang.engine.engine import Engine
from pisang.engine.events import Listener, ignore
from pisang.engine.order import Order
from pisang.engine.outcome import summary
from pisang.engine.probe import Probe, probe
from pisang.engine.relay_facts import RelayFacts, read_facts
from pisang.errors import KeyMissing, Mismatch, Unexpected
from pisang.store.spending import Grouping, Standing


class Handle:
    """A request under way. It goes on whether or not anybody waits."""

    def __init__(self, task: asyncio.Task[Result]) -> None:
        self._task = task
        task.add_done_callback(_seen)

    async def wait(self, timeout_s: float | None = None) -> Result:
        """The result, or its error raised. `TimeoutError` when it isn't there in time: the request
        goes on, and can be waited for again."""
        done, _ = await asyncio.wait({self._task}, timeout=timeout_s)
        if not done:
            raise TimeoutError("the request is still under way")
        return self._task.result()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._task.done()

    def cancel(self) -> bool:
        """Stop waiting. An image already sent for is seen through by the engine and kept."""
        return self._task.cancel()


def _seen(task: asyncio.Task[Result]) -> None:
    """A handle that nobody waits for is no fault: its error is in the ledger too."""
    if not task.cancelled():
        task.exception()


class AsyncClient:
    """Images over one upstream (`None`: as configured), on one home. Use it with `async with`.

    What `generate` and its like take may also be given here or with `with_options`, as defaults.
    """

    def __init__(
        self,
        upstream: str | Upstream | None = None,
        *,
        home: str | Path | None = None,
        settings: Settings | None = None,
        face: str = "sdk",
        **options: Unpack[Options],
    ) -> None:
        self._hub = Hub(home, settings)
        self._upstream = upstream
        self._face = face
        self._options = merged({}, options)

    def with_options(
        self, upstream: str | Upstream | None = None, **options: Unpack[Options]
    ) -> AsyncClient:
        """A client on the same engine with other defaults."""
        other = AsyncClient(upstream or self._upstream, face=self._face)
        other._hub = self._hub
        other._options = merged(self._options, options)
        return other

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the home. Attempts still under way are settled when it is next opened."""
        await self._hub.close()

    # --- making images -------------------------------------------------------------------------

    async def generate(self, prompt: str, **options: Unpack[Options]) -> Result:
        """Make images of words. Those of n that failed are in `failures`; raises when none came."""
        return told(await self.attempt(prompt, None, **options))

    async def edit(self, image: ReferenceWord, prompt: str, **options: Unpack[Options]) -> Result:
        """Change an image: a path, an id, `"last"`, or bytes. An image of ours goes on from its
        turns, thought signatures and all."""
        return told(await self.attempt(prompt, image, **options))

    async def submit(
        self, prompt: str, *, image: ReferenceWord | None = None, **options: Unpack[Options]
    ) -> Handle:
        """Start it, and give its handle once the words are known to be right."""
        order, listen = await self._compose(prompt, image, options)

        async def run() -> Result:
            return told(await self._run(order, listen))

        return Handle(asyncio.create_task(run()))

    async def attempt(
        self,
        prompt: str,
        image: ReferenceWord | None = None,
        *,
        delivery: Delivery | None = None,
        new: bool = False,
        **options: Unpack[Options],
    ) -> Result:
        """The result whatever became of it: its `error` is not raised. Raises only what stopped
        everything before anything was sent. A `delivery` is written down with the request, for
        `deliver` to carry out, or `collect` in whichever process asks for it later.

        With a delivery and without a key, the same wish of the last hour in this folder whose
        outcome nobody was told (see `release`) is joined, not bought again, unless it is `new`.
        """
        order, listen = await self._compose(prompt, image, options)
        if delivery is not None:
            route = f"{self._face}:{order.folder}"
            spec = delivery.to_json()
            order = replace(order, outgoing=spec, route=route, join="lost", new=new)
        return await self._run(order, listen)

    async def estimate(
        self, prompt: str, image: ReferenceWord | None = None, **options: Unpack[Options]
    ) -> Estimate:
        """What a wish would cost at most, and how it would be asked. Nothing is sent, and nothing
        written down but the pictures it names. Raises what is wrong with the words."""
        order, _ = await self._compose(prompt, image, options)
        return estimate(order, (await self._hub.engine()).catalogue)

    async def counted(self, amount: Money | None) -> Money | None:
        """An amount in the ledger's currency, which is what caps count in; None where it, or its
        rate, is not known."""
        return (await self._hub.engine()).money.convert(amount)

    async def cancel(self, request_id: str) -> bool:
        """Send nothing more of a request: what of it waits for its turn ends as `Cancelled`, free.
        Whether this client works on it. What was sent is seen through, and kept."""
        return (await self._hub.engine()).cancel(request_id)

    async def release(self, request_id: str, *, told: bool) -> None:
        """Nobody waits for a request's outcome any more; `told`: somebody was told it whole."""
        store = (await self._hub.engine()).store
        await asyncio.wrap_future(store.detach(request_id, delivered=told))

    async def deliver(self, result: Result, delivery: Delivery) -> Exported:
        """Write the result's files. What could not be written is the `error`; nothing is lost."""
        return await deliver(result, delivery, (await self._hub.engine()).store)

    def stop(self) -> None:
        """Send nothing more: what waits for its turn ends as `Cancelled`, and costs nothing. What
        was sent goes on, and is kept. For the thread of the client's loop (a signal handler)."""
        self._hub.stop()

    async def _compose(
        self, prompt: str, image: ReferenceWord | None, options: Options
    ) -> tuple[Order, Listener]:
        said = merged(self._options, options)
        wisher = Wisher(await self._hub.engine(), self.upstream, self._hub.settings, self._face)
        return await wisher.compose(prompt, image, **said), said.get("on_event") or ignore

    async def _run(self, order: Order, listen: Listener) -> Result:
        engine = await self._hub.engine()
        with self._hinting(order.upstream):
            return result_of(await engine.run(order, listen), engine.store)

    @contextmanager
    def _hinting(self, upstream: Upstream) -> Iterator[None]:
        """A missing key's error says how to give one."""
        try:
            yield
        except KeyMissing as error:
            error.hint = error.hint or how_to_key(upstream, self._hub.settings)
            raise

    async def batch(self, rows: Rows, **options: Unpack[BatchOptions]) -> BatchHandle:
        """Make every picture of a list: a file's (CSV, JSON, JSONL, Excel), or prompts or mappings.
        All rows are checked and written down before anything is sent; the handle gives each as it
        ends. The very same call again, from this folder, goes on with the same batch whoever died,
        and buys nothing twice: one that is over is told again, unless this is `new`.

        Raises `RowsWrong` with all that is wrong, `TableUnreadable`, `OptionInvalid`.
        """
        return await self._batch(rows, options)

    async def _batch(
        self, rows: Rows, options: BatchOptions, work: Callable[[Engine], Work] | None = None
    ) -> BatchHandle:
        return await begin_batch(self._hub, rows, self._upstream, self._options, options, work)

    async def resume(self, batch_id: str, *, concurrency: int = CONCURRENCY) -> BatchHandle:
        """Go on with a batch of whichever process, also one that was cancelled: by its id or a
        prefix of it. Its own options hold. Raises `NotFound`, `Ambiguous`."""
        return await resume_batch(self._hub, batch_id, concurrency)

    async def batches(self, *, limit: int = 20) -> tuple[BatchStatus, ...]:
        """How the newest batches stand."""
        return await newest_batches(self._hub, limit)

    # --- what was made -------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings in force. Raises `SettingsMalformed`."""
        return self._hub.settings

    @property
    def upstream(self) -> Upstream:
        """The upstream in use. Raises `UpstreamMissing` when none is configured."""
        if not isinstance(self._upstream, Upstream):
            self._upstream = choose(self._hub.settings, self._upstream)
        return self._upstream

    async def history(
        self,
        query: str | None = None,
        *,
        limit: int = 20,
        state: str | None = None,
        tag: str | None = None,
        since: str | None = None,
    ) -> tuple[Result, ...]:
        """The newest requests: those whose prompt has `query` in it, in that state, with that tag,
        asked since a time (`7d`, `2026-08`), as far as each is given. Raises `OptionInvalid`."""
        from pisang.client.finding import asked

        wanted = asked(query, limit, state, tag, since)
        engine = await self._hub.engine()
        rows = await asyncio.to_thread(engine.store.history, wanted)
        return tuple(result_of(summary(row), engine.store) for row in rows)

    async def request(self, word: str) -> Result:
        """What became of a request: by its id or a prefix of it, or by `last` of this folder.

        Raises `NotFound` or `Ambiguous`.
        """
        engine = await self._hub.engine()
        row = await asyncio.to_thread(find_request, word, engine.store, self._hub.settings.folder)
        return result_of(summary(row), engine.store)

    async def newest(self, word: str | None = None) -> Result:
        """Where a request stands: as `request`, but `None` (and `last`) is the newest request of
        this folder whatever became of it: it may have no image yet."""
        engine = await self._hub.engine()
        row = await asyncio.to_thread(find_newest, word, engine.store, self._hub.settings.folder)
        return result_of(summary(row), engine.store)

    async def writer(self, path: Path, prompt: str) -> str | None:
        """The id of the request of this folder, one of the newest, that was asked with these words
        and wrote its image to that path; None where there is none."""
        store = (await self._hub.engine()).store
        folder = self._hub.settings.folder
        return await asyncio.to_thread(find_writer, path, prompt, store, folder)

    async def wait(self, request_id: str, timeout_s: float | None = None) -> Result:
        """What became of a request of whichever process, once nothing of it is under way.

        `TimeoutError` when that isn't in time: the request goes on, and can be waited for again.
        Raises `NotFound`.
        """
        engine = await self._hub.engine()
        async with asyncio.timeout(timeout_s):
            return result_of(await engine.wait(request_id), engine.store)

    async def collect(self, result: Result) -> Exported:
        """The result with the files that were asked for with it: written now where the process
        that was to do so died, waited for while that lives."""
        return await collect(result, (await self._hub.engine()).store)

    async def lineage(self, result: Result) -> tuple[Result, ...]:
        """The requests whose images this one was edited from, nearest first."""
        engine = await self._hub.engine()
        rows = await asyncio.to_thread(ancestors, result.parent, engine.store)
        return tuple(result_of(summary(row), engine.store) for row in rows)

    async def children(self, result: Result) -> tuple[Result, ...]:
        """The requests that edit an image of this one, oldest first."""
        engine = await self._hub.engine()
        hashes = [image.sha256 for image in result.images]
        rows = await asyncio.to_thread(engine.store.children, hashes)
        return tuple(result_of(summary(row), engine.store) for row in rows)

    async def unknown(self) -> tuple[AttemptRow, ...]:
        """The attempts of which nobody knows whether they were made or billed."""
        engine = await self._hub.engine()
        return tuple(await asyncio.to_thread(engine.store.unknowns))

    async def look(self, attempt_id: str) -> Looked:
        """What is known of an unknown attempt. A picture that its answer named by URL is tried
        again, for free; once it is had the attempt is done. Raises `NotFound` or `Ambiguous`."""
        engine = await self._hub.engine()
        row = await find_unknown(attempt_id, engine)
        return await look(row, engine, self._hub.settings)

    async def write_off(self, attempt_id: str) -> AttemptRow:
        """Give an unknown attempt up: it counts as spent. Raises `NotFound`."""
        engine = await self._hub.engine()
        row = await find_unknown(attempt_id, engine)
        await engine.resolve(row.id, State.WRITTEN_OFF)
        return row

    async def rebuy(
        self, attempt_id: str, *, delivery: Delivery | None = None, **options: Unpack[Options]
    ) -> Result:
        """Buy an unknown attempt's image again, from the upstream it was asked of. It counts as
        spent, and is marked as bought again once the new one came. One that was bought again
        before is given, not bought a third time; where that one's outcome is unknown too, it is
        the error. Raises `NotFound`."""
        engine = await self._hub.engine()
        row = await find_unknown(attempt_id, engine)
        order = await again(row, engine, self._hub.settings, self._face)
        order = replace(order, outgoing=delivery.to_json() if delivery else None)
        result = await self._run(order, merged(self._options, options).get("on_event") or ignore)
        if result.state is State.DONE:
            with suppress(Unexpected):  # another process noted it meanwhile
                await engine.resolve(row.id, State.REBOUGHT)
        return told(result)

    async def costs(
        self, by: Grouping = "upstream", *, since: str = "month", until: str | None = None
    ) -> CostReport:
        """What was spent, by `upstream`, `model`, `day`, `key` or `tag`, in days of the local
        clock: `since` is `7d`, `today`, `month`, `2026-11-01` and the like, `until` the end of a
        day. Raises `OptionInvalid`."""
        now = datetime.now().astimezone()
        span = parse_since(since, now), parse_until(until, now) if until else None
        return await read_costs(await self._hub.engine(), by, *span)

    async def budgets(self) -> tuple[Standing, ...]:
        """Every cap, and what it counts in its present window."""
        engine = await self._hub.engine()
        return tuple(await asyncio.to_thread(engine.store.spending.standings))

    async def relay_facts(self, *, group: str | None = None) -> RelayFacts:
        """What the upstream publishes for free, where it is a relay of the new-api family: prices,
        the token's balance, its models. Raises `OptionInvalid` for a group that it has not."""
        engine = await self._hub.engine()
        return await read_facts(self.upstream, engine.reach, engine.catalogue, group=group)

    async def probe(self) -> Probe:
        """One free call to the upstream: is it there, does it take the key? Never billed."""
        reach = (await self._hub.engine()).reach
        with self._hinting(self.upstream):
            return await probe(self.upstream, reach)


def told(result: Result) -> Result:
    """The result; raises its error when no image came, or when `strict` made it one."""
    if result.error is not None and (not result.images or isinstance(result.error, Mismatch)):
        raise result.error
    return result
