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
from typing import Any

from pisang.cli.serving import on_signals
from pisang.client.async_client import Hub
from pisang.client.batches import Ended, read_ended
from pisang.client.files import reason_of
from pisang.client.loading import load_settings
from pisang.client.shapes import error_json
from pisang.client.working import upstreams_by_name
from pisang.engine.engine import Engine
from pisang.errors import OutputUnwritable, PisangError
from pisang.jobs.runner import Runner

DETACH = b"detach\n"
RESULTS = "results.jsonl"


async def keep(batch_id: str, concurrency: int, *, tied: bool = True) -> None:
    """Do the jobs until all are over or it is told to stop. Raises what it can't go on for. `tied`:
    the end of its input tells it to stop too."""
    hub = Hub(None, load_settings())
    try:
        engine = await hub.engine()
        batch = await asyncio.to_thread(engine.store.batches.get, batch_id)
        results = Results(Path(batch.out or ".") / RESULTS, batch_id)
        runner = Runner(engine, upstreams_by_name(hub.settings), concurrency=concurrency)
        on_signals(runner.stop, "SIGINT", "SIGTERM", "SIGHUP")
        tying = asyncio.create_task(_tie(runner) if tied else asyncio.sleep(0))
        writing = asyncio.create_task(_write(engine, results))
        try:
            await runner.run(batch_id)
        finally:
            tying.cancel()
            writing.cancel()
            await asyncio.gather(tying, writing, return_exceptions=True)
            await _write_what_is_there(engine, results)
    finally:
        await hub.close()


async def _tie(runner: Runner) -> None:
    """Stop the runner when the input ends, unless the word came before."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    if await reader.readline() != DETACH:
        runner.stop()


async def _write(engine: Engine, results: Results) -> None:
    while True:
        await _write_what_is_there(engine, results)
        await asyncio.sleep(0.5)


async def _write_what_is_there(engine: Engine, results: Results) -> None:
    """Files of the rows that ended since, and a line of the results for each."""
    while rows := await read_ended(engine, results.batch_id, results.last):
        await asyncio.to_thread(results.add, rows)


class Results:
    """`results.jsonl`: a line for each row that ended, in the order they did. Each line is whole;
    who goes on begins behind the batch's last one. Several batches may share the folder."""

    def __init__(self, path: Path, batch_id: str) -> None:
        self._path = path
        self.batch_id = batch_id
        self.last = _last_of(path, batch_id)

    def add(self, rows: list[Ended]) -> None:
        """Write these down, and know that they are. Raises `OutputUnwritable`."""
        ours = {"batch_id": self.batch_id}
        lines = [
            json.dumps({**ours, **row.to_json(), "ended": row.place}, ensure_ascii=False)
            for row in rows
        ]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(("\n".join(lines) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputUnwritable(path=str(self._path), why=reason_of(error)) from error
        self.last = rows[-1].place


def _last_of(path: Path, batch_id: str) -> int:
    """Behind which row of the batch to go on. A line that a crash cut is taken away."""
    try:
        data = path.read_bytes()
    except OSError:
        return 0
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        with suppress(OSError), path.open("r+b") as file:
            file.truncate(len(whole))
    for line in reversed(whole.splitlines()):
        with suppress(ValueError, KeyError, TypeError):
            told: Any = json.loads(line)
            if told["batch_id"] == batch_id:
                return int(told["ended"])
    return 0


if __name__ == "__main__":
    try:
        asyncio.run(keep(sys.argv[1], int(sys.argv[2])))
    except PisangError as failed:
        print(json.dumps(error_json(failed)))  # noqa: T201 - the watcher reads it
        sys.exit(failed.exit_code)
