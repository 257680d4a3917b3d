"""`Client`: the same as `AsyncClient`, for code without an event loop."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Unpack

from pisang.client.async_client import AsyncClient, Handle
from pisang.client.batches import BatchRow
from pisang.client.batching import CONCURRENCY, BatchHandle, BatchOptions, Rows
from pisang.client.costs import CostReport
from pisang.client.delivery import Delivery
from pisang.client.estimates import Estimate
from pisang.client.export import Exported
from pisang.client.hub import Work
from pisang.client.looking import Looked
from pisang.client.results import Result
from pisang.client.settings import Settings
from pisang.client.wishes import Options, ReferenceWord
from pisang.domain.batch import BatchStatus
from pisang.domain.ledger import AttemptRow
from pisang.domain.money import Money
from pisang.domain.upstream import Upstream
from pisang.engine.engine import Engine
from pisang.engine.portal import Portal
from pisang.engine.probe import Probe
from pisang.engine.relay_facts import RelayFacts
from pisang.store.spending import Grouping, Standing


class SyncHandle:
    """A request under way. It goes on whether or not anybody waits."""

    def __init__(self, handle: Handle, portal: Portal) -> None:
        self._handle = handle
        self._portal = portal

    def wait(self, timeout_s: float | None = None) -> Result:
        """The result, or its error raised; `TimeoutError` when it isn't there in time."""
        return self._portal.call(lambda: self._handle.wait(timeout_s))

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._handle.done

    def cancel(self) -> bool:
        """Stop waiting. An image already sent for is seen through by the engine and kept."""

        async def cancel() -> bool:
            return self._handle.cancel()

        return self._portal.call(cancel)


class SyncBatchHandle:
    """A batch under way: an iterator of its rows as they end, whichever process made them, those
    that ended before too. It goes on whether or not anybody listens, until its client is closed;
    then nothing more of it begins, and `Client.resume`, or the same call again, goes on.

    `same` maps rows that were not bought to the equal ones that are; `known`: it was there before.
    """

    def __init__(self, handle: BatchHandle, portal: Portal) -> None:
        self.id = handle.id
        self.known = handle.known
        self.same = handle.same
        self.client: Client | None = None  # whoever made one for this batch alone
        self._handle = handle
        self._portal = portal

    def __iter__(self) -> SyncBatchHandle:
        return self

    def __next__(self) -> BatchRow:
        """The next row that ended. Raises what this process can't go on for, once all that came is
        told (`ConfigError`, `MoneyError`)."""
        try:
            return self._portal.call(self._handle.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None

    def status(self) -> BatchStatus:
        """How it stands: rows by state, what it cost, what is at stake, its pace."""
        return self._portal.call(self._handle.status)

    def wait(self, timeout_s: float | None = None) -> BatchStatus:
        """How it stands once it is over, its files written. Raises what this process can't go on
        for, and `TimeoutError` when it isn't over in time: it goes on."""
        return self._portal.call(lambda: self._handle.wait(timeout_s))

    def cancel(self) -> None:
        """Let nothing more of it begin. What was sent is seen through, and told."""
        self._portal.call(self._handle.cancel)

    def retry(self, *, unknown: bool = False) -> int:
        """Try its failed rows again, and with `unknown` those that may have been paid for already;
        how many. What comes of them is told as of new ones."""
        return self._portal.call(lambda: self._handle.retry(unknown=unknown))


class Client:
    """Images over one upstream (`None`: as configured), on one home. Use it with `with`.

    What `generate` and its like take may also be given here or with `with_options`, as defaults.
    Safe to use from several threads; a child process must make its own.
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
        inner = AsyncClient(upstream, home=home, settings=settings, face=face, **options)
        self._begin(inner, Portal(), owns=True)

    def _begin(self, inner: AsyncClient, portal: Portal, *, owns: bool) -> None:
        self._inner = inner
        self._portal = portal
        self._first: Client | None = None  # keeps the engine of a derived client open
        self._finish = weakref.finalize(self, _close, inner, portal) if owns else None

    def with_options(
        self, upstream: str | Upstream | None = None, **options: Unpack[Options]
    ) -> Client:
        """A client on the same engine with other defaults. Closing the first closes both."""
        other = object.__new__(Client)
        other._begin(self._inner.with_options(upstream, **options), self._portal, owns=False)
        other._first = self
        return other

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the home. Attempts still under way are settled when it is next opened."""
        if self._finish is not None:
            self._finish()

    def generate(self, prompt: str, **options: Unpack[Options]) -> Result:
        """Make images of words. Those of n that failed are in `failures`; raises when none came."""
        return self._portal.call(lambda: self._inner.generate(prompt, **options))

    def edit(self, image: ReferenceWord, prompt: str, **options: Unpack[Options]) -> Result:
        """Change an image: a path, an id, `"last"`, or bytes."""
        return self._portal.call(lambda: self._inner.edit(image, prompt, **options))

    def submit(
        self, prompt: str, *, image: ReferenceWord | None = None, **options: Unpack[Options]
    ) -> SyncHandle:
        """Start it, and give its handle once the words are known to be right."""
        handle = self._portal.call(lambda: self._inner.submit(prompt, image=image, **options))
        return SyncHandle(handle, self._portal)

    def attempt(
        self,
        prompt: str,
        image: ReferenceWord | None = None,
        *,
        delivery: Delivery | None = None,
        new: bool = False,
        **options: Unpack[Options],
    ) -> Result:
        """The result whatever became of it: its `error` is not raised. A `delivery` is written
        down with the request, for `deliver` to carry out, or `collect` in another process; with
        one, the same wish whose outcome nobody was told is joined, unless this is `new`."""
        return self._portal.call(
            lambda: self._inner.attempt(prompt, image, delivery=delivery, new=new, **options)
        )

    def batch(self, rows: Rows, **options: Unpack[BatchOptions]) -> SyncBatchHandle:
        """Make every picture of a list: a file's (CSV, JSON, JSONL, Excel), or prompts or mappings.
        All rows are checked and written down before anything is sent; the handle gives each as it
        ends. The very same call again, from this folder, goes on with the same batch whoever died,
        and buys nothing twice: one that is over is told again, unless this is `new`.

        Raises `RowsWrong` with all that is wrong, `TableUnreadable`, `OptionInvalid`.
        """
        return self._batch(rows, options)

    def _batch(
        self, rows: Rows, options: BatchOptions, work: Callable[[Engine], Work] | None = None
    ) -> SyncBatchHandle:
        given = rows if isinstance(rows, str | Path) else list(rows)
        handle = self._portal.call(lambda: self._inner._batch(given, options, work))
        return SyncBatchHandle(handle, self._portal)

    def resume(self, batch_id: str, *, concurrency: int = CONCURRENCY) -> SyncBatchHandle:
        """Go on with a batch of whichever process, also one that was cancelled: by its id or a
        prefix of it. Its own options hold. Raises `NotFound`, `Ambiguous`."""
        handle = self._portal.call(lambda: self._inner.resume(batch_id, concurrency=concurrency))
        return SyncBatchHandle(handle, self._portal)

    def batches(self, *, limit: int = 20) -> tuple[BatchStatus, ...]:
        """How the newest batches stand."""
        return self._portal.call(lambda: self._inner.batches(limit=limit))

    def estimate(
        self, prompt: str, image: ReferenceWord | None = None, **options: Unpack[Options]
    ) -> Estimate:
        """What a wish would cost at most, and how it would be asked. Nothing is sent."""
        return self._portal.call(lambda: self._inner.estimate(prompt, image, **options))

    def counted(self, amount: Money | None) -> Money | None:
        """An amount in the ledger's currency; None where it, or its rate, is not known."""
        return self._portal.call(lambda: self._inner.counted(amount))

    def cancel(self, request_id: str) -> bool:
        """Send nothing more of a request. Whether this client works on it."""
        return self._portal.call(lambda: self._inner.cancel(request_id))

    def release(self, request_id: str, *, told: bool) -> None:
        """Nobody waits for a request's outcome any more; `told`: somebody was told it whole."""
        self._portal.call(lambda: self._inner.release(request_id, told=told))

    @property
    def settings(self) -> Settings:
        """The settings in force. Raises `SettingsMalformed`."""
        return self._inner.settings

    @property
    def upstream(self) -> Upstream:
        """The upstream in use. Raises `UpstreamMissing` when none is configured."""
        return self._inner.upstream

    def history(
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
        return self._portal.call(
            lambda: self._inner.history(query, limit=limit, state=state, tag=tag, since=since)
        )

    def request(self, word: str) -> Result:
        """What became of a request: by its id or a prefix of it, or by `last` of this folder."""
        return self._portal.call(lambda: self._inner.request(word))

    def unknown(self) -> tuple[AttemptRow, ...]:
        """The attempts of which nobody knows whether they were made or billed."""
        return self._portal.call(self._inner.unknown)

    def look(self, attempt_id: str) -> Looked:
        """What is known of an unknown attempt; a link in its answer is tried again, for free."""
        return self._portal.call(lambda: self._inner.look(attempt_id))

    def newest(self, word: str | None = None) -> Result:
        """Where a request stands: as `request`, but `None` (and `last`) is the newest request of
        this folder whatever became of it: it may have no image yet."""
        return self._portal.call(lambda: self._inner.newest(word))

    def writer(self, path: Path, prompt: str) -> str | None:
        """The id of the request of this folder, one of the newest, that was asked with these words
        and wrote its image to that path; None where there is none."""
        return self._portal.call(lambda: self._inner.writer(path, prompt))

    def wait(self, request_id: str, timeout_s: float | None = None) -> Result:
        """What became of a request of whichever process, once nothing of it is under way.

        `TimeoutError` when that isn't in time: the request goes on, and can be waited for again.
        Raises `NotFound`.
        """
        return self._portal.call(lambda: self._inner.wait(request_id, timeout_s))

    def deliver(self, result: Result, delivery: Delivery) -> Exported:
        """Write the result's files. What could not be written is the `error`; nothing is lost."""
        return self._portal.call(lambda: self._inner.deliver(result, delivery))

    def collect(self, result: Result) -> Exported:
        """The result with the files that were asked for with it: written now where the process
        that was to do so died, waited for while that lives."""
        return self._portal.call(lambda: self._inner.collect(result))

    def stop(self) -> None:
        """Send nothing more: what waits for its turn ends as `Cancelled`, and costs nothing. What
        was sent goes on, and is kept."""

        async def stop() -> None:
            self._inner.stop()

        self._portal.call(stop)

    def lineage(self, result: Result) -> tuple[Result, ...]:
        """The requests whose images this one was edited from, nearest first."""
        return self._portal.call(lambda: self._inner.lineage(result))

    def children(self, result: Result) -> tuple[Result, ...]:
        """The requests that edit an image of this one, oldest first."""
        return self._portal.call(lambda: self._inner.children(result))

    def write_off(self, attempt_id: str) -> AttemptRow:
        """Give an unknown attempt up: it counts as spent."""
        return self._portal.call(lambda: self._inner.write_off(attempt_id))

    def rebuy(
        self, attempt_id: str, *, delivery: Delivery | None = None, **options: Unpack[Options]
    ) -> Result:
        """Buy an unknown attempt's image again, from the upstream it was asked of."""
        return self._portal.call(
            lambda: self._inner.rebuy(attempt_id, delivery=delivery, **options)
        )

    def costs(
        self, by: Grouping = "upstream", *, since: str = "month", until: str | None = None
    ) -> CostReport:
        """What was spent, by what is asked; see `AsyncClient.costs`."""
        return self._portal.call(lambda: self._inner.costs(by, since=since, until=until))

    def budgets(self) -> tuple[Standing, ...]:
        """Every cap, and what it counts in its present window."""
        return self._portal.call(self._inner.budgets)

    def relay_facts(self, *, group: str | None = None) -> RelayFacts:
        """What a relay publishes for free: prices, the token's balance, its models."""
        return self._portal.call(lambda: self._inner.relay_facts(group=group))

    def probe(self) -> Probe:
        """One free call to the upstream: is it there, does it take the key? Never billed."""
        return self._portal.call(self._inner.probe)


def _close(inner: AsyncClient, portal: Portal) -> None:
    if portal.is_here:
        portal.leave(inner.close)
        return
    portal.call(inner.close)
    portal.close()
