"""Work on contents beside the loop, in threads of their own where contents are in a bucket: who
waits for a bucket keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from pisang.domain.content import Body
from pisang.store.store import Store

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


async def beside(
    store: Store,
    work: Callable[Asked, Result],
    *arguments: Asked.args,
    **named: Asked.kwargs,
) -> Result:
    """What `work` gives, which puts contents somewhere or fetches them."""
    job = partial(work, *arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(store.keepers, job)


async def bring(store: Store, body: Body) -> None:
    """Have the contents of a body on this machine before it is sent: they are read on the loop.
    Costs nothing where they are always there. Raises what is in the way."""
    named = [piece.content for piece in body if not isinstance(piece, bytes)]
    if store.keepers is not None and named:
        await beside(store, store.bring, named)
