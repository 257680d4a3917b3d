"""The free call, and what it showed: is the upstream there, does it take the key?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pisang.cli.screen import Screen
from pisang.domain.request import JSON
from pisang.domain.upstream import Upstream
from pisang.engine.probe import Probe


def check_now(upstreams: Sequence[Upstream]) -> list[Probe]:
    """One free call to each of them, side by side. What went wrong is in the result, a missing key
    too. Nothing is written down."""
    from pisang.domain.catalogue import load
    from pisang.engine.probe import probe
    from pisang.engine.reach import Reach
    from pisang.errors import ConfigError

    async def one(upstream: Upstream, reach: Reach) -> Probe:
        try:
            return await probe(upstream, reach)
        except ConfigError as error:
            return Probe(upstream.name, 0, False, error=error)

    async def run() -> list[Probe]:
        reach = Reach(load())
        try:
            return await asyncio.gather(*(one(upstream, reach) for upstream in upstreams))
        finally:
            await reach.close()

    return asyncio.run(run())


def say_found(found: Probe, screen: Screen) -> str:
    """The verdict in words, behind the upstream's name."""
    if not found.key_tested:
        return screen.pick("is there; its key can't be tested for free", "可达；无法免费检验密钥")
    if not found.key_needed:
        return screen.pick("is there, and needs no key", "可用，无需密钥")
    return screen.pick("is there and takes the key", "可用，密钥有效")


def found_json(found: Probe) -> dict[str, JSON]:
    """A check that went well, for programs."""
    return {
        "upstream": found.upstream,
        "ok": True,
        "key_tested": found.key_tested,
        "elapsed_ms": found.elapsed_ms,
        "models": list(found.models),
    }
