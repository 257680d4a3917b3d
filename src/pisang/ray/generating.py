"""From a list or a Ray Dataset of wishes to their pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol, Unpack, overload

from pisang.client.batches import BatchRow
from pisang.client.batching import CONCURRENCY, BatchOptions, Rows
from pisang.client.client import Client, SyncBatchHandle
from pisang.client.loading import load_settings
from pisang.client.storing import storage_of
from pisang.engine.engine import Engine
from pisang.engine.ids import new_id
from pisang.engine.world import now_ms
from pisang.ray.workers import OnRay, connect, home_of
from pisang.store.store import Store


class Wishes(Protocol):
    """A `ray.data.Dataset` of wishes, as far as it is needed here."""

    def iter_rows(self) -> Iterable[Any]:
        """Its rows in their order."""

    def materialize(self) -> Any:
        """The same, computed: what tells a Dataset from other iterables of rows."""


@overload
def generate(
    rows: Wishes,
    *,
    address: str | None = None,
    workers: int | None = None,
    home: str | Path | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    **options: Unpack[BatchOptions],
) -> Any: ...


@overload
def generate(
    rows: Rows,
    *,
    address: str | None = None,
    workers: int | None = None,
    home: str | Path | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    **options: Unpack[BatchOptions],
) -> SyncBatchHandle: ...


def generate(
    rows: Any,
    *,
    address: str | None = None,
    workers: int | None = None,
    home: str | Path | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    **options: Unpack[BatchOptions],
) -> Any:
    """Make every picture of a list on a Ray cluster, as `Client.batch` does on one machine: the
    same checks first, the same options, each bought once, and the very same call again goes on.

    A Dataset is answered with one, once all is over: a row for each picture, with its wish's own
    columns and `row`, `index`, `request_id`, `state`, `error`, `cost`, `sha256`, `mime`, `width`,
    `height`, and `picture`, its bytes, which are read when they are asked for. A wish without a
    picture has one row. Anything else is answered with a handle that gives rows as they end.

    `address` names the cluster where this process is on none (None: this machine's), `workers` how
    many actors work (one a node). They are workers like any other: each node needs the ledger and
    the upstreams' keys of its own settings, none of which travels. `runtime_env` is the actors'.
    Raises what `Client.batch` raises, and `ExtraMissing`.
    """
    ray = connect(address)

    def work(engine: Engine) -> OnRay:
        return OnRay(
            engine,
            client.settings,
            concurrency=options.get("concurrency", CONCURRENCY),
            address=address,
            workers=workers,
            runtime_env=runtime_env,
        )

    client = Client(home=home)
    is_dataset = hasattr(rows, "iter_rows") and hasattr(rows, "materialize")
    wishes = list(rows.iter_rows()) if is_dataset else rows
    try:
        handle = client._batch(wishes, options, work)
    except BaseException:
        client.close()
        raise
    if not is_dataset:
        handle.client = client  # it is closed once nobody holds the batch
        return handle
    with client:
        told = list(_told(wishes, handle))
        from_home = home_of(client.settings)
    return ray.data.from_items(told).map(partial(_with_picture, home=from_home))


def _told(wishes: list[Any], handle: SyncBatchHandle) -> Iterator[dict[str, Any]]:
    """A row for each picture, or failure, of each wish, in their order."""
    ended = {row.row: row for row in handle}
    for number, wish in enumerate(wishes, 1):
        row = ended.get(handle.same.get(number, number))
        own = dict(wish) if isinstance(wish, Mapping) else {"prompt": wish}
        for told in _pictures(row) if row is not None else [_nothing("planned")]:
            yield {**own, "row": number, **told}


def _pictures(row: BatchRow) -> list[dict[str, Any]]:
    result = row.result
    if not result.finals:
        error = result.error.message() if result.error is not None else None
        return [{**_nothing(result.state.value, error), "request_id": result.request_id}]
    cost = str(result.cost.money) if result.cost.money is not None else None
    return [
        {
            **_nothing(result.state.value),
            "index": index,
            "request_id": result.request_id,
            "cost": cost,
            "sha256": one.sha256,
            "mime": one.mime,
            "width": one.width,
            "height": one.height,
        }
        for index, one in enumerate(result.finals)
    ]


def _nothing(state: str, error: str | None = None) -> dict[str, Any]:
    return {
        "index": 0, "request_id": None, "state": state, "error": error, "cost": None,
        "sha256": None, "mime": None, "width": None, "height": None,
    }  # fmt: skip


def _with_picture(row: dict[str, Any], home: str | None) -> dict[str, Any]:
    """The row with its picture's bytes, read on whichever node does this."""
    sha256 = row["sha256"]
    data = _store(home).path(sha256).read_bytes() if sha256 else None
    return {**row, "picture": data}


@lru_cache(maxsize=1)
def _store(home: str | None) -> Store:
    settings = load_settings(home=Path(home) if home else None)
    return Store.open(settings.home, clock_ms=now_ms, new_id=new_id, storage=storage_of(settings))
