"""A storm of failures at one upstream does not become three storms (`policy/retry.py`)."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from pisang.domain.request import Request, Text
from pisang.domain.upstream import Auth, Upstream
from pisang.engine.engine import Engine
from pisang.engine.order import Order
from pisang.errors import Unreachable
from pisang.policy.retry import CAPACITY, COST

CALLS = 40


def nobody() -> Upstream:
    """An upstream at a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Upstream("dead", "gemini", f"http://127.0.0.1:{port}", auth=Auth.NONE)


async def test_many_calls_to_a_dead_upstream_share_one_retry_budget(tmp_path: Path) -> None:
    upstream = nobody()
    order = Order(Request((Text("a kite"),), "gemini-3.1-flash-image"), upstream)
    async with await Engine.open(tmp_path / "home") as engine:
        ended = await asyncio.gather(*(engine.run(order) for _ in range(CALLS)))
    assert {type(ran.error) for ran in ended} == {Unreachable}
    # Each would have brought two retries of its own.
    assert sum(len(ran.row.attempts) for ran in ended) == CALLS + CAPACITY // COST
