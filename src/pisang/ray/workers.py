"""Actors that do a batch's rows, each a worker like any other on the shared ledger."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from pisang.client.hub import Hub
from pisang.client.settings import Settings
from pisang.client.working import upstreams_by_name
from pisang.engine.engine import Engine
from pisang.errors import ConfigError, ExtraMissing, NotFound, OptionInvalid, PisangError
from pisang.jobs.runner import Runner

ADDRESS = "ray"
"""The word for a cluster: this machine's, or `ray://…` another's."""


class Worker:
    """What an actor is. Ray may start it anew elsewhere and call `work` again, as often as it
    likes: whatever was begun is in the ledger."""

    def __init__(self, home: str | None) -> None:
        self._home = home
        self._runner: Runner | None = None
        self._stopped = False

    async def work(self, batch_id: str, concurrency: int) -> PisangError | None:
        """Do rows of the batch until all of it is over, whoever does the rest, or until `stop`;
        what stood in the way. Nothing is raised: Ray would wrap it."""
        hub = Hub(self._home, None)
        try:
            engine = await hub.engine()
            runner = Runner(engine, upstreams_by_name(hub.settings), concurrency=concurrency)
            self._runner = runner
            if not self._stopped:
                await runner.run(batch_id)
        except NotFound:
            return ConfigError(
                what=f"A node of the cluster has another ledger, without {batch_id}."
            )
        except PisangError as error:
            return error
        finally:
            await hub.close()
        return None

    async def stop(self) -> None:
        """Begin nothing more, and end once what was sent is there."""
        self._stopped = True
        if self._runner is not None:
            self._runner.stop()


class OnRay:
    """A batch done by actors of a cluster, one a node unless told how many. They share its
    concurrency."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        concurrency: int,
        address: str | None = None,
        workers: int | None = None,
        runtime_env: Mapping[str, Any] | None = None,
    ) -> None:
        self._engine = engine
        self._home = home_of(settings)
        self._concurrency = concurrency
        self._address = address
        self._count = workers
        self._runtime_env = dict(runtime_env) if runtime_env else None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin nothing more. What was sent is seen through."""
        self._stopping.set()

    async def run(self, batch_id: str) -> None:
        """Until all of it is over, or `stop`. Raises what stood in the way of all the workers."""
        ray = await asyncio.to_thread(connect, self._address)
        nodes = await asyncio.to_thread(_nodes, ray)
        count = self._count or len(nodes)
        each = math.ceil(self._concurrency / count)
        actors = [self._start(ray, nodes[number % len(nodes)]) for number in range(count)]
        works = [asyncio.ensure_future(_ended(one.work.remote(batch_id, each))) for one in actors]
        stopping = asyncio.create_task(self._stop(actors))
        try:
            told = await asyncio.gather(*works)
        finally:
            stopping.cancel()
            for one in actors:
                ray.kill(one)
        wrong = [error for error in told if error is not None]
        if wrong and not await asyncio.to_thread(self._engine.store.batches.is_over, batch_id):
            raise wrong[0]

    def _start(self, ray: Any, node_id: str) -> Any:
        """A worker on that node, or where it is gone on another. It waits for most of its life, so
        it asks for next to no processor; for none at all Ray 2.60 would put it anywhere."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = ray.remote(Worker).options(
            num_cpus=0.01,
            max_restarts=-1,
            max_task_retries=-1,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=True),
            runtime_env=self._runtime_env,
        )
        return actor.remote(self._home)

    async def _stop(self, actors: list[Any]) -> None:
        await self._stopping.wait()
        await asyncio.gather(*(_ended(one.stop.remote()) for one in actors), return_exceptions=True)


def _nodes(ray: Any) -> list[str]:
    """The nodes that are there."""
    return [node["NodeID"] for node in ray.nodes() if node["Alive"]]


async def _ended(ref: Any) -> Any:
    return await ref


def home_of(settings: Settings) -> str | None:
    """The home that all of a machine's workers share, where the ledger is a file in it; None where
    it is in a database, and each node has a home of its own."""
    return None if settings.storing.ledger is not None else str(settings.home)


def connect(address: str | None) -> Any:
    """Ray, connected: to the cluster that this process is on already, to that of `address`
    (`ray://…`), or to this machine's, which is begun where there is none. Raises `ExtraMissing`,
    `ConfigError`."""
    try:
        import ray
    except ImportError as error:
        raise ExtraMissing(feature="Working on a Ray cluster", extra="ray") from error
    if not ray.is_initialized():
        named = None if address == ADDRESS else address
        try:
            ray.init(address=named, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            what = f"The Ray cluster {named or 'local'} can't be reached ({error})."
            raise ConfigError(what=what) from error
    return ray


def check_address(word: str) -> None:
    """Raises `OptionInvalid` for a word that names no cluster, `ExtraMissing` where Ray is not."""
    scheme, _, host = word.partition("://")
    if word != ADDRESS and not (scheme == ADDRESS and host):
        why = "write ray for this machine's cluster, or ray://host:10001"
        raise OptionInvalid(option="--on", value=word, why=why)
    if find_spec("ray") is None:
        raise ExtraMissing(feature="Working on a Ray cluster", extra="ray")
