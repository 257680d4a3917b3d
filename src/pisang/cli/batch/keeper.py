"""The process that does a batch's jobs for `pisang batch run`, and writes what comes of them.

Its input is its tie to the command that watches: when that ends without the word `detach`, nothing
more is begun, what was sent is seen through, and the batch waits to be resumed. So does SIGINT or
SIGTERM. What it could not go on for is the one line of JSON that it prints.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from pisang.cli.serving import on_signals
from pisang.client.batches import BatchRow, read_ended
from pisang.client.files import locked, reason_of
from pisang.client.hub import Hub, Work
from pisang.client.loading import load_settings
from pisang.client.settings import Settings
from pisang.client.shapes import error_json
from pisang.client.working import upstreams_by_name
from pisang.engine.engine import Engine
from pisang.errors import OutputUnwritable, PisangError
from pisang.jobs.runner import Runner

DETACH = b"detach\n"
RESULTS = "results.jsonl"
_WRITE_EVERY_S = 0.5


async def keep(
    batch_id: str, concurrency: int, on: str | None = None, *, tied: bool = True
) -> None:
    """Do the jobs, or have them done `on` a cluster, until all are over or it is told to stop.
    Raises what it can't go on for. `tied`: the end of its input tells it to stop too."""
    hub = Hub(None, load_settings())
    try:
        engine = await hub.engine()
        batch = await asyncio.to_thread(engine.store.batches.get, batch_id)
        results = Results(Path(batch.out or ".") / RESULTS, batch_id)
        runner = _worker(engine, hub.settings, concurrency, on)
        on_signals(runner.stop, "SIGINT", "SIGTERM", "SIGHUP")
        tying = asyncio.create_task(_tie(runner) if tied else asyncio.sleep(0))
        over = asyncio.Event()
        writing = asyncio.create_task(_write(engine, results, over))
        try:
            await runner.run(batch_id)
        finally:
            tying.cancel()
            over.set()
            await asyncio.gather(tying, writing, return_exceptions=True)
            await _write_what_is_there(engine, results)
    finally:
        await hub.close()


def _worker(engine: Engine, settings: Settings, concurrency: int, on: str | None) -> Work:
    if on is None:
        return Runner(engine, upstreams_by_name(settings), concurrency=concurrency)
    from pisang.ray.workers import OnRay

    return OnRay(engine, settings, concurrency=concurrency, address=on)


async def _tie(runner: Work) -> None:
    """Stop the runner when the input ends, unless the word came before."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    if await reader.readline() != DETACH:
        runner.stop()


async def _write(engine: Engine, results: Results, over: asyncio.Event) -> None:
    while not over.is_set():
        await _write_what_is_there(engine, results)
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), _WRITE_EVERY_S)


async def _write_what_is_there(engine: Engine, results: Results) -> None:
    """Files of the rows that ended since, and a line of the results for each."""
    while rows := await read_ended(engine, results.batch_id, results.last):
        await asyncio.to_thread(results.add, rows)


class Results:
    """`results.jsonl`: a line for each row that ended, in the order they did. Each line is whole,
    and a row has one, however many keepers write: each reads what the others added before it adds.
    Several batches may share the folder."""

    def __init__(self, path: Path, batch_id: str) -> None:
        self._path = path
        self._read = 0
        self.batch_id = batch_id
        self.last = 0
        if path.is_file():
            self.add([])

    def add(self, rows: list[BatchRow]) -> None:
        """Write down those that nobody has, and know that they are. Raises `OutputUnwritable`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file, locked(file):
                self._catch_up(file)
                if new := [row for row in rows if row.place > self.last]:
                    file.write(b"".join(map(self._line, new)))
                    file.flush()
                    os.fsync(file.fileno())
                    self._read, self.last = file.tell(), new[-1].place
        except OSError as error:
            raise OutputUnwritable(path=str(self._path), why=reason_of(error)) from error

    def _line(self, row: BatchRow) -> bytes:
        told = {"batch_id": self.batch_id, **row.to_json(), "ended": row.place}
        return json.dumps(told, ensure_ascii=False).encode() + b"\n"

    def _catch_up(self, file: BinaryIO) -> None:
        """Read what was added since, and take away a line that a crash cut."""
        file.seek(self._read)
        data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        if whole != data:
            file.truncate(self._read)
        for line in whole.splitlines():
            with suppress(ValueError, KeyError, TypeError):
                told: Any = json.loads(line)
                if told["batch_id"] == self.batch_id:
                    self.last = max(self.last, int(told["ended"]))


if __name__ == "__main__":
    try:
        asyncio.run(keep(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4]))
    except PisangError as failed:
        print(json.dumps(error_json(failed)))  # noqa: T201 - the watcher reads it
        sys.exit(failed.exit_code)
