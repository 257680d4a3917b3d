"""Callers who read nothing, or a thousand bytes a second, of large answers.

What the upstream sends is stored as fast as it comes, the server's memory stays bounded, others
are served meanwhile, and who reads on in the end has every byte.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateway.chaos.caller import Caller
from tests.gateway.chaos.dialects import CHAT, NATIVE, NATIVE_STREAM, Dialect, sha256
from tests.gateway.chaos.shop import LONG, Shop, opened, wait_until

pytestmark = [pytest.mark.crash] if LONG else []

CALLERS, KB = (20, 48_000) if LONG else (6, 9_000)
TRICKLE_S = 60 if LONG else 1
WIRES = (NATIVE, NATIVE_STREAM, CHAT) if LONG else (NATIVE,)
MOST_MB = 250
"""What all of the gateway's processes may have; DESIGN's own bound for 48 MB answers."""

WINDOW = 4096
"""The caller's kernel takes no more than about this for him."""


@pytest.mark.parametrize("dialect", WIRES, ids=lambda one: one.name)
def test_who_reads_slowly_holds_up_nobody_and_costs_no_memory(
    dialect: Dialect, tmp_path: Path
) -> None:
    with opened(tmp_path) as shop, ExitStack() as callers:
        slow = []
        for number in range(CALLERS):
            prompt = f'slow {number} {{"kb": {KB}, "same": true}}'
            slow.append(callers.enter_context(Caller(shop.url, dialect, prompt, window=WINDOW)))
            slow[-1].send()
        wait_until(lambda: len(shop.sales) == CALLERS)
        shop.wait_for_rest()  # every body is in the store, and nobody has read a byte of it
        answers = [one.begin() for one in slow]
        heads = [b"" for _ in answers]
        until = time.monotonic() + TRICKLE_S
        while time.monotonic() < until:
            heads = [had + one.read(1000) for had, one in zip(heads, answers, strict=True)]
            serve_another(shop)
            time.sleep(1)
        for one in slow:
            one.widen()
        with ThreadPoolExecutor(4) as pool:
            rests = pool.map(lambda answer: answer.read(), answers)
            # Who waited long heard line breaks before his answer.
            bodies = [
                sha256((head + rest).lstrip(b"\n")) for head, rest in zip(heads, rests, strict=True)
            ]
        slow_ones = (sale for sale in shop.sales if sale["prompt"].startswith("slow"))
        assert sorted(bodies) == sorted(sale["body"] for sale in slow_ones)
        peak_mb = shop.gateways[-1].peak_mb
        print(f"{CALLERS} callers, {KB} kB each, {dialect.name}: peak {peak_mb:.0f} MiB")
        assert peak_mb < MOST_MB
        shop.audit()


def serve_another(shop: Shop) -> None:
    """Somebody else asks for something small, and has it."""
    prompt = f"quick {time.monotonic_ns()}"
    assert shop.ask(NATIVE, prompt).status == 200
