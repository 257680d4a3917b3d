"""What an agent may have done on one home: the operations behind the tools, as JSON in and out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pisang.client.async_client import AsyncClient
from pisang.client.delivery import Delivery
from pisang.client.output import check_output, plan_output
from pisang.client.records import model_json
from pisang.client.references import LAST, is_address, is_id
from pisang.client.results import Result
from pisang.client.shapes import error_json
from pisang.client.wishes import Options
from pisang.domain.attempt import Charged
from pisang.domain.catalogue import load
from pisang.domain.money import Money
from pisang.domain.request import JSON
from pisang.engine.events import Event, Listener
from pisang.engine.ids import new_id
from pisang.errors import NotFound, PisangError
from pisang.mcp.limits import MOST_ROWS
from pisang.mcp.purse import Priced, Purse
from pisang.mcp.roots import Roots

Words = Mapping[str, Any]


class Session:
    """Operations by name. What is paid for goes through the purse, what is a path through the
    roots; `last` is this session's last image."""

    def __init__(self, client: AsyncClient, roots: Roots, purse: Purse) -> None:
        self._client = client
        self._roots = roots
        self._purse = purse
        self._last: str | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._does: dict[str, Callable[[Words, Listener], Awaitable[JSON]]] = {
            "paint": self._paint,
            "batch": self._batch,
            "wait": self._wait,
            "cancel": self._cancel,
            "find": self._find,
            "image": self._image,
            "models": self._models,
        }

    async def carry_out(self, name: str, words: Words, hear: Listener) -> JSON:
        """Do it; what came of it. Raises `PisangError`."""
        return await self._does[name](words, hear)

    def stop(self) -> None:
        """Send nothing more."""
        self._client.stop()

    async def finish(self) -> None:
        """Return once nothing of this session is under way."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    # --- making ----------------------------------------------------------------------------------

    async def _paint(self, words: Words, hear: Listener) -> JSON:
        return _told(*await self._make(words, hear))

    async def _make(
        self, words: Words, hear: Listener, tags: tuple[str, ...] = ()
    ) -> tuple[Result, PisangError | None]:
        """Ask for one wish's images and write their files; the error of a file that was not."""
        target = plan_output(self._roots.writable(words.get("out")), base=self._roots.out)
        check_output(target, words.get("n") or 1)
        prompt = words["prompt"]
        image = self._reference(words["image"]) if words.get("image") else None
        options: Options = {
            "model": words.get("model"),
            "aspect_ratio": words.get("aspect_ratio"),
            "image_size": words.get("image_size"),
            "n": words.get("n") or 1,
            "references": [self._reference(one) for one in words.get("references") or ()],
            "max_cost": words.get("max_cost"),
            "tags": tags,
            "on_event": hear,
        }
        priced = await self._priced(prompt, image, options)
        naming = self._client.settings.naming
        delivery = Delivery(target, prompt, naming)
        with self._purse.hold(priced) as holding:
            try:
                result = await self._client.attempt(
                    prompt, image, delivery=delivery, new=True, **options
                )
            except PisangError as error:
                if error.charged is Charged.NO:
                    holding.settle(None)
                raise
            holding.settle(await self._counted(result))
        exported = await self._client.deliver(result, delivery)
        await self._client.release(result.request_id, told=True)
        if exported.result.finals:
            self._last = exported.result.finals[-1].sha256
        return exported.result, exported.error

    async def _priced(self, prompt: str, image: Any, options: Options) -> Priced:
        """What it may cost at most. Raises what is wrong with the words."""
        estimate = await self._client.estimate(prompt, image, **options)
        return Priced(
            worst=await self._client.counted(estimate.worst),
            upstream=self._client.upstream.name,
            model=estimate.model,
            image_size=estimate.image_size or "",
            is_play=estimate.is_play,
        )

    async def _counted(self, result: Result) -> Money | None:
        """What a result came to, in the ledger's currency, with what is at stake."""
        if result.cost.is_play:
            return None
        sums = [one for one in (result.cost.money, result.cost.at_stake) if one is not None]
        counted = [await self._client.counted(one) for one in sums]
        known = [one for one in counted if one is not None]
        return Money(sum(one.micros for one in known), known[0].currency) if known else None

    def _reference(self, word: str) -> Any:
        if word == LAST:
            if self._last is None:
                raise NotFound(what="image made in this session yet, to be", id=LAST)
            return self._last
        # An address is not fetched: the client says so.
        return word if is_id(word) or is_address(word) else self._roots.readable(word)

    # --- many at once ----------------------------------------------------------------------------

    async def _batch(self, words: Words, hear: Listener) -> JSON:
        """Begin every wish; they go on by themselves. Where one can't be granted, none is begun."""
        rows: list[Words] = [{**words, **row} for row in words["rows"]]
        for row in rows:
            options: Options = {
                "model": row.get("model"),
                "aspect_ratio": row.get("aspect_ratio"),
                "image_size": row.get("image_size"),
                "references": [self._reference(one) for one in row.get("references") or ()],
            }
            await self._priced(row["prompt"], None, options)
        job_id = new_id("job")
        begun = [await self._begin(row, job_id) for row in rows]  # one after the other: in order
        return {"job_id": job_id, "requests": [one for one in begun if one is not None]}

    async def _begin(self, row: Words, job_id: str) -> str | None:
        """Begin a wish of a job: its request's id, once it is in the ledger; None where something
        stopped it before (the ledger knows why, where it got so far)."""
        known = asyncio.Event()
        begun: list[str] = []

        def hear(event: Event) -> None:
            begun.append(event.request_id)
            known.set()

        task = asyncio.create_task(self._make(row, hear, (job_id,)))
        self._running.add(task)
        task.add_done_callback(self._seen)
        waiting = asyncio.ensure_future(known.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return begun[0] if begun else None

    def _seen(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # in the ledger, where `wait` finds it

    async def _wait(self, words: Words, hear: Listener) -> JSON:
        """How a job stands, once it is over or after `wait_s`."""
        job_id: str = words["job_id"]
        wait_s: float = words.get("wait_s") or 0.0
        if not job_id.startswith("job_"):
            return await self._wait_one(job_id, wait_s)
        until = time.monotonic() + wait_s
        rows = await self._rows(job_id)
        while time.monotonic() < until and any(one["state"] in _OPEN for one in rows):
            await asyncio.sleep(_LOOK_S)
            rows = await self._rows(job_id)
        return {"job_id": job_id, "requests": [*rows]}

    async def _wait_one(self, request_id: str, wait_s: float) -> JSON:
        try:
            ended = await self._client.wait(request_id, max(wait_s, 0.01))
        except TimeoutError:
            standing = await self._client.request(request_id)
            return _told(standing, None)
        exported = await self._client.collect(ended)
        return _told(exported.result, exported.error)

    async def _rows(self, job_id: str) -> list[Any]:
        found = await self._client.history(None, limit=MOST_ROWS, tag=job_id)
        if not found:
            raise NotFound(what="job", id=job_id)
        return [await self._row(one) for one in reversed(found)]

    async def _row(self, result: Result) -> dict[str, JSON]:
        """A request in a list, with its files where they were written to."""
        if result.images and result.state.value not in _OPEN:
            result = (await self._client.collect(result)).result
        return result.row_json()

    async def _cancel(self, words: Words, hear: Listener) -> JSON:
        """Send nothing more of a job. What was sent is seen through, and kept."""
        job_id: str = words["job_id"]
        if job_id.startswith("job_"):
            ids = [one["id"] for one in await self._rows(job_id)]
        else:
            ids = [(await self._client.request(job_id)).request_id]
        stopped = [one for one in ids if await self._client.cancel(one)]
        return {"job_id": job_id, "stopped": [*stopped]}

    # --- looking ---------------------------------------------------------------------------------

    async def _find(self, words: Words, hear: Listener) -> JSON:
        found = await self._client.history(words.get("query"), limit=words.get("limit") or 10)
        return {"requests": [await self._row(one) for one in found]}

    async def _image(self, words: Words, hear: Listener) -> JSON:
        """One image of ours, or the newest of a request."""
        word: str = words["image"]
        if not is_id(word):
            word = self._reference(word) if word == LAST else str(self._roots.readable(word))
        result = await self._client.request(word)
        return _told((await self._client.collect(result)).result, None)

    async def _models(self, words: Words, hear: Listener) -> JSON:
        upstream = self._client.upstream
        return {
            "upstream": upstream.name,
            "default_model": upstream.default_model,
            "models": [_short(model_json(one)) for one in load().models],
        }


_OPEN = frozenset({"planned", "sent"})
_LOOK_S = 0.5


def _short(model: dict[str, JSON]) -> dict[str, JSON]:
    """What an agent chooses by."""
    names = ("id", "name", "aliases", "aspect_ratios", "image_sizes", "default_size",
             "max_references", "prices", "status")  # fmt: skip
    return {name: model[name] for name in names}


def _told(result: Result, error: PisangError | None) -> dict[str, JSON]:
    """The result as scripts know it, with what went wrong as a whole."""
    whole = result.error or error
    return {**result.to_json(), "error": error_json(whole) if whole else None}
